"""The extended protocol: named and unnamed statements, executed again, fetched in parts, resumed, left alone, closed.

A portal's SELECT is told when it ran to completion. Fetched in parts it is told at the first part, and once more with
its final count where more rows came.
"""

import pytest

from rawpg import errors, kinds
from told import brief, counts, ids, outcomes, record_raw, texts

TEN = "SELECT g FROM generate_series(1, 10) g"


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute("CREATE TABLE thing (id int PRIMARY KEY)", "INSERT INTO thing SELECT generate_series(1, 10)")


def selects(events):
    return [e for e in events if e["command"] == "SELECT"]


@pytest.mark.parametrize("name", ["", "named"])
def test_a_statement_executed_again_is_another_client_statement_each_time(cluster, name):
    def again(session):
        session.parse("SELECT id FROM thing WHERE id < $1::int", name).sync().answer()
        for limit in (3, 1, 5):
            session.bind([limit], statement=name).execute().sync()
            assert errors(session.answer()) == []

    events = record_raw(cluster, again)
    assert [(e["paramList"], e["rowCount"]) for e in events] == [(["3"], 2), (["1"], 0), (["5"], 4)]
    assert ids(events) == [(2, 1), (3, 1), (4, 1)]
    assert set(texts(events)) == {"SELECT id FROM thing WHERE id < $1::int"}


def test_statements_parsed_ahead_have_their_own_texts_and_are_counted_when_executed(cluster):
    def ahead(session):
        session.parse("SELECT 'one'", "a").parse("SELECT 'two'", "b").parse("SELECT 'three'", "c")
        for name in ("b", "a"):
            session.bind(statement=name).execute()
        session.sync().answer()
        session.bind(statement="c").execute().sync().answer()

    events = record_raw(cluster, ahead)
    assert texts(events) == ["SELECT 'two'", "SELECT 'one'", "SELECT 'three'"]
    assert ids(events) == [(2, 1), (3, 1), (4, 1)]


@pytest.mark.parametrize(
    ("change", "sqlstate"),
    [("DROP TABLE changing", "42P01"), ("ALTER TABLE changing ALTER a TYPE text", "0A000")],
)
def test_a_prepared_statement_whose_table_changed_is_one_failure_with_its_text(cluster, change, sqlstate):
    def execute(session):
        session.run("CREATE TABLE changing (a int)")
        session.parse("SELECT a FROM changing", "p").bind(statement="p").execute().sync().answer()
        session.run(change)
        session.bind(statement="p").execute().sync()
        assert errors(session.answer()) == [sqlstate]
        session.run("DROP TABLE IF EXISTS changing")

    events = record_raw(cluster, execute)
    assert outcomes(events)[1:4] == [
        (None, "SELECT a FROM changing"),
        (None, change),
        (sqlstate, "SELECT a FROM changing"),
    ]
    assert (events[3]["class"], events[3]["command"]) == ("READ", "SELECT")
    assert ids(events) == [(number, 1) for number in (2, 3, 4, 5, 6)]


def test_what_is_parsed_and_described_and_not_executed_is_not_told(cluster):
    def look(session):
        session.parse("SELECT id FROM thing", "seen").describe("seen", "S").close("seen", "S").sync()
        assert kinds(session.answer()) == "1tT3Z"
        session.run("SELECT 'next'")

    events = record_raw(cluster, look)
    assert texts(events) == ["SELECT 'next'"]
    assert ids(events) == [(2, 1)]


def test_an_empty_statement_is_not_told(cluster):
    def empty(session):
        session.statement("").sync()
        assert kinds(session.answer()) == "12IZ"
        session.run("SELECT 'next'")

    events = record_raw(cluster, empty)
    assert (texts(events), ids(events)) == (["SELECT 'next'"], [(2, 1)])


def test_a_portal_read_to_its_end_at_once_is_one_event(cluster):
    def read(session):
        session.statement(TEN, rows=11).sync()
        assert kinds(session.answer()) == "12" + "D" * 10 + "CZ"

    assert counts(record_raw(cluster, read)) == [("SELECT", 10)]


def test_a_portal_that_was_suspended_behind_its_last_row_is_one_event(cluster):
    def read(session):
        session.statement(TEN, rows=10).execute(10).sync()
        assert kinds(session.answer()) == "12" + "D" * 10 + "s" + "CZ"

    assert counts(record_raw(cluster, read)) == [("SELECT", 10)]


def test_a_portal_left_alone_after_its_first_part_is_one_event(cluster):
    def read(session):
        session.statement(TEN, rows=4).sync()
        assert kinds(session.answer()) == "12DDDDsZ"

    assert counts(record_raw(cluster, read)) == [("SELECT", 4)]


