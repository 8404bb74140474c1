"""Cursors of SQL: the query is told at its first rows and with its final count, and each command that moves it."""

import pytest

from rawpg import errors
from told import brief, commands, counts, failures, ids, outcomes, record_raw, texts

QUERY = "SELECT id FROM thing ORDER BY id"


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute("CREATE TABLE thing (id int PRIMARY KEY)", "INSERT INTO thing SELECT generate_series(1, 25)")


def selects(events):
    return [e for e in events if e["command"] == "SELECT"]


def test_a_cursor_is_told_with_its_query_and_every_command(run):
    steps = [
        "BEGIN",
        f"DECLARE c CURSOR FOR {QUERY}",
        "FETCH 10 FROM c",
        "FETCH ALL FROM c",
        "CLOSE c",
        "COMMIT",
    ]
    events = run(*steps)
    others = [e for e in events if e["command"] != "SELECT"]
    assert commands(others) == [
        ("MISC", "BEGIN"),
        ("READ", "DECLARE CURSOR"),
        ("MISC", "FETCH"),
        ("MISC", "FETCH"),
        ("MISC", "CLOSE CURSOR"),
        ("MISC", "COMMIT"),
    ]
    assert texts(others) == steps
    assert ids(others) == [(2, 1), (3, 2), (4, 1), (5, 1), (6, 1), (7, 1)]
    query = selects(events)
    assert counts(query) == [("SELECT", 10), ("SELECT", 25)]
    assert ids(query) == [(3, 1), (3, 1)]
    assert {(e["class"], e["objectName"]) for e in query} == {("READ", "public.thing")}


def test_the_query_is_told_before_the_fetch_that_ran_it(run):
    events = run("BEGIN", f"DECLARE c CURSOR FOR {QUERY}", "FETCH ALL FROM c", "SELECT 'later'", "COMMIT")
    assert [(e["command"], e["statementId"]) for e in events] == [
        ("BEGIN", 2),
        ("DECLARE CURSOR", 3),
        ("SELECT", 3),
        ("FETCH", 4),
        ("SELECT", 5),
        ("COMMIT", 6),
    ]


@pytest.mark.parametrize(
    ("fetches", "end", "expected"),
    [
        (["FETCH 10 FROM c"], "CLOSE c", [10]),
        (["FETCH 10 FROM c"], "COMMIT", [10]),
        (["FETCH 10 FROM c"], "ROLLBACK", [10]),
        (["FETCH 10 FROM c", "FETCH NEXT FROM c"], "CLOSE c", [10, 11]),
        (["FETCH 10 FROM c", "FETCH 5 FROM c"], "CLOSE ALL", [10, 15]),
        (["FETCH 10 FROM c", "FETCH 5 FROM c"], "COMMIT", [10, 15]),
        (["FETCH 10 FROM c", "FETCH 5 FROM c"], "ROLLBACK", [10, 15]),
        (["FETCH 10 FROM c", "FETCH 5 FROM c"], "SELECT 1 / 0", [10, 15]),
        (["FETCH 1 FROM c"] * 5, "CLOSE c", [1, 5]),
        (["FETCH 25 FROM c", "FETCH 1 FROM c"], "COMMIT", [25]),
        (["FETCH 26 FROM c"], "COMMIT", [25]),
    ],
)
def test_a_query_fetched_in_parts_is_told_at_the_first_and_with_its_final_count(run, fetches, end, expected):
    events = run("BEGIN", f"DECLARE c NO SCROLL CURSOR FOR {QUERY}", *fetches, end, "ROLLBACK")
    query = [e for e in selects(events) if e["statementId"] == 3]
    assert counts(query) == [("SELECT", rows) for rows in expected]
    assert ids(query) == [(3, 1)] * len(expected)
    assert [e["command"] for e in events].count("FETCH") == len(fetches)


@pytest.mark.parametrize("end", ["CLOSE c", "COMMIT"])
def test_a_cursor_that_nobody_fetched_from_is_told_when_it_ends(run, end):
    events = run("BEGIN", f"DECLARE c CURSOR FOR {QUERY}", "SELECT 'between'", end, "SELECT 'after'")
    query = [e for e in selects(events) if e["statementId"] == 3]
    assert ids(query) == [(3, 1)]
    assert query[0]["objectName"] == "public.thing"
    assert query[0]["rowCount"] in (0, None)
    after = next(e for e in events if e["commandText"] == "SELECT 'after'")
    between = next(e for e in events if e["commandText"] == "SELECT 'between'")
    assert between["sequence"] < query[0]["sequence"] < after["sequence"]


@pytest.mark.parametrize(
    "move",
    ["MOVE 5 FROM c", "MOVE ALL FROM c", "MOVE ABSOLUTE 3 FROM c", "MOVE BACKWARD 1 FROM c", "MOVE LAST IN c"],
)
def test_move_is_told(run, move):
    events = run("BEGIN", f"DECLARE c SCROLL CURSOR FOR {QUERY}", move, "FETCH NEXT FROM c", "CLOSE c", "COMMIT")
    moved = [e for e in events if e["command"] == "MOVE"]
    assert [(e["class"], e["commandText"], e["statementId"], e["substatementId"]) for e in moved] == [
        ("MISC", move, 4, 1)
    ]
    assert set(ids(selects(events))) == {(3, 1)}
    assert 1 <= len(selects(events)) <= 2


