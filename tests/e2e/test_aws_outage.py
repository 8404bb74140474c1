"""AWS out of reach: the server starts and serves, the log says so once, and all of it is delivered afterwards."""

import time

import pytest

from proxy import Proxy
from waiting import wait_for

NO_KEY = "no data key can be had"
NO_STREAM = "the stream cannot be reached"
STREAMING = "streaming to"


def outage_lines(cluster):
    return [*cluster.log_lines("WARNING", NO_KEY), *cluster.log_lines("WARNING", NO_STREAM)]


@pytest.mark.parametrize("state", [Proxy.REFUSE, Proxy.HANG])
def test_a_server_starts_and_serves_without_aws_and_delivers_later(make_cluster, make_proxy, state):
    proxy = make_proxy(state)
    cluster = make_cluster(start=False, endpoint=proxy.endpoint)
    begun = time.monotonic()
    cluster.start()
    for number in range(50):
        cluster.execute(f"SELECT 'without aws {number}'")
    assert time.monotonic() - begun < 15
    if state == Proxy.REFUSE:
        wait_for(lambda: outage_lines(cluster), "the log says so")
    proxy.switch(Proxy.OPEN)
    cluster.reader.wait_for_text("without aws 49", timeout=90)
    cluster.settle()
    cluster.reader.check_complete()
    texts = {e["commandText"] for e in cluster.reader.events}
    assert all(f"SELECT 'without aws {number}'" in texts for number in range(50))
    assert len(cluster.log_lines(STREAMING)) == 1


def test_the_log_tells_each_change_once_and_not_each_event(make_cluster, make_proxy):
    proxy = make_proxy()
    cluster = make_cluster(endpoint=proxy.endpoint)
    cluster.settle()
    assert len(cluster.log_lines(STREAMING)) == 1
    assert not outage_lines(cluster)

    for outage in (1, 2):
        proxy.switch(Proxy.REFUSE)
        refused = proxy.connections
        with cluster.connect() as session:
            for number in range(200):
                session.execute(f"SELECT 'outage {outage} event {number}'")
        wait_for(lambda n=outage: len(outage_lines(cluster)) >= n, "the log says so")
        # It has tried again and again, and has not said so again.
        wait_for(lambda n=refused: proxy.connections >= n + 5, "several attempts", timeout=60)
        assert len(outage_lines(cluster)) == outage, outage_lines(cluster)
        proxy.switch(Proxy.OPEN)
        cluster.reader.wait_for_text(f"outage {outage} event 199", timeout=60)
        wait_for(lambda n=outage: len(cluster.log_lines(STREAMING)) == n + 1, "the log tells that it is over")
    cluster.settle()
    cluster.reader.check_complete(twice_is_fine=True)


def test_a_full_ring_drops_counts_and_tells_and_never_blocks(make_cluster, make_proxy):
    proxy = make_proxy(Proxy.REFUSE)
    cluster = make_cluster(endpoint=proxy.endpoint, ring_size="4MB")
    cluster.execute("CREATE EXTENSION activity_stream")
    filler = "x" * 100_000
    with cluster.connect() as session:
        for number in range(150):
            begun = time.monotonic()
            session.execute(f"SELECT '{number} {filler}' IS NULL")
            assert time.monotonic() - begun < 2
    wait_for(lambda: cluster.log_lines("WARNING", "AS002", "events are being lost"), "the log tells of the loss")
    dropped = cluster.value("SELECT dropped_events FROM activity_stream.status")
    assert dropped > 0
    proxy.switch(Proxy.OPEN)
    wait_for(lambda: cluster.log_lines("events were lost; no more are"), "the log tells its end", timeout=60)
    cluster.settle()
    cluster.reader.check_complete()
    assert cluster.value("SELECT dropped_events FROM activity_stream.status") == dropped
    assert len(cluster.log_lines("events are being lost")) == 1


def test_wrong_credentials_configuration_is_told_once(make_cluster):
    cluster = make_cluster(profile="no-such-profile")
    wait_for(lambda: cluster.log_lines("WARNING", "AS001"), "the log says so")
    for number in range(20):
        cluster.execute(f"SELECT {number}")
    assert len(cluster.log_lines("WARNING", "AS001")) == 1
