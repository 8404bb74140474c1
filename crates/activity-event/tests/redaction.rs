//! Redaction, for whatever text: no secret of a statement survives, what has none is as it was, and nothing panics.

use std::borrow::Cow;

use activity_event::redact::{REDACTED, literal, message, passwords};
use proptest::prelude::*;

/// No other word of the texts is part of it, nor it of them.
const SECRET: &str = "qzs3cr3t";

/// What can stand between two tokens of a statement.
fn blank() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(" "),
        Just("\n\t "),
        Just(" /* a 'comment' /* in one */ */ "),
        Just(" -- it's one\n"),
        Just("/**/"),
    ]
    .prop_map(String::from)
}

/// The secret with other characters around it, as a literal.
fn quoted_secret() -> impl Strategy<Value = String> {
    (
        prop_oneof![Just(""), Just("é"), Just("'"), Just(" "), Just("\\"), Just(";--"), Just("password=")],
        0..7usize,
    )
        .prop_map(|(before, quoting)| {
            let plain = format!("{before}{SECRET}").replace('\'', "''");
            let escaped = format!("{before}{SECRET}").replace('\\', "\\\\").replace('\'', "\\'");
            match quoting {
                0 => format!("'{plain}'"),
                1 => format!("E'{escaped}'"),
                2 => format!("U&'{}'", plain.replace('\\', "\\\\")),
                3 => format!("$${before}{SECRET}$$"),
                4 => format!("$tag${before}{SECRET}$tag$"),
                5 => format!("N'{plain}'"),
                _ => format!("'first'\n'{plain}'"),
            }
        })
}

/// The words of a statement with a place for its secret, `{}`. A blank is where there can be any.
const STATEMENTS: [&str; 12] = [
    "create role joe login password {} valid until 'tomorrow'",
    "alter user \"joe\" with encrypted password {}",
    "create group joe password {}",
    "create user mapping for joe server s options (user 'joe', password {})",
    "alter user mapping for joe server s options (set password {}, drop x)",
    "alter server s options (add sslpassword {})",
    "create foreign data wrapper w options (aws_secret_access_key {})",
    "set session my.password = {}",
    "alter system set my_password to {}",
    "select f (a => 1, password => {})",
    "select 1 ; alter role joe password {} ; select 2",
    "update t set passwd = {} where a = 'b'",
];

/// Literals with a secret in them.
const CONTENTS: [&str; 7] = [
    "host=h password={} dbname=d",
    "password = '{}' host=h",
    "sslpassword={}",
    "postgresql://joe:{}@host:5432/d",
    "postgresql://h/d?user=joe&password={}",
    "alter role joe password '{}' valid until 'x'",
    "begin execute 'alter role joe password ''{}'''; end",
];

/// In letters of any case, with anything for the blanks.
fn written(words: &str, cases: &[bool], blanks: &[String]) -> String {
    let mut cases = cases.iter().cycle();
    let mut blanks = blanks.iter().cycle();
    let mut out = String::new();
    for c in words.chars() {
        match c {
            ' ' => out.push_str(blanks.next().map_or(" ", String::as_str)),
            _ if cases.next() == Some(&true) => out.extend(c.to_uppercase()),
            _ => out.push(c),
        }
    }
    out
}

fn statement() -> impl Strategy<Value = String> {
    let words = prop::sample::select(STATEMENTS.as_slice());
    let cases = prop::collection::vec(any::<bool>(), 1..20);
    (words, cases, prop::collection::vec(blank(), 1..8), quoted_secret())
        .prop_map(|(words, cases, blanks, secret)| written(words, &cases, &blanks).replace("{}", &secret))
}

fn contents() -> impl Strategy<Value = String> {
    let words = prop::sample::select(CONTENTS.as_slice());
    (words, prop::collection::vec(any::<bool>(), 1..20))
        .prop_map(|(words, cases)| written(words, &cases, &[]).replace("{}", SECRET))
}

/// Text as a literal of a kind.
fn as_literal(contents: &str, quoting: usize) -> String {
    let doubled = contents.replace('\'', "''");
    match quoting % 5 {
        0 => format!("'{doubled}'"),
        1 => format!("E'{}'", contents.replace('\\', "\\\\").replace('\'', "\\'")),
        2 => format!("${0}${contents}${0}$", "tag"),
        3 => format!("N'{doubled}'"),
        _ => format!("'x '\n  '{doubled}'"),
    }
}

