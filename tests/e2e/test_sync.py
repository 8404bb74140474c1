"""Sync mode: a statement returns when its event is on the stream, or when sync_timeout is over."""

import time

import psycopg
import pytest

from proxy import Proxy
from waiting import wait_for


def test_a_statement_returns_only_when_its_event_can_be_read(make_cluster):
    cluster = make_cluster(mode="sync")
    with cluster.connect() as session:
        for number in range(10):
            text = f"SELECT 'readable at once {number}'"
            session.execute(text)
            cluster.reader.poll()
            assert any(e["commandText"] == text for e in cluster.reader.events), text


def test_a_slow_stream_slows_the_session_and_not_its_result(make_cluster, make_proxy):
    proxy = make_proxy()
    cluster = make_cluster(mode="sync", endpoint=proxy.endpoint)
    with cluster.connect() as session:
        session.execute("SELECT 'warm'")
        proxy.delay = 0.3
        begun = time.monotonic()
        assert session.execute("SELECT 42").fetchone() == (42,)
        assert time.monotonic() - begun >= 0.3


def test_sync_timeout_ends_the_wait_with_a_warning_and_the_event_comes_later(make_cluster, make_proxy):
    proxy = make_proxy()
    cluster = make_cluster(mode="sync", sync_timeout="30s", endpoint=proxy.endpoint)
    with cluster.connect() as session:
        # The stream is there from now on: half a second is enough for it.
        session.execute("SELECT 'before'")
        cluster.reload(sync_timeout="500ms")
        wait_for(
            lambda: session.execute("SHOW activity_stream.sync_timeout").fetchone()[0] == "500ms", "the session's time"
        )
        proxy.switch(Proxy.HANG)
        begun = time.monotonic()
        assert session.execute("SELECT 'meanwhile'").fetchone() == ("meanwhile",)
        waited = time.monotonic() - begun
        assert 0.5 <= waited < 5, waited
        proxy.switch(Proxy.OPEN)
    assert cluster.log_lines("WARNING", "AS003", "going on before the activity of this statement is durable")
    cluster.reader.wait_for_text("meanwhile", timeout=60)
    cluster.settle()
    cluster.reader.check_complete(twice_is_fine=True)


def test_a_transaction_waits_and_commits(make_cluster):
    cluster = make_cluster(mode="sync")
    cluster.execute("CREATE TABLE t (a int)")
    with cluster.connect() as session, session.transaction():
        session.execute("INSERT INTO t SELECT generate_series(1, 100)")
        session.execute("UPDATE t SET a = a + 1")
    assert cluster.value("SELECT count(*) FROM t") == 100
    cluster.settle()
    cluster.reader.check_complete()


def test_many_sessions_wait_at_once(make_cluster):
    cluster = make_cluster(mode="sync")
    script = cluster.folder / "script.sql"
    script.write_text("SELECT 'one of many';\n")
    load = cluster.program("pgbench", "-n", "-c", "20", "-j", "2", "-t", "10", "-f", script)
    assert load.returncode == 0, load.stderr
    # Every one of them waited: all is there at this moment.
    cluster.reader.poll()
    assert sum(e["commandText"] == "SELECT 'one of many';" for e in cluster.reader.events) == 200
    cluster.settle()
    cluster.reader.check_complete()


def test_a_failing_statement_waits_too(make_cluster):
    cluster = make_cluster(mode="sync")
    with cluster.connect() as session:
        with pytest.raises(psycopg.errors.DivisionByZero):
            session.execute("SELECT 1 / 0")
        cluster.reader.poll()
        assert any(e["exitCode"] == "22012" for e in cluster.reader.events)


def test_the_mode_is_switched_by_a_reload(make_cluster, make_proxy):
    proxy = make_proxy()
    cluster = make_cluster(mode="sync", sync_timeout="20s", endpoint=proxy.endpoint)
    with cluster.connect() as session:
        session.execute("SELECT 'in sync'")
        cluster.reload(mode="async")
        wait_for(
            lambda: session.execute("SHOW activity_stream.mode").fetchone()[0] == "async", "async in the session"
        )
        proxy.switch(Proxy.HANG)
        begun = time.monotonic()
        session.execute("SELECT 'at once'")
        assert time.monotonic() - begun < 2
        proxy.switch(Proxy.OPEN)
    cluster.reader.wait_for_text("at once", timeout=60)
