-- What clients see is, to the letter, what a server without activity_stream shows: the expected output of this file was
-- made on one.
\set VERBOSITY default
SET client_min_messages = notice;

-- Queries and changes.
CREATE TABLE item (id int PRIMARY KEY, name text NOT NULL, price numeric CHECK (price >= 0));
CREATE TABLE part (id int REFERENCES item ON DELETE CASCADE, n int);
INSERT INTO item VALUES (1, 'one', 1.5), (2, 'two', 2), (3, 'three', NULL);
INSERT INTO part SELECT id, n FROM item, generate_series(1, 2) AS n;
SELECT * FROM item ORDER BY id;
SELECT i.name, count(*) FROM item i JOIN part USING (id) GROUP BY 1 ORDER BY 1;
UPDATE item SET price = price * 2 WHERE id < 3 RETURNING id, price;
WITH gone AS (DELETE FROM item WHERE id = 3 RETURNING *) SELECT name FROM gone;
SELECT count(*) FROM part;
MERGE INTO item USING (VALUES (1, 'uno'), (4, 'four')) AS v (id, name) ON item.id = v.id
    WHEN MATCHED THEN UPDATE SET name = v.name
    WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.name, 4);
TABLE item ORDER BY id;
SELECT 1 \; SELECT 2 AS second;

-- Prepared statements.
PREPARE by_id (int) AS SELECT name FROM item WHERE id = $1;
EXECUTE by_id (1);
EXECUTE by_id (2);
EXPLAIN (COSTS OFF) EXECUTE by_id (1);
DEALLOCATE by_id;
EXECUTE by_id (1);

-- Errors, with all that belongs to them.
SELECT nothing FROM item;
SELECT * FROM no_such_table;
SELEC 1;
SELECT 1 / 0;
INSERT INTO item VALUES (1, 'again', 0);
INSERT INTO item VALUES (9, NULL, 0);
INSERT INTO item VALUES (9, 'nine', -9);
INSERT INTO part VALUES (77, 1);
SELECT 'x'::int;
SELECT no_such_function(1);
CREATE TABLE item (id int);
DROP TABLE no_such_table;
DROP TABLE IF EXISTS no_such_table;
SET no_such_setting = 1;

-- Transactions, savepoints and what an error does to them.
BEGIN;
INSERT INTO item VALUES (10, 'ten', 10);
SAVEPOINT a;
INSERT INTO item VALUES (10, 'ten', 10);
SELECT 1;
ROLLBACK TO SAVEPOINT a;
SELECT name FROM item WHERE id = 10;
RELEASE SAVEPOINT a;
ROLLBACK;
SELECT count(*) FROM item WHERE id = 10;
BEGIN;
SELECT 1 / 0;
COMMIT;
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY;
INSERT INTO item VALUES (11, 'eleven', 11);
ROLLBACK;
BEGIN;
CREATE TABLE short_lived (a int);
INSERT INTO short_lived VALUES (1);
COMMIT AND CHAIN;
DROP TABLE short_lived;
ROLLBACK;
TABLE short_lived;

-- Cursors, fetched in parts, held and left open.
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id, name FROM item ORDER BY id;
FETCH 2 FROM c;
FETCH PRIOR FROM c;
MOVE FORWARD ALL FROM c;
FETCH BACKWARD 1 FROM c;
UPDATE item SET price = 5 WHERE CURRENT OF c;
CLOSE c;
DECLARE h CURSOR WITH HOLD FOR SELECT id FROM item ORDER BY id;
DECLARE open_at_the_end CURSOR FOR SELECT 1;
COMMIT;
FETCH ALL FROM h;
CLOSE h;
FETCH 1 FROM open_at_the_end;

