"""Processes that die without a word: the ring outlives them, and what could not be known is told."""

import re
import resource
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import psycopg
import pytest

from accounts import closed_windows, gap_ends, missing, params, spooled, status, stream_events, windows
from verified import verify_both
from waiting import wait_for

_BIG_BYTES = 400_000
_LOAD_SECONDS = 60  # At most: the crash ends it.


@pytest.fixture
def running(make_cluster):
    """A server that leaves no core files, with the status view and something on the stream."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))

    def make(**settings):
        cluster = make_cluster(**settings)
        cluster.execute("CREATE EXTENSION activity_stream")
        cluster.settle()
        return cluster

    return make


@pytest.fixture
def big_publishes():
    """Runs statements with long texts until the server crashes."""
    with ThreadPoolExecutor() as pool:

        def begin(cluster, clients=4):
            script = cluster.folder / "big.sql"
            script.write_text(f"SELECT 'big', length('{'x' * _BIG_BYTES}');\n")
            options = ["-n", "-c", clients, "-j", 2, "-T", _LOAD_SECONDS, "-f", script]
            load = pool.submit(cluster.program, "pgbench", *options, environment={"PGAPPNAME": "big"})
            wait_for(lambda: len(busy(cluster)) == clients, "the load runs")
            return load

        yield begin


def busy(cluster):
    """The sessions of the load."""
    with cluster.connect() as session:
        found = session.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'big'").fetchall()
    return [pid for (pid,) in found]


def kill(cluster, pid, number=signal.SIGKILL):
    cluster.kill(pid, number)
    wait_for(
        lambda: cluster.log_lines(f"(PID {pid}) was terminated by signal {number.value}"), f"the end of {pid} is noticed"
    )
    cluster.wait_until_serving()


def check_whole(cluster, consumer, epochs=1):
    """Everything is there, in so many epochs, and both verifications say so."""
    cluster.settle()
    cluster.reader.check_complete(twice_is_fine=True)
    assert len({e["epoch"] for e in cluster.reader.events}) == epochs
    if told := windows(cluster):
        gap_ends(cluster, len(told))
    return verify_both(consumer, cluster)


def test_backends_killed_in_the_middle_of_big_publishes(running, big_publishes, consumer):
    cluster = running(ring_size="16MB")
    for _ in range(3):
        load = big_publishes(cluster)
        kill(cluster, busy(cluster)[0])
        assert load.result().returncode != 0
        cluster.execute("SELECT 'after the crash'")
    check_whole(cluster, consumer)
    # The load is faster than a slow stream: that the ring was full is an honest answer, too.
    assert {params(e)["reason"] for e in stream_events(cluster, "GAP END")} <= {"torn event", "ring full"}


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT], ids=lambda number: number.name)
def test_a_backend_that_crashes_by_itself(running, big_publishes, consumer, number):
    cluster = running(ring_size="16MB")
    load = big_publishes(cluster)
    kill(cluster, busy(cluster)[0], number)
    assert load.result().returncode != 0
    check_whole(cluster, consumer)


def test_the_worker_killed_under_load(running, big_publishes, consumer):
    cluster = running(ring_size="16MB")
    with cluster.connect() as session:
        session.execute("SELECT 'before the kill'")
        load = big_publishes(cluster)
        kill(cluster, status(cluster, "worker_pid"))
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    assert load.result().returncode != 0
    assert status(cluster, "worker_starts") == 2
    check_whole(cluster, consumer)
    assert not missing(cluster, ["SELECT 'before the kill'"])


def test_the_worker_killed_while_the_spool_holds_records(running, injector, consumer):
    cluster = running(endpoint=injector.endpoint)
    texts = [f"SELECT 'statement {number}'" for number in range(40)]
    with injector.off():
        cluster.execute(*texts[:20])
        spooled(cluster)
        kill(cluster, status(cluster, "worker_pid"))
        cluster.execute(*texts[20:])
        spooled(cluster)
    check_whole(cluster, consumer)
    assert not missing(cluster, texts)
    assert cluster.log_lines("the spool holds", "that the stream does not have yet")


def test_a_killed_postmaster_is_told_as_an_unclean_stop_with_bounds(running, injector, consumer):
    cluster = running(endpoint=injector.endpoint, spool_max_size="0")
    texts = [f"SELECT 'in the ring alone {number}'" for number in range(10)]
    with injector.off():
        before = datetime.now(timezone.utc)
        cluster.execute(*texts)
        cluster.kill_postmaster()
        after = datetime.now(timezone.utc)
        cluster.start()
    cluster.settle()
    assert len(missing(cluster, texts)) == len(texts)
    (window,) = closed_windows(cluster, "unclean stop")
    assert window["first_affected"] <= before < after <= window["last_affected"]
    assert window["lost_events"] is None
    gap_ends(cluster)
    (begin,), (end,) = ([params(e) for e in stream_events(cluster, f"GAP {part}")] for part in ("BEGIN", "END"))
    assert begin["window"] == end["window"] == window["id"]
    assert begin["reason"] == end["reason"] == "unclean stop"
    assert end["count"] == "unknown"
    assert (moment(end["from"]), moment(end["to"])) == (window["first_affected"], window["last_affected"])
    first, second = (params(e) for e in stream_events(cluster, "START"))
    assert (second["previousEpoch"], second["previousEnd"]) == (first["epoch"], "unclean")
    assert len(cluster.log_lines("AS002", "events might be lost")) == 1
    assert len(cluster.log_lines("AS002", "no more events can be lost; how many were is not known")) == 1
    report = check_whole(cluster, consumer, epochs=2)
    assert [epoch["end"] for epoch in report["epochs"]] == ["unclean", "stop"]
    assert report["losses"] == {"windows": 1, "events": 0, "unknown": 1}


def test_a_stop_right_after_an_unclean_one_leaves_a_stream_that_verifies(running, consumer):
    cluster = running()
    cluster.kill_postmaster()
    cluster.start()
    cluster.settle()
    # Before the window's end is told, which takes five seconds.
    cluster.stop()
    cluster.start()
    gap_ends(cluster)
    check_whole(cluster, consumer, epochs=3)


def moment(text):
    """The time in a paramList."""
    return datetime.fromisoformat(re.sub(r"\+00$", "+00:00", text))
