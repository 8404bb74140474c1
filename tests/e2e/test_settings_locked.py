"""activity_stream.locked: only what stands in a file that none but root can write counts, at start and on a reload.

The server's configuration is root's, below /run; its data directory is the server's own, with postgresql.auto.conf in it.
"""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest

import faults
from tls import Authority
from waiting import wait_for

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="files of root's are made")

REFUSED = "AS007"


@pytest.fixture
def folder():
    """A directory that none but root can write."""
    path = Path(tempfile.mkdtemp(prefix="activity-e2e-", dir="/run"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def make_locked(make_cluster, folder):
    """Servers whose configuration is in that directory."""

    def make(start=True, **settings):
        cluster = make_cluster(start=False, **({"locked": "on"} | settings))
        cluster.conf_file = folder / "postgresql.conf"
        cluster.conf["hba_file"] = cluster.data / "pg_hba.conf"
        cluster.conf["ident_file"] = cluster.data / "pg_ident.conf"
        cluster.configure({})
        cluster.conf_file.chmod(0o644)
        (cluster.data / "postgresql.conf").unlink()
        cluster.options = [f"-c config_file={cluster.conf_file}"]
        return cluster.start() if start else cluster

    return make


def automatic(cluster):
    return cluster.data / "postgresql.auto.conf"


def as_superuser(cluster, command):
    """What a superuser can do as the server's user, by SQL."""
    # A program that does not read what it gets is an error to the server.
    cluster.execute(f"COPY (SELECT) TO PROGRAM $activity$cat > /dev/null; {command}$activity$")


def refusals(cluster):
    """The STREAM CONFIG REFUSED events as dicts, when one is there."""

    def found(events):
        return [dict(p.split("=", 1) for p in e["paramList"]) for e in events if e["command"] == "STREAM CONFIG REFUSED"]

    return cluster.reader.wait_for(found, "a refused change")


def still_told(cluster, text):
    cluster.execute(f"SELECT '{text}'")
    cluster.reader.wait_for_text(text)


def refuses_to_start(cluster, *words):
    assert cluster.try_start().returncode != 0
    assert not cluster.running()
    for word in (*words, "FATAL:", "DETAIL:", "HINT:"):
        assert word in cluster.log(), cluster.log()


def test_a_server_starts_with_what_is_protected_and_says_that_it_is_locked(make_locked):
    cluster = make_locked()
    still_told(cluster, "on the stream")
    start = next(e for e in cluster.reader.events if e["command"] == "STREAM START")
    assert "locked=on" in start["paramList"]


def test_one_that_is_not_locked_says_so(make_cluster):
    cluster = make_cluster()
    still_told(cluster, "on the stream")
    start = next(e for e in cluster.reader.events if e["command"] == "STREAM START")
    assert "locked=off" in start["paramList"]


@pytest.mark.parametrize(
    ("line", "name", "refused"),
    [
        ("activity_stream.mode = off", "mode", "off"),
        ("activity_stream.exclude_roles = postgres", "exclude_roles", "postgres"),
        ("activity_stream.capture = none", "capture", "none"),
        ("activity_stream.kms_key_id = x", "kms_key_id", "x"),
    ],
)
def test_a_superuser_who_edits_the_automatic_file_changes_nothing(make_locked, line, name, refused):
    cluster = make_locked()
    cluster.execute("CREATE EXTENSION activity_stream")
    as_superuser(cluster, f'echo "{line}" >> postgresql.auto.conf')
    cluster.execute("SELECT pg_reload_conf()")
    events = refusals(cluster)
    old = cluster.conf.get(f"activity_stream.{name}", {"capture": "all"}.get(name, ""))
    assert events == [
        {"setting": f"activity_stream.{name}", "old": old, "refused": refused, "file": str(automatic(cluster))}
    ]
    lines = cluster.log_lines("WARNING", REFUSED, f'"activity_stream.{name}" is not protected')
    assert len(lines) == 1, cluster.log()
    assert str(automatic(cluster)) in cluster.log()
    still_told(cluster, "still told")
    differs = f"SELECT row(in_force, configured) FROM activity_stream.settings WHERE name = 'activity_stream.{name}'"
    assert cluster.value(differs) == (old, refused)
    assert cluster.value("SELECT mode FROM activity_stream.status") == "async"
    # Told once, not at each reload; and a second worker does not take it over either.
    cluster.execute("SELECT pg_reload_conf()")
    cluster.kill(cluster.value("SELECT worker_pid FROM activity_stream.status"))
    cluster.wait_until_serving()
    still_told(cluster, "told by another worker")
    assert cluster.changes_in_force() == 0


def test_at_the_next_start_such_a_file_keeps_the_server_from_starting(make_locked):
    cluster = make_locked()
    as_superuser(cluster, 'echo "activity_stream.mode = off" >> postgresql.auto.conf')
    cluster.stop()
    refuses_to_start(cluster, '"activity_stream.mode" is not protected', str(automatic(cluster)), str(cluster.data.parent))
    automatic(cluster).write_text("")
    cluster.start()
    still_told(cluster, "again")


def test_a_change_in_a_protected_file_is_in_force(make_locked):
    cluster = make_locked()
    cluster.reload(capture="ddl")
    cluster.execute("SELECT 'left out'", "CREATE TABLE kept (a int)")
    cluster.reader.wait_for_text("CREATE TABLE kept")
    assert not any("left out" in (e["commandText"] or "") for e in cluster.reader.events)


def test_a_line_that_is_missing_does_not_count_and_the_default_written_down_does(make_locked):
    cluster = make_locked(capture="ddl")
    cluster.configure({"activity_stream.capture": None})
    cluster.execute("SELECT pg_reload_conf()")
    assert refusals(cluster) == [{"setting": "activity_stream.capture", "old": "ddl", "refused": "all", "file": ""}]
    cluster.execute("SELECT 'left out'")
    cluster.reload(batch_linger="30ms")
    seen = cluster.changes_in_force()
    # SHOW has the default already: it tells what is configured.
    cluster.configure({"activity_stream.capture": "all"})
    cluster.execute("SELECT pg_reload_conf()")
    wait_for(lambda: cluster.changes_in_force() > seen, "it is in force")
    still_told(cluster, "told again")
    assert not any("left out" in (e["commandText"] or "") for e in cluster.reader.events)


def test_a_superuser_cannot_take_back_a_change_that_is_pending(make_locked, injector):
    cluster = make_locked(endpoint=injector.endpoint, sync_timeout="60s")
    cluster.execute("CREATE EXTENSION activity_stream")
    cluster.settle()
    hold = injector.inject(faults.Hold())
    cluster.configure({"activity_stream.capture": "all, -misc"})
    cluster.execute("SELECT pg_reload_conf()")
    wait_for(lambda: cluster.value("SELECT config_pending FROM activity_stream.status"), "the change is pending")
    # With the value that is in force.
    as_superuser(cluster, 'echo "activity_stream.capture = all" >> postgresql.auto.conf')
    cluster.execute("SELECT pg_reload_conf()")
    wait_for(lambda: cluster.log_lines(REFUSED, 'it stays "all, -misc"'), "that is refused")
    assert cluster.value("SELECT config_pending FROM activity_stream.status")
    hold.end()
    in_force = "SELECT in_force FROM activity_stream.settings WHERE name = 'activity_stream.capture'"
    wait_for(lambda: cluster.value(in_force) == "all, -misc", "root's change is in force")


@contextlib.contextmanager
def opened(path, mode):
    """A path that others can write meanwhile."""
    before = path.stat().st_mode
    path.chmod(mode)
    yield
    path.chmod(before)


def test_a_configuration_that_others_can_write_does_not_count(make_locked, folder):
    cluster = make_locked()
    for path, mode in ((folder, 0o777), (cluster.conf_file, 0o666)):
        with opened(path, mode):
            cluster.configure({"activity_stream.batch_linger": f"{mode}ms"})
            cluster.execute("SELECT pg_reload_conf()")
            wait_for(lambda m=mode: cluster.log_lines(REFUSED, f'does not become "{m}ms"'), "it is refused")
    cluster.stop()
    with opened(folder, 0o775):
        refuses_to_start(cluster, "the configuration file is not protected", str(folder), "mode 0775")


def test_an_included_file_counts_by_itself(make_locked, folder):
    cluster = make_locked(start=False)
    included = {name: folder_of / "more.conf" for name, folder_of in (("root's", folder), ("the server's", cluster.folder))}
    for file in included.values():
        file.write_text("activity_stream.capture = 'all, -misc'\n")
    cluster.configure({"include": included["root's"]})
    cluster.start()
    assert cluster.value("SHOW activity_stream.capture") == "all, -misc"
    cluster.stop()
    cluster.configure({"include": included["the server's"]})
    refuses_to_start(cluster, '"activity_stream.capture" is not protected', str(included["the server's"]))


def include_in_the_automatic_file(cluster, file):
    """What ALTER SYSTEM does not write, but the server reads."""
    as_superuser(cluster, f"echo \"include '{file}'\" >> postgresql.auto.conf")
    cluster.execute("SELECT pg_reload_conf()")


def test_a_superuser_cannot_choose_among_the_files_of_root(make_locked, folder):
    cluster = make_locked()
    old = folder / "old.conf"
    old.write_text("activity_stream.capture = none\n")
    include_in_the_automatic_file(cluster, old)
    assert refusals(cluster) == [{"setting": "activity_stream.capture", "old": "all", "refused": "none", "file": str(old)}]
    assert f'"{old}", which no protected file includes' in cluster.log()
    still_told(cluster, "still told")


def test_a_superuser_cannot_have_a_file_of_root_read_once_more(make_locked, folder):
    cluster = make_locked(start=False)
    first = folder / "first.conf"
    first.write_text("activity_stream.capture = none\n")
    last = folder / "last.conf"
    last.write_text("activity_stream.capture = all\n")
    cluster.configure({"include": first, "include_if_exists": last})
    cluster.start()
    include_in_the_automatic_file(cluster, first)
    assert refusals(cluster) == [{"setting": "activity_stream.capture", "old": "all", "refused": "none", "file": str(first)}]
    assert "which is read twice" in cluster.log()
    still_told(cluster, "still told")


def test_the_rest_of_the_configuration_can_be_the_servers_own(make_locked, folder):
    cluster = make_locked(start=False)
    own = cluster.folder / "conf.d"
    own.mkdir(mode=0o777)
    own.chmod(0o777)
    (own / "memory.conf").write_text("work_mem = '7MB'\n")
    (own / "memory.conf").chmod(0o666)
    protected = folder / "conf.d"
    protected.mkdir(mode=0o755)
    (protected / "audit.conf").write_text("activity_stream.capture = 'all, -misc'\n")
    cluster.conf_file.write_text(f"include_dir = '{own}'\n" + cluster.conf_file.read_text() + "include_dir = 'conf.d'\n")
    cluster.start()
    assert cluster.value("SHOW work_mem") == "7MB"
    assert cluster.value("SHOW activity_stream.capture") == "all, -misc"
    as_superuser(cluster, f"echo 'activity_stream.on_failure = fail_operation' > {own}/audit.conf")
    as_superuser(cluster, f"echo \"work_mem = '8MB'\" > {own}/memory.conf")
    cluster.execute("SELECT pg_reload_conf()")
    wait_for(lambda: cluster.value("SHOW work_mem") == "8MB", "the server's own setting")
    (refused,) = refusals(cluster)
    assert (refused["refused"], refused["file"]) == ("fail_operation", f"{own}/audit.conf")


def test_a_link_that_the_server_can_turn_is_not_protected(make_locked, folder):
    cluster = make_locked(start=False)
    link = cluster.data / "linked.conf"
    target = folder / "more.conf"
    target.write_text("activity_stream.capture = 'all'\n")
    link.symlink_to(target)
    cluster.configure({"include": link})
    refuses_to_start(cluster, '"activity_stream.capture" is not protected', str(link))


@pytest.mark.parametrize(
    ("conf", "options", "words"),
    [
        ({"activity_stream.mode": None}, [], ['"activity_stream.mode" is not protected', "No configuration file sets it"]),
        ({}, ["-c activity_stream.capture=all"], ['"activity_stream.capture" is not protected', "command line"]),
        (
            {"shared_preload_libraries": None},
            ["-c shared_preload_libraries=activity_stream"],
            ['"shared_preload_libraries" is not protected', "command line"],
        ),
    ],
    ids=["no mode", "command line", "library"],
)
def test_it_does_not_start_with_what_could_be_taken_away(make_locked, conf, options, words):
    cluster = make_locked(start=False)
    cluster.configure(conf)
    cluster.options += options
    refuses_to_start(cluster, *words)


def test_locked_itself_may_come_from_anywhere(make_locked):
    cluster = make_locked(start=False, locked=None)
    cluster.options.append("-c activity_stream.locked=on")
    cluster.start()
    assert cluster.value("SHOW activity_stream.locked") == "on"
    still_told(cluster, "locked by the command line")


def test_where_nothing_is_locked_the_automatic_file_counts_and_that_is_told(make_cluster):
    cluster = make_cluster()
    as_superuser(cluster, "echo \"activity_stream.batch_linger = '30ms'\" >> postgresql.auto.conf")
    cluster.execute("SELECT pg_reload_conf()")
    wait_for(cluster.changes_in_force, "it is in force")
    events = cluster.reader.wait_for(lambda events: [e for e in events if e["command"] == "STREAM CONFIG"], "it is told")
    assert "setting=activity_stream.batch_linger" in events[0]["paramList"]


def test_who_is_trusted_for_aws_is_said_by_a_file_of_roots(make_locked, folder):
    authority = Authority(folder, "activity_stream e2e")
    of_the_server = make_locked(start=False, ca_file="ca.pem")
    (of_the_server.data / "ca.pem").write_bytes(authority.file.read_bytes())
    refuses_to_start(of_the_server, "the file of activity_stream.ca_file is not protected", f"{of_the_server.data}/ca.pem")
    cluster = make_locked(ca_file=authority.file)
    still_told(cluster, "by a file that root wrote")