@pytest.mark.parametrize(
    "fetch",
    [
        "FETCH FIRST FROM c",
        "FETCH PRIOR FROM c",
        "FETCH ABSOLUTE -1 FROM c",
        "FETCH RELATIVE 2 FROM c",
        "FETCH BACKWARD ALL FROM c",
    ],
)
def test_every_way_to_fetch_is_told(run, fetch):
    events = run("BEGIN", f"DECLARE c SCROLL CURSOR FOR {QUERY}", "FETCH 3 FROM c", fetch, "COMMIT")
    fetched = [e for e in events if e["command"] == "FETCH"]
    assert [(e["class"], e["commandText"]) for e in fetched] == [("MISC", "FETCH 3 FROM c"), ("MISC", fetch)]
    assert ids(fetched) == [(4, 1), (5, 1)]
    assert 1 <= len(selects(events)) <= 2
    assert counts(selects(events))[0] == ("SELECT", 3)


@pytest.mark.parametrize("scroll", ["", "SCROLL ", "NO SCROLL "])
def test_a_holdable_cursor_is_told_whole_by_the_commit(run, scroll):
    events = run(
        f"DECLARE c {scroll}CURSOR WITH HOLD FOR {QUERY}",
        "SELECT 'after the commit'",
        "FETCH 10 FROM c",
        "FETCH ALL FROM c",
        "CLOSE c",
    )
    assert [(e["command"], e["statementId"]) for e in events if e["command"] != "SELECT"] == [
        ("DECLARE CURSOR", 2),
        ("FETCH", 4),
        ("FETCH", 5),
        ("CLOSE CURSOR", 6),
    ]
    query = [e for e in selects(events) if e["statementId"] == 2]
    assert counts(query) == [("SELECT", 25)]
    assert ids(query) == [(2, 1)]
    assert query[0]["sequence"] < next(e["sequence"] for e in events if e["statementId"] == 3)


@pytest.mark.parametrize("scroll", ["SCROLL ", "NO SCROLL "])
def test_a_holdable_cursor_fetched_before_the_commit_ends_with_its_full_count(run, scroll):
    events = run(
        "BEGIN",
        f"DECLARE c {scroll}CURSOR WITH HOLD FOR {QUERY}",
        "FETCH 10 FROM c",
        "COMMIT",
        "FETCH ALL FROM c",
        "CLOSE c",
    )
    query = selects(events)
    assert counts(query) == [("SELECT", 10), ("SELECT", 25)], brief(events)
    assert ids(query) == [(3, 1), (3, 1)]
    fetch = [e for e in events if e["command"] == "FETCH"][1]
    assert query[1]["sequence"] < fetch["sequence"]


def test_a_cursor_read_by_the_protocol_is_told_as_if_it_were_fetched(cluster):
    def read(session):
        session.run("BEGIN")
        session.run(f"DECLARE c CURSOR FOR {QUERY}")
        session.execute(10, "c").execute(0, "c").sync()
        assert errors(session.answer()) == []
        session.run("COMMIT")

    query = selects(record_raw(cluster, read))
    assert counts(query) == [("SELECT", 10), ("SELECT", 25)]
    assert ids(query) == [(3, 1), (3, 1)]


def test_cursors_read_in_turns_keep_their_numbers(run):
    events = run(
        "BEGIN",
        f"DECLARE a CURSOR FOR {QUERY}",
        "DECLARE b CURSOR FOR SELECT 'b' FROM thing",
        "FETCH 2 FROM b",
        "FETCH 3 FROM a",
        "FETCH ALL FROM b",
        "FETCH ALL FROM a",
        "COMMIT",
    )
    assert [(e["command"], e["rowCount"], e["statementId"]) for e in selects(events)] == [
        ("SELECT", 2, 4),
        ("SELECT", 3, 3),
        ("SELECT", 25, 4),
        ("SELECT", 25, 3),
    ]
    assert [e["statementId"] for e in events if e["command"] == "FETCH"] == [5, 6, 7, 8]


@pytest.mark.parametrize(
    ("statement", "sqlstate", "kind"),
    [
        ("FETCH 1 FROM nothing", "34000", ("MISC", "FETCH")),
        ("MOVE 1 FROM nothing", "34000", ("MISC", "MOVE")),
        ("CLOSE nothing", "34000", ("MISC", "CLOSE CURSOR")),
        ("DECLARE c CURSOR FOR SELECT * FROM nothing", "42P01", ("READ", "DECLARE CURSOR")),
        (f"DECLARE c CURSOR FOR {QUERY}", "25P01", ("READ", "DECLARE CURSOR")),
    ],
)
def test_a_cursor_command_that_fails_is_one_failure(run, statement, sqlstate, kind):
    events = run(statement, "SELECT 'next'")
    assert outcomes(events) == [(sqlstate, statement), (None, "SELECT 'next'")]
    assert commands(events)[0] == kind
    assert [e["statementId"] for e in events] == [2, 3]


def test_a_fetch_that_fails_in_the_query_is_one_failure_of_the_fetch(run):
    events = run(
        "BEGIN", "DECLARE c CURSOR FOR SELECT 1 / (3 - id) FROM thing", "FETCH 2 FROM c", "FETCH 2 FROM c", "ROLLBACK"
    )
    failed = failures(events)
    assert outcomes(failed) == [("22012", "FETCH 2 FROM c")]
    assert (failed[0]["class"], failed[0]["command"], failed[0]["statementId"]) == ("MISC", "FETCH", 5)


@pytest.mark.parametrize(
    "statement", ["UPDATE thing SET id = id WHERE CURRENT OF c", "DELETE FROM thing WHERE CURRENT OF c"]
)
def test_a_change_at_a_cursor_is_a_statement_of_its_own(run, statement):
    events = run("BEGIN", f"DECLARE c CURSOR FOR {QUERY} FOR UPDATE", "FETCH 1 FROM c", statement, "ROLLBACK")
    change = next(e for e in events if e["commandText"] == statement)
    assert (change["class"], change["objectName"], change["rowCount"]) == ("WRITE", "public.thing", 1)
    assert (change["statementId"], change["substatementId"]) == (5, 1)
