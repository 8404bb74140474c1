"""Notices on an SNS topic and an event bus: in the form of RDS events, kept until they are sent, over restarts too."""

import contextlib
import re
import secrets

import pytest

import faults
from accounts import windows
from injector import PUT_RECORDS
from sinks import Bus, Topic
from waiting import wait_for

EVENTS_PAGE = "http://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.html"
STARTED, STOPPED, CHANGED = "started", "stopped", "configuration-changed"
BEGAN, ENDED = "loss-began", "loss-ended"
EVENT_IDS = {
    STARTED: "RDS-EVENT-0179",
    STOPPED: "RDS-EVENT-0180",
    CHANGED: "ACTIVITY-STREAM-CONFIGURATION-CHANGED",
    BEGAN: "ACTIVITY-STREAM-LOSS-BEGAN",
    ENDED: "ACTIVITY-STREAM-LOSS-ENDED",
}
CANNOT = "cannot be notified"


@pytest.fixture
def topic(aws):
    with contextlib.closing(Topic(aws)) as topic:
        yield topic


@pytest.fixture
def bus(aws):
    with contextlib.closing(Bus(aws)) as bus:
        yield bus


def lose(cluster, injector):
    """A loss that begins and ends: the stream takes nothing, the ring is small, and there is no spool."""
    refused = injector.inject(faults.Fail(), PUT_RECORDS)
    cluster.execute(*(f"SELECT length('{n} {secrets.token_hex(50_000)}')" for n in range(100)))
    wait_for(lambda: cluster.log_lines("AS002", "events were lost; no more are"), "the log tells the end of the loss")
    refused.end()


def lossy(make_cluster, injector, **settings):
    cluster = make_cluster(endpoint=injector.endpoint, spool_max_size="0", ring_size="4MB", **settings)
    cluster.execute("CREATE EXTENSION activity_stream")
    cluster.settle()
    return cluster


def test_start_loss_and_stop_arrive_on_both_in_the_form_of_rds(make_cluster, injector, topic, bus):
    topic.make()
    cluster = lossy(make_cluster, injector, notify_topic_arn=topic.arn, notify_event_bus=bus.name)
    lose(cluster, injector)
    (window,) = windows(cluster)
    cluster.reload(batch_linger="30ms")
    topic.wait_for(STARTED, BEGAN, ENDED, CHANGED)
    bus.wait_for(STARTED, BEGAN, ENDED, CHANGED)
    cluster.stop()
    kinds = (STARTED, BEGAN, ENDED, CHANGED, STOPPED)
    messages = topic.wait_for(*kinds)
    events = bus.wait_for(*kinds)
    arn = f"arn:aws:rds:us-east-1:000000000000:cluster:{cluster.cluster_id}"
    for subject, message in messages:
        kind = message["Notice Kind"]
        assert list(message) == [
            "Event Source", "Event Time", "Identifier Link", "Source ID", "Source ARN", "Event ID", "Event Message",
            "Notice ID", "Notice Kind",
        ]  # fmt: skip
        assert message["Event Source"] == "db-cluster"
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", message["Event Time"])
        assert message["Identifier Link"].endswith(f"/rds/home?region=us-east-1#dbclusters:id={cluster.cluster_id}")
        assert (message["Source ID"], message["Source ARN"]) == (cluster.cluster_id, arn)
        assert message["Event ID"] == f"{EVENTS_PAGE}#{EVENT_IDS[kind]}"
        assert subject.endswith(cluster.cluster_id)
    for event in events:
        detail = event["detail"]
        assert event["resources"] == [detail["SourceArn"]]
        assert (detail["SourceType"], detail["SourceIdentifier"]) == ("CLUSTER", cluster.cluster_id)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", detail["Date"])
        assert detail["EventID"] == EVENT_IDS[detail["NoticeKind"]]
        loss = detail["NoticeKind"] in (BEGAN, ENDED)
        assert detail["EventCategories"] == ["notification" if loss else "configuration change"]
    by_kind = {message["Notice Kind"]: message for _, message in messages}
    assert window["id"] in by_kind[BEGAN]["Event Message"]
    assert f"{window['lost_events']} events were lost" in by_kind[ENDED]["Event Message"]
    assert "batch_linger" in by_kind[CHANGED]["Event Message"]
    # The same notices, each once.
    ids = sorted(message["Notice ID"] for _, message in messages)
    assert len(set(ids)) == len(ids) == len(kinds)
    assert sorted(event["detail"]["NoticeId"] for event in events) == ids
    assert not cluster.log_lines(CANNOT)


def test_a_topic_that_is_made_later_gets_what_came_before_and_the_log_tells_once(make_cluster, topic):
    cluster = make_cluster(notify_topic_arn=topic.arn)
    wait_for(lambda: cluster.log_lines("WARNING", "AS001", CANNOT, topic.arn), "the log tells of the topic")
    cluster.reload(batch_linger="30ms")
    cluster.settle()
    topic.make()
    topic.wait_for(STARTED, CHANGED, timeout=60)
    wait_for(lambda: cluster.log_lines(topic.arn, "is notified again"), "the log tells that it is over")
    assert len(cluster.log_lines("WARNING", CANNOT)) == 1
    # Not in order: a topic hands messages on at the same time.
    assert sorted(topic.kinds()) == sorted([STARTED, CHANGED])


def test_what_could_not_be_sent_before_a_restart_is_sent_after_it(make_cluster, injector, topic):
    cluster = lossy(make_cluster, injector, notify_topic_arn=topic.arn)
    lose(cluster, injector)
    cluster.settle()
    (window,) = windows(cluster)
    cluster.stop()
    cluster.start()
    wait_for(lambda: len(cluster.log_lines("WARNING", CANNOT)) == 2, "the log tells of the topic, once a life")
    topic.make()
    kinds = (STARTED, BEGAN, ENDED, STOPPED, STARTED)
    messages = topic.wait_for(*kinds, timeout=60)
    assert sorted(message["Notice Kind"] for _, message in messages) == sorted(kinds)
    end = next(message for _, message in messages if message["Notice Kind"] == ENDED)
    assert f"{window['lost_events']} events were lost" in end["Event Message"]
    assert window["id"] in end["Event Message"]
    # While AWS is there: without a spool it would wait for it.
    cluster.stop()


def test_every_start_and_stop_of_several_lives_is_told_once(make_cluster, topic, bus):
    topic.make()
    cluster = make_cluster(notify_topic_arn=topic.arn, notify_event_bus=bus.name)
    for mode in ("fast", "smart", "immediate"):
        cluster.settle()
        cluster.stop(mode)
        cluster.start()
    cluster.settle()
    kinds = (STARTED, STOPPED) * 3 + (STARTED,)
    messages = topic.wait_for(*kinds)
    bus.wait_for(*kinds)
    cluster.settle()
    for sent in (topic.kinds(), [event["detail"]["NoticeKind"] for event in bus.wait_for()]):
        assert sorted(sent) == sorted(kinds)
    assert len({message["Notice ID"] for _, message in messages}) == len(kinds)


def test_a_topic_is_told_from_its_setting_to_its_removal(make_cluster, topic):
    topic.make()
    cluster = make_cluster()
    cluster.settle()
    assert topic.kinds() == []
    cluster.reload(notify_topic_arn=topic.arn)
    topic.wait_for(CHANGED)
    cluster.reload(notify_topic_arn="")
    cluster.reload(batch_linger="30ms")
    cluster.settle()
    assert not any("batch_linger" in message["Event Message"] for _, message in topic.wait_for())
    assert not cluster.log_lines(CANNOT)
