"""Commands that define something, one after the other, and the objects that their events have to name."""

import re

from rawpg import RawSession
from told import ended

SETUP = """
CREATE SCHEMA other;
CREATE ROLE clerk;
CREATE ROLE boss SUPERUSER;
CREATE TABLE plain (a int, b int);
CREATE TABLE model (a int NOT NULL, b int DEFAULT 1);
CREATE INDEX ON model (b);
COMMENT ON COLUMN model.a IS 'of the model';
CREATE TYPE shape AS (a int);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION no_event() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
"""

_ROLE = re.compile(r"GRANT|REVOKE|(CREATE|ALTER|DROP) (ROLE|USER MAPPING)|ALTER DEFAULT PRIVILEGES")


def objects(events):
    """objectType and objectName of each; the server names triggers of foreign keys by their OID."""
    return [re.sub(r'_\d{5,}"', '_N"', f"{e['objectType']} {e['objectName']}") for e in events]


def check(cluster, commands, **startup):
    """Runs commands in one session; what is told of each has to be its objects, under its tag and one number."""
    tags = []
    with RawSession(cluster.port, **startup) as session:
        for command, _ in commands:
            answer = session.run(command)
            assert not [m.fields["M"] for m in answer if m.kind == "E"], command
            tags.append(next(m.tag for m in answer if m.kind == "C"))
    # What a command reads is told before it, and is no object of it.
    events = [e for e in ended(cluster, session.pid) if e["class"] in ("DDL", "ROLE")]
    wrong = []
    for number, ((command, expected), tag) in enumerate(zip(commands, tags, strict=True), 2):
        told = [e for e in events if e["statementId"] == number]
        assert {e["commandText"] for e in told} == {command.replace("'sesame'", "'<REDACTED>'").replace("=sesame", "=<REDACTED>")}
        assert {(e["exitCode"], e["rowCount"]) for e in told} == {(None, None)}
        assert len({e["substatementId"] for e in told}) == 1
        assert {"ROLE" if _ROLE.match(e["command"]) else "DDL" for e in told} == {e["class"] for e in told}
        # The tag of CREATE … AS is that of its query.
        own = tag.startswith("SELECT") or tag in {e["command"] for e in told}
        if not own or sorted(objects(told)) != sorted([expected] if isinstance(expected, str) else expected):
            wrong.append((command, tag, [e["command"] for e in told], objects(told)))
    assert not wrong, wrong
    return events

