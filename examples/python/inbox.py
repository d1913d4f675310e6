"""Lists conversations, pauses and resumes their bot, and watches the inbox, with nothing but gRPC.

    python generate.py                                  # once, and after every change of the protos
    python inbox.py list
    python inbox.py pause cnv_… --reason complaint --note "calls back at five"
    python inbox.py resume cnv_…
    python inbox.py watch

RELEVO_SERVER (default 127.0.0.1:8481) and RELEVO_API_KEY (default the demo's supervisor) say where and who. A token of
AuthService.MintToken is as good as a key.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import sys
import time
import uuid
from collections.abc import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "gen"))

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from relevo.command.v1 import conversation_pb2, conversation_pb2_grpc
from relevo.query.v1 import inbox_pb2, inbox_pb2_grpc, watch_pb2, words_pb2

# How long one call may take, in seconds. Watches have no end of their own.
CALL_SECONDS = 10
# Attempts at one command, all with the same command id: repeating cannot do it twice.
ATTEMPTS_MAX = 5
# Waits between attempts double up to this, in seconds.
BACKOFF_SECONDS_MAX = 15
# A watch is never silent for longer than about 15 s; one that is silent for this long is dead.
SILENCE_MS_MAX = 45_000


class Problem(Exception):
    """What an error of Relevo says."""

    def __init__(self, error: grpc.RpcError):
        # The transport's words, if the answer is not Relevo's.
        self.code, self.text = error.code().name, error.details() or ""
        self.retryable, self.metadata = error.code() == grpc.StatusCode.UNAVAILABLE, {}
        status = rpc_status.from_call(error)
        for detail in status.details if status else ():
            info, text = error_details_pb2.ErrorInfo(), error_details_pb2.LocalizedMessage()
            if detail.Unpack(info) and info.domain == "relevo":
                self.code, self.metadata = info.reason, dict(info.metadata)
                self.retryable = info.metadata["retryable"] == "true"
            elif detail.Unpack(text):
                self.text = text.message
        super().__init__(f"{self.code}: {self.text}")


class Relevo:
    """One connection, one credential."""

    def __init__(self, server: str, credential: str, language: str = "en"):
        # Behind a proxy with TLS: grpc.secure_channel(server, grpc.ssl_channel_credentials()).
        options = [("grpc.keepalive_time_ms", SILENCE_MS_MAX)]
        channel = grpc.insecure_channel(server.removeprefix("http://"), options)
        self.metadata = (("authorization", f"Bearer {credential}"), ("accept-language", language))
        self.inbox = inbox_pb2_grpc.InboxServiceStub(channel)
        self.commands = conversation_pb2_grpc.ConversationServiceStub(channel)

    def conversations(self, min_position: str = "") -> Iterator:
        """All pages; they show one moment, whatever happens meanwhile. With a command's position its effect is included."""
        request = inbox_pb2.ListConversationsRequest(page_size=100, min_position=min_position)
        while True:
            try:
                page = self.inbox.ListConversations(request, metadata=self.metadata, timeout=CALL_SECONDS)
            except grpc.RpcError as error:
                raise Problem(error) from None
            yield from page.conversations
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def command(self, method, request):
        """Sends a command until its outcome is known. Its id is chosen before the first attempt."""
        request.command_id = str(uuid.uuid4())
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                return method(request, metadata=self.metadata, timeout=CALL_SECONDS)
            except grpc.RpcError as error:
                problem = Problem(error)
                if not problem.retryable or attempt == ATTEMPTS_MAX:
                    raise problem from None
                time.sleep(min(0.25 * 2**attempt, BACKOFF_SECONDS_MAX))

    def pause(self, conversation_id: str, reason: int, note: str = ""):
        request = conversation_pb2.PauseBotRequest(conversation_id=conversation_id, reason=reason, note=note)
        return self.command(self.commands.PauseBot, request)

    def resume(self, conversation_id: str, note: str = ""):
        request = conversation_pb2.ResumeBotRequest(conversation_id=conversation_id, note=note)
        return self.command(self.commands.ResumeBot, request)

    def watch(self) -> Iterator:
        """Every message of the watched inbox, for ever: whatever ends the stream, it goes on from the last position."""
        request, failures = watch_pb2.WatchInboxRequest(page_size=50), 0
        while True:
            try:
                for message in self.inbox.WatchInbox(request, metadata=self.metadata):
                    yield message
                    request.from_position, failures = message.position, 0
            except grpc.RpcError as error:
                problem = Problem(error)
                if not problem.retryable:
                    # TOKEN_EXPIRED is one of these: get a new token, and begin from `position`.
                    raise problem from None
            failures += 1
            time.sleep(min(0.25 * 2**failures, BACKOFF_SECONDS_MAX))


def line(row) -> str:
    bot = "paused" if row.bot == words_pb2.BOT_STATE_PAUSED else "active"
    name = row.contact_name or row.contact_address
    return f"{row.conversation_id}  {bot:6}  {row.unread:3}  {name}: {row.preview}"


def reason(word: str) -> int:
    try:
        return words_pb2.PauseReason.Value(f"PAUSE_REASON_{word.upper()}")
    except ValueError:
        raise argparse.ArgumentTypeError("complex_query, frustrated_customer, complaint, bot_error, …") from None


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=os.environ.get("RELEVO_SERVER", "127.0.0.1:8481"))
    parser.add_argument("--api-key", default=os.environ.get("RELEVO_API_KEY", "relevo-demo-supervisor"))
    parser.add_argument("--lang", choices=("en", "es"), default="en")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("list", help="conversations that are open or pending")
    pause = verbs.add_parser("pause", help="silences the bot of a conversation")
    pause.add_argument("conversation_id")
    pause.add_argument("--reason", type=reason, default=words_pb2.PAUSE_REASON_OTHER)
    pause.add_argument("--note", default="")
    resume = verbs.add_parser("resume", help="lets the bot answer again")
    resume.add_argument("conversation_id")
    resume.add_argument("--note", default="")
    verbs.add_parser("watch", help="what changes, as it changes; Ctrl-C ends it")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    relevo = Relevo(args.server, args.api_key, args.lang)
    try:
        if args.verb == "list":
            for row in relevo.conversations():
                print(line(row))
        elif args.verb == "watch":
            for message in relevo.watch():
                rows = message.snapshot.conversations or message.delta.upserts
                for row in rows:
                    print(line(row), flush=True)
        else:
            if args.verb == "pause":
                done = relevo.pause(args.conversation_id, args.reason, args.note)
            else:
                done = relevo.resume(args.conversation_id, args.note)
            print("already so" if done.already_so else "done", done.position)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
