-- A refresh that runs statements of its own.
CREATE TABLE item (id int PRIMARY KEY, price numeric);
INSERT INTO item VALUES (1, 1), (2, 2);
CREATE MATERIALIZED VIEW kept AS SELECT id, price FROM item;
CREATE UNIQUE INDEX kept_id ON kept (id);
INSERT INTO item VALUES (3, 3);
DELETE FROM item WHERE id = 1;
REFRESH MATERIALIZED VIEW CONCURRENTLY kept;
SELECT * FROM kept;
