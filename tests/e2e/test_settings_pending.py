"""A changed configuration is in force when the stream has been told, or sync_timeout is over; until then everybody goes on as before."""

import signal
import time

import pytest

from rawpg import RawSession, errors, warnings
from waiting import wait_for

SOON_SECONDS = 15
"""What a change takes at most when nothing keeps it, on a machine that is busy."""
OLD = {"mode": "async", "capture": "all", "exclude_applications": ""}
OTHERS = {
    "mode": ("async", "sync"),
    "max_statement_bytes": ("262144B", "2048B"),
    "log_parameters": ("on", "off"),
    "max_parameter_bytes": ("4096B", "100B"),
    "sync_timeout": ("60000ms", "61000ms"),
    "on_failure": ("continue", "fail_operation"),
    "break_glass_roles": ("", "fireman"),
    "capture": ("all", "all, -misc"),
    "capture_catalog": ("on", "off"),
    "exclude_roles": ("watcher", "watcher, robot"),
    "exclude_databases": ("", "scratch"),
    "exclude_applications": ("", "quiet"),
    "batch_max_bytes": ("524288B", "1024B"),
    "batch_linger": ("20ms", "30ms"),
    "max_in_flight": ("16", "3"),
    "data_key_max_age": ("3600s", "60s"),
    "heartbeat_interval": ("0ms", "5000ms"),
    "shutdown_timeout": ("10000ms", "9000ms"),
    "worker_stall_timeout": ("10000ms", "11000ms"),
    "spool_max_size": ("1024MB", "10MB"),
    "durability": ("stream", "spool"),
    "notify_topic_arn": ("", "arn:aws:sns:us-east-1:000000000000:no-such-topic"),
    "notify_event_bus": ("", "no-such-bus"),
}


@pytest.fixture
def server(make_sync):
    """Asynchronous, so that sessions wait for nothing."""
    return make_sync(mode="async")


def ask_for(server, **settings):
    """Changes settings, and returns when that is pending."""
    server.cluster.configure({f"activity_stream.{name}": value for name, value in settings.items()})
    server.cluster.kill(server.cluster.postmaster(), signal.SIGHUP)
    for name, value in settings.items():
        wait_for(lambda n=name, v=value: server.sees(f"SHOW activity_stream.{n}") == v, f"{name} = {value}")
    wait_for(lambda: server.status("config_pending"), "the change is pending")


def in_force(server, times=1):
    wait_for(lambda: server.cluster.changes_in_force() == times and not server.status("config_pending"), "it is in force")


def everything(server):
    """Reads all that was published so far."""
    server.cluster.wait_for_all_up_to({"epoch": server.status("epoch"), "sequence": server.status("published_events")})


def differing(server):
    """The settings of which something else is configured than is in force: name, both values."""
    return server.watcher.execute("SELECT * FROM activity_stream.settings WHERE in_force <> configured").fetchall()


def told(server):
    """The STREAM CONFIG events as dicts, in their order."""
    everything(server)
    events = sorted((e for e in server.reader.events if e["command"] == "STREAM CONFIG"), key=lambda e: e["sequence"])
    return [dict(param.split("=", 1) for param in e["paramList"]) for e in events]


def place(server, text):
    """The sequence number of a statement; None where it was not told."""
    everything(server)
    return next((e["sequence"] for e in server.reader.events if e["commandText"] == text), None)


@pytest.mark.parametrize("change", [{"mode": "off"}, {"capture": "none"}, {"exclude_applications": "e2e"}])
def test_the_old_values_capture_until_the_change_is_durable(server, change):
    cluster = server.cluster
    server.freeze()
    ask_for(server, **change)
    with cluster.connect() as session:
        session.execute("SELECT 'still told'")
        assert server.status("mode") == "async"
        assert {name: (in_force, new) for name, in_force, new in differing(server)} == {
            f"activity_stream.{name}": (OLD[name], new) for name, new in change.items()
        }
        assert cluster.changes_in_force() == 0
        server.thaw()
        in_force(server)
        assert differing(server) == []
        session.execute("SELECT 'not any more'")
    assert place(server, "SELECT 'not any more'") is None
    (name,) = change
    assert server.status("mode") == change.get("mode", "async")
    events = [e for e in server.reader.events if e["command"] == "STREAM CONFIG"]
    assert [e["paramList"] for e in events] == [
        [f"setting=activity_stream.{name}", f"old={OLD[name]}", f"new={change[name]}"]
    ]
    assert place(server, "SELECT 'still told'") > events[0]["sequence"]
    server.reader.check_complete()


def test_it_is_in_force_when_sync_timeout_is_over_though_nobody_could_be_told(make_sync):
    server = make_sync(mode="async", sync_timeout="4s")
    with server.frozen():
        begun = time.monotonic()
        ask_for(server, capture="none")
        in_force(server)
        assert 4 <= time.monotonic() - begun < 4 + SOON_SECONDS
        server.cluster.execute("SELECT 'not told'")
    assert place(server, "SELECT 'not told'") is None
    assert [(t["old"], t["new"]) for t in told(server)] == [("all", "none")]


