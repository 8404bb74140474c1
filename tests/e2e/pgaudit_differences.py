"""What we tell otherwise than pgaudit on purpose, each with its reason; docs/format.md says the same to readers.

`THEIRS` explain fields in which a line of pgaudit's and our event differ; a pair is meant to differ where they explain them all.
`OURS` explain events that pgaudit has no line for. Every rule has to be of use somewhere: one that is not has been overtaken.
"""

import re
from dataclasses import dataclass, field

from pgaudit import REDACTED, alike, differing

MISSING = frozenset({"missing"})
NOTHING = frozenset()


@dataclass(frozen=True)
class Rule:
    """`applies(found, session)`: the names of the fields that it explains of a Pair, or whether it explains an event."""

    name: str
    reason: str
    applies: callable = field(compare=False)


@dataclass(frozen=True)
class Session:
    """What a rule may look at besides."""

    with_rows: bool
    lines: list
    events: list
    failed: list

    def failed_with(self, line):
        """Whether the statement of a line failed, or the EXECUTE of what it prepared."""
        text = line["text"]
        if line["command"] != "PREPARE" and _starts(text, "PREPARE"):
            name = text.split()[1]
            return any(re.match(rf"EXECUTE\s+{re.escape(name)}\b", event["text"]) for event in self.failed)
        return any(alike(event["text"], text) or alike(text, event["text"]) for event in self.failed)

    def is_told_once(self, line):
        """Whether pgaudit says the same of a query more than once, and we do say it."""
        number = (line.statement, line.substatement)
        repeated = sum((other.statement, other.substatement) == number and other.fields == line.fields for other in self.lines) > 1
        return repeated and any(not differing(line, event) for event in self.events)

    def is_told_twice(self, event):
        """Whether another event of the same statement says exactly the same."""
        return sum(e.statement == event.statement and e.fields == event.fields for e in self.events) > 1

    def is_told_in_parts(self, event):
        """Whether another event of the same query says the same, but for the rows."""
        same = ("class", "command", "type", "name", "text", "params")
        number = (event.statement, event.substatement)
        return sum((e.statement, e.substatement) == number and all(e[n] == event[n] for n in same) for e in self.events) > 1


def _starts(text, words):
    return text.upper().startswith(words)


def _missing_if(condition):
    return lambda pair, session: MISSING if pair.event is None and condition(pair.line, session) else NOTHING


def _explains(fields, condition):
    return lambda pair, session: frozenset(fields) if pair.event and condition(pair.line, pair.event, session) else NOTHING


def _hidden(line, event, _):
    return REDACTED in line["text"] + event["text"]


def _is_call(line):
    return line["command"] == "EXECUTE" and line["type"] == "FUNCTION"


def _is_revoke_of_drop(line):
    return line["command"] == "REVOKE" and _starts(line["text"], "DROP OWNED")


def _is_table_copy(entry):
    return _starts(entry["text"], "COPY") and not entry["text"][4:].lstrip().startswith("(")


def _is_definition(entry):
    return entry["class"] in ("DDL", "ROLE") or entry["command"] == "TRUNCATE TABLE"