/// Pieces that mean something to the scan.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = vec![
        "password",
        "PASSWD",
        "'",
        "''",
        "\"",
        "$$",
        "$a$",
        "--",
        "/*",
        "*/",
        "\n",
        " ",
        "=",
        ":=",
        "=>",
        "\\",
        "E'",
        "U&'",
        "://",
        ":",
        "@",
        "/",
        "?",
        "&",
        "(",
        ")",
        ";",
        ",",
        "||",
        "%",
        "%L",
        "options",
        "secret",
        "token",
        "alter",
        "role",
        "to",
        "set_config",
        "null",
        "x",
        "é",
        "1",
        ".",
        "<REDACTED>",
        "client_secret",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..40).prop_map(|pieces| pieces.concat())
}

#[track_caller]
fn has_no_secret(redacted: &str) {
    assert!(!redacted.to_ascii_lowercase().contains(SECRET), "{redacted}");
    assert!(redacted.contains(REDACTED), "{redacted}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1024) })]

    #[test]
    fn no_secret_of_a_statement_survives(statement in statement()) {
        let redacted = passwords(&statement);
        has_no_secret(&redacted);
        // What is around it is as it was.
        let (before, after) = redacted.split_once(REDACTED).unwrap_or_default();
        prop_assert!(statement.starts_with(before) && statement.ends_with(after), "{}", redacted);
    }

    #[test]
    fn no_secret_survives_in_a_statement_that_is_cut(statement in statement(), cut in any::<prop::sample::Index>()) {
        let cut = statement.floor_char_boundary(cut.index(statement.len() + 1));
        let text = &statement[..cut];
        prop_assert!(!passwords(text).contains(SECRET));
        prop_assert!(!text.contains(SECRET) || passwords(text).contains(REDACTED));
    }

    #[test]
    fn no_secret_of_a_literal_survives_at_any_depth(contents in contents(), quotings in prop::collection::vec(0..5usize, 1..5)) {
        has_no_secret(&literal(&contents));
        let mut text = contents;
        for (i, quoting) in quotings.into_iter().enumerate() {
            let quoted = if quoting == 2 { as_literal(&text, 2).replace("$tag$", &format!("$tag{i}$")) } else { as_literal(&text, quoting) };
            text = format!("perform f({quoted}, 'x')");
            has_no_secret(&passwords(&text));
        }
    }

    #[test]
    fn no_secret_of_a_statement_survives_in_its_body_or_in_a_message(statement in statement()) {
        has_no_secret(&passwords(&format!("do $body$ begin {statement}; end $body$")));
        has_no_secret(&passwords(&format!("execute '{}'", statement.replace('\'', "''"))));
        let told = message("near \"qzs3cr3t\"", &format!("alter role j password '{SECRET}'; {statement}")).into_owned();
        prop_assert_eq!(told, "near \"<REDACTED>\"");
    }

    #[test]
    fn redacting_again_changes_nothing(text in hostile(), statement in statement()) {
        for text in [text, statement] {
            let once = passwords(&text);
            prop_assert_eq!(&passwords(&once), &once);
            let once = literal(&text);
            prop_assert_eq!(&literal(&once), &once);
        }
    }

    #[test]
    fn text_without_the_words_is_returned_as_it_is(text in any::<String>(), sql in "[a-z '\"$;=()\\\\-]{0,60}") {
        for text in [text, sql] {
            let lower = text.to_ascii_lowercase();
            let mentions = ["passw", "://", "options", "client_"].iter().any(|word| lower.contains(word));
            if !mentions {
                prop_assert!(matches!(passwords(&text), Cow::Borrowed(t) if t == text));
                prop_assert!(matches!(literal(&text), Cow::Borrowed(t) if t == text));
                prop_assert!(matches!(message(&text, &text), Cow::Borrowed(t) if t == text));
            }
        }
    }

    #[test]
    fn the_word_is_found_wherever_it_stands(before in "[ a-z]{0,100}", after in "[ a-z]{0,100}") {
        let text = format!("{before} password 'x' {after}");
        prop_assert_eq!(passwords(&text), format!("{before} password '<REDACTED>' {after}"));
        let text = format!("{before} options (token 'x') {after}");
        prop_assert_eq!(passwords(&text), format!("{before} options (token '<REDACTED>') {after}"));
        let text = format!("{before} 'scram_client_key=x' 'client_secret=y' {after}");
        let redacted = format!("{before} 'scram_client_key=<REDACTED>' 'client_secret=<REDACTED>' {after}");
        prop_assert_eq!(passwords(&text), redacted);
        let text = format!("{before} 'u://a:b@c' {after}");
        prop_assert_eq!(passwords(&text), format!("{before} 'u://a:<REDACTED>@c' {after}"));
    }
}
