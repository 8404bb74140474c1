-- Reading and changing rows in every form that SQL has for it.
CREATE SCHEMA shop;
CREATE TABLE shop.item (id int PRIMARY KEY, name text, price numeric DEFAULT 1);
CREATE TABLE shop.part (id int, item int);
CREATE TABLE shop.log (at timestamptz DEFAULT now(), what text);
CREATE TABLE shop."Odd ""Name""" ("A b" int);
CREATE TEMP TABLE scratch (a int);

INSERT INTO shop.item VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3);
INSERT INTO shop.item (id, name) VALUES (4, 'four') RETURNING *;
INSERT INTO shop.log DEFAULT VALUES;
INSERT INTO shop.part SELECT id * 10, id FROM shop.item;
INSERT INTO shop.part (id, item) SELECT g, g FROM generate_series(100, 104) g;
INSERT INTO shop."Odd ""Name""" VALUES (1);
INSERT INTO scratch SELECT id FROM shop.item;
INSERT INTO shop.item VALUES (1, 'again') ON CONFLICT DO NOTHING;
INSERT INTO shop.item VALUES (1, 'again') ON CONFLICT (id) DO UPDATE SET name = 'twice';
INSERT INTO shop.item VALUES (2, 'again') ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE item.price < 10 RETURNING id;
INSERT INTO shop.item VALUES (1, 'a key that is taken');

SELECT;
SELECT 1, 'two', now() > now();
SELECT * FROM shop.item;
SELECT * FROM shop.item WHERE false;
SELECT * FROM shop.item WHERE id > 1000;
TABLE shop.part;
VALUES (1, 'a'), (2, 'b');
SELECT * FROM (VALUES (1), (2)) v (a);
SELECT * FROM generate_series(1, 5);
SELECT count(*) FROM shop."Odd ""Name""";
SELECT a FROM scratch ORDER BY a LIMIT 2;
SELECT * FROM shop.item i JOIN shop.part p ON p.item = i.id;
SELECT * FROM shop.item a, shop.item b WHERE a.id = b.id;
SELECT * FROM shop.item LEFT JOIN LATERAL (SELECT * FROM shop.part WHERE item = item.id LIMIT 1) p ON true;
SELECT (SELECT max(id) FROM shop.part), EXISTS (SELECT FROM shop.item WHERE id = 2);
SELECT id FROM shop.item WHERE id IN (SELECT item FROM shop.part) UNION ALL SELECT id FROM shop.part;
SELECT id FROM shop.item INTERSECT SELECT item FROM shop.part EXCEPT SELECT 3;
SELECT name, sum(price) OVER (PARTITION BY name) FROM shop.item;
SELECT count(*) FROM shop.item GROUP BY GROUPING SETS ((name), ());
SELECT * FROM shop.item FOR UPDATE;
SELECT * FROM shop.item i, shop.part p WHERE p.item = i.id FOR SHARE OF i;
SELECT * FROM shop.item TABLESAMPLE system (100);
SELECT 1 AS a \; SELECT 2 AS b \; INSERT INTO shop.log (what) VALUES ('the third of one string');
SELECT 'ü, ''quoted'', "double", \ and
a second line';

WITH i AS (SELECT * FROM shop.item) SELECT count(*) FROM i;
WITH i AS MATERIALIZED (SELECT * FROM shop.item) SELECT a.id FROM i a, i b;
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r;
WITH RECURSIVE r AS (SELECT id FROM shop.item WHERE id = 1 UNION ALL SELECT i.id FROM shop.item i, r WHERE i.id = r.id + 1) TABLE r;
WITH gone AS (DELETE FROM shop.part WHERE id > 102 RETURNING *) SELECT count(*) FROM gone;
WITH gone AS (DELETE FROM shop.part WHERE id > 101 RETURNING *) INSERT INTO shop.log (what) SELECT id::text FROM gone;
WITH new AS (INSERT INTO shop.log (what) VALUES ('a') RETURNING *), old AS (UPDATE shop.item SET price = 7 RETURNING id) SELECT * FROM new, old;
WITH nobody AS (UPDATE shop.item SET price = 8 WHERE id = 1) SELECT 'not read';

UPDATE shop.item SET price = price + 1;
UPDATE shop.item SET price = 0 WHERE id = 2 RETURNING price;
UPDATE shop.item SET price = 0 WHERE id = 77;
UPDATE shop.item i SET name = p.id::text FROM shop.part p WHERE p.item = i.id;
UPDATE shop.item SET (name, price) = (SELECT 'x', 2 FROM shop.part LIMIT 1) WHERE id = 3;
UPDATE shop.item SET id = 1 WHERE id = 2;
DELETE FROM shop.part WHERE item = 4;
DELETE FROM shop.part p USING shop.item i WHERE i.id = p.item AND i.id = 3 RETURNING p.*;
DELETE FROM shop.part WHERE EXISTS (SELECT FROM shop.item WHERE id = part.item);
DELETE FROM scratch;

SELECT relname FROM pg_class WHERE oid = 'shop.item'::regclass;
SELECT count(*) > 0 FROM pg_catalog.pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace;
SELECT count(*) > 0 FROM pg_tables;
SELECT count(*) > 0 FROM information_schema.tables;
SELECT 1 / 0;
SELECT * FROM shop.no_such_table;
SELEC 1;

CREATE SEQUENCE shop.seq;
SELECT nextval('shop.seq'), currval('shop.seq'), setval('shop.seq', 10);
SELECT last_value FROM shop.seq;
INSERT INTO shop.part VALUES (nextval('shop.seq'), 1);

TRUNCATE shop.part;
TRUNCATE TABLE shop.item, shop.log RESTART IDENTITY CASCADE;
LOCK TABLE shop.item;
BEGIN;
LOCK TABLE shop.item, shop.part IN ACCESS EXCLUSIVE MODE;
COMMIT;

INSERT INTO shop.item VALUES (1, 'one', 1);
MERGE INTO shop.part p USING shop.item i ON p.item = i.id WHEN MATCHED THEN UPDATE SET id = 5 WHEN NOT MATCHED THEN INSERT VALUES (9, i.id);
MERGE INTO shop.part p USING shop.item i ON p.item = i.id WHEN MATCHED THEN DELETE;
MERGE INTO shop.part p USING (VALUES (1)) v (a) ON p.item = v.a WHEN MATCHED THEN DO NOTHING;
