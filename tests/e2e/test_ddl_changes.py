"""Owners, schemas, parts of tables and privileges: each command names what it makes, alters and drops, on the way too."""

import pytest

from conftest import Factory
from ddl import SETUP, check

# Commands in the order in which they run, and the objects of each.
COMMANDS = {
    "owners and schemas": [
        ("CREATE AGGREGATE agg(int) (SFUNC = int4pl, STYPE = int)", "AGGREGATE public.agg(integer)"),
        ("ALTER AGGREGATE agg(int) OWNER TO clerk", "AGGREGATE public.agg(integer)"),
        ("ALTER AGGREGATE agg(int) SET SCHEMA other", "AGGREGATE other.agg(integer)"),
        ("CREATE OR REPLACE AGGREGATE other.agg(int) (SFUNC = int4pl, STYPE = int)", "AGGREGATE other.agg(integer)"),
        ("CREATE PROCEDURE pro() LANGUAGE sql AS ''", "PROCEDURE public.pro()"),
        ("CREATE OR REPLACE PROCEDURE pro() LANGUAGE sql AS 'SELECT 1'", "PROCEDURE public.pro()"),
        ("ALTER PROCEDURE pro() OWNER TO clerk", "PROCEDURE public.pro()"),
        ("ALTER ROUTINE pro SET SCHEMA other", "PROCEDURE other.pro()"),
        ("COMMENT ON ROUTINE other.pro IS 'x'", "PROCEDURE other.pro()"),
        ("DROP ROUTINE other.pro", "PROCEDURE other.pro()"),
        ('CREATE COLLATION col FROM "C"', "COLLATION public.col"),
        ("ALTER COLLATION col SET SCHEMA other", "COLLATION other.col"),
        ("CREATE CONVERSION con FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8", "CONVERSION public.con"),
        ("ALTER CONVERSION con OWNER TO clerk", "CONVERSION public.con"),
        ("CREATE OPERATOR FAMILY fam USING hash", "OPERATOR FAMILY public.fam USING hash"),
        ("ALTER OPERATOR FAMILY fam USING hash OWNER TO boss", "OPERATOR FAMILY public.fam USING hash"),
        ("ALTER OPERATOR FAMILY fam USING hash SET SCHEMA other", "OPERATOR FAMILY other.fam USING hash"),
        (
            "CREATE OPERATOR CLASS cla FOR TYPE int USING btree AS FUNCTION 1 btint4cmp(int, int)",
            ["OPERATOR FAMILY public.cla USING btree", "OPERATOR CLASS public.cla USING btree"],
        ),
        ("ALTER OPERATOR CLASS cla USING btree OWNER TO boss", "OPERATOR CLASS public.cla USING btree"),
        ("ALTER OPERATOR CLASS cla USING btree SET SCHEMA other", "OPERATOR CLASS other.cla USING btree"),
        ("CREATE STATISTICS sta ON a, b FROM plain", "STATISTICS OBJECT public.sta"),
        ("ALTER STATISTICS sta SET SCHEMA other", "STATISTICS OBJECT other.sta"),
        ("CREATE TEXT SEARCH DICTIONARY dic (TEMPLATE = simple)", "TEXT SEARCH DICTIONARY public.dic"),
        ("ALTER TEXT SEARCH DICTIONARY dic OWNER TO clerk", "TEXT SEARCH DICTIONARY public.dic"),
        ("ALTER TEXT SEARCH DICTIONARY dic SET SCHEMA other", "TEXT SEARCH DICTIONARY other.dic"),
        ("CREATE TEXT SEARCH CONFIGURATION conf (COPY = simple)", "TEXT SEARCH CONFIGURATION public.conf"),
        ("ALTER TEXT SEARCH CONFIGURATION conf ALTER MAPPING FOR word WITH simple", "TEXT SEARCH CONFIGURATION public.conf"),
        ('ALTER TEXT SEARCH CONFIGURATION conf RENAME TO "Conf 2"', 'TEXT SEARCH CONFIGURATION public."Conf 2"'),
        ('ALTER TEXT SEARCH CONFIGURATION "Conf 2" SET SCHEMA other', 'TEXT SEARCH CONFIGURATION other."Conf 2"'),
        ("CREATE SEQUENCE seq", "SEQUENCE public.seq"),
        ("ALTER SEQUENCE seq OWNER TO clerk", "SEQUENCE public.seq"),
        ("ALTER SEQUENCE seq SET UNLOGGED", "SEQUENCE public.seq"),
        ("CREATE VIEW vie AS SELECT 1 AS a", "VIEW public.vie"),
        ("ALTER VIEW vie OWNER TO clerk", "VIEW public.vie"),
        ("COMMENT ON COLUMN vie.a IS 'x'", "VIEW COLUMN public.vie.a"),
        ("CREATE RULE rul AS ON INSERT TO vie DO INSTEAD NOTHING", "RULE rul on public.vie"),
        ("CREATE OR REPLACE RULE rul AS ON INSERT TO vie DO INSTEAD NOTIFY x", "RULE rul on public.vie"),
        ("ALTER TABLE vie RENAME TO vie2", "VIEW public.vie2"),
        ("CREATE MATERIALIZED VIEW mat AS SELECT 1 AS a", "MATERIALIZED VIEW public.mat"),
        ("ALTER MATERIALIZED VIEW mat ALTER a SET STATISTICS 5", "MATERIALIZED VIEW public.mat"),
        ("ALTER MATERIALIZED VIEW mat SET SCHEMA other", "MATERIALIZED VIEW other.mat"),
        ("CREATE FOREIGN DATA WRAPPER wra", "FOREIGN-DATA WRAPPER wra"),
        ("ALTER FOREIGN DATA WRAPPER wra OWNER TO boss", "FOREIGN-DATA WRAPPER wra"),
        ("CREATE SERVER ser FOREIGN DATA WRAPPER wra", "SERVER ser"),
        ("ALTER SERVER ser OWNER TO boss", "SERVER ser"),
        ("CREATE FOREIGN TABLE fore (a int) SERVER ser", "FOREIGN TABLE public.fore"),
        ("ALTER FOREIGN TABLE fore OWNER TO clerk", "FOREIGN TABLE public.fore"),
        ("ALTER FOREIGN TABLE fore SET SCHEMA other", "FOREIGN TABLE other.fore"),
        ("ALTER FOREIGN TABLE other.fore OPTIONS (ADD x 'y')", "FOREIGN TABLE other.fore"),
        ("CREATE EVENT TRIGGER eve ON sql_drop EXECUTE FUNCTION no_event()", "EVENT TRIGGER eve"),
        ("ALTER EVENT TRIGGER eve OWNER TO boss", "EVENT TRIGGER eve"),
        (
            "CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal))",
            "TRANSFORM for integer on language sql",
        ),
        (
            "CREATE OR REPLACE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal))",
            "TRANSFORM for integer on language sql",
        ),
        ("ALTER LARGE OBJECT 4242 OWNER TO boss", "LARGE OBJECT 4242"),
    ],
    "parts of tables": [
        ("CREATE TABLE tab (id int PRIMARY KEY, a int, b int NOT NULL)", ["TABLE public.tab", "INDEX public.tab_pkey"]),
        ("CREATE TRIGGER tri BEFORE INSERT ON tab FOR EACH ROW EXECUTE FUNCTION nothing()", "TRIGGER tri on public.tab"),
        ("CREATE OR REPLACE TRIGGER tri BEFORE UPDATE ON tab FOR EACH ROW EXECUTE FUNCTION nothing()", "TRIGGER tri on public.tab"),
        ("ALTER TABLE tab DISABLE TRIGGER tri", ["TRIGGER tri on public.tab", "TABLE public.tab"]),
        ("ALTER TABLE tab ENABLE ALWAYS TRIGGER tri", ["TRIGGER tri on public.tab", "TABLE public.tab"]),
        ("CREATE RULE rul AS ON DELETE TO tab DO INSTEAD NOTHING", "RULE rul on public.tab"),
        ("ALTER TABLE tab DISABLE RULE rul", ["RULE rul on public.tab", "TABLE public.tab"]),
        ("ALTER TABLE tab ENABLE ROW LEVEL SECURITY", "TABLE public.tab"),
        ("ALTER TABLE tab FORCE ROW LEVEL SECURITY", "TABLE public.tab"),
        ("ALTER TABLE tab REPLICA IDENTITY FULL", "TABLE public.tab"),
        ("ALTER TABLE tab REPLICA IDENTITY USING INDEX tab_pkey", "TABLE public.tab"),
        (
            "ALTER TABLE tab ALTER b ADD GENERATED ALWAYS AS IDENTITY",
            ["SEQUENCE public.tab_b_seq", "SEQUENCE public.tab_b_seq", "TABLE public.tab"],
        ),
        ("ALTER TABLE tab ALTER b SET GENERATED BY DEFAULT", ["SEQUENCE public.tab_b_seq", "TABLE public.tab"]),
        ("ALTER TABLE tab ALTER a SET NOT NULL, ALTER a DROP NOT NULL", "TABLE public.tab"),
        ("ALTER TABLE tab ALTER a SET STORAGE plain", "TABLE public.tab"),
        ("ALTER TABLE tab ALTER a SET (n_distinct = 5)", "TABLE public.tab"),
        ("ALTER TABLE tab ADD CONSTRAINT refers FOREIGN KEY (a) REFERENCES tab", "TABLE public.tab"),
        (
            "ALTER TABLE tab ALTER CONSTRAINT refers DEFERRABLE",
            [
                "TABLE CONSTRAINT refers on public.tab",
                'TRIGGER "RI_ConstraintTrigger_a_N" on public.tab',
                'TRIGGER "RI_ConstraintTrigger_a_N" on public.tab',
                'TRIGGER "RI_ConstraintTrigger_c_N" on public.tab',
                'TRIGGER "RI_ConstraintTrigger_c_N" on public.tab',
                "TABLE public.tab",
            ],
        ),
        ("ALTER TABLE tab VALIDATE CONSTRAINT refers", "TABLE public.tab"),
        ("CREATE UNIQUE INDEX uni ON tab (b)", "INDEX public.uni"),
        ("ALTER TABLE tab ADD CONSTRAINT uni2 UNIQUE USING INDEX uni", ["INDEX public.uni2", "TABLE public.tab"]),
        ("CREATE INDEX expr ON tab ((a + 1))", "INDEX public.expr"),
        ("ALTER INDEX expr ALTER COLUMN 1 SET STATISTICS 5", "INDEX public.expr"),
        ("ALTER INDEX tab_pkey SET TABLESPACE holding", "INDEX public.tab_pkey"),
        ("ALTER TABLE tab SET TABLESPACE holding", "TABLE public.tab"),
        ("ALTER TABLE tab SET UNLOGGED", "TABLE public.tab"),
        ("ALTER TABLE tab SET LOGGED", "TABLE public.tab"),
        ("ALTER TABLE tab SET WITHOUT CLUSTER", "TABLE public.tab"),
        ("ALTER TABLE tab SET ACCESS METHOD heap", "TABLE public.tab"),
        ("ALTER TABLE IF EXISTS tab ADD COLUMN IF NOT EXISTS a int", "TABLE public.tab"),
        ("COMMENT ON COLUMN tab.a IS NULL", "TABLE COLUMN public.tab.a"),
        ("COMMENT ON CONSTRAINT refers ON tab IS 'x'", "TABLE CONSTRAINT refers on public.tab"),
        ("CREATE TABLE kid () INHERITS (tab)", "TABLE public.kid"),
        ("ALTER TABLE tab RENAME a TO aa", ["TABLE COLUMN public.kid.aa", "TABLE COLUMN public.tab.aa"]),
        ("ALTER TABLE tab ADD c int", ["TABLE public.tab", "TABLE public.kid"]),
        ("ALTER TABLE tab DROP c", ["TABLE COLUMN public.tab.c", "TABLE COLUMN public.kid.c", "TABLE public.tab"]),
        (
            "DROP TABLE tab CASCADE",
            [
                "TABLE public.tab",
                "TABLE CONSTRAINT tab_pkey on public.tab",
                "INDEX public.tab_pkey",
                "TRIGGER tri on public.tab",
                "RULE rul on public.tab",
                "SEQUENCE public.tab_b_seq",
                "TABLE CONSTRAINT refers on public.tab",
                'TRIGGER "RI_ConstraintTrigger_a_N" on public.tab',
                'TRIGGER "RI_ConstraintTrigger_a_N" on public.tab',
                'TRIGGER "RI_ConstraintTrigger_c_N" on public.tab',
                'TRIGGER "RI_ConstraintTrigger_c_N" on public.tab',
                "TABLE CONSTRAINT uni2 on public.tab",
                "INDEX public.uni2",
                "INDEX public.expr",
                "TABLE public.kid",
            ],
        ),
        ("CREATE TABLE ptab (id int) PARTITION BY LIST (id)", "TABLE public.ptab"),
        ("CREATE TABLE ptab1 (id int)", "TABLE public.ptab1"),
        ("CREATE INDEX pidx ON ONLY ptab (id)", "INDEX public.pidx"),
        ("CREATE INDEX pidx1 ON ptab1 (id)", "INDEX public.pidx1"),
        ("ALTER TABLE ptab ATTACH PARTITION ptab1 FOR VALUES IN (1)", "TABLE public.ptab"),
        ("ALTER INDEX pidx ATTACH PARTITION pidx1", "INDEX public.pidx"),
        ("ALTER TABLE ptab DETACH PARTITION ptab1 CONCURRENTLY", "TABLE public.ptab"),
    ],
    "privileges": [
        ("CREATE DOMAIN other.dom AS int", "TYPE other.dom"),
        ("GRANT ALL ON ALL SEQUENCES IN SCHEMA other, public TO clerk", ["SCHEMA other", "SCHEMA public"]),
        ("GRANT ALL ON ALL PROCEDURES IN SCHEMA other TO clerk", "SCHEMA other"),
        ("REVOKE ALL ON ALL ROUTINES IN SCHEMA other FROM clerk", "SCHEMA other"),
        ("GRANT SELECT (a), INSERT (b) ON plain, model TO clerk WITH GRANT OPTION", ["TABLE public.plain", "TABLE public.model"]),
        ("REVOKE GRANT OPTION FOR SELECT (a) ON plain FROM clerk CASCADE", "TABLE public.plain"),
        ("GRANT ALL ON SCHEMA other, public TO clerk", ["SCHEMA other", "SCHEMA public"]),
        ("GRANT ALL ON DATABASE postgres, template1 TO clerk", ["DATABASE postgres", "DATABASE template1"]),
        ("GRANT USAGE ON TYPE shape, other.dom TO clerk", ["TYPE public.shape", "TYPE other.dom"]),
        ("GRANT USAGE ON LANGUAGE sql, plpgsql TO clerk", ["LANGUAGE sql", "LANGUAGE plpgsql"]),
        ("GRANT EXECUTE ON FUNCTION nothing, no_event TO clerk", ["FUNCTION public.nothing()", "FUNCTION public.no_event()"]),
        ("GRANT pg_monitor, pg_signal_backend TO clerk, boss WITH ADMIN OPTION", ["ROLE pg_monitor", "ROLE pg_signal_backend"]),
        ("REVOKE ADMIN OPTION FOR pg_monitor FROM clerk", "ROLE pg_monitor"),
        ("ALTER DEFAULT PRIVILEGES FOR ROLE boss GRANT ALL ON SEQUENCES TO clerk", "SEQUENCES for role boss on sequences"),
        ("ALTER DEFAULT PRIVILEGES FOR ROLE boss GRANT ALL ON TYPES TO clerk", "TYPES for role boss on types"),
        ("ALTER DEFAULT PRIVILEGES FOR ROLE boss GRANT ALL ON SCHEMAS TO clerk", "SCHEMAS for role boss on schemas"),
        ("CREATE PUBLICATION pubs FOR TABLES IN SCHEMA other, TABLE plain", "PUBLICATION pubs"),
        (
            "ALTER PUBLICATION pubs SET TABLE model WHERE (a > 1)",
            [
                "PUBLICATION NAMESPACE other in publication pubs",
                "PUBLICATION RELATION public.plain in publication pubs",
                "PUBLICATION RELATION public.model in publication pubs",
            ],
        ),
        ("ALTER PUBLICATION pubs DROP TABLE model", "PUBLICATION RELATION public.model in publication pubs"),
    ],
}

