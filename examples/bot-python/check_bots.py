"""Runs both bots, and one of rules, against a broker, as customers and a colleague would, and ends with `bot-python: N checks, 0 failed`.

    RELEVO_SERVER=… RELEVO_HTTP=… PORTS=provider,webhook python check_bots.py

The broker has bots.toml. The provider's part is played here, so that what a customer got is counted where it would have left.
"""

import contextlib
import hashlib
import hmac
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "gen"))

import grpc
from relevo.command.v1 import conversation_pb2, conversation_pb2_grpc
from relevo.query.v1 import inbox_pb2, inbox_pb2_grpc, words_pb2

SERVER, HTTP = os.environ["RELEVO_SERVER"].removeprefix("http://"), os.environ["RELEVO_HTTP"]
PROVIDER_PORT, WEBHOOK_PORT = (int(port) for port in os.environ["PORTS"].split(",")[:2])
SECRET = "relevo-demo-webhook-secret"
STREAM, WEBHOOK, RULES = "330000000000001", "330000000000002", "330000000000003"
# Whatever is waited for happens within this time, in seconds, on a busy machine too.
WITHIN = 40
# Lines of a program that are kept. It writes a few dozen.
LINES_MAX = 10_000

failures: list[str] = []
count = 0


def check(what: str, good: bool, seen: object = "") -> None:
    global count
    count += 1
    print(f"{'ok  ' if good else 'FAIL'} {what}{'' if good else f': {seen}'}", flush=True)
    if not good:
        failures.append(what)


def eventually(condition) -> bool:
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


class Provider(BaseHTTPRequestHandler):
    """Takes every message and keeps (number, text)."""

    protocol_version = "HTTP/1.1"
    taken: list[tuple[str, str]] = []
    timeout = WITHIN

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        said = message.get("text") or message.get("interactive", {}).get("body")
        if said:
            self.taken.append((message.get("to", ""), said.get("body") or said["text"]))
        self.reply({"messages": [{"id": f"wamid.{uuid.uuid4().hex}"}], "success": True})

    def do_GET(self) -> None:
        self.reply({"data": []})

    def reply(self, body: dict) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def got(number: str) -> list[str]:
    return [text for to, text in Provider.taken if to == number]


class Program:
    """One of the two bots, with what it says."""

    def __init__(self, *args: str, **variables: str):
        command = [sys.executable, "-u", *args]
        self.lines: list[str] = []
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | variables, cwd=HERE)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        for line in self.process.stdout:
            if len(self.lines) < LINES_MAX:
                self.lines.append(line.rstrip("\n"))

    def says(self, *words: str, since: int = 0) -> bool:
        return eventually(lambda: any(all(word in line for word in words) for line in self.lines[since:]))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=WITHIN)


