"""A superuser against the stream, by SQL alone: each attempt is refused, or can be read from the stream, and that goes on."""

import pytest

from attacks import sql

UNCHANGEABLE = "55P02"
REFUSED_SETTING = "AS006"

ATTACKS = {
    # The settings.
    "SET": sql("SET activity_stream.mode = 'off'", refused=UNCHANGEABLE),
    "SET LOCAL": sql("BEGIN", "SET LOCAL activity_stream.mode = 'off'", refused=UNCHANGEABLE),
    "RESET": sql("RESET activity_stream.mode", refused=UNCHANGEABLE),
    "set_config()": sql("SELECT set_config('activity_stream.mode', 'off', false)", refused=UNCHANGEABLE),
    "UPDATE of pg_settings": sql(
        "UPDATE pg_settings SET setting = 'off' WHERE name = 'activity_stream.mode'", refused=UNCHANGEABLE
    ),
    "SET of a role": sql("ALTER ROLE postgres SET activity_stream.mode = 'off'", refused=UNCHANGEABLE),
    "SET of all roles": sql("ALTER ROLE ALL SET activity_stream.capture = 'none'", refused=UNCHANGEABLE),
    "SET of a database": sql("ALTER DATABASE postgres SET activity_stream.exclude_roles = 'postgres'", refused=UNCHANGEABLE),
    "SET of a function": sql(
        "CREATE FUNCTION pg_temp.quiet() RETURNS int LANGUAGE sql SET activity_stream.mode = 'off' AS 'SELECT 1'",
        refused=UNCHANGEABLE,
    ),
    "settings of a role by hand": sql(
        "CREATE ROLE by_hand LOGIN SUPERUSER",
        "INSERT INTO pg_db_role_setting VALUES (0, 'by_hand'::regrole, '{activity_stream.mode=off}')",
        intent=True,
    ),
    "ALTER SYSTEM": sql("ALTER SYSTEM SET activity_stream.mode = 'off'", refused=REFUSED_SETTING, intent=True),
    "ALTER SYSTEM, quoted": sql(
        "ALTER SYSTEM SET \"Activity_Stream.MODE\" = 'off'", refused=REFUSED_SETTING, intent=True
    ),
    "ALTER SYSTEM of the libraries": sql(
        "ALTER SYSTEM SET shared_preload_libraries = ''", refused=REFUSED_SETTING, intent=True
    ),
    "ALTER SYSTEM RESET of the libraries": sql(
        "ALTER SYSTEM RESET shared_preload_libraries", refused=REFUSED_SETTING, intent=True
    ),
    # The worker.
    "pg_terminate_backend": sql("SELECT pg_terminate_backend({worker})", intent=True),
    "pg_cancel_backend": sql("SELECT pg_cancel_backend({worker})", intent=True),
    "in a function": sql(
        "DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM (VALUES ({worker})) t(pid); END $$",
        intent=True,
    ),
    "all but my own": sql(
        "SELECT pg_terminate_backend(worker_pid) FROM activity_stream.status", intent=True
    ),
    # What would keep something from being seen.
    "log_min_messages": sql("SET log_min_messages = 'panic'", "SELECT 1/0", refused="22012"),
    "log_min_messages of the role": sql(
        "ALTER ROLE postgres SET log_min_messages = 'panic'", "SELECT * FROM no_such_table", refused="42P01"
    ),
    "an error that is caught": sql("DO $$ BEGIN PERFORM 1/0; EXCEPTION WHEN OTHERS THEN NULL; END $$"),
    "a transaction that is rolled back": sql("BEGIN", "SELECT 'in vain'", "ROLLBACK WORK"),
    "application_name": sql("SET application_name = 'activity_stream worker'", "SELECT 'who is it'"),
    "another's name": sql("CREATE ROLE activity_stream LOGIN SUPERUSER", "SET SESSION AUTHORIZATION activity_stream", "SELECT 1"),
    "a text that is too long": sql(f"SELECT length('{'x' * 1_000_000}'), 'secret deed'"),
    "replication role": sql("SET session_replication_role = 'replica'", "SELECT 1"),
    "DISCARD": sql("DISCARD ALL"),
    # What the stream needs of the database: nothing.
    "DROP EXTENSION": sql("BEGIN", "DROP EXTENSION activity_stream CASCADE", "ROLLBACK WORK"),
    "another function in its place": sql(
        "CREATE SCHEMA IF NOT EXISTS shadow",
        "CREATE OR REPLACE FUNCTION shadow.status_row() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ),
    "LOAD": sql("LOAD 'auto_explain'", intent=True),
    "LOAD once more": sql("LOAD 'activity_stream'", intent=True),
    # Code of one's own.
    "a function in C": sql(
        "CREATE FUNCTION pg_temp.own() RETURNS int LANGUAGE c AS '$libdir/nothing_there', 'own'", refused="58P01", intent=True
    ),
    "another name for a function": sql(
        "CREATE FUNCTION reload_quietly() RETURNS bool LANGUAGE internal AS 'pg_reload_conf'", intent=True
    ),
    "a catalog by hand": sql(
        "CREATE FUNCTION innocent() RETURNS bool LANGUAGE sql AS 'SELECT true'",
        "UPDATE pg_proc SET prolang = 12, prosrc = 'pg_reload_conf' WHERE proname = 'innocent'",
        intent=True,
    ),
    "a password by hand": sql("UPDATE pg_authid SET rolpassword = NULL WHERE rolname = 'by_hand'", intent=True),
    # Files of the server.
    "the configuration, read": sql("SELECT pg_read_file('postgresql.conf')", intent=True),
    "the spool, read": sql("SELECT count(*) FROM pg_ls_dir('activity_stream_spool') f, pg_read_binary_file('activity_stream_spool/' || f)", intent=True),
    "the configuration, written": sql("COPY (SELECT '') TO '{data}/postgresql.auto.conf'", intent=True),
    "the configuration, written as a large object": sql(
        "SELECT lo_from_bytea(4711, '')", "SELECT lo_export(4711, '{data}/postgresql.auto.conf')", intent=True
    ),
    "a reload": sql("SELECT pg_reload_conf()", intent=True),
    "another log": sql("SELECT pg_rotate_logfile()", intent=True),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_superuser_cannot_stop_blind_or_alter_the_stream_unseen(target, name):
    target.attack(ATTACKS[name])
