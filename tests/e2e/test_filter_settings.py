"""The filters as settings: the configuration file has them, nobody else, and a wrong value is refused with a reason."""

import time

import psycopg
import pytest

from filtered import each, settle, told
from proxy import Proxy
from waiting import wait_for

DEFAULTS = {
    "capture": "all",
    "capture_catalog": "on",
    "exclude_roles": "",
    "exclude_databases": "",
    "exclude_applications": "",
    "max_parameter_bytes": "4kB",
}
# Setting, wrong value, what is said of it.
_CLASSES = 'List classes of all, none, read, write, function, role, ddl, misc; for example "all, -misc".'
_QUOTES = "Separate names by commas; put a name with commas in it in double quotes."
_UNCLOSED = "A double quote is not closed, or something other than a comma follows a closed one."
WRONG = [
    ("capture", "reads", ['DETAIL:  unknown class "reads".', f"HINT:  {_CLASSES}"]),
    ("capture", "read, , write", ['DETAIL:  unknown class "".', f"HINT:  {_CLASSES}"]),
    ("capture", "all,-", ['DETAIL:  unknown class "-".', f"HINT:  {_CLASSES}"]),
    ("capture", "read write", ['DETAIL:  unknown class "read write".', f"HINT:  {_CLASSES}"]),
    ("capture", "alle", ['DETAIL:  unknown class "alle".', f"HINT:  {_CLASSES}"]),
    ("capture_catalog", "perhaps", []),
    ("exclude_roles", '"robot', [f"DETAIL:  {_UNCLOSED}", f"HINT:  {_QUOTES}"]),
    ("exclude_databases", '"a" b', [f"DETAIL:  {_UNCLOSED}", f"HINT:  {_QUOTES}"]),
    ("exclude_applications", 'a, "b""', [f"DETAIL:  {_UNCLOSED}", f"HINT:  {_QUOTES}"]),
    ("max_parameter_bytes", "15", []),
    ("max_parameter_bytes", "1MB", []),
    ("max_parameter_bytes", "some", []),
]


@pytest.mark.parametrize(("name", "wrong", "words"), WRONG)
def test_a_server_with_a_wrong_filter_does_not_start_and_says_why(make_cluster, name, wrong, words):
    cluster = make_cluster(start=False, **{name: wrong})
    assert cluster.try_start().returncode != 0
    assert not cluster.running()
    assert f'"activity_stream.{name}"' in cluster.log()
    for word in [*words, "DETAIL:", "HINT:"]:
        assert word in cluster.log(), cluster.log()


def test_a_wrong_filter_on_reload_keeps_the_old_one_and_is_logged(make_cluster):
    right = DEFAULTS | {"capture": "read,ddl", "exclude_roles": "robot"}
    cluster = make_cluster(**right)
    for name, wrong, words in WRONG:
        seen = len(cluster.log())
        cluster.configure({f"activity_stream.{name}": wrong})
        cluster.execute("SELECT pg_reload_conf()")
        wait_for(
            lambda n=name, s=seen: f'"activity_stream.{n}"' in cluster.log()[s:],
            lambda n=name: f"the log tells of {n}: {cluster.log()[-1500:]}",
        )
        new = cluster.log()[seen:]
        assert all(word in new for word in words), new
        assert cluster.value(f"SHOW activity_stream.{name}") == right[name]
        cluster.configure({f"activity_stream.{name}": right[name]})
    cluster.execute("SELECT pg_reload_conf()")
    events = told(cluster, each("SELECT 1", "SET work_mem = '4MB'", "CREATE TABLE t (a int)"))
    assert [e["command"] for e in events] == ["SELECT", "CREATE TABLE"]


def test_the_defaults_leave_nothing_out(make_cluster):
    cluster = make_cluster()
    assert {name: cluster.value(f"SHOW activity_stream.{name}") for name in DEFAULTS} == DEFAULTS


@pytest.mark.parametrize("value", ["read", "", "all, -misc"])
def test_a_reload_changes_them_without_a_restart(make_cluster, value):
    cluster = make_cluster()
    cluster.reload(capture=value, exclude_roles="a, b", max_parameter_bytes="100B", capture_catalog="off")
    cluster.reload(**{name: default for name, default in DEFAULTS.items()})
    events = told(cluster, each("SELECT 1"))
    assert [e["command"] for e in events] == ["SELECT"]


# No session, role or database has them

