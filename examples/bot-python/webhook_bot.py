"""A bot that is a web service: Relevo posts each turn to it, signed, and it answers with actions.

    WEBHOOK_SECRETS=… python webhook_bot.py --listen 127.0.0.1:8483

WEBHOOK_SECRETS: the secrets of the bot's configuration, separated by commas; a call that none of them has signed is refused. Who
writes "lento" is answered later, over BotService.Act (RELEVO_SERVER, RELEVO_API_KEY), as a bot does that has to think for long.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import os
import pathlib
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# A call that was signed longer ago was recorded by somebody.
AGE_SECONDS_MAX = 300
# A turn with all its history has a tenth of this.
BODY_BYTES_MAX = 4 << 20
# How long one call to Relevo may take.
CALL_SECONDS = 10
# Turns that are thought about at the same time; others stay open and come again.
THINKING_MAX = 32

thinking = threading.BoundedSemaphore(THINKING_MAX)


def say(*words: object) -> None:
    print(*words, flush=True)


def signed(header: str, body: bytes, secrets: list[str], now: float) -> bool:
    """Whether somebody who knows one of the secrets signed this body, and just now."""
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    given = [value for name, _, value in pairs if name == "v1"]
    if len(times) != 1 or not times[0].isdecimal() or not times[0].isascii() or len(times[0]) > 12:
        return False
    if abs(now - int(times[0])) > AGE_SECONDS_MAX:
        return False
    message = times[0].encode() + b"." + body
    good = False
    for secret in secrets:
        expected = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
        for signature in given:
            # In constant time, and no early end: how long it takes tells nothing about the secret.
            good |= hmac.compare_digest(expected.encode(), signature.encode(errors="replace"))
    return good


def answer(turn: dict) -> dict | None:
    """What to do in a turn, or None: later. This function is the bot."""
    if not turn["expects_answer"]:
        return {"actions": [{"done": {}}]}
    asked = [said["text"] for said in turn["messages"] if said["who"] == "WHO_CUSTOMER"]
    last = asked[-1] if asked else ""
    if "lento" in last.lower():
        return None
    if "persona" in last.lower():
        return {"actions": [{"handoff": {"note": "Pide hablar con una persona."}}]}
    return {"actions": [{"reply": {"message": {"text": {"text": f"Recibimos: {last}"}}}}]}


def answer_later(turn: dict) -> None:
    """The same over gRPC, when the answer is ready."""
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "gen"))
    import grpc
    from google.rpc import error_details_pb2
    from grpc_status import rpc_status
    from relevo.bot.v1 import bot_pb2 as bot
    from relevo.bot.v1 import bot_pb2_grpc
    from relevo.command.v1 import outgoing_pb2 as outgoing

    try:
        text = outgoing.OutgoingMessage(text=outgoing.OutgoingText(text="Ya lo tengo: sí."))
        request = bot.ActRequest(
            command_id=f"later:{turn['conversation_id'][-12:]}:{turn['turn']}",
            conversation_id=turn["conversation_id"],
            turn=int(turn["turn"]),
            reply=bot.Reply(message=text),
        )
        server = os.environ.get("RELEVO_SERVER", "127.0.0.1:8481").removeprefix("http://")
        metadata = (("authorization", f"Bearer {os.environ.get('RELEVO_API_KEY', 'relevo-demo-bot')}"),)
        # A real one does its thinking here; this one waits until it is told to go on, so that a pause can come in between.
        go = os.environ.get("GO_FILE")
        end = time.monotonic() + CALL_SECONDS
        while go and not os.path.exists(go) and time.monotonic() < end:
            time.sleep(0.05)
        with grpc.insecure_channel(server) as channel:
            bot_pb2_grpc.BotServiceStub(channel).Act(request, metadata=metadata, timeout=CALL_SECONDS)
        say("answered later")
    except grpc.RpcError as error:
        status, code, details = rpc_status.from_call(error), error.code().name, {}
        for detail in status.details if status else ():
            info = error_details_pb2.ErrorInfo()
            if detail.Unpack(info) and info.domain == "relevo":
                code, details = info.reason, dict(info.metadata)
        if code == "BOT_PAUSED":
            # Somebody answers in person. Whatever we wanted to say is said no more.
            say("paused", details.get("reason", ""), "by", details.get("by", ""))
        else:
            say("refused", code)
    finally:
        thinking.release()


class Hook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    secrets: list[str] = []
    # Whoever sends nothing for so long is gone.
    timeout = 30

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
            self.close_connection = True
            self.reply(413)
            return
        body = self.rfile.read(int(length))
        if not signed(self.headers.get("relevo-signature", ""), body, self.secrets, time.time()):
            self.reply(401)
            return
        turn = json.loads(body)["turn"]
        say("turn", turn["conversation_id"], turn["turn"], "attempt", turn["attempt"])
        actions = answer(turn)
        if actions is not None:
            self.reply(200, json.dumps(actions).encode())
        elif thinking.acquire(blocking=False):
            self.reply(204)
            threading.Thread(target=answer_later, args=(turn,), daemon=True).start()
        else:
            self.reply(503)

    def reply(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        if body:
            self.send_header("content-type", "application/json")
        if status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing: `say` does."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen", default="127.0.0.1:8483", metavar="IP:PORT")
    arguments = parser.parse_args()
    Hook.secrets = [secret for secret in os.environ.get("WEBHOOK_SECRETS", "").split(",") if secret]
    if not Hook.secrets:
        parser.error("WEBHOOK_SECRETS is empty: nobody could be believed")
    host, _, port = arguments.listen.rpartition(":")
    server = ThreadingHTTPServer((host, int(port)), Hook)
    server.daemon_threads = True
    say("listening", server.server_port)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