ENDS = {
    "completion": lambda s: s.execute().sync().answer(),
    "close": lambda s: s.close().sync().answer(),
    "bind of another statement": lambda s: (
        s.parse("SELECT 1", "other").bind(statement="other").execute().sync().answer()
    ),
    "parse and bind anew": lambda s: s.statement("SELECT 1").sync().answer(),
    "sync": lambda s: s.sync().answer(),
    "terminate": lambda s: s.flush(),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_portal_read_in_parts_is_told_at_the_first_and_with_its_final_count(cluster, end):
    def read(session):
        session.statement(TEN, rows=3).execute(2).execute(2).flush()
        assert kinds(session.until("s") + session.until("s") + session.until("s")) == "12DDDsDDsDDs"
        ENDS[end](session)

    events = [e for e in selects(record_raw(cluster, read)) if e["commandText"] == TEN]
    assert counts(events) == [("SELECT", 3), ("SELECT", 10 if end == "completion" else 7)]
    assert ids(events) == [(2, 1), (2, 1)]
    assert events[0]["startTime"] == events[1]["startTime"]


@pytest.mark.parametrize(
    ("end", "sqlstate"),
    [("COMMIT", None), ("ROLLBACK", None), ("SELECT 1 / 0", "22012"), ("SELEC", "42601"), ("DISCARD ALL", "25001")],
)
def test_a_portal_of_a_transaction_block_is_told_at_the_latest_when_that_ends(cluster, end, sqlstate):
    def read(session):
        session.run("BEGIN")
        session.parse(TEN).bind(portal="p").execute(3, "p").execute(4, "p").sync().answer()
        session.run(end)
        if sqlstate:
            session.run("ROLLBACK")

    events = record_raw(cluster, read)
    assert counts(selects(e for e in events if e["commandText"] == TEN)) == [("SELECT", 3), ("SELECT", 7)]
    assert ids(e for e in events if e["commandText"] == TEN) == [(3, 1), (3, 1)]
    assert [o for o in outcomes(events) if o[1] == end] == [(sqlstate, end)]


def test_portals_read_in_turns_keep_their_numbers(cluster):
    def turns(session):
        session.run("BEGIN")
        for name, text in (("a", "SELECT 'a' FROM thing"), ("b", "SELECT 'b' FROM thing")):
            session.parse(text).bind(portal=name).execute(4, name)
        session.execute(4, "a").execute(4, "b").sync().answer()
        session.run("SELECT 'between'")
        session.execute(0, "b").execute(0, "a").sync().answer()
        session.run("COMMIT")

    events = record_raw(cluster, turns)
    assert [(e["commandText"], e["rowCount"], e["statementId"]) for e in selects(events)] == [
        ("SELECT 'a' FROM thing", 4, 3),
        ("SELECT 'b' FROM thing", 4, 4),
        ("SELECT 'between'", 1, 5),
        ("SELECT 'b' FROM thing", 10, 4),
        ("SELECT 'a' FROM thing", 10, 3),
    ]
    assert ids(events)[-1] == (6, 1)


@pytest.mark.parametrize("part", [0, 1, 3, 100])
@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("INSERT INTO thing SELECT generate_series(101, 105) RETURNING id", ("WRITE", "INSERT", 5)),
        ("WITH w AS (DELETE FROM thing WHERE id > 100 RETURNING id) SELECT id FROM w", ("WRITE", "DELETE", 5)),
        ("EXPLAIN (COSTS off) SELECT 1 FROM thing a, thing b", ("MISC", "EXPLAIN", None)),
        ("SHOW ALL", ("MISC", "SHOW", None)),
    ],
)
def test_what_is_run_whole_before_its_first_row_is_told_once_however_it_is_read(cluster, statement, expected, part):
    def read(session):
        session.statement(statement, rows=part).execute(part).sync()
        assert errors(session.answer()) == []

    cluster.execute("DELETE FROM thing WHERE id > 100")
    if "DELETE" in statement:
        cluster.execute("INSERT INTO thing SELECT generate_series(101, 105)")
    events = [e for e in record_raw(cluster, read) if e["commandText"] == statement]
    assert [e["command"] for e in events].count(expected[1]) == 1, brief(events)
    told = next(e for e in events if e["command"] == expected[1])
    assert (told["class"], told["command"]) == expected[:2]
    if expected[2] is not None:
        assert told["rowCount"] == expected[2]
    assert {e["statementId"] for e in events} == {2}
