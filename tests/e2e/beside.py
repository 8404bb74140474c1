"""A script that pgaudit, pg_stat_statements, auto_explain and we all see, and what they said of it."""

import re
from collections import Counter

import psycopg

from filtered import gone

AUDIT = "pgaudit"
NEIGHBOURS = [AUDIT, "pg_stat_statements", "auto_explain"]
OURS = "activity_stream"
CONF = {
    "pgaudit.log": "all",
    "pgaudit.log_catalog": "on",
    "pgaudit.log_parameter": "on",
    "pgaudit.log_relation": "on",
    "pgaudit.role": "auditor",
    "pg_stat_statements.track": "all",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_timing": "off",
    "jit": "off",
}
SETUP = (
    "CREATE ROLE auditor",
    "CREATE TABLE item (id int PRIMARY KEY, name text)",
    "INSERT INTO item SELECT g, 'item ' || g FROM generate_series(1, 50) g",
    "GRANT SELECT, DELETE ON item TO auditor",
    "CREATE TABLE log (id int)",
    "CREATE FUNCTION twice(i int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN "
    "INSERT INTO log VALUES (i); PERFORM count(*) FROM item; RETURN 2 * i; END $$",
    "CREATE FUNCTION careful() RETURNS text LANGUAGE plpgsql AS $$ BEGIN "
    "INSERT INTO item VALUES (1, 'again'); RETURN 'no'; EXCEPTION WHEN unique_violation THEN RETURN 'caught'; END $$",
    "CREATE PROCEDURE steps() LANGUAGE plpgsql AS $$ BEGIN "
    "INSERT INTO log VALUES (1); COMMIT; INSERT INTO log VALUES (2); ROLLBACK; END $$",
    "CREATE FUNCTION on_log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "PERFORM 1 FROM item LIMIT 1; RETURN NEW; END $$",
    "CREATE TRIGGER t AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION on_log()",
)
SCRIPT = [
    ("SELECT * FROM item WHERE id = %s", (7,)),
    ("SELECT * FROM item WHERE id = %s AND name <> %s", (7, "x")),
    ("INSERT INTO item VALUES (%s, %s) RETURNING id", (100, "a, \"b\"")),
    ("UPDATE item SET name = 'new' WHERE id > 40", ()),
    ("DELETE FROM item WHERE id = 100", ()),
    ("SELECT 1 / 0", ()),
    ("SELEC", ()),
    ("SELECT no_such_column FROM item", ()),
    ("INSERT INTO item VALUES (1, 'again')", ()),
    ("SELECT 1 / (id - 3) FROM item ORDER BY id", ()),
    ("SELECT twice(id) FROM item WHERE id < 4", ()),
    ("SELECT careful()", ()),
    ("CALL steps()", ()),
    ("DO $$ BEGIN PERFORM twice(1); RAISE EXCEPTION 'stop'; END $$", ()),
    ("DO $$ DECLARE c CURSOR FOR SELECT id FROM item; n int; BEGIN OPEN c; FETCH c INTO n; CLOSE c; END $$", ()),
    ("BEGIN", ()),
    ("DECLARE c CURSOR FOR SELECT * FROM item", ()),
    ("FETCH 5 FROM c", ()),
    ("FETCH ALL FROM c", ()),
    ("CLOSE c", ()),
    ("SAVEPOINT s", ()),
    ("SELECT 1 / 0", ()),
    ("SELECT 'refused'", ()),
    ("ROLLBACK TO s", ()),
    ("INSERT INTO log VALUES (9)", ()),
    ("COMMIT", ()),
    ("PREPARE p (int) AS SELECT * FROM item WHERE id = $1", ()),
    ("EXECUTE p (3)", ()),
    ("EXECUTE p (NULL)", ()),
    ("DEALLOCATE p", ()),
    ("EXPLAIN (ANALYZE, TIMING off, SUMMARY off, COSTS off) SELECT count(*) FROM item", ()),
    ("CREATE TABLE made AS SELECT * FROM item WHERE id < 10", ()),
    ("ALTER TABLE made ADD extra int DEFAULT 1", ()),
    ("CREATE VIEW seen AS SELECT name FROM made", ()),
    ("SELECT * FROM seen", ()),
    ("COPY made TO STDOUT", ()),
    ("DROP TABLE made CASCADE", ()),
    ("CREATE ROLE someone PASSWORD 'not for the log'", ()),
    ("GRANT SELECT ON item TO someone", ()),
    ("SET ROLE someone", ()),
    ("DELETE FROM item", ()),
    ("RESET ROLE", ()),
    ("REVOKE ALL ON item FROM someone", ()),
    ("DROP ROLE someone", ()),
    ("SET work_mem = '5MB'", ()),
    ("SET statement_timeout = '50ms'", ()),
    ("SELECT pg_sleep(30)", ()),
    ("RESET ALL", ()),
    ("VACUUM item", ()),
]
_FIELDS = (
    "statementId substatementId class command objectType objectName rowCount commandText paramList exitCode "
    "errorMessage effectiveUserName"
).split()


def run(session):
    """The script; SQLSTATEs of what failed."""
    failed = []
    for statement, values in SCRIPT:
        try:
            if statement.startswith("COPY"):
                with session.cursor().copy(statement) as copy:
                    assert list(copy.rows())
            else:
                session.execute(statement, values or None)
        except psycopg.Error as error:
            failed.append(error.sqlstate)
    return failed


class Account:
    """What everybody in a server said of the script."""

    def __init__(self, cluster, libraries):
        cluster.execute(*SETUP)
        if "pg_stat_statements" in libraries:
            cluster.execute("CREATE EXTENSION pg_stat_statements", "SELECT pg_stat_statements_reset()")
        with cluster.connect() as session:
            self.pid = session.info.backend_pid
            self.failed = run(session)
        gone(cluster, self.pid)
        self.counted = self._counted(cluster) if "pg_stat_statements" in libraries else None
        log = self._log(cluster)
        self.audited = re.findall(r"AUDIT: (.*)", log)
        self.plans = re.findall(r"duration: [\d.]+ ms  plan:\n\tQuery Text: (.*)", log)
        self.explained = len(re.findall(r"\(actual rows=\d+ loops=\d+\)", log))
        self.crashed = [line for line in log.splitlines() if "PANIC" in line or "terminated by signal" in line]

    def _log(self, cluster):
        """What the session's process wrote, continuation lines included."""
        mine, keep = [], False
        for line in cluster.log().splitlines():
            if not line.startswith("\t"):
                keep = f"[{self.pid}]" in line or "PANIC" in line or "terminated by signal" in line
            if keep:
                mine.append(line)
        return "\n".join(mine)

    @staticmethod
    def _counted(cluster):
        query = "SELECT toplevel, calls, rows, query FROM pg_stat_statements WHERE query !~ 'pg_stat'"
        with cluster.connect() as session:
            return Counter(session.execute(query).fetchall())

    def told(self, cluster):
        """Our events of the script."""
        events = [e for e in cluster.session_events(self.pid) if e["command"] not in ("CONNECT", "DISCONNECT")]
        return [{name: e[name] for name in _FIELDS} for e in events]