# What the server makes and drops by itself, of which its event triggers are not told either.
ON_THE_WAY = {
    "index of a partition's key": [
        ("CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id)", ["TABLE public.parts", "INDEX public.parts_pkey"]),
        ("CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (10)", ["TABLE public.part1", "INDEX public.part1_pkey"]),
    ],
    "index of a key that is attached": [
        ("CREATE TABLE wholes (id int PRIMARY KEY) PARTITION BY RANGE (id)", ["TABLE public.wholes", "INDEX public.wholes_pkey"]),
        ("CREATE TABLE whole1 (id int NOT NULL)", "TABLE public.whole1"),
        (
            "ALTER TABLE wholes ATTACH PARTITION whole1 FOR VALUES FROM (0) TO (10)",
            ["TABLE public.wholes", "INDEX public.whole1_pkey"],
        ),
    ],
    "sequence of an identity": [
        (
            "CREATE TABLE numbered (id int GENERATED ALWAYS AS IDENTITY)",
            ["TABLE public.numbered", "SEQUENCE public.numbered_id_seq", "SEQUENCE public.numbered_id_seq"],
        ),
        ("ALTER TABLE numbered ALTER id DROP IDENTITY", ["TABLE public.numbered", "SEQUENCE public.numbered_id_seq"]),
    ],
}


