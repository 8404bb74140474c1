"""What a server says of its stream: the status, the loss windows, the events of the stream itself."""

from psycopg.rows import dict_row

from waiting import wait_for


def status(cluster, column):
    return cluster.value(f"SELECT {column} FROM activity_stream.status")


def spooled(cluster, at_least=1):
    """Until the spool holds so many records; how many it does."""
    return wait_for(
        lambda: (held := status(cluster, "spool_records")) >= at_least and held, f"{at_least} records in the spool"
    )


def windows(cluster, reason=None):
    """The rows of the view, those of a reason alone if told."""
    with cluster.connect(row_factory=dict_row) as session:
        rows = session.execute("SELECT * FROM activity_stream.loss_windows").fetchall()
    return [row for row in rows if reason in (None, row["reason"])]


def closed_windows(cluster, reason=None, timeout=30):
    """The rows of the view when there are some, and each has its end."""

    def closed():
        rows = windows(cluster, reason)
        return rows and all(row["ended_at"] for row in rows) and rows

    return wait_for(closed, lambda: f"loss windows with an end: {windows(cluster)}", timeout, pause=0.2)


def params(event):
    """The paramList of an event of the stream itself."""
    return dict(param.split("=", 1) for param in event["paramList"])


def stream_events(cluster, command):
    """The distinct events of the stream itself with that command, in the order in which they were told."""
    distinct = {
        (e["epoch"], e["sequence"]): e
        for e in cluster.reader.events
        if e["command"] == f"STREAM {command}" and e["dbUserName"] == "activity_stream"
    }
    return sorted(distinct.values(), key=lambda e: (e["logTime"], e["sequence"]))


def gap_ends(cluster, count=1, timeout=60):
    """The ends of so many loss windows, when they are on the stream."""

    def ends(_):
        told = stream_events(cluster, "GAP END")
        return len({params(e)["window"] for e in told}) >= count and told

    return cluster.reader.wait_for(ends, f"the end of {count} loss windows", timeout)


def missing(cluster, texts):
    """Which of these statements are not on the stream."""
    there = {e["commandText"] for e in cluster.reader.events}
    return [text for text in texts if text not in there]
