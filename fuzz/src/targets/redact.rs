//! Redaction: any text that a client sends, and what literals, parameters and messages hold.
//!
//! * What comes out is the text with pieces of it replaced, and nothing else; at most ten times as long.
//! * Text that mentions no secret is returned as it is.
//! * A secret that is planted in a statement, whatever whole tokens come before and whatever comes behind, is gone from the
//!   statement, and from a message that quotes it.
//! * The work is in proportion to the length.

use std::borrow::Cow;

use activity_event::redact::{
    REDACTED, literal, mentions_secrets, message, parameters, passwords, without_torn_uri,
};

use crate::cpu::{assert_linear, is_measured};
use crate::input::Input;

/// Inputs that have it do not get it planted.
const SECRET: &str = "qzs3cr3t";

/// Most bytes of text that are planted around.
const MAX_AROUND_BYTES: usize = 256;

/// Statements with a secret, `{}`.
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
    "select f(a => 1, password => {})",
    "update t set passwd = {} where a = 'b'",
    "do $do$ begin alter role joe password {}; end $do$",
];

/// What can stand between two tokens.
const BLANKS: [&str; 5] = [" ", "\n\t", " /* it's /* in */ one */ ", " -- it's one\n", "/**/"];

pub(super) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    any_text(&text);
    planted(&mut Input::new(bytes));
    if is_measured(bytes) {
        let rest = String::from_utf8_lossy(&bytes[1..]);
        assert_linear(&rest, |long| drop(passwords(long)));
        assert_linear(&rest, |long| drop(literal(long)));
        assert_linear(&rest, |long| drop(parameters(long)));
        assert_linear(&rest, |long| drop(message(&long[..long.floor_char_boundary(4096)], long)));
    }
}

fn any_text(text: &str) {
    let mentions = mentions_secrets(text);
    let half = text.floor_char_boundary(text.len() / 2);
    let (front, back) = text.split_at(half);
    for redacted in [passwords(text), literal(text)] {
        if !mentions {
            assert!(matches!(redacted, Cow::Borrowed(same) if same == text));
        }
        assert_made_of(&redacted, text);
    }
    assert_made_of(&message(front, back), front);
    let numbers = parameters(text);
    assert!(mentions || numbers.is_empty());
    for number in numbers {
        // `$007` is written so, and is number 7.
        assert!(text.contains('$') && text.contains(&number.to_string()), "parameter {number}");
    }
    assert!(text.starts_with(without_torn_uri(text)));
}

/// `redacted` is `text` with pieces replaced by [`REDACTED`].
fn assert_made_of(redacted: &str, text: &str) {
    assert!(redacted.len() <= REDACTED.len() * text.len());
    let kept: Vec<&str> = redacted.split(REDACTED).collect();
    let (Some(first), Some(last)) = (kept.first(), kept.last()) else { return };
    assert!(text.starts_with(first) && text.ends_with(last));
    let mut rest = text;
    for piece in &kept {
        let at = rest.find(piece).expect("a piece of the text, in its order");
        rest = &rest[at + piece.len()..];
    }
}

fn planted(input: &mut Input<'_>) {
    let words = input.pick(&STATEMENTS);
    let (uppercase, blanks) = (input.flag(), [input.pick(&BLANKS), input.pick(&BLANKS), input.pick(&BLANKS)]);
    let before = whole_tokens(input);
    let value = format!("{}{SECRET}", plain(input));
    let (secret, value) = quoted(input, value);
    let behind = input.text(MAX_AROUND_BYTES);
    if before.contains(SECRET) || behind.contains(SECRET) {
        return;
    }
    let words = if uppercase { words.to_uppercase() } else { words.to_owned() };
    let mut spread = String::new();
    for (word, blank) in words.split(' ').zip(blanks.iter().cycle()) {
        spread.push_str(word);
        spread.push_str(blank);
    }
    let separator = input.pick(&[";", " ;", "\n;"]);
    let statement = format!("{before};{}{separator}{behind}", spread.replace("{}", &secret));
    let redacted = passwords(&statement);
    assert!(!redacted.contains(SECRET), "{statement}");
    assert!(redacted.contains(REDACTED), "{statement}");
    let quoting = format!("near \"{value}\" and {secret}");
    assert!(!message(&quoting, &statement).contains(SECRET), "{quoting} of {statement}");
}

/// A text of whole tokens, as a client sends them before.
fn whole_tokens(input: &mut Input<'_>) -> String {
    let mut text = String::new();
    for _ in 0..input.u8() % 6 {
        let contents = plain(input);
        match input.u8() % 6 {
            0 => text.push_str(&format!("'{}'", contents.replace('\'', "''"))),
            1 => text.push_str(&format!("\"{}\"", contents.replace('"', "\"\""))),
            2 => text.push_str(&format!("$t${}$t$", contents.replace('$', ""))),
            3 => text.push_str(&format!("/*{}*/", contents.replace(['*', '/'], ""))),
            4 => text.push_str(input.pick(&[
                "select",
                "options",
                "password",
                "alter role",
                "set_config",
                "to",
            ])),
            _ => text.push_str(input.pick(&["(", ")", "=", ",", "||", "1", "$1", ".", ":="])),
        }
        text.push_str(input.pick(&BLANKS));
    }
    text
}

/// A few characters without quotes of any kind.
fn plain(input: &mut Input<'_>) -> String {
    let length = usize::from(input.u8() % 32);
    input.text(length).replace(['\'', '\\', '$', '"'], "")
}

/// A text as a literal of some kind, and what that stands for.
fn quoted(input: &mut Input<'_>, text: String) -> (String, String) {
    match input.u8() % 5 {
        0 => (format!("'{text}'"), text),
        1 => (format!("E'{text}'"), text),
        2 => (format!("$${text}$$"), text),
        3 => (format!("$tag${text}$tag$"), text),
        _ => (format!("'first'\n'{text}'"), format!("first{text}")),
    }
}
