"""on_failure = fail_operation: commands that cannot be rolled back are refused before they run while the stream is unhealthy."""

import os

import pytest

from conftest import sync_server
from frozen import NOTICED_SECONDS, REFUSED, timed
from rawpg import RawSession, errors

_TIMEOUT_SECONDS = 1
_VACUUMED = "SELECT relallvisible FROM pg_class WHERE relname = 'filled'"
_DATABASES = "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database"
_TABLESPACES = "SELECT string_agg(spcname, ',' ORDER BY spcname) FROM pg_tablespace"
_INDEXES = (
    "SELECT string_agg(relname || relfilenode, ',' ORDER BY relname) FROM pg_class"
    " WHERE relkind = 'i' AND relname LIKE 'filled%'"
)
_FILE_NODE = "SELECT relfilenode FROM pg_class WHERE relname = 'clustered'"
_CATALOG_INDEX = "SELECT pg_relation_filenode('pg_class_oid_index')"
_CHECKPOINT = "SELECT checkpoint_lsn::text FROM pg_control_checkpoint()"
_SUBSCRIPTIONS = "SELECT coalesce(string_agg(subname || subenabled, ',' ORDER BY subname), '') FROM pg_subscription"
_SYSTEM = "SELECT count(*) FROM pg_file_settings WHERE name = 'work_mem'"
_FILES = "{folder}/files"
_OTHER_DIRECTORY = "{folder}/another"
_ROWS = "SELECT count(*) FROM filled"

SETUP = (
    "CREATE TABLE filled (id int PRIMARY KEY) WITH (autovacuum_enabled = off)",
    "INSERT INTO filled SELECT generate_series(1, 100)",
    "CREATE INDEX filled_index ON filled (id)",
    "CREATE TABLE clustered (id int PRIMARY KEY)",
    "CLUSTER clustered USING clustered_pkey",
    "CREATE DATABASE spare",
    "CREATE TABLESPACE spare LOCATION '{folder}/spare'",
    "CREATE SUBSCRIPTION held CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE)",
)

# The command, and what shows that it had no effect.
COMMANDS = {
    "VACUUM": ("VACUUM filled", _VACUUMED),
    "VACUUM of all": ("VACUUM", _VACUUMED),
    "ANALYZE by VACUUM": ("VACUUM (ANALYZE) filled", _VACUUMED),
    "CREATE DATABASE": ("CREATE DATABASE another", _DATABASES),
    "DROP DATABASE": ("DROP DATABASE spare", _DATABASES),
    "CREATE TABLESPACE": ("CREATE TABLESPACE another LOCATION '{folder}/another'", _TABLESPACES),
    "directory of CREATE TABLESPACE": ("CREATE TABLESPACE another LOCATION '{folder}/another'", _OTHER_DIRECTORY),
    "DROP TABLESPACE": ("DROP TABLESPACE spare", _TABLESPACES),
    "CREATE INDEX CONCURRENTLY": ("CREATE INDEX CONCURRENTLY filled_later ON filled (id)", _INDEXES),
    "DROP INDEX CONCURRENTLY": ("DROP INDEX CONCURRENTLY filled_index", _INDEXES),
    "REINDEX CONCURRENTLY": ("REINDEX TABLE CONCURRENTLY filled", _INDEXES),
    "REINDEX INDEX CONCURRENTLY": ("REINDEX INDEX CONCURRENTLY filled_index", _INDEXES),
    "REINDEX SCHEMA": ("REINDEX SCHEMA public", _INDEXES),
    "REINDEX DATABASE": ("REINDEX DATABASE postgres", _INDEXES),
    "REINDEX SYSTEM": ("REINDEX SYSTEM postgres", _CATALOG_INDEX),
    "CLUSTER of all": ("CLUSTER", _FILE_NODE),
    "ALTER SYSTEM": ("ALTER SYSTEM SET work_mem = '5MB'", _SYSTEM),
    "CHECKPOINT": ("CHECKPOINT", _CHECKPOINT),
    "CREATE SUBSCRIPTION": (
        "CREATE SUBSCRIPTION another CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE)",
        _SUBSCRIPTIONS,
    ),
    "DROP SUBSCRIPTION": ("DROP SUBSCRIPTION held", _SUBSCRIPTIONS),
    "COPY to a file": ("COPY filled TO '{folder}/files/copied'", _FILES),
    "COPY to a program": ("COPY filled TO PROGRAM 'cat >{folder}/files/copied'", _FILES),
    "COPY from a program": ("COPY filled FROM PROGRAM 'touch {folder}/files/run; echo 1000'", _FILES),
    "COPY from a file": ("COPY filled FROM '{folder}/rows'", _ROWS),
}


