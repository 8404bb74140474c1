"""Transactions and what moves no rows: savepoints, two-phase commit, LISTEN, LOCK, SET and kin, one event each."""

import pytest

from conftest import Factory
from rawpg import RawSession, errors
from told import PROTOCOLS, ask, brief, commands, ended, ids, outcomes, record_raw, texts


@pytest.fixture(scope="module")
def cluster(installation, aws, alias):
    """A server that prepares transactions."""
    factory = Factory(installation, aws, alias)
    yield factory(conf={"max_prepared_transactions": "5"})
    factory.close()


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute(
        "CREATE TABLE thing (id int PRIMARY KEY, twin int UNIQUE DEFERRABLE)",
        "CREATE ROLE another",
        "INSERT INTO thing VALUES (1, 1)",
    )


@pytest.fixture(params=PROTOCOLS)
def run(cluster, request):
    """The events of statements, of which only those with numbers in `failing` fail, by either protocol."""

    def record(*statements, failing=()):
        def send(session):
            for number, statement in enumerate(statements):
                ask(session, statement, request.param)
                assert bool(errors(session.answer())) == (number in failing), statement

        return record_raw(cluster, send)

    return record


BLOCKS = {
    "commit": [("BEGIN", "BEGIN"), ("COMMIT", "COMMIT")],
    "end": [("BEGIN WORK", "BEGIN"), ("END", "COMMIT")],
    "abort": [("START TRANSACTION", "START TRANSACTION"), ("ABORT", "ROLLBACK")],
    "rollback": [("START TRANSACTION READ ONLY", "START TRANSACTION"), ("ROLLBACK", "ROLLBACK")],
    "chain": [
        ("BEGIN ISOLATION LEVEL SERIALIZABLE", "BEGIN"),
        ("COMMIT AND CHAIN", "COMMIT"),
        ("ROLLBACK AND CHAIN", "ROLLBACK"),
        ("COMMIT", "COMMIT"),
    ],
    "savepoints": [
        ("BEGIN", "BEGIN"),
        ("SAVEPOINT a", "SAVEPOINT"),
        ("SAVEPOINT b", "SAVEPOINT"),
        ("ROLLBACK TO b", "ROLLBACK"),
        ("RELEASE b", "RELEASE"),
        ("RELEASE SAVEPOINT a", "RELEASE"),
        ("COMMIT", "COMMIT"),
    ],
    "outside": [("COMMIT", "COMMIT"), ("ROLLBACK", "ROLLBACK")],
    "prepared and committed": [
        ("BEGIN", "BEGIN"),
        ("PREPARE TRANSACTION 'one'", "PREPARE TRANSACTION"),
        ("COMMIT PREPARED 'one'", "COMMIT PREPARED"),
    ],
    "prepared and rolled back": [
        ("BEGIN", "BEGIN"),
        ("PREPARE TRANSACTION 'two'", "PREPARE TRANSACTION"),
        ("ROLLBACK PREPARED 'two'", "ROLLBACK PREPARED"),
    ],
    "notifications": [
        ("LISTEN here", "LISTEN"),
        ("NOTIFY here", "NOTIFY"),
        ("NOTIFY here, 'with a payload'", "NOTIFY"),
        ("UNLISTEN here", "UNLISTEN"),
        ("UNLISTEN *", "UNLISTEN"),
    ],
    "locks": [
        ("BEGIN", "BEGIN"),
        ("LOCK TABLE thing", "LOCK TABLE"),
        ("LOCK thing IN ACCESS SHARE MODE NOWAIT", "LOCK TABLE"),
        ("COMMIT", "COMMIT"),
    ],
    "settings": [
        ("SET work_mem = '5MB'", "SET"),
        ("SET SESSION work_mem TO DEFAULT", "SET"),
        ("SET LOCAL work_mem = '5MB'", "SET"),
        ("SET TIME ZONE 'UTC'", "SET"),
        ("SET NAMES 'UTF8'", "SET"),
        ("SET ROLE another", "SET"),
        ("RESET ROLE", "RESET"),
        ("SET SESSION AUTHORIZATION another", "SET"),
        ("RESET SESSION AUTHORIZATION", "RESET"),
        ("RESET work_mem", "RESET"),
        ("RESET ALL", "RESET"),
        ("SHOW work_mem", "SHOW"),
        ("SHOW ALL", "SHOW"),
    ],
    "transaction settings": [
        ("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "SET"),
        ("BEGIN", "BEGIN"),
        ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SET"),
        ("SET CONSTRAINTS ALL DEFERRED", "SET CONSTRAINTS"),
        ("SET CONSTRAINTS thing_twin_key IMMEDIATE", "SET CONSTRAINTS"),
        ("COMMIT", "COMMIT"),
    ],
    "discards": [
        ("DISCARD PLANS", "DISCARD PLANS"),
        ("DISCARD SEQUENCES", "DISCARD SEQUENCES"),
        ("DISCARD TEMP", "DISCARD TEMP"),
        ("DISCARD ALL", "DISCARD ALL"),
    ],
    "the server's": [("CHECKPOINT", "CHECKPOINT"), ("LOAD 'plpgsql'", "LOAD")],
}


@pytest.mark.parametrize("block", BLOCKS)
def test_each_command_is_one_event_with_its_tag_and_its_number(run, block):
    events = run(*(text for text, _ in BLOCKS[block]))
    assert [(e["commandText"], e["command"]) for e in events] == BLOCKS[block]
    assert {e["class"] for e in events} == {"MISC"}
    assert ids(events) == [(2 + number, 1) for number in range(len(events))]


@pytest.mark.parametrize(
    ("statement", "sqlstate", "command"),
    [
        ("SAVEPOINT a", "25P01", "SAVEPOINT"),
        ("RELEASE a", "25P01", "RELEASE"),
        ("ROLLBACK TO a", "25P01", "ROLLBACK"),
        ("COMMIT PREPARED 'nothing'", "42704", "COMMIT PREPARED"),
        ("ROLLBACK PREPARED 'nothing'", "42704", "ROLLBACK PREPARED"),
        ("LOCK TABLE thing", "25P01", "LOCK TABLE"),
        ("COMMIT AND CHAIN", "25P01", "COMMIT"),
        ("SET work_mem = 'much'", "22023", "SET"),
        ("SET ROLE nobody", "22023", "SET"),
        ("RESET nothing", "42704", "RESET"),
        ("SHOW nothing", "42704", "SHOW"),
        ("LOAD 'no such library'", "58P01", "LOAD"),
        ("SET data_directory = '/tmp'", "55P02", "SET"),
    ],
)
def test_each_command_that_fails_is_one_failure_with_its_tag(run, statement, sqlstate, command):
    events = run(statement, "SELECT 'next'", failing=[0])
    assert outcomes(events) == [(sqlstate, statement), (None, "SELECT 'next'")]
    assert commands(events)[0] == ("MISC", command)
    assert ids(events) == [(2, 1), (3, 1)]


def test_work_that_is_rolled_back_to_a_savepoint_is_told(run):
    steps = [
        "BEGIN",
        "SAVEPOINT a",
        "INSERT INTO thing VALUES (50, 50)",
        "INSERT INTO thing VALUES (1, 51)",
        "SELECT 'aborted'",
        "ROLLBACK TO a",
        "INSERT INTO thing VALUES (52, 52)",
        "ROLLBACK",
    ]
    events = run(*steps, failing=[3, 4])
    assert outcomes(events) == list(zip([None, None, None, "23505", "25P02", None, None, None], steps, strict=True))
    assert ids(events) == [(2 + number, 1) for number in range(8)]


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_the_end_of_an_aborted_block_is_no_failure(run, end):
    events = run("BEGIN", "SELECT 1 / 0", end, failing=[1])
    assert outcomes(events) == [(None, "BEGIN"), ("22012", "SELECT 1 / 0"), (None, end)]
    assert events[2]["command"] in (end, "ROLLBACK")


def test_a_transaction_that_another_session_commits_is_told_by_each(cluster):
    def prepare(session):
        for statement in ("BEGIN", "INSERT INTO thing VALUES (60, 60)", "PREPARE TRANSACTION 'handed over'"):
            session.run(statement)

    first = record_raw(cluster, prepare)
    second = record_raw(cluster, lambda session: session.run("COMMIT PREPARED 'handed over'"))
    assert [e["command"] for e in first] == ["BEGIN", "INSERT", "PREPARE TRANSACTION"]
    assert [e["command"] for e in second] == ["COMMIT PREPARED"]
    assert cluster.value("SELECT count(*) FROM thing WHERE id = 60") == 1


def test_a_failed_prepare_of_a_transaction_is_one_failure(run):
    events = run("BEGIN", "LISTEN here", "PREPARE TRANSACTION 'listening'", failing=[2])
    assert outcomes(events)[2:] == [("0A000", "PREPARE TRANSACTION 'listening'")], brief(events)
    assert commands(events)[2] == ("MISC", "PREPARE TRANSACTION")
    assert ids(events) == [(2, 1), (3, 1), (4, 1)]


def test_what_a_listener_hears_is_no_event_of_its(cluster):
    with RawSession(cluster.port) as listener:
        listener.run("LISTEN heard")
        cluster.execute("NOTIFY heard, 'something'")
        listener.until("A")
    assert texts(ended(cluster, listener.pid)) == ["LISTEN heard"]


def test_a_session_that_ends_in_a_transaction_tells_no_more_than_it_was_sent(cluster):
    def leave(session):
        session.run("BEGIN")
        session.run("INSERT INTO thing VALUES (70, 70)")

    assert texts(record_raw(cluster, leave)) == ["BEGIN", "INSERT INTO thing VALUES (70, 70)"]
