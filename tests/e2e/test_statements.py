"""What statements become: one event a relation, with the right value in every field."""

import pytest

SETUP = """
CREATE SCHEMA shop;
CREATE TABLE shop.item (id int PRIMARY KEY, name text, price numeric);
CREATE TABLE shop.part (id int, item int);
CREATE TABLE shop."Odd Name" (a int);
CREATE VIEW shop.cheap AS SELECT id FROM shop.item WHERE price < 2;
INSERT INTO shop.item VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3);
INSERT INTO shop.part VALUES (10, 1), (11, 1), (12, 2);
"""


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    cluster.execute(SETUP)


def brief(events):
    return [(e["class"], e["command"], e["objectType"], e["objectName"], e["rowCount"]) for e in events]


def run(cluster, statement, parameters=None, **options):
    """The events of one statement in a session of its own."""
    return cluster.record(lambda session: session.execute(statement, parameters, **options))


def test_every_field_of_a_select_has_its_value(cluster):
    text = "SELECT name FROM shop.item WHERE id < 3 ORDER BY id;"
    with cluster.connect(application_name="an application") as session:
        pid = session.info.backend_pid
        port = session.execute("SELECT inet_client_port()").fetchone()[0]
        version = session.execute("SHOW server_version").fetchone()[0]
        identity = session.execute(
            "SELECT format('%s.%s', to_hex(floor(extract(epoch FROM backend_start))::bigint), to_hex(pid))"
            " FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        ).fetchone()[0]
        assert len(session.execute(text).fetchall()) == 2
    event = cluster.reader.wait_for_text(text)[0]
    assert {k: v for k, v in event.items() if k not in ("startTime", "logTime", "sequence", "epoch", "queryId")} == {
        "statementId": 5,
        "substatementId": 1,
        "objectType": "TABLE",
        "command": "SELECT",
        "objectName": "shop.item",
        "databaseName": "postgres",
        "dbUserName": "postgres",
        "remoteHost": "127.0.0.1",
        "remotePort": str(port),
        "sessionId": identity,
        "rowCount": 2,
        "commandText": text,
        "paramList": [],
        "pid": pid,
        "clientApplication": "an application",
        "exitCode": None,
        "class": "READ",
        "serverVersion": version,
        "serverType": "PostgreSQL",
        "serviceName": "PostgreSQL",
        "serverHost": "127.0.0.1",
        "netProtocol": "TCP",
        "dbProtocol": "Postgres 3.0",
        "type": "record",
        "errorMessage": None,
        "effectiveUserName": "postgres",
        "transactionId": None,
    }


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT 1", ("READ", "SELECT", None, None, 1)),
        ("TABLE shop.item", ("READ", "SELECT", "TABLE", "shop.item", 3)),
        ("SELECT id FROM shop.item WHERE id > 100", ("READ", "SELECT", "TABLE", "shop.item", 0)),
        ('SELECT * FROM shop."Odd Name"', ("READ", "SELECT", "TABLE", 'shop."Odd Name"', 0)),
        ("INSERT INTO shop.item VALUES (20, 'a', 1), (21, 'b', 2)", ("WRITE", "INSERT", "TABLE", "shop.item", 2)),
        ("INSERT INTO shop.item VALUES (22, 'c', 1) RETURNING id", ("WRITE", "INSERT", "TABLE", "shop.item", 1)),
        ("UPDATE shop.item SET price = 0 WHERE id >= 20", ("WRITE", "UPDATE", "TABLE", "shop.item", 3)),
        ("DELETE FROM shop.item WHERE id >= 20", ("WRITE", "DELETE", "TABLE", "shop.item", 3)),
        ("DELETE FROM shop.item WHERE id = 77", ("WRITE", "DELETE", "TABLE", "shop.item", 0)),
    ],
)
@pytest.mark.parametrize("protocol", ["simple", "extended", "prepared"])
def test_a_statement_on_one_relation_is_one_event(cluster, statement, expected, protocol):
    if protocol == "simple":
        events = run(cluster, statement)
    else:
        # A tuple of parameters, even an empty one, makes psycopg use the extended protocol.
        events = run(cluster, statement, (), prepare=protocol == "prepared")
    assert brief(events) == [expected]
    assert events[0]["commandText"] == statement


def test_several_relations_are_one_event_each_under_one_number(cluster):
    events = run(cluster, "SELECT * FROM shop.item i JOIN shop.part p ON p.item = i.id")
    assert sorted(brief(events)) == [
        ("READ", "SELECT", "TABLE", "shop.item", 3),
        ("READ", "SELECT", "TABLE", "shop.part", 3),
    ]
    assert len({(e["statementId"], e["substatementId"]) for e in events}) == 1


def test_a_statement_that_reads_and_writes_says_both(cluster):
    cluster.execute("CREATE TABLE shop.copy (LIKE shop.item)")
    events = run(cluster, "INSERT INTO shop.copy SELECT * FROM shop.item")
    assert sorted((e["class"], e["command"], e["objectName"]) for e in events) == [
        ("READ", "SELECT", "shop.item"),
        ("WRITE", "INSERT", "shop.copy"),
    ]


