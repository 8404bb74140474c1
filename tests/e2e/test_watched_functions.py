"""Functions of the server's own that reach beyond the database: the list is right, each is told when it is called, others are not."""

import re
from pathlib import Path

import pytest

from conftest import Factory
from told import ids, record_raw

CAPTURE = Path(__file__).parents[2] / "src" / "capture"
LISTS = {"Told": CAPTURE / "watched.rs", "Intent": CAPTURE / "intent" / "list.rs"}

CALLS = [
    "pg_ls_dir('.')",
    "pg_ls_dir('.', true, false)",
    "pg_stat_file('PG_VERSION')",
    "pg_stat_file('nothing', true)",
    "pg_ls_waldir()",
    "pg_ls_tmpdir()",
    "pg_ls_tmpdir((SELECT oid FROM pg_tablespace WHERE spcname = 'pg_default'))",
    "pg_ls_archive_statusdir()",
    "pg_ls_logicalsnapdir()",
    "pg_ls_logicalmapdir()",
    "pg_current_logfile()",
    "pg_current_logfile('csvlog')",
    "pg_hba_file_rules()",
    "pg_ident_file_mappings()",
    "pg_show_all_file_settings()",
    "pg_log_backend_memory_contexts(pg_backend_pid())",
    "set_config('work_mem', '5MB', false)",
    "pg_backup_start('test', true)",
    "pg_create_restore_point('here')",
    "pg_switch_wal()",
    "pg_create_physical_replication_slot('physical')",
    "pg_copy_physical_replication_slot('physical', 'physical2')",
    "pg_create_logical_replication_slot('logical', 'test_decoding')",
    "pg_copy_logical_replication_slot('logical', 'logical2')",
    "pg_logical_slot_peek_changes('logical', NULL, NULL)",
    "pg_logical_slot_get_changes('logical', NULL, NULL)",
    "pg_logical_slot_peek_binary_changes('logical', NULL, NULL)",
    "pg_logical_slot_get_binary_changes('logical', NULL, NULL)",
    "pg_replication_slot_advance('logical', pg_current_wal_lsn())",
    "pg_drop_replication_slot('logical')",
    "pg_drop_replication_slot('logical2')",
    "pg_logical_emit_message(false, 'a', 'b')",
    "pg_logical_emit_message(false, 'a', 'b'::bytea)",
    "pg_replication_origin_create('origin')",
    "pg_replication_origin_advance('origin', '0/1')",
    "pg_replication_origin_session_setup('origin')",
    "pg_replication_origin_drop('origin')",
    "query_to_xml('SELECT 1', true, true, '')",
    "table_to_xml('item', true, true, '')",
    "pg_stat_reset()",
    "pg_stat_reset_shared('bgwriter')",
    # Those that fail.
    "pg_ls_logdir()",
    "pg_ls_replslotdir('nothing')",
    "pg_wal_replay_pause()",
    "pg_wal_replay_resume()",
    "pg_promote()",
    "pg_backup_stop()",
    "pg_drop_replication_slot('nothing')",
]

# Views of the server's own behind which there is a listed function.
VIEWS = [
    ("pg_hba_file_rules", "pg_catalog.pg_hba_file_rules"),
    ("pg_ident_file_mappings", "pg_catalog.pg_ident_file_mappings"),
    ("pg_file_settings", "pg_catalog.pg_show_all_file_settings"),
]

UNLISTED = [
    "pg_size_pretty(1::bigint), pg_database_size('postgres'), pg_relation_size('item')",
    "current_setting('work_mem'), version(), pg_backend_pid(), txid_current()",
    "pg_sleep(0), pg_advisory_lock(1), pg_advisory_unlock(1)",
    "pg_get_userbyid(10), has_table_privilege('item', 'SELECT')",
    "to_char(now(), 'YYYY'), md5('x'), random(), generate_series(1, 2)",
    "pg_current_wal_lsn(), pg_is_in_recovery(), pg_postmaster_start_time()",
    "nextval('numbers'), pg_notify('a', 'b')",
]


