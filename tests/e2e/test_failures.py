"""A statement that fails is one event: SQLSTATE, message, text, number, and what a success would have named."""

import pytest

from rawpg import errors
from told import PROTOCOLS, ask, commands, failures, ids, kind_of, outcomes, record_raw

SETUP = """
CREATE SCHEMA bank;
CREATE TABLE bank.account (id int PRIMARY KEY, owner text NOT NULL, amount int CHECK (amount >= 0));
CREATE TABLE bank.card (id int PRIMARY KEY, account int REFERENCES bank.account);
CREATE TABLE bank.secret (id int);
CREATE ROLE clerk LOGIN;
GRANT USAGE, CREATE ON SCHEMA bank TO clerk;
GRANT SELECT, INSERT, UPDATE, DELETE ON bank.account, bank.card TO clerk;
INSERT INTO bank.account VALUES (1, 'one', 10), (2, 'two', 20);
INSERT INTO bank.card VALUES (11, 1);
CREATE FUNCTION bank.deep(n int) RETURNS int LANGUAGE plpgsql AS
  $$ BEGIN IF n > 0 THEN RETURN bank.deep(n - 1); END IF; PERFORM 1 / n FROM bank.account; RETURN 1; END $$;
CREATE FUNCTION bank.inlined(n int) RETURNS int LANGUAGE sql AS 'SELECT 1 / n';
CREATE PROCEDURE bank.spend(n int) LANGUAGE plpgsql AS
  $$ BEGIN UPDATE bank.account SET amount = amount - n WHERE id = 1; END $$;
CREATE FUNCTION bank.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
CREATE TABLE bank.closed (id int);
CREATE TRIGGER refused BEFORE INSERT ON bank.closed FOR EACH ROW EXECUTE FUNCTION bank.refuse();
"""


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute(SETUP)


@pytest.fixture(params=PROTOCOLS)
def run(cluster, request):
    """The events of statements in a session of their own, and the SQLSTATEs that its client was told."""

    def record(*statements, **startup):
        told = []

        def send(session):
            for statement in statements:
                told.extend(errors(ask(session, statement, request.param).answer()))

        return record_raw(cluster, send, **startup), told

    return record


# Statement, SQLSTATE, message, and a statement of the same kind on the same object that succeeds.
EXECUTED = [
    ("SELECT 1 / (id - 1) FROM bank.account", "22012", "division by zero", "SELECT 1 / id FROM bank.account"),
    ("SELECT owner::int FROM bank.account", "22P02", "invalid input syntax", "SELECT owner::text FROM bank.account"),
    ("SELECT id * 2147483647 FROM bank.account", "22003", "out of range", "SELECT id FROM bank.account"),
    (
        "INSERT INTO bank.account VALUES (1, 'x', 1)",
        "23505",
        "duplicate key",
        "INSERT INTO bank.account VALUES (50, 'x', 1)",
    ),
    (
        "INSERT INTO bank.account VALUES (3, NULL, 1)",
        "23502",
        "null value",
        "INSERT INTO bank.account VALUES (51, 'x', 1)",
    ),
    (
        "INSERT INTO bank.account VALUES (3, 'x', -1)",
        "23514",
        "check constraint",
        "INSERT INTO bank.account VALUES (52, 'x', 1)",
    ),
    (
        "UPDATE bank.account SET amount = -1",
        "23514",
        "check constraint",
        "UPDATE bank.account SET amount = 1 WHERE id = 50",
    ),
    (
        "UPDATE bank.account SET id = 1 WHERE id = 2",
        "23505",
        "duplicate key",
        "UPDATE bank.account SET id = 2 WHERE id = 2",
    ),
    (
        "DELETE FROM bank.account WHERE 1 / (id - 1) = 1",
        "22012",
        "division",
        "DELETE FROM bank.account WHERE id > 49",
    ),
    ("TABLE bank.secret", "42501", "permission denied for table secret", None),
    ("INSERT INTO bank.secret VALUES (1)", "42501", "permission denied for table secret", None),
    ("UPDATE bank.secret SET id = 1", "42501", "permission denied for table secret", None),
    ("DELETE FROM bank.secret", "42501", "permission denied for table secret", None),
]


