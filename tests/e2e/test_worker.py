"""The worker among the server's processes: killed, reloaded, asked to end, shut down."""

import signal
import time

import psycopg
import pytest

from proxy import Proxy
from waiting import wait_for


@pytest.fixture
def running(make_cluster):
    """A server with the status view."""

    def make(**settings):
        cluster = make_cluster(**settings)
        cluster.execute("CREATE EXTENSION activity_stream")
        return cluster

    return make


def status(cluster, column):
    return cluster.value(f"SELECT {column} FROM activity_stream.status")


def worker(cluster):
    return wait_for(lambda: status(cluster, "worker_pid"), "a worker")


def missing(cluster, pattern, count):
    """Which of the numbered statements are not on the stream yet."""
    texts = {f"SELECT '{pattern} {number}'" for number in range(count)}
    return texts - {e["commandText"] for e in cluster.reader.events}


def test_a_killed_backend_does_not_end_the_stream(running):
    cluster = running()
    with cluster.connect() as session:
        session.execute("SELECT 'before the kill'")
        cluster.kill(session.info.backend_pid)
        cluster.wait_until_serving()
        session.close()
    cluster.execute("SELECT 'after the kill'")
    cluster.reader.wait_for_text("after the kill")
    assert cluster.reader.wait_for_text("before the kill")
    cluster.settle()
    cluster.reader.check_complete(twice_is_fine=True)


def test_a_killed_worker_comes_back_and_later_statements_are_streamed(running):
    cluster = running()
    for round_ in range(3):
        cluster.execute(f"SELECT 'round {round_}'")
        first = worker(cluster)
        cluster.kill(first)
        cluster.wait_until_serving()
        wait_for(lambda old=first: status(cluster, "worker_pid") not in (None, old), "another worker")
    cluster.execute("SELECT 'after all'")
    cluster.reader.wait_for_text("after all")
    for round_ in range(3):
        assert cluster.reader.wait_for_text(f"round {round_}")
    cluster.settle()
    cluster.reader.check_complete(twice_is_fine=True)
    assert status(cluster, "worker_starts") >= 4


def test_what_was_not_acknowledged_is_sent_again_with_the_same_numbers(running, make_proxy):
    proxy = make_proxy()
    cluster = running(endpoint=proxy.endpoint)
    cluster.settle()
    # Requests arrive and their answers do not: the records may be on the stream, and nobody knows.
    proxy.switch(Proxy.HANG)
    for number in range(20):
        cluster.execute(f"SELECT 'unacknowledged {number}'")
    cluster.kill(worker(cluster))
    cluster.wait_until_serving()
    proxy.switch(Proxy.OPEN)
    cluster.reader.wait_for(lambda _: not missing(cluster, "unacknowledged", 20), "all that was not acknowledged", 60)
    cluster.settle()
    cluster.reader.check_complete(twice_is_fine=True)
    numbers = {}
    for event in cluster.reader.events:
        place = (event["epoch"], event["sequence"])
        assert numbers.setdefault(place, event) == event, "the same number is the same event"


def test_databases_come_and_go_while_it_runs(running):
    cluster = running(mode="sync")
    before = worker(cluster)
    for _ in range(3):
        cluster.execute("CREATE DATABASE passing")
        cluster.execute("SELECT 1", dbname="passing")
        cluster.execute("DROP DATABASE passing")
    cluster.execute("CREATE DATABASE forced")
    with cluster.connect(dbname="forced") as held:
        cluster.execute("DROP DATABASE forced WITH (FORCE)")
        held.close()
    assert worker(cluster) == before
    cluster.settle()
    cluster.reader.check_complete()


def test_ending_it_from_sql_is_of_no_use(running):
    cluster = running()
    before = worker(cluster)
    cluster.execute(f"SELECT pg_terminate_backend({before})", f"SELECT pg_cancel_backend({before})")
    # As the server's user may from a shell.
    cluster.kill(before, signal.SIGTERM)
    cluster.kill(before, signal.SIGINT)
    cluster.settle()
    assert worker(cluster) == before


def test_off_by_reload_captures_nothing_and_on_again_goes_on(running):
    cluster = running()
    cluster.execute("SELECT 'while on'")
    cluster.reload(mode="off")
    cluster.execute("SELECT 'while off'")
    cluster.reload(mode="async")
    cluster.execute("SELECT 'on again'")
    cluster.reader.wait_for_text("on again")
    cluster.settle()
    texts = {e["commandText"] for e in cluster.reader.events}
    assert "SELECT 'while on'" in texts
    assert "SELECT 'while off'" not in texts
    cluster.reader.check_complete()


