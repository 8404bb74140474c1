"""What is put off until the commit belongs to the statement that commits: its SQL, and its failure, told once."""

import pytest

from rawpg import errors, kinds
from told import brief, commands, failures, ids, outcomes, record_raw, texts


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute(
        "CREATE TABLE parent (id int PRIMARY KEY)",
        "CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE watched (id int)",
        "CREATE TABLE journal (id int)",
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO journal VALUES (NEW.id); PERFORM count(*) FROM journal;"
        " IF NEW.id < 0 THEN RAISE EXCEPTION 'negative %', NEW.id; END IF; RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER noted AFTER INSERT ON watched DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION note()",
    )


def inner(events):
    return [(e["command"], e["statementId"]) for e in events if e["objectName"] == "public.journal"]


def test_at_commit_it_runs_inside_the_commit(run):
    events = run("BEGIN", "INSERT INTO watched VALUES (1), (2)", "SELECT 'between'", "COMMIT", "SELECT 'after'")
    assert inner(events) == [("INSERT", 5), ("SELECT", 5), ("INSERT", 5), ("SELECT", 5)]
    own = [e for e in events if e["commandText"] in ("BEGIN", "COMMIT") or e["objectName"] == "public.watched"]
    assert [(e["command"], e["statementId"]) for e in own] == [("BEGIN", 2), ("INSERT", 3), ("COMMIT", 5)]
    of_commit = [e for e in events if e["statementId"] == 5]
    numbers = [e["substatementId"] for e in of_commit]
    assert sorted(set(numbers)) == list(range(1, len(set(numbers)) + 1)), brief(of_commit)
    own_numbers = [
        e["substatementId"] for e in of_commit if e["objectName"] == "public.journal" or e["command"] == "COMMIT"
    ]
    assert len(set(own_numbers)) == 5, brief(of_commit)
    assert next(e for e in events if e["commandText"] == "SELECT 'after'")["statementId"] == 6


def test_without_a_block_it_runs_inside_the_statement(run):
    events = run("INSERT INTO watched VALUES (3)", "SELECT 'after'")
    assert inner(events) == [("INSERT", 2), ("SELECT", 2)]
    own = [e for e in events if e["objectName"] in ("public.watched", "public.journal")]
    assert len(set(ids(own))) == 3, brief(events)
    assert next(e for e in events if e["objectName"] == "public.watched")["statementId"] == 2
    assert next(e for e in events if e["commandText"] == "SELECT 'after'")["statementId"] == 3


def test_made_immediate_it_runs_inside_that_command(run):
    events = run("BEGIN", "INSERT INTO watched VALUES (4)", "SET CONSTRAINTS ALL IMMEDIATE", "COMMIT")
    assert inner(events) == [("INSERT", 4), ("SELECT", 4)]
    assert [(e["command"], e["statementId"]) for e in events if e["class"] == "MISC"] == [
        ("BEGIN", 2),
        ("SET CONSTRAINTS", 4),
        ("COMMIT", 5),
    ]


@pytest.mark.parametrize(
    ("change", "sqlstate"),
    [
        ("INSERT INTO child VALUES (1, 999)", "23503"),
        ("INSERT INTO watched VALUES (-1)", "P0001"),
    ],
)
def test_a_commit_that_fails_is_one_failure_and_no_success(run, change, sqlstate):
    events = run("BEGIN", change, "COMMIT", "SELECT 'after'")
    assert outcomes(e for e in events if e["commandText"] == "COMMIT") == [(sqlstate, "COMMIT")]
    assert outcomes(failures(events)) == [(sqlstate, "COMMIT")]
    failure = failures(events)[0]
    assert (failure["class"], failure["command"], failure["statementId"]) == ("MISC", "COMMIT", 4)
    assert outcomes(e for e in events if e["commandText"] == change) == [(None, change)]
    assert next(e for e in events if e["commandText"] == "SELECT 'after'")["statementId"] == 5


@pytest.mark.parametrize(
    ("change", "sqlstate"),
    [
        ("INSERT INTO child VALUES (1, 999)", "23503"),
        ("INSERT INTO watched VALUES (-1)", "P0001"),
    ],
)
def test_a_query_that_fails_when_it_is_committed_is_told_as_run_and_then_as_one_failure(cluster, change, sqlstate):
    def send(session):
        assert kinds(session.run(change)) == "EZ"
        session.run("SELECT 'after'")

    events = record_raw(cluster, send)
    of_client = [e for e in events if e["commandText"] == change]
    assert outcomes(of_client) == [(None, change), (sqlstate, change)]
    assert outcomes(failures(events)) == [(sqlstate, change)]
    assert [e["statementId"] for e in of_client] == [2, 2]
    assert commands(of_client) == [("WRITE", "INSERT")] * 2
    assert next(e for e in events if e["commandText"] == "SELECT 'after'")["statementId"] == 3


def test_a_statement_that_fails_at_its_sync_is_told_with_its_completion_and_one_failure(cluster):
    change = "INSERT INTO child VALUES (2, 999)"

    def send(session):
        session.statement(change).sync()
        assert kinds(session.answer()) == "12CEZ", "the client was told of a completion, then of the failure"
        session.run("SELECT 'after'")

    events = record_raw(cluster, send)
    assert [(e["exitCode"], e["statementId"]) for e in events if e["commandText"] == change][:1] == [(None, 2)]
    assert [(e["exitCode"], e["statementId"]) for e in failures(events)] == [("23503", 2)]
    assert next(e for e in events if e["commandText"] == "SELECT 'after'")["statementId"] == 3


def test_a_pipeline_that_fails_at_its_sync_is_one_failure_after_its_statements(cluster):
    change = "INSERT INTO child VALUES (3, 999)"

    def send(session):
        session.statement(change).statement("SELECT 'done'").sync()
        assert errors(session.answer()) == ["23503"]
        session.run("SELECT 'after'")

    events = record_raw(cluster, send)
    assert [e["exitCode"] for e in failures(events)] == ["23503"]
    own = [e for e in events if e["commandText"] in (change, "SELECT 'done'", "SELECT 'after'") and not e["exitCode"]]
    assert texts(own) == [change, "SELECT 'done'", "SELECT 'after'"]
    assert own[1]["sequence"] < failures(events)[0]["sequence"] < own[2]["sequence"]


def test_two_phase_commit_runs_it_when_the_transaction_is_prepared(make_cluster):
    cluster = make_cluster(conf={"max_prepared_transactions": "2"})
    cluster.execute(
        "CREATE TABLE watched (id int)",
        "CREATE TABLE journal (id int)",
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO journal VALUES (NEW.id); RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER noted AFTER INSERT ON watched DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION note()",
    )

    def send(session):
        for statement in (
            "BEGIN",
            "INSERT INTO watched VALUES (1)",
            "PREPARE TRANSACTION 'p'",
            "COMMIT PREPARED 'p'",
        ):
            session.run(statement)

    assert inner(record_raw(cluster, send)) == [("INSERT", 4)]