def writes(channel: str, number: str, text: str) -> None:
    """One signed message of a customer, as Meta posts it."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783811", "phone_number_id": channel},
        "contacts": [{"profile": {"name": f"Cliente {number[-4:]}"}, "wa_id": number}],
        "messages": [
            {"from": number, "id": f"wamid.{time.time_ns()}", "timestamp": str(int(time.time())), "type": "text", "text": {"body": text}}
        ],
    }
    entry = [{"id": "330000000000000", "changes": [{"field": "messages", "value": value}]}]
    body = json.dumps({"object": "whatsapp_business_account", "entry": entry}).encode()
    signature = hmac.new(b"relevo-demo-app-secret", body, hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={signature}"}
    with urllib.request.urlopen(urllib.request.Request(f"{HTTP}/webhooks/meta/demo", body, headers), timeout=WITHIN) as answer:
        assert answer.status == 200, answer.status


class Wire:
    """The way to the broker, which can be cut."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.ends: list[socket.socket] = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                host, _, port = SERVER.rpartition(":")
                far = socket.create_connection((host, int(port)), timeout=WITHIN)
                self.ends += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self.carry, args=(source, target), daemon=True).start()

    def carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            source.settimeout(None)
            while data := source.recv(65_536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.ends = []


class Carla:
    """A supervisor at her desk."""

    def __init__(self):
        channel = grpc.insecure_channel(SERVER)
        self.inbox = inbox_pb2_grpc.InboxServiceStub(channel)
        self.commands = conversation_pb2_grpc.ConversationServiceStub(channel)
        self.metadata = (("authorization", "Bearer relevo-bots-carla"), ("accept-language", "es"))

    def row(self, number: str):
        page = self.inbox.ListConversations(inbox_pb2.ListConversationsRequest(page_size=100), metadata=self.metadata, timeout=WITHIN)
        return next((row for row in page.conversations if row.contact_name == f"Cliente {number[-4:]}"), None)

    def paused(self, number: str) -> bool:
        row = self.row(number)
        return row is not None and row.bot == words_pb2.BOT_STATE_PAUSED

    def pause(self, number: str) -> str:
        reason = words_pb2.PAUSE_REASON_COMPLAINT
        row = self.row(number)
        request = conversation_pb2.PauseBotRequest(command_id=str(uuid.uuid4()), conversation_id=row.conversation_id, reason=reason)
        self.commands.PauseBot(request, metadata=self.metadata, timeout=WITHIN)
        return row.conversation_id

    def resume(self, number: str) -> None:
        request = conversation_pb2.ResumeBotRequest(command_id=str(uuid.uuid4()), conversation_id=self.row(number).conversation_id)
        self.commands.ResumeBot(request, metadata=self.metadata, timeout=WITHIN)


# --- the signature, without a broker


def posted(body: bytes, signature: str | None) -> tuple[int, str]:
    headers = {"content-type": "application/json"} | ({"relevo-signature": signature} if signature is not None else {})
    request = urllib.request.Request(f"http://127.0.0.1:{WEBHOOK_PORT}/turn", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=WITHIN) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def signed(body: bytes, *secrets: str, at: float | None = None) -> str:
    seconds = int(time.time() if at is None else at)
    of = [hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={seconds}", *(f"v1={one}" for one in of)])


def check_signature() -> None:
    said = {"message_id": "msg_1", "who": "WHO_CUSTOMER", "text": "¿Hay turno?"}
    turn = {"conversation_id": "cnv_1", "turn": "3", "attempt": 1, "expects_answer": True, "messages": [said]}
    body = json.dumps({"bot": "gancho", "turn": turn}).encode()
    status, answer = posted(body, signed(body, SECRET))
    check("a signed turn is answered", status == 200 and "Recibimos: ¿Hay turno?" in json.loads(answer)["actions"][0]["reply"]["message"]["text"]["text"], answer)
    check("one good signature of two will do", posted(body, signed(body, "the-old-secret-of-before", SECRET))[0] == 200)
    check("another secret is refused", posted(body, signed(body, "somebody-else's-secret"))[0] == 401)
    check("no signature is refused", posted(body, None)[0] == 401)
    check("an altered body is refused", posted(body.replace(b"cnv_1", b"cnv_2"), signed(body, SECRET))[0] == 401)
    check("what was signed six minutes ago is refused", posted(body, signed(body, SECRET, at=time.time() - 360))[0] == 401)
    check("what was signed for later is refused", posted(body, signed(body, SECRET, at=time.time() + 360))[0] == 401)
    odd = [posted(body, header)[0] for header in ("", "t=,v1=", "t=²,v1=é", "v1=00", "t=1,t=2,v1=0", f"t={'9' * 40},v1=0")]
    check("odd signatures are refused", odd == [401] * len(odd), odd)


# --- the stream


def check_stream(carla: Carla) -> None:
    bot = Program("stream_bot.py", RELEVO_API_KEY="relevo-bots-eco")
    others: list[Program] = []
    try:
        check("the stream is welcomed by its name", bot.says("welcome eco"), bot.lines)
        ana = "5491155550301"
        writes(STREAM, ana, "Hola")
        check("a customer is answered over the stream", eventually(lambda: got(ana) == ["Usted escribió: Hola"]), (got(ana), bot.lines))

        conversation = carla.pause(ana)
        since = len(bot.lines)
        writes(STREAM, ana, "¿Sigue ahí?")
        writes(STREAM, "5491155550302", "Buenas")
        check("others are answered meanwhile", eventually(lambda: len(got("5491155550302")) == 1), bot.lines)
        heard = [line for line in bot.lines[since:] if line.startswith("turn") and conversation in line]
        check("a paused bot is told nothing", heard == [], heard)
        carla.resume(ana)
        check("after the pause it is told what it missed", bot.says("turn", conversation, since=since), bot.lines[since:])
        writes(STREAM, ana, "¿Y ahora?")
        check("and answers what comes then", eventually(lambda: "Usted escribió: ¿Y ahora?" in got(ana)), got(ana))
        check("but not what was written in the pause", got(ana) == ["Usted escribió: Hola", "Usted escribió: ¿Y ahora?"], got(ana))

        beto = "5491155550303"
        writes(STREAM, beto, "quiero hablar con una persona")
        check("who asks for a person is given to people", eventually(lambda: carla.paused(beto)), bot.lines)

        bot.kill()
        wire = Wire()
        bot = Program("stream_bot.py", RELEVO_API_KEY="relevo-bots-eco", RELEVO_SERVER=wire.address)
        iris = "5491155550305"
        writes(STREAM, iris, "Antes")
        check("a customer is answered over a wire that can be cut", eventually(lambda: len(got(iris)) == 1), bot.lines)
        since = len(bot.lines)
        wire.cut()
        check("the bot notices that its connection broke", bot.says("connection lost", since=since), bot.lines)
        writes(STREAM, iris, "Después")
        check("it connects again from its position", bot.says("welcome eco", since=since), bot.lines)
        eventually(lambda: len(got(iris)) == 2)
        check("and answers once what came meanwhile", got(iris) == ["Usted escribió: Antes", "Usted escribió: Después"], got(iris))

        bot.kill()
        caro = "5491155550304"
        writes(STREAM, caro, "Uno")
        bot = Program("stream_bot.py", RELEVO_API_KEY="relevo-bots-eco")
        check("what was written while nobody was there is answered", eventually(lambda: got(caro) == ["Usted escribió: Uno"]), (got(caro), bot.lines))

        others = [Program("stream_bot.py", RELEVO_API_KEY="relevo-bots-eco") for _ in range(2)]
        for other in others:
            other.says("welcome")
        numbers = [f"54911555504{index:02}" for index in range(20)]
        for number in numbers:
            writes(STREAM, number, "Hola a todos")
        answered = eventually(lambda: all(got(number) for number in numbers))
        check("three instances share the work", answered, [number for number in numbers if not got(number)])
        check("and nobody is answered twice", all(len(got(number)) == 1 for number in numbers), [got(number) for number in numbers])

        stranger = Program("stream_bot.py", RELEVO_API_KEY="relevo-bots-carla")
        others.append(stranger)
        check("staff is no bot", stranger.says("refused PERMISSION_DENIED"), stranger.lines)
    finally:
        for one in [bot, *others]:
            one.kill()


# --- the webhook


def check_webhook(carla: Carla, hook: Program, go: pathlib.Path) -> None:
    dora = "5491155550311"
    writes(WEBHOOK, dora, "Hola")
    check("a customer is answered by the webhook", eventually(lambda: got(dora) == ["Recibimos: Hola"]), (got(dora), hook.lines))
    writes(WEBHOOK, dora, "una persona, por favor")
    check("the webhook gives a customer to people", eventually(lambda: carla.paused(dora)), hook.lines)

    elsa, since = "5491155550312", len(hook.lines)
    writes(WEBHOOK, elsa, "lento")
    check("a turn without actions stays open", hook.says("turn cnv_", since=since), hook.lines)
    go.touch()
    check("and is answered later", eventually(lambda: got(elsa) == ["Ya lo tengo: sí."]), (got(elsa), hook.lines))
    go.unlink()

    flor, since = "5491155550313", len(hook.lines)
    writes(WEBHOOK, flor, "lento")
    check("another thinks for long", hook.says("turn cnv_", since=since), hook.lines)
    carla.pause(flor)
    go.touch()
    check("a late answer is refused with who and why", hook.says("paused complaint by staff:carla", since=since), hook.lines)
    check("and nothing left for the customer", got(flor) == [], got(flor))


# --- the rules of deploy/demo-bot.yaml


def check_rules(carla: Carla) -> None:
    gema = "5491155550321"
    writes(RULES, gema, "Hola!")
    hello = ["¡Hola Cliente 0321! Soy el asistente de Peluquería Relevo.", "¿En qué puedo ayudarle?"]
    check("the rules greet and show their menu", eventually(lambda: got(gema) == hello), got(gema))
    writes(RULES, gema, "a que hora abren?")
    check("a keyword is answered", eventually(lambda: len(got(gema)) == 4 and got(gema)[2].startswith("Abrimos de martes")), got(gema))
    writes(RULES, gema, "Pedir un turno")
    check("a typed choice gives the customer to people", eventually(lambda: carla.paused(gema)), got(gema))
    check("with the bot's last words", got(gema)[4:] == ["Le paso con el equipo para elegir día y hora. ¿Qué servicio quiere hacerse?"], got(gema))
    check("and whatever comes then is theirs", silent(gema, carla), got(gema))

    hugo = "5491155550322"
    for text in ("brrm", "trrm", "prrm"):
        before = len(got(hugo))
        writes(RULES, hugo, text)
        eventually(lambda: len(got(hugo)) > before)
        # The menu comes after the words.
        eventually(lambda: len(got(hugo)) > before + 1 or carla.paused(hugo))
    check("who is not understood is greeted, asked again, and asked again", got(hugo)[2:6:2] == ["Perdón, no le entendí."] * 2, got(hugo))
    writes(RULES, hugo, "grrm")
    check("and then gets a person", eventually(lambda: carla.paused(hugo)), got(hugo))


def silent(number: str, carla: Carla) -> bool:
    """Nothing more is said to them, although somebody else is answered meanwhile."""
    before, other = got(number), "5491155550323"
    writes(RULES, number, "¿precio?")
    writes(RULES, other, "precio")
    return eventually(lambda: len(got(other)) > 0) and carla.paused(number) and got(number) == before


def main() -> int:
    provider = ThreadingHTTPServer(("127.0.0.1", PROVIDER_PORT), Provider)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        go = pathlib.Path(folder) / "go"
        variables = {"WEBHOOK_SECRETS": SECRET, "RELEVO_API_KEY": "relevo-bots-gancho", "GO_FILE": str(go)}
        hook = Program("webhook_bot.py", "--listen", f"127.0.0.1:{WEBHOOK_PORT}", **variables)
        stack.callback(hook.kill)
        check("the webhook listens", hook.says(f"listening {WEBHOOK_PORT}"), hook.lines)
        check_signature()
        if "--signature" not in sys.argv:
            carla = Carla()
            check_stream(carla)
            check_webhook(carla, hook, go)
            check_rules(carla)
    print(f"bot-python: {count} checks, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
