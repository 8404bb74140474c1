"""What lies outside of schemas, of the database or of the server: each command names what it makes, alters and drops."""

import pytest

from conftest import Factory
from ddl import SETUP, check, objects
from modules import build

SEQUENCE = "SEQUENCE public.bare_id_seq"
DROPPED = [
    "SCHEMA public",
    "TABLE public.bare",
    SEQUENCE,
    "DEFAULT VALUE for public.bare.id",
    "TABLE CONSTRAINT bare_pkey on public.bare",
    "INDEX public.bare_pkey",
]

# Commands in the order in which they run, and the objects of each.
COMMANDS = {
    "foreign": [
        ("CREATE FOREIGN DATA WRAPPER y1", "FOREIGN-DATA WRAPPER y1"),
        ("ALTER FOREIGN DATA WRAPPER y1 OPTIONS (ADD a 'b')", "FOREIGN-DATA WRAPPER y1"),
        ("ALTER FOREIGN DATA WRAPPER y1 RENAME TO y2", "FOREIGN-DATA WRAPPER y2"),
        ("COMMENT ON FOREIGN DATA WRAPPER y2 IS 'x'", "FOREIGN-DATA WRAPPER y2"),
        ("GRANT USAGE ON FOREIGN DATA WRAPPER y2 TO clerk", "FOREIGN DATA WRAPPER y2"),
        ("CREATE SERVER z1 FOREIGN DATA WRAPPER y2", "SERVER z1"),
        ("ALTER SERVER z1 OPTIONS (ADD a 'b')", "SERVER z1"),
        ("ALTER SERVER z1 RENAME TO z2", "SERVER z2"),
        ("COMMENT ON SERVER z2 IS 'x'", "SERVER z2"),
        ("GRANT USAGE ON FOREIGN SERVER z2 TO clerk", "FOREIGN SERVER z2"),
        ("CREATE USER MAPPING FOR clerk SERVER z2 OPTIONS (password 'sesame')", "USER MAPPING clerk on server z2"),
        ("ALTER USER MAPPING FOR clerk SERVER z2 OPTIONS (SET password 'sesame')", "USER MAPPING clerk on server z2"),
        ("DROP USER MAPPING FOR clerk SERVER z2", "USER MAPPING clerk on server z2"),
        ("CREATE USER MAPPING FOR PUBLIC SERVER z2", "USER MAPPING public on server z2"),
        ("CREATE FOREIGN TABLE aa1 (a int) SERVER z2", "FOREIGN TABLE public.aa1"),
        ("ALTER FOREIGN TABLE aa1 ADD b int", "FOREIGN TABLE public.aa1"),
        ("ALTER FOREIGN TABLE aa1 RENAME COLUMN b TO c", "FOREIGN TABLE COLUMN public.aa1.c"),
        ("ALTER FOREIGN TABLE aa1 RENAME TO aa2", "FOREIGN TABLE public.aa2"),
        ("COMMENT ON FOREIGN TABLE aa2 IS 'x'", "FOREIGN TABLE public.aa2"),
        ("DROP FOREIGN TABLE aa2", "FOREIGN TABLE public.aa2"),
        ("DROP SERVER z2 CASCADE", ["SERVER z2", "USER MAPPING public on server z2"]),
        ("DROP FOREIGN DATA WRAPPER y2", "FOREIGN-DATA WRAPPER y2"),
    ],
    "extension and language": [
        ("CREATE EXTENSION insert_username", "EXTENSION insert_username"),
        ("ALTER EXTENSION insert_username SET SCHEMA other", ["FUNCTION other.insert_username()", "EXTENSION insert_username"]),
        ("ALTER EXTENSION insert_username ADD TABLE plain", "EXTENSION insert_username"),
        ("ALTER EXTENSION insert_username DROP TABLE plain", "EXTENSION insert_username"),
        ("COMMENT ON EXTENSION insert_username IS 'x'", "EXTENSION insert_username"),
        ("DROP EXTENSION insert_username", ["EXTENSION insert_username", "FUNCTION other.insert_username()"]),
        ("CREATE LANGUAGE ab1 HANDLER plpgsql_call_handler", "LANGUAGE ab1"),
        ("ALTER LANGUAGE ab1 RENAME TO ab2", "LANGUAGE ab2"),
        ("COMMENT ON LANGUAGE ab2 IS 'x'", "LANGUAGE ab2"),
        ("GRANT USAGE ON LANGUAGE plpgsql TO clerk", "LANGUAGE plpgsql"),
        ("DROP LANGUAGE ab2", "LANGUAGE ab2"),
    ],
    "publication": [
        ("CREATE PUBLICATION ac1 FOR TABLE plain", "PUBLICATION ac1"),
        ("ALTER PUBLICATION ac1 ADD TABLE model", "PUBLICATION RELATION public.model in publication ac1"),
        ("ALTER PUBLICATION ac1 DROP TABLE model", "PUBLICATION RELATION public.model in publication ac1"),
        ("ALTER PUBLICATION ac1 ADD TABLES IN SCHEMA other", "PUBLICATION NAMESPACE other in publication ac1"),
        ("ALTER PUBLICATION ac1 SET (publish = 'insert')", "PUBLICATION ac1"),
        ("ALTER PUBLICATION ac1 OWNER TO boss", "PUBLICATION ac1"),
        ("ALTER PUBLICATION ac1 RENAME TO ac2", "PUBLICATION ac2"),
        ("COMMENT ON PUBLICATION ac2 IS 'x'", "PUBLICATION ac2"),
        (
            "DROP PUBLICATION ac2",
            [
                "PUBLICATION ac2",
                "PUBLICATION RELATION public.plain in publication ac2",
                "PUBLICATION NAMESPACE other in publication ac2",
            ],
        ),
        ("CREATE PUBLICATION ac3 FOR ALL TABLES", "PUBLICATION ac3"),
        ("DROP PUBLICATION ac3", "PUBLICATION ac3"),
        (
            "CREATE SUBSCRIPTION ad1 CONNECTION 'dbname=nothing password=sesame' PUBLICATION ac1 WITH (connect = false)",
            "SUBSCRIPTION ad1",
        ),
        ("ALTER SUBSCRIPTION ad1 SET (slot_name = NONE)", "SUBSCRIPTION ad1"),
        ("ALTER SUBSCRIPTION ad1 CONNECTION 'dbname=nothing password=sesame'", "SUBSCRIPTION ad1"),
        ("ALTER SUBSCRIPTION ad1 SET PUBLICATION ac5 WITH (refresh = false)", "SUBSCRIPTION ad1"),
        ("ALTER SUBSCRIPTION ad1 OWNER TO boss", "SUBSCRIPTION ad1"),
        ("ALTER SUBSCRIPTION ad1 RENAME TO ad2", "SUBSCRIPTION ad2"),
        ("COMMENT ON SUBSCRIPTION ad2 IS 'x'", "SUBSCRIPTION ad2"),
        ("DROP SUBSCRIPTION ad2", "SUBSCRIPTION ad2"),
    ],
    "role": [
        ("CREATE ROLE ae1", "ROLE ae1"),
        ("CREATE USER ae2 IN ROLE ae1", "ROLE ae2"),
        ("CREATE GROUP ae3", "ROLE ae3"),
        ("ALTER ROLE ae1 CREATEDB", "ROLE ae1"),
        ("ALTER USER ae2 PASSWORD 'sesame'", "ROLE ae2"),
        ("ALTER GROUP ae3 ADD USER ae2", "ROLE ae3"),
        ("ALTER ROLE ae1 SET work_mem = '5MB'", "ROLE ae1"),
        ("ALTER ROLE ae1 IN DATABASE postgres SET work_mem = '5MB'", "ROLE ae1"),
        ('ALTER ROLE ae1 RENAME TO "Ae 4"', 'ROLE "Ae 4"'),
        ("COMMENT ON ROLE \"Ae 4\" IS 'x'", 'ROLE "Ae 4"'),
        ('GRANT "Ae 4" TO ae3', 'ROLE "Ae 4"'),
        ('REVOKE "Ae 4" FROM ae3', 'ROLE "Ae 4"'),
        ('DROP ROLE "Ae 4", ae2, ae3', ["ROLE ae3", "ROLE ae2", 'ROLE "Ae 4"']),
        ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO clerk", "TABLES for role postgres on tables"),
        (
            "ALTER DEFAULT PRIVILEGES IN SCHEMA other GRANT EXECUTE ON FUNCTIONS TO clerk",
            "FUNCTIONS for role postgres in schema other on functions",
        ),
        ("ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM clerk", "TABLES for role postgres on tables"),
    ],
    "database": [
        ("CREATE DATABASE af1", "DATABASE af1"),
        ("ALTER DATABASE af1 CONNECTION LIMIT 5", "DATABASE af1"),
        ("ALTER DATABASE af1 SET work_mem = '5MB'", "DATABASE af1"),
        ("ALTER DATABASE af1 OWNER TO clerk", "DATABASE af1"),
        ("ALTER DATABASE af1 REFRESH COLLATION VERSION", "DATABASE af1"),
        ("ALTER DATABASE af1 SET TABLESPACE holding", "DATABASE af1"),
        ('ALTER DATABASE af1 RENAME TO "Af 2"', 'DATABASE "Af 2"'),
        ("COMMENT ON DATABASE \"Af 2\" IS 'x'", 'DATABASE "Af 2"'),
        ('GRANT CONNECT ON DATABASE "Af 2" TO clerk', 'DATABASE "Af 2"'),
        ('REVOKE ALL ON DATABASE "Af 2" FROM clerk', 'DATABASE "Af 2"'),
        ('DROP DATABASE "Af 2"', 'DATABASE "Af 2"'),
    ],
    "tablespace": [
        ("CREATE TABLESPACE ag1 LOCATION ''", "TABLESPACE ag1"),
        ("ALTER TABLESPACE ag1 SET (seq_page_cost = 2)", "TABLESPACE ag1"),
        ("ALTER TABLESPACE ag1 OWNER TO clerk", "TABLESPACE ag1"),
        ("ALTER TABLESPACE ag1 RENAME TO ag2", "TABLESPACE ag2"),
        ("COMMENT ON TABLESPACE ag2 IS 'x'", "TABLESPACE ag2"),
        ("GRANT CREATE ON TABLESPACE ag2 TO clerk", "TABLESPACE ag2"),
        ("DROP TABLESPACE ag2", "TABLESPACE ag2"),
        ("ALTER SYSTEM SET work_mem = '5MB'", "PARAMETER work_mem"),
    ],
    "large object": [
        ("ALTER LARGE OBJECT 4242 OWNER TO clerk", "LARGE OBJECT 4242"),
        ("COMMENT ON LARGE OBJECT 4242 IS 'x'", "LARGE OBJECT 4242"),
        ("GRANT SELECT ON LARGE OBJECT 4242 TO clerk", "LARGE OBJECT 4242"),
    ],
    "setting": [
        ("GRANT SET ON PARAMETER log_statement TO clerk", "PARAMETER log_statement"),
        ("GRANT ALTER SYSTEM ON PARAMETER log_statement, work_mem TO clerk", ["PARAMETER log_statement", "PARAMETER work_mem"]),
        ("REVOKE SET ON PARAMETER log_statement FROM clerk", "PARAMETER log_statement"),
    ],
    "all that a role owns": [
        ("CREATE ROLE leaver", "ROLE leaver"),
        ("CREATE TABLE owned (a int PRIMARY KEY)", ["TABLE public.owned", "INDEX public.owned_pkey"]),
        ("ALTER TABLE owned OWNER TO leaver", ["TABLE public.owned", "INDEX public.owned_pkey"]),
        ("DROP OWNED BY leaver", ["TABLE public.owned", "TABLE CONSTRAINT owned_pkey on public.owned", "INDEX public.owned_pkey"]),
    ],
    "dependence on an extension": [
        ("CREATE EXTENSION citext", "EXTENSION citext"),
        ("CREATE FUNCTION depending() RETURNS int LANGUAGE sql AS 'SELECT 1'", "FUNCTION public.depending()"),
        ("ALTER FUNCTION depending() DEPENDS ON EXTENSION citext", "FUNCTION public.depending()"),
        ("ALTER INDEX model_b_idx DEPENDS ON EXTENSION citext", "INDEX public.model_b_idx"),
    ],
}

