"""pgaudit's lines and our events as the same tuples, and how the ones pair with the others."""

import csv
import io
import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache

csv.field_size_limit(1 << 30)

# Columns of a server log in CSV.
_DATABASE, _SESSION, _MESSAGE = 2, 5, 13
_MARK = "AUDIT: SESSION,"
# What hides a secret, there and here.
REDACTED = "<REDACTED>"
# The place of a line, as far as two programs can agree on it, is found by alignment and is no field.
FIELDS = ("class", "command", "type", "name", "text", "params", "rows")


@dataclass(frozen=True)
class Entry:
    """One line of pgaudit's or one event of ours."""

    statement: int
    substatement: int
    place: int
    fields: dict = field(hash=False, compare=False)

    def __getitem__(self, name):
        return self.fields[name]

    def __str__(self):
        shown = [str(self[name]) if self[name] is not None else "" for name in FIELDS]
        return f"{self.statement},{self.substatement} " + " | ".join(shown).replace("\n", "\\n")[:300]


def _row(text):
    return next(csv.reader(io.StringIO(text, newline="")), [])


def _line(place, row, with_rows):
    statement, substatement, kind, command, object_type, name, text, params = row[:8]
    # A NULL and an empty text look the same there.
    params = () if params in ("<none>", "") else tuple(value for value in _row(params) if value)
    rows = int(row[8]) if with_rows else None
    fields = dict(zip(FIELDS, (kind, command, object_type, name, text.strip(), params, rows)))
    return Entry(int(statement), int(substatement), place, fields)


def lines(log, database, with_rows):
    """pgaudit's lines about a database in a server log, by session."""
    found = defaultdict(list)
    with open(log, encoding="utf-8", errors="replace", newline="") as file:
        for place, row in enumerate(csv.reader(file)):
            if len(row) > _MESSAGE and row[_DATABASE] == database and row[_MESSAGE].startswith(_MARK):
                found[row[_SESSION]].append(_line(place, _row(row[_MESSAGE][len(_MARK) :]), with_rows))
    return found


def _event(event, with_rows):
    rows = event["rowCount"] if with_rows else None
    params = tuple(value for value in event["paramList"] if value)
    text = (event["commandText"] or "").strip()
    values = (event["class"], event["command"], event["objectType"] or "", event["objectName"] or "", text, params, rows)
    fields = dict(zip(FIELDS, values)) | {"user": event["effectiveUserName"], "login": event["dbUserName"]}
    return Entry(event["statementId"], event["substatementId"], event["sequence"], fields)


def events(all_events, database, with_rows):
    """Our events of statements in a database, by session; those of failures, of which pgaudit knows little, apart."""
    succeeded, failed = defaultdict(list), defaultdict(list)
    for event in all_events:
        if event["databaseName"] == database and event["command"] not in ("CONNECT", "DISCONNECT", "AUTH FAILURE"):
            kind = failed if event["exitCode"] else succeeded
            kind[event["sessionId"]].append(_event(event, with_rows))
    return succeeded, failed


@lru_cache(maxsize=1 << 16)
def alike(theirs, ours):
    """Whether it is the same text as far as both show it: one of us shows a part of it, or hides a password in it."""
    if theirs == ours:
        return True
    if REDACTED in theirs:
        theirs = theirs[: theirs.index(REDACTED)].rstrip()
        return ours.startswith(theirs)
    if REDACTED in ours:
        return re.search(".*".join(map(re.escape, ours.split(REDACTED))), theirs, re.DOTALL) is not None
    return bool(ours) and ours in theirs


def differing(line, event):
    """The names of the fields in which they are not the same. Where nothing was counted pgaudit says 0 and we nothing."""
    nothing = {"rows": 0}
    return frozenset(
        name for name in FIELDS if (line[name] or nothing.get(name)) != (event[name] or nothing.get(name))
    )


@dataclass(frozen=True)
class Pair:
    """A line with the event that stands for it, if any."""

    line: Entry
    event: Entry | None
    # What is not the same; "missing" where there is no event, "order" where it is at another place in its statement.
    differs: frozenset

    def __str__(self):
        words = ", ".join(sorted(self.differs))
        ours = f"\n      ours: {self.event}" if self.event else ""
        return f"[{words}] {self.line}{ours}"


