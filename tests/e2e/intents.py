"""What was told before it ran, and that it was."""

from rawpg import errors
from told import record_raw


def run(cluster, *statements, fails=None, **startup):
    """The events of a session, those before what happens among them. The last statement fails, where one is to."""
    pids = []

    def send(session):
        pids.append(session.pid)
        for statement in statements:
            expected = [fails] if fails and statement is statements[-1] else []
            assert errors(session.run(statement)) == expected, statement

    record_raw(cluster, send, **startup)
    return cluster.session_events(pids[0])[1:-1]


def intents(events):
    return [e for e in events if e["command"] == "STREAM INTENT"]


def told_first(events, name=None, kind=None):
    """The only intent among the events of the last statement: it comes before all others of that, its own event among them."""
    last = [e for e in events if e["statementId"] == events[-1]["statementId"]]
    (intent,) = [e for e in intents(last) if name in (None, e["objectName"])]
    assert kind in (None, intent["objectType"])
    assert (intent["class"], intent["exitCode"], intent["rowCount"]) == ("MISC", None, None)
    # Calls are told when their statement is made ready, DO before what it runs.
    own = [e for e in last if e["command"] not in ("STREAM INTENT", "EXECUTE", "DO")]
    assert own and all(e["sequence"] > intent["sequence"] for e in own)
    return intent
