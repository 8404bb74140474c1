"""AWS says no: to the key, to the credentials, to the stream. It is told once a change of state, and all is delivered later."""

import secrets

import pytest

import faults
import faults_records
from injector import CREATE_STREAM, DESCRIBE_STREAM, GENERATE_DATA_KEY, PUT_RECORDS
from waiting import wait_for

NO_KEY = "no data key can be had"
KEY_AGAIN = "data keys can be had"
OLD_KEY_SERVES = "no new data key could be had, the one in use serves on"
NO_STREAM = "the stream cannot be reached"
STREAMING = "streaming to"

# Whatever KMS says, it is the same state.
KEY_REFUSALS = [
    faults.Fail(400, "DisabledException", "the key is disabled"),
    faults.Fail(400, "AccessDeniedException", "the role may not use the key"),
    faults.Fail(400, "ThrottlingException", "too many of these calls"),
]
# Enough to see that a state that lasts is not told by the attempt, and few enough for pauses that double.
ATTEMPTS = 3


def refused(injector, fault, times=ATTEMPTS, meanwhile=lambda: None):
    """Waits until so many more calls met it; does that again and again meanwhile."""
    before = injector.met[fault.name]

    def met():
        meanwhile()
        return injector.met[fault.name] >= before + times

    wait_for(met, lambda: f"{times} refused calls: {injector.met}")


def warnings(cluster):
    return cluster.log_lines("WARNING", "AS001")


def publish(cluster, count=20):
    """Runs statements of texts that no others have; the texts."""
    texts = [f"SELECT '{secrets.token_hex(8)}'" for _ in range(count)]
    cluster.execute(*texts)
    return texts


def check_delivered(cluster, texts):
    cluster.settle()
    cluster.reader.check_complete(twice_is_fine=True)
    there = {event["commandText"] for event in cluster.reader.events}
    assert not [text for text in texts if text not in there]


def test_a_key_that_is_refused_at_the_start_keeps_events_back_and_is_told_once(make_cluster, injector):
    for refusal in KEY_REFUSALS[:-1]:
        injector.inject(refusal, GENERATE_DATA_KEY, times=1)
    last = injector.inject(KEY_REFUSALS[-1], GENERATE_DATA_KEY)
    cluster = make_cluster(endpoint=injector.endpoint)
    texts = publish(cluster)
    refused(injector, KEY_REFUSALS[-1], times=1)
    assert injector.met.keys() == {refusal.name for refusal in KEY_REFUSALS}
    assert len(warnings(cluster)) == 1
    assert NO_KEY in warnings(cluster)[0] and KEY_REFUSALS[0].name in warnings(cluster)[0]
    cluster.reader.poll()
    assert not cluster.reader.records
    last.end()
    check_delivered(cluster, texts)
    assert len(cluster.log_lines(KEY_AGAIN)) == len(cluster.log_lines(STREAMING)) == 1
    assert len(warnings(cluster)) == 1


def test_a_key_that_is_refused_at_rotation_is_told_once_an_outage_and_the_old_one_serves_on(make_cluster, injector):
    cluster = make_cluster(endpoint=injector.endpoint, data_key_max_age="1s")
    cluster.settle()
    for told, refusal in enumerate(KEY_REFUSALS, start=1):
        rule = injector.inject(refusal, GENERATE_DATA_KEY)
        # A key's age is looked at when there is something to seal.
        texts = []
        refused(injector, refusal, times=2, meanwhile=lambda t=texts: t.extend(publish(cluster, 1)))
        check_delivered(cluster, texts)
        keys = len(cluster.reader.opener.keys)
        assert len(warnings(cluster)) == told, warnings(cluster)
        assert OLD_KEY_SERVES in warnings(cluster)[-1] and refusal.name in warnings(cluster)[-1]
        rule.end()

        def under_a_new_key(keys=keys):
            publish(cluster, 1)
            cluster.reader.poll()
            return len(cluster.reader.opener.keys) > keys

        wait_for(under_a_new_key, "records under a new key")
    check_delivered(cluster, [])
    assert len(warnings(cluster)) == len(KEY_REFUSALS)
    # All the time there was a key.
    assert len(cluster.log_lines(STREAMING)) == 1 and not cluster.log_lines(NO_KEY)