-- Functions, triggers and procedures, nested and failing.
CREATE FUNCTION add_item(i int, n text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO item VALUES (i, n, 0);
    RETURN i;
EXCEPTION WHEN unique_violation THEN
    RAISE NOTICE 'item % is there', i;
    RETURN NULL;
END $$;
SELECT add_item(20, 'twenty');
SELECT add_item(20, 'twenty');
CREATE FUNCTION fails() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM 1 / 0; END $$;
SELECT fails();
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% %', TG_OP, (SELECT count(*) FROM item);
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT OR DELETE ON item FOR EACH STATEMENT EXECUTE FUNCTION tell();
INSERT INTO item VALUES (21, 'twenty-one', 0);
DELETE FROM item WHERE id >= 20;
DROP TRIGGER tell ON item;
CREATE PROCEDURE in_steps(n int) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..n LOOP
        INSERT INTO item VALUES (30 + i, 'step', i);
        COMMIT;
    END LOOP;
    ROLLBACK;
END $$;
CALL in_steps(3);
BEGIN;
CALL in_steps(0);
ROLLBACK;
SELECT count(*) FROM item WHERE name = 'step';
DO $$ BEGIN RAISE NOTICE 'done'; END $$;
DO $$ BEGIN RAISE EXCEPTION 'own error' USING ERRCODE = 'P1234', DETAIL = 'a detail', HINT = 'a hint'; END $$;

-- COPY in and out.
COPY item (id, name) FROM STDIN;
40	forty
41	forty-one
\.
COPY (SELECT id, name FROM item WHERE id >= 40 ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER);
COPY item (id, name) FROM STDIN;
fifty	fifty
\.

-- Definitions.
CREATE SCHEMA shop CREATE TABLE thing (a int) CREATE VIEW things AS SELECT a FROM thing;
CREATE INDEX ON shop.thing (a);
CREATE INDEX CONCURRENTLY thing_twice ON shop.thing ((a * 2));
ALTER TABLE shop.thing ADD COLUMN b text DEFAULT 'b', ALTER a TYPE bigint;
DROP VIEW shop.things;
ALTER TABLE shop.thing ALTER a TYPE bigint;
CREATE TABLE copied AS SELECT * FROM item WHERE id < 3;
SELECT * INTO copied_too FROM copied;
CREATE MATERIALIZED VIEW seen AS SELECT count(*) FROM item;
REFRESH MATERIALIZED VIEW seen;
CREATE SEQUENCE numbers;
SELECT nextval('numbers'), currval('numbers');
CREATE TYPE mood AS ENUM ('good', 'bad');
TRUNCATE copied, copied_too;
ANALYZE item;
VACUUM item;
EXPLAIN (COSTS OFF) SELECT * FROM item WHERE id = 1;
DROP SCHEMA shop CASCADE;

-- Roles and privileges.
CREATE ROLE regress_activity_reader PASSWORD 'secret';
GRANT SELECT ON item TO regress_activity_reader;
SET ROLE regress_activity_reader;
SELECT count(*) > 0 AS may_read FROM item;
DELETE FROM item;
SELECT * FROM part;
RESET ROLE;
REVOKE ALL ON item FROM regress_activity_reader;
DROP ROLE regress_activity_reader;

-- Notifications, locks, large objects, timeouts.
LISTEN channel;
UNLISTEN *;
BEGIN;
LOCK TABLE item IN SHARE MODE;
COMMIT;
SELECT lo_create(424242);
SELECT lo_unlink(424242);
SET statement_timeout = '20ms';
SELECT pg_sleep(10);
RESET statement_timeout;
SET log_min_messages = panic;
SELECT 1 / 0;
RESET log_min_messages;

-- Parallel query.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
CREATE TABLE wide AS SELECT g AS a FROM generate_series(1, 10000) g;
ALTER TABLE wide SET (parallel_workers = 2);
SELECT count(*), sum(a) FROM wide;

DROP MATERIALIZED VIEW seen;
DROP FUNCTION add_item, fails, tell;
DROP PROCEDURE in_steps;
DROP TABLE item, part, copied, copied_too, wide, short_lived;
DROP SEQUENCE numbers;
DROP TYPE mood;