# Commands that find everything as they want it.
UNCHANGED = [
    ("ALTER FUNCTION no_event() OWNER TO postgres", "FUNCTION public.no_event()"),
    ("ALTER SCHEMA other OWNER TO postgres", "SCHEMA other"),
    ("ALTER TABLE plain OWNER TO postgres", "TABLE public.plain"),
    ("ALTER DATABASE postgres OWNER TO postgres", "DATABASE postgres"),
    ("ALTER PUBLICATION idle OWNER TO postgres", "PUBLICATION idle"),
    ("ALTER EXTENSION plpgsql UPDATE", "EXTENSION plpgsql"),
    ("CREATE TABLE IF NOT EXISTS plain (a int)", "TABLE public.plain"),
    ("CREATE SCHEMA IF NOT EXISTS other", "SCHEMA other"),
    ("CREATE EXTENSION IF NOT EXISTS plpgsql", "EXTENSION plpgsql"),
    ("GRANT SELECT ON plain TO postgres", "TABLE public.plain"),
    ("COMMENT ON TABLE plain IS NULL", "TABLE public.plain"),
]


@pytest.fixture(scope="module")
def cluster(installation, aws, alias):
    """A server with a tablespace and a large object, and a library that accepts security labels."""
    factory = Factory(installation, aws, alias)
    cluster = factory(start=False, conf={"allow_in_place_tablespaces": "on"})
    cluster.configure({"shared_preload_libraries": f"activity_stream,{build(installation, cluster.folder)}"})
    cluster.start()
    cluster.execute(SETUP, "CREATE TABLESPACE holding LOCATION ''", "SELECT lo_create(4242)", "CREATE PUBLICATION idle")
    yield cluster
    factory.close()


