"""Feeds django-helpdesk with a trace in closed loops, watches its database, and prints one JSON line a figure (README.md)."""
import argparse
import base64
import http.client
import itertools
import json
import os
import re
import statistics
import sys
import threading
import time
from email.message import EmailMessage
from email.policy import SMTP

import psycopg

import trace

# How often the database is looked at for mails that became visible, in seconds.
LOOK_EVERY = 0.005
# How long a hand-in may take with its repeats before the run is given up, in seconds.
GIVE_UP = 60
# How often one answer other than success is tried again, as a provider does.
REPEATS = 5
# How often two agents race for a ticket, in seconds.
CLAIM_EVERY = 0.25
MARK = re.compile(r"\[m(\d+)\]")
LIST_QUERY = base64.b64encode(json.dumps({"filtering": {"status__in": [1, 2]}, "sorting": "created", "sortreverse": True}).encode()).decode()


class Peer:
    """Where the peer is and who may call it."""

    def __init__(self, options):
        session = json.loads(options.session)
        self.host, self.port = "127.0.0.1", options.port
        self.people, self.queue = session["people"], session["queue"]
        self.folders = options.mail_dir
        self.dsn = options.dsn

    def caller(self, name):
        """A function that makes requests as one person, over one connection, and answers (status, body)."""
        person = self.people[name]
        headers = {
            "Cookie": f"sessionid={person['session']}; csrftoken={person['csrf']}",
            "X-CSRFToken": person["csrf"],
            "Content-Type": "application/json",
        }
        held = [None]

        def call(method, path, body=None):
            payload = None if body is None else json.dumps(body)
            for again in (True, False):
                try:
                    if held[0] is None:
                        held[0] = http.client.HTTPConnection(self.host, self.port, timeout=GIVE_UP)
                    held[0].request(method, f"/helpdesk/{path}", payload, headers)
                    answer = held[0].getresponse()
                    return answer.status, answer.read()
                except (http.client.HTTPException, OSError):
                    # The server ends idle connections; a new one is tried once.
                    held[0].close()
                    held[0] = None
                    if not again:
                        raise
            raise AssertionError("unreachable")

        return call


