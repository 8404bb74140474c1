"""Loss windows and the stream's own events: in the view, on the stream and in the log, each once."""

import contextlib
import re
import secrets
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone

import pytest

from accounts import closed_windows, gap_ends, missing, params, status, stream_events, windows
from conftest import Factory
from injector import Injector
from server import Cluster
from verified import verify_both
from waiting import wait_for

# Three times what the smallest ring takes.
_STATEMENTS = 120
_FILLER_BYTES = 50_000


@pytest.fixture
def lossy(make_cluster, injector):
    """A server with nothing but a small ring between it and AWS."""

    def make(**settings):
        cluster = make_cluster(endpoint=injector.endpoint, spool_max_size="0", ring_size="4MB", **settings)
        cluster.execute("CREATE EXTENSION activity_stream")
        cluster.settle()
        return cluster

    return make


def overflow(cluster, session):
    """Statements until the ring is full and on; their texts. The log has told of the loss when this returns."""
    texts = [f"SELECT length('{n} {secrets.token_hex(_FILLER_BYTES)}')" for n in range(_STATEMENTS)]
    for text in texts:
        session.execute(text)
    wait_for(lambda: cluster.log_lines("AS002", "events are being lost"), "the log tells of the loss")
    return texts


def moment(text):
    """The time in a paramList."""
    return datetime.fromisoformat(re.sub(r"\+00$", "+00:00", text))


def told_of(cluster, window):
    """What the stream says of one window: the distinct paramLists of its beginning and of its end."""
    events = {part: stream_events(cluster, f"GAP {part}") for part in ("BEGIN", "END")}
    return {part: [p for e in told if (p := params(e))["window"] == window["id"]] for part, told in events.items()}


@dataclass
class Loss:
    """One that is over."""

    cluster: Cluster
    texts: list
    begun: datetime
    ended: datetime


@pytest.fixture(scope="module")
def loss(installation, aws, alias):
    """A ring that was full; its end is on the stream."""
    with contextlib.ExitStack() as ends:
        factory = Factory(installation, aws, alias)
        ends.callback(factory.close)
        injector = ends.enter_context(Injector(aws))
        cluster = factory(endpoint=injector.endpoint, spool_max_size="0", ring_size="4MB")
        cluster.execute("CREATE EXTENSION activity_stream")
        cluster.settle()
        with cluster.connect() as session, injector.off():
            begun = datetime.now(timezone.utc)
            texts = overflow(cluster, session)
            ended = datetime.now(timezone.utc)
        gap_ends(cluster)
        yield Loss(cluster, texts, begun, ended)


# It has to be this loss: behind a start of the server its own notices have the view written again, which hides it.
def test_the_view_says_when_a_window_is_told_everywhere(loss):
    wait_for(lambda: windows(loss.cluster)[0]["told"], "the window is told", timeout=3, pause=0.2)


def test_a_loss_is_told_the_same_in_the_view_on_the_stream_and_in_the_log(loss, consumer):
    cluster = loss.cluster
    cluster.settle()
    lost = len(missing(cluster, loss.texts))
    assert lost > 0
    (window,) = closed_windows(cluster)
    epoch = status(cluster, "epoch")
    assert (window["reason"], window["epoch"], window["id"]) == ("ring full", epoch, f"{epoch}-1")
    # The session's end as well, where the ring was still full.
    assert window["lost_events"] - lost in (0, 1)
    assert loss.begun <= window["first_affected"] <= loss.ended
    assert window["first_affected"] <= window["last_affected"] <= window["ended_at"]
    assert window["began_at"] <= window["ended_at"]
    check_stream(cluster, window)
    check_log(cluster, window)
    assert verify_both(consumer, cluster)["losses"] == {"windows": 1, "events": window["lost_events"], "unknown": 0}


def check_stream(cluster, window):
    told = told_of(cluster, window)
    (begin,), (end,) = told["BEGIN"], told["END"]
    for event in (begin, end):
        assert (event["reason"], event["epoch"]) == ("ring full", window["epoch"])
        assert moment(event["from"]) == window["first_affected"]
    assert (begin["count"], end["count"]) == ("unknown", str(window["lost_events"]))
    assert moment(end["to"]) == window["last_affected"]


