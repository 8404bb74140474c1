"""SQL of background workers, in which no client is: recorded with the worker's name as its application."""

import pytest

from conftest import Factory
from modules import build
from waiting import wait_for

SETUP = """
CREATE TABLE log (id int);
CREATE FUNCTION note(n int) RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.log VALUES (n); RETURN n; END';
"""

# In the database that subscribes.
SUBSCRIBER = """
CREATE TABLE log (id int);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN INSERT INTO public.log VALUES (NEW.id); PERFORM set_config($$work_mem$$, $$5MB$$, true); RETURN NEW; END';
CREATE TABLE item (id int PRIMARY KEY);
CREATE TRIGGER t AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION note();
ALTER TABLE item ENABLE ALWAYS TRIGGER t;
"""

_APPLIES = ("logical replication worker for subscription", "logical replication apply worker for subscription")
"""What the server calls such a worker, up to PostgreSQL 16 and from 17 on."""


@pytest.fixture(scope="module")
def cluster(installation, aws, alias):
    """A server with logical replication from one of its databases to another, and a worker to start."""
    factory = Factory(installation, aws, alias)
    cluster = factory(conf={"wal_level": "logical", "max_worker_processes": "16", "wal_retrieve_retry_interval": "100ms"})
    cluster.execute(SETUP)
    cluster.execute("CREATE DATABASE subscriber")
    yield cluster
    factory.close()


@pytest.fixture(scope="module")
def start_worker(cluster):
    """Starts a background worker that runs a statement, and waits for its end; its process id."""
    library = build(cluster.installation, cluster.folder)
    cluster.execute(
        f"CREATE FUNCTION start_worker(text, text, text) RETURNS int STRICT LANGUAGE c AS '{library}', 'start_worker'"
    )

    def start(name, statement):
        with cluster.connect() as session:
            return session.execute("SELECT start_worker(%s, %s, %s)", (str(library), name, statement)).fetchone()[0]

    return start


def of_process(cluster, pid):
    cluster.settle()
    return sorted((e for e in cluster.reader.events if e["pid"] == pid), key=lambda e: e["sequence"])


def brief(events):
    return [(e["class"], e["command"], e["objectName"], e["rowCount"]) for e in events]


def test_a_statement_of_a_worker_is_told_with_its_name(cluster, start_worker):
    events = of_process(cluster, start_worker("nightly sums", "INSERT INTO public.log SELECT generate_series(1, 3)"))
    assert brief(events) == [("WRITE", "INSERT", "public.log", 3)]
    (event,) = events
    assert (event["clientApplication"], event["databaseName"], event["dbUserName"]) == ("nightly sums", "postgres", "postgres")
    assert event["commandText"] == "INSERT INTO public.log SELECT generate_series(1, 3)"
    assert event["exitCode"] is None


def test_what_a_worker_calls_is_told_with_its_name(cluster, start_worker):
    events = of_process(cluster, start_worker("caller", "SELECT public.note(7)"))
    assert sorted(brief(events), key=str) == sorted(
        [
            ("READ", "SELECT", None, 1),
            ("FUNCTION", "EXECUTE", "public.note", None),
            ("WRITE", "INSERT", "public.log", 1),
        ],
        key=str,
    )
    assert {e["clientApplication"] for e in events} == {"caller"}
    assert len({e["statementId"] for e in events}) == 1


def test_a_command_of_a_worker_is_told_before_and_after(cluster, start_worker):
    events = of_process(cluster, start_worker("loader", "COPY public.log FROM PROGRAM 'seq 2'"))
    assert [(e["command"], e["clientApplication"]) for e in events] == [
        ("STREAM INTENT", "loader"),
        ("INSERT", "loader"),
        ("COPY", "loader"),
    ]


def test_a_failure_of_a_worker_is_told_with_its_name(cluster, start_worker):
    events = of_process(cluster, start_worker("failing", "SELECT 1 / (id - id) FROM public.log"))
    assert [(e["exitCode"], e["objectName"], e["clientApplication"]) for e in events if e["exitCode"]] == [
        ("22012", "public.log", "failing")
    ]


@pytest.fixture(scope="module")
def subscription(cluster):
    """A subscription of one database to another of the same server; its worker's process id."""
    cluster.execute("CREATE TABLE item (id int PRIMARY KEY)", "CREATE PUBLICATION items FOR TABLE item")
    cluster.execute(SUBSCRIBER, dbname="subscriber")
    cluster.execute("SELECT pg_create_logical_replication_slot('items', 'pgoutput')")
    where = f"host=127.0.0.1 port={cluster.port} dbname=postgres user=postgres"
    cluster.execute(
        f"CREATE SUBSCRIPTION items CONNECTION '{where}' PUBLICATION items"
        " WITH (create_slot = false, slot_name = 'items', copy_data = false)",
        dbname="subscriber",
    )
    asked = "SELECT pid FROM pg_stat_subscription WHERE subname = 'items' AND relid IS NULL"
    yield wait_for(lambda: cluster.value(asked, dbname="subscriber"), "the subscription has its worker")
    cluster.execute("DROP SUBSCRIPTION items", dbname="subscriber")


def test_what_replication_sets_off_is_told_with_the_workers_name(cluster, subscription):
    cluster.execute("INSERT INTO item VALUES (1), (2)")
    arrived = "SELECT count(*) FROM log"
    wait_for(lambda: cluster.value(arrived, dbname="subscriber") == 2, "both rows have arrived")
    events = of_process(cluster, subscription)
    written = [e for e in events if e["objectName"] == "public.log"]
    assert brief(written) == [("WRITE", "INSERT", "public.log", 1)] * 2
    assert [e["paramList"] for e in written] == [["1"], ["2"]]
    assert len([e for e in events if e["objectName"] == "pg_catalog.set_config"]) == 2
    assert {e["databaseName"] for e in events} == {"subscriber"}
    assert len({e["clientApplication"] for e in events}) == 1
    assert events[0]["clientApplication"].startswith(_APPLIES)
    numbers = [(e["statementId"], e["substatementId"]) for e in events]
    assert len(set(numbers)) == len(numbers)


def test_what_fails_inside_replication_is_told_with_the_workers_name(cluster, subscription):
    cluster.execute("ALTER TABLE log ADD CONSTRAINT not_this CHECK (id <> 77)", dbname="subscriber")
    cluster.execute("INSERT INTO item VALUES (77)")
    failed = cluster.reader.wait_for(
        lambda events: [e for e in events if e["exitCode"] == "23514" and e["databaseName"] == "subscriber"],
        "the failure",
    )
    cluster.execute("ALTER TABLE log DROP CONSTRAINT not_this", dbname="subscriber")
    assert {(e["command"], e["objectName"]) for e in failed} == {("INSERT", "public.log")}
    assert all(e["clientApplication"].startswith(_APPLIES) for e in failed)
    wait_for(lambda: cluster.value("SELECT count(*) FROM log WHERE id = 77", dbname="subscriber") == 1, "it goes on")


def test_every_event_of_the_module_is_complete_and_once(cluster):
    cluster.settle()
    cluster.reader.check_complete()
