//! Where one statement of a query string ends.
//!
//! A string of several statements is parsed as a whole, and where that fails there are no parse trees to say which statement
//! is which. Here the end of one is told by the tokens: a semicolon outside of literals, comments, parentheses and the body
//! of a function in SQL (`BEGIN ATOMIC … END`, PostgreSQL 14).
//!
//! What holds: every byte is looked at once, at most as many as the caller allows. A statement has no blanks around it but
//! the comments before it, and is not empty unless there is none: as in the server, `;;` is none.
//!
//! What is not guaranteed: in text that does not parse, what is not closed takes the rest with it.

use crate::lex::{Kind, Lexer, Token, is_blank};

/// The first statement of a text, without its semicolon, and what comes behind that.
#[must_use]
pub fn first_statement(text: &str) -> (&str, &str) {
    let found = find(text.as_bytes());
    let statement = text.get(found.start..found.end).unwrap_or_default();
    let is_blank = |c: char| u8::try_from(c).is_ok_and(is_blank);
    (statement.trim_matches(is_blank), text.get(found.rest..).unwrap_or_default())
}

/// The statement that begins at or after `offset`, where no other is under way, with its semicolon, in any encoding that a
/// server can have. Not more than `limit_bytes` from the offset on are looked at: a statement that does not end there is taken
/// for all of the rest.
#[must_use]
pub fn statement_from(text: &[u8], offset: usize, limit_bytes: usize) -> &[u8] {
    let rest = text.get(offset..).unwrap_or(&[]);
    let window = rest.get(..limit_bytes).unwrap_or(rest);
    let found = find(window);
    let end = if found.ended { found.rest } else { rest.len() };
    trim(rest.get(found.start..end).unwrap_or(&[]))
}

/// Without the blanks around it: what the scanner takes for one, the vertical tab among them.
fn trim(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|b| !is_blank(*b)).unwrap_or(text.len());
    let end = text.iter().rposition(|b| !is_blank(*b)).map_or(start, |last| last + 1);
    text.get(start..end).unwrap_or(&[])
}

struct Found {
    start: usize,
    end: usize,
    /// Behind the semicolon.
    rest: usize,
    /// There is one.
    ended: bool,
}

fn find(text: &[u8]) -> Found {
    let mut start = 0;
    let mut statement = Statement::default();
    for token in Lexer::new(text).filter(|token| !token.is_blank()) {
        if token.of(text) != b";" || !statement.ends() {
            statement.go_on(text, &token);
        } else if statement.previous == Previous::None {
            start = token.end;
        } else {
            return Found { start, end: token.start, rest: token.end, ended: true };
        }
    }
    Found { start, end: text.len(), rest: text.len(), ended: false }
}

/// What a token before can mean for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Previous {
    /// There is none.
    #[default]
    None,
    Begin,
    /// AS or a dot: what follows is a name.
    Naming,
    Other,
}

/// A statement as far as it has been read.
#[derive(Debug, Default)]
struct Statement {
    previous: Previous,
    /// It makes something; only then it can have a body.
    creates: bool,
    parentheses: usize,
    /// How many END are missing.
    open_blocks: usize,
}

impl Statement {
    fn ends(&self) -> bool {
        self.parentheses == 0 && self.open_blocks == 0
    }

    fn go_on(&mut self, text: &[u8], token: &Token) {
        let previous = self.previous;
        self.previous = Previous::Other;
        match (token.kind, token.of(text)) {
            (Kind::Word, word) => self.word(word, previous),
            (_, b"(") => self.parentheses += 1,
            (_, b")") => self.parentheses = self.parentheses.saturating_sub(1),
            (_, b".") => self.previous = Previous::Naming,
            _ => {}
        }
    }