def test_sessions_wait_by_the_old_mode_until_the_new_one_is_in_force(make_sync):
    server = make_sync(sync_timeout="6s")
    with RawSession(server.cluster.port) as session:
        with server.frozen():
            ask_for(server, mode="async")
            session.query("SELECT 'waits'")
            server.waits(session.pid)
            assert server.status("mode") == "sync"
            in_force(server)
            answer = session.until("Z")
            assert (errors(answer), warnings(answer)) == ([], [])
            assert not warnings(session.run("SELECT 'waits for nothing'"))


def test_another_reload_takes_the_place_of_one_that_is_pending(server):
    server.freeze()
    ask_for(server, capture="none", batch_linger="30ms")
    wait_for(lambda: server.status("published_events"), "events")
    ask_for(server, capture="read", batch_linger="20ms")
    server.cluster.execute("SET work_mem = '5MB'")
    server.thaw()
    in_force(server)
    server.cluster.execute("SET work_mem = '6MB'", "SELECT 'read'")
    assert place(server, "SELECT 'read'") and place(server, "SET work_mem = '5MB'")
    assert place(server, "SET work_mem = '6MB'") is None
    changes = [(t["setting"].split(".")[1], t["old"], t["new"]) for t in told(server)]
    assert changes == [
        ("capture", "all", "none"),
        ("batch_linger", "20ms", "30ms"),
        ("capture", "all", "read"),
        ("batch_linger", "20ms", "20ms"),
    ]


def test_what_is_changed_back_is_told_too(server):
    server.freeze()
    ask_for(server, capture="none")
    server.cluster.configure({"activity_stream.capture": "all"})
    server.cluster.kill(server.cluster.postmaster(), signal.SIGHUP)
    wait_for(lambda: server.sees("SHOW activity_stream.capture") == "all", "it is changed back")
    server.thaw()
    wait_for(lambda: server.cluster.log_lines("changed back before they were in force"), "the log says so")
    assert not server.status("config_pending")
    assert [(t["old"], t["new"]) for t in told(server)] == [("all", "none"), ("all", "all")]


def test_every_setting_is_told_with_its_old_and_its_new_value(make_sync):
    server = make_sync(mode="async")
    server.reload(**{name: new for name, (_, new) in OTHERS.items() if not new[0].isdigit()})
    numbers = {"max_statement_bytes": "2kB", "max_parameter_bytes": "100B", "sync_timeout": "61s", "batch_max_bytes": "1kB"}
    numbers |= {"batch_linger": "30ms", "max_in_flight": "3", "data_key_max_age": "1min", "heartbeat_interval": "5s"}
    server.reload(**numbers, shutdown_timeout="9s", worker_stall_timeout="11s", spool_max_size="10MB")
    assert {t["setting"].split(".")[1]: (t["old"], t["new"]) for t in told(server)} == OTHERS
    reloadable = "name LIKE 'activity\\_stream.%' AND context = 'sighup'"
    names = server.watcher.execute(f"SELECT split_part(name, '.', 2) FROM pg_settings WHERE {reloadable}").fetchall()
    # The key has a test of its own (test_kms.py).
    assert {name for (name,) in names} - {"kms_key_id"} == set(OTHERS)


def test_a_server_that_is_killed_goes_on_with_what_was_in_force(server):
    server.freeze()
    ask_for(server, capture="none")
    server.cluster.kill(server.status("worker_pid"))
    server.watch_anew()
    wait_for(lambda: server.status("worker_starts = 2 AND config_pending"), "another worker finds the change")
    server.cluster.execute("SELECT 'still told'")
    server.thaw()
    in_force(server)
    server.cluster.execute("SELECT 'not any more'")
    assert place(server, "SELECT 'still told'")
    assert place(server, "SELECT 'not any more'") is None
    assert {(t["setting"], t["old"], t["new"]) for t in told(server)} == {("activity_stream.capture", "all", "none")}


def test_when_it_is_on_again_what_changed_meanwhile_comes_first(make_cluster):
    cluster = make_cluster(mode="off")
    cluster.reload(batch_linger="30ms")
    with cluster.connect() as session:
        session.execute("SELECT 'not told'")
        cluster.reload(mode="async", capture="all, -read")
        session.execute("SET application_name = 'told'")
    last = cluster.reader.wait_for_text("SET application_name = 'told'")[0]
    cluster.wait_for_all_up_to(last)
    events = sorted(cluster.reader.events, key=lambda e: e["sequence"])
    assert [e["command"] for e in events[:4]] == ["STREAM START", *["STREAM CONFIG"] * 3]
    changes = [e["paramList"] for e in events[1:4]]
    assert changes == [
        ["setting=activity_stream.mode", "old=off", "new=async"],
        ["setting=activity_stream.capture", "old=all", "new=all, -read"],
        ["setting=activity_stream.batch_linger", "old=20ms", "new=30ms"],
    ]
    assert "SELECT 'not told'" not in [e["commandText"] for e in events]
    cluster.reader.check_complete()
