use super::*;

#[test]
fn a_statement_is_told_from_its_first_words() {
    for (text, class, command) in [
        ("selec 1", Class::Misc, "UNKNOWN"),
        ("select * from nowhere", Class::Read, "SELECT"),
        ("  ( select 1 ) union", Class::Read, "SELECT"),
        ("insert into t values (1)", Class::Write, "INSERT"),
        ("CREATE UNLOGGED TABLE x ()", Class::Ddl, "CREATE TABLE"),
        ("create or replace function f() returns", Class::Ddl, "CREATE FUNCTION"),
        ("create unique index on t (a)", Class::Ddl, "CREATE INDEX"),
        ("drop table nowhere", Class::Ddl, "DROP TABLE"),
        ("create user joe password 'x", Class::Role, "CREATE ROLE"),
        ("grant all on nowhere to joe", Class::Role, "GRANT"),
        ("vacuum nowhere", Class::Misc, "VACUUM"),
        ("", Class::Misc, "UNKNOWN"),
        ("'", Class::Misc, "UNKNOWN"),
    ] {
        assert_eq!(guess(text), (class, command), "{text}");
    }
}

#[test]
fn comments_before_a_statement_do_not_hide_it() {
    for text in
        ["-- hello\nselect 1", "/* a /* nested */ comment */ select 1", "/**/select 1", "--x\n--y\n select"]
    {
        assert_eq!(guess(text).1, "SELECT", "{text}");
    }
}

#[test]
fn an_unfinished_comment_ends_nothing_and_panics_nowhere() {
    for text in ["/* select", "/*", "/", "--", "/*/", "/* é", "é select"] {
        assert_eq!(guess(text).1, "UNKNOWN", "{text}");
    }
}

#[test]
fn every_command_is_a_tag_of_the_server() {
    let tags: Vec<&str> = include_str!("../../tests/fixtures/command-tags.txt").lines().collect();
    for entry in entries() {
        let of_replication = entry.tag.contains('_') || entry.tag == "BASE_BACKUP";
        assert!(of_replication || tags.contains(&entry.tag), "{}", entry.tag);
        assert!(entry.begins.split(' ').count() <= WORDS_LIMIT, "{}", entry.begins);
        assert_eq!(guess(&format!("{} x", entry.begins.to_lowercase())).1, entry.tag);
    }
}

#[track_caller]
fn all_are(class: Class, command: &str, texts: &[&str]) {
    for text in texts {
        assert_eq!(guess(text), (class, command), "{text}");
        assert_eq!(guess(&text.to_uppercase()), (class, command), "{text}");
    }
}

#[test]
fn definitions_are_told_whatever_stands_before_their_kind() {
    all_are(Class::Ddl, "CREATE TRIGGER", &["create constraint trigger t", "create or replace trigger t"]);
    all_are(Class::Ddl, "CREATE EVENT TRIGGER", &["create event trigger t"]);
    all_are(
        Class::Ddl,
        "CREATE LANGUAGE",
        &["create or replace trusted procedural language l", "create language l"],
    );
    all_are(Class::Ddl, "DROP LANGUAGE", &["drop procedural language l", "drop language if exists l"]);
    all_are(Class::Ddl, "CREATE CONVERSION", &["create default conversion c"]);
    all_are(Class::Ddl, "CREATE VIEW", &["create or replace temp recursive view v as select"]);
    all_are(Class::Ddl, "CREATE MATERIALIZED VIEW", &["create unlogged materialized view v as select"]);
    all_are(Class::Ddl, "CREATE FOREIGN TABLE", &["create foreign table t (a int)"]);
    all_are(Class::Ddl, "ALTER TEXT SEARCH CONFIGURATION", &["alter text search configuration c"]);
    all_are(Class::Ddl, "ALTER OPERATOR FAMILY", &["alter operator family f"]);
    all_are(Class::Ddl, "ALTER OPERATOR", &["alter operator = (a, b)"]);
    all_are(
        Class::Ddl,
        "CREATE TABLE",
        &["create table t (b int generated always as (a) stored)", "create table t; select a as b"],
    );
    all_are(
        Class::Ddl,
        "CREATE TABLE AS",
        &["create temp table t as select", "create table if not exists t (a) with (x) as table u"],
    );
    all_are(
        Class::Misc,
        "UNKNOWN",
        &["create", "create nothing", "alter constraint x", "drop", "refresh x", "start"],
    );
}

