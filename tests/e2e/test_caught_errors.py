"""Errors that PL catches: the client's statement succeeds and says so, the inner one that failed is one failure."""

import pytest

from told import brief, failures, record_raw

SETUP = """
CREATE TABLE kept (id int PRIMARY KEY);
INSERT INTO kept VALUES (1);
CREATE TABLE secret (id int);
CREATE ROLE clerk LOGIN;
GRANT INSERT, SELECT ON kept TO clerk;
CREATE FUNCTION caught(statement text) RETURNS text LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE statement; RETURN 'fine'; EXCEPTION WHEN OTHERS OR query_canceled THEN RETURN SQLSTATE; END $$;
CREATE FUNCTION twice() RETURNS text LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO kept VALUES (1); RETURN 'fine'; EXCEPTION WHEN unique_violation THEN RETURN 'there'; END $$;
CREATE FUNCTION deep() RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO kept VALUES (1); RETURN 1; END $$;
CREATE FUNCTION middle() RETURNS text LANGUAGE plpgsql AS
  $$ BEGIN PERFORM deep(); RETURN 'fine'; EXCEPTION WHEN unique_violation THEN RETURN 'there'; END $$;
CREATE FUNCTION again(times int) RETURNS int LANGUAGE plpgsql AS
  $$ DECLARE n int := 0; BEGIN
    FOR i IN 1..times LOOP
      BEGIN INSERT INTO kept VALUES (1); EXCEPTION WHEN unique_violation THEN n := n + 1; END;
    END LOOP; RETURN n; END $$;
CREATE FUNCTION first_caught_then_not() RETURNS int LANGUAGE plpgsql AS
  $$ BEGIN
    BEGIN INSERT INTO kept VALUES (1); EXCEPTION WHEN unique_violation THEN NULL; END;
    DELETE FROM kept WHERE id = 77; PERFORM 1 / (id - 1) FROM kept; RETURN 1; END $$;
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM caught('SELECT 1 / (id - 1) FROM kept'); RETURN NEW; END $$;
CREATE TABLE watched (id int);
CREATE TRIGGER swallowed BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION swallow();
"""


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute(SETUP)


def run(cluster, *statements, **startup):
    """The events of statements in a session of their own, and the first value that each returned."""
    values = []

    def send(session):
        for statement in statements:
            rows = [m.row for m in session.run(statement) if m.kind == "D"]
            values.append(rows[0][0] if rows else None)

    return record_raw(cluster, send, **startup), values


def of_client(events, statement):
    """How the client's statement ended. The functions that it called have its text, too."""
    return [e["exitCode"] for e in events if e["commandText"] == statement and e["command"] != "EXECUTE"]


def check_numbers(events, statement_id):
    """All belong to one statement, and each inner one that failed has a number of its own."""
    assert {e["statementId"] for e in events} == {statement_id}, brief(events)
    numbers = [e["substatementId"] for e in events]
    assert all(numbers.count(e["substatementId"]) == 1 for e in failures(events)), brief(events)


@pytest.mark.parametrize(
    ("inner", "sqlstate", "message", "kind"),
    [
        ("INSERT INTO kept VALUES (1)", "23505", "duplicate key", ("WRITE", "INSERT", "public.kept")),
        ("SELECT 1 / (id - 1) FROM kept", "22012", "division by zero", ("READ", "SELECT", "public.kept")),
        ("DELETE FROM kept WHERE 1 / (id - 1) = 0", "22012", "division", ("WRITE", "DELETE", "public.kept")),
        ("SELECT * FROM nothing", "42P01", "does not exist", ("READ", "SELECT", None)),
        ("SELEC 1", "42601", "syntax error", None),
        ("DROP TABLE nothing", "42P01", "does not exist", ("DDL", "DROP TABLE", None)),
        ("CREATE TABLE kept (a int)", "42P07", "already exists", ("DDL", "CREATE TABLE", None)),
        ("GRANT SELECT ON kept TO nobody", "42704", "does not exist", ("ROLE", "GRANT", None)),
    ],
)
def test_an_error_that_is_caught_is_one_failure_inside_a_success(cluster, inner, sqlstate, message, kind):
    statement = f"SELECT caught($${inner}$$)"
    events, values = run(cluster, statement, "SELECT 'next'")
    assert values == [sqlstate, "next"]
    assert of_client(events, statement) == [None]
    failed = failures(events)
    assert [(e["exitCode"], e["commandText"]) for e in failed] == [(sqlstate, inner)], brief(events)
    assert message in failed[0]["errorMessage"]
    if kind:
        assert (failed[0]["class"], failed[0]["command"]) == kind[:2]
    if kind and kind[2]:
        assert failed[0]["objectName"] == kind[2]
    check_numbers(events[:-1], 2)
    assert events[-1]["statementId"] == 3


