"""activity-consumer watch: an alarm for what is to be looked at, and none for what is well."""

import contextlib
import json
import signal

import pytest

import forge
import verify
from accounts import spooled
from verified import inner_records
from waiting import wait_for

PATIENCE = "1min"
"""No silence, in tests of something else."""


@pytest.fixture
def server(make_cluster):
    cluster = make_cluster(heartbeat_interval="200ms")
    cluster.execute("CREATE EXTENSION activity_stream")
    cluster.settle()
    return cluster


@pytest.fixture
def watch(consumer, server):
    """Begins to watch, and ends that."""
    with contextlib.ExitStack() as ends:

        def begin(*arguments, max_silence=PATIENCE, settle="5s"):
            where = ("--cluster-id", server.cluster_id, "--endpoint-url", server.aws.endpoint)
            times = ("--max-silence", max_silence, "--settle", settle)
            process = consumer("watch", *where, *times, "--poll-interval-ms", "50", "--verbose", *arguments)
            ends.callback(process.communicate)
            ends.callback(process.kill)
            assert "watching" in process.stderr.readline()
            return process

        yield begin


def alarms(process, code=3, timeout=30):
    """What it raised before it ended with this code."""
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == code, err
    return [json.loads(line) for line in out.splitlines()]


def kinds(raised):
    return {alarm["alarm"] for alarm in raised}


def event(alarm):
    return alarm["findings"][0]["event"]


def test_a_server_that_is_shut_down_is_told(server, watch):
    process = watch()
    server.stop()
    raised = alarms(process)
    assert kinds(raised) == {"stop"}
    assert event(raised[0])["command"] == "STREAM STOP"
    assert raised[0]["findings"][0]["instance"] == server.instance_id


def test_a_worker_that_is_stopped_is_silent(server, watch):
    worker = server.value("SELECT worker_pid FROM activity_stream.status")
    # From the oldest record on, so that the server was heard before it falls silent.
    process = watch("--alarm", "silence", "--from", "trim-horizon", max_silence="2s")
    server.kill(worker, signal.SIGSTOP)
    try:
        raised = alarms(process)
    finally:
        server.kill(worker, signal.SIGCONT)
    assert kinds(raised) == {"silence"}
    assert server.instance_id in raised[0]["findings"][0]["text"]


def test_a_program_that_a_superuser_runs_is_told(server, watch):
    process = watch("--alarm", "intent")
    server.execute("COPY (SELECT 1) TO PROGRAM 'cat > /dev/null'")
    raised = alarms(process)
    assert event(raised[0])["command"] == "STREAM INTENT"
    assert "TO PROGRAM" in event(raised[0])["commandText"]
    assert "by postgres@postgres from 127.0.0.1" in raised[0]["findings"][0]["text"]


def test_a_reload_that_changes_a_setting_is_told(server, watch):
    process = watch("--alarm", "config")
    server.reload(mode="off")
    raised = alarms(process)
    assert kinds(raised) == {"config"}
    assert any(p.startswith("setting=") and p.endswith("mode") for p in event(raised[0])["paramList"])


def test_restarts_and_crashes_break_no_chain_and_a_killed_postmaster_is_told(server, watch):
    process = watch("--alarm", "silence,missing,chain,epoch,unreadable,limit,other")
    server.kill(server.value("SELECT worker_pid FROM activity_stream.status"))
    server.wait_until_serving()
    server.execute("SELECT 'after the crash'")
    server.stop()
    server.start()
    server.execute("SELECT 'after the restart'")
    server.settle()
    server.kill_postmaster()
    assert process.poll() is None, alarms(process)
    server.start()
    raised = alarms(process)
    assert kinds(raised) == {"epoch"}
    assert "previousEnd=unclean" in event(raised[0])["paramList"]


def test_load_over_many_shards_raises_nothing_whenever_the_watch_begins(consumer, make_cluster):
    cluster = make_cluster(heartbeat_interval="200ms", stream_mode="provisioned", shard_count="4", batch_linger="5ms")
    cluster.settle()
    where = ("--cluster-id", cluster.cluster_id, "--endpoint-url", cluster.aws.endpoint)
    watches = []
    with contextlib.ExitStack() as ends:
        for _ in range(3):
            process = consumer("watch", *where, "--max-silence", PATIENCE, "--verbose")
            ends.callback(process.communicate)
            ends.callback(process.kill)
            watches.append(process)
            ran = cluster.program("pgbench", "-i", "-s", "1", "-q")
            assert ran.returncode == 0, ran.stderr
            ran = cluster.program("pgbench", "-c", "4", "-T", "3", "-N")
            assert ran.returncode == 0, ran.stderr
        cluster.settle()
        assert all(process.poll() is None for process in watches), [alarms(p) for p in watches if p.poll() is not None]
        cluster.stop()
        assert [kinds(alarms(process)) for process in watches] == [{"stop"}] * 3