#[test]
fn privileges_are_told_from_roles() {
    all_are(
        Class::Role,
        "GRANT",
        &["grant select (a, b) on t to joe", "grant all", "grant \"to\" on x to y"],
    );
    all_are(Class::Role, "GRANT ROLE", &["grant a, b to joe with admin option", "grant \"on\" to joe"]);
    all_are(Class::Role, "REVOKE", &["revoke grant option for select on t from joe"]);
    all_are(Class::Role, "REVOKE ROLE", &["revoke admin option for a from joe"]);
    all_are(Class::Role, "ALTER ROLE", &["alter user joe set a = b", "alter group g add user joe"]);
    all_are(Class::Role, "CREATE USER MAPPING", &["create user mapping for joe server s"]);
    all_are(
        Class::Role,
        "ALTER DEFAULT PRIVILEGES",
        &["alter default privileges grant select on tables to joe"],
    );
    all_are(Class::Ddl, "DROP OWNED", &["drop owned by joe"]);
    all_are(Class::Ddl, "REASSIGN OWNED", &["reassign owned by joe to jim"]);
}

#[test]
fn the_command_behind_common_table_expressions_is_told() {
    let list =
        "with recursive insert (a) as not materialized (select ')' from (select 1) x), update as (select 2)";
    for (class, command, query) in [
        (Class::Read, "SELECT", "select 1"),
        (Class::Read, "SELECT", "table t"),
        (Class::Read, "SELECT", "(select 1)"),
        (Class::Read, "SELECT", "values (1)"),
        (Class::Write, "INSERT", "insert into t"),
        (Class::Write, "UPDATE", "/* select */ update t"),
        (Class::Write, "DELETE", "delete from t"),
        (Class::Write, "MERGE", "merge into t"),
        (Class::Read, "SELECT", ""),
    ] {
        all_are(class, command, &[&format!("{list} {query}"), &format!("({list} {query})")]);
    }
    all_are(Class::Write, "DELETE", &["with a as (select 1) search depth first by b set c delete from t"]);
}

#[test]
fn copy_and_prepare_are_told_by_what_they_do() {
    all_are(
        Class::Read,
        "COPY",
        &["copy t to stdout", "copy (select a from t) to 'x'", "copy t (a, b) to program 'x'"],
    );
    all_are(Class::Write, "COPY", &["copy t (\"to\") from stdin"]);
    all_are(Class::Misc, "COPY", &["copy t"]);
    all_are(Class::Read, "PREPARE", &["prepare p (int) as select $1", "prepare p as (values (1))"]);
    all_are(
        Class::Write,
        "PREPARE",
        &["prepare p as insert into t", "prepare p as with a as (select 1) delete from t"],
    );
    all_are(
        Class::Misc,
        "PREPARE",
        &["prepare p", "prepare p as selec", "prepare p as prepare q as select 1"],
    );
    all_are(Class::Misc, "PREPARE TRANSACTION", &["prepare transaction 'x'"]);
}

#[test]
fn commands_of_transactions_and_of_replication_are_told() {
    all_are(Class::Misc, "COMMIT", &["end", "commit and chain", "end work"]);
    all_are(Class::Misc, "ROLLBACK", &["abort", "rollback to savepoint s"]);
    all_are(Class::Misc, "ROLLBACK PREPARED", &["rollback prepared 'x'"]);
    all_are(Class::Misc, "START TRANSACTION", &["start transaction read only"]);
    all_are(Class::Misc, "DISCARD TEMP", &["discard temporary"]);
    all_are(Class::Misc, "START_REPLICATION", &["start_replication slot s logical 0/0"]);
    all_are(Class::Misc, "BASE_BACKUP", &["base_backup (label 'x')"]);
    all_are(Class::Read, "DECLARE CURSOR", &["declare c cursor for select 1"]);
    all_are(Class::Misc, "EXPLAIN", &["explain (analyze) insert into t"]);
}

#[test]
fn only_the_first_statement_and_a_beginning_of_it_is_looked_at() {
    all_are(Class::Misc, "BEGIN", &["; begin; select 1"]);
    all_are(Class::Misc, "COPY", &["copy t; copy t from stdin"]);
    let long = format!("copy t ({}) from stdin", "a,".repeat(100_000));
    assert_eq!(guess(&long), (Class::Misc, "COPY"));
    assert_eq!(guess(&format!("{}select", "(".repeat(100_000))).1, "UNKNOWN");
    assert_eq!(guess(&"é(".repeat(10_000)).1, "UNKNOWN");
}
