"""Reads, checks and (small and seeded, for a trial without the benchmark) makes traces. The format: README.md."""
import json
import random

KINDS = {"whatsapp", "mail", "status"}


class Wrong(Exception):
    """A line that is not as README.md says."""


def read(path):
    """The lines of a trace, checked."""
    seen = {}
    lines = []
    with open(path, encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            try:
                line = json.loads(text)
            except ValueError as error:
                raise Wrong(f"line {number}: {error}") from None
            problem = check(line, seen)
            if problem:
                raise Wrong(f"line {number}: {problem}")
            lines.append(line)
    if not lines:
        raise Wrong("no lines")
    return lines


def check(line, seen):
    """What is wrong with a line, or None; `seen` grows by it."""
    if not isinstance(line, dict) or line.get("kind") not in KINDS:
        return "no kind, or an unknown one"
    for key in ("id", "sender", "text"):
        if not isinstance(line.get(key), str) or (key != "text" and not line[key]):
            return f"{key} is missing or no text"
    if not isinstance(line.get("at_ms"), int) or line["at_ms"] < 0:
        return "at_ms is missing or no number of milliseconds"
    if line["kind"] == "mail" and not isinstance(line.get("subject"), str):
        return "a mail without subject"
    if line["kind"] == "mail" and ("<" in line["id"] or "@" not in line["sender"]):
        return "a Message-ID has no brackets here, and a mail's sender is an address"
    if line["kind"] == "status":
        return None
    again = line.get("duplicate_of")
    if again is not None and (again != line["id"] or again not in seen):
        return "a duplicate has the id of an earlier line"
    if again is None and line["id"] in seen:
        return "an id for the second time, without duplicate_of"
    seen.setdefault(line["id"], True)
    return None


def sample(count, seed=1, senders=200):
    """A trace with the shares of the benchmark: 70 % WhatsApp, 30 % mail, 5 % duplicates, 5 % shuffled."""
    rng = random.Random(seed)
    lines, threads = [], {}
    for number in range(count):
        at = number * 20
        who = rng.randrange(senders)
        text = f"Hola, escribo por el turno número {number}: ¿puede ser a las {rng.randrange(8, 20)}:30?"
        if rng.random() < 0.7:
            lines.append({"kind": "whatsapp", "id": f"wamid.{seed}.{number}", "sender": f"54911{10000000 + who}", "text": text, "at_ms": at})
        else:
            line = {"kind": "mail", "id": f"{seed}.{number}@mail.example", "sender": f"cliente{who}@mail.example", "text": text, "at_ms": at}
            line["subject"] = "Turno" if who not in threads else "Re: Turno"
            if who in threads:
                line["in_reply_to"] = threads[who]
            threads[who] = line["id"]
            lines.append(line)
    for _ in range(count // 20):
        place = rng.randrange(max(1, len(lines) - 2))
        lines[place], lines[place + 1] = lines[place + 1], lines[place]
    for _ in range(count // 20):
        place = rng.randrange(len(lines))
        if "duplicate_of" not in lines[place]:
            again = dict(lines[place], duplicate_of=lines[place]["id"])
            lines.insert(min(len(lines), place + rng.randrange(1, 40)), again)
    return lines
