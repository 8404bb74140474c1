"""exclude_roles, exclude_databases, exclude_applications: whose sessions are left out, and what of them is told."""

import contextlib

import psycopg
import pytest

from conftest import Factory
from coded import Coded
from filtered import all_of, each, gone, settle, told, told_raw
from rawpg import RawSession, Refused
from told import PROTOCOLS, ask, ids, outcomes, texts
from waiting import wait_for

ROLES = ["robot", "Robot", "with blank", "a,b", 'quo"te', "zoë", "backup"]


@pytest.fixture(scope="module")
def cluster(installation, aws, alias):
    factory = Factory(installation, aws, alias)
    cluster = factory()
    quoted = [name.replace('"', '""') for name in ROLES]
    cluster.execute(*(f'CREATE ROLE "{name}" LOGIN SUPERUSER' for name in quoted))
    cluster.execute(*(f'CREATE DATABASE "{name}"' for name in quoted))
    cluster.execute("CREATE TABLE thing (id int PRIMARY KEY)", "INSERT INTO thing VALUES (1), (2), (3)")
    yield cluster
    factory.close()


@pytest.fixture
def excluding(cluster):
    """Changes the settings for one test."""

    def exclude(**settings):
        cluster.reload(**{f"exclude_{name}": value for name, value in settings.items()})

    yield exclude
    exclude(roles="", databases="", applications="")


# The way to be somebody, by each setting.
AS = {"roles": "user", "databases": "dbname", "applications": "application_name"}
KINDS = list(AS)


def texts_of(events):
    return [e["commandText"] for e in events if e["commandText"]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("setting", "out"),
    [
        ("robot", ["robot"]),
        ("Robot", ["Robot"]),
        ("robot,backup", ["robot", "backup"]),
        ("  robot ,\t backup  ", ["robot", "backup"]),
        ('"robot"', ["robot"]),
        ("with blank", ["with blank"]),
        ('"a,b", robot', ["a,b", "robot"]),
        ("a,b", []),
        ('"quo""te"', ['quo"te']),
        ("zoë", ["zoë"]),
        ("rob, robots, obot, *, ro%", []),
        (",,robot,", ["robot"]),
        ('"",robot', ["robot"]),
        (", ".join(f"nobody{number}" for number in range(500)) + ", robot", ["robot"]),
    ],
    ids=lambda value: str(value)[-24:],
)
def test_the_sessions_of_the_list_are_left_out_and_no_others(cluster, excluding, kind, setting, out):
    excluding(**{kind: setting})
    names = [name for name in ROLES if kind != "applications" or name.isascii()]
    seen = [name for name in names if all_of(cluster, each("SELECT 'seen'"), **{AS[kind]: name})]
    assert seen == [name for name in names if name not in out]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_that_succeeds_is_told_of_them(cluster, excluding, kind, protocol):
    excluding(**{kind: "robot"})
    key = {"dbname": "database"}.get(AS[kind], AS[kind])
    with RawSession(cluster.port, **{key: "robot"}) as session:
        for statement in (
            "SELECT 1",
            "CREATE TEMP TABLE t (a int)",
            "BEGIN",
            "INSERT INTO t VALUES (1)",
            "DECLARE c CURSOR FOR TABLE t",
            "FETCH ALL FROM c",
            "COMMIT",
            "DO $$ BEGIN PERFORM 1; CREATE TEMP TABLE u (a int); END $$",
            "CREATE ROLE temporary_role",
            "DROP ROLE temporary_role",
        ):
            assert "E" not in {m.kind for m in ask(session, statement, protocol).answer()}, statement
    gone(cluster, session.pid)
    settle(cluster)
    assert cluster.session_events(session.pid) == []


FAILING = [
    ("SELECT 1 / 0", "22012"),
    ("SELEC 1", "42601"),
    ("INSERT INTO no_such_table VALUES (1)", "42P01"),
    ("DO $$ BEGIN RAISE EXCEPTION 'no'; END $$", "P0001"),
    ("CREATE ROLE robot", "42710"),
    ("BEGIN", None),
    ("SELECT 1 / 0", "22012"),
    ("SELECT 'refused'", "25P02"),
    ("ROLLBACK", None),
]


@pytest.mark.parametrize("kind", KINDS)
def test_their_failures_are_told(cluster, excluding, kind):
    excluding(**{kind: "robot"})
    events = told(cluster, each(*(statement for statement, _ in FAILING)), **{AS[kind]: "robot"})
    assert outcomes(events) == [(code, text) for text, code in FAILING if code]
    # Each is a statement of its own.
    numbers = [number for number, _ in ids(events)]
    assert numbers == sorted(set(numbers)) and numbers[0] >= 2
    assert {place for _, place in ids(events)} == {1}


def failure(cluster, excluding, *names):
    """These fields of a failure, when nothing is left out and when its session is."""
    statement = "INSERT INTO thing SELECT %s::int WHERE %s::text <> ''"

    def run(session):
        session.execute("SET ROLE backup")
        session.execute("SELECT 'fine'")
        with pytest.raises(psycopg.errors.UniqueViolation):
            session.execute(statement, (1, "x"))

    def fields():
        event = next(e for e in told(cluster, run, application_name="quiet") if e["exitCode"])
        return {name: event[name] for name in names}

    whole = fields()
    excluding(applications="quiet")
    return whole, fields()


def test_their_failures_say_who_what_and_why(cluster, excluding):
    names = ("class", "command", "commandText", "exitCode", "errorMessage", "databaseName", "dbUserName")
    whole, left_out = failure(cluster, excluding, *names, "clientApplication", "remoteHost")
    assert left_out == whole


