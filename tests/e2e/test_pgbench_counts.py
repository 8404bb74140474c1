"""Under load nothing is missing and nothing is there twice: counted against pgbench and pg_stat_statements."""

import re
from collections import Counter

import pytest

STATEMENTS = {
    ("UPDATE", "public.pgbench_accounts"): "UPDATE pgbench_accounts%",
    ("SELECT", "public.pgbench_accounts"): "SELECT abalance FROM pgbench_accounts%",
    ("UPDATE", "public.pgbench_tellers"): "UPDATE pgbench_tellers%",
    ("UPDATE", "public.pgbench_branches"): "UPDATE pgbench_branches%",
    ("INSERT", "public.pgbench_history"): "INSERT INTO pgbench_history%",
}


def calls(cluster, pattern):
    """How often pg_stat_statements saw it."""
    return int(
        cluster.value(
            f"SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query ILIKE '{pattern}'", dbname="bench"
        )
    )


@pytest.mark.parametrize("protocol", ["simple", "prepared"])
@pytest.mark.parametrize("mode", ["async", "sync"])
def test_events_by_command_are_what_was_executed(make_cluster, mode, protocol):
    cluster = make_cluster(
        mode=mode,
        preload="activity_stream, pg_stat_statements",
        batch_linger="200ms",
        heartbeat_interval="1s",
        conf={"pg_stat_statements.track": "all"},
    )
    if not cluster.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_stat_statements'"):
        pytest.skip("this PostgreSQL comes without pg_stat_statements")
    cluster.execute("CREATE DATABASE bench")
    cluster.execute("CREATE EXTENSION pg_stat_statements", dbname="bench")
    made = cluster.program("pgbench", "-i", "-q", "-s", "8", "bench")
    assert made.returncode == 0, made.stderr
    cluster.execute("SELECT pg_stat_statements_reset()", dbname="bench")

    load = cluster.program(
        "pgbench", "-n", "-c", "8", "-j", "2", "-T", "5", "-M", protocol, "bench", environment={"PGAPPNAME": "load"}
    )
    assert load.returncode == 0, load.stderr
    transactions = int(re.search(r"transactions actually processed: (\d+)", load.stdout).group(1))
    assert transactions > 10

    events = [e for e in cluster.settle(timeout=120) if e["clientApplication"] == "load"]
    counted = Counter((e["command"], e["objectName"]) for e in events)
    for (command, name), pattern in STATEMENTS.items():
        assert counted[command, name] == transactions, (command, name, counted)
        assert calls(cluster, pattern) == transactions, pattern
    assert counted["BEGIN", None] == counted["COMMIT", None] == transactions, counted
    # One more session asks for the scale before the eight begin.
    assert counted["CONNECT", None] == counted["DISCONNECT", None] == 9, counted

    assert all(e["rowCount"] == 1 for e in events if (e["command"], e["objectName"]) in STATEMENTS)
    assert all(e["exitCode"] is None for e in events if e["command"] != "DISCONNECT")
    if protocol == "prepared":
        assert all(len(e["paramList"]) == 4 for e in events if e["command"] == "INSERT")
    cluster.reader.check_complete()
    assert cluster.reader.heartbeats
    by_session = {}
    for event in events:
        by_session.setdefault(event["sessionId"], []).append((event["sequence"], event["statementId"]))
    for numbers in by_session.values():
        ids = [statement for _, statement in sorted(numbers)]
        assert ids == sorted(ids), "a session's events are in its order"
