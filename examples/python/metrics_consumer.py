#!/usr/bin/env python3
"""Follows Relevo's metric topics and keeps the facts: the example of docs/topics.

Every fact of a metric is one message on `relevo.metrics.<tenant>.<metric>`, a CloudEvent in binary mode. What a consumer has to do
is little, and all of it is here:

1. read with a durable pull consumer, and acknowledge a message only after its fact is kept;
2. keep one fact an id (`ce-id`): a message that comes twice is the same fact;
3. do not count a fact that another one supersedes (`ce-supersedes`);
4. put values together as the fact's `kind` says.

What is kept stands in an SQLite file, so that the program can be ended and started again at any time. Needs nats-py (`make setup`
puts it into a virtual environment; by hand: pip install nats-py).

    python metrics_consumer.py --data-dir data --tenant demo            # a broker with its own nats-server, on this machine
    python metrics_consumer.py --server nats://nats.example.com:4222 --creds reader.creds --tenant acme --once
"""

import argparse
import asyncio
import json
import os
import pathlib
import sqlite3
import statistics
import sys

import nats
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

# Messages of one request: enough to hide the round trip, few enough to keep in memory.
BATCH = 500
# How long one request waits for the first message, in seconds. With --once the end is told by the server, not by this.
WAIT = 2.0
WAIT_ONCE = 0.2
# How long a message may be on its way to the file before the server sends it again, in seconds.
ACK_WAIT = 30.0

TABLE = """
CREATE TABLE IF NOT EXISTS facts (
    source TEXT NOT NULL, id TEXT NOT NULL, metric TEXT NOT NULL, version INTEGER NOT NULL, kind TEXT NOT NULL,
    value INTEGER NOT NULL, at TEXT NOT NULL, supersedes TEXT, data TEXT NOT NULL,
    PRIMARY KEY (source, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS facts_superseded ON facts (source, supersedes) WHERE supersedes IS NOT NULL;
"""
# What counts: one fact an id, without the superseded ones, of the newest version of each metric.
COUNTED = """
SELECT metric, version, kind, value, data FROM facts AS fact
WHERE NOT EXISTS (SELECT 1 FROM facts AS newer WHERE newer.source = fact.source AND newer.supersedes = fact.id)
  AND version = (SELECT max(version) FROM facts AS other WHERE other.source = fact.source AND other.metric = fact.metric)
"""


