"""Sync mode: how often a session waits, how long, and where that can be seen."""

import pytest

import faults
import sync_shapes
from conftest import sync_server
from frozen import NOTICED_SECONDS, timed
from rawpg import RawSession, errors

# Longer than a statement takes, so that none finds its event durable before it comes to wait.
_DELAY_SECONDS = 0.1
_PIPELINE_STATEMENTS = 100
_SESSIONS = 20


@pytest.fixture(scope="module")
def server(installation, aws, alias):
    with sync_server(installation, aws, alias, conf=sync_shapes.CONF) as server:
        server.cluster.execute(
            *sync_shapes.SETUP,
            "CREATE FUNCTION thousand() RETURNS void LANGUAGE plpgsql AS $$ BEGIN"
            " FOR i IN 1..1000 LOOP INSERT INTO fact VALUES (i); END LOOP; END $$",
            "CREATE TABLE large AS SELECT generate_series(1, 10000) AS n",
        )
        server.injector.inject(faults.Delay(_DELAY_SECONDS))
        yield server


def each(*statements):
    """One query after the other."""
    return lambda session: [m for statement in statements for m in session.run(statement)]


def pipeline(*statements):
    """One pipeline with one Sync."""

    def send(session):
        with session.batch():
            for statement in statements:
                session.statement(statement)
            session.sync()
        return session.answer()

    return send


def suspended(session):
    session.statement("SELECT generate_series(1, 3)", rows=1).sync()
    return session.answer()


def described(session):
    session.parse("SELECT 1", "p").describe("p", "S").sync()
    return session.answer()


INSERT = "INSERT INTO fact VALUES ('x')"
PARALLEL = "; ".join(f"SET {name} = 0" for name in ("parallel_setup_cost", "parallel_tuple_cost", "min_parallel_table_scan_size"))
# What a session does, how often it waits for that, and the SQLSTATE that it gets.
COUNTED = {
    "SELECT": (each("SELECT 1"), 1, None),
    "INSERT": (each(INSERT), 1, None),
    "several queries": (each(INSERT, INSERT, INSERT), 3, None),
    "pipeline": (pipeline(*[INSERT] * _PIPELINE_STATEMENTS), 1, None),
    "pipeline of SELECTs": (pipeline(*["SELECT 1"] * _PIPELINE_STATEMENTS), 1, None),
    "several statements in a query": (each("; ".join([INSERT] * 5)), 1, None),
    "function that runs a thousand statements": (each("SELECT thousand()"), 1, None),
    "DO that runs a thousand statements": (each("DO 'BEGIN PERFORM thousand(); END'"), 1, None),
    "deferred trigger": (each("INSERT INTO deferring VALUES ('x')"), 1, None),
    "parallel query": (each(f"{PARALLEL}; SELECT sum(n) FROM large"), 1, None),
    "failing statement": (each("SELECT 1 / 0"), 1, "22012"),
    "statement that does not parse": (each("SELEC"), 1, "42601"),
    "pipeline that fails": (pipeline(INSERT, INSERT, "SELECT 1 / 0", INSERT), 1, "22012"),
    "query that fails at its third statement": (each(f"{INSERT}; {INSERT}; SELECT 1 / 0"), 1, "22012"),
    "error that is caught": (each("DO 'BEGIN PERFORM 1 / 0; EXCEPTION WHEN OTHERS THEN NULL; END'"), 1, None),
    "suspended portal": (suspended, 1, None),
    "SET": (each("SET work_mem = '5MB'"), 1, None),
    "empty query": (each(""), 0, None),
    "nothing but Sync": (pipeline(), 0, None),
    "Parse and Describe": (described, 0, None),
    "block of three": (each("BEGIN", INSERT, "SELECT 1", INSERT, "COMMIT"), 5, None),
    "block that is rolled back": (each("BEGIN", INSERT, "ROLLBACK"), 3, None),
    "block in a pipeline": (pipeline("BEGIN", INSERT, "COMMIT"), 3, None),
    "block in a query": (each(f"BEGIN; {INSERT}; COMMIT"), 3, None),
    "block whose statement fails": (each("BEGIN", "SELECT 1 / 0", "ROLLBACK"), 3, "22012"),
    "savepoints": (each("BEGIN", "SAVEPOINT a", INSERT, "RELEASE a", "COMMIT"), 5, None),
    "cursor": (each("BEGIN", "DECLARE c CURSOR FOR SELECT n FROM large", "FETCH 2 FROM c", "COMMIT"), 4, None),
    "procedure that commits": (each("CALL commits('x')"), 2, None),
}