@pytest.fixture(scope="module")
def cluster(installation, aws, alias):
    """A server with a tablespace and a large object."""
    factory = Factory(installation, aws, alias)
    cluster = factory(conf={"allow_in_place_tablespaces": "on"})
    cluster.execute(SETUP, "CREATE TABLESPACE holding LOCATION ''", "SELECT lo_create(4242)")
    yield cluster
    factory.close()


@pytest.mark.parametrize("kind", COMMANDS)
def test_each_command_names_its_objects(cluster, kind):
    check(cluster, COMMANDS[kind])


@pytest.mark.parametrize("scenario", ON_THE_WAY)
def test_what_the_server_does_on_the_way_is_named(cluster, scenario):
    check(cluster, ON_THE_WAY[scenario])


def test_a_function_with_a_very_long_signature_is_named(cluster):
    schema, name = "s" * 63, '"' * 63
    quoted = '"' + name.replace('"', '""') + '"'
    cluster.execute(f"CREATE SCHEMA {schema}", f"CREATE TYPE {schema}.{quoted} AS (a int)")
    arguments = ", ".join([f"{schema}.{quoted}"] * 100)
    for command in (f"CREATE FUNCTION long({arguments}) RETURNS int LANGUAGE sql AS 'SELECT 1'", f"DROP FUNCTION long({arguments})"):
        (event,) = cluster.record(lambda session, command=command: session.execute(command))
        assert event["objectType"] == "FUNCTION"
        assert event["objectName"].startswith(f"public.long({schema}.")


def test_every_event_of_the_module_is_complete_and_once(cluster):
    cluster.settle()
    cluster.reader.check_complete()
