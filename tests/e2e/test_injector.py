"""The fault injector by itself: each fault does what it says, to the caller and to what the stream keeps."""

import http.client
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

import faults
from faults_records import INTERNAL
from faults_storm import Storm
from injector import ANY, DESCRIBE_STREAM, GENERATE_DATA_KEY, PUT_RECORDS
from injector_client import client, records, stream
from waiting import wait_for

LIST_SHARDS = "Kinesis_20131202.ListShards"


def code(raised):
    return raised.value.response["Error"]["Code"]


def test_without_a_fault_calls_are_forwarded_on_one_connection(injector, records):
    for _ in range(3):
        assert records.put(2)["FailedRecordCount"] == 0
    assert records.stored() == [0, 0, 0, 1, 1, 1]
    assert injector.calls == {PUT_RECORDS: 3}
    assert injector.connections == 1
    assert not injector.met


def test_a_body_of_the_largest_request_is_carried(injector, records):
    assert records.put(5, size=900_000)["FailedRecordCount"] == 0
    assert records.stored() == list(range(5))


@pytest.mark.parametrize("stored", [False, True])
def test_an_error_comes_instead_of_the_call_or_after_it(injector, records, stored):
    injector.inject(faults.Fail(500, INTERNAL, stored=stored), times=1)
    with pytest.raises(ClientError) as raised:
        records.put()
    assert code(raised) == INTERNAL
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert records.stored() == ([0] if stored else [])
    assert records.put()["FailedRecordCount"] == 0
    assert injector.met.total() == 1


def test_only_the_chosen_call_meets_an_error(injector, records, aws):
    key_id, _ = aws.make_key()
    kms = client(injector, "kms")
    injector.inject(faults.Fail(400, "DisabledException", "it is disabled"), GENERATE_DATA_KEY)
    with pytest.raises(kms.exceptions.DisabledException, match="it is disabled"):
        kms.generate_data_key(KeyId=key_id, KeySpec="AES_256")
    assert records.put()["FailedRecordCount"] == 0
    injector.clear()
    assert kms.generate_data_key(KeyId=key_id, KeySpec="AES_256")["Plaintext"]


def test_a_page_that_is_not_of_aws_is_answered(injector, records):
    injector.inject(faults.Page())
    with pytest.raises(ClientError) as raised:
        records.put()
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert records.stored() == []


def test_an_answer_is_lost_and_the_records_are_stored(injector, records):
    injector.inject(faults.Lose(), times=1)
    with pytest.raises(ConnectionClosedError):
        records.put()
    assert records.stored() == [0]


def test_an_answer_is_cut_in_the_middle_of_its_body(injector, stream):
    injector.inject(faults.Cut(), LIST_SHARDS)
    # boto3 takes half an answer for an empty one.
    connection = http.client.HTTPConnection(urlsplit(injector.endpoint).netloc, timeout=5)
    headers = {"X-Amz-Target": LIST_SHARDS, "Content-Type": "application/x-amz-json-1.1"}
    connection.request("POST", "/", json.dumps({"StreamName": stream}), headers)
    answer = connection.getresponse()
    assert answer.status == 200
    with pytest.raises(http.client.IncompleteRead) as raised:
        answer.read()
    assert raised.value.partial.startswith(b'{"Shards"')
    assert len(raised.value.partial) == int(answer.headers["Content-Length"]) // 2


def test_an_answer_is_cut_and_the_records_are_stored(injector, records):
    injector.inject(faults.Cut(), times=1)
    assert "Records" not in records.put()
    assert records.stored() == [0]


@pytest.mark.parametrize("stored", [False, True])
def test_a_call_hangs_before_or_after_it_was_done(injector, records, stored):
    injector.inject(faults.Hang(stored), times=1)
    records.kinesis = client(injector, timeout_seconds=0.5)
    with pytest.raises(ReadTimeoutError):
        records.put()
    assert records.stored() == ([0] if stored else [])


def test_a_hanging_call_is_let_go_when_its_rule_ends(injector, records):
    rule = injector.inject(faults.Hang())
    threading.Timer(0.2, rule.end).start()
    with pytest.raises(ConnectionClosedError):
        records.put()
    assert records.put()["FailedRecordCount"] == 0


def test_a_held_call_is_done_when_its_rule_ends_and_not_before(injector, records):
    rule = injector.inject(faults.Hold())
    with ThreadPoolExecutor() as pool:
        put = pool.submit(records.put)
        wait_for(lambda: injector.met["hold"], "the call is held")
        assert records.stored() == []
        rule.end()
        assert put.result()["FailedRecordCount"] == 0
    assert records.stored() == [0]


def test_a_held_call_whose_client_has_gone_is_not_done(injector, records):
    rule = injector.inject(faults.Hold(), times=1)
    records.kinesis = client(injector, timeout_seconds=0.5)
    with pytest.raises(ReadTimeoutError):
        records.put()
    wait_for(lambda: not injector.under_way, "the call is over")
    rule.end()
    assert records.stored() == []


def test_an_answer_is_late(injector, records):
    injector.inject(faults.Delay(0.4))
    begun = time.monotonic()
    assert records.put()["FailedRecordCount"] == 0
    assert 0.3 < time.monotonic() - begun < 1


def test_a_stream_is_said_to_be_in_another_state(injector, stream):
    injector.inject(faults.stream_status("CREATING"), DESCRIBE_STREAM)
    summary = client(injector).describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    assert (summary["StreamName"], summary["StreamStatus"]) == (stream, "CREATING")


def test_connections_are_refused_while_it_is_off_and_taken_on_the_same_port_again(injector, records):
    records.put()
    for _ in range(3):
        with injector.off():
            with pytest.raises((ConnectionClosedError, EndpointConnectionError)):
                records.put()
            with socket.socket() as s:
                assert s.connect_ex(("127.0.0.1", int(injector.endpoint.rsplit(":", 1)[1]))) != 0
        assert records.put()["FailedRecordCount"] == 0
    assert records.stored() == [0] * 4


def test_the_seed_repeats_which_calls_meet_a_fault(make_injector, aws, stream):
    def failed(seed):
        with make_injector(seed) as injector:
            injector.inject(faults.Fail(), ANY, share=0.5)
            kinesis = client(injector)
            outcomes = []
            for _ in range(20):
                try:
                    kinesis.list_shards(StreamName=stream)
                    outcomes.append(True)
                except ClientError:
                    outcomes.append(False)
        return outcomes

    assert failed(1) == failed(1) != failed(2)
    assert 0 < sum(failed(1)) < 20


def test_a_storm_brings_many_faults_and_leaves_none(injector, records):
    raised = set()

    def met_many():
        try:
            records.put(4)
        except (BotoCoreError, ClientError) as error:
            raised.add(type(error))
        return len(injector.met) >= 8 and len(raised) >= 2

    with Storm(injector, seed=7):
        wait_for(met_many, lambda: f"eight kinds of faults, not only {injector.met}, {raised}", pause=0.01)
    assert records.put(3)["FailedRecordCount"] == 0
