//! The command of a text that has no parse tree, told from its words.
//!
//! A statement that failed before it was analysed (a syntax error, an unknown table) is told with its text; its command
//! and class are what its words say, as far as they say it. What they do not say is `UNKNOWN`, class MISC.
//!
//! | file | what it holds |
//! |---|---|
//! | `words` | the words outside of parentheses, of a beginning of bounded length |
//! | `tags`, `definitions` | what a command begins with, its tag, its class |
//!
//! The longest beginning that fits is the command's. A few commands say further on what they are: COPY, GRANT and REVOKE,
//! PREPARE, WITH, CREATE TABLE … AS.

mod definitions;
mod tags;
mod words;

use crate::Class;
use definitions::MODIFIERS;
use tags::{Entry, entries};
use words::{Part, Parts};

const UNKNOWN: (Class, &str) = (Class::Misc, "UNKNOWN");

/// More words than any command begins with.
const WORDS_LIMIT: usize = 4;

/// The class and command tag that the text begins with.
#[must_use]
pub fn guess(text: &str) -> (Class, &'static str) {
    let parts = Parts::of(text);
    let Some(entry) = entry(parts.clone()) else { return UNKNOWN };
    let mut rest = parts.skip(1);
    let (class, tag) = (entry.class, entry.tag);
    match entry.begins {
        "COPY" => match first_of(rest, &["FROM", "TO"]) {
            Some("FROM") => (Class::Write, tag),
            Some("TO") => (class, tag),
            _ => (Class::Misc, tag),
        },
        "GRANT" if first_of(rest.clone(), &["ON", "TO"]) == Some("TO") => (class, "GRANT ROLE"),
        "REVOKE" if first_of(rest.clone(), &["ON", "FROM"]) == Some("FROM") => (class, "REVOKE ROLE"),
        "CREATE TABLE" if rest.any(|part| part.is("AS")) => (class, "CREATE TABLE AS"),
        "PREPARE" => (prepared(text), tag),
        "WITH" => main_verb(rest).unwrap_or((class, tag)),
        _ => (class, tag),
    }
}

/// The longest beginning of a command that the parts have.
fn entry(parts: Parts<'_>) -> Option<Entry> {
    let creates = parts.clone().next().is_some_and(|part| part.is("CREATE"));
    let is_modifier = |part: &Part<'_>| creates && part.is_any(MODIFIERS);
    let mut of_beginning = parts.clone().take(1).collect::<Vec<_>>();
    of_beginning.extend(parts.skip(1).skip_while(is_modifier).take(WORDS_LIMIT - 1));
    let begins = |entry: &Entry| {
        let mut found = of_beginning.iter();
        entry.begins.split(' ').all(|keyword| found.next().is_some_and(|part| part.is(keyword)))
    };
    entries().filter(begins).max_by_key(|entry| entry.begins.len())
}

/// The first of the keywords that the parts have.
fn first_of<'t>(
    mut parts: impl Iterator<Item = Part<'t>>,
    keywords: &[&'static str],
) -> Option<&'static str> {
    parts.find_map(|part| keywords.iter().copied().find(|keyword| part.is(keyword)))
}

/// The class of the query of PREPARE … AS.
fn prepared(text: &str) -> Class {
    let mut parts = Parts::of(text);
    if !parts.any(|part| part.is("AS")) {
        return Class::Misc;
    }
    let query = parts.query();
    let known = match entry(query.clone()) {
        Some(entry) if entry.begins == "WITH" => {
            main_verb(query.skip(1)).map_or(entry.class, |(class, _)| class)
        }
        Some(entry) => entry.class,
        None => Class::Misc,
    };
    if matches!(known, Class::Read | Class::Write) { known } else { Class::Misc }
}

/// The command behind the list of common table expressions. One of these can have any name, that of a command too: names
/// come behind WITH, RECURSIVE and a comma, which the command does not.
fn main_verb<'t>(parts: impl Iterator<Item = Part<'t>>) -> Option<(Class, &'static str)> {
    let mut named = true;
    for part in parts {
        let name_is_next = part == Part::Comma || named && part.is("RECURSIVE");
        if !named {
            let verb = match part {
                _ if part.is_any(&["SELECT", "TABLE", "VALUES"]) => Some((Class::Read, "SELECT")),
                _ if part.is("INSERT") => Some((Class::Write, "INSERT")),
                _ if part.is("UPDATE") => Some((Class::Write, "UPDATE")),
                _ if part.is("DELETE") => Some((Class::Write, "DELETE")),
                _ if part.is("MERGE") => Some((Class::Write, "MERGE")),
                _ => None,
            };
            if verb.is_some() {
                return verb;
            }
        }
        named = name_is_next;
    }
    None
}

#[cfg(test)]
mod tests;
