"""Statements and parameters of hundreds of megabytes work as they do without us, and an event keeps their beginning."""

import pytest

from conftest import Factory
from rawpg import RawSession, errors
from told import ended

MEGABYTES = 200
KEPT = 256 * 1024
# Messages of this size take a while to get to the server and through its parser.
DEADLINE = 120


class Filled(str):
    """A text with a filling of so many bytes at its mark, made once when it is sent."""

    def __new__(cls, text, filling="x", megabytes=MEGABYTES):
        made = super().__new__(cls, text)
        made.filling, made.count = filling.encode(), (megabytes << 20) // len(filling.encode())
        return made

    def __str__(self):
        return self

    def encode(self, *_):
        before, after = (part.encode() for part in self.split("…"))
        return before + self.filling * self.count + after

    @property
    def size(self):
        return len(self.filling) * self.count + len(super().encode()) - len("…".encode())


@pytest.fixture(scope="module")
def cluster(installation, aws, alias):
    """A server that does not write these texts into its own log."""
    factory = Factory(installation, aws, alias)
    yield factory(conf={"log_min_error_statement": "panic", "log_min_messages": "fatal"})
    factory.close()


def send(cluster, statement, *values):
    """SQLSTATEs of its errors, and the session's id."""
    with RawSession(cluster.port) as session:
        session._socket.settimeout(DEADLINE)
        session.run("SELECT 'before'")
        if values:
            answer = session.statement(statement, values).sync().answer()
        else:
            answer = session.query(statement).answer()
        assert session.run("SELECT 'after'")[1].row == ["after"]
    return errors(answer), session.pid


def check_kept(event, statement, limit=KEPT):
    kept = event["commandText"]
    beginning, filling = statement.split("…")[0], statement.filling.decode()
    assert len(kept.encode()) <= limit
    assert event["commandTextLength"] == statement.size
    if "password" in filling:
        assert kept.startswith(beginning) and "hidden" not in kept
    else:
        assert kept.startswith(beginning + filling)
        assert set(kept[len(beginning) :]) <= set(filling)
        assert limit - 4 < len(kept.encode())


CASES = {
    "literal": (Filled("SELECT length('…')"), None),
    "literal of wide letters": (Filled("SELECT length('…')", "日本🐘"), None),
    "comment": (Filled("SELECT 1 /* … */"), None),
    "comment of quotes": (Filled("SELECT 1 /* … */", "' \" $ "), None),
    "comment of secrets": (Filled("SELECT 1 /* … */", "password='hidden' "), None),
    "blanks": (Filled("SELECT … 1", " "), None),
    "utility": (Filled("SET work_mem = '4MB' /* … */"), None),
    "fails in its run": (Filled("SELECT 1 / length('') /* … */"), "22012"),
    "fails in its analysis": (Filled("SELECT no_such_column /* … */"), "42703"),
    "fails to parse": (Filled("SELECT /* … */ FROM WHERE"), "42601"),
    "fails to parse at its beginning": (Filled("SELEC '…'"), "42601"),
    # The message quotes all of it.
    "is never closed": (Filled("SELECT '…", megabytes=5), "42601"),
    "fails as a utility": (Filled("SET no_such_setting = '…'"), "42704"),
}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("case", CASES)
def test_a_long_statement_works_and_its_beginning_is_told(cluster, case):
    statement, sqlstate = CASES[case]
    failed, pid = send(cluster, statement)
    assert failed == ([sqlstate] if sqlstate else [])
    before, event, after = ended(cluster, pid)
    assert (before["commandText"], after["commandText"]) == ("SELECT 'before'", "SELECT 'after'")
    assert event["exitCode"] == sqlstate
    check_kept(event, statement)
    assert len(event["errorMessage"] or "") <= 8 * 1024


@pytest.mark.timeout(240)
def test_a_long_parameter_works_and_its_beginning_is_told(cluster):
    value = Filled("…", "日本🐘")
    failed, pid = send(cluster, "SELECT length($1::text), $2::int", value, "7")
    assert not failed
    event = ended(cluster, pid)[1]
    first, second = event["paramList"]
    assert second == "7" and 4096 - 4 < len(first.encode()) <= 4096
    assert ("日本🐘" * 1000).startswith(first)


@pytest.mark.timeout(240)
def test_a_long_array_or_number_works_and_its_beginning_is_told(cluster):
    array = Filled("{1…}", ",1", megabytes=20)
    failed, pid = send(cluster, "SELECT cardinality($1::int[]), $2::numeric > 0", array, "9" * 100_000)
    assert not failed
    first, second = ended(cluster, pid)[1]["paramList"]
    assert len(first) == len(second) == 4096
    assert first.startswith("{1,1,1,1") and second == "9" * 4096


@pytest.mark.timeout(240)
@pytest.mark.parametrize("failing", ["", "SELECT 1 / 0;", "SELEC;"])
def test_a_long_statement_among_others_has_its_own_slice(cluster, failing):
    megabytes = 50
    inside = Filled("SELECT length('…');", megabytes=megabytes)
    string = Filled(f"SELECT 'first'; SELECT length('…'); SELECT 'last'; {failing}", megabytes=megabytes)
    failed, pid = send(cluster, string)
    events = ended(cluster, pid)[1:-1]
    if failing == "SELEC;":
        assert failed == ["42601"] and len(events) == 1
        assert events[0]["commandText"].startswith("SELECT 'first'; SELECT length('xxx")
        assert events[0]["commandTextLength"] == string.size
        return
    assert [e["commandText"] for e in (events[0], events[2])] == ["SELECT 'first';", "SELECT 'last';"]
    check_kept(events[1], inside)
    assert [(e["exitCode"], e["commandText"]) for e in events[3:]] == ([("22012", failing)] if failing else [])


# Cuts of short ones


@pytest.mark.parametrize("character", ["x", "é", "日", "🐘"])
def test_a_text_is_cut_at_a_character_and_only_where_it_is_too_long(make_cluster, character):
    """Around the limit byte by byte, for statements that work and that fail."""
    cluster = make_cluster(max_statement_bytes="1kB")
    width = len(character.encode())
    with RawSession(cluster.port) as session:
        statements = [
            f"{start}{' ' * shift}'{character * count}'"
            for start in ("SELECT", "SELEC")
            for shift in range(width)
            for count in range((1024 - 24) // width, 1040 // width)
        ]
        for statement in statements:
            session.run(statement)
    for event, statement in zip(ended(cluster, session.pid), statements, strict=True):
        size = len(statement.encode())
        if size <= 1024:
            assert event["commandText"] == statement
            assert "commandTextLength" not in event
        else:
            kept = event["commandText"]
            assert statement.startswith(kept) and 1024 - width < len(kept.encode()) <= 1024
            assert event["commandTextLength"] == size
