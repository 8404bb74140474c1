"""Heartbeats: records of their own, steady, and none when none are wanted."""

from waiting import wait_for


def test_they_come_steadily_in_records_of_their_own(make_cluster):
    cluster = make_cluster(heartbeat_interval="200ms")

    def enough():
        cluster.reader.poll()
        return len(cluster.reader.heartbeats) >= 10

    wait_for(enough, "ten heartbeats")
    # The reader has checked what each of them holds.
    times = sorted(h["ApproximateArrivalTimestamp"].timestamp() for h in cluster.reader.heartbeats)
    span = times[-1] - times[0]
    assert span >= 0.1 * (len(times) - 1), "no faster than asked"


def test_they_come_between_events_and_are_no_events(make_cluster):
    cluster = make_cluster(heartbeat_interval="100ms")
    cluster.execute("CREATE EXTENSION activity_stream")
    with cluster.connect() as session:
        for number in range(20):
            session.execute(f"SELECT pg_sleep(0.05), {number}")
    cluster.settle()
    assert len(cluster.reader.heartbeats) >= 3
    cluster.reader.check_complete()
    wait_for(lambda: cluster.value("SELECT heartbeats FROM activity_stream.status") >= 3, "heartbeats are counted")


def test_zero_sends_none_and_a_reload_begins_and_ends_them(make_cluster):
    cluster = make_cluster()
    with cluster.connect() as session:
        session.execute("SELECT pg_sleep(1.5)")
    cluster.settle()
    assert not cluster.reader.heartbeats
    cluster.reload(heartbeat_interval="100ms")
    wait_for(lambda: (cluster.reader.poll(), cluster.reader.heartbeats)[1], "a heartbeat after the reload")
