"""The status view and flush()."""

import datetime

import psycopg
import pytest
from psycopg.rows import dict_row

from proxy import Proxy
from waiting import wait_for


@pytest.fixture(scope="module", autouse=True)
def extension(cluster):
    cluster.execute("CREATE EXTENSION activity_stream")


def status(cluster):
    with cluster.connect(row_factory=dict_row) as session:
        return session.execute("SELECT * FROM activity_stream.status").fetchone()


def test_it_tells_how_the_stream_is(cluster, alias):
    cluster.settle()
    row = status(cluster)
    assert (row["state"], row["mode"]) == ("streaming", "async")
    assert (row["cluster_id"], row["stream_name"], row["kms_key_id"]) == (cluster.cluster_id, cluster.stream, alias)
    assert row["worker_pid"] > 0
    assert row["worker_starts"] == 1
    assert row["ring_size"] == 64 << 20
    assert row["last_error"] is None
    assert datetime.timedelta(0) <= row["last_ack"] - row["started_at"] < datetime.timedelta(minutes=10)


def test_what_it_counts_is_what_is_on_the_stream(cluster):
    for number in range(50):
        cluster.execute(f"SELECT {number}")
    cluster.settle()
    row = wait_for(
        lambda: (s := status(cluster)) and s["published_events"] - s["acked_events"] <= 3 and s,
        "nearly all acknowledged",
    )
    assert (row["dropped_events"], row["lost_events"], row["torn_events"], row["contained_failures"]) == (0, 0, 0, 0)
    cluster.settle()
    assert row["acked_events"] <= len(cluster.reader.events)
    assert row["records"] <= len(cluster.reader.records)
    assert 0 < row["record_bytes"] <= sum(len(r["Data"]) for r in cluster.reader.records)
    cluster.reader.check_complete()


def test_flush_waits_until_all_of_the_session_is_on_the_stream(cluster):
    with cluster.connect() as session:
        session.execute("SELECT 'to be flushed'")
        assert session.execute("SELECT activity_stream.flush()").fetchone() == (True,)
        cluster.reader.poll()
        assert any(e["commandText"] == "SELECT 'to be flushed'" for e in cluster.reader.events)


def test_flush_gives_up_in_time_and_can_be_cancelled(make_cluster, make_proxy):
    cluster = make_cluster(endpoint=make_proxy(Proxy.REFUSE).endpoint)
    cluster.execute("CREATE EXTENSION activity_stream")
    with cluster.connect() as session:
        session.execute("SELECT 1")
        assert session.execute("SELECT activity_stream.flush('200 milliseconds')").fetchone() == (False,)
        session.execute("SET statement_timeout = '300ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            session.execute("SELECT activity_stream.flush('1 hour')")
        session.execute("RESET statement_timeout")
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            session.execute("SELECT activity_stream.flush('-1 second')")
    wait_for(lambda: status(cluster)["last_error"], "the view tells what is wrong")
    row = status(cluster)
    assert row["state"] in ("key unavailable", "stream unavailable")
    assert row["lag"] > datetime.timedelta(0)
    assert row["acked_events"] == 0
    assert row["ring_used"] > 0


def test_sync_waits_are_counted(make_cluster):
    cluster = make_cluster(mode="sync")
    cluster.execute("CREATE EXTENSION activity_stream")
    cluster.execute("SELECT 1", "SELECT 2")
    row = status(cluster)
    assert row["sync_waits"] >= 3
    assert row["sync_timeouts"] == 0