THEIRS = [
    Rule(
        "unchecked relations",
        "Partitions, children and inner sides of views, which pgaudit calls ???, have no permissions that are checked: "
        "no statement named them.",
        _missing_if(lambda line, _: line["command"] == "???"),
    ),
    Rule(
        "failed",
        "Without log_rows pgaudit shows queries before they run and cannot say that they failed. We tell a failed statement once, "
        "with SQLSTATE and message.",
        _missing_if(lambda line, session: session.failed_with(line)),
    ),
    Rule(
        "intent",
        "pgaudit shows CREATE EXTENSION before and after. Before it we tell STREAM INTENT.",
        _missing_if(lambda line, _: line["command"] == "CREATE EXTENSION" and not line["name"]),
    ),
    Rule(
        "permissions of foreign keys",
        "Without log_rows pgaudit shows what ALTER TABLE checks before the query that validates a key. We tell the query.",
        _missing_if(lambda line, _: line["command"] == "SELECT" and _starts(line["text"], "ALTER TABLE")),
    ),
    Rule(
        "a relation once",
        "pgaudit shows a relation as often as a query names it.",
        _missing_if(lambda line, session: session.is_told_once(line)),
    ),
    Rule(
        "EXCLUDED",
        "The row that INSERT ... ON CONFLICT could not insert is no relation, though pgaudit shows it as a composite type.",
        _missing_if(lambda line, _: line["type"] == "COMPOSITE TYPE" and _starts(line["text"], "INSERT")),
    ),
    Rule(
        "DROP OWNED",
        "pgaudit shows a REVOKE for each kind of object. We tell the command.",
        lambda pair, _: pair.differs & {"missing", "class", "command", "type"} if _is_revoke_of_drop(pair.line) else NOTHING,
    ),
    Rule(
        "part of the text",
        "pgaudit 1.7 shows all that the client sent or the whole body of a function. We show the statement.",
        _explains({"text"}, lambda line, event, _: event["text"] in line["text"]),
    ),
    Rule(
        "passwords",
        'pgaudit cuts role commands at the first "password" and hides no other secret. We hide secrets only, in all texts.',
        _explains({"text"}, _hidden),
    ),
    Rule(
        "text of calls",
        "pgaudit shows with a function what it has on its stack, which may be another statement than the one that calls.",
        _explains({"text"}, lambda line, event, _: _is_call(line)),
    ),
    Rule(
        "MERGE",
        "pgaudit does not know MERGE and calls it by what it does to rows that match.",
        _explains({"command"}, lambda line, event, _: event["command"] == "MERGE"),
    ),
    Rule(
        "names",
        "pgaudit names no object where event triggers tell none (roles, databases, tablespaces, settings, TRUNCATE, GRANT, dropped "
        "objects outside of schemas) or where its extension is not there. We name them.",
        _explains({"type", "name"}, lambda line, event, _: not line["name"] and event["name"] and _is_definition(event)),
    ),
    Rule(
        "COPY",
        "With log_rows pgaudit loses the table of COPY, and says 0 rows whatever was copied.",
        _explains({"type", "name", "rows"}, lambda line, event, _: line["command"] == "COPY" and not line["rows"]),
    ),
    Rule(
        "EXPLAIN ANALYZE",
        "pgaudit gives EXPLAIN ANALYZE the class of what it explains, which has its own line. EXPLAIN is MISC.",
        _explains({"class"}, lambda line, event, _: line["command"] == "EXPLAIN"),
    ),
    Rule(
        "user mappings",
        "They hold credentials: ROLE, as in newer pgaudit.",
        _explains({"class"}, lambda line, event, _: line["command"].endswith("USER MAPPING")),
    ),
    Rule(
        "numbered when done",
        "With log_rows pgaudit numbers a query when it ends, after all that it ran. We number it when it begins.",
        _explains({"order"}, lambda line, event, session: session.with_rows),
    ),
    Rule(
        "numbered when checked",
        "Without log_rows pgaudit numbers COPY and ALTER TABLE when they check permissions. We number a command when it is done.",
        _explains({"order"}, lambda line, event, session: not session.with_rows and _starts(line["text"], ("COPY", "ALTER TABLE"))),
    ),
]

OURS = [
    Rule(
        "pgaudit's own queries",
        "Its event triggers ask for the objects of a command by SQL, which pgaudit itself leaves out.",
        lambda event, _: "pg_catalog.pg_event_trigger_" in event["text"],
    ),
    Rule(
        "other roles' queries",
        "pgaudit leaves out what runs as a role that the user who logged in is no member of: bodies of SECURITY DEFINER, foreign keys.",
        lambda event, _: event["user"] != event["login"],
    ),
    Rule(
        "statements that are about to run",
        "What can be used against the audit is told before, too.",
        lambda event, _: event["command"] == "STREAM INTENT",
    ),
    Rule(
        "more objects",
        "Each object that a command makes, changes, drops, empties or grants; pgaudit's event triggers leave out some, and all "
        "where its extension is not there.",
        lambda event, session: _is_definition(event) and event["name"] and not session.is_told_twice(event),
    ),
    Rule(
        "functions",
        "Functions of pg_catalog that reach files, sessions or settings, and those that run while a statement is planned.",
        lambda event, session: _is_call(event) and not session.is_told_twice(event),
    ),
    Rule(
        "COPY and its table",
        "A COPY is told with its table and as COPY. pgaudit shows one of them: with log_rows the latter, else the former.",
        lambda event, session: _is_table_copy(event) and session.with_rows == (event["command"] != "COPY"),
    ),
    Rule(
        "end of a failed transaction",
        "pgaudit is silent until the transaction has ended.",
        lambda event, session: session.failed and event["command"] in ("COMMIT", "ROLLBACK"),
    ),
    Rule(
        "CALL inside",
        "pgaudit does not see a CALL in a procedure or DO block that may itself commit.",
        lambda event, _: event["command"] == "CALL" and event.substatement > 1,
    ),
    Rule(
        "queries of cursors",
        "With log_rows pgaudit loses the query of a cursor.",
        lambda event, session: session.with_rows and _starts(event["text"], "DECLARE"),
    ),
    Rule(
        "read in parts",
        "What a client reads in parts is told with the first of them, and once more with all rows when more came.",
        lambda event, session: _starts(event["text"], "DECLARE") and session.is_told_in_parts(event),
    ),
    Rule(
        "no checked relation",
        "A query all of whose relations are unchecked is told as one without relations.",
        lambda event, _: _starts(event["text"], "REFRESH") and event["command"] == "SELECT" and not event["name"],
    ),
]