    fn word(&mut self, word: &[u8], previous: Previous) {
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword.as_bytes());
        match previous {
            Previous::None => self.creates = is("create"),
            Previous::Begin if is("atomic") && self.creates => self.open_blocks += 1,
            Previous::Naming => {}
            _ if self.open_blocks > 0 && is("case") => self.open_blocks += 1,
            _ if is("end") => self.open_blocks = self.open_blocks.saturating_sub(1),
            _ if is("begin") => self.previous = Previous::Begin,
            _ if is("as") => self.previous = Previous::Naming,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn splits(text: &str, statement: &str, rest: &str) {
        assert_eq!(first_statement(text), (statement, rest));
        let whole = statement_from(text.as_bytes(), 0, usize::MAX);
        let separator = whole.strip_prefix(statement.as_bytes()).map(<[u8]>::trim_ascii);
        assert!(matches!(separator, Some(b"" | b";")), "{separator:?}");
    }

    #[test]
    fn a_statement_ends_at_its_semicolon() {
        splits("select 1", "select 1", "");
        splits(" select 1 ;\n select 2;", "select 1", "\n select 2;");
        splits("select 1;select 2", "select 1", "select 2");
        splits("", "", "");
        splits(" \n", "", "");
    }

    #[test]
    fn semicolons_in_literals_comments_and_parentheses_end_nothing() {
        for statement in [
            "select ';', E'\\';', $a$;$a$, \";\", 'a'\n';'",
            "-- ;\nselect /* ; /* ; */ ; */ 1",
            "create rule r as on insert to t do (delete from u; delete from v)",
            "select (1; 2",
            "select 'a;",
        ] {
            splits(statement, statement, "");
        }
    }

    #[test]
    fn comments_before_a_statement_are_part_of_it() {
        splits("/* a */ select 1; x", "/* a */ select 1", " x");
        splits("-- only", "-- only", "");
    }

    #[test]
    fn empty_statements_are_none() {
        splits(";; /* nothing */ ; select 1; x", "select 1", " x");
        splits(";;", "", "");
        assert_eq!(first_statement(";\u{b};\u{b}"), ("", ""));
        assert_eq!(first_statement("\u{b}select 1\u{b}; x"), ("select 1", " x"));
        assert_eq!(statement_from(b"\x0b\x0b", 0, usize::MAX), b"");
    }

    #[test]
    fn the_body_of_a_function_in_sql_is_part_of_its_statement() {
        let body = "create or replace function f() returns int begin atomic select case when a then case b when 1 then 2 \
                    end end as end; select t.end, 'end;'; end";
        splits(&format!("{body}; select 1"), body, " select 1");
        let both = "CREATE PROCEDURE p() BEGIN /* ; */ ATOMIC ; END";
        splits(&format!("{both}; select 1"), both, " select 1");
        splits("begin; select case when a then b end; end", "begin", " select case when a then b end; end");
        splits("create table atomic (a int); x", "create table atomic (a int)", " x");
    }

    #[test]
    fn a_statement_is_found_from_any_offset_in_any_encoding() {
        let text = b"select '\xe4;'; \xfc \x80; last";
        assert_eq!(statement_from(text, 0, usize::MAX), b"select '\xe4;';");
        assert_eq!(statement_from(text, 12, usize::MAX), b"\xfc \x80;");
        assert_eq!(statement_from(text, 17, usize::MAX), b"last");
        assert_eq!(statement_from(text, text.len(), usize::MAX), b"");
        assert_eq!(statement_from(text, usize::MAX, usize::MAX), b"");
    }

    #[test]
    fn comments_between_operators_are_each_looked_at_once() {
        // Each of these would otherwise look for the end of the operator through all that follow.
        let text = "*/**/".repeat(400_000);
        splits(&text, &text, "");
        splits(&format!("{text}; x"), &text, " x");
    }

    #[test]
    fn no_more_is_looked_at_than_allowed() {
        let text = format!("select '{}'; select 2", "x".repeat(1000));
        assert_eq!(statement_from(text.as_bytes(), 0, 10), text.as_bytes());
        assert_eq!(statement_from(b"a; b; c", 2, 3), b"b;");
    }

    proptest! {
        #[test]
        fn nothing_but_separators_is_lost(text in "[ ;a'()$/*é-]{0,40}") {
            let (statement, rest) = first_statement(&text);
            prop_assert!(text.ends_with(rest));
            prop_assert!(text.contains(statement));
            prop_assert!(rest.len() + statement.len() <= text.len());
        }
    }
}