def check_log(cluster, window):
    lost = window["lost_events"]
    assert len(cluster.log_lines("WARNING", "AS002", "activity_stream: events are being lost")) == 1
    assert len(cluster.log_lines("WARNING", "AS002", f"activity_stream: {lost} events were lost; no more are")) == 1
    details = cluster.log_lines("DETAIL", f"Loss window {window['id']}: ring full")
    assert len(details) == len(cluster.log_lines("AS002", "WARNING")) == 2


@pytest.mark.parametrize("end", ["fast", "immediate", "kill -9"])
def test_a_window_that_is_open_when_the_server_ends_gets_its_end_at_the_next_start(lossy, injector, consumer, end):
    cluster = lossy(shutdown_timeout="1s")
    former = status(cluster, "epoch")
    with injector.off():
        with cluster.connect() as session:
            texts = overflow(cluster, session)
            state = cluster.data / "activity_stream_spool" / "state.json"
            wait_for(lambda: '"ring_full"' in state.read_text(), "the window is in the state file")
            if end == "kill -9":
                cluster.kill_postmaster()
            else:
                cluster.stop(end)
            session.close()
        cluster.start()
    # That of the ring, and that of what was left in it.
    reasons = {"ring full", "unclean stop" if end == "kill -9" else "left at shutdown"}
    gap_ends(cluster, len(reasons))
    cluster.settle()
    rows = closed_windows(cluster)
    assert {w["reason"] for w in rows} == reasons and len(rows) == len(reasons)
    assert {w["epoch"] for w in rows if w["reason"] == "ring full"} == {former}
    for window in rows:
        told = told_of(cluster, window)
        assert {part: len(told[part]) for part in told} == {"BEGIN": 1, "END": 1}, told
    begun = [window for window in rows if window["reason"] != "unclean stop"]
    assert len(cluster.log_lines("AS002", "events are being lost")) == len(begun)
    assert len(cluster.log_lines("AS002", "events were lost; no more are")) == len(begun)
    if end != "kill -9":
        # Besides the statements at most: the ends of sessions, and of the stream.
        lost = len(missing(cluster, texts))
        assert lost <= sum(window["lost_events"] for window in rows) <= lost + 10
    verify_both(consumer, cluster)


def test_a_reload_is_told_once_a_changed_setting(make_cluster, consumer):
    cluster = make_cluster()
    cluster.settle()
    cluster.configure({"work_mem": "5MB"})
    cluster.reload(batch_linger="50ms", heartbeat_interval="10s", durability="spool")
    cluster.reload(batch_linger="50ms")
    cluster.reload(batch_linger="60ms")
    cluster.settle()
    told = [params(e) for e in stream_events(cluster, "CONFIG")]
    assert Counter(p["setting"] for p in told) == {
        "activity_stream.batch_linger": 2,
        "activity_stream.heartbeat_interval": 1,
        "activity_stream.durability": 1,
    }
    lingers = [(p["old"], p["new"]) for p in told if p["setting"].endswith("batch_linger")]
    assert lingers == [("20ms", "50ms"), ("50ms", "60ms")]
    durability = next(p for p in told if p["setting"].endswith("durability"))
    assert (durability["old"], durability["new"]) == ("stream", "spool")
    verify_both(consumer, cluster)


def test_start_and_stop_are_told_once_a_life(make_cluster, consumer):
    cluster = make_cluster()
    cluster.execute("CREATE EXTENSION activity_stream")
    for mode in ("fast", "smart", "immediate"):
        cluster.settle()
        cluster.kill(status(cluster, "worker_pid"))
        cluster.wait_until_serving()
        cluster.settle()
        cluster.stop(mode)
        cluster.start()
    cluster.settle()
    starts = stream_events(cluster, "START")
    stops = stream_events(cluster, "STOP")
    epochs = list(dict.fromkeys(params(e)["epoch"] for e in starts))
    assert len(starts) == len(epochs) == 4
    assert [params(e)["epoch"] for e in stops] == epochs[:3]
    assert [params(e)["previousEpoch"] for e in starts] == ["none", *epochs[:3]]
    assert [params(e)["previousEnd"] for e in starts] == ["none", "clean", "clean", "clean"]
    for stop in stops:
        assert stop["sequence"] == max(e["sequence"] for e in cluster.reader.events if e["epoch"] == stop["epoch"])
    report = verify_both(consumer, cluster)
    assert [epoch["end"] for epoch in report["epochs"]] == ["stop"] * 4