# Worth of a pair in the alignment: one that says the same outweighs any number of others that a statement can have.
_SAME, _LIKE = 10_000, 1


def _worth(line, event):
    """How much speaks for it that the event stands for the line; 0 where it cannot."""
    if event["command"].startswith("STREAM "):
        return 0
    if line["command"] != event["command"] and line["name"] != event["name"]:
        return 0
    is_call = line["command"] == event["command"] == "EXECUTE" and line["type"] == "FUNCTION"
    if not (alike(line["text"], event["text"]) or is_call and line["name"] == event["name"]):
        return 0
    differs = differing(line, event)
    return _LIKE * (len(FIELDS) - len(differs)) if differs - {"text"} else _SAME


def _match(theirs, ours):
    """Partners within a statement: the same first, each with the first that is free; then the most alike."""
    free, partner = list(ours), {}
    for least in (_SAME, _LIKE):
        for line in theirs:
            if line not in partner and free:
                worth, event = max(((_worth(line, event), event) for event in free), key=lambda pair: pair[0])
                if worth >= least:
                    partner[line] = event
                    free.remove(event)
    return partner


def _statements(entries):
    grouped = defaultdict(list)
    for entry in sorted(entries, key=lambda e: (e.statement, e.substatement, e.place)):
        grouped[entry.statement].append(entry)
    return [grouped[statement] for statement in sorted(grouped)]


def _align(theirs, ours):
    """Statements that go together, rising on both sides, so that their entries agree most (Needleman and Wunsch)."""
    best, matched = [[0] * (len(ours) + 1)], {}
    for i, lines_ in enumerate(theirs):
        above, row = best[-1], [0]
        for j, events_ in enumerate(ours):
            matched[i, j] = _match(lines_, events_)
            worth = sum(_worth(line, event) for line, event in matched[i, j].items())
            row.append(max(above[j + 1], row[j], above[j] + worth))
        best.append(row)
    i, j, aligned = len(theirs), len(ours), {}
    while i and j:
        if best[i][j] == best[i - 1][j]:
            i -= 1
        elif best[i][j] == best[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            aligned[i] = (j, matched[i, j])
    return aligned


def _out_of_order(partner):
    """The lines whose events are not where the others' are: all but a longest row of them in which no number goes down.

    The relations of a query and the objects of a command share a number; which of them comes first says nothing.
    """
    pairs = sorted(partner.items(), key=lambda pair: (pair[0].substatement, pair[1].substatement))
    numbers = [event.substatement for _, event in pairs]
    longest = [1] * len(numbers)
    for i in range(len(numbers)):
        longest[i] += max((longest[j] for j in range(i) if numbers[j] <= numbers[i]), default=0)
    kept, need, last = set(), max(longest, default=0), None
    for i in reversed(range(len(numbers))):
        if longest[i] == need and (last is None or numbers[i] <= last):
            kept.add(i)
            need, last = need - 1, numbers[i]
    return {line for i, (line, _) in enumerate(pairs) if i not in kept}


def pair(theirs, ours):
    """Pairs a session's lines with its events; what is left of the events.

    Statements are paired in their order, entries within statements. What finds no partner there may have one in the statements
    around: what a deferred trigger does, for example, is a statement of its own there.
    """
    theirs, ours = _statements(theirs), _statements(ours)
    aligned = _align(theirs, ours)
    used = {event for _, partner in aligned.values() for event in partner.values()}
    pairs = []
    for i, statement in enumerate(theirs):
        j, partner = aligned.get(i, (None, {}))
        wrong = _out_of_order(partner)
        missing = [line for line in statement if line not in partner]
        if missing:
            low = max((aligned[k][0] for k in range(i) if k in aligned), default=0)
            high = min((aligned[k][0] for k in range(i + 1, len(theirs)) if k in aligned), default=len(ours) - 1)
            near = [event for events_ in ours[low : high + 1] for event in events_ if event not in used]
            elsewhere = _match(missing, near)
            used |= set(elsewhere.values())
            partner |= elsewhere
        for line in statement:
            event = partner.get(line)
            differs = differing(line, event) if event else frozenset({"missing"})
            pairs.append(Pair(line, event, differs | ({"order"} if line in wrong else set())))
    return pairs, [event for statement in ours for event in statement if event not in used]