def test_a_server_that_was_started_off_streams_after_a_reload(running):
    cluster = running(mode="off")
    assert cluster.aws.stream(cluster.stream) is None
    cluster.reload(mode="async")
    cluster.execute("SELECT 'from now on'")
    cluster.reader.wait_for_text("from now on")


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_a_shutdown_delivers_the_last_disconnect(running, mode):
    cluster = running(mode=mode, batch_linger="1s")
    sessions = [cluster.connect() for _ in range(5)]
    for session in sessions:
        session.execute("SELECT 'last words'")
    pids = {session.info.backend_pid for session in sessions}
    cluster.stop()
    for session in sessions:
        session.close()
    cluster.reader.poll()
    ends = {e["pid"]: e for e in cluster.reader.events if e["command"] == "DISCONNECT" and e["pid"] in pids}
    assert set(ends) == pids
    assert all("terminating connection" in e["errorMessage"] for e in ends.values())
    assert cluster.log_lines("shutting down; all activity is delivered")
    cluster.reader.check_complete()


def test_a_shutdown_without_a_stream_ends_in_time_and_the_rest_goes_out_at_the_next_start(running, make_proxy):
    proxy = make_proxy()
    cluster = running(endpoint=proxy.endpoint, shutdown_timeout="1s")
    cluster.settle()
    proxy.switch(Proxy.HANG)
    cluster.execute("SELECT 'too late'")
    begun = time.monotonic()
    cluster.stop()
    assert time.monotonic() - begun < 10
    assert cluster.log_lines("shutting down; what is not delivered is in the spool")
    proxy.switch(Proxy.OPEN)
    cluster.start()
    late = cluster.reader.wait_for_text("too late")[0]
    cluster.settle()
    cluster.reader.check_complete(twice_is_fine=True)
    last = max((e for e in cluster.reader.events if e["epoch"] == late["epoch"]), key=lambda e: e["sequence"])
    assert last["command"] == "STREAM STOP"


def test_a_shutdown_with_neither_stream_nor_spool_says_what_is_left_and_so_does_the_next_start(running, make_proxy):
    proxy = make_proxy()
    cluster = running(endpoint=proxy.endpoint, shutdown_timeout="1s", spool_max_size="0")
    cluster.settle()
    proxy.switch(Proxy.HANG)
    with cluster.connect() as session:
        for number in range(7):
            session.execute(f"SELECT 'lost {number}'")
    cluster.stop()
    assert cluster.log_lines("WARNING", "AS002", "shutting down with undelivered activity")
    proxy.switch(Proxy.OPEN)
    cluster.start()
    cluster.settle()
    window = cluster.value("SELECT row(reason, lost_events, ended_at IS NOT NULL) FROM activity_stream.loss_windows")
    # CONNECT, seven statements, DISCONNECT, STREAM STOP.
    assert window == ("left at shutdown", "10", "t")
    ends = cluster.reader.wait_for(
        lambda events: [e for e in events if e["command"] == "STREAM GAP END"], "the end of the window"
    )
    assert "count=10" in ends[0]["paramList"]


def test_a_restart_begins_a_new_epoch_at_one(running):
    cluster = running()
    cluster.execute("SELECT 'first life'")
    cluster.stop()
    cluster.start()
    cluster.execute("SELECT 'second life'")
    second = cluster.reader.wait_for_text("second life")[0]
    first = cluster.reader.wait_for_text("first life")[0]
    assert first["epoch"] != second["epoch"]
    cluster.settle()
    cluster.reader.check_complete()


def test_an_immediate_stop_is_survived(running):
    cluster = running()
    cluster.stop("immediate")
    cluster.start()
    cluster.execute("SELECT 'after the crash'")
    cluster.reader.wait_for_text("after the crash")


def test_a_standby_streams_too(running, make_cluster):
    primary = running()
    primary.execute("CREATE TABLE t AS SELECT 1 AS a")
    primary.execute("SELECT pg_switch_wal()")
    standby = make_cluster(start=False)
    copied = primary.installation.run(
        "pg_basebackup",
        "-h",
        "127.0.0.1",
        "-p",
        primary.port,
        "-U",
        "postgres",
        "-D",
        standby.folder / "copy",
        "-c",
        "fast",
    )
    assert copied.returncode == 0, copied.stderr
    standby.data = standby.folder / "copy"
    (standby.data / "standby.signal").touch()
    standby.configure({"primary_conninfo": f"host=127.0.0.1 port={primary.port} user=postgres", "hot_standby": "on"})
    standby.start()
    assert standby.value("SELECT pg_is_in_recovery()")
    assert standby.value("SELECT a FROM t /* on the standby */") == 1
    standby.reader.wait_for_text("on the standby")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        standby.execute("CREATE TABLE u (a int)")
    standby.settle()
    standby.reader.check_complete()
    # What it copied of the primary's spool is none of its own, and nothing is wrong with it.
    assert not standby.log_lines("AS004", "damaged")
    # The server stops walsenders after its workers: the worker must not wait for them.
    wait_for(lambda: primary.value("SELECT count(*) FROM pg_stat_replication") == 1, "the standby is attached")
    begun = time.monotonic()
    primary.stop()
    assert time.monotonic() - begun < 8, "less than shutdown_timeout"
    assert primary.log_lines("shutting down; all activity is delivered")