@pytest.fixture(scope="module")
def server(installation, aws, alias):
    settings = {"sync_timeout": f"{_TIMEOUT_SECONDS}s", "on_failure": "fail_operation"}
    with sync_server(installation, aws, alias, **settings) as server:
        folder = server.cluster.folder
        (folder / "rows").write_text("1000\n")
        server.watcher.execute(f"COPY (SELECT 1) TO PROGRAM 'cd {folder} && mkdir spare another files'")
        server.cluster.execute(*(statement.format(folder=folder) for statement in SETUP))
        yield server


def test_it_waits_before_it_runs_and_is_refused_when_the_time_is_over(server):
    with RawSession(server.cluster.port) as session:
        with server.frozen():
            got, seconds = timed(lambda: session.run("VACUUM filled"))
            assert errors(got) == [REFUSED]
            assert _TIMEOUT_SECONDS <= seconds < _TIMEOUT_SECONDS + NOTICED_SECONDS
            assert server.sees(_VACUUMED) == 0
            server.unhealthy()
            assert errors(session.run("CREATE DATABASE later")) == [REFUSED]
        server.healthy()
        assert not errors(session.run("CREATE DATABASE later"))
        assert not errors(session.run("DROP DATABASE later"))
    events = [e for e in session_events(server, session) if "later" in e["commandText"] or "VACUUM" in e["commandText"]]
    assert [(e["command"], e["exitCode"]) for e in events] == [
        ("STREAM INTENT", None),
        ("VACUUM", REFUSED),
        ("STREAM INTENT", None),
        ("CREATE DATABASE", REFUSED),
        ("STREAM INTENT", None),
        ("CREATE DATABASE", None),
        ("STREAM INTENT", None),
        ("DROP DATABASE", None),
    ]


def session_events(server, session):
    """Those of statements, when the session's end is on the stream."""
    server.cluster.wait_for_end(session.pid)
    return [e for e in server.cluster.session_events(session.pid) if e["commandText"]]


@pytest.fixture(scope="module")
def unhealthy(server):
    """A session of a server whose stream is known not to take anything."""
    with RawSession(server.cluster.port) as session:
        with server.frozen():
            assert errors(session.run("INSERT INTO filled VALUES (1001)")) == [REFUSED]
            server.unhealthy()
            yield session
        server.healthy()


def seen(server, effect):
    """The value of a query, or what is in a directory."""
    return sorted(os.listdir(effect)) if effect.startswith("/") else server.sees(effect)


@pytest.mark.parametrize("protocol", ["simple", "extended"])
@pytest.mark.parametrize("name", COMMANDS)
def test_it_is_refused_before_it_runs(server, unhealthy, name, protocol):
    command, effect = (text.format(folder=server.cluster.folder) for text in COMMANDS[name])
    before = seen(server, effect)
    ask = unhealthy.query if protocol == "simple" else lambda text: unhealthy.statement(text).sync()
    got, seconds = timed(lambda: ask(command).answer())
    assert errors(got) == [REFUSED]
    assert seconds < _TIMEOUT_SECONDS / 2
    assert seen(server, effect) == before
