"""AWS out of reach for longer: what is captured goes to disk, unreadable, and from there to the stream, in order."""

import secrets
import stat
import time

import pytest

from accounts import gap_ends, missing, params, spooled, status, stream_events, windows
from verified import verify_both
from waiting import wait_for

# One shard and one request at a time, so that the order of arrival is the order of sending.
ONE_BY_ONE = {"stream_mode": "provisioned", "shard_count": 1, "max_in_flight": 1}


@pytest.fixture
def running(make_cluster, injector):
    """A server that reaches AWS through the injector, and has done so."""

    def make(**settings):
        cluster = make_cluster(endpoint=injector.endpoint, **(ONE_BY_ONE | settings))
        cluster.execute("CREATE EXTENSION activity_stream")
        cluster.settle()
        return cluster

    return make


def spool(cluster):
    return cluster.data / "activity_stream_spool"


def publish(cluster, what, count=20):
    """Statements in a session of their own; their texts."""
    texts = [f"SELECT '{what} {number} {secrets.token_hex(8)}'" for number in range(count)]
    cluster.execute(*texts)
    return texts


def arrivals(cluster):
    """(epoch, sequence) of each event, in the order in which it first came."""
    return list(dict.fromkeys((e["epoch"], e["sequence"]) for e in cluster.reader.events))


def check_delivered(cluster, texts):
    cluster.settle()
    cluster.reader.check_complete(twice_is_fine=True)
    assert not missing(cluster, texts)


def test_an_outage_goes_to_disk_where_nobody_reads_it_and_is_delivered_in_order(running, injector):
    # Of several requests that are under way the second may arrive first.
    cluster = running(max_in_flight="1")
    marker = secrets.token_hex(12)
    filler = secrets.token_hex(50_000)
    with injector.off():
        texts = publish(cluster, marker, 50) + [f"SELECT length('{marker} {n} {filler}')" for n in range(20)]
        cluster.execute(*texts[50:])
        spooled(cluster)
        wait_for(lambda: status(cluster, "ring_used") < 100_000, "the ring is free again")
        assert stat.S_IMODE(spool(cluster).stat().st_mode) == 0o700
        files = [path for path in spool(cluster).rglob("*") if path.is_file()]
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in files}
        assert {"lock", "checkpoint", "state.json"} < modes.keys()
        assert any(name.endswith(".segment") for name in modes)
        assert set(modes.values()) == {0o600}, modes
        on_disk = b"".join(path.read_bytes() for path in files)
    assert len(on_disk) > 500_000
    assert marker.encode() not in on_disk
    check_delivered(cluster, texts)
    assert arrivals(cluster) == sorted(arrivals(cluster))
    # Nor can it be opened with what is there.
    assert not any(key in on_disk for key in cluster.reader.opener.keys.values())
    wait_for(lambda: status(cluster, "spool_records") == 0, "the spool is empty")
    assert not windows(cluster)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_during_an_outage_loses_nothing_and_the_old_epoch_comes_first(running, injector, consumer, mode):
    cluster = running()
    with injector.off():
        texts = publish(cluster, "first life")
        spooled(cluster)
        texts += publish(cluster, "last words")
        cluster.stop(mode)
        cluster.start()
        texts += publish(cluster, "second life")
    check_delivered(cluster, texts)
    epochs = list(dict.fromkeys(epoch for epoch, _ in arrivals(cluster)))
    assert len(epochs) == 2
    of_first = [sequence for epoch, sequence in arrivals(cluster) if epoch == epochs[0]]
    assert arrivals(cluster)[: len(of_first)] == [(epochs[0], n) for n in range(1, len(of_first) + 1)]
    told = params(stream_events(cluster, "START")[-1])
    assert (told["epoch"], told["previousEpoch"], told["previousEnd"]) == (epochs[1], epochs[0], "clean")
    assert told["previousLastSequence"] == str(len(of_first))
    stop = stream_events(cluster, "STOP")
    assert [(e["epoch"], e["sequence"]) for e in stop] == [(epochs[0], len(of_first))]
    assert not windows(cluster)
    verify_both(consumer, cluster)


def test_a_spool_that_is_too_small_counts_what_is_missing(running, injector, consumer):
    cluster = running(spool_max_size="1MB", ring_size="4MB")
    texts = []
    # No other session meanwhile: it would be counted as well.
    with cluster.connect() as session:
        with injector.off():

            def statement():
                texts.append(f"SELECT length('{len(texts)} {secrets.token_hex(50_000)}')")
                session.execute(texts[-1])

            def spool_is_full():
                statement()
                return cluster.log_lines("WARNING", "the spool is full")

            wait_for(spool_is_full, "the spool is full")
            for _ in range(80):
                statement()
            wait_for(lambda: cluster.log_lines("AS002", "events are being lost"), "the log tells of the loss")
        wait_for(lambda: cluster.log_lines("AS002", "events were lost; no more are"), "the log tells its end")
    cluster.settle()
    lost = len(missing(cluster, texts))
    assert 0 < lost < len(texts)
    end = params(gap_ends(cluster)[0])
    assert (end["reason"], end["count"]) == ("ring full", str(lost))
    assert [params(e)["window"] for e in stream_events(cluster, "GAP BEGIN")] == [end["window"]]
    assert [(w["id"], w["lost_events"]) for w in windows(cluster)] == [(end["window"], lost)]
    assert status(cluster, "dropped_events") == lost
    assert len(cluster.log_lines("WARNING", "the spool is full")) == 1
    cluster.reader.check_complete(twice_is_fine=True)
    assert verify_both(consumer, cluster)["losses"] == {"windows": 1, "events": lost, "unknown": 0}


def test_without_a_quota_nothing_goes_to_disk_and_the_ring_keeps_it(running, injector):
    cluster = running(spool_max_size="0")
    with injector.off():
        texts = publish(cluster, "in the ring", 100)
        wait_for(lambda: cluster.log_lines("WARNING", "the stream cannot be reached"), "the log tells of the outage")
        assert status(cluster, "spool_records") == 0
        assert not list(spool(cluster).glob("*.segment"))
    check_delivered(cluster, texts)
    assert not windows(cluster)
    assert status(cluster, "spooled_events") == 0
    # While AWS is there: without a spool it would wait for it.
    cluster.stop()


@pytest.mark.parametrize("mode", ["spool", "stream"])
def test_durability_says_what_a_session_waits_for(running, injector, mode):
    timeout_seconds = 5 if mode == "spool" else 1
    cluster = running(mode="sync", durability=mode, sync_timeout=f"{timeout_seconds}s")
    with cluster.connect() as session, injector.off():
        begun = time.monotonic()
        session.execute("SELECT 'the first one finds out'")
        first, begun = time.monotonic() - begun, time.monotonic()
        session.execute("SELECT 'meanwhile'")
        waited = time.monotonic() - begun
    told = cluster.log_lines("WARNING", "AS003", "going on before the activity of this statement is durable")
    if mode == "spool":
        assert waited < timeout_seconds / 2, waited
        assert not told
    else:
        # After one that waited in vain nobody waits.
        assert first >= timeout_seconds > waited, (first, waited)
        assert told
    check_delivered(cluster, ["SELECT 'meanwhile'"])