class Run:
    """One figure: so many clients, so many seconds."""

    def __init__(self, peer, lines, clients, seconds, offset=0):
        self.peer, self.clients, self.seconds = peer, clients, seconds
        numbers = {}
        self.work = []
        for number, line in enumerate(lines):
            if line["kind"] != "status":
                self.work.append((numbers.setdefault(line["id"], number + offset), line))
        self.next = itertools.count()
        self.lock = threading.Lock()
        self.tickets, self.locks = {}, {}
        self.handed, self.taken, self.latency = {}, {}, []
        self.sent = self.refused = self.duplicates = 0
        self.waiting, self.files = {}, itertools.count()
        self.races, self.doubled, self.lists = 0, 0, []
        self.stop, self.failures = threading.Event(), []

    def client(self):
        call = self.peer.caller("gateway")
        while time.monotonic() < self.until:
            place = next(self.next)
            if place >= len(self.work):
                return
            mark, line = self.work[place]
            began = time.monotonic()
            if line["kind"] == "whatsapp":
                self.whatsapp(call, mark, line)
            else:
                self.mail(mark, line)
            ended = time.monotonic()
            with self.lock:
                self.sent += 1
                self.duplicates += "duplicate_of" in line
                self.latency.append(ended - began)
                if mark not in self.taken:
                    self.handed[mark], self.taken[mark] = began, ended

    def post(self, call, path, body):
        for _ in range(REPEATS):
            status, answer = call("POST", path, body)
            if status == 201:
                return json.loads(answer)
            with self.lock:
                self.refused += 1
        raise RuntimeError(f"{path} answers {status}: {answer[:300]!r}")

    def whatsapp(self, call, mark, line):
        sender, text = line["sender"], f"{line['text']} [m{mark}]"
        with self.lock:
            lock = self.locks.setdefault(sender, threading.Lock())
        if sender not in self.tickets:
            # Two first messages at once would be two tickets: the gateway makes one.
            with lock:
                if sender not in self.tickets:
                    body = {"queue": self.peer.queue, "priority": 3, "title": line["text"][:60] or "WhatsApp", "description": text, "submitter_email": f"{sender}@whatsapp.example"}
                    self.tickets[sender] = self.post(call, "api/tickets/", body)["id"]
                    return
        body = {"ticket": self.tickets[sender], "title": "WhatsApp", "comment": text, "public": True}
        self.post(call, "api/followups/", body)

    def mail(self, mark, line):
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["Subject"], mail["Message-ID"] = line["sender"], line["subject"], f"<{line['id']}>"
        # A mailbox is one sender's for ever, so that its order is kept.
        box = sum(line["sender"].encode()) % len(self.peer.folders)
        mail["To"] = f"mail{box}@helpdesk.example"
        if line.get("in_reply_to"):
            mail["In-Reply-To"] = f"<{line['in_reply_to']}>"
        mail.set_content(f"{line['text']} [m{mark}]")
        seen = threading.Event()
        with self.lock:
            self.waiting.setdefault(mark, []).append(seen)
            name = f"{next(self.files):09}"
            path = os.path.join(self.peer.folders[box], name)
            draft = os.path.join(self.peer.folders[box], f".{name}")
        with open(draft, "wb") as file:
            file.write(mail.as_bytes())
        os.rename(draft, path)
        began = time.monotonic()
        while not seen.wait(1.0):
            if not os.path.exists(path):
                # Taken, and no row came of it: whether it is lost is counted at the end.
                return
            if time.monotonic() - began > GIVE_UP:
                raise RuntimeError("a mail was not taken in a minute")

    def look(self):
        """Sees the rows of mails."""
        with psycopg.connect(self.peer.dsn, autocommit=True) as database:
            low = {table: database.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0] for table in TABLES}
            seen, first = set(), set()
            while not self.stop.is_set():
                if self.waiting:
                    for table, text in TABLES.items():
                        # Numbers are given before the commit, so a lower one may come later.
                        owner = "id" if table == "helpdesk_ticket" else "ticket_id"
                        rows = database.execute(f"SELECT id, {owner}, {text} FROM {table} WHERE id > %s", (low[table] - 200,)).fetchall()
                        for number, ticket, found in rows:
                            low[table] = max(low[table], number)
                            if (table, number) not in seen:
                                seen.add((table, number))
                                self.shown(table, ticket, found, first)
                time.sleep(LOOK_EVERY)

    def shown(self, table, ticket, text, first):
        found = MARK.search(text or "")
        if not found:
            return
        mark = int(found[1])
        if table == "helpdesk_ticket":
            first.add((ticket, mark))
        elif (ticket, mark) in first:
            # A mail that opens a ticket is in its description and in its first follow-up.
            first.discard((ticket, mark))
            return
        with self.lock:
            events = self.waiting.get(mark)
            if events:
                events.pop(0).set()
                if not events:
                    del self.waiting[mark]

    def claim(self):
        """Two agents take the same ticket at the same moment, again and again."""
        calls = [self.peer.caller(name) for name in ("laura", "martin")]
        done = set()
        while not self.stop.wait(CLAIM_EVERY):
            ticket = next((number for number in reversed(list(self.tickets.values())) if number not in done), None)
            if ticket is None:
                continue
            done.add(ticket)
            barrier, won = threading.Barrier(2), []

            def take(call, barrier=barrier, won=won, ticket=ticket):
                barrier.wait()
                if call("GET", f"tickets/{ticket}/?take")[0] == 302:
                    won.append(True)

            agents = [threading.Thread(target=take, args=(call,)) for call in calls]
            for agent in agents:
                agent.start()
            for agent in agents:
                agent.join()
            self.races += 1
            self.doubled += len(won) > 1

    def read_list(self):
        call = self.peer.caller("gateway")
        while not self.stop.wait(1.0):
            began = time.monotonic()
            status, body = call("GET", f"datatables_ticket_list/{LIST_QUERY}?draw=1&start=0&length=25")
            if status != 200 or not isinstance(json.loads(body).get("data"), list):
                raise RuntimeError(f"the ticket list answers {status}")
            self.lists.append(time.monotonic() - began)

    def guarded(self, part):
        try:
            part()
        except Exception as error:  # noqa: BLE001  whatever it is, the run is not a figure
            self.failures.append(f"{part.__name__}: {error!r}")
            self.until = 0

    def go(self):
        began, cpu = time.monotonic(), time.process_time()
        self.until = began + self.seconds
        beside = [threading.Thread(target=self.guarded, args=(part,)) for part in (self.look, self.claim, self.read_list)]
        clients = [threading.Thread(target=self.guarded, args=(self.client,)) for _ in range(self.clients)]
        for thread in beside + clients:
            thread.start()
        for thread in clients:
            thread.join()
        took, used = time.monotonic() - began, time.process_time() - cpu
        self.stop.set()
        for thread in beside:
            thread.join()
        if self.failures:
            raise RuntimeError(self.failures[0])
        return took, used

    def counters(self):
        """Lost, duplicated, mis-ordered: read from the tables once nothing is in flight."""
        with psycopg.connect(self.peer.dsn) as database:
            tickets = database.execute("SELECT id, description FROM helpdesk_ticket").fetchall()
            follow_ups = database.execute("SELECT ticket_id, comment FROM helpdesk_followup ORDER BY date, id").fetchall()
        shown, rows = {}, {}
        opened = {}
        for ticket, text in tickets:
            found = MARK.search(text or "")
            if found:
                mark = int(found[1])
                shown.setdefault(ticket, []).append(mark)
                rows[mark] = rows.get(mark, 0) + 1
                opened[ticket] = mark
        for ticket, text in follow_ups:
            found = MARK.search(text or "")
            if not found:
                continue
            mark = int(found[1])
            if opened.get(ticket) == mark:
                del opened[ticket]
                continue
            shown.setdefault(ticket, []).append(mark)
            rows[mark] = rows.get(mark, 0) + 1
        lost = sum(1 for mark in self.taken if mark not in rows)
        duplicated = sum(count - 1 for count in rows.values())
        misordered = 0
        for marks in shown.values():
            once = list(dict.fromkeys(mark for mark in marks if mark in self.taken))
            misordered += sum(1 for a, b in itertools.pairwise(once) if self.taken[b] < self.handed[a])
        return lost, duplicated, misordered


