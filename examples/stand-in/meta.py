"""A stand-in for Meta's Cloud API, to try sending with the demo and without an account.

It takes messages, media and read marks, lists two templates, and reports by signed webhooks that each message was sent, delivered
and read. To a number that ends in 0000 nothing can be delivered; for one that ends in 0005 it is never ready, and for one
that ends in 0009 the connection breaks without an answer. It keeps nothing, reaches nobody, and listens on loopback alone.

    python3 meta.py --listen 127.0.0.1:8482 --webhook http://127.0.0.1:8480/webhooks/meta/demo
"""

import argparse
import hashlib
import hmac
import json
import queue
import threading
import time
import urllib.error
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# Secrets of the demo (deploy/demo.toml) and of channel.toml: public, and good for nothing else.
APP_SECRET = b"relevo-demo-app-secret"
ACCESS_TOKEN = "relevo-stand-in-token"
ACCOUNT = "102290129340399"
# Longest body that is read, in bytes: a document of WhatsApp's limit with its form around it.
BODY_BYTES_MAX = 101 << 20
# Reports that wait to be posted. More than anybody types.
REPORTS_MAX = 1_000
# Seconds before each report: a customer is not that fast, and it can be watched.
DELAY_SECONDS = 0.2
# How often a report is posted again that was not taken, and after how many seconds.
ATTEMPTS_MAX, PAUSE_SECONDS = 50, 0.2

TEMPLATES = [
    {
        "id": "801",
        "name": "turno_confirmado",
        "language": "es_AR",
        "status": "APPROVED",
        "category": "UTILITY",
        "components": [
            {
                "type": "BODY",
                "text": "Hola {{1}}, su turno es el {{2}}.",
                "example": {"body_text": [["Ana", "lunes a las 10:00"]]},
            }
        ],
    },
    {
        "id": "802",
        "name": "promo_verano",
        "language": "es_AR",
        "status": "PAUSED",
        "category": "MARKETING",
        "components": [{"type": "BODY", "text": "Este verano, 20 % en todo."}],
    },
]

reports: queue.Queue = queue.Queue(REPORTS_MAX)


class Meta(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if not self.allowed():
            return
        path = urlsplit(self.path).path
        if path.endswith("/message_templates"):
            self.answer(200, {"data": TEMPLATES, "paging": {}})
        else:
            self.answer(200, {"id": path.rsplit("/", 1)[-1], "verified_name": "Demo", "quality_rating": "GREEN"})

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", "0"))
        if length > BODY_BYTES_MAX:
            self.close_connection = True
            self.answer(413, error(131053, "too big"))
            return
        body = self.rfile.read(length)
        if not self.allowed():
            return
        number, _, what = urlsplit(self.path).path.strip("/").partition("/")[2].partition("/")
        if what == "media":
            self.answer(200, {"id": str(uuid.uuid4().int)[:15]})
            return
        message = json.loads(body)
        if message.get("status") == "read":
            self.answer(200, {"success": True})
            return
        recipient = message.get("to") or message.get("recipient")
        if recipient.endswith("0005"):
            self.answer(500, error(131016, "Service unavailable"))
            return
        if recipient.endswith("0009"):
            self.close_connection = True
            return
        name = "wamid." + uuid.uuid4().hex.upper()
        self.answer(200, {"messaging_product": "whatsapp", "messages": [{"id": name}]})
        states = ["failed"] if recipient.endswith("0000") else ["sent", "delivered", "read"]
        for state in states:
            reports.put_nowait(report(number, recipient, name, state, message.get("biz_opaque_callback_data")))

    def allowed(self) -> bool:
        if self.headers.get("authorization") == f"Bearer {ACCESS_TOKEN}":
            return True
        self.answer(401, error(190, "Invalid OAuth access token."))
        return False

    def answer(self, status: int, body: dict) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Says nothing: a line would hold the customer's number."""


def error(code: int, message: str) -> dict:
    return {"error": {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "demo"}}


def report(number: str, recipient: str, name: str, state: str, ours: str | None) -> bytes:
    """A status, as Meta posts it."""
    status = {"id": name, "status": state, "timestamp": str(int(time.time())), "recipient_id": recipient}
    if ours is not None:
        status["biz_opaque_callback_data"] = ours
    if state == "failed":
        status["errors"] = [{"code": 131026, "title": "Message undeliverable"}]
    metadata = {"display_phone_number": "15550783899", "phone_number_id": number}
    value = {"messaging_product": "whatsapp", "metadata": metadata, "statuses": [status]}
    entry = {"id": ACCOUNT, "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def post(webhook: str) -> None:
    """Posts reports, one after the other."""
    while True:
        body = reports.get()
        time.sleep(DELAY_SECONDS)
        signature = "sha256=" + hmac.new(APP_SECRET, body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-hub-signature-256": signature}
        for _ in range(ATTEMPTS_MAX):
            try:
                urllib.request.urlopen(urllib.request.Request(webhook, body, headers), timeout=10).close()
                break
            except (urllib.error.URLError, TimeoutError):
                time.sleep(PAUSE_SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen", default="127.0.0.1:8482", metavar="IP:PORT")
    parser.add_argument("--webhook", default="http://127.0.0.1:8480/webhooks/meta/demo", metavar="URL")
    arguments = parser.parse_args()
    host, _, port = arguments.listen.rpartition(":")
    if host not in ("127.0.0.1", "localhost"):
        parser.error("loopback addresses alone: its token is public")
    try:
        server = ThreadingHTTPServer((host, int(port)), Meta)
    except OSError as why:
        parser.exit(1, f"meta.py: {arguments.listen}: {why.strerror}. Does it run already?\n")
    threading.Thread(target=post, args=(arguments.webhook,), daemon=True).start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
