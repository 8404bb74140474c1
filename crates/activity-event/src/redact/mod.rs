//! Taking passwords and other secrets out of text.
//!
//! A statement that failed has no parse tree, and a connection string is a literal in every tree, so this works on the text:
//! a scan over PostgreSQL's tokens, and over those in the contents of its literals, names and comments. What is replaced by
//! `<REDACTED>`, its quotes left where they are:
//!
//! | where | what |
//! |---|---|
//! | statements | the literal after the word PASSWORD, of any kind, comments in between, also unclosed |
//! | CREATE and ALTER ROLE, USER, GROUP | whatever is after PASSWORD but NULL: a password without the right quotes is still one |
//! | `OPTIONS ( … )` | the values of options whose name has password, secret, token, … in it (`names`) |
//! | assignments, comparisons, arguments | the literal after a name that ends in password or passwd and `=`, `:=`, `=>` or TO |
//! | the contents of literals | all of the above, and the secrets of connection strings (`connection`) |
//! | everywhere | the password of a URI, `scheme://user:password@host` |
//! | statements that are put together | the literals that fill what is left out: `'… PASSWORD ' \|\| 'x'`, `format('… PASSWORD %L', 'x')`; and those of `set_config('….password', 'x', …)` |
//!
//! It errs on the side of taking too much. A column that an application calls `password` is not told from a secret of the
//! server's where it is compared or assigned; in the contents of literals, which can be the body of a function, `password =`
//! takes what is up to the next blank.
//!
//! What holds: text without any of the words is returned as it is after one quick pass (`mentions`); redacting again
//! changes nothing; the work grows with the length of the text alone, literals in literals being read to a limit.
//!
//! What is not guaranteed: secrets that no word announces are not known. `INSERT INTO users (password) VALUES ('x')`, keys
//! that are arguments of functions, and words spelled in `U&` escapes stay.

mod connection;
mod mentions;
mod names;
mod place;
mod scan;
mod view;

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem;

use scan::{Outermost, secrets};

/// Redacting again changes nothing, but for texts that are made for it: they are given up after as many rounds.
const ROUNDS_LIMIT: usize = 4;

/// How far before the end of a cut text a URI is looked for.
const LONGEST_AUTHORITY_BYTES: usize = 1024;

/// What stands for what was taken out.
pub const REDACTED: &str = "<REDACTED>";

/// A shorter secret of a statement is not looked for in messages: it would be found in any word.
const SHORTEST_IN_MESSAGE_BYTES: usize = 3;

/// Whether the text has a word that a secret can follow. If not, [`passwords`] leaves it as it is and [`parameters`] finds none.
#[must_use]
pub fn mentions_secrets(text: &str) -> bool {
    mentions::secrets(text.as_bytes())
}

/// The statements without the secrets in them.
#[must_use]
pub fn passwords(text: &str) -> Cow<'_, str> {
    settled(text, Outermost::Statement)
}

/// A text that is itself what a literal holds, as the value of a parameter is, without the secrets in it: those of a
/// connection string or URI, and of statements.
#[must_use]
pub fn literal(text: &str) -> Cow<'_, str> {
    settled(text, Outermost::Contents)
}

/// The numbers of a statement's parameters whose values are secrets: they stand where [`passwords`] would take a literal.
#[must_use]
pub fn parameters(statement: &str) -> Vec<usize> {
    scan::parameters(statement)
}

/// A text that was cut, without the beginning of a URI's authority at its end: whether that is a password is told by an `@`
/// that was cut off.
#[must_use]
pub fn without_torn_uri(cut: &str) -> &str {
    let start = cut.floor_char_boundary(cut.len().saturating_sub(LONGEST_AUTHORITY_BYTES));
    let tail = cut.get(start..).unwrap_or_default();
    let Some(authority) = tail.rfind("://").map(|at| start + at + 3) else { return cut };
    let torn = cut.get(authority..).unwrap_or_default();
    let ends = |c: char| c.is_whitespace() || matches!(c, '@' | '/' | '?' | '#' | '\'' | '"');
    match torn.find(':') {
        Some(colon) if !torn.contains(ends) => cut.get(..=authority + colon).unwrap_or(cut),
        _ => cut,
    }
}

/// An error message without the secrets in it. It can quote the statement: what [`passwords`] takes out of that is taken out
/// here too, as it was written and as it is read.
#[must_use]
pub fn message<'m>(message: &'m str, statement: &str) -> Cow<'m, str> {
    let mut found = Vec::new();
    for form in forms(statement) {
        let places = memmem::find_iter(message.as_bytes(), &form);
        found.extend(places.map(|at| at..at + form.len()));
    }
    match without(message, found) {
        Cow::Borrowed(message) => literal(message),
        Cow::Owned(message) => Cow::Owned(literal(&message).into_owned()),
    }
}

/// The text without its secrets, and without what looks like one only where they are gone.
fn settled(text: &str, outermost: Outermost) -> Cow<'_, str> {
    if !mentions::secrets(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut settled = Cow::Borrowed(text);
    for _ in 0..ROUNDS_LIMIT {
        let sources = secrets(&settled, outermost).into_iter().map(|secret| secret.source).collect();
        let next = match without(&settled, sources) {
            Cow::Owned(next) if next != *settled => next,
            _ => break,
        };
        settled = Cow::Owned(next);
    }
    settled
}

/// The secrets of a statement in every form that a message can quote.
fn forms(statement: &str) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for secret in secrets(statement, Outermost::Statement) {
        let written = statement.get(secret.source).unwrap_or_default().as_bytes().to_vec();
        for mut form in [written, secret.meaning] {
            // Once more for each literal that it is in.
            loop {
                let bare = unquoted(&form);
                let single = halved(bare);
                forms.push(bare.to_vec());
                if single.len() == bare.len() {
                    break;
                }
                form = single;
            }
        }
    }
    forms.retain(|form| form.len() >= SHORTEST_IN_MESSAGE_BYTES);
    forms.sort_unstable();
    forms.dedup();
    forms
}

fn unquoted(mut text: &[u8]) -> &[u8] {
    while let [b'\'', inner @ .., b'\''] = text {
        text = inner;
    }
    text
}

/// With each doubled quote once.
fn halved(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        out.push(*first);
        rest = if rest.starts_with(b"''") { after.get(1..).unwrap_or(&[]) } else { after };
    }
    out
}

/// The text without these ranges.
fn without(text: &str, mut ranges: Vec<Range<usize>>) -> Cow<'_, str> {
    if ranges.is_empty() {
        return Cow::Borrowed(text);
    }
    ranges.sort_unstable_by_key(|range| range.start);
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut ranges = ranges.into_iter().peekable();
    while let Some(mut range) = ranges.next() {
        while let Some(next) = ranges.next_if(|next| next.start < range.end) {
            range.end = range.end.max(next.end);
        }
        let (start, end) = (text.floor_char_boundary(range.start), text.ceil_char_boundary(range.end));
        out.push_str(text.get(copied..start).unwrap_or_default());
        out.push_str(REDACTED);
        copied = end.max(copied);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
