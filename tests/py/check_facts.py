"""Checks every fact that metrics_consumer.py kept against the schemas in docs/topics. Usage: check_facts.py DATABASE SCHEMAS.

Prints `facts: N checked, M bad` and the reasons; the exit status is 1 if any is bad or has no schema.
"""

import json
import pathlib
import sqlite3
import sys

import fastjsonschema


def main():
    database, schemas = sqlite3.connect(sys.argv[1]), pathlib.Path(sys.argv[2])
    checks, bad, count = {}, [], 0
    for source, name, metric, version, data in database.execute("SELECT source, id, metric, version, data FROM facts"):
        count += 1
        if (metric, version) not in checks:
            schema = json.loads((schemas / f"{metric}.v{version}.schema.json").read_text())
            checks[metric, version] = fastjsonschema.compile(schema)
        fact = json.loads(data)
        try:
            checks[metric, version](fact)
        except fastjsonschema.JsonSchemaException as error:
            bad.append(f"{name}: {error.message}")
        if fact["id"] != name or source != f"/relevo/{fact['tenant']}":
            bad.append(f"{name}: headers and data disagree")
    print(f"facts: {count} checked, {len(bad)} bad")
    print("\n".join(bad[:20]), file=sys.stderr)
    sys.exit(1 if bad or not count else 0)


main()
