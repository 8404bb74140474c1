"""AWS goes wrong under load: whatever it does, every statement that pgbench ran is on the stream afterwards."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import faults
from faults_load import Load
from faults_records import INTERNAL, THROTTLED, FailRecords, Throttle
from faults_storm import DECK_SECONDS, Storm
from injector import PUT_RECORDS
from injector_calls import Answer
from reader import Reader
from waiting import wait_for

LOAD_SECONDS = 2
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@pytest.fixture
def cluster(make_cluster, injector):
    """A server that reaches AWS through the injector."""
    cluster = make_cluster(endpoint=injector.endpoint)
    cluster.execute("CREATE EXTENSION activity_stream")
    cluster.settle()
    return cluster


@pytest.fixture
def load(cluster):
    return Load(cluster)


def status(cluster, column):
    return cluster.value(f"SELECT {column} FROM activity_stream.status")


class Forget:
    """Not of AWS: says of records that it does not keep that it keeps them."""

    name = "forget"

    def act(self, exchange):
        kept = [{"SequenceNumber": "1", "ShardId": "shardId-000000000000"} for _ in json.loads(exchange.body)["Records"]]
        exchange.answer(Answer(200, [], json.dumps({"FailedRecordCount": 0, "Records": kept}).encode()))


def test_the_check_notices_records_that_are_not_kept(injector, load):
    injector.inject(Forget(), times=1)
    load.run(1)
    with pytest.raises(AssertionError, match="all events up to"):
        load.check_delivered(timeout=1)


def test_shards_that_throttle_slow_delivery_down_and_lose_nothing(injector, load):
    injector.inject(Throttle(records_per_second=10, bytes_per_second=128 * 1024, shards=2))
    load.run(LOAD_SECONDS)
    load.check_delivered()
    assert injector.records[THROTTLED] > 10, injector.records
    assert injector.records["forwarded"] > 10, injector.records


def test_single_records_that_fail_are_sent_again_and_only_those(injector, load, cluster):
    injector.inject(FailRecords(0.3))
    load.run(LOAD_SECONDS)
    load.check_delivered()
    assert injector.records[INTERNAL] > 10, injector.records
    cluster.reader.check_complete()


def test_errors_instead_of_the_call(injector, load):
    injector.inject(faults.Fail(500), share=0.3)
    injector.inject(faults.Fail(503, "ServiceUnavailable"), share=0.3)
    injector.inject(faults.Page(), share=0.2)
    load.run(LOAD_SECONDS)
    injector.clear()
    load.check_delivered()
    assert len(injector.met) == 3 and injector.met.total() > 5, injector.met


@pytest.mark.parametrize("fault", [faults.Fail(500, stored=True), faults.Lose(), faults.Cut()], ids=lambda fault: fault.name)
def test_records_that_are_stored_without_a_whole_answer_are_there_twice_and_complete(injector, load, cluster, fault):
    injector.inject(fault, share=0.5)
    load.run(LOAD_SECONDS)
    injector.clear()
    load.check_delivered()
    assert injector.met[fault.name] > 3, injector.met
    assert len(cluster.reader.events) > len({(e["epoch"], e["sequence"]) for e in cluster.reader.events})


def test_calls_that_hang_hold_up_only_what_they_carry(injector, load, cluster):
    before, after = faults.Hang(), faults.Hang(stored=True)
    injector.inject(before, times=2)
    injector.inject(after, times=2)
    load.run(LOAD_SECONDS)
    assert injector.met == {before.name: 2, after.name: 2}
    # They still hang: the worker gives a call ten seconds. The others went on.
    assert injector.calls[PUT_RECORDS] > 10
    assert status(cluster, "requests_in_flight") >= 4
    load.check_delivered()
    assert not cluster.log_lines("AS001")


class Cpu:
    """Processor time of a process since now, of one core."""

    def __init__(self, pid):
        self._stat = f"/proc/{pid}/stat"
        self._at, self._used = time.monotonic(), self._seconds()

    def _seconds(self):
        with open(self._stat, encoding="ascii") as stat:
            # After the name, which is in parentheses: state is the third field, utime the 14th, stime the 15th.
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND

    def share(self):
        return (self._seconds() - self._used) / (time.monotonic() - self._at)

    def elapsed(self):
        return time.monotonic() - self._at


def away(injector, load, cluster, load_seconds, idle_seconds):
    """AWS refuses connections under load and after it; what the worker makes of its time then."""
    # The default. With the tests' 20 ms a worker looks into the ring fifty times a second, whatever AWS does.
    cluster.reload(batch_linger="200ms")
    worker = status(cluster, "worker_pid")
    with injector.off():
        load.run(load_seconds)
        cpu = Cpu(worker)
        wait_for(lambda: cpu.elapsed() >= idle_seconds, "time to have passed", timeout=idle_seconds + 10)
        share = cpu.share()
        assert status(cluster, "worker_pid") == worker
    load.check_delivered(timeout=120)
    assert len(cluster.log_lines("WARNING", "the stream cannot be reached")) == 1
    assert len(cluster.log_lines("streaming to")) == 2
    return share


def test_aws_away_for_twenty_seconds_costs_an_idle_worker_no_time(injector, load, cluster):
    share = away(injector, load, cluster, load_seconds=8, idle_seconds=12)
    assert share < 0.01, f"{share:.2%} of a core"


@pytest.mark.long
@pytest.mark.timeout(600)
def test_aws_away_for_minutes(injector, load, cluster):
    share = away(injector, load, cluster, load_seconds=15, idle_seconds=165)
    assert share < 0.01, f"{share:.2%} of a core"


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 8))])
def test_a_storm_of_all_faults(make_injector, make_cluster, seed):
    injector = make_injector(seed)
    cluster = make_cluster(endpoint=injector.endpoint, data_key_max_age="1s")
    load = Load(cluster)
    with Storm(injector, seed):
        load.run(round(DECK_SECONDS))
    load.check_delivered()
    assert len(injector.met) >= 6, injector.met


def test_a_stream_that_is_deleted_under_load_is_made_again_and_the_rest_is_on_the_next_one(injector, load, cluster):
    with ThreadPoolExecutor() as pool:
        running = pool.submit(load.run, 2 * LOAD_SECONDS)
        cluster.reader.wait_for_text("UPDATE pgbench_accounts")
        # What was stored on it goes with it, so nothing is to be stored between the last look and the end.
        outage = injector.inject(faults.Fail())
        wait_for(lambda: not injector.under_way, "no call is under way that began before")
        former = cluster.reader
        former.poll()
        cluster.aws.delete_stream(cluster.stream)
        wait_for(lambda: cluster.aws.stream(cluster.stream) is None, "the stream is gone")
        outage.end()
        assert not running.done(), "deleted under load"
        running.result()
    wait_for(lambda: (s := cluster.aws.stream(cluster.stream)) and s["StreamStatus"] == "ACTIVE", "another stream")
    cluster.reader = Reader(cluster.aws, cluster.stream, cluster.cluster_id)
    cluster.reader.events += former.events
    load.check_delivered()