@pytest.mark.parametrize("code", ["ExpiredTokenException", "AccessDeniedException"])
def test_calls_that_are_refused_are_told_once_an_outage_and_their_records_delivered_later(make_cluster, injector, code):
    cluster = make_cluster(endpoint=injector.endpoint)
    cluster.settle()
    refusal = faults.Fail(400, code, "the token is not taken")
    for outage in (1, 2):
        rule = injector.inject(refusal, PUT_RECORDS)
        texts = publish(cluster)
        refused(injector, refusal)
        wait_for(lambda n=outage: len(warnings(cluster)) >= n, "the log says so")
        assert NO_STREAM in warnings(cluster)[-1] and code in warnings(cluster)[-1]
        rule.end()
        check_delivered(cluster, texts)
        wait_for(lambda n=outage: len(cluster.log_lines(STREAMING)) == n + 1, "the log tells that it is over")
        assert len(warnings(cluster)) == outage, warnings(cluster)


def one_entry_fewer(answer):
    return answer | {"Records": answer["Records"][:-1]}


def test_answers_that_make_no_sense_are_not_taken_for_stored(make_cluster, injector):
    cluster = make_cluster(endpoint=injector.endpoint)
    cluster.settle()
    nonsense = [*map(faults.Page, (200, 301, 403, 404)), faults.Page(204, b""), faults.Rewrite(one_entry_fewer)]
    for fault in nonsense:
        injector.inject(fault, PUT_RECORDS, times=1)
    texts = publish(cluster)
    check_delivered(cluster, texts)
    assert injector.met == {fault.name: 1 for fault in nonsense}


def test_a_stream_that_stays_creating_is_waited_for_and_is_no_failure(make_cluster, injector):
    creating = faults.stream_status("CREATING")
    rule = injector.inject(creating, DESCRIBE_STREAM)
    cluster = make_cluster(endpoint=injector.endpoint)
    texts = publish(cluster)
    refused(injector, creating)
    assert len(cluster.log_lines("waiting for the stream to become active; it is CREATING")) == 1
    assert not injector.calls[PUT_RECORDS]
    rule.end()
    check_delivered(cluster, texts)
    assert not warnings(cluster)
    assert len(cluster.log_lines(STREAMING)) == 1


def test_a_stream_that_may_not_be_made_is_told_once_and_made_when_it_may(make_cluster, injector):
    refusal = faults.Fail(400, "LimitExceededException", "too many streams")
    rule = injector.inject(refusal, CREATE_STREAM)
    cluster = make_cluster(endpoint=injector.endpoint)
    texts = publish(cluster)
    refused(injector, refusal)
    assert len(warnings(cluster)) == 1
    assert NO_STREAM in warnings(cluster)[0] and "LimitExceededException" in warnings(cluster)[0]
    rule.end()
    check_delivered(cluster, texts)
    assert len(warnings(cluster)) == 1


REFUSED_FOR_GOOD = [
    faults.Fail(400, "ValidationException", "no"),
    faults.Fail(400, "InvalidArgumentException", "no"),
    faults.Page(413),
    faults_records.FailRecords(1.0, "InvalidArgumentException"),
]


def test_where_every_record_is_refused_for_good_none_is_given_up(make_cluster, injector):
    cluster = make_cluster(endpoint=injector.endpoint)
    texts = publish(cluster)
    cluster.settle()
    for fault in REFUSED_FOR_GOOD:
        told = len(warnings(cluster))
        rule = injector.inject(fault, PUT_RECORDS)
        refused(injector, fault, times=6, meanwhile=lambda: texts.extend(publish(cluster, 2)))
        rule.end()
        check_delivered(cluster, texts)
        assert len(warnings(cluster)) - told <= 1, warnings(cluster)
    assert not cluster.log_lines("AS002"), "nothing is lost"