def test_a_view_is_named_with_its_tables(cluster):
    events = run(cluster, "SELECT * FROM shop.cheap")
    assert ("VIEW", "shop.cheap") in {(e["objectType"], e["objectName"]) for e in events}


def test_statements_are_numbered_from_two(cluster):
    def three(session):
        session.execute("SELECT 'first'")
        session.execute("SET work_mem = '4MB'")
        session.execute("SELECT 'third'")

    assert [e["statementId"] for e in cluster.record(three)] == [2, 3, 4]


def test_each_statement_of_a_query_string_has_its_own_text(cluster):
    events = run(
        cluster, "SELECT 'a';  SELECT 'b'; INSERT INTO shop.part VALUES (90, 9);DELETE FROM shop.part WHERE id = 90"
    )
    assert [e["commandText"] for e in events] == [
        "SELECT 'a';",
        "SELECT 'b';",
        "INSERT INTO shop.part VALUES (90, 9);",
        "DELETE FROM shop.part WHERE id = 90",
    ]
    assert [e["statementId"] for e in events] == [2, 3, 4, 5]


def test_bind_parameters_are_texts_without_the_nulls(cluster):
    events = run(cluster, "SELECT %s::int, %s::text, %s::text, %s::numeric", (7, "it's", None, 1.5), prepare=True)
    assert len(events) == 1
    assert events[0]["paramList"] == ["7", "it's", "1.5"]
    assert events[0]["commandText"] == "SELECT $1::int, $2::text, $3::text, $4::numeric"


def test_binary_parameters_are_texts_too(cluster):
    events = run(cluster, "SELECT %b::int8 + 1", (41,))
    assert events[0]["paramList"] == ["41"]


def test_a_repeated_prepared_statement_is_an_event_each_time(cluster):
    def four(session):
        for number in range(4):
            session.execute("SELECT %s::int AS again", (number,), prepare=True)

    events = [e for e in cluster.record(four) if e["command"] == "SELECT"]
    assert [e["paramList"] for e in events] == [["0"], ["1"], ["2"], ["3"]]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SET work_mem = '5MB'", ("MISC", "SET")),
        ("SHOW work_mem", ("MISC", "SHOW")),
        ("VACUUM shop.item", ("MISC", "VACUUM")),
        ("CREATE TABLE shop.made (a int)", ("DDL", "CREATE TABLE")),
        ("CREATE INDEX ON shop.made (a)", ("DDL", "CREATE INDEX")),
        ("ALTER TABLE shop.made ADD b text", ("DDL", "ALTER TABLE")),
        ("TRUNCATE shop.made", ("WRITE", "TRUNCATE TABLE")),
        ("DROP TABLE shop.made", ("DDL", "DROP TABLE")),
        ("CREATE SCHEMA made", ("DDL", "CREATE SCHEMA")),
        ("DROP SCHEMA made", ("DDL", "DROP SCHEMA")),
        ("CREATE ROLE made", ("ROLE", "CREATE ROLE")),
        ("GRANT SELECT ON shop.item TO made", ("ROLE", "GRANT")),
        ("REVOKE SELECT ON shop.item FROM made", ("ROLE", "REVOKE")),
        ("DROP ROLE made", ("ROLE", "DROP ROLE")),
    ],
)
def test_a_utility_command_has_its_command_and_class(cluster, statement, expected):
    events = run(cluster, statement)
    assert expected in {(e["class"], e["command"]) for e in events}, brief(events)
    assert {e["commandText"] for e in events} == {statement}


def test_a_transaction_block_is_told_with_its_bounds(cluster):
    def block(session):
        for statement in ("BEGIN", "UPDATE shop.item SET price = 1 WHERE id = 1", "COMMIT", "BEGIN", "ROLLBACK"):
            session.execute(statement)

    events = cluster.record(block)
    assert [(e["class"], e["command"]) for e in events] == [
        ("MISC", "BEGIN"),
        ("WRITE", "UPDATE"),
        ("MISC", "COMMIT"),
        ("MISC", "BEGIN"),
        ("MISC", "ROLLBACK"),
    ]
    assert events[1]["transactionId"] is not None


def test_copy_reads_and_writes_and_counts_rows(cluster):
    def both(session):
        with session.cursor().copy("COPY shop.item TO STDOUT") as copy:
            rows = sum(1 for _ in copy.rows())
        assert rows == 3
        with session.cursor().copy("COPY shop.part FROM STDIN") as copy:
            copy.write_row((50, 5))
            copy.write_row((51, 5))

    events = cluster.record(both)
    assert {e["class"] for e in events if "TO STDOUT" in e["commandText"]} == {"READ"}
    assert {e["class"] for e in events if "FROM STDIN" in e["commandText"]} == {"WRITE"}
    assert [e["rowCount"] for e in events if e["command"] == "COPY"] == [3, 2]


