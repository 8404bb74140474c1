-- Triggers of every kind, foreign keys and their queries, deferred constraints.
CREATE TABLE item (id int PRIMARY KEY, name text);
CREATE TABLE log (what text);
CREATE VIEW seen AS SELECT id, name FROM item;
CREATE FUNCTION tells() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO log VALUES (tg_op || ' ' || tg_when || ' ' || tg_level);
  IF tg_op = 'DELETE' THEN RETURN old; END IF;
  RETURN new;
END $$;
CREATE FUNCTION sums() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO log SELECT 'all ' || count(*) FROM changed;
  RETURN NULL;
END $$;
CREATE TRIGGER before_row BEFORE INSERT OR UPDATE ON item FOR EACH ROW EXECUTE FUNCTION tells();
INSERT INTO item VALUES (1, 'one'), (2, 'two');
CREATE TRIGGER after_row AFTER UPDATE OR DELETE ON item FOR EACH ROW EXECUTE FUNCTION tells();
CREATE TRIGGER after_statement AFTER UPDATE ON item EXECUTE FUNCTION tells();
CREATE TRIGGER after_truncate AFTER TRUNCATE ON item EXECUTE FUNCTION tells();
CREATE TRIGGER after_all AFTER UPDATE ON item REFERENCING NEW TABLE AS changed EXECUTE FUNCTION sums();
CREATE TRIGGER of_view INSTEAD OF INSERT ON seen FOR EACH ROW EXECUTE FUNCTION tells();
CREATE TRIGGER sometimes BEFORE DELETE ON item FOR EACH ROW WHEN (old.id > 1) EXECUTE FUNCTION tells();
UPDATE item SET name = name || '!';
UPDATE item SET name = 'x' WHERE id = 99;
DELETE FROM item WHERE id = 2;
INSERT INTO seen VALUES (3, 'by the view');
INSERT INTO item VALUES (1, 'by the conflict') ON CONFLICT (id) DO UPDATE SET name = 'y';
TRUNCATE item;
COPY item FROM STDIN;
5	five
6	six
\.
ALTER TABLE item DISABLE TRIGGER before_row;
ALTER TABLE item ENABLE ALWAYS TRIGGER before_row;
ALTER TRIGGER before_row ON item RENAME TO before_each;
COMMENT ON TRIGGER before_each ON item IS 'a trigger';
DROP TRIGGER before_each ON item;
DROP TRIGGER after_row ON item;
DROP TRIGGER of_view ON seen;

CREATE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
CREATE TRIGGER refuses BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION refuses();
INSERT INTO item VALUES (9, 'nine');
DROP TRIGGER refuses ON item;

CREATE CONSTRAINT TRIGGER late AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tells();
INSERT INTO item VALUES (10, 'ten');
BEGIN;
INSERT INTO item VALUES (11, 'eleven');
SELECT 'between';
COMMIT;
BEGIN;
INSERT INTO item VALUES (12, 'twelve');
SET CONSTRAINTS ALL IMMEDIATE;
COMMIT;
DROP TRIGGER late ON item;

CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE orphan (parent int REFERENCES parent ON DELETE SET NULL);
CREATE TABLE strict (parent int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
INSERT INTO parent VALUES (1), (2), (3), (4);
INSERT INTO child VALUES (1, 1), (2, 2), (3, NULL);
INSERT INTO orphan VALUES (3);
INSERT INTO strict VALUES (4);
INSERT INTO child VALUES (4, 99);
UPDATE parent SET id = 20 WHERE id = 2;
DELETE FROM parent WHERE id = 1;
DELETE FROM parent WHERE id = 3;
DELETE FROM parent WHERE id = 4;
DELETE FROM parent WHERE id = 77;
BEGIN;
INSERT INTO strict VALUES (50);
INSERT INTO parent VALUES (50);
COMMIT;
BEGIN;
INSERT INTO strict VALUES (60);
COMMIT;
TRUNCATE parent CASCADE;
DROP TABLE parent CASCADE;
DROP TABLE child, orphan, strict;

CREATE ROLE pgaudit_guest LOGIN;
CREATE TABLE host (id int PRIMARY KEY);
CREATE TABLE guest (host int REFERENCES host);
GRANT ALL ON guest TO pgaudit_guest;
INSERT INTO host VALUES (1);
\connect - pgaudit_guest
INSERT INTO guest VALUES (1);
\connect - postgres
DROP TABLE guest, host;
DROP ROLE pgaudit_guest;
