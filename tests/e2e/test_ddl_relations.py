"""Schemas, tables, indexes, views and sequences: each command names what it makes, alters and drops, on the way too."""

import pytest

from ddl import SETUP, check

# Commands in the order in which they run, and the objects of each.
COMMANDS = {
    "schema": [
        ("CREATE SCHEMA a1", "SCHEMA a1"),
        ("CREATE SCHEMA IF NOT EXISTS a1b AUTHORIZATION clerk", "SCHEMA a1b"),
        ("ALTER SCHEMA a1 OWNER TO clerk", "SCHEMA a1"),
        ('ALTER SCHEMA a1 RENAME TO "A 2"', 'SCHEMA "A 2"'),
        ("COMMENT ON SCHEMA \"A 2\" IS 'x'", 'SCHEMA "A 2"'),
        ('GRANT USAGE ON SCHEMA "A 2" TO clerk', 'SCHEMA "A 2"'),
        ('REVOKE USAGE ON SCHEMA "A 2" FROM clerk', 'SCHEMA "A 2"'),
        ('DROP SCHEMA "A 2", a1b', ["SCHEMA a1b", 'SCHEMA "A 2"']),
        ("CREATE SCHEMA AUTHORIZATION clerk", "SCHEMA clerk"),
        ("DROP SCHEMA clerk", "SCHEMA clerk"),
        (
            "CREATE SCHEMA a3 CREATE TABLE el (id int PRIMARY KEY) CREATE VIEW v AS SELECT id FROM el CREATE INDEX elx ON el (id)"
            " CREATE SEQUENCE s GRANT SELECT ON el TO clerk"
            " CREATE TRIGGER tr BEFORE INSERT ON el FOR EACH ROW EXECUTE FUNCTION public.nothing()",
            [
                "SCHEMA a3",
                "SEQUENCE a3.s",
                "TABLE a3.el",
                "INDEX a3.el_pkey",
                "VIEW a3.v",
                "INDEX a3.elx",
                "TRIGGER tr on a3.el",
                "TABLE a3.el",
            ],
        ),
        (
            "DROP SCHEMA a3 CASCADE",
            [
                "SCHEMA a3",
                "SEQUENCE a3.s",
                "TABLE a3.el",
                "TABLE CONSTRAINT el_pkey on a3.el",
                "INDEX a3.el_pkey",
                "INDEX a3.elx",
                "TRIGGER tr on a3.el",
                "VIEW a3.v",
            ],
        ),
    ],
    "table": [
        (
            "CREATE TABLE b1 (id serial PRIMARY KEY, a int UNIQUE, b text DEFAULT 'x' CHECK (b <> ''))",
            [
                "SEQUENCE public.b1_id_seq",
                "TABLE public.b1",
                "INDEX public.b1_pkey",
                "INDEX public.b1_a_key",
                "SEQUENCE public.b1_id_seq",
            ],
        ),
        (
            "CREATE TABLE b2 (id int GENERATED ALWAYS AS IDENTITY, r int REFERENCES b1)",
            ["SEQUENCE public.b2_id_seq", "TABLE public.b2", "TABLE public.b2", "SEQUENCE public.b2_id_seq"],
        ),
        ("ALTER TABLE b1 ADD c int", "TABLE public.b1"),
        ("ALTER TABLE b1 ADD d serial", ["SEQUENCE public.b1_d_seq", "TABLE public.b1", "SEQUENCE public.b1_d_seq"]),
        ("ALTER TABLE b1 ADD CONSTRAINT chk CHECK (c > 0)", "TABLE public.b1"),
        ("ALTER TABLE b1 ADD CONSTRAINT uni UNIQUE (c)", ["INDEX public.uni", "TABLE public.b1"]),
        ("ALTER TABLE b1 ALTER c SET DEFAULT 1", "TABLE public.b1"),
        ("ALTER TABLE b1 ALTER c DROP DEFAULT", ["DEFAULT VALUE for public.b1.c", "TABLE public.b1"]),
        ('ALTER TABLE b1 RENAME COLUMN c TO "C c"', 'TABLE COLUMN public.b1."C c"'),
        ("ALTER TABLE b1 RENAME CONSTRAINT chk TO chk2", "TABLE CONSTRAINT chk2 on public.b1"),
        ("ALTER TABLE b1 DROP CONSTRAINT chk2", ["TABLE CONSTRAINT chk2 on public.b1", "TABLE public.b1"]),
        (
            'ALTER TABLE b1 DROP COLUMN "C c"',
            ['TABLE COLUMN public.b1."C c"', "TABLE CONSTRAINT uni on public.b1", "INDEX public.uni", "TABLE public.b1"],
        ),
        (
            "ALTER TABLE b1 DROP COLUMN d",
            ["TABLE COLUMN public.b1.d", "SEQUENCE public.b1_d_seq", "DEFAULT VALUE for public.b1.d", "TABLE public.b1"],
        ),
        # The index is made anew.
        ("ALTER TABLE b1 ALTER a TYPE bigint", ["TABLE public.b1", "INDEX public.b1_a_key"]),
        ("ALTER TABLE b1 ALTER a TYPE int, ADD e int", ["TABLE public.b1", "INDEX public.b1_a_key"]),
        (
            "ALTER TABLE b1 OWNER TO clerk",
            ["INDEX public.b1_pkey", "INDEX public.b1_a_key", "SEQUENCE public.b1_id_seq", "TABLE public.b1"],
        ),
        (
            "ALTER TABLE b1 SET SCHEMA other",
            [
                "TABLE other.b1",
                "INDEX other.b1_pkey",
                "INDEX other.b1_a_key",
                "SEQUENCE other.b1_id_seq",
                "TABLE CONSTRAINT b1_a_key on other.b1",
                "TABLE CONSTRAINT b1_b_check on other.b1",
                "TABLE CONSTRAINT b1_pkey on other.b1",
            ],
        ),
        ("ALTER TABLE other.b1 RENAME TO b3", "TABLE other.b3"),
        ("COMMENT ON TABLE other.b3 IS 'x'", "TABLE other.b3"),
        ("COMMENT ON COLUMN other.b3.a IS 'x'", "TABLE COLUMN other.b3.a"),
        ("COMMENT ON CONSTRAINT b1_b_check ON other.b3 IS 'x'", "TABLE CONSTRAINT b1_b_check on other.b3"),
        ("GRANT SELECT ON other.b3, b2 TO clerk", ["TABLE other.b3", "TABLE public.b2"]),
        ("GRANT UPDATE (a) ON other.b3 TO clerk", "TABLE other.b3"),
        ("REVOKE ALL ON other.b3 FROM clerk", "TABLE other.b3"),
        ("GRANT SELECT ON ALL TABLES IN SCHEMA other TO clerk", "SCHEMA other"),
        ("ALTER TABLE other.b3 CLUSTER ON b1_pkey", "TABLE other.b3"),
        (
            "ALTER TABLE other.b3 DISABLE TRIGGER ALL",
            ['TRIGGER "RI_ConstraintTrigger_a_N" on other.b3', 'TRIGGER "RI_ConstraintTrigger_a_N" on other.b3', "TABLE other.b3"],
        ),
        ("ALTER TABLE other.b3 SET (fillfactor = 50)", "TABLE other.b3"),
        ("ALTER TABLE other.b3 ALTER b SET STATISTICS 10", "TABLE other.b3"),
        (
            "DROP TABLE other.b3 CASCADE",
            [
                "TABLE other.b3",
                "SEQUENCE other.b1_id_seq",
                "DEFAULT VALUE for other.b3.id",
                "DEFAULT VALUE for other.b3.b",
                "TABLE CONSTRAINT b1_b_check on other.b3",
                "TABLE CONSTRAINT b1_pkey on other.b3",
                "INDEX other.b1_pkey",
                "TABLE CONSTRAINT b2_r_fkey on public.b2",
                'TRIGGER "RI_ConstraintTrigger_a_N" on other.b3',
                'TRIGGER "RI_ConstraintTrigger_a_N" on other.b3',
                'TRIGGER "RI_ConstraintTrigger_c_N" on public.b2',
                'TRIGGER "RI_ConstraintTrigger_c_N" on public.b2',
                "TABLE CONSTRAINT b1_a_key on other.b3",
                "INDEX other.b1_a_key",
            ],
        ),
        ("DROP TABLE b2", ["TABLE public.b2", "SEQUENCE public.b2_id_seq"]),
        (
            "CREATE UNLOGGED TABLE IF NOT EXISTS b4 (LIKE model INCLUDING ALL)",
            ["TABLE public.b4", "TABLE public.b4", "INDEX public.b4_b_idx", "TABLE COLUMN public.b4.a"],
        ),
        ("ALTER TABLE model ADD PRIMARY KEY (a)", ["TABLE public.model", "INDEX public.model_pkey"]),
        ("ALTER TABLE b4 INHERIT model", "TABLE public.b4"),
        ("ALTER TABLE b4 NO INHERIT model", "TABLE public.b4"),
        ("CREATE TABLE b5 OF shape", "TABLE public.b5"),
        ("ALTER TABLE b5 NOT OF", "TABLE public.b5"),
        ("DROP TABLE b4, b5", ["TABLE public.b5", "TABLE public.b4", "DEFAULT VALUE for public.b4.b", "INDEX public.b4_b_idx"]),
        ("CREATE TEMP TABLE b6 (a int PRIMARY KEY)", ["TABLE pg_temp.b6", "INDEX pg_temp.b6_pkey"]),
        ("DROP TABLE b6", ["TABLE pg_temp.b6", "TABLE CONSTRAINT b6_pkey on pg_temp.b6", "INDEX pg_temp.b6_pkey"]),
        ("CREATE TABLE b7 ()", "TABLE public.b7"),
        ("CREATE TABLE b8 ()", "TABLE public.b8"),
        ("DROP TABLE IF EXISTS b7, b8", ["TABLE public.b8", "TABLE public.b7"]),
    ],
    "partitioned table": [
        ("CREATE TABLE p (id int PRIMARY KEY, b int) PARTITION BY RANGE (id)", ["TABLE public.p", "INDEX public.p_pkey"]),
        ("CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)", ["TABLE public.p1", "INDEX public.p1_pkey"]),
        ("CREATE TABLE p2 (id int NOT NULL, b int)", "TABLE public.p2"),
        ("ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20)", ["INDEX public.p2_pkey", "TABLE public.p"]),
        ("CREATE INDEX pb ON p (b)", ["INDEX public.pb", "INDEX public.p1_b_idx", "INDEX public.p2_b_idx"]),
        ("ALTER TABLE p ADD c int", ["TABLE public.p", "TABLE public.p1", "TABLE public.p2"]),
        ("ALTER TABLE p DETACH PARTITION p2", "TABLE public.p"),
        (
            "DROP TABLE p",
            [
                "TABLE public.p",
                "TABLE CONSTRAINT p_pkey on public.p",
                "INDEX public.p_pkey",
                "TABLE public.p1",
                "TABLE CONSTRAINT p1_pkey on public.p1",
                "INDEX public.p1_pkey",
                "INDEX public.pb",
                "INDEX public.p1_b_idx",
            ],
        ),
        (
            "DROP TABLE p2",
            ["TABLE public.p2", "TABLE CONSTRAINT p2_pkey on public.p2", "INDEX public.p2_pkey", "INDEX public.p2_b_idx"],
        ),
    ],
    "index": [
        ("CREATE INDEX c1 ON plain (a)", "INDEX public.c1"),
        ("CREATE UNIQUE INDEX CONCURRENTLY c2 ON plain (a)", "INDEX public.c2"),
        ("ALTER INDEX c1 SET (fillfactor = 70)", "INDEX public.c1"),
        ("ALTER INDEX c1 RENAME TO c3", "INDEX public.c3"),
        ("COMMENT ON INDEX c3 IS 'x'", "INDEX public.c3"),
        ("DROP INDEX c3", "INDEX public.c3"),
        ("DROP INDEX CONCURRENTLY c2", "INDEX public.c2"),
        ("ALTER TABLE plain ADD CONSTRAINT ex EXCLUDE USING btree (a WITH =)", ["INDEX public.ex", "TABLE public.plain"]),
        ("ALTER TABLE plain DROP CONSTRAINT ex", ["TABLE CONSTRAINT ex on public.plain", "INDEX public.ex", "TABLE public.plain"]),
    ],
    "view": [
        ("CREATE VIEW d1 AS SELECT a FROM plain", "VIEW public.d1"),
        ("CREATE OR REPLACE VIEW d1 AS SELECT a, 1 AS b FROM plain", "VIEW public.d1"),
        ("ALTER VIEW d1 ALTER a SET DEFAULT 1", "VIEW public.d1"),
        ("ALTER VIEW d1 RENAME COLUMN b TO c", "VIEW COLUMN public.d1.c"),
        ("ALTER VIEW d1 RENAME TO d2", "VIEW public.d2"),
        ("ALTER VIEW d2 SET SCHEMA other", "VIEW other.d2"),
        ("ALTER VIEW other.d2 SET (security_barrier = true)", "VIEW other.d2"),
        ("COMMENT ON VIEW other.d2 IS 'x'", "VIEW other.d2"),
        ("GRANT SELECT ON other.d2 TO clerk", "TABLE other.d2"),
        ("DROP VIEW other.d2", ["VIEW other.d2", "DEFAULT VALUE for other.d2.a"]),
    ],
    "materialized view": [
        ("CREATE MATERIALIZED VIEW e1 AS SELECT 1 AS a", "MATERIALIZED VIEW public.e1"),
        ("CREATE UNIQUE INDEX e1x ON e1 (a)", "INDEX public.e1x"),
        ("REFRESH MATERIALIZED VIEW e1", "MATERIALIZED VIEW public.e1"),
        ("ALTER MATERIALIZED VIEW e1 RENAME COLUMN a TO b", "MATERIALIZED VIEW COLUMN public.e1.b"),
        ("ALTER MATERIALIZED VIEW e1 RENAME TO e2", "MATERIALIZED VIEW public.e2"),
        ("ALTER MATERIALIZED VIEW e2 OWNER TO clerk", ["INDEX public.e1x", "MATERIALIZED VIEW public.e2"]),
        ("COMMENT ON MATERIALIZED VIEW e2 IS 'x'", "MATERIALIZED VIEW public.e2"),
        ("DROP MATERIALIZED VIEW e2", ["MATERIALIZED VIEW public.e2", "INDEX public.e1x"]),
    ],
    "sequence": [
        ("CREATE SEQUENCE f1", "SEQUENCE public.f1"),
        ("ALTER SEQUENCE f1 RESTART 5", "SEQUENCE public.f1"),
        ("ALTER SEQUENCE f1 RENAME TO f2", "SEQUENCE public.f2"),
        ("ALTER SEQUENCE f2 OWNED BY plain.a", "SEQUENCE public.f2"),
        ("ALTER SEQUENCE f2 OWNED BY NONE", "SEQUENCE public.f2"),
        ("ALTER SEQUENCE f2 SET SCHEMA other", "SEQUENCE other.f2"),
        ("COMMENT ON SEQUENCE other.f2 IS 'x'", "SEQUENCE other.f2"),
        ("GRANT USAGE ON SEQUENCE other.f2 TO clerk", "SEQUENCE other.f2"),
        ("DROP SEQUENCE other.f2", "SEQUENCE other.f2"),
    ],
}


@pytest.fixture(scope="module", autouse=True)
def setup(cluster):
    cluster.execute(SETUP)


@pytest.mark.parametrize("kind", COMMANDS)
def test_each_command_names_its_objects(cluster, kind):
    check(cluster, COMMANDS[kind])


def test_every_event_of_the_module_is_complete_and_once(cluster):
    cluster.settle()
    cluster.reader.check_complete()
