"""Runs the example against a demo broker, as a person would, and ends with `python: N checks, 0 failed`.

    RELEVO_SERVER=… RELEVO_HTTP=… python check_inbox.py
"""

import hashlib
import hmac
import json
import os
import pathlib
import queue
import subprocess
import sys
import threading
import time
import urllib.request

EXAMPLE = str(pathlib.Path(__file__).resolve().parent / "inbox.py")
HTTP = os.environ["RELEVO_HTTP"]
# Whatever is waited for happens within this time, in seconds, on a busy machine too.
WITHIN = 30

failures = []
count = 0


def check(what: str, good: bool, seen: object = "") -> None:
    global count
    count += 1
    print(f"{'ok  ' if good else 'FAIL'} {what}{'' if good else f': {seen}'}")
    if not good:
        failures.append(what)


def run(*args: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, EXAMPLE, *args], capture_output=True, text=True, timeout=WITHIN * 2)


def customer_writes(number: str, name: str, text: str) -> None:
    """One signed message, as Meta posts it to the demo's webhook."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"},
        "contacts": [{"profile": {"name": name}, "wa_id": number}],
        "messages": [
            {"from": number, "id": f"wamid.{time.time_ns()}", "timestamp": str(int(time.time())), "type": "text", "text": {"body": text}}
        ],
    }
    entry = [{"id": "102290129340398", "changes": [{"field": "messages", "value": value}]}]
    body = json.dumps({"object": "whatsapp_business_account", "entry": entry}).encode()
    signature = hmac.new(b"relevo-demo-app-secret", body, hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={signature}"}
    with urllib.request.urlopen(urllib.request.Request(f"{HTTP}/webhooks/meta/demo", body, headers), timeout=WITHIN) as answer:
        assert answer.status == 200, answer.status


def lines_of(process: subprocess.Popen) -> queue.Queue:
    lines: queue.Queue = queue.Queue(maxsize=10_000)

    def read() -> None:
        for text in process.stdout:
            lines.put(text)

    threading.Thread(target=read, daemon=True).start()
    return lines


def appears(lines: queue.Queue, text: str) -> bool:
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        try:
            if text in lines.get(timeout=0.2):
                return True
        except queue.Empty:
            pass
    return False


def row_of(name: str) -> str:
    return next((line for line in run("list").stdout.splitlines() if name in line), "")


def main() -> int:
    watching = subprocess.Popen([sys.executable, "-u", EXAMPLE, "watch"], stdout=subprocess.PIPE, text=True)
    lines = lines_of(watching)
    try:
        customer_writes("5491155559901", "Clara Paz", "¿Hay turno mañana?")
        check("a new message appears in the watch", appears(lines, "¿Hay turno mañana?"))
        row = row_of("Clara Paz")
        check("it is in the list", " active " in row, row)
        conversation = row.split(" ")[0]
        paused = run("pause", conversation, "--reason", "complaint", "--note", "la llamo")
        check("pausing is answered with a position", paused.stdout.startswith("done "), paused)
        check("the watch shows the pause", appears(lines, f"{conversation}  paused"))
        check("the list shows the pause", " paused " in row_of("Clara Paz"))
        again = run("pause", conversation)
        check("pausing again is already so", again.stdout.startswith("already so"), again)
        resumed = run("resume", conversation)
        check("resuming is answered", resumed.stdout.startswith("done "), resumed)
        check("the watch shows the bot active again", appears(lines, f"{conversation}  active"))
        unknown = run("pause", conversation[:-4] + ("0000" if conversation[-4:] != "0000" else "1111"))
        check("an unknown conversation is a typed error", "CONVERSATION_NOT_FOUND" in unknown.stderr and unknown.returncode == 1, unknown)
        stranger = run("--api-key", "nobody", "--lang", "es", "list")
        check("an unknown key is refused in Spanish", "UNAUTHENTICATED" in stranger.stderr and "clave" in stranger.stderr, stranger)
    finally:
        watching.terminate()
        watching.wait(timeout=WITHIN)
    print(f"python: {count} checks, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
