"""Statements with a secret in them. § stands for it; what is told has <REDACTED> there and is otherwise the same.

Where more than the secret is taken out, as the quotes of a value in a connection string are, that is in «». One
statement is a line with those behind it that begin with a blank.

None has to succeed: a statement that fails has its secret as well.
"""

ROLES = """\
CREATE ROLE r1 LOGIN PASSWORD '§'
create user r2 encrypted password '§' valid until '2040-01-01'
CREATE GROUP r3 PASSWORD E'§'
CREATE ROLE "R 4" CONNECTION LIMIT 3 PASSWORD $$§$$ INHERIT
ALTER ROLE r1 PASSWORD $x$§$x$
ALTER USER r2 WITH PASSWORD U&'§'
ALTER USER r2 PASSWORD /* the new one */ '§' -- done
ALTER ROLE r1 WITH LOGIN PASSWORD
   '§' NOCREATEDB
ALTER ROLE CURRENT_USER PASSWORD '§'
ALTER ROLE no_such_role PASSWORD '§'
CREATE ROLE r1 PASSWORD '§'
ALTER ROLE r1 PASSWORD '§' VALID UNTIL 'never ever'
CREATE ROLE r5 PASSWORD '«it''s §»'
CREATE ROLE r6 PASSWORD '«md5§»'
"""
FOREIGN = """\
CREATE SERVER s1 FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'h', sslpassword '§')
CREATE SERVER s2 FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'localhost', port '1', password '§')
ALTER SERVER s0 OPTIONS (ADD sslpassword '§')
ALTER SERVER s0 OPTIONS (SET host 'h2', ADD password '§')
CREATE USER MAPPING FOR CURRENT_USER SERVER s0 OPTIONS (user 'joe', password '§')
CREATE USER MAPPING FOR PUBLIC SERVER s0 OPTIONS (password '§', password_required 'false')
ALTER USER MAPPING FOR CURRENT_USER SERVER s0 OPTIONS (SET password '§')
ALTER USER MAPPING FOR CURRENT_USER SERVER s0 OPTIONS (SET "password" E'§', SET user 'jim')
CREATE FOREIGN DATA WRAPPER w1 OPTIONS (api_key '§')
CREATE FOREIGN TABLE f1 (a int OPTIONS (token '§')) SERVER s0 OPTIONS (table_name 't', secret_key '§')
CREATE USER MAPPING FOR no_such_role SERVER s0 OPTIONS (password '§')
"""
CONNECTIONS = """\
CREATE SUBSCRIPTION u1 CONNECTION 'host=127.0.0.1 port=1 password=§ dbname=d' PUBLICATION p WITH (connect = false)
CREATE SUBSCRIPTION u2 CONNECTION 'host=127.0.0.1 port=1 password=§' PUBLICATION p
CREATE SUBSCRIPTION u3 CONNECTION 'postgresql://joe:§@127.0.0.1:1/d?sslmode=disable' PUBLICATION p
ALTER SUBSCRIPTION u1 CONNECTION 'host=127.0.0.1 password=«''§''» port=1'
ALTER SUBSCRIPTION no_such CONNECTION 'password=§'
SELECT dblink_connect('c1', 'host=127.0.0.1 port=1 user=joe password=§')
SELECT dblink_connect('postgres://joe:§@127.0.0.1:1/d')
SELECT * FROM dblink('host=127.0.0.1 port=1 password=§ dbname=d', 'SELECT 1') AS t (a int)
SELECT dblink_exec('host=127.0.0.1 port=1 passwd=§', 'DELETE FROM t')
SELECT dblink_connect('host=127.0.0.1 port=1 sslpassword=§ sslkey=k')
SELECT dblink_connect('host=127.0.0.1 port=1 password = «''§ more''» user=joe')
SELECT dblink_connect(E'host=127.0.0.1 port=1 password=«\\'§\\'» user=joe')
SELECT dblink_connect('postgresql:///d?host=127.0.0.1&port=1&password=§&user=joe')
SELECT dblink_connect('host=127.0.0.1 port=1 password=' || '§' || ' user=joe')
SELECT dblink_connect(format('host=127.0.0.1 port=1 user=%s password=%s', '§', '§'))
ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 user=standby password=§ application_name=s'
ALTER SYSTEM SET primary_conninfo TO $$user=standby password=§$$
SET my.conninfo = 'postgres://joe:§@h/d'
SELECT set_config('my.conninfo', 'host=h password=§ user=joe', false)
SELECT 'https://joe:§@example.com/hook' AS url
INSERT INTO note VALUES ('ftp://joe:§@example.com/file', 'kept')
COPY note FROM PROGRAM 'cat /dev/null # postgres://joe:§@h/d'
COPY (SELECT 'password=§ host=h') TO STDOUT
COMMENT ON TABLE note IS 'made with password=§ user=joe'
"""
STATEMENTS = """\
PREPARE p1 AS SELECT dblink_connect('host=127.0.0.1 port=1 password=§')
DECLARE c1 CURSOR WITH HOLD FOR SELECT 'user=joe password=§' AS conninfo
EXPLAIN SELECT 'user=joe password=§'
CREATE VIEW v1 AS SELECT 'user=joe password=§'::text AS conninfo, 'kept' AS other
CREATE TABLE t1 AS SELECT 'user=joe password=§' AS conninfo
CREATE FUNCTION f1() RETURNS void LANGUAGE sql AS 'ALTER ROLE r1 PASSWORD ''§'' VALID UNTIL ''infinity'''
CREATE FUNCTION f2() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ALTER ROLE r1 PASSWORD '§'; PERFORM 'kept'; END $$
DO $$ BEGIN ALTER ROLE r1 PASSWORD '§'; PERFORM 'kept'; END $$
DO $$ BEGIN EXECUTE 'ALTER ROLE r1 PASSWORD ''§'' VALID UNTIL ''infinity'''; END $$
DO $$ BEGIN EXECUTE format('ALTER ROLE r1 PASSWORD %L', '§'); END $$
DO $$ BEGIN EXECUTE 'ALTER ROLE r1 PASSWORD ' || quote_literal('§') || ' VALID UNTIL ''infinity'''; END $$
DO $$ BEGIN PERFORM dblink_connect('host=127.0.0.1 port=1 password=§'); END $$
DO $$ BEGIN BEGIN ALTER ROLE no_such PASSWORD '§'; EXCEPTION WHEN undefined_object THEN NULL; END; END $$
DO $$ DECLARE conninfo text := 'host=h password=§'; BEGIN PERFORM length(conninfo); END $$
DO $$ BEGIN RAISE EXCEPTION 'no way in with password=§'; END $$
UPDATE note SET a = 'kept' WHERE b = 'password=§'
SELECT 'password=§'::int
SELECT ('postgres://joe:§@h/d')::int, 'kept'
SELECT * FROM account WHERE login = 'joe' AND password = '§'
UPDATE account SET password = '§' WHERE login = 'joe'
SELECT change(login => 'joe', new_password => '§')
SET my.password = '§'
SET LOCAL my.api_password TO '§'
SELECT set_config('my.password', '§', false)
/* ALTER ROLE r1 PASSWORD '§' */ SELECT 'kept'
SELECT 1 -- dblink_connect('password=§ host=h')
"""
# What no parser takes: nobody but the text says what they are.
UNPARSED = """\
CREATE ROLE r7 PASSWORD § LOGIN
CREATE ROLE r7 PASSWORD "§" LOGIN
CREAT ROLE r7 PASSWORD '§' LOGIN
ALTER ROLE r1 PASSWORD = '§'
ALTER ROLE r1 PASSWORD '§' 'kept
ALTER ROLE r1 PASSWORD '§
ALTER ROLE r1 SET PASSWORD '§'
CREATE USER MAPPING FOR joe SERVER s0 OPTION (password '§')
SELECT dblink_connect('host=h password=§
CREATE SUBSCRIPTION CONNECTION 'host=h password=§' PUBLICATION
SELEC 'postgres://joe:§@h/d'
DO $$ BEGIN ALTER ROLE r1 PASSWORD '§'
"""
TABLES = {
    name: [statement.replace("\0", "\n ") for statement in table.replace("\n ", "\0").splitlines()]
    for name, table in (
        ("roles", ROLES),
        ("foreign", FOREIGN),
        ("connections", CONNECTIONS),
        ("statements", STATEMENTS),
        ("unparsed", UNPARSED),
    )
}
# Nothing in these is a secret.
HARMLESS = """\
SELECT rolname, rolpassword IS NULL FROM pg_authid WHERE rolname = 'password'
SET password_encryption = 'scram-sha-256'
ALTER ROLE r1 PASSWORD NULL
ALTER ROLE r1 VALID UNTIL '2041-01-01'
COMMENT ON TABLE note IS 'the password of nobody'
SELECT 'password', 'email', 'kept'
CREATE TABLE credential (password text DEFAULT 'kept', passwd_hint text)
SELECT password FROM account WHERE login = 'kept'
SELECT 'https://example.com/a:b@c', 'mailto:joe@example.com'
SELECT 'host=h user=joe dbname=kept'
ALTER SERVER s0 OPTIONS (SET host 'kept')
CREATE USER MAPPING FOR PUBLIC SERVER s0 OPTIONS (user 'kept', password_required 'false')
SELECT dblink_connect('host=127.0.0.1 port=1 user=kept')
GRANT SELECT (password) ON account TO PUBLIC
CREATE ROLE password_reader IN ROLE pg_monitor
DO $$ BEGIN RAISE NOTICE 'password changed for %', 'kept'; END $$
SELEC password FROM 'kept'
""".splitlines()
# Statements with parameters that hold secrets; § may be in the statement as well.
BOUND = [
    ("SELECT dblink_connect($1)", ["host=127.0.0.1 port=1 user=joe password=§"]),
    ("SELECT dblink_connect($1, $2)", ["c2", "postgres://joe:§@127.0.0.1:1/d"]),
    ("SELECT dblink_exec($1, $2)", ["host=127.0.0.1 port=1 passwd=§", "ALTER ROLE r1 PASSWORD '§' LOGIN"]),
    ("SELECT run($1)", ["ALTER ROLE r1 PASSWORD '§' VALID UNTIL 'infinity'"]),
    ("SELECT run($1)", ["DO $x$ BEGIN ALTER ROLE r1 PASSWORD '§'; END $x$"]),
    ("SELECT run($1)", ["ALTER ROLE no_such_role PASSWORD '§'"]),
    ("SELECT run($1)", ["CREATE USER MAPPING FOR PUBLIC SERVER s0 OPTIONS (user 'joe', password '§')"]),
    ("INSERT INTO note VALUES ($1, $2)", ["host=h password=«'§'» user=joe", "kept"]),
    ("SELECT $1::text[]", ['{"host=h password=§",kept}']),
    ("SELECT $1::jsonb", ['{"url": "postgres://joe:§@h/d", "other": "kept"}']),
    ("SELECT $1::int", ["password=§"]),
    ("SELECT $1::text, dblink_connect('host=127.0.0.1 port=1 password=§')", ["kept"]),
]
# A statement that a limit cuts somewhere in the secret.
CUT = [
    "ALTER ROLE r1 PASSWORD '§' VALID UNTIL 'infinity'",
    "CREATE ROLE r1 PASSWORD § LOGIN",
    "CREATE USER MAPPING FOR PUBLIC SERVER s0 OPTIONS (user 'joe', password '§')",
    "SELECT dblink_connect('host=127.0.0.1 port=1 password=§ user=joe')",
    "SELECT dblink_connect('postgres://joe:§@127.0.0.1:1/d')",
    "DO $$ BEGIN EXECUTE 'ALTER ROLE r1 PASSWORD ''§'''; END $$",
    "SELECT set_config('my.password', '§', false)",
    "SELECT 'password=' || '§' || ' user=joe'",
]
# Errors of statements inside another one, which quote these: the client's own text does not show what they are.
INSIDE = [
    ("SELECT run($1)", ["CREATE ROLE r9 PASSWORD § LOGIN"]),
    ("SELECT run($1)", ["ALTER ROLE r1 PASSWORD '§"]),
    (
        "DO $$ BEGIN EXECUTE 'CREATE ROLE r9 PASSWORD § LOGIN'; "
        "EXCEPTION WHEN syntax_error THEN PERFORM 'kept'; END $$",
        [],
    ),
    (
        "DO $$ BEGIN EXECUTE E'ALTER ROLE r1 PASSWORD \\\'§'; "
        "EXCEPTION WHEN syntax_error THEN PERFORM 'kept'; END $$",
        [],
    ),
    ("SELECT careful($1)", ["CREATE ROLE r9 PASSWORD § LOGIN"]),
]
