-- COPY in both directions, of tables and of queries, by the client, files and programs.
CREATE TABLE item (id int, name text);
CREATE TABLE other (LIKE item);
CREATE VIEW names AS SELECT name FROM item;
COPY item FROM STDIN;
1	one
2	two
3	\N
\.
COPY item (id) FROM STDIN WITH (FORMAT csv);
4
\.
COPY item TO STDOUT;
COPY item (name) TO STDOUT WITH (FORMAT csv, HEADER);
COPY (SELECT id FROM item WHERE id > 1) TO STDOUT;
COPY (SELECT * FROM names) TO STDOUT;
COPY (SELECT 1, 2) TO STDOUT;
COPY (VALUES (1), (2)) TO STDOUT;
COPY (INSERT INTO item VALUES (5, 'five'), (6, 'six') RETURNING id) TO STDOUT;
COPY (UPDATE item SET name = 'x' WHERE id = 5 RETURNING *) TO STDOUT;
COPY (DELETE FROM item WHERE id = 6 RETURNING *) TO STDOUT;
COPY (SELECT * FROM item JOIN other USING (id)) TO STDOUT;
COPY item TO '/dev/null';
COPY other FROM '/dev/null';
COPY item TO PROGRAM 'cat >/dev/null';
COPY other (id) FROM PROGRAM 'seq 3';
COPY other FROM STDIN WHERE id > 1;
1	a
2	b
\.
COPY item (id) FROM STDIN;
not a number
\.
COPY no_such_table TO STDOUT;
COPY item TO '/no/such/folder';
DO $$ BEGIN COPY item TO '/dev/null'; EXECUTE 'COPY other (id) FROM PROGRAM ''seq 2'''; END $$;
