//! Statements told by their tokens, and commands by their words: any text that a client sends, in any encoding.
//!
//! * Every piece is a piece of the text; statement after statement, the text comes to its end, and nothing but separators is
//!   left out.
//! * A statement that was found alone is found again, whole.
//! * The work is in proportion to the length.

use activity_event::command::guess;
use activity_event::slice::{first_statement, statement_from};

use crate::cpu::{assert_linear, is_measured};
use crate::input::Input;

pub(super) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    one_by_one(&text);
    let (class, tag) = guess(&text);
    assert!(!tag.is_empty() && !class.as_str().is_empty());
    anywhere(&mut Input::new(bytes));
    if is_measured(bytes) {
        let rest = String::from_utf8_lossy(&bytes[1..]);
        assert_linear(&rest, |long| _ = guess(long));
        assert_linear(&rest, |long| _ = statement_from(long.as_bytes(), 0, usize::MAX));
        assert_linear(&rest, all_statements);
    }
}

fn all_statements(text: &str) {
    let mut rest = text;
    while !rest.is_empty() {
        rest = first_statement(rest).1;
    }
}

fn one_by_one(text: &str) {
    let mut rest = text;
    while !rest.is_empty() {
        let (statement, behind) = first_statement(rest);
        assert!(rest.ends_with(behind) && behind.len() < rest.len(), "no way ahead");
        let front = &rest[..rest.len() - behind.len()];
        // Where it is, and not where the same text comes first: what was passed over can have it, too.
        let at = statement.as_ptr().addr() - front.as_ptr().addr();
        assert_eq!(front.get(at..at + statement.len()), Some(statement));
        if !statement.is_empty() {
            // The server's blanks have the vertical tab among them.
            let is_blank = |c: char| c.is_ascii_whitespace() || c == '\u{b}';
            assert!(!statement.starts_with(is_blank) && !statement.ends_with(is_blank));
            let end = front[at + statement.len()..].trim_matches(is_blank);
            assert!(matches!(end, "" | ";"), "left out: {end:?}");
            // Alone it has nothing behind it, whatever it had in the text.
            assert_eq!(first_statement(statement), (statement, ""));
        }
        rest = behind;
    }
}

fn anywhere(input: &mut Input<'_>) {
    let (offset, limit_bytes) = (usize::from(input.u16()), usize::from(input.u16()));
    let text = input.rest();
    let statement = statement_from(text, offset, limit_bytes);
    let rest = text.get(offset..).unwrap_or_default();
    assert!(statement.is_empty() || rest.windows(statement.len()).any(|window| window == statement));
    if offset < text.len() {
        assert_eq!(statement_from(rest, 0, limit_bytes), statement);
    }
    if let Ok(text) = std::str::from_utf8(text) {
        let (first, _) = first_statement(text);
        let whole = statement_from(text.as_bytes(), 0, usize::MAX);
        assert!(whole.starts_with(first.as_bytes()));
    }
}