def test_their_failures_have_role_and_parameters_as_others_have(cluster, excluding):
    whole, left_out = failure(cluster, excluding, "effectiveUserName", "objectType", "objectName", "paramList")
    assert whole == {
        "effectiveUserName": "backup",
        "objectType": "TABLE",
        "objectName": "public.thing",
        "paramList": ["1", "x"],
    }
    # Names of relations are not looked up for statements that are left out.
    assert left_out == whole | {"objectType": None, "objectName": None}


@pytest.mark.parametrize("kind", KINDS)
def test_their_failures_that_were_caught_are_told(cluster, excluding, kind):
    caught = "DO $$ BEGIN INSERT INTO pg_am VALUES (NULL); EXCEPTION WHEN not_null_violation THEN NULL; END $$"
    whole = told(cluster, each(caught), **{AS[kind]: "robot"})
    excluding(**{kind: "robot"})
    events = told(cluster, each(caught), **{AS[kind]: "robot"})
    # Of a catalog that is changed by hand they are told before, too.
    assert [e["command"] for e in events] == ["STREAM INTENT", "INSERT"]
    assert outcomes(events[1:]) == [(code, text) for code, text in outcomes(whole) if code]
    assert [code for code, _ in outcomes(events[1:])] == ["23502"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "statement",
    ["COPY (SELECT 1) TO PROGRAM 'cat > /dev/null'", "SELECT pg_reload_conf()", "ALTER SYSTEM RESET work_mem"],
)
def test_what_is_told_before_it_runs_is_told_of_them_too(cluster, excluding, kind, statement):
    excluding(**{kind: "robot"})
    events = told(cluster, each(statement), **{AS[kind]: "robot"})
    assert [(e["command"], e["commandText"]) for e in events] == [("STREAM INTENT", statement)]


@pytest.mark.parametrize("kind", KINDS)
def test_their_end_by_force_is_told(cluster, excluding, kind):
    excluding(**{kind: "robot"})
    with cluster.connect(**{AS[kind]: "robot"}) as session:
        pid = session.info.backend_pid
        cluster.execute(f"SELECT pg_terminate_backend({pid})")
        with contextlib.suppress(psycopg.Error):
            session.execute("SELECT 1")
    gone(cluster, pid)
    settle(cluster)
    events = cluster.session_events(pid)
    assert [(e["command"], e["exitCode"], e["errorMessage"]) for e in events] == [
        ("DISCONNECT", "1", "terminating connection due to administrator command")
    ]


@pytest.mark.parametrize(
    ("startup", "sqlstate"),
    [
        ({"user": "robot", "database": "no_such_database"}, "3D000"),
        ({"user": "robot", "work_mem": "much"}, "22023"),
        ({"user": "no_such_role", "database": "robot"}, "28000"),
        ({"user": "no_such_role", "application_name": "robot"}, "28000"),
    ],
)
def test_their_refused_logins_are_told(cluster, excluding, startup, sqlstate):
    excluding(roles="robot", databases="robot", applications="robot")
    before = len(cluster.reader.events)
    with pytest.raises(Refused):
        RawSession(cluster.port, **startup).ready()
    settle(cluster)
    refused = [e for e in cluster.reader.events[before:] if e["command"] == "AUTH FAILURE"]
    assert [(e["exitCode"], e["dbUserName"]) for e in refused] == [(sqlstate, startup["user"])]


def test_the_role_that_logged_in_counts(cluster, excluding):
    excluding(roles="robot")
    def as_another(name):
        return [f"SET ROLE {name}", "SELECT 1", "RESET ROLE", f"SET SESSION AUTHORIZATION {name}", "SELECT 2"]

    assert texts(told(cluster, each(*as_another("robot")))) == as_another("robot")
    assert told(cluster, each(*as_another("backup")), user="robot") == []


def test_a_reload_holds_in_sessions_that_are_there(cluster, excluding):
    """For those of the role, the database and the application alike, in both directions."""
    for kind in KINDS:
        with cluster.connect(**{AS[kind]: "robot"}) as session:
            session.execute("SELECT 'before'")
            excluding(**{kind: "robot"})
            session.execute("SELECT 'left out'")
            excluding(**{kind: "somebody else"})
            session.execute("SELECT 'told again'")
            excluding(**{kind: ""})
            session.execute("SELECT 'after'")
            pid = session.info.backend_pid
        gone(cluster, pid)
        settle(cluster)
        events = cluster.session_events(pid)
        assert texts_of(events) == ["SELECT 'before'", "SELECT 'told again'", "SELECT 'after'"], kind
        assert [e["command"] for e in events if not e["commandText"]] == ["CONNECT", "DISCONNECT"]


def test_a_role_of_a_database_in_another_encoding_is_known_by_its_letters(cluster, excluding):
    """The setting is UTF-8, as the file is that it stands in."""
    excluding(roles="Zoë latin")
    cluster.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    cluster.execute('CREATE ROLE "Zoë latin" LOGIN', dbname="latin", client_encoding="UTF8")
    startup = {"user": Coded("Zoë latin", "latin-1"), "database": "latin", "client_encoding": "UTF8"}
    assert told_raw(cluster, lambda session: session.run("SELECT 1"), **startup) == []


def test_every_event_of_the_module_is_complete_and_once(cluster):
    settle(cluster)
    wait_for(lambda: cluster.reader.poll() == [], "nothing new")
    cluster.reader.check_complete()
