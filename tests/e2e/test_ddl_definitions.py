"""Routines, types, operators, triggers, text search, …: each command names what it makes, alters and drops, on the way too."""

import pytest

from ddl import SETUP, check

# Commands in the order in which they run, and the objects of each.
COMMANDS = {
    "function": [
        (
            "CREATE FUNCTION g1(a int, b text DEFAULT 'x') RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "FUNCTION public.g1(integer,pg_catalog.text)",
        ),
        (
            "CREATE OR REPLACE FUNCTION g1(a int, b text DEFAULT 'x') RETURNS int LANGUAGE sql AS 'SELECT 2'",
            "FUNCTION public.g1(integer,pg_catalog.text)",
        ),
        ("ALTER FUNCTION g1 IMMUTABLE", "FUNCTION public.g1(integer,pg_catalog.text)"),
        ("ALTER FUNCTION g1(int, text) RENAME TO g2", "FUNCTION public.g2(integer,pg_catalog.text)"),
        ("ALTER ROUTINE g2 OWNER TO clerk", "FUNCTION public.g2(integer,pg_catalog.text)"),
        ("ALTER FUNCTION g2 SET SCHEMA other", "FUNCTION other.g2(integer,pg_catalog.text)"),
        ("COMMENT ON FUNCTION other.g2 IS 'x'", "FUNCTION other.g2(integer,pg_catalog.text)"),
        ("GRANT EXECUTE ON FUNCTION other.g2 TO clerk", "FUNCTION other.g2(integer,pg_catalog.text)"),
        ("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA other TO clerk", "SCHEMA other"),
        ("REVOKE EXECUTE ON ROUTINE other.g2 FROM PUBLIC", "ROUTINE other.g2(integer,pg_catalog.text)"),
        ("DROP FUNCTION other.g2", "FUNCTION other.g2(integer,pg_catalog.text)"),
        ("CREATE PROCEDURE h1(a int) LANGUAGE sql AS ''", "PROCEDURE public.h1(integer)"),
        ("ALTER PROCEDURE h1 SECURITY DEFINER", "PROCEDURE public.h1(integer)"),
        ("ALTER PROCEDURE h1 RENAME TO h2", "PROCEDURE public.h2(integer)"),
        ("COMMENT ON PROCEDURE h2 IS 'x'", "PROCEDURE public.h2(integer)"),
        ("GRANT EXECUTE ON PROCEDURE h2 TO clerk", "PROCEDURE public.h2(integer)"),
        ("DROP PROCEDURE h2", "PROCEDURE public.h2(integer)"),
        ("CREATE AGGREGATE i1(int) (SFUNC = int4pl, STYPE = int)", "AGGREGATE public.i1(integer)"),
        ("ALTER AGGREGATE i1(int) RENAME TO i2", "AGGREGATE public.i2(integer)"),
        ("COMMENT ON AGGREGATE i2(int) IS 'x'", "AGGREGATE public.i2(integer)"),
        ("DROP AGGREGATE i2(int)", "AGGREGATE public.i2(integer)"),
    ],
    "type": [
        ("CREATE TYPE j1 AS (a int, b text)", "TYPE public.j1"),
        ("ALTER TYPE j1 ADD ATTRIBUTE c int", "COMPOSITE TYPE public.j1"),
        ("ALTER TYPE j1 RENAME ATTRIBUTE c TO d", "COMPOSITE TYPE COLUMN public.j1.d"),
        ("ALTER TYPE j1 DROP ATTRIBUTE d", ["COMPOSITE TYPE COLUMN public.j1.d", "COMPOSITE TYPE public.j1"]),
        ("ALTER TYPE j1 OWNER TO clerk", ["COMPOSITE TYPE public.j1", "TYPE public.j1"]),
        ("ALTER TYPE j1 RENAME TO j2", ["COMPOSITE TYPE public.j2", "TYPE public.j2"]),
        ("ALTER TYPE j2 SET SCHEMA other", ["COMPOSITE TYPE other.j2", "TYPE other.j2"]),
        ("COMMENT ON TYPE other.j2 IS 'x'", "TYPE other.j2"),
        ("GRANT USAGE ON TYPE other.j2 TO clerk", "TYPE other.j2"),
        ("DROP TYPE other.j2", "COMPOSITE TYPE other.j2"),
        ("CREATE TYPE k1 AS ENUM ('a')", "TYPE public.k1"),
        ("ALTER TYPE k1 ADD VALUE 'b'", "TYPE public.k1"),
        ("ALTER TYPE k1 RENAME VALUE 'a' TO 'c'", "TYPE public.k1"),
        ("DROP TYPE k1", "TYPE public.k1"),
        (
            "CREATE TYPE l1 AS RANGE (SUBTYPE = float8)",
            [
                "TYPE public.l1",
                "FUNCTION public.l1(double precision,double precision)",
                "FUNCTION public.l1(double precision,double precision,pg_catalog.text)",
                "FUNCTION public.l1_multirange()",
                "FUNCTION public.l1_multirange(public.l1)",
                "FUNCTION public.l1_multirange(public.l1[])",
                "CAST (public.l1 AS public.l1_multirange)",
            ],
        ),
        (
            "DROP TYPE l1",
            [
                "TYPE public.l1",
                "FUNCTION public.l1(double precision,double precision)",
                "FUNCTION public.l1(double precision,double precision,pg_catalog.text)",
                "FUNCTION public.l1_multirange()",
                "FUNCTION public.l1_multirange(public.l1[])",
                "FUNCTION public.l1_multirange(public.l1)",
                "CAST (public.l1 AS public.l1_multirange)",
            ],
        ),
        ("CREATE TYPE m1", "TYPE public.m1"),
        (
            "CREATE FUNCTION m1in(cstring) RETURNS m1 IMMUTABLE STRICT LANGUAGE internal AS 'int4in'",
            "FUNCTION public.m1in(pg_catalog.cstring)",
        ),
        (
            "CREATE FUNCTION m1out(m1) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'int4out'",
            "FUNCTION public.m1out(public.m1)",
        ),
        ("CREATE TYPE m1 (INPUT = m1in, OUTPUT = m1out, LIKE = int)", "TYPE public.m1"),
        ("ALTER TYPE m1 SET (STORAGE = plain)", "TYPE public.m1"),
        (
            "DROP TYPE m1 CASCADE",
            ["TYPE public.m1", "FUNCTION public.m1in(pg_catalog.cstring)", "FUNCTION public.m1out(public.m1)"],
        ),
    ],
    "domain": [
        ("CREATE DOMAIN n1 AS int CHECK (VALUE > 0)", "TYPE public.n1"),
        ("ALTER DOMAIN n1 ADD CONSTRAINT n1c CHECK (VALUE < 9)", "TYPE public.n1"),
        ("ALTER DOMAIN n1 RENAME CONSTRAINT n1c TO n1d", "DOMAIN CONSTRAINT n1d on public.n1"),
        ("COMMENT ON CONSTRAINT n1d ON DOMAIN n1 IS 'x'", "DOMAIN CONSTRAINT n1d on public.n1"),
        ("ALTER DOMAIN n1 VALIDATE CONSTRAINT n1d", ["DOMAIN CONSTRAINT n1d on public.n1", "TYPE public.n1"]),
        ("ALTER DOMAIN n1 DROP CONSTRAINT n1d", ["DOMAIN CONSTRAINT n1d on public.n1", "TYPE public.n1"]),
        ("ALTER DOMAIN n1 SET DEFAULT 2", "TYPE public.n1"),
        ("ALTER DOMAIN n1 SET NOT NULL", "TYPE public.n1"),
        ("ALTER DOMAIN n1 OWNER TO clerk", "TYPE public.n1"),
        ("ALTER DOMAIN n1 RENAME TO n2", "TYPE public.n2"),
        ("ALTER DOMAIN n2 SET SCHEMA other", ["DOMAIN CONSTRAINT n1_check on other.n2", "TYPE other.n2"]),
        ("COMMENT ON DOMAIN other.n2 IS 'x'", "TYPE other.n2"),
        ("GRANT USAGE ON DOMAIN other.n2 TO clerk", "TYPE other.n2"),
        ("DROP DOMAIN other.n2", ["TYPE other.n2", "DOMAIN CONSTRAINT n1_check on other.n2"]),
    ],
    "cast, conversion, collation, transform": [
        ("CREATE CAST (text AS point) WITH INOUT", "CAST (pg_catalog.text AS pg_catalog.point)"),
        ("COMMENT ON CAST (text AS point) IS 'x'", "CAST (pg_catalog.text AS pg_catalog.point)"),
        ("DROP CAST (text AS point)", "CAST (pg_catalog.text AS pg_catalog.point)"),
        ("CREATE CONVERSION o1 FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8", "CONVERSION public.o1"),
        ("ALTER CONVERSION o1 RENAME TO o2", "CONVERSION public.o2"),
        ("ALTER CONVERSION o2 SET SCHEMA other", "CONVERSION other.o2"),
        ("COMMENT ON CONVERSION other.o2 IS 'x'", "CONVERSION other.o2"),
        ("DROP CONVERSION other.o2", "CONVERSION other.o2"),
        ('CREATE COLLATION q1 FROM "C"', "COLLATION public.q1"),
        ("ALTER COLLATION q1 RENAME TO q2", "COLLATION public.q2"),
        ("ALTER COLLATION q2 OWNER TO clerk", "COLLATION public.q2"),
        ("ALTER COLLATION q2 REFRESH VERSION", "COLLATION public.q2"),
        ("COMMENT ON COLLATION q2 IS 'x'", "COLLATION public.q2"),
        ("DROP COLLATION q2", "COLLATION public.q2"),
        (
            "CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal))",
            "TRANSFORM for integer on language sql",
        ),
        ("COMMENT ON TRANSFORM FOR int LANGUAGE sql IS 'x'", "TRANSFORM for integer on language sql"),
        ("DROP TRANSFORM FOR int LANGUAGE sql", "TRANSFORM for integer on language sql"),
    ],
    "operator": [
        (
            "CREATE OPERATOR ## (LEFTARG = point, RIGHTARG = point, FUNCTION = point_add)",
            "OPERATOR public.##(pg_catalog.point,pg_catalog.point)",
        ),
        ("ALTER OPERATOR ## (point, point) OWNER TO clerk", "OPERATOR public.##(pg_catalog.point,pg_catalog.point)"),
        ("ALTER OPERATOR ## (point, point) SET (RESTRICT = NONE)", "OPERATOR public.##(pg_catalog.point,pg_catalog.point)"),
        ("ALTER OPERATOR ## (point, point) SET SCHEMA other", "OPERATOR other.##(pg_catalog.point,pg_catalog.point)"),
        ("COMMENT ON OPERATOR other.## (point, point) IS 'x'", "OPERATOR other.##(pg_catalog.point,pg_catalog.point)"),
        ("DROP OPERATOR other.## (point, point)", "OPERATOR other.##(pg_catalog.point,pg_catalog.point)"),
        ("CREATE OPERATOR FAMILY r1 USING btree", "OPERATOR FAMILY public.r1 USING btree"),
        (
            "ALTER OPERATOR FAMILY r1 USING btree ADD FUNCTION 1 (int, int) btint4cmp(int, int)",
            "OPERATOR FAMILY public.r1 USING btree",
        ),
        ("ALTER OPERATOR FAMILY r1 USING btree DROP FUNCTION 1 (int, int)", "OPERATOR FAMILY public.r1 USING btree"),
        ("ALTER OPERATOR FAMILY r1 USING btree RENAME TO r2", "OPERATOR FAMILY public.r2 USING btree"),
        ("COMMENT ON OPERATOR FAMILY r2 USING btree IS 'x'", "OPERATOR FAMILY public.r2 USING btree"),
        (
            "CREATE OPERATOR CLASS r3 FOR TYPE int USING btree FAMILY r2 AS FUNCTION 1 btint4cmp(int, int)",
            "OPERATOR CLASS public.r3 USING btree",
        ),
        ("ALTER OPERATOR CLASS r3 USING btree RENAME TO r4", "OPERATOR CLASS public.r4 USING btree"),
        ("COMMENT ON OPERATOR CLASS r4 USING btree IS 'x'", "OPERATOR CLASS public.r4 USING btree"),
        ("DROP OPERATOR CLASS r4 USING btree", "OPERATOR CLASS public.r4 USING btree"),
        ("DROP OPERATOR FAMILY r2 USING btree", "OPERATOR FAMILY public.r2 USING btree"),
        (
            "CREATE OPERATOR CLASS r5 FOR TYPE int USING btree AS FUNCTION 1 btint4cmp(int, int)",
            ["OPERATOR FAMILY public.r5 USING btree", "OPERATOR CLASS public.r5 USING btree"],
        ),
        ("DROP OPERATOR FAMILY r5 USING btree", ["OPERATOR FAMILY public.r5 USING btree", "OPERATOR CLASS public.r5 USING btree"]),
        ("CREATE ACCESS METHOD am1 TYPE INDEX HANDLER bthandler", "ACCESS METHOD am1"),
        ("COMMENT ON ACCESS METHOD am1 IS 'x'", "ACCESS METHOD am1"),
        ("DROP ACCESS METHOD am1", "ACCESS METHOD am1"),
    ],
    "trigger, rule, policy, statistics": [
        ("CREATE TRIGGER s1 BEFORE INSERT ON plain FOR EACH ROW EXECUTE FUNCTION nothing()", "TRIGGER s1 on public.plain"),
        ("ALTER TRIGGER s1 ON plain RENAME TO s2", "TRIGGER s2 on public.plain"),
        ("COMMENT ON TRIGGER s2 ON plain IS 'x'", "TRIGGER s2 on public.plain"),
        ("DROP TRIGGER s2 ON plain", "TRIGGER s2 on public.plain"),
        (
            "CREATE CONSTRAINT TRIGGER s3 AFTER INSERT ON plain FOR EACH ROW EXECUTE FUNCTION nothing()",
            "TRIGGER s3 on public.plain",
        ),
        ("DROP TRIGGER s3 ON plain", ["TRIGGER s3 on public.plain", "TABLE CONSTRAINT s3 on public.plain"]),
        ("CREATE RULE t1 AS ON INSERT TO plain DO ALSO NOTIFY x", "RULE t1 on public.plain"),
        ("ALTER RULE t1 ON plain RENAME TO t2", "RULE t2 on public.plain"),
        ("COMMENT ON RULE t2 ON plain IS 'x'", "RULE t2 on public.plain"),
        ("DROP RULE t2 ON plain", "RULE t2 on public.plain"),
        ("CREATE POLICY u1 ON plain USING (true)", "POLICY u1 on public.plain"),
        ("ALTER POLICY u1 ON plain TO clerk", "POLICY u1 on public.plain"),
        ("ALTER POLICY u1 ON plain RENAME TO u2", "POLICY u2 on public.plain"),
        ("COMMENT ON POLICY u2 ON plain IS 'x'", "POLICY u2 on public.plain"),
        ("DROP POLICY u2 ON plain", "POLICY u2 on public.plain"),
        ("CREATE STATISTICS v1 ON a, b FROM plain", "STATISTICS OBJECT public.v1"),
        ("ALTER STATISTICS v1 SET STATISTICS 10", "STATISTICS OBJECT public.v1"),
        ("ALTER STATISTICS v1 RENAME TO v2", "STATISTICS OBJECT public.v2"),
        ("ALTER STATISTICS v2 OWNER TO clerk", "STATISTICS OBJECT public.v2"),
        ("COMMENT ON STATISTICS v2 IS 'x'", "STATISTICS OBJECT public.v2"),
        ("DROP STATISTICS v2", "STATISTICS OBJECT public.v2"),
        ("CREATE EVENT TRIGGER w1 ON sql_drop EXECUTE FUNCTION no_event()", "EVENT TRIGGER w1"),
        ("ALTER EVENT TRIGGER w1 DISABLE", "EVENT TRIGGER w1"),
        ("ALTER EVENT TRIGGER w1 RENAME TO w2", "EVENT TRIGGER w2"),
        ("COMMENT ON EVENT TRIGGER w2 IS 'x'", "EVENT TRIGGER w2"),
        ("DROP EVENT TRIGGER w2", "EVENT TRIGGER w2"),
    ],
    "text search": [
        (
            "CREATE TEXT SEARCH PARSER x1 (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype)",
            "TEXT SEARCH PARSER public.x1",
        ),
        ("ALTER TEXT SEARCH PARSER x1 RENAME TO x2", "TEXT SEARCH PARSER public.x2"),
        ("COMMENT ON TEXT SEARCH PARSER x2 IS 'x'", "TEXT SEARCH PARSER public.x2"),
        ("CREATE TEXT SEARCH TEMPLATE x3 (LEXIZE = dsimple_lexize)", "TEXT SEARCH TEMPLATE public.x3"),
        ("ALTER TEXT SEARCH TEMPLATE x3 SET SCHEMA other", "TEXT SEARCH TEMPLATE other.x3"),
        ("COMMENT ON TEXT SEARCH TEMPLATE other.x3 IS 'x'", "TEXT SEARCH TEMPLATE other.x3"),
        ("CREATE TEXT SEARCH DICTIONARY x4 (TEMPLATE = simple)", "TEXT SEARCH DICTIONARY public.x4"),
        ("ALTER TEXT SEARCH DICTIONARY x4 (ACCEPT = false)", "TEXT SEARCH DICTIONARY public.x4"),
        ("ALTER TEXT SEARCH DICTIONARY x4 RENAME TO x5", "TEXT SEARCH DICTIONARY public.x5"),
        ("COMMENT ON TEXT SEARCH DICTIONARY x5 IS 'x'", "TEXT SEARCH DICTIONARY public.x5"),
        ("CREATE TEXT SEARCH CONFIGURATION x6 (PARSER = x2)", "TEXT SEARCH CONFIGURATION public.x6"),
        ("ALTER TEXT SEARCH CONFIGURATION x6 ADD MAPPING FOR word WITH x5", "TEXT SEARCH CONFIGURATION public.x6"),
        ("ALTER TEXT SEARCH CONFIGURATION x6 DROP MAPPING FOR word", "TEXT SEARCH CONFIGURATION public.x6"),
        ("ALTER TEXT SEARCH CONFIGURATION x6 OWNER TO clerk", "TEXT SEARCH CONFIGURATION public.x6"),
        ("COMMENT ON TEXT SEARCH CONFIGURATION x6 IS 'x'", "TEXT SEARCH CONFIGURATION public.x6"),
        ("DROP TEXT SEARCH CONFIGURATION x6", "TEXT SEARCH CONFIGURATION public.x6"),
        ("DROP TEXT SEARCH DICTIONARY x5", "TEXT SEARCH DICTIONARY public.x5"),
        ("DROP TEXT SEARCH TEMPLATE other.x3", "TEXT SEARCH TEMPLATE other.x3"),
        ("DROP TEXT SEARCH PARSER x2", "TEXT SEARCH PARSER public.x2"),
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
