"""activity-consumer tail: the same events, and the manners of a Unix tool."""

import json
import signal
import subprocess

import pytest

from waiting import wait_for


@pytest.fixture(scope="module")
def streamed(cluster):
    """A stream with some events on it, read by the independent decoder."""
    cluster.execute('CREATE TABLE t (a int, "b b" text)', "INSERT INTO t VALUES (1, 'ä\t\"')", "SELECT * FROM t")
    with cluster.connect() as session:
        session.execute("SELECT %s::int, %s", (1, "two"))
        with pytest.raises(Exception, match="division"):
            session.execute("SELECT 1 / 0")
    cluster.settle()
    return cluster


def tail(consumer, cluster, *arguments, **options):
    return consumer("tail", "--stream", cluster.stream, "--endpoint-url", cluster.aws.endpoint, *arguments, **options)


def ended(process, timeout=60):
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err


def plain(events):
    return sorted(json.dumps({k: v for k, v in e.items() if k != "epoch"}) for e in events)


def test_it_prints_the_events_that_the_independent_decoder_reads(consumer, streamed):
    code, out, err = ended(tail(consumer, streamed, "--from", "trim-horizon", "--idle-timeout", "3"))
    assert (code, err) == (0, "")
    streamed.reader.poll()
    lines = out.splitlines()
    assert plain(map(json.loads, lines)) == plain(streamed.reader.events)
    # The fields' order is kept.
    assert all(list(json.loads(line))[:3] == ["startTime", "logTime", "statementId"] for line in lines)


def test_it_stops_after_so_many_events(consumer, streamed):
    code, out, _ = ended(tail(consumer, streamed, "--from", "trim-horizon", "--until-events", "5"))
    assert (code, len(out.splitlines())) == (0, 5)


def test_pretty_is_a_line_for_people(consumer, streamed):
    _, out, _ = ended(tail(consumer, streamed, "--from", "trim-horizon", "--pretty", "--idle-timeout", "3"))
    line = next(line for line in out.splitlines() if "INSERT INTO t" in line)
    for word in ("postgres", "INSERT", "public.t"):
        assert word in line
    assert any("division by zero" in line for line in out.splitlines())


def test_it_follows_from_latest(consumer, cluster):
    process = tail(consumer, cluster, "--from", "latest", "--until-events", "1")

    def printed():
        # It may not have been listening at the first.
        cluster.execute("SELECT 'after the tail began'")
        return process.poll() is not None

    wait_for(printed, "an event is printed", pause=0.3)
    code, out, _ = ended(process)
    assert code == 0
    assert json.loads(out.splitlines()[0])["type"] == "record"


def test_heartbeats_are_shown_when_asked_for(consumer, make_cluster):
    cluster = make_cluster(heartbeat_interval="100ms")
    cluster.execute("SELECT 1")
    process = tail(consumer, cluster, "--from", "trim-horizon", "--heartbeats", "--pretty")
    try:
        wait_for(lambda: "heartbeat" in process.stdout.readline().lower(), "a heartbeat", pause=0)
    finally:
        process.kill()
        process.communicate()


def test_a_stream_that_is_not_there_is_a_clear_error(consumer, aws):
    process = consumer("tail", "--stream", "aws-rds-das-cluster-NOTHERE", "--endpoint-url", aws.endpoint)
    code, out, err = ended(process)
    assert (code, out) == (2, "")
    assert "aws-rds-das-cluster-NOTHERE" in err


def test_wrong_usage_is_told(consumer):
    code, out, err = ended(consumer("tail", "--no-such-option"))
    assert (code, out) == (2, "")
    assert "--no-such-option" in err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_at_once_with_whole_lines(consumer, streamed, tmp_path, number, code):
    output = tmp_path / "output"
    with output.open("w") as file:
        process = tail(consumer, streamed, "--from", "trim-horizon", stdout=file)
        wait_for(lambda: output.stat().st_size, "something is printed")
        process.send_signal(number)
        assert ended(process, timeout=10)[0] in (code, -number)
    assert output.read_text().endswith("\n")
    for line in output.read_text().splitlines():
        json.loads(line)


def test_a_closed_pipe_ends_it_quietly(consumer, streamed):
    process = tail(consumer, streamed, "--from", "trim-horizon")
    head = subprocess.run(["head", "-n", "1"], stdin=process.stdout, capture_output=True, text=True, check=True)
    process.stdout.close()
    json.loads(head.stdout)

    def over():
        # It notices when it has something to print.
        streamed.execute("SELECT 'into the closed pipe'")
        return process.poll() is not None

    wait_for(over, "it ends", pause=0.2)
    assert process.returncode in (0, 141, -signal.SIGPIPE)
    assert process.stderr.read() == ""


def test_a_record_that_cannot_be_opened_is_told_and_passed_over(consumer, make_cluster):
    cluster = make_cluster()
    cluster.execute("SELECT 'before the rubbish'")
    cluster.settle()
    cluster.aws.kinesis.put_record(StreamName=cluster.stream, Data=b"rubbish", PartitionKey="a")
    cluster.execute("SELECT 'after the rubbish'")
    cluster.value("SELECT 1")
    cluster.stop()
    code, out, err = ended(tail(consumer, cluster, "--from", "trim-horizon", "--idle-timeout", "3"))
    assert code == 1
    assert "before the rubbish" in out
    assert "after the rubbish" in out
    assert "shardId-" in err
