"""Short words for what a session told."""

from rawpg import RawSession
from waiting import wait_for

PROTOCOLS = ["simple", "extended"]
# No events of a statement that was executed. (Some statements are told before they run as well.)
_OTHERS = ("CONNECT", "DISCONNECT", "STREAM INTENT")


def ended(cluster, pid):
    """The events of a session that is over, without those of its beginning and end."""
    cluster.wait_for_end(pid)
    return [e for e in cluster.session_events(pid) if e["command"] not in _OTHERS]


def record_raw(cluster, run, **startup):
    """The events of what `run(session)` does in a session of the raw client."""
    with RawSession(cluster.port, **startup) as session:
        run(session)
    return ended(cluster, session.pid)


def ask(session, statement, protocol):
    """Sends a statement by either query protocol and reads nothing."""
    return session.query(statement) if protocol == "simple" else session.statement(statement).sync()


def so_far(cluster, pid, count):
    """The events of a session that goes on, when there are so many of them besides CONNECT."""

    def enough(_):
        mine = [e for e in cluster.session_events(pid) if e["command"] not in _OTHERS]
        return len(mine) >= count and mine

    return cluster.reader.wait_for(enough, f"{count} events of session {pid}")


def after_all_of_this(cluster, witness):
    """A sequence number that what was published before this call is below, by another session's next statement."""
    marker = f"SELECT 'witness at {witness.execute('SELECT clock_timestamp()').fetchone()[0]}'"
    witness.execute(marker)
    return cluster.reader.wait_for_text(marker)[0]["sequence"]


def waits(cluster, pid, event):
    """Until a session waits for this."""
    statement = f"SELECT wait_event FROM pg_stat_activity WHERE pid = {pid}"
    wait_for(lambda: cluster.value(statement) == event, f"session {pid} waits for {event}")


def commands(events):
    return [(e["class"], e["command"]) for e in events]


def brief(events):
    return [(e["class"], e["command"], e["objectName"], e["rowCount"], e["exitCode"]) for e in events]


def counts(events):
    return [(e["command"], e["rowCount"]) for e in events]


def ids(events):
    return [(e["statementId"], e["substatementId"]) for e in events]


def texts(events):
    return [e["commandText"] for e in events]


def first_words(value):
    """Names a row of a table by its statement."""
    return value[:60] if isinstance(value, str) else ""


def read(name, rows, kind="TABLE"):
    return ("READ", "SELECT", kind, name, rows)


def write(command, name, rows, kind="TABLE"):
    return ("WRITE", command, kind, name, rows)


def outcomes(events):
    return [(e["exitCode"], e["commandText"]) for e in events]


def failures(events):
    return [e for e in events if e["exitCode"]]


def kind_of(event):
    """What an event says of its statement, whatever came of it."""
    return (event["class"], event["command"], event["objectType"], event["objectName"])