def keep(database, messages):
    """Keeps the facts of some messages, all or none; answers with how many were new."""
    rows = []
    for message in messages:
        header, fact = message.headers or {}, json.loads(message.data)
        if header.get("ce-specversion") != "1.0" or header.get("ce-id") != fact["id"]:
            raise ValueError(f"{message.subject}: not a fact of Relevo's")
        row = (header["ce-source"], fact["id"], fact["metric"], fact["version"], fact["kind"], fact["value"], fact["at"])
        rows.append((*row, fact.get("supersedes"), message.data.decode()))
    with database:
        before = database.total_changes
        database.executemany("INSERT OR IGNORE INTO facts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        return database.total_changes - before


def quantile(ordered, share):
    """The smallest value that at least this share of the values does not exceed."""
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


def figures(database, by=None):
    """One row of figures a metric (and a group), in order of their names. What is undefined is None, never 0."""
    groups = {}
    for metric, version, kind, value, data in database.execute(COUNTED):
        fact = json.loads(data)
        group = (fact.get(by) or fact["labels"].get(by) or "-") if by else ""
        groups.setdefault((metric, version, kind, group), []).append(value)
    rows = []
    for (metric, version, kind, group), values in sorted(groups.items()):
        row = {"metric": metric, "version": version, "kind": kind, "group": group, "n": len(values)}
        if kind == "duration":
            ordered = sorted(values)
            row |= {"sum_ms": sum(ordered), "mean_ms": round(statistics.fmean(ordered))}
            row |= {f"p{share}_ms": quantile(ordered, share) for share in (50, 90, 99)}
        elif kind == "share":
            row |= {"value": sum(values), "percent": round(100 * sum(values) / len(values), 1)}
        else:  # sum and gauge
            row["value"] = sum(values)
        rows.append(row)
    return rows


def table(rows):
    """The figures for people."""
    columns = ["metric", "group", "kind", "n", "value", "percent", "mean_ms", "p50_ms", "p90_ms", "p99_ms"]
    columns = [name for name in columns if any(row.get(name) not in (None, "") for row in rows)]
    lines = [columns] + [[str(row.get(name, "")) for name in columns] for row in rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


async def connect(options):
    """A connection to the server that was named, or to the one that a broker on this machine runs for itself."""
    how = {"servers": options.server, "name": "metrics-consumer", "max_reconnect_attempts": -1}
    if options.data_dir:
        own = options.data_dir / "nats"
        how["servers"] = f"nats://127.0.0.1:{(own / 'port').read_text().strip()}"
        how |= {"user": "relevo", "password": (own / "password").read_text().strip()}
    if options.creds:
        how["user_credentials"] = str(options.creds)
    if options.user:
        how |= {"user": options.user, "password": os.environ["NATS_PASSWORD"]}
    return await nats.connect(**how)


async def consume(options, database):
    """Reads until it is ended; with --once until everything that was there has been read."""
    connection = await connect(options)
    stream = connection.jetstream()
    config = ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, deliver_policy=DeliverPolicy.ALL, ack_wait=ACK_WAIT)
    subject = options.subject or f"relevo.metrics.{options.tenant}.>"
    reader = await stream.pull_subscribe(subject, durable=options.durable, stream=options.stream, config=config)
    try:
        while True:
            try:
                messages = await reader.fetch(BATCH, timeout=WAIT_ONCE if options.once else WAIT)
            except asyncio.TimeoutError:
                messages = []
            if messages:
                new = keep(database, messages)
                # Only now: whatever ends this program before here is read again, and is the same fact again.
                await asyncio.gather(*(message.ack_sync() for message in messages))
                print(f"{len(messages)} messages, {new} new facts", file=sys.stderr)
            elif options.once:
                state = await reader.consumer_info()
                if state.num_pending == 0 and state.num_ack_pending == 0:
                    return
    finally:
        # Everything that was kept is acknowledged; there is nothing to wait for.
        await connection.close()


def main():
    """Reads the command line, consumes, and prints the figures."""
    options = argparse.ArgumentParser(description="Keeps Relevo's metric facts and prints their figures.")
    where = options.add_mutually_exclusive_group(required=True)
    where.add_argument("--server", help="NATS server, for example nats://127.0.0.1:4222")
    where.add_argument("--data-dir", type=pathlib.Path, help="data folder of a broker that runs its own NATS server")
    options.add_argument("--user", help="user of the NATS server; the password comes from NATS_PASSWORD")
    options.add_argument("--creds", type=pathlib.Path, help="credentials file of the NATS server")
    options.add_argument("--tenant", default="demo", help="whose facts (default: demo)")
    options.add_argument("--subject", help="another subject, for example relevo.republish.demo.audit")
    options.add_argument("--stream", default="RELEVO_METRICS", help="RELEVO_REPUBLISH for facts that are published again")
    options.add_argument("--durable", default="metrics-consumer", help="name under which the server keeps how far we are")
    options.add_argument("--database", default="facts.sqlite", help="SQLite file that keeps the facts")
    options.add_argument("--by", help="group by channel_id, team_id, agent_id or a label, for example reason")
    options.add_argument("--once", action="store_true", help="end when everything that is there has been read")
    options.add_argument("--json", action="store_true", help="figures as one JSON object a line")
    options = options.parse_args()
    database = sqlite3.connect(options.database)
    database.executescript(TABLE)
    try:
        asyncio.run(consume(options, database))
    except KeyboardInterrupt:
        pass
    rows = figures(database, options.by)
    print("\n".join(json.dumps(row) for row in rows) if options.json else table(rows))


if __name__ == "__main__":
    main()
