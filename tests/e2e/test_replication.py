"""Replication connections: their logins, each replication command as one event with its word and text, their SQL."""

import pytest

from conftest import Factory
from rawpg import RawSession, Refused, errors
from told import brief, commands, ended, ids, outcomes, record_raw, so_far, texts


@pytest.fixture(scope="module")
def cluster(installation, aws, alias):
    """A server that decodes its log."""
    factory = Factory(installation, aws, alias)
    cluster = factory(conf={"wal_level": "logical", "max_replication_slots": "8", "max_wal_senders": "5"})
    cluster.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    yield cluster
    factory.close()


def record(cluster, *statements, failing=(), replication="database"):
    def send(session):
        for number, statement in enumerate(statements):
            assert bool(errors(session.run(statement))) == (number in failing), statement

    return record_raw(cluster, send, replication=replication)


@pytest.mark.parametrize("replication", ["database", "true"])
def test_a_replication_session_begins_and_ends(cluster, replication):
    with RawSession(cluster.port, replication=replication, application_name="a replica") as session:
        session.run("IDENTIFY_SYSTEM")
    ended(cluster, session.pid)
    events = cluster.session_events(session.pid)
    assert [e["command"] for e in events] == ["CONNECT", "IDENTIFY_SYSTEM", "DISCONNECT"]
    assert [e["statementId"] for e in events] == [1, 2, 3]
    assert {(e["dbUserName"], e["clientApplication"], e["remoteHost"]) for e in events} == {
        ("postgres", "a replica", "127.0.0.1")
    }
    if replication == "database":
        assert {e["databaseName"] for e in events} == {"postgres"}


@pytest.mark.parametrize("replication", ["database", "true"])
def test_each_replication_command_is_one_event_with_its_word(cluster, replication):
    told = [
        ("IDENTIFY_SYSTEM", "IDENTIFY_SYSTEM"),
        ("SHOW wal_level", "SHOW"),
        ("CREATE_REPLICATION_SLOT by_word PHYSICAL", "CREATE_REPLICATION_SLOT"),
        ("READ_REPLICATION_SLOT by_word;", "READ_REPLICATION_SLOT"),
        ("DROP_REPLICATION_SLOT by_word", "DROP_REPLICATION_SLOT"),
        ("  IDENTIFY_SYSTEM ; ", "IDENTIFY_SYSTEM"),
    ]
    events = record(cluster, *(text for text, _ in told), replication=replication)
    assert [(e["commandText"], e["command"]) for e in events] == [(text.strip(), command) for text, command in told]
    assert {e["class"] for e in events} == {"MISC"}
    assert ids(events) == [(2 + number, 1) for number in range(len(told))]


def test_a_logical_slot_is_made_and_dropped(cluster):
    steps = ["CREATE_REPLICATION_SLOT logical LOGICAL pgoutput", "DROP_REPLICATION_SLOT logical WAIT"]
    events = record(cluster, *steps)
    assert [e for e in commands(events) if "SLOT" in e[1]] == [
        ("MISC", "CREATE_REPLICATION_SLOT"),
        ("MISC", "DROP_REPLICATION_SLOT"),
    ]
    assert texts(events) == steps
    assert all(e["exitCode"] is None for e in events)


def test_a_logical_stream_is_told_while_it_runs_and_once(cluster):
    start = "START_REPLICATION SLOT streamed LOGICAL 0/0 (proto_version '1', publication_names 'everything')"
    with RawSession(cluster.port, replication="database") as session:
        session.run("CREATE_REPLICATION_SLOT streamed TEMPORARY LOGICAL pgoutput")
        session.query(start).until("W")
        cluster.execute("CREATE TABLE streamed (a int)", "INSERT INTO streamed VALUES (1)")
        # Data of the log, after messages that only keep the connection alive.
        while not session.until("d")[-1].body.startswith(b"w"):
            pass
        told = so_far(cluster, session.pid, 2)[1]
        assert (told["command"], told["commandText"]) == ("START_REPLICATION", start)
        session.copy_done()
        assert errors(session.answer()) == []
        session.run("SELECT 'after the stream'")
    events = ended(cluster, session.pid)
    assert commands(events)[1:] == [("MISC", "START_REPLICATION"), ("READ", "SELECT")]
    assert ids(events) == [(2, 1), (3, 1), (4, 1)]


def test_a_physical_stream_is_told_whose_client_vanishes(cluster):
    position = cluster.value("SELECT pg_current_wal_flush_lsn()::text")
    start = f"START_REPLICATION PHYSICAL {position}"
    with RawSession(cluster.port, replication="true") as session:
        session.query(start).until("W")
        session.close_socket()
    events = ended(cluster, session.pid)
    assert [(e["command"], e["commandText"]) for e in events] == [("START_REPLICATION", start)]


def test_a_base_backup_is_told(cluster):
    made = cluster.installation.run(
        "pg_basebackup",
        "-d",
        f"host=127.0.0.1 port={cluster.port} user=postgres application_name=backup",
        "-D",
        cluster.folder / "backup",
        "-c",
        "fast",
        "-X",
        "none",
    )
    assert made.returncode == 0, made.stderr
    cluster.settle()
    events = [e for e in cluster.reader.events if e["clientApplication"] == "backup"]
    backup = [e for e in events if e["command"] == "BASE_BACKUP"]
    assert len(backup) == 1, brief(events)
    assert (backup[0]["class"], backup[0]["exitCode"]) == ("MISC", None)
    assert backup[0]["commandText"].startswith("BASE_BACKUP")


