"""A bot that answers over one gRPC stream: it repeats what the customer says, and hands over who asks for a person.

    python generate.py                      # once, and after every change of the protos
    python stream_bot.py

RELEVO_SERVER (default 127.0.0.1:8481) and RELEVO_API_KEY (default the demo's bot) say where and who. It runs until Ctrl-C, and goes on
where it was after its connection broke. Start it twice, and the two share the work.
"""

from __future__ import annotations

import os
import pathlib
import queue
import random
import sys
import threading
from collections.abc import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "gen"))

import grpc
from relevo.bot.v1 import bot_pb2 as bot
from relevo.bot.v1 import bot_pb2_grpc
from relevo.command.v1 import outgoing_pb2 as outgoing

# Turns at the same time, and so many messages before the new ones with each of them.
TURNS_MAX, HISTORY = 8, 10
# Actions that wait to be written. A turn has three of them.
ACTIONS_MAX = 4 * TURNS_MAX
# Attempts at one action, all with the same command id: repeating cannot do it twice.
ATTEMPTS_MAX = 5
# Waits between connections double up to this, in seconds.
BACKOFF_SECONDS_MAX = 15
# Errors that another connection does not mend.
FINAL = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED)


def say(*words: object) -> None:
    print(*words, flush=True)


def answer(turn: bot.Turn) -> list[bot.ActRequest]:
    """What to do in a turn. This function is the bot; everything else is how it talks to Relevo."""
    if not turn.expects_answer:
        # Written while the bot was paused: good to know, and not to be answered.
        return [bot.ActRequest(done=bot.Done())]
    asked = [said.text for said in turn.messages if said.who == bot.WHO_CUSTOMER]
    last = asked[-1] if asked else ""
    if "persona" in last.lower():
        return [bot.ActRequest(handoff=bot.Handoff(note="Pide hablar con una persona."))]
    text = outgoing.OutgoingMessage(text=outgoing.OutgoingText(text=f"Usted escribió: {last}"))
    return [bot.ActRequest(typing=bot.Typing()), bot.ActRequest(reply=bot.Reply(message=text))]


class Stream:
    """One connection: turns come in, actions go out."""

    def __init__(self, stub: bot_pb2_grpc.BotServiceStub, metadata: tuple, position: str):
        self.position = position
        # What was asked for and not yet answered, by command id: (action, attempts).
        self.open: dict[str, tuple[bot.ActRequest, int]] = {}
        self.writing: queue.Queue = queue.Queue(maxsize=ACTIONS_MAX)
        hello = bot.Hello(max_turns=TURNS_MAX, history=HISTORY, resume_position=position)
        self.writing.put(bot.ConverseRequest(hello=hello))
        self.reading = stub.Converse(self.requests(), metadata=metadata)

    def requests(self) -> Iterator[bot.ConverseRequest]:
        while (request := self.writing.get()) is not None:
            yield request

    def run(self) -> None:
        """Until the connection ends; then raises why."""
        try:
            for response in self.reading:
                kind = response.WhichOneof("message")
                if kind == "welcome":
                    say("welcome", response.welcome.bot)
                elif kind == "turn":
                    self.take(response.turn)
                elif kind == "result":
                    self.told(response.result)
                elif kind == "over":
                    self.over(response.over)
        finally:
            self.writing.put(None, timeout=1) if not self.writing.full() else self.reading.cancel()

    def take(self, turn: bot.Turn) -> None:
        self.position = turn.position
        say("turn", turn.conversation_id, turn.turn, "attempt", turn.attempt)
        for place, action in enumerate(answer(turn)):
            action.conversation_id, action.turn = turn.conversation_id, turn.turn
            # A turn that is given again has another number and the same messages: what was said already is not said again.
            what = turn.messages[-1].message_id if action.HasField("reply") else turn.turn
            action.command_id = f"echo:{what}:{place}"
            self.do(action, 1)

    def do(self, action: bot.ActRequest, attempt: int) -> None:
        self.open[action.command_id] = (action, attempt)
        self.writing.put(bot.ConverseRequest(act=action))

    def told(self, result: bot.ActResponse) -> None:
        action, attempt = self.open.pop(result.command_id, (None, 0))
        if result.position:
            self.position = result.position
        if not result.HasField("refusal"):
            say("done", result.command_id)
            return
        refusal = result.refusal
        if refusal.code == "BOT_PAUSED":
            # Somebody else answers now. Nothing is lost: after the pause the messages come again, as context.
            say("paused", action and action.conversation_id, refusal.paused.reason, "by", refusal.paused.by)
        elif refusal.code == "TURN_ENDED":
            say("too late", result.command_id)
        elif refusal.retryable and action and attempt < ATTEMPTS_MAX:
            # Unchanged and with the same id, a little later, while others are read.
            threading.Timer(random.uniform(0.1, 0.5) * 2**attempt, self.do, (action, attempt + 1)).start()
        else:
            say("refused", refusal.code, refusal.message)

    def over(self, over: bot.TurnOver) -> None:
        """The turn is not ours any more: what we still say in it is refused."""
        why = bot.TurnOverCause.Name(over.cause)
        say("over", over.conversation_id, over.turn, why, over.paused.by)
        for command_id, (action, _) in list(self.open.items()):
            if (action.conversation_id, action.turn) == (over.conversation_id, over.turn):
                del self.open[command_id]


def main() -> int:
    server = os.environ.get("RELEVO_SERVER", "127.0.0.1:8481").removeprefix("http://")
    key = os.environ.get("RELEVO_API_KEY", "relevo-demo-bot")
    # Behind a proxy with TLS: grpc.secure_channel(server, grpc.ssl_channel_credentials()).
    channel = grpc.insecure_channel(server, [("grpc.keepalive_time_ms", 45_000)])
    stub = bot_pb2_grpc.BotServiceStub(channel)
    metadata = (("authorization", f"Bearer {key}"), ("accept-language", "es"))
    position, failures = "", 0
    while True:
        stream = Stream(stub, metadata, position)
        try:
            stream.run()
        except grpc.RpcError as error:
            if error.code() in FINAL:
                say("refused", error.code().name, error.details())
                return 1
            say("connection lost", error.code().name)
        except KeyboardInterrupt:
            return 0
        failures = 0 if stream.position != position else failures + 1
        position = stream.position
        try:
            threading.Event().wait(random.uniform(0.5, 1.0) * min(2**failures, BACKOFF_SECONDS_MAX))
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
