"""What can be seen of the stream beside the stream: by SQL, in the server's log, in its files."""

import base64
import contextlib
import gzip
import json
import secrets
import zlib
from pathlib import Path

import psycopg
import pytest

from accounts import spooled, status
from traces import in_files, traces
from waiting import wait_for

OBJECTS = """
    SELECT format('SELECT * FROM %I.%I', n.nspname, c.relname)
    FROM pg_depend d JOIN pg_class c ON d.classid = 'pg_class'::regclass AND d.objid = c.oid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND c.relkind IN ('r', 'v', 'm', 'f')
      AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'activity_stream')
    UNION ALL
    SELECT format('SELECT * FROM %I.%I(%s)', n.nspname, p.proname,
                  (SELECT string_agg(format('''1''::%s', format_type(t, NULL)), ', ') FROM unnest(p.proargtypes) t))
    FROM pg_depend d JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
      AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'activity_stream')"""


@pytest.fixture
def marker():
    """A text that nobody else has, in a statement that puts it into no table."""
    return f"MARKER{secrets.token_hex(12)}"


def marked(marker):
    return f"SELECT 1 /* {marker} */"


def objects(cluster):
    """A query for each relation and function of the extension. Arguments are no NULLs: a strict function is not called with these."""
    with cluster.connect() as session:
        return [row[0] for row in session.execute(OBJECTS)]


@pytest.fixture
def monitored(make_cluster):
    """A server with the extension, a role with no rights and one that monitors."""
    cluster = make_cluster()
    cluster.execute(
        "CREATE EXTENSION activity_stream", "CREATE ROLE plain LOGIN", "CREATE ROLE monitor LOGIN IN ROLE pg_monitor"
    )
    return cluster


# SQL


def test_a_plain_role_is_refused_everything(monitored):
    queries = objects(monitored)
    assert len(queries) >= 7, queries
    for grant in ("SELECT 1", "GRANT USAGE ON SCHEMA activity_stream TO plain"):
        monitored.execute(grant)
        for query in queries:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                monitored.execute(query, user="plain")


def test_a_role_that_monitors_sees_everything_and_changes_nothing(monitored):
    for query in objects(monitored):
        monitored.execute(query, user="monitor")
    assert monitored.value("SELECT state FROM activity_stream.status", user="monitor")
    assert monitored.value("SELECT count(*) FROM activity_stream.loss_windows", user="monitor") == 0
    assert monitored.value("SELECT activity_stream.flush('10s')", user="monitor") is True
    for attempt in ("CREATE TABLE activity_stream.mine ()", "DROP VIEW activity_stream.status"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            monitored.execute(attempt, user="monitor")


def test_no_function_shows_what_is_in_the_ring_nor_a_superuser(make_cluster, injector, marker):
    cluster = make_cluster(endpoint=injector.endpoint, spool_max_size="0")
    cluster.execute("CREATE EXTENSION activity_stream")
    cluster.settle()
    with injector.off():
        cluster.execute(marked(marker), f"SELECT '{marker}'")
        wait_for(lambda: status(cluster, "last_error"), "the status tells of the outage")
        assert status(cluster, "ring_used") > 0
        queries = objects(cluster)
        with cluster.connect() as session:
            for query in queries:
                assert marker not in repr(session.execute(query).fetchall()), query
    cluster.reader.wait_for_text(marker)


# The log


@pytest.mark.parametrize(("on_failure", "code"), [("continue", "AS003"), ("fail_operation", "AS005")])
def test_our_lines_of_the_log_hold_no_statement(make_cluster, injector, marker, on_failure, code):
    cluster = make_cluster(
        endpoint=injector.endpoint,
        mode="sync",
        on_failure=on_failure,
        sync_timeout="1s",
        ring_size="4MB",
        spool_max_size="1MB",
        conf={
            "log_min_messages": "debug5",
            "log_min_error_statement": "panic",
            "log_error_verbosity": "verbose",
            "log_destination": "jsonlog",
            "logging_collector": "on",
            "log_directory": "log",
        },
    )
    cluster.wait_until_serving()
    cluster.settle()
    filler = secrets.token_hex(60_000)
    with cluster.connect() as session, injector.off():

        def run(statement, *parameters):
            with contextlib.suppress(psycopg.Error):
                session.execute(statement, parameters or None)

        run(marked(marker))
        run("SELECT %s::text", marker)
        run(f"SELECT 1 / 0 /* {marker} */")
        run(f'SELECT "{marker}"')
        for number in range(12):
            run(f"SELECT length('{number} {filler} {marker}')")
    ours = wait_for(lambda: [line for line in json_log(cluster) if is_ours(line)], "lines of ours")
    assert {"AS001", code} <= {line.get("state_code") for line in ours}
    for line in ours:
        told = {key: value for key, value in line.items() if key != "statement"}
        assert marker not in json.dumps(told), told
    # Those of the server may, and at this level do.
    assert any(marker in json.dumps(line) for line in json_log(cluster) if not is_ours(line))


def json_log(cluster):
    for path in (cluster.data / "log").glob("*.json"):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            # The last one may be under way.
            with contextlib.suppress(json.JSONDecodeError):
                yield json.loads(line)


def is_ours(line):
    """By the place in the code; the server's own files have other names."""
    named = "activity" in line.get("message", "") or line.get("state_code", "").startswith("AS")
    return named or line.get("file_name", "").startswith(OUR_FILES)


OUR_FILES = ("process.c", "durable.c", "hooks.c", "log_gate.c")


# Files


def test_what_looks_for_traces_finds_them(marker):
    text = f"before {marker} behind".encode()
    for data in (
        text,
        text.decode().encode("utf-16-le"),
        text.hex().encode(),
        *(base64.b64encode(b"x" * shift + text) for shift in range(3)),
        b"\0\0" + gzip.compress(text) + b"rest",
        zlib.compress(text),
        b'{"key":"' + base64.b64encode(gzip.compress(text)) + b'"}',
    ):
        assert traces(data, marker), data
    assert not traces(text.replace(b"MARKER", b"marker"), marker)


def test_no_file_of_the_server_holds_a_statement(make_cluster, injector, marker):
    cluster = make_cluster(
        endpoint=injector.endpoint,
        shutdown_timeout="1s",
        conf={"log_min_messages": "panic", "log_min_error_statement": "panic", "log_statement": "none"},
    )
    cluster.execute("CREATE EXTENSION activity_stream")
    cluster.settle()
    with injector.off():
        with cluster.connect() as session:
            for _ in range(50):
                session.execute(marked(marker))
                session.execute("SELECT %s::text", (marker,))
            with pytest.raises(psycopg.errors.DivisionByZero):
                session.execute(f"SELECT 1 / 0 /* {marker} */")
            spooled(cluster)
            running, _ = in_files([cluster.data, shared_memory()], marker)
        cluster.stop()
        stopped, count = in_files([cluster.folder, shared_memory()], marker)
    assert not running
    assert not stopped
    assert count > 900, count
    segments = list((cluster.data / "activity_stream_spool").glob("*.segment"))
    assert sum(path.stat().st_size for path in segments) > 0
    # It was there all the same.
    cluster.start()
    cluster.settle()
    assert sum(marker in json.dumps(event) for event in cluster.reader.events) == 101


def shared_memory():
    return Path("/dev/shm")
