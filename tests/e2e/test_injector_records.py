"""The fault injector by itself: single records of PutRecords that fail or are throttled."""

from concurrent.futures import ThreadPoolExecutor

from faults_records import INTERNAL, THROTTLED, FailRecords, Throttle, hash_key
from injector_client import SHARDS, records, stream
from waiting import wait_for


def by_position(answer):
    """Of each entry, whether it was stored or its error; the count agrees."""
    codes = [entry.get("ErrorCode", "stored") for entry in answer["Records"]]
    assert answer["FailedRecordCount"] == len(codes) - codes.count("stored")
    assert all(("SequenceNumber" in entry) != ("ErrorCode" in entry) for entry in answer["Records"])
    return codes


def test_single_records_fail_in_their_positions(injector, records):
    injector.inject(FailRecords(0.5))
    codes = by_position(records.put(40))
    assert set(codes) == {"stored", INTERNAL}
    assert records.stored() == [n for n, told in enumerate(codes) if told == "stored"]
    assert injector.records == {"forwarded": codes.count("stored"), INTERNAL: codes.count(INTERNAL)}


def test_a_request_of_which_nothing_is_left_is_answered_by_position_and_not_forwarded(injector, records):
    injector.inject(FailRecords(1))
    assert by_position(records.put(3)) == [INTERNAL] * 3
    assert records.stored() == []


def test_each_shard_takes_so_many_records_a_second(injector, records):
    injector.inject(Throttle(records_per_second=10))
    entries = records.entries(60)
    codes = by_position(records.put(entries=entries))
    for shard in range(SHARDS):
        mine = [told for entry, told in zip(entries, codes) if hash_key(entry) * SHARDS // 2**128 == shard]
        assert mine[:10] == ["stored"] * 10 and len(mine) > 12, "the first ones pass"
        # Tokens come back while the request is being looked at.
        assert mine[10:].count("stored") <= 1
    assert records.stored() == [n for n, told in enumerate(codes) if told == "stored"]
    wait_for(lambda: "stored" in by_position(records.put()), "tokens come back", timeout=2)


def test_each_shard_takes_so_many_bytes_a_second_and_the_other_goes_on(injector, records):
    injector.inject(Throttle(bytes_per_second=50_000, shards=2))
    low, high = ({"ExplicitHashKey": str(key)} for key in (0, 2**128 - 1))
    large = [entry | low for entry in records.entries(4, size=20_000)]
    assert by_position(records.put(entries=large)) == ["stored"] * 2 + [THROTTLED] * 2
    assert by_position(records.put(entries=[records.entries(1)[0] | high])) == ["stored"]


def test_a_record_larger_than_a_second_allows_passes_once_and_keeps_the_next_ones_back(injector, records):
    injector.inject(Throttle(bytes_per_second=10_000, shards=1))
    assert by_position(records.put(1, size=20_000)) == ["stored"]
    assert by_position(records.put(1)) == [THROTTLED]


def test_kinesis_own_limits_are_the_default(injector, records):
    injector.inject(Throttle(shards=1))
    with ThreadPoolExecutor() as pool:
        # At the same time: a slow AWS would leave the tokens the time to come back.
        answers = pool.map(lambda _: records.put(500), range(3))
    told = [code for answer in answers for code in by_position(answer)]
    assert told.count("stored") >= 1000
    assert told.count(THROTTLED) > 100
    wait_for(lambda: "stored" in by_position(records.put()), "tokens come back", timeout=2)
