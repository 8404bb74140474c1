-- Functions and procedures in SQL and PL/pgSQL, DO, recursion, dynamic SQL, SECURITY DEFINER, aggregates.
CREATE ROLE pgaudit_caller LOGIN;
CREATE TABLE item (id int PRIMARY KEY, name text);
CREATE TABLE log (what text);
INSERT INTO item SELECT g, 'item ' || g FROM generate_series(1, 5) g;
GRANT SELECT, INSERT ON item, log TO pgaudit_caller;

CREATE FUNCTION plus_one(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
CREATE FUNCTION name_of(int) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT name FROM item WHERE id = $1';
CREATE FUNCTION two_steps(int) RETURNS bigint LANGUAGE sql AS 'INSERT INTO log VALUES ($1::text); SELECT count(*) FROM log';
CREATE FUNCTION all_items() RETURNS SETOF item LANGUAGE sql STABLE AS 'SELECT * FROM item';
CREATE FUNCTION items_over(x int) RETURNS TABLE (i int, n text) LANGUAGE sql AS 'SELECT * FROM item WHERE id > x';
CREATE FUNCTION atomic(x int) RETURNS text LANGUAGE sql VOLATILE BEGIN ATOMIC SELECT name FROM item WHERE id = x; END;
SELECT plus_one(1);
SELECT plus_one(id) FROM item;
SELECT name_of(1);
SELECT name_of(id) FROM item WHERE id < 3;
SELECT two_steps(7);
SELECT * FROM all_items();
SELECT all_items();
SELECT * FROM items_over(3);
SELECT atomic(2);
SELECT upper(name_of(3)), lower('X');
INSERT INTO log SELECT name_of(4);
UPDATE log SET what = name_of(1) WHERE two_steps(1) > 0;

CREATE FUNCTION pl(x int, y text DEFAULT 'a', OUT z int) LANGUAGE plpgsql AS $$
DECLARE
  r record;
  c CURSOR (low int) FOR SELECT id FROM item WHERE id > low;
  dynamic refcursor;
  words text[];
BEGIN
  FOR r IN SELECT * FROM item WHERE id < x LOOP
    INSERT INTO log VALUES (r.name || y);
  END LOOP;
  FOR z IN 1..2 LOOP
    UPDATE log SET what = what || z;
  END LOOP;
  SELECT count(*) INTO z FROM item WHERE id <= x;
  SELECT array_agg(name) INTO words FROM item;
  FOREACH y IN ARRAY words LOOP
    NULL;
  END LOOP;
  EXECUTE 'DELETE FROM log WHERE what = $1' USING y;
  EXECUTE format('SELECT count(*) FROM %I', 'item') INTO z;
  FOR r IN EXECUTE 'SELECT id FROM item WHERE id > $1' USING 3 LOOP
    NULL;
  END LOOP;
  OPEN c (2);
  FETCH c INTO r;
  MOVE NEXT IN c;
  CLOSE c;
  OPEN dynamic FOR SELECT name FROM item;
  FETCH dynamic INTO r;
  CLOSE dynamic;
  PERFORM plus_one(x);
  PERFORM name_of(x) FROM item LIMIT 1;
  z := (SELECT max(id) FROM item);
  IF EXISTS (SELECT FROM item WHERE id = x) THEN
    z := z + plus_one(x);
  END IF;
END $$;
SELECT pl(3);
SELECT * FROM pl(2, 'b');
SELECT pl(1) FROM item WHERE id = 1;

CREATE FUNCTION returns_query(x int) RETURNS SETOF item LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY SELECT * FROM item WHERE id < x;
  RETURN QUERY EXECUTE 'SELECT * FROM item WHERE id > $1' USING x;
  RETURN NEXT NULL;
END $$;
SELECT * FROM returns_query(3);
SELECT (returns_query(2)).name;

CREATE FUNCTION factorial(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO log VALUES ('n = ' || n);
  RETURN CASE WHEN n < 2 THEN 1 ELSE n * factorial(n - 1) END;
END $$;
SELECT factorial(4);

CREATE FUNCTION catches(x int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO item VALUES (x, 'caught');
  RETURN 'inserted';
EXCEPTION WHEN unique_violation THEN
  INSERT INTO log VALUES ('caught');
  RETURN 'caught';
END $$;
SELECT catches(1);
SELECT catches(100);

CREATE FUNCTION fails() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO log VALUES ('before it fails');
  RAISE EXCEPTION 'on purpose';
END $$;
SELECT fails();
SELECT no_such_function();

DO $$ BEGIN NULL; END $$;
DO $$
DECLARE r record;
BEGIN
  PERFORM 1;
  INSERT INTO log VALUES ('from DO');
  FOR r IN SELECT id FROM item LIMIT 3 LOOP
    EXECUTE format('INSERT INTO log VALUES (%L)', r.id);
  END LOOP;
  PERFORM factorial(2);
END $$;
DO $$ BEGIN CREATE TABLE made (a int PRIMARY KEY); ALTER TABLE made ADD b text; DROP TABLE made; END $$;
DO $$ BEGIN EXECUTE 'CREATE ROLE pgaudit_made'; EXECUTE 'DROP ROLE pgaudit_made'; END $$;
DO $$ BEGIN PERFORM set_config('work_mem', '4MB', false); SET LOCAL work_mem = '5MB'; END $$;

CREATE PROCEDURE note(x text) LANGUAGE sql AS $$ INSERT INTO log VALUES (x) $$;
CREATE PROCEDURE steps(x int) LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO log VALUES (x::text);
  COMMIT;
  INSERT INTO log VALUES ((x + 1)::text);
  ROLLBACK;
  CALL note('from steps');
END $$;
CREATE PROCEDURE gives(INOUT x int) LANGUAGE plpgsql AS $$ BEGIN x := x + 1; END $$;
CALL note('called');
CALL steps(1);
CALL gives(1);
DO $$ DECLARE y int := 1; BEGIN CALL gives(y); END $$;

CREATE AGGREGATE total (int) (sfunc = int4pl, stype = int, initcond = '0');
CREATE FUNCTION adds(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1 + coalesce($2, 0)';
CREATE AGGREGATE own_total (int) (sfunc = adds, stype = int);
SELECT total(id) FROM item;
SELECT own_total(id) FROM item;
SELECT id, total(id) OVER (ORDER BY id) FROM item WHERE id < 3;

CREATE FUNCTION as_owner() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO log VALUES ('as owner');
  RETURN (SELECT count(*) FROM item);
END $$;
SELECT as_owner();
\connect - pgaudit_caller
SELECT as_owner();
SELECT name_of(1);
SELECT * FROM item WHERE id = 1;
\connect - postgres
SET ROLE pgaudit_caller;
SELECT as_owner();
RESET ROLE;

CREATE FUNCTION ddl() RETURNS void LANGUAGE sql AS 'CREATE TABLE made (a int); DROP TABLE made';
SELECT ddl();
SELECT pg_read_file('PG_VERSION') <> '', pg_sleep(0), pg_backend_pid() > 0;
SELECT lo_unlink(lo_create(0)) = 1;

ALTER FUNCTION plus_one(int) RENAME TO plus;
ALTER FUNCTION plus(int) STRICT;
ALTER FUNCTION plus(int) OWNER TO pgaudit_caller;
ALTER PROCEDURE note(text) SET work_mem = '4MB';
ALTER ROUTINE two_steps(int) COST 7;
COMMENT ON FUNCTION plus(int) IS 'a function';
CREATE OR REPLACE FUNCTION plus(int) RETURNS int LANGUAGE sql AS 'SELECT $1 + 2';
DROP AGGREGATE total (int);
DROP FUNCTION pl, all_items, atomic(int);
DROP PROCEDURE steps;
DROP ROUTINE IF EXISTS note(text), not_there(int);
DROP OWNED BY pgaudit_caller;
DROP ROLE pgaudit_caller;