TABLES = {"helpdesk_ticket": "description", "helpdesk_followup": "comment"}


def empty(dsn):
    with psycopg.connect(dsn, autocommit=True) as database:
        database.execute("TRUNCATE helpdesk_ticket, helpdesk_followup CASCADE")
        database.execute("VACUUM ANALYZE")
        database.execute("CHECKPOINT")


def measure(peer, lines, clients, options):
    Run(peer, trace.sample(2_000, seed=99), clients, options.warm_up, offset=10_000_000).go()
    empty(peer.dsn)
    run = Run(peer, lines, clients, options.seconds)
    took, used = run.go()
    lost, duplicated, misordered = run.counters()
    times = sorted(run.latency)
    if not times:
        raise RuntimeError("nothing was handed in")
    at = lambda share: round(1000 * times[min(len(times) - 1, int(share * len(times)))], 2)  # noqa: E731
    cores = os.cpu_count()
    return {
        "name": "django-helpdesk",
        "version": options.version,
        "clients": clients,
        "messages": run.sent,
        "seconds": round(took, 2),
        "messages_per_s": round(run.sent / took, 1),
        "p50_ms": at(0.5),
        "p99_ms": at(0.99),
        "lost": lost,
        "duplicated": duplicated,
        "misordered": misordered,
        "double_assigned": run.doubled,
        "claims": run.races,
        "refused": run.refused,
        "duplicates_sent": run.duplicates,
        "list_p50_ms": round(1000 * statistics.median(run.lists), 1) if run.lists else None,
        "cores": cores,
        "sync": "postgresql fsync=on synchronous_commit=on",
        "generator_cpu_share": round(used / took / cores, 3),
        "settings": options.settings,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--session", required=True)
    parser.add_argument("--mail-dir", action="append", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--settings", default="")
    parser.add_argument("--trace")
    parser.add_argument("--clients", default="1,16,64")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--warm-up", type=float, default=4)
    parser.add_argument("--out")
    options = parser.parse_args()
    lines = trace.read(options.trace) if options.trace else trace.sample(20_000)
    peer = Peer(options)
    for clients in (int(one) for one in options.clients.split(",")):
        line = json.dumps(measure(peer, lines, clients, options))
        print(line, flush=True)
        if options.out:
            with open(options.out, "a", encoding="utf-8") as file:
                file.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
