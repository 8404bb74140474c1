"""Both verifications over a real stream with restarts and an outage in it: clean as it is, and not with a record left out."""

import contextlib
import json

import pytest

import verify
from accounts import spooled
from conftest import Factory
from injector import Injector
from verified import counts, inner_records, rust_verify, verify_both


@pytest.fixture(scope="module")
def stream(installation, aws, alias):
    """What three lives of a server put on its stream, one with an outage over its end."""
    with contextlib.ExitStack() as ends:
        factory = Factory(installation, aws, alias)
        ends.callback(factory.close)
        injector = ends.enter_context(Injector(aws))
        cluster = factory(endpoint=injector.endpoint)
        cluster.execute("CREATE EXTENSION activity_stream")
        cluster.settle()
        publish(cluster, "first life")
        cluster.stop()
        cluster.start()
        cluster.settle()
        with injector.off():
            publish(cluster, "in the outage")
            spooled(cluster)
            cluster.stop("immediate")
            cluster.start()
            publish(cluster, "third life")
        cluster.settle()
        cluster.stop()
        cluster.reader.poll()
        yield cluster


def publish(cluster, what):
    for number in range(20):
        cluster.execute(f"SELECT '{what} {number}'")


@pytest.fixture
def judge_files(consumer, stream, tmp_path):
    """The report of activity-consumer over these records, and its exit code."""

    def judge(records, *arguments):
        file = tmp_path / "records"
        file.write_bytes(b"".join(raw["Data"] + b"\n" for raw in records))
        return rust_verify(consumer, stream, *arguments, "--files", file)

    return judge


def test_a_stream_with_restarts_and_an_outage_is_clean(stream, consumer):
    report = verify_both(consumer, stream)
    assert [epoch["end"] for epoch in report["epochs"]] == ["stop"] * 3
    assert report["losses"] == {"windows": 0, "events": 0, "unknown": 0}
    distinct = {(e["epoch"], e["sequence"]) for e in stream.reader.events}
    assert sum(epoch["events"] for epoch in report["epochs"]) == len(distinct)


def test_files_and_the_stream_are_judged_alike(stream, consumer, judge_files):
    from_files, code = judge_files(stream.reader.records)
    assert code == 0
    assert counts(from_files) == counts(rust_verify(consumer, stream)[0])


@pytest.mark.parametrize("of_epoch", [0, 1, 2])
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_record_left_out_is_missed_by_both(stream, judge_files, of_epoch, place):
    left_out = sole_record(stream, of_epoch, place)
    records = [raw for raw in stream.reader.records if raw is not left_out]
    python = verify.verify([inner for raw, inner in opened(stream) if raw is not left_out])
    rust, code = judge_files(records)
    if (of_epoch, place) == (2, "last"):
        # Nothing comes after the newest epoch's end that could tell of it: it is as if it still ran.
        assert python.accounted and code == 0
        assert rust["epochs"][2]["end"] == "open"
        return
    assert not python.accounted
    assert (rust["accounted"], code) == (False, 1)
    kinds = {problem["kind"] for problem in rust["problems"]["list"]}
    assert kinds == {kind for kind, _ in python.problems}
    assert kinds & {"gap", "trimmed_start", "previous_missing"}, kinds


def test_an_epoch_left_out_is_missed_by_both(stream, judge_files):
    epochs = list(dict.fromkeys(event["epoch"] for event in stream.reader.events))
    kept = [(raw, inner) for raw, inner in opened(stream) if json.loads(inner)["epoch"] != epochs[1]]
    python = verify.verify([inner for _, inner in kept])
    _, code = judge_files([raw for raw, _ in kept])
    assert not python.accounted
    assert code == 1


def test_a_changed_event_is_noticed(stream):
    inner = inner_records(stream.reader)
    forged = [record.replace(b"in the outage 7", b"in the outage 8") for record in inner]
    assert forged != inner
    assert not verify.verify(forged).accounted


def opened(stream):
    """Each record with its inner JSON."""
    return list(zip(stream.reader.records, inner_records(stream.reader), strict=True))


def sole_record(stream, of_epoch, place):
    """The first, the middle or the last record of an epoch, whose events are in no other record."""
    epochs = sorted({e["epoch"]: e["logTime"] for e in reversed(stream.reader.events)}.items(), key=lambda item: item[1])
    mine = []
    for raw, inner in opened(stream):
        record = json.loads(inner)
        if record["epoch"] == epochs[of_epoch][0]:
            mine.append((record["firstSequence"], len(record["databaseActivityEventList"]), raw))
    mine.sort(key=lambda found: found[:2])
    numbers = [n for first, count, _ in mine for n in range(first, first + count)]
    sole = [raw for first, count, raw in mine if all(numbers.count(n) == 1 for n in range(first, first + count))]
    assert len(sole) >= 3
    return {"first": sole[0], "middle": sole[len(sole) // 2], "last": sole[-1]}[place]
