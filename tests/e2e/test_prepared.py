"""PREPARE, EXECUTE, DEALLOCATE as SQL: what is prepared is told each time it runs, with parameters, then EXECUTE."""

import pytest

from rawpg import errors
from told import brief, commands, failures, ids, outcomes, record_raw, texts


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute(
        "CREATE TABLE thing (id int PRIMARY KEY, name text)", "INSERT INTO thing VALUES (1, 'one'), (2, 'two')"
    )


def of(events, statement_id):
    return [e for e in events if e["statementId"] == statement_id]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT * FROM thing WHERE id = $1", "READ"),
        ("INSERT INTO thing VALUES ($1, 'x')", "WRITE"),
        ("UPDATE thing SET name = 'x' WHERE id = $1", "WRITE"),
        ("DELETE FROM thing WHERE id = $1", "WRITE"),
    ],
)
def test_prepare_has_the_class_of_its_query(run, query, expected):
    statement = f"PREPARE p (int) AS {query}"
    events = run(statement)
    assert commands(events) == [(expected, "PREPARE")]
    assert (texts(events), ids(events)) == ([statement], [(2, 1)])


def test_execute_tells_what_was_prepared_with_its_parameters_then_itself(run):
    events = run(
        "PREPARE p (int, text) AS SELECT id FROM thing WHERE id = $1 OR name = $2",
        "EXECUTE p (1, 'two')",
        "EXECUTE p (7, NULL)",
    )
    for statement_id, parameters, rows, text in (
        (3, ["1", "two"], 2, "EXECUTE p (1, 'two')"),
        (4, ["7"], 0, "EXECUTE p (7, NULL)"),
    ):
        query, execute = of(events, statement_id)
        assert (query["class"], query["command"], query["objectName"]) == ("READ", "SELECT", "public.thing")
        assert (query["paramList"], query["rowCount"]) == (parameters, rows)
        assert (execute["class"], execute["command"], execute["commandText"]) == ("MISC", "EXECUTE", text)
        assert {query["substatementId"], execute["substatementId"]} == {1, 2}
    assert len(events) == 5


def test_execute_of_a_change_counts_its_rows(run):
    events = run(
        "PREPARE p (int, int) AS INSERT INTO thing SELECT generate_series($1, $2)",
        "EXECUTE p (10, 14)",
        "DELETE FROM thing WHERE id >= 10",
    )
    insert, execute = of(events, 3)
    assert (insert["class"], insert["command"], insert["rowCount"]) == ("WRITE", "INSERT", 5)
    assert insert["paramList"] == ["10", "14"]
    assert (execute["class"], execute["command"]) == ("MISC", "EXECUTE")


def test_a_generic_plan_changes_nothing(run):
    executions = [f"EXECUTE p ({number})" for number in range(12)]
    events = run("PREPARE p (int) AS SELECT name FROM thing WHERE id = $1", *executions)
    queries = [e for e in events if e["command"] == "SELECT"]
    assert [e["paramList"] for e in queries] == [[str(number)] for number in range(12)]
    assert [e["statementId"] for e in queries] == list(range(3, 15))
    assert [e["commandText"] for e in events if e["command"] == "EXECUTE"] == executions


@pytest.mark.parametrize(
    ("statement", "command"),
    [("DEALLOCATE p", "DEALLOCATE"), ("DEALLOCATE PREPARE p", "DEALLOCATE"), ("DEALLOCATE ALL", "DEALLOCATE ALL")],
)
def test_deallocate_is_told(run, statement, command):
    events = run("PREPARE p AS SELECT 1", statement, "EXECUTE p")
    assert commands(events) == [("READ", "PREPARE"), ("MISC", command), ("MISC", "EXECUTE")]
    assert outcomes(events)[1:] == [(None, statement), ("26000", "EXECUTE p")]
    assert ids(events) == [(2, 1), (3, 1), (4, 1)]


@pytest.mark.parametrize(
    ("execute", "sqlstate"),
    [
        ("EXECUTE p (0)", "22012"),
        ("EXECUTE p", "42601"),
        ("EXECUTE p ('x')", "22P02"),
        ("EXECUTE nothing (1)", "26000"),
    ],
)
def test_an_execute_that_fails_is_one_failure(run, execute, sqlstate):
    events = run("PREPARE p (int) AS SELECT 1 / $1 FROM thing", execute, "SELECT 'next'")
    assert outcomes(failures(events)) == [(sqlstate, execute)]
    failure = failures(events)[0]
    assert (failure["class"], failure["command"], failure["statementId"]) == ("MISC", "EXECUTE", 3)
    assert [e["statementId"] for e in events] == [2, 3, 4], brief(events)


def test_a_prepare_that_fails_is_one_failure(run):
    statement = "PREPARE p AS DELETE FROM nothing"
    events = run(statement, "PREPARE q AS SELECT 1", "PREPARE q AS SELECT 1")
    assert outcomes(events) == [
        ("42P01", statement),
        (None, "PREPARE q AS SELECT 1"),
        ("42P05", "PREPARE q AS SELECT 1"),
    ]
    assert events[0]["command"] == events[2]["command"] == "PREPARE"


def test_statements_prepared_in_one_way_are_executed_in_the_other(cluster):
    def both(session):
        session.run("PREPARE by_sql (int) AS SELECT id FROM thing WHERE id = $1")
        session.bind([1], statement="by_sql").execute().sync()
        assert errors(session.answer()) == []
        session.parse("SELECT name FROM thing WHERE id = $1::int", "by_protocol").sync().answer()
        session.run("EXECUTE by_protocol (2)")

    events = record_raw(cluster, both)
    assert commands(events) == [("READ", "PREPARE"), ("READ", "SELECT"), ("READ", "SELECT"), ("MISC", "EXECUTE")]
    assert [e["paramList"] for e in events if e["command"] == "SELECT"] == [["1"], ["2"]]
    assert [e["statementId"] for e in events] == [2, 3, 4, 4]


def test_an_execute_read_in_parts_is_told_once_with_all_its_rows(cluster):
    def parts(session):
        session.run("PREPARE p AS SELECT generate_series(1, 10)")
        session.statement("EXECUTE p", rows=3).execute(3).execute().sync()
        assert errors(session.answer()) == []

    # EXECUTE runs to its end before the client has a row.
    events = of(record_raw(cluster, parts), 3)
    assert [(e["command"], e["rowCount"]) for e in events if e["command"] == "SELECT"] == [("SELECT", 10)]
    assert [e["command"] for e in events].count("EXECUTE") == 1


def test_explain_execute_and_create_table_as_execute_are_told(run):
    events = run(
        "PREPARE p (int) AS SELECT id FROM thing WHERE id = $1",
        "EXPLAIN EXECUTE p (1)",
        "CREATE TEMP TABLE made AS EXECUTE p (1)",
    )
    assert [c for c in commands(of(events, 3)) if c[0] == "MISC"] == [("MISC", "EXPLAIN")]
    made = of(events, 4)
    assert ("READ", "SELECT") in commands(made)
    assert ("DDL", "CREATE TABLE AS") in commands(made)
    assert next(e for e in made if e["command"] == "SELECT")["paramList"] == ["1"]