@pytest.mark.parametrize(
    ("statement", "sqlstate", "message", "success"), EXECUTED, ids=[f"{e[1]} {e[0]}" for e in EXECUTED]
)
def test_a_failed_execution_names_what_a_success_would(cluster, run, statement, sqlstate, message, success):
    user = "clerk" if success is None else "postgres"
    events, told = run(statement, "SELECT 'next'", user=user)
    assert told == [sqlstate]
    assert outcomes(events) == [(sqlstate, statement), (None, "SELECT 'next'")]
    assert ids(events) == [(2, 1), (3, 1)]
    assert message in events[0]["errorMessage"]
    assert (events[0]["rowCount"], events[0]["dbUserName"]) == (None, user)
    good, told = run(success or statement)
    assert told == []
    assert kind_of(events[0]) == kind_of(next(e for e in good if e["commandText"] == (success or statement)))


@pytest.mark.parametrize(
    ("statement", "sqlstate", "kind"),
    [
        ("SELECT * FROM nothing", "42P01", ("READ", "SELECT")),
        ("TABLE nothing", "42P01", ("READ", "SELECT")),
        ("WITH a AS (SELECT 1) SELECT * FROM nothing", "42P01", ("READ", "SELECT")),
        ("VALUES (1), ('x')", "22P02", ("READ", "SELECT")),
        ("(SELECT nothing)", "42703", ("READ", "SELECT")),
        ("SELECT nothing()", "42883", ("READ", "SELECT")),
        ("SELECT id FROM bank.account GROUP BY owner", "42803", ("READ", "SELECT")),
        ("SELECT 1 / 0", "22012", ("READ", "SELECT")),
        ("SELECT 1 FROM WHERE", "42601", ("READ", "SELECT")),
        ("SELECT 'unfinished", "42601", ("READ", "SELECT")),
        ("-- a remark\n  select nothing", "42703", ("READ", "SELECT")),
        ("/* a /* nested */ remark */ insert into nothing values (1)", "42P01", ("WRITE", "INSERT")),
        ("INSERT INTO bank.account (nothing) VALUES (1)", "42703", ("WRITE", "INSERT")),
        ("UPDATE nothing SET a = 1", "42P01", ("WRITE", "UPDATE")),
        ("DELETE FROM nothing", "42P01", ("WRITE", "DELETE")),
        ("MERGE INTO nothing USING bank.card ON true WHEN MATCHED THEN DELETE", "42P01", ("WRITE", "MERGE")),
        ("TRUNCATE nothing", "42P01", ("WRITE", "TRUNCATE TABLE")),
        ("TRUNCATE bank.account", "0A000", ("WRITE", "TRUNCATE TABLE")),
        ("COPY nothing FROM STDIN", "42P01", ("WRITE", "COPY")),
        ("COPY nothing TO STDOUT", "42P01", ("READ", "COPY")),
        ("CREATE TABLE bank.account (a int)", "42P07", ("DDL", "CREATE TABLE")),
        ("CREATE INDEX ON bank.account (nothing)", "42703", ("DDL", "CREATE INDEX")),
        ("CREATE VIEW made AS SELECT * FROM nothing", "42P01", ("DDL", "CREATE VIEW")),
        ("CREATE FUNCTION made() RETURNS int LANGUAGE sql AS 'SELECT nothing'", "42703", ("DDL", "CREATE FUNCTION")),
        ("ALTER TABLE nothing ADD a int", "42P01", ("DDL", "ALTER TABLE")),
        ("ALTER TABLE bank.account ADD id int", "42701", ("DDL", "ALTER TABLE")),
        ("DROP TABLE nothing", "42P01", ("DDL", "DROP TABLE")),
        ("DROP TABLE bank.account", "2BP01", ("DDL", "DROP TABLE")),
        ("DROP SCHEMA nothing", "3F000", ("DDL", "DROP SCHEMA")),
        ("CREATE ROLE clerk", "42710", ("ROLE", "CREATE ROLE")),
        ("ALTER ROLE nobody SUPERUSER", "42704", ("ROLE", "ALTER ROLE")),
        ("DROP ROLE nobody", "42704", ("ROLE", "DROP ROLE")),
        ("GRANT SELECT ON nothing TO clerk", "42P01", ("ROLE", "GRANT")),
        ("REVOKE SELECT ON bank.account FROM nobody", "42704", ("ROLE", "REVOKE")),
        ("SET nothing = 1", "42704", ("MISC", "SET")),
        ("VACUUM nothing", "42P01", ("MISC", "VACUUM")),
        ("ANALYZE nothing", "42P01", ("MISC", "ANALYZE")),
        ("EXPLAIN SELECT * FROM nothing", "42P01", ("MISC", "EXPLAIN")),
        ("DO 'BEGIN PERFORM nothing(); END'", "42883", ("FUNCTION", "DO")),
        ("DO LANGUAGE nothing ''", "42704", ("FUNCTION", "DO")),
        ("CREATE DATABASE postgres", "42P04", ("DDL", "CREATE DATABASE")),
    ],
)
def test_a_statement_refused_before_it_ran_has_the_kind_of_its_first_words(run, statement, sqlstate, kind):
    events, told = run(statement, "SELECT 'next'")
    assert told == [sqlstate]
    failed = failures(events)
    assert outcomes(failed) == [(sqlstate, statement)]
    assert commands(failed) == [kind]
    assert failed[0]["statementId"] == 2
    assert (events[-1]["commandText"], events[-1]["statementId"]) == ("SELECT 'next'", 3)


