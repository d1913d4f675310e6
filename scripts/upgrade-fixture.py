#!/usr/bin/env python3
"""Makes what the upgrade test opens: a data folder of a release, and what that release said about it.

    upgrade-fixture.py RELEVO_BINARY        writes tests/fixtures/upgrade/<version>/{data.tar.gz,expected.json}

Run once for each release, with its own binary, and committed; never made anew for an old one. The broker plays the demo's sample
traffic and people do a bit of everything; then it is stopped, started again, and asked. tests/it/upgrade.rs asks every later binary the same.
Nothing that depends on the day on which it is asked belongs here: no snooze with a time, no counts of raw items (they expire).
"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
# How long the broker may take for a start, and the views for a change, in seconds.
PATIENCE = 60
# Small budgets: the folder is opened on machines with little room.
STORE_BYTES = str(2 << 30)
# What nobody needs to open the folder; the logs name folders of this machine.
LEFT_OUT = re.compile(r"(^|/)(lock|relevo\.addresses|nats-server\.log|nats-server\.start\.log|nats-server\.conf|owner\.json|port|LOG|LOG\.old.*)$")
# The view decides alone; other parts would change what was recorded (a pause that ends, a message that goes out).
QUIET = {"RELEVO__TIMERS__ENABLED": "false", "RELEVO__SENDING__ENABLED": "false", "RELEVO__MAILBOX__ENABLED": "false"}


class Broker:
    def __init__(self, binary, folder, quiet):
        self.binary, self.data = binary, folder / "data"
        environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "RELEVO_LANG": "en", "RELEVO__NATS__STORE_BYTES": STORE_BYTES}
        if quiet:
            environment |= QUIET
        addresses = self.data / "relevo.addresses"
        addresses.unlink(missing_ok=True)
        command = [binary, "serve", "--demo", "--http-addr", "127.0.0.1:0", "--grpc-addr", "127.0.0.1:0", "--data-dir", self.data]
        self.log = open(folder / "broker.log", "ab")
        self.process = subprocess.Popen(command, env=environment, stdout=self.log, stderr=self.log)
        lines = until("the addresses", lambda: addresses.exists() and addresses.read_text())
        found = dict(line.split("=", 1) for line in lines.splitlines())
        self.http, self.grpc = found["http"], found["grpc"]
        until("ready", lambda: status(f"{self.http}/readyz") == 200)

    def run(self, who, *words):
        command = [self.binary, "--server", self.grpc, "--api-key", f"relevo-demo-{who}", "--lang", "en", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"relevo {' '.join(words)}: {done.stderr}{(self.data.parent / 'broker.log').read_text()[-2000:]}")
        return done.stdout

    def ask(self, who, *words):
        return json.loads(self.run(who, *words, "--json"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(PATIENCE):
            sys.exit("the broker did not stop in order")


def status(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status
    except (urllib.error.URLError, OSError):
        return None


def until(what, condition):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    sys.exit(f"{what}: not within {PATIENCE} s")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def listens(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def rows(broker):
    return broker.ask("supervisor", "conversation", "list", "--status", "all", "--limit", "200")["conversations"]


def sending(broker, folder):
    """A channel that is added while the broker runs, and a template that goes out by it and is read."""
    port = free_port()
    stand_in = subprocess.Popen(
        [sys.executable, ROOT / "examples/stand-in/meta.py", "--listen", f"127.0.0.1:{port}", "--webhook", f"{broker.http}/webhooks/meta/demo"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until("the stand-in", lambda: listens(port))
        channel = (ROOT / "examples/stand-in/channel.toml").read_text().replace("127.0.0.1:8482", f"127.0.0.1:{port}")
        (folder / "channel.toml").write_text(channel)
        broker.run("admin", "channel", "add", "file", str(folder / "channel.toml"))
        broker.run("admin", "channel", "check", "wa-prueba")
        until("templates", lambda: "turno_confirmado" in broker.run("agent", "template", "list", "wa-prueba"))
        start = ["conversation", "start", "wa-prueba", "+54 9 11 5555-0303", "--name", "Inés Prado", "--template", "turno_confirmado"]
        broker.run("agent", *start, "--value", "1=Inés", "--value", "2=lunes a las 10:00")
        until("read", lambda: any(row["last_message_state"] == "SEND_STATE_READ" for row in rows(broker)))
    finally:
        stand_in.terminate()
        stand_in.wait()


def people(broker):
    """What people do: a bit of everything that views show."""
    by_name = {row["contact_name"]: row["conversation_id"] for row in rows(broker)}
    one = lambda name: by_name[name]  # noqa: E731
    broker.run("agent", "conversation", "pause", one("María García"), "--reason", "complaint", "--note", "Que la llame Laura")
    broker.run("agent", "conversation", "claim", one("María García"))
    broker.run("supervisor", "conversation", "pause", one("Rosa Medina"), "--reason", "other", "--note", "Hasta nuevo aviso", "--locked")
    broker.run("agent", "conversation", "pause", one("Lucía Fernández"), "--for", "300d", "--reason", "complaint")
    broker.run("agent", "conversation", "pause", one("João Souza"), "--reason", "complaint")
    broker.run("agent", "conversation", "resume", one("João Souza"))
    broker.run("agent", "conversation", "tag", "add", one("Rosa Medina"), "Reembolso", "--create", "--colour", "#d7263d")
    broker.run("agent", "conversation", "priority", one("Rosa Medina"), "urgent")
    broker.run("agent", "conversation", "note", one("Rosa Medina"), "Cobrado dos veces, devolución acordada")
    broker.run("agent", "conversation", "snooze", one("Valentina Ruiz"), "--until-reply")
    broker.run("agent", "conversation", "resolve", one("Carlos Benítez"))
    broker.run("agent", "conversation", "claim", one("Tomás Acosta"))


def questions(broker):
    """Who asks what: the words of the command line, without --json."""
    days = sorted(row["last_activity"][:10] for row in rows(broker))
    asked = [
        ("supervisor", ["conversation", "list", "--status", "all", "--limit", "200"]),
        ("supervisor", ["conversation", "counters"]),
        ("agent", ["conversation", "counters"]),
        ("supervisor", ["conversation", "list", "--search", "garcía"]),
        ("supervisor", ["pause", "list"]),
        ("supervisor", ["assignment", "list"]),
        ("supervisor", ["tag", "list"]),
        ("analyst", ["metrics", "show", "--from", days[0], "--to", days[-1], "--hours"]),
    ]
    for row in rows(broker):
        asked.append(("supervisor", ["conversation", "messages", row["conversation_id"]]))
    return asked


def without_moments(value):
    """An answer without what belongs to the moment of asking."""
    if isinstance(value, dict):
        return {key: without_moments(one) for key, one in value.items() if key not in ("position", "next_page_token", "previous_page_token")}
    return [without_moments(one) for one in value] if isinstance(value, list) else value


def main():
    binary = pathlib.Path(sys.argv[1]).resolve()
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="relevo-upgrade-"))
    broker = None
    try:
        broker = Broker(binary, folder, quiet=False)
        broker.run("admin", "demo", "play", "--http", broker.http)
        until("intake is done", lambda: broker.ask("ops", "intake", "status").get("backlog", "0") == "0")
        until("the customers are there", lambda: len(rows(broker)) >= 13)
        people(broker)
        sending(broker, folder)
        broker.stop()

        broker = Broker(binary, folder, quiet=True)
        asked = [{"who": who, "words": words, "answer": without_moments(broker.ask(who, *words))} for who, words in questions(broker)]
        log = broker.ask("ops", "log", "verify")["verdict"]
        views = {view["name"]: view["version"] for view in broker.ask("ops", "view", "status")["views"]}
        broker.stop()
        expected = {"version": version, "commits": log["commits"], "events": log["events"], "entities": log["entities"], "views": views, "asked": asked}
        target = ROOT / "tests/fixtures/upgrade" / version
        target.mkdir(parents=True, exist_ok=True)
        lines = ",\n".join("  " + json.dumps(one, ensure_ascii=False) for one in asked)
        head = json.dumps({key: one for key, one in expected.items() if key != "asked"}, ensure_ascii=False)
        (target / "expected.json").write_text(f'{head[:-1]}, "asked": [\n{lines}\n]}}\n')
        pack(broker.data, target / "data.tar.gz")
    finally:
        if broker and broker.process.poll() is None:
            broker.process.terminate()
            broker.process.wait()
        shutil.rmtree(folder)


def pack(data, target):
    def keep(entry):
        if LEFT_OUT.search(entry.name):
            return None
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return entry

    with tarfile.open(target, "w:gz", compresslevel=9) as archive:
        archive.add(data, arcname="data", filter=keep)
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size} bytes")


main()
