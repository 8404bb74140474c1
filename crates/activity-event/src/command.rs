//! The command of a text that has no parse tree, told from its first words.
//!
//! A statement that failed before it was analysed (a syntax error, an unknown table) is told with its text; its command
//! and class are what its first words say, as far as they say it. What they do not say is `UNKNOWN`, class MISC.

use crate::Class;

/// First words, the command they give, the class. Longer beginnings come first.
const COMMANDS: &[(&[&str], &str, Class)] = &[
    (&["SELECT"], "SELECT", Class::Read),
    (&["TABLE"], "SELECT", Class::Read),
    (&["VALUES"], "SELECT", Class::Read),
    (&["WITH"], "SELECT", Class::Read),
    (&["INSERT"], "INSERT", Class::Write),
    (&["UPDATE"], "UPDATE", Class::Write),
    (&["DELETE"], "DELETE", Class::Write),
    (&["MERGE"], "MERGE", Class::Write),
    (&["TRUNCATE"], "TRUNCATE TABLE", Class::Write),
    (&["COPY"], "COPY", Class::Misc),
    (&["DO"], "DO", Class::Function),
    (&["CREATE", "ROLE"], "CREATE ROLE", Class::Role),
    (&["CREATE", "USER"], "CREATE ROLE", Class::Role),
    (&["CREATE", "GROUP"], "CREATE ROLE", Class::Role),
    (&["ALTER", "ROLE"], "ALTER ROLE", Class::Role),
    (&["ALTER", "USER"], "ALTER ROLE", Class::Role),
    (&["ALTER", "GROUP"], "ALTER ROLE", Class::Role),
    (&["DROP", "ROLE"], "DROP ROLE", Class::Role),
    (&["DROP", "USER"], "DROP ROLE", Class::Role),
    (&["DROP", "GROUP"], "DROP ROLE", Class::Role),
    (&["GRANT"], "GRANT", Class::Role),
    (&["REVOKE"], "REVOKE", Class::Role),
];

/// Commands of one word that are their own tag.
const PLAIN_MISC: &[&str] = &[
    "ABORT",
    "ANALYZE",
    "BEGIN",
    "CALL",
    "CHECKPOINT",
    "CLOSE",
    "CLUSTER",
    "COMMIT",
    "DEALLOCATE",
    "DECLARE",
    "DISCARD",
    "EXECUTE",
    "EXPLAIN",
    "FETCH",
    "LISTEN",
    "LOAD",
    "LOCK",
    "MOVE",
    "NOTIFY",
    "PREPARE",
    "REASSIGN",
    "REFRESH",
    "REINDEX",
    "RELEASE",
    "RESET",
    "ROLLBACK",
    "SAVEPOINT",
    "SET",
    "SHOW",
    "START",
    "UNLISTEN",
    "VACUUM",
];

/// Words that stand between CREATE and the kind of object.
const MODIFIERS: &[&str] =
    &["OR", "REPLACE", "TEMP", "TEMPORARY", "GLOBAL", "LOCAL", "UNLOGGED", "UNIQUE", "RECURSIVE"];