@pytest.mark.parametrize("statement", ["SELEC 1", "?", "grant", "'", "1", "\u00e9\u00e9"])
def test_what_is_no_statement_at_all_is_one_failure(run, statement):
    events, told = run(statement, "SELECT 'next'")
    assert told == ["42601"]
    assert outcomes(events) == [("42601", statement), (None, "SELECT 'next'")]
    assert ids(events) == [(2, 1), (3, 1)]
    assert events[0]["objectName"] is None


@pytest.mark.parametrize(
    ("statement", "sqlstate", "kind"),
    [
        ("SELECT bank.deep(5)", "22012", ("READ", "SELECT")),
        ("SELECT bank.inlined(id - 1) FROM bank.account", "22012", ("READ", "SELECT")),
        ("INSERT INTO bank.closed VALUES (1)", "P0001", ("WRITE", "INSERT")),
        ("INSERT INTO bank.card VALUES (12, 99)", "23503", ("WRITE", "INSERT")),
        ("DELETE FROM bank.account WHERE id = 1", "23503", ("WRITE", "DELETE")),
        ("DO 'BEGIN PERFORM bank.deep(3); END'", "22012", ("FUNCTION", "DO")),
        ("DO 'BEGIN RAISE EXCEPTION $$mine$$ USING ERRCODE = $$XX123$$; END'", "XX123", ("FUNCTION", "DO")),
        ("EXPLAIN ANALYZE SELECT 1 / (id - 1) FROM bank.account", "22012", ("MISC", "EXPLAIN")),
        ("CREATE TABLE made AS SELECT bank.deep(1)", "22012", ("DDL", "CREATE TABLE AS")),
        ("REFRESH MATERIALIZED VIEW bank.nothing", "42P01", ("DDL", "REFRESH MATERIALIZED VIEW")),
        ("COPY (SELECT bank.deep(1)) TO STDOUT", "22012", ("READ", "COPY")),
    ],
)
def test_an_error_deep_inside_is_one_failure_of_the_clients_statement(run, statement, sqlstate, kind):
    events, told = run(statement, "SELECT 'next'")
    assert told == [sqlstate]
    failed = failures(events)
    assert outcomes(failed) == [(sqlstate, statement)]
    assert commands(failed) == [kind]
    assert {e["statementId"] for e in events[:-1]} == {2}
    assert (events[-1]["commandText"], events[-1]["statementId"]) == ("SELECT 'next'", 3)


def test_a_procedure_that_fails_is_one_failure_of_its_call(run):
    events, told = run("CALL bank.spend(100)", "SELECT 'next'")
    assert told == ["23514"]
    failed = failures(events)
    assert outcomes(failed) == [("23514", "CALL bank.spend(100)")]
    assert (failed[0]["command"], failed[0]["statementId"], events[-1]["statementId"]) == ("CALL", 2, 3)


def test_a_hundred_failures_are_a_hundred_events(run):
    statements = [f"SELECT {number} / 0" for number in range(100)]
    events, told = run(*statements)
    assert told == ["22012"] * 100
    assert outcomes(events) == [("22012", statement) for statement in statements]
    assert ids(events) == [(2 + number, 1) for number in range(100)]


def test_a_password_in_a_statement_that_fails_is_not_told(run):
    events, _ = run("CREATE ROLE clerk PASSWORD 'open sesame'", "ALTER ROLE nobody PASSWORD 'open sesame' NOTHING")
    assert [e["exitCode"] for e in events] == ["42710", "42601"]
    assert "sesame" not in str(events)


def test_a_long_statement_that_fails_is_cut_and_its_length_told(run):
    statement = "SELECT nothing /* " + "x" * 400_000 + " */"
    events, _ = run(statement)
    assert [e["exitCode"] for e in events] == ["42703"]
    assert events[0]["commandTextLength"] == len(statement)
    assert statement.startswith(events[0]["commandText"][:1000])