def test_what_somebody_else_puts_on_the_stream_is_told_and_the_same_record_once_more_is_not(server, watch):
    process = watch("--alarm", "missing,chain,epoch,unreadable")
    server.execute("SELECT 'to be sent again'")
    server.settle()
    again = server.reader.records[-1]["Data"]
    server.aws.kinesis.put_record(StreamName=server.stream, Data=again, PartitionKey="a")
    server.settle()
    assert process.poll() is None, alarms(process)
    server.aws.kinesis.put_record(StreamName=server.stream, Data=b"rubbish", PartitionKey="a")
    assert kinds(alarms(process)) == {"unreadable"}


@pytest.mark.parametrize(
    ("epoch", "chain", "expected"), [(None, None, "chain"), (None, bytes(32), "chain"), ("00000000000000ff", None, "epoch")]
)
def test_what_a_key_holder_forges_contradicts_the_server(server, watch, alias, epoch, chain, expected):
    """The next event under its right chain, one under a wrong chain, and an epoch of his own."""
    process = watch("--alarm", "missing,chain,epoch,unreadable", settle="2s")
    server.execute("SELECT 'before the forgery'")
    server.settle()
    last = max(filter(None, map(verify.parse, inner_records(server.reader))), key=lambda r: r.events[-1][0]["sequence"])
    number, after = last.events[-1][0]["sequence"] + 1, last.chain
    for _, event in last.events:
        after = verify.then(after, event)
    if epoch:
        number, after = 1, verify.begin(epoch)
    event = f'{{"class":"READ","command":"SELECT","dbUserName":"nobody","type":"record","sequence":{number}}}'
    forge.put(server, alias, forge.inner(server, epoch or last.epoch, number, (chain or after).hex(), [event]))
    server.execute("SELECT 'the event that has this number'")
    assert kinds(alarms(process)) == {expected}


@pytest.mark.parametrize(("what", "expected"), [("*.segment", "missing"), ("*", "epoch")])
def test_what_somebody_deletes_from_the_spool_is_missed(consumer, make_cluster, injector, what, expected):
    cluster = make_cluster(endpoint=injector.endpoint, heartbeat_interval="200ms")
    cluster.execute("CREATE EXTENSION activity_stream")
    cluster.settle()
    where = ("--cluster-id", cluster.cluster_id, "--endpoint-url", cluster.aws.endpoint, "--from", "trim-horizon")
    process = consumer("watch", *where, "--max-silence", PATIENCE, "--settle", "5s", "--alarm", "missing,chain,epoch")
    with injector.off():
        cluster.execute(*[f"SELECT 'in the outage {number}'" for number in range(20)])
        spooled(cluster)
        cluster.stop("immediate")
        files = [file for file in (cluster.data / "activity_stream_spool").glob(what) if file.is_file()]
        assert any(file.suffix == ".segment" for file in files), files
        for file in files:
            file.unlink()
    cluster.start()
    assert kinds(alarms(process)) == {expected}


def test_with_a_command_it_goes_on_and_a_flood_runs_few(server, watch, tmp_path):
    noted = tmp_path / "noted"
    script = tmp_path / "command"
    script.write_text(f'#!/bin/sh\necho "$ACTIVITY_ALARM $ACTIVITY_ALARM_COUNT $1" >> {noted}\ncat >> {noted}.json\n')
    script.chmod(0o755)
    process = watch("--alarm", "intent,stop", "--on-alarm", f"{script} 'an argument'")

    def counted(kind):
        lines = noted.read_text().splitlines() if noted.exists() else []
        return [int(line.split()[1]) for line in lines if line.startswith(f"{kind} ") and line.endswith("an argument")]

    server.execute(*["SELECT pg_read_file('PG_VERSION')"] * 300)
    wait_for(lambda: sum(counted("intent")) == 300, lambda: f"all intents, of {counted('intent')}")
    assert len(counted("intent")) < 30
    server.stop()
    wait_for(lambda: counted("stop") == [1], "the end is told, too")
    told = [json.loads(line) for line in (tmp_path / "noted.json").read_text().splitlines()]
    assert kinds(told) == {"intent", "stop"}
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert kinds(alarms(process, 143)) == {"intent", "stop"}


def test_a_command_that_is_not_there_is_told_at_once(consumer, server):
    process = consumer("watch", "--cluster-id", server.cluster_id, "--endpoint-url", server.aws.endpoint, "--on-alarm", "/no/such")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "")
    assert "/no/such" in err