@pytest.mark.parametrize(
    ("statement", "sqlstate", "command"),
    [
        ("DROP_REPLICATION_SLOT nothing", "42704", "DROP_REPLICATION_SLOT"),
        ('CREATE_REPLICATION_SLOT "No-Name" PHYSICAL', "42602", "CREATE_REPLICATION_SLOT"),
        ("TIMELINE_HISTORY 77", "58P01", "TIMELINE_HISTORY"),
        ("SHOW nothing", "42704", "SHOW"),
    ],
)
def test_a_replication_command_is_told_before_it_runs_and_fails_once(cluster, statement, sqlstate, command):
    events = record(cluster, statement, "IDENTIFY_SYSTEM", failing=[0])
    assert outcomes(events) == [(None, statement), (sqlstate, statement), (None, "IDENTIFY_SYSTEM")]
    assert commands(events)[:2] == [("MISC", command)] * 2
    assert [e["statementId"] for e in events] == [2, 2, 3]


def test_a_replication_command_with_a_syntax_error_is_one_failure(cluster):
    events = record(cluster, "CREATE_REPLICATION_SLOT", "IDENTIFY_SYSTEM", failing=[0])
    # Before the walsender has parsed a command, it tells nobody its text.
    assert outcomes(events) == [("42601", None), (None, "IDENTIFY_SYSTEM")]
    assert ids(events) == [(2, 1), (3, 1)]


def test_a_stream_that_cannot_begin_is_one_failure(cluster):
    start = "START_REPLICATION SLOT nothing LOGICAL 0/0"
    events = record(cluster, start, "IDENTIFY_SYSTEM", failing=[0])
    # That it was asked for may be told before.
    failed = [e for e in events if e["exitCode"]]
    assert outcomes(failed) == [("42704", start)]
    assert commands(failed) == [("MISC", "START_REPLICATION")]
    assert [e["statementId"] for e in events if e["commandText"] != start] == [3]


def test_sql_in_a_replication_session_is_told_as_anywhere(cluster):
    cluster.execute("CREATE TABLE plain (id int PRIMARY KEY)")
    events = record(
        cluster,
        "INSERT INTO plain VALUES (1); TABLE plain",
        "IDENTIFY_SYSTEM",
        "SELECT 1 / 0",
        "SELECT * FROM nothing",
        "SELEC",
        failing=[2, 3, 4],
    )
    assert outcomes(events) == [
        (None, "INSERT INTO plain VALUES (1);"),
        (None, "TABLE plain"),
        (None, "IDENTIFY_SYSTEM"),
        ("22012", "SELECT 1 / 0"),
        ("42P01", "SELECT * FROM nothing"),
        ("42601", "SELEC"),
    ]
    assert ids(events) == [(2 + number, 1) for number in range(6)]
    assert brief(events)[0] == ("WRITE", "INSERT", "public.plain", 1, None)


def test_sql_in_a_physical_session_is_one_failure(cluster):
    events = record(cluster, "SELECT 1", failing=[0], replication="true")
    # Refused where the walsender has not told its text yet.
    assert outcomes(events) == [("0A000", None)]


def test_the_extended_protocol_in_a_replication_session_is_one_failure(cluster):
    def send(session):
        session.statement("SELECT 1").sync()
        assert errors(session.answer())[0] == "08P01"
        session.run("SELECT 'after'")

    events = record_raw(cluster, send, replication="database")
    assert [e["exitCode"] for e in events][:1] == ["08P01"]
    assert events[-1]["commandText"] == "SELECT 'after'"


def test_a_replication_command_in_an_aborted_transaction_is_refused(cluster):
    events = record(cluster, "BEGIN", "SELECT 1 / 0", "IDENTIFY_SYSTEM", "ROLLBACK", failing=[1, 2])
    # Told when it was received, and then refused.
    assert outcomes(events)[2:] == [(None, "IDENTIFY_SYSTEM"), ("25P02", "IDENTIFY_SYSTEM"), (None, "ROLLBACK")]


@pytest.mark.parametrize(
    ("place", "user", "sqlstate"),
    [("127.0.0.1", "no_replica", "42501"), ("socket", "postgres", "28000")],
    ids=["role without the attribute", "no pg_hba.conf entry"],
)
def test_a_refused_replication_session_is_an_auth_failure(cluster, place, user, sqlstate):
    cluster.execute("DROP ROLE IF EXISTS no_replica", "CREATE ROLE no_replica LOGIN")
    host = str(cluster.folder) if place == "socket" else place
    with pytest.raises(Refused) as caught:
        RawSession(cluster.port, host, user=user, replication="true").ready()
    assert caught.value.sqlstate == sqlstate
    failed = cluster.reader.wait_for(
        lambda events: [e for e in events if e["command"] == "AUTH FAILURE" and e["dbUserName"] == user]
    )
    assert [(e["exitCode"], e["errorMessage"]) for e in failed] == [(sqlstate, caught.value.message)]