@pytest.mark.parametrize("name", COUNTED)
def test_a_session_waits_so_often(server, name):
    run, waits, sqlstate = COUNTED[name]
    with RawSession(server.cluster.port) as session:
        server.alone(session.pid)
        got = []
        assert server.waits_of(lambda: got.extend(run(session))) == waits
    assert errors(got) == ([sqlstate] if sqlstate else [])


def test_a_statement_that_settings_leave_out_does_not_wait(server):
    server.reload(capture="all, -read")
    try:
        with RawSession(server.cluster.port) as session:
            server.alone(session.pid)
            session.run("SET work_mem = '5MB'")
            assert server.waits_of(lambda: session.run("SELECT n FROM large LIMIT 1")) == 0
            assert server.waits_of(lambda: session.run(INSERT)) == 1
    finally:
        server.reload(capture="all")


def test_a_login_waits_once_and_a_logout_once(server):
    server.alone()
    before = server.status("sync_waits")
    session = RawSession(server.cluster.port).ready()
    assert server.status("sync_waits") == before + 1
    session.terminate()
    assert session.until_closed() == []
    session.close_socket()
    assert server.status("sync_waits") == before + 2


def test_a_pipeline_takes_the_time_of_one_wait(server):
    with RawSession(server.cluster.port) as session:
        _, seconds = timed(lambda: pipeline(*[INSERT] * _PIPELINE_STATEMENTS)(session))
    assert _DELAY_SECONDS <= seconds < _PIPELINE_STATEMENTS * _DELAY_SECONDS / 4


def test_sessions_wait_together(server):
    sessions = [RawSession(server.cluster.port) for _ in range(_SESSIONS)]
    for session in sessions:
        session.ready()

    def all_at_once():
        for session in sessions:
            session.query(INSERT)
        return [session.answer() for session in sessions]

    answers, seconds = timed(all_at_once)
    assert not any(errors(answer) for answer in answers)
    assert _DELAY_SECONDS <= seconds < _SESSIONS * _DELAY_SECONDS / 2
    for session in sessions:
        session.close_socket()


def test_the_time_of_the_waits_is_in_the_view(server):
    seconds = "extract(epoch FROM sync_wait_time)::float, extract(epoch FROM sync_wait_max)::float"

    def times():
        return server.watcher.execute(f"SELECT {seconds} FROM activity_stream.status").fetchone()

    with RawSession(server.cluster.port) as session:
        total, longest = times()
        for _ in range(5):
            session.run(INSERT)
        total_after, longest_after = times()
    assert 5 * _DELAY_SECONDS <= total_after - total < 5 * NOTICED_SECONDS
    assert longest_after >= max(longest, _DELAY_SECONDS)
    assert longest_after <= total_after


def test_a_session_that_waits_says_so(server):
    event = "ActivityStreamSync" if server.cluster.installation.major >= 17 else "Extension"
    columns = "SELECT wait_event_type || ' ' || wait_event || ' ' || state FROM pg_stat_activity WHERE pid = "
    with RawSession(server.cluster.port) as session:
        with server.frozen():
            session.query(INSERT)
            server.waits(session.pid)
            assert server.sees(f"{columns}{session.pid}") == f"Extension {event} active"
        session.answer()
        assert server.sees(f"SELECT state FROM pg_stat_activity WHERE pid = {session.pid}") == "idle"