@pytest.mark.parametrize("kind", COMMANDS)
def test_each_command_names_its_objects(cluster, kind):
    check(cluster, COMMANDS[kind])


@pytest.mark.parametrize(("command", "expected"), UNCHANGED)
def test_a_command_that_changes_nothing_names_its_object(cluster, command, expected):
    check(cluster, [(command, expected)])


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("TABLE plain", "TABLE public.plain"),
        ("COLUMN plain.a", "TABLE COLUMN public.plain.a"),
        ("FUNCTION no_event()", "FUNCTION public.no_event()"),
        ("SCHEMA other", "SCHEMA other"),
        ("TYPE shape", "TYPE public.shape"),
        ("ROLE clerk", "ROLE clerk"),
        ("DATABASE postgres", "DATABASE postgres"),
        ("TABLESPACE holding", "TABLESPACE holding"),
        ("PUBLICATION idle", "PUBLICATION idle"),
        ("LARGE OBJECT 4242", "LARGE OBJECT 4242"),
    ],
)
def test_a_security_label_names_its_object(cluster, named, expected):
    label = f"SECURITY LABEL FOR e2e ON {named} IS"
    check(cluster, [(f"{label} 'secret'", expected), (f"{label} NULL", expected)])


def test_every_database_is_covered_without_an_extension(cluster):
    cluster.execute("CREATE DATABASE bare TEMPLATE template0")
    commands = [
        # The sequence is made, and altered to belong to the column.
        ("CREATE TABLE bare (id serial PRIMARY KEY)", ["TABLE public.bare", "INDEX public.bare_pkey"] + [SEQUENCE] * 2),
        ("COMMENT ON TABLE bare IS 'x'", "TABLE public.bare"),
        ("GRANT SELECT ON bare TO clerk", "TABLE public.bare"),
        ("CREATE ROLE made_there", "ROLE made_there"),
        ("DROP ROLE made_there", "ROLE made_there"),
        ("DROP SCHEMA public CASCADE", DROPPED),
    ]
    events = check(cluster, commands, database="bare")
    assert {e["databaseName"] for e in events} == {"bare"}


def test_imported_tables_are_told(cluster):
    cluster.execute("CREATE DATABASE source")
    cluster.execute("CREATE TABLE near (a int)", "CREATE TABLE far (a int)", dbname="source")
    where = f"host '127.0.0.1', port '{cluster.port}', dbname 'source'"
    cluster.execute(
        "CREATE EXTENSION postgres_fdw",
        f"CREATE SERVER source FOREIGN DATA WRAPPER postgres_fdw OPTIONS ({where})",
        "CREATE USER MAPPING FOR postgres SERVER source OPTIONS (user 'postgres')",
    )
    events = cluster.record(lambda session: session.execute("IMPORT FOREIGN SCHEMA public FROM SERVER source INTO other"))
    assert {"FOREIGN TABLE other.near", "FOREIGN TABLE other.far"} <= set(objects(events))
    assert {(e["statementId"], e["class"]) for e in events} == {(2, "DDL")}


def test_every_event_of_the_module_is_complete_and_once(cluster):
    cluster.settle()
    cluster.reader.check_complete()