/// The command tag and class that the text begins with.
#[must_use]
pub fn guess(text: &str) -> (Class, &'static str) {
    let words = first_words(text);
    let word = |i: usize| words.get(i).map_or("", String::as_str);
    let known = COMMANDS.iter().find(|(begin, _, _)| begin.iter().enumerate().all(|(i, w)| word(i) == *w));
    if let Some((_, command, class)) = known {
        return (*class, command);
    }
    if let Some(command) = PLAIN_MISC.iter().find(|w| **w == word(0)) {
        return (Class::Misc, command);
    }
    let ddl: &[(&str, &'static str)] = match word(0) {
        "CREATE" => CREATE,
        "ALTER" => ALTER,
        "DROP" => DROP,
        _ => return (Class::Misc, "UNKNOWN"),
    };
    let kind = words.iter().skip(1).find(|w| !MODIFIERS.contains(&w.as_str()));
    let tag = kind.and_then(|kind| ddl.iter().find(|(k, _)| k == kind)).map(|(_, tag)| *tag);
    tag.map_or((Class::Misc, "UNKNOWN"), |tag| (Class::Ddl, tag))
}

/// Kinds of object and the tag of the command that makes, changes or drops one.
const CREATE: &[(&str, &str)] = &[
    ("AGGREGATE", "CREATE AGGREGATE"),
    ("CAST", "CREATE CAST"),
    ("COLLATION", "CREATE COLLATION"),
    ("CONVERSION", "CREATE CONVERSION"),
    ("DATABASE", "CREATE DATABASE"),
    ("DOMAIN", "CREATE DOMAIN"),
    ("EXTENSION", "CREATE EXTENSION"),
    ("FUNCTION", "CREATE FUNCTION"),
    ("INDEX", "CREATE INDEX"),
    ("LANGUAGE", "CREATE LANGUAGE"),
    ("OPERATOR", "CREATE OPERATOR"),
    ("POLICY", "CREATE POLICY"),
    ("PROCEDURE", "CREATE PROCEDURE"),
    ("PUBLICATION", "CREATE PUBLICATION"),
    ("ROUTINE", "CREATE ROUTINE"),
    ("RULE", "CREATE RULE"),
    ("SCHEMA", "CREATE SCHEMA"),
    ("SEQUENCE", "CREATE SEQUENCE"),
    ("SERVER", "CREATE SERVER"),
    ("STATISTICS", "CREATE STATISTICS"),
    ("SUBSCRIPTION", "CREATE SUBSCRIPTION"),
    ("TABLE", "CREATE TABLE"),
    ("TABLESPACE", "CREATE TABLESPACE"),
    ("TRANSFORM", "CREATE TRANSFORM"),
    ("TRIGGER", "CREATE TRIGGER"),
    ("TYPE", "CREATE TYPE"),
    ("VIEW", "CREATE VIEW"),
];

const ALTER: &[(&str, &str)] = &[
    ("AGGREGATE", "ALTER AGGREGATE"),
    ("CAST", "ALTER CAST"),
    ("COLLATION", "ALTER COLLATION"),
    ("CONVERSION", "ALTER CONVERSION"),
    ("DATABASE", "ALTER DATABASE"),
    ("DOMAIN", "ALTER DOMAIN"),
    ("EXTENSION", "ALTER EXTENSION"),
    ("FUNCTION", "ALTER FUNCTION"),
    ("INDEX", "ALTER INDEX"),
    ("LANGUAGE", "ALTER LANGUAGE"),
    ("OPERATOR", "ALTER OPERATOR"),
    ("POLICY", "ALTER POLICY"),
    ("PROCEDURE", "ALTER PROCEDURE"),
    ("PUBLICATION", "ALTER PUBLICATION"),
    ("ROUTINE", "ALTER ROUTINE"),
    ("RULE", "ALTER RULE"),
    ("SCHEMA", "ALTER SCHEMA"),
    ("SEQUENCE", "ALTER SEQUENCE"),
    ("SERVER", "ALTER SERVER"),
    ("STATISTICS", "ALTER STATISTICS"),
    ("SUBSCRIPTION", "ALTER SUBSCRIPTION"),
    ("SYSTEM", "ALTER SYSTEM"),
    ("TABLE", "ALTER TABLE"),
    ("TABLESPACE", "ALTER TABLESPACE"),
    ("TRANSFORM", "ALTER TRANSFORM"),
    ("TRIGGER", "ALTER TRIGGER"),
    ("TYPE", "ALTER TYPE"),
    ("VIEW", "ALTER VIEW"),
];

const DROP: &[(&str, &str)] = &[
    ("AGGREGATE", "DROP AGGREGATE"),
    ("CAST", "DROP CAST"),
    ("COLLATION", "DROP COLLATION"),
    ("CONVERSION", "DROP CONVERSION"),
    ("DATABASE", "DROP DATABASE"),
    ("DOMAIN", "DROP DOMAIN"),
    ("EXTENSION", "DROP EXTENSION"),
    ("FUNCTION", "DROP FUNCTION"),
    ("INDEX", "DROP INDEX"),
    ("LANGUAGE", "DROP LANGUAGE"),
    ("OPERATOR", "DROP OPERATOR"),
    ("POLICY", "DROP POLICY"),
    ("PROCEDURE", "DROP PROCEDURE"),
    ("PUBLICATION", "DROP PUBLICATION"),
    ("ROUTINE", "DROP ROUTINE"),
    ("RULE", "DROP RULE"),
    ("SCHEMA", "DROP SCHEMA"),
    ("SEQUENCE", "DROP SEQUENCE"),
    ("SERVER", "DROP SERVER"),
    ("STATISTICS", "DROP STATISTICS"),
    ("SUBSCRIPTION", "DROP SUBSCRIPTION"),
    ("TABLE", "DROP TABLE"),
    ("TABLESPACE", "DROP TABLESPACE"),
    ("TRANSFORM", "DROP TRANSFORM"),
    ("TRIGGER", "DROP TRIGGER"),
    ("TYPE", "DROP TYPE"),
    ("VIEW", "DROP VIEW"),
];

/// The first words in upper case, comments and opening parentheses left out. Enough of them to pass all modifiers.
fn first_words(text: &str) -> Vec<String> {
    const WORDS: usize = 6;
    let mut words = Vec::new();
    let mut rest = text;
    while words.len() < WORDS {
        rest = skip_blank(rest);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() {
            break;
        }
        words.push(word.to_ascii_uppercase());
        rest = after;
    }
    words
}

/// Without the blanks, comments and opening parentheses at its beginning. Comments nest, as PostgreSQL's do.
fn skip_blank(text: &str) -> &str {
    let mut rest = text;
    loop {
        let before = rest.len();
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '(');
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after);
        } else if rest.starts_with("/*") {
            rest = after_comment(rest);
        }
        if rest.len() == before {
            return rest;
        }
    }
}

fn after_comment(text: &str) -> &str {
    let mut depth = 0usize;
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(pair) = bytes.get(at..at + 2) {
        match pair {
            b"/*" => {
                depth += 1;
                at += 2;
            }
            b"*/" => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return text.get(at..).unwrap_or("");
                }
            }
            _ => at += 1,
        }
    }
    ""
}

#[cfg(test)]
mod tests {
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
        for text in [
            "-- hello\nselect 1",
            "/* a /* nested */ comment */ select 1",
            "/**/select 1",
            "--x\n--y\n select",
        ] {
            assert_eq!(guess(text).1, "SELECT", "{text}");
        }
    }

    #[test]
    fn an_unfinished_comment_ends_nothing_and_panics_nowhere() {
        for text in ["/* select", "/*", "/", "--", "/*/", "/* é", "é select"] {
            assert_eq!(guess(text).1, "UNKNOWN", "{text}");
        }
    }
}