@pytest.fixture(scope="module")
def cluster(installation, aws, alias):
    """A server that can decode its log."""
    factory = Factory(installation, aws, alias)
    cluster = factory(conf={"wal_level": "logical", "max_replication_slots": "8"})
    cluster.execute("CREATE TABLE item (id int)", "CREATE SEQUENCE numbers")
    yield cluster
    factory.close()


def listed():
    """OID, how it is told, name and argument types, as the lists say."""
    found = {}
    for how, path in LISTS.items():
        text = path.read_text(encoding="utf-8").split(" FUNCTIONS: ")[1].split("];")[0]
        found |= {int(oid): (how, name, types) for oid, name, types in re.findall(r'\((\d+), "(\w+)\((.*)\)"\)', text)}
    return found


def test_the_list_names_the_functions_that_it_means(cluster):
    expected = listed()
    assert len(expected) > 60
    with cluster.connect() as session:
        rows = session.execute(
            "SELECT oid::int, proname, oidvectortypes(proargtypes) FROM pg_proc WHERE oid = ANY(%s)", (list(expected),)
        ).fetchall()
    assert len(rows) > 60
    for oid, name, arguments in rows:
        _, listed_name, listed_arguments = expected[oid]
        assert name == listed_name
        # Later versions add arguments at the end of some.
        assert arguments == listed_arguments or arguments.startswith(f"{listed_arguments}, "), name


# It takes queries of text search, and not one of the database's as its namesake does.
PLAIN = ["ts_rewrite(tsquery,tsquery,tsquery)"]


def test_no_variant_of_a_listed_function_is_missing(cluster):
    names = sorted({name for _, name, _ in listed().values()})
    with cluster.connect() as session:
        rows = session.execute(
            "SELECT oid::int, oid::regprocedure::text FROM pg_proc WHERE oid < 12000 AND proname = ANY(%s)", (names,)
        ).fetchall()
    assert [signature for oid, signature in rows if oid not in listed()] == PLAIN


@pytest.mark.parametrize("call", CALLS)
def test_a_listed_function_is_told_when_it_is_called(cluster, call):
    statement = f"SELECT {call}"
    events = record_raw(cluster, lambda session: session.run(statement))
    called = [e for e in events if e["command"] == "EXECUTE"]
    name = f"pg_catalog.{call.split('(')[0]}"
    assert [(e["class"], e["objectType"], e["objectName"], e["commandText"]) for e in called if e["objectName"] == name] == [
        ("FUNCTION", "FUNCTION", name, statement)
    ]
    assert {e["statementId"] for e in events} == {2}
    own = [e for e in events if e["commandText"] == statement and e["command"] == "SELECT"]
    assert ids(own)[:1] == [(2, 1)]


@pytest.mark.parametrize(("view", "function"), VIEWS)
def test_a_listed_function_behind_a_view_is_told(cluster, view, function):
    events = record_raw(cluster, lambda session: session.run(f"TABLE {view}"))
    assert [(e["command"], e["objectName"]) for e in events if e["class"] == "FUNCTION"] == [("EXECUTE", function)]
    assert ("SELECT", f"pg_catalog.{view}") in {(e["command"], e["objectName"]) for e in events}


def test_a_setting_that_is_updated_in_its_view_is_told(cluster):
    events = record_raw(cluster, lambda session: session.run("UPDATE pg_settings SET setting = '5MB' WHERE name = 'work_mem'"))
    assert [e["objectName"] for e in events if e["command"] == "EXECUTE"] == ["pg_catalog.set_config"]


def test_a_cursor_that_becomes_xml_is_told(cluster):
    def send(session):
        session.run("BEGIN")
        session.run("DECLARE c CURSOR FOR SELECT * FROM item")
        session.run("SELECT cursor_to_xml('c', 10, true, true, '')")
        session.run("COMMIT")

    assert "pg_catalog.cursor_to_xml" in {e["objectName"] for e in record_raw(cluster, send)}


@pytest.mark.parametrize("calls", UNLISTED)
def test_other_functions_of_the_server_are_not_told(cluster, calls):
    events = record_raw(cluster, lambda session: session.run(f"SELECT {calls}"))
    assert [e["command"] for e in events] == ["SELECT"]
    assert events[0]["exitCode"] is None


def test_every_event_of_the_module_is_complete_and_once(cluster):
    cluster.settle()
    cluster.reader.check_complete()