def test_a_refusal_that_is_caught_is_told(cluster):
    statement = "SELECT caught('TABLE secret')"
    events, values = run(cluster, statement, user="clerk")
    assert values == ["42501"]
    assert [(e["exitCode"], e["objectName"], e["dbUserName"]) for e in failures(events)] == [
        ("42501", "public.secret", "clerk")
    ]
    assert of_client(events, statement) == [None]


def test_a_timeout_that_is_caught_is_told(cluster):
    statement = "SELECT caught('SELECT pg_sleep(60)')"
    events, values = run(cluster, "SET statement_timeout = '50ms'", statement)
    assert values[1] == "57014"
    assert [(e["exitCode"], e["commandText"]) for e in failures(events)] == [("57014", "SELECT pg_sleep(60)")]
    assert of_client(events, statement) == [None]
    check_numbers(events[1:], 3)


def test_a_static_statement_that_is_caught_is_told(cluster):
    events, values = run(cluster, "SELECT twice()")
    assert values == ["there"]
    assert [(e["exitCode"], e["command"], e["objectName"]) for e in failures(events)] == [
        ("23505", "INSERT", "public.kept")
    ]
    assert of_client(events, "SELECT twice()") == [None]
    check_numbers(events, 2)


def test_an_error_caught_two_levels_up_is_one_failure(cluster):
    events, values = run(cluster, "SELECT middle()")
    assert values == ["there"]
    assert [e["exitCode"] for e in failures(events)] == ["23505"], brief(events)
    assert of_client(events, "SELECT middle()") == [None]


def test_each_error_of_a_loop_is_one_failure(cluster):
    events, values = run(cluster, "SELECT again(20)")
    assert values == ["20"]
    failed = failures(events)
    assert [(e["exitCode"], e["command"]) for e in failed] == [("23505", "INSERT")] * 20
    assert of_client(events, "SELECT again(20)") == [None]
    check_numbers(events, 2)


def test_in_a_do_block_it_is_one_failure_inside_a_success(cluster):
    statement = "DO $$ BEGIN INSERT INTO kept VALUES (1); EXCEPTION WHEN unique_violation THEN NULL; END $$"
    events, _ = run(cluster, statement, "SELECT 'next'")
    assert of_client(events, statement) == [None]
    assert [(e["exitCode"], e["objectName"]) for e in failures(events)] == [("23505", "public.kept")]
    check_numbers(events[:-1], 2)


def test_in_a_trigger_it_is_one_failure_inside_a_success(cluster):
    events, _ = run(cluster, "INSERT INTO watched VALUES (1)")
    assert of_client(events, "INSERT INTO watched VALUES (1)") == [None]
    assert [(e["exitCode"], e["objectName"]) for e in failures(events)] == [("22012", "public.kept")]
    check_numbers(events, 2)


def test_caught_first_and_not_caught_then_is_one_failure_for_each(cluster):
    statement = "SELECT first_caught_then_not()"
    events, _ = run(cluster, statement, "SELECT 'next'")
    assert [(e["exitCode"], e["command"]) for e in failures(events)] == [("23505", "INSERT"), ("22012", "SELECT")]
    assert of_client(events, statement) == ["22012"]
    assert [e["command"] for e in events if e["objectName"] == "public.kept" and not e["exitCode"]] == ["DELETE"]
    assert {e["statementId"] for e in events[:-1]} == {2}
    assert events[-1]["statementId"] == 3


def test_what_is_raised_again_is_one_failure_of_the_clients_statement(cluster):
    statement = "DO $$ BEGIN BEGIN PERFORM 1 / (id - 1) FROM kept; EXCEPTION WHEN OTHERS THEN RAISE; END; END $$"
    events, _ = run(cluster, statement)
    assert [e["exitCode"] for e in failures(events) if e["commandText"] == statement] == ["22012"]
    # Caught it was, too.
    assert [e["objectName"] for e in failures(events) if e["commandText"] != statement] in ([], ["public.kept"])


def test_caught_errors_are_told_when_nothing_is_logged(cluster):
    settings = ["SET log_min_messages = panic", "SET client_min_messages = error"]
    events, values = run(cluster, *settings, "SELECT twice()")
    assert values[-1] == "there"
    assert [e["exitCode"] for e in failures(events)] == ["23505"]


def test_a_savepoint_of_the_client_is_no_catch(cluster):
    events, _ = run(cluster, "BEGIN", "SAVEPOINT a", "INSERT INTO kept VALUES (1)", "ROLLBACK TO a", "COMMIT")
    assert [(e["exitCode"], e["command"]) for e in events] == [
        (None, "BEGIN"),
        (None, "SAVEPOINT"),
        ("23505", "INSERT"),
        (None, "ROLLBACK"),
        (None, "COMMIT"),
    ]