WAYS = [
    "SET {name} = {value}",
    "SET LOCAL {name} = {value}",
    "SET SESSION {name} TO {value}",
    "RESET {name}",
    "SELECT set_config('{name}', {value}, false)",
    "SELECT set_config('{name}', {value}, true)",
    "ALTER ROLE robot SET {name} = {value}",
    "ALTER ROLE ALL SET {name} = {value}",
    "ALTER DATABASE postgres SET {name} = {value}",
    "ALTER ROLE robot IN DATABASE postgres SET {name} = {value}",
    "UPDATE pg_settings SET setting = {value} WHERE name = '{name}'",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET {name} = {value} AS 'SELECT 1'",
]
VALUES = {
    "capture": "none",
    "capture_catalog": "off",
    "exclude_roles": "postgres",
    "exclude_databases": "postgres",
    "exclude_applications": "e2e",
    "max_parameter_bytes": "20",
}


@pytest.mark.parametrize("name", VALUES)
def test_no_statement_changes_them(cluster, name):
    cluster.execute("DROP ROLE IF EXISTS robot", "CREATE ROLE robot LOGIN SUPERUSER")
    full = f"activity_stream.{name}"

    def run(session):
        for way in WAYS:
            with pytest.raises(psycopg.errors.CantChangeRuntimeParam):
                session.execute(way.format(name=full, value=f"'{VALUES[name]}'"))
            assert session.execute(f"SHOW {full}").fetchone() == (DEFAULTS[name],)

    events = told(cluster, run)
    assert [e["exitCode"] for e in events if e["exitCode"]] == ["55P02"] * len(WAYS)
    assert cluster.value(f"SHOW {full}", user="robot") == DEFAULTS[name]


@pytest.mark.parametrize("name", VALUES)
def test_no_client_brings_its_own(cluster, name):
    """Neither by PGOPTIONS nor in the startup packet; and the login that tried is told."""
    settle(cluster)
    before = len(cluster.reader.events)
    with pytest.raises(psycopg.OperationalError, match="cannot be changed"):
        cluster.connect(options=f"-c activity_stream.{name}={VALUES[name]}")
    settle(cluster)
    refused = [e["exitCode"] for e in cluster.reader.events[before:] if e["command"] == "AUTH FAILURE"]
    assert refused == ["55P02"]


# Nothing to wait for

LEFT_OUT = [
    ({"capture": "ddl"}, {}),
    ({"capture": "none"}, {}),
    ({"exclude_roles": "robot"}, {"user": "robot"}),
    ({"exclude_databases": "quiet"}, {"dbname": "quiet"}),
    ({"exclude_applications": "quiet"}, {"application_name": "quiet"}),
]


@pytest.mark.parametrize(("settings", "options"), LEFT_OUT, ids=lambda value: "-".join(value))
def test_what_is_left_out_waits_for_nothing_in_sync_mode(make_cluster, make_proxy, settings, options):
    proxy = make_proxy()
    cluster = make_cluster(mode="sync", sync_timeout="3s", endpoint=proxy.endpoint, **settings)
    cluster.execute("CREATE ROLE robot LOGIN SUPERUSER", "CREATE DATABASE quiet", "CREATE TABLE t (a int)")
    # A session's own beginning and end are of class MISC, and not left out by `ddl` alone when it logs in.
    with cluster.connect(**({"dbname": "postgres"} | options)) as session:
        session.execute("SELECT 'warm'")
        proxy.switch(Proxy.HANG)
        begun = time.monotonic()
        for number in range(20):
            session.execute(f"SELECT {number}")
        with session.transaction():
            session.execute("SELECT 'in a block'")
        with session.cursor("c", withhold=True) as cursor:
            cursor.execute("SELECT 'held'")
            assert cursor.fetchall()
        assert time.monotonic() - begun < 2
        # A failure is told, so it waits.
        begun = time.monotonic()
        with pytest.raises(psycopg.errors.DivisionByZero):
            session.execute("SELECT 1 / 0")
        assert time.monotonic() - begun >= 2
        proxy.switch(Proxy.OPEN)
    cluster.reader.wait_for_text("SELECT 1 / 0", timeout=60)


@pytest.mark.parametrize(("settings", "options"), LEFT_OUT[1:], ids=lambda value: "-".join(value))
def test_a_login_that_is_left_out_waits_for_nothing_in_sync_mode(make_cluster, make_proxy, settings, options):
    proxy = make_proxy()
    cluster = make_cluster(mode="sync", sync_timeout="5s", endpoint=proxy.endpoint, **settings)
    cluster.execute("CREATE ROLE robot LOGIN SUPERUSER", "CREATE DATABASE quiet")
    proxy.switch(Proxy.HANG)
    begun = time.monotonic()
    cluster.execute("SELECT 1", **options)
    assert time.monotonic() - begun < 3
    proxy.switch(Proxy.OPEN)
