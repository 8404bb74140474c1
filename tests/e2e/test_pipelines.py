"""Pipelines: what came before an error is told, the error once, what the server skipped until Sync not at all."""

import pytest

from rawpg import RawSession, errors, kinds
from told import after_all_of_this, brief, ended, failures, ids, outcomes, record_raw, so_far, texts


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute("CREATE TABLE thing (id int PRIMARY KEY)", "INSERT INTO thing VALUES (1)")


def test_a_pipeline_is_told_statement_by_statement(cluster):
    def pipeline(session):
        for number in range(20):
            session.parse("SELECT $1::int").bind([number]).describe().execute()
        session.sync()
        assert kinds(session.answer()) == "12TDC" * 20 + "Z"

    events = record_raw(cluster, pipeline)
    assert [e["paramList"] for e in events] == [[str(number)] for number in range(20)]
    assert ids(events) == [(2 + number, 1) for number in range(20)]


# What fails, and in which message: the failing part of the pipeline, the server's SQLSTATE, the text that is told.
BREAKS = {
    "parse: syntax": (lambda s: s.statement("SELEC 1"), "42601", "SELEC 1"),
    "parse: unknown table": (lambda s: s.statement("SELECT * FROM nothing"), "42P01", "SELECT * FROM nothing"),
    "parse: two statements": (lambda s: s.statement("SELECT 1; SELECT 2"), "42601", "SELECT 1; SELECT 2"),
    "bind: no number": (lambda s: s.statement("SELECT $1::int + 1", ["x"]), "22P02", "SELECT $1::int + 1"),
    "bind: too few values": (lambda s: s.statement("SELECT $1::int + 2"), "08P01", "SELECT $1::int + 2"),
    "execute: division": (
        lambda s: s.statement("SELECT 1 / (id - 1) FROM thing"),
        "22012",
        "SELECT 1 / (id - 1) FROM thing",
    ),
    "execute: unique": (
        lambda s: s.statement("INSERT INTO thing VALUES (1)"),
        "23505",
        "INSERT INTO thing VALUES (1)",
    ),
    "execute: utility": (lambda s: s.statement("DROP TABLE nothing"), "42P01", "DROP TABLE nothing"),
    "execute: not in a pipeline": (lambda s: s.statement("VACUUM thing"), "25001", "VACUUM thing"),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_an_error_in_the_middle_is_told_once_and_what_is_skipped_is_not(cluster, broken):
    fail, sqlstate, text = BREAKS[broken]

    def pipeline(session):
        session.statement("INSERT INTO thing VALUES (2)").statement("SELECT 'before'")
        fail(session)
        session.statement("SELECT 'skipped'").parse("SELEC skipped too").statement("SELECT 1 / 0").sync()
        session.statement("SELECT 'in the next pipeline'").sync()
        assert errors(session.answer()) == [sqlstate]
        assert errors(session.answer()) == []

    events = record_raw(cluster, pipeline)
    assert outcomes(events) == [
        (None, "INSERT INTO thing VALUES (2)"),
        (None, "SELECT 'before'"),
        (sqlstate, text),
        (None, "SELECT 'in the next pipeline'"),
    ]
    assert ids(events) == [(2, 1), (3, 1), (4, 1), (5, 1)]


@pytest.mark.parametrize(
    ("fail", "sqlstate"),
    [
        (lambda s: s.bind(statement="no such statement"), "26000"),
        (lambda s: s.execute(portal="no such portal"), "34000"),
        (lambda s: s.describe("no such portal"), "34000"),
        (lambda s: s.describe("no such statement", "S"), "26000"),
    ],
    ids=["bind", "execute", "describe portal", "describe statement"],
)
def test_a_message_that_names_what_is_not_there_is_one_failure(cluster, fail, sqlstate):
    def pipeline(session):
        session.statement("SELECT 'before'")
        fail(session)
        session.statement("SELECT 'skipped'").sync()
        assert errors(session.answer()) == [sqlstate]
        session.run("SELECT 'after'")

    events = record_raw(cluster, pipeline)
    assert [e["exitCode"] for e in events] == [None, sqlstate, None]
    assert texts(events)[0::2] == ["SELECT 'before'", "SELECT 'after'"]


def test_a_failure_is_told_before_sync_too(cluster):
    with cluster.connect() as witness, RawSession(cluster.port) as session:
        session.statement("SELECT 1 / 0").flush().until("E")
        bound = after_all_of_this(cluster, witness)
        event = so_far(cluster, session.pid, 1)[0]
        assert (event["exitCode"], event["sequence"] < bound) == ("22012", True)
        session.sync().answer()
    assert len(ended(cluster, session.pid)) == 1


def test_a_transaction_block_that_is_aborted_in_a_pipeline_refuses_until_its_end(cluster):
    def pipeline(session):
        session.statement("BEGIN").statement("SELECT 1 / 0").sync().answer()
        for _ in range(2):
            session.statement("SELECT 'refused'").statement("SELECT 'skipped'").sync()
            assert errors(session.answer()) == ["25P02"]
        # What was prepared before is refused when it is bound.
        session.statement("ROLLBACK").statement("SELECT 'fine'").sync()
        assert errors(session.answer()) == []

    events = record_raw(cluster, pipeline)
    assert outcomes(events) == [
        (None, "BEGIN"),
        ("22012", "SELECT 1 / 0"),
        ("25P02", "SELECT 'refused'"),
        ("25P02", "SELECT 'refused'"),
        (None, "ROLLBACK"),
        (None, "SELECT 'fine'"),
    ]
    assert ids(events) == [(number, 1) for number in range(2, 8)]


def test_a_prepared_statement_in_an_aborted_transaction_is_refused_with_its_text(cluster):
    def pipeline(session):
        session.parse("SELECT 'prepared before'", "p").statement("BEGIN").statement("SELECT 1 / 0").sync().answer()
        session.bind(statement="p").execute().sync()
        assert errors(session.answer()) == ["25P02"]
        session.run("ROLLBACK")

    events = record_raw(cluster, pipeline)
    assert outcomes(events)[2] == ("25P02", "SELECT 'prepared before'")
    assert len(events) == 4


def test_transactions_inside_a_pipeline_are_told_in_order(cluster):
    steps = ["BEGIN", "INSERT INTO thing VALUES (30)", "COMMIT", "BEGIN", "DELETE FROM thing WHERE id = 30", "COMMIT"]

    def pipeline(session):
        for step in steps:
            session.statement(step)
        session.sync()
        assert errors(session.answer()) == []

    events = record_raw(cluster, pipeline)
    assert texts(events) == steps
    assert ids(events) == [(2 + number, 1) for number in range(6)]


def test_a_query_in_the_middle_of_a_pipeline_is_told_in_its_place(cluster):
    def pipeline(session):
        session.statement("SELECT 'extended'").query("SELECT 'simple'").statement("SELECT 'extended again'").sync()
        session.until("Z")
        session.answer()

    events = record_raw(cluster, pipeline)
    assert texts(events) == ["SELECT 'extended'", "SELECT 'simple'", "SELECT 'extended again'"]
    assert ids(events) == [(2, 1), (3, 1), (4, 1)]


# The fast path


def function(cluster, signature):
    return cluster.value(f"SELECT '{signature}'::regprocedure::oid::int")


def test_a_function_called_by_the_fast_path_is_one_statement_without_text(cluster):
    oid = function(cluster, "lo_creat(int)")

    def call(session):
        session.run("SELECT 'before'")
        session.call_function(oid, -1)
        assert kinds(session.answer()) == "VZ"
        session.run("SELECT 'after'")

    events = record_raw(cluster, call)
    assert ids(events) == [(2, 1), (3, 1), (4, 1)]
    event = events[1]
    assert (event["class"], event["command"], event["commandText"]) == ("FUNCTION", "EXECUTE", None)
    assert (event["objectType"], event["objectName"]) == ("FUNCTION", "pg_catalog.lo_creat")
    assert (event["exitCode"], event["rowCount"]) == (None, None)


def test_what_a_function_called_by_the_fast_path_runs_is_told_within_it(cluster):
    cluster.execute(
        "CREATE FUNCTION adds(a int) RETURNS int LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO thing VALUES (a); DELETE FROM thing WHERE id = a; RETURN 1; END $$"
    )
    oid = function(cluster, "adds(int)")
    events = record_raw(cluster, lambda session: session.call_function(oid, 40).answer())
    assert {(e["command"], e["objectName"]) for e in events} == {
        ("EXECUTE", "public.adds"),
        ("INSERT", "public.thing"),
        ("DELETE", "public.thing"),
    }
    assert sorted(ids(events)) == [(2, 1), (2, 2), (2, 3)], brief(events)


def test_a_fast_path_call_that_fails_is_one_failure(cluster):
    cluster.execute("CREATE ROLE caller LOGIN", "REVOKE EXECUTE ON FUNCTION lo_creat(int) FROM PUBLIC")
    divide, creat = function(cluster, "int4div(int, int)"), function(cluster, "lo_creat(int)")

    def call(session):
        for oid, arguments, sqlstate in ((divide, (1, 0), "22012"), (creat, (-1,), "42501"), (1, (), "42883")):
            session.call_function(oid, *arguments)
            assert errors(session.answer()) == [sqlstate]
        session.run("SELECT 'after'")

    events = record_raw(cluster, call, user="caller")
    # The one that got as far as running was told before.
    assert [e["exitCode"] for e in events] == [None, "22012", "42501", "42883", None], brief(events)
    assert [e["statementId"] for e in events] == [2, 2, 3, 4, 5]
    assert {(e["class"], e["command"], e["commandText"]) for e in failures(events)} == {("FUNCTION", "EXECUTE", None)}
    assert events[0]["objectName"] == "pg_catalog.int4div"