def test_a_password_is_not_in_the_text(cluster):
    events = run(cluster, "CREATE ROLE with_secret PASSWORD 'open sesame'")
    assert events and all("sesame" not in str(e) for e in events)
    cluster.execute("DROP ROLE with_secret")


def test_a_long_text_is_cut_at_a_character_and_its_length_told(cluster):
    statement = "SELECT '" + "é" * 200_000 + "'"
    with cluster.connect() as session:
        pid = session.info.backend_pid
        session.execute(statement)
    event = cluster.reader.wait_for(
        lambda events: [e for e in events if e["pid"] == pid and e["command"] == "SELECT"]
    )[0]
    assert event["commandTextLength"] == len(statement.encode())
    assert len(event["commandText"].encode()) <= 256 * 1024
    assert statement.startswith(event["commandText"][:1000])


def test_text_in_any_script_arrives_as_it_was(cluster):
    text = "SELECT 'Grüße, 日本語, 🐘, \t\"quoted\" \\ back'"
    assert run(cluster, text)[0]["commandText"] == text


@pytest.mark.parametrize(
    ("statement", "sqlstate", "message"),
    [
        ("SELEC 1", "42601", 'syntax error at or near "SELEC"'),
        ("SELECT * FROM no_such_table", "42P01", 'relation "no_such_table" does not exist'),
        ("SELECT 1 / 0", "22012", "division by zero"),
        ("INSERT INTO shop.item VALUES (1, 'again', 1)", "23505", "duplicate key value violates unique constraint"),
        ("CREATE TABLE shop.item (a int)", "42P07", 'relation "item" already exists'),
        ("DROP TABLE no_such_table", "42P01", 'table "no_such_table" does not exist'),
        ("SET no_such_setting = 1", "42704", "unrecognized configuration parameter"),
    ],
)
@pytest.mark.parametrize("hidden", [False, True], ids=["logged", "log_min_messages_panic"])
def test_a_failing_statement_is_told_with_its_sqlstate(cluster, statement, sqlstate, message, hidden):
    def fail(session):
        if hidden:
            session.execute("SET log_min_messages = panic")
        with pytest.raises(Exception, match=message[:20]) as caught:
            session.execute(statement)
        assert caught.value.sqlstate == sqlstate

    failed = [e for e in cluster.record(fail) if e["exitCode"]]
    assert [(e["exitCode"], e["commandText"]) for e in failed] == [(sqlstate, statement)]
    assert message in failed[0]["errorMessage"]


def test_a_failed_insert_names_its_table_and_class(cluster):
    def fail(session):
        with pytest.raises(Exception, match="duplicate key"):
            session.execute("INSERT INTO shop.item VALUES (2, 'again', 1)")

    event = cluster.record(fail)[0]
    assert (event["class"], event["command"], event["objectName"], event["rowCount"]) == (
        "WRITE",
        "INSERT",
        "shop.item",
        None,
    )


def test_statements_in_an_aborted_transaction_are_told(cluster):
    def abort(session):
        session.execute("BEGIN")
        for statement in ("SELECT 1 / 0", "SELECT 'ignored'"):
            with pytest.raises(Exception, match="division|aborted"):
                session.execute(statement)
        session.execute("ROLLBACK")

    events = cluster.record(abort)
    assert [e["exitCode"] for e in events] == [None, "22012", "25P02", None]


def test_a_cancelled_statement_is_told(cluster):
    def cancelled(session):
        session.execute("SET statement_timeout = '30ms'")
        with pytest.raises(Exception, match="statement timeout"):
            session.execute("SELECT pg_sleep(30)")

    failed = [e for e in cluster.record(cancelled) if e["exitCode"]]
    assert [(e["exitCode"], e["commandText"]) for e in failed] == [("57014", "SELECT pg_sleep(30)")]


def test_a_refused_statement_is_told_with_its_role(cluster):
    cluster.execute("CREATE ROLE nobody_special", "GRANT USAGE ON SCHEMA shop TO nobody_special")

    def refused(session):
        session.execute("SET ROLE nobody_special")
        with pytest.raises(Exception, match="permission denied"):
            session.execute("SELECT * FROM shop.item")

    event = cluster.record(refused)[-1]
    assert (event["exitCode"], event["dbUserName"]) == ("42501", "postgres")
    assert event["effectiveUserName"] in ("nobody_special", "postgres")


def test_a_portal_fetched_in_parts_ends_with_all_its_rows(cluster):
    def fetch(session):
        with session.transaction(), session.cursor("parts") as cursor:
            cursor.execute("SELECT g FROM generate_series(1, 25) g")
            cursor.itersize = 10
            assert len(list(cursor)) == 25

    events = cluster.record(fetch)
    assert any(e["command"] == "SELECT" and e["rowCount"] == 25 for e in events), brief(events)
    assert any(e["command"] == "FETCH" for e in events)


def test_every_event_of_the_module_is_complete_and_once(cluster):
    cluster.settle()
    cluster.reader.check_complete()
