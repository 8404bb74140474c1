//! Taking passwords out of text.
//!
//! A statement that failed has no parse tree, and a connection string is a literal in every tree, so this works on the text:
//! a scan over PostgreSQL's lexical structure (comments, `'…'`, `E'…'`, `$tag$…$tag$`, `"…"`). Replaced by `<REDACTED>`:
//!
//! * the literal after the word PASSWORD outside of literals: `CREATE ROLE … PASSWORD 'x'`, `OPTIONS (password 'x')`, also where
//!   the literal is not closed;
//! * inside any literal, the value after `password=` (libpq connection strings) and the password of a URI
//!   (`scheme://user:password@host`).
//!
//! It errs on the side of taking too much. Text with neither word nor `://` is returned as it is after one pass.

use std::borrow::Cow;

/// What stands for what was taken out.
pub const REDACTED: &str = "<REDACTED>";

const WORD: &[u8] = b"password";
/// Where the w is in it.
const W_IN_WORD: usize = 4;

/// The text without the passwords in it.
#[must_use]
pub fn passwords(text: &str) -> Cow<'_, str> {
    if !mentions_secrets(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut scan = Scan { text, out: String::with_capacity(text.len()), copied: 0, after_word: false };
    scan.run();
    scan.finish()
}

fn mentions_secrets(bytes: &[u8]) -> bool {
    // Every statement passes here. Of the letters of the word, w is the one that SQL has least of.
    memchr::memchr3_iter(b'w', b'W', b':', bytes).any(|at| {
        if bytes.get(at) == Some(&b':') {
            return bytes.get(at..at + 3) == Some(b"://");
        }
        let word = at.checked_sub(W_IN_WORD).and_then(|start| bytes.get(start..start + WORD.len()));
        word.is_some_and(|w| w.eq_ignore_ascii_case(WORD))
    })
}

struct Scan<'a> {
    text: &'a str,
    out: String,
    /// Everything before this is in `out`.
    copied: usize,
    /// The last token was the word PASSWORD.
    after_word: bool,
}

impl<'a> Scan<'a> {
    fn run(&mut self) {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            let rest = bytes.get(at..).unwrap_or(&[]);
            at = match byte {
                b'-' if rest.starts_with(b"--") => at + line_length(rest),
                b'/' if rest.starts_with(b"/*") => at + comment_length(rest),
                b'\'' => self.literal(at, at + 1, quoted_length(rest, b'\'', escapes(bytes, at))),
                b'"' => {
                    self.after_word =
                        rest.get(1..1 + WORD.len()).is_some_and(|w| w.eq_ignore_ascii_case(WORD))
                            && rest.get(1 + WORD.len()) == Some(&b'"');
                    at + quoted_length(rest, b'"', false)
                }
                b'$' if tag_length(rest) > 0 && !continues_word(bytes, at) => {
                    let tag = tag_length(rest);
                    self.literal(at, at + tag, dollar_length(rest, tag))
                }
                b if b.is_ascii_whitespace() || matches!(b, b'=' | b'(' | b':' | b',') => at + 1,
                b if is_word(b) => self.word(at, rest),
                _ => {
                    self.after_word = false;
                    at + 1
                }
            };
        }
    }

    /// A word; returns where it ends. A prefix of a literal (E, B, X, N, U&) is not a word of its own.
    fn word(&mut self, at: usize, rest: &[u8]) -> usize {
        let length = rest.iter().take_while(|b| is_word(**b)).count();
        let word = rest.get(..length).unwrap_or(rest);
        let prefix = length == 1 && matches!(rest.get(1), Some(b'\'' | b'&'));
        if !prefix {
            // ENCRYPTED PASSWORD 'x' and password NULL alike; a word in between (IS, TO) keeps a literal after it safe too.
            self.after_word = word.eq_ignore_ascii_case(WORD)
                || (self.after_word
                    && (word.eq_ignore_ascii_case(b"to") || word.eq_ignore_ascii_case(b"is")));
        }
        at + length
    }

    /// A literal from `start`, its contents from `inside`, `length` bytes in all; returns where it ends.
    fn literal(&mut self, start: usize, inside: usize, length: usize) -> usize {
        let end = start + length;
        let closing = (inside - start).min(end - inside);
        let closed =
            end - closing >= inside && self.text.get(end - closing..end) == self.text.get(start..inside);
        let contents_end = if closed && length > closing { end - closing } else { end };
        if std::mem::take(&mut self.after_word) {
            self.replace(inside, contents_end);
        } else if let Some(contents) = self.text.get(inside..contents_end) {
            self.connection_strings(inside, contents);
        }
        end
    }

    /// Passwords of connection strings in the contents of a literal that begins at `base`.
    fn connection_strings(&mut self, base: usize, contents: &str) {
        let bytes = contents.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let rest = bytes.get(at..).unwrap_or(&[]);
            if rest.get(..WORD.len()).is_some_and(|w| w.eq_ignore_ascii_case(WORD))
                && let Some((from, to)) = keyword_value(rest)
            {
                self.replace(base + at + from, base + at + to);
                at += to;
            } else if rest.starts_with(b"://") {
                let authority = rest.get(3..).unwrap_or(&[]);
                if let Some((from, to)) = uri_password(authority) {
                    self.replace(base + at + 3 + from, base + at + 3 + to);
                }
                at += 3;
            } else {
                at += 1;
            }
        }
    }

    fn replace(&mut self, from: usize, to: usize) {
        if to <= from || from < self.copied {
            return;
        }
        self.out.push_str(self.text.get(self.copied..from).unwrap_or_default());
        self.out.push_str(REDACTED);
        self.copied = to;
    }

    fn finish(mut self) -> Cow<'a, str> {
        if self.copied == 0 && self.out.is_empty() {
            return Cow::Borrowed(self.text);
        }
        self.out.push_str(self.text.get(self.copied..).unwrap_or_default());
        Cow::Owned(self.out)
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn continues_word(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(1).and_then(|i| bytes.get(i)).is_some_and(|b| is_word(*b))
}

/// Whether the literal whose quote is at `at` is an `E'…'`, in which a backslash escapes the quote.
fn escapes(bytes: &[u8], at: usize) -> bool {
    let prefix = at.checked_sub(1).and_then(|i| bytes.get(i));
    prefix.is_some_and(|b| b.eq_ignore_ascii_case(&b'e')) && !continues_word(bytes, at - 1)
}

fn line_length(rest: &[u8]) -> usize {
    rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |end| end + 1)
}

/// Comments nest.
fn comment_length(rest: &[u8]) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(pair) = rest.get(at..at + 2) {
        match pair {
            b"/*" => depth += 1,
            b"*/" => depth = depth.saturating_sub(1),
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// Length of a quoted token with its quotes; a doubled quote is part of it. An unclosed one goes to the end.
fn quoted_length(rest: &[u8], quote: u8, backslash: bool) -> usize {
    let mut at = 1;
    while let Some(byte) = rest.get(at).copied() {
        if byte == b'\\' && backslash {
            at += 2;
        } else if byte != quote {
            at += 1;
        } else if rest.get(at + 1) == Some(&quote) {
            at += 2;
        } else {
            return at + 1;
        }
    }
    rest.len()
}

/// Length of `$tag$`, 0 where it is none. A tag does not begin with a digit.
fn tag_length(rest: &[u8]) -> usize {
    let name = rest.get(1..).unwrap_or(&[]);
    let length = name.iter().take_while(|b| is_word(**b)).count();
    let starts_with_digit = name.first().is_some_and(u8::is_ascii_digit);
    if name.get(length) == Some(&b'$') && !starts_with_digit { length + 2 } else { 0 }
}

fn dollar_length(rest: &[u8], tag_length: usize) -> usize {
    let (tag, body) = rest.split_at(tag_length.min(rest.len()));
    body.windows(tag.len()).position(|w| w == tag).map_or(rest.len(), |end| tag.len() + end + tag.len())
}

/// The value of `password = value` of a libpq connection string (also quoted there); `rest` begins with the word.
fn keyword_value(rest: &[u8]) -> Option<(usize, usize)> {
    let mut at = WORD.len();
    let blank = |at: usize| rest.get(at).is_some_and(u8::is_ascii_whitespace);
    while blank(at) {
        at += 1;
    }
    if rest.get(at) != Some(&b'=') {
        return None;
    }
    at += 1;
    while blank(at) {
        at += 1;
    }
    let value = rest.get(at..).unwrap_or(&[]);
    // In a literal the quotes of a quoted value are doubled.
    let length = match value {
        [b'\'', b'\'', ..] => {
            let inner = value.get(2..).unwrap_or(&[]);
            inner.windows(2).position(|w| w == b"''").map_or(value.len(), |end| end + 4)
        }
        [b'\'', ..] => quoted_length(value, b'\'', true),
        _ => value.iter().position(|b| b.is_ascii_whitespace() || *b == b'&').unwrap_or(value.len()),
    };
    Some((at, at + length))
}

/// The password of `user:password@host`, at the beginning of `authority`.
fn uri_password(authority: &[u8]) -> Option<(usize, usize)> {
    let end = authority.iter().position(|b| matches!(b, b'/' | b'?' | b'#') || b.is_ascii_whitespace());
    let authority = authority.get(..end.unwrap_or(authority.len())).unwrap_or(authority);
    let at = authority.iter().rposition(|b| *b == b'@')?;
    let colon = authority.get(..at)?.iter().position(|b| *b == b':')?;
    Some((colon + 1, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn redacts(text: &str, expected: &str) {
        assert_eq!(passwords(text), expected);
    }

    #[test]
    fn text_without_passwords_is_not_copied() {
        for text in ["select 1", "select pass, word from t", "", "select 'p'", "é"] {
            assert!(matches!(passwords(text), Cow::Borrowed(t) if t == text));
        }
    }

    #[test]
    fn role_commands_lose_the_literal_after_password() {
        redacts(
            "CREATE ROLE joe LOGIN PASSWORD 'x''y' VALID UNTIL 'z'",
            "CREATE ROLE joe LOGIN PASSWORD '<REDACTED>' VALID UNTIL 'z'",
        );
        redacts(
            "alter user joe encrypted password E'x\\'y';",
            "alter user joe encrypted password E'<REDACTED>';",
        );
        redacts("alter user joe password $$secret$$;", "alter user joe password $$<REDACTED>$$;");
        redacts("alter user joe password $q$se$$cret$q$;", "alter user joe password $q$<REDACTED>$q$;");
        redacts("ALTER ROLE joe PASSWORD NULL", "ALTER ROLE joe PASSWORD NULL");
        redacts(
            "alter role joe /* password */ password -- 'no'\n 'yes'",
            "alter role joe /* password */ password -- 'no'\n '<REDACTED>'",
        );
    }

    #[test]
    fn an_unclosed_literal_is_redacted_to_its_end() {
        redacts("create role joe password 'secret", "create role joe password '<REDACTED>");
        redacts("create role joe password $$secret", "create role joe password $$<REDACTED>");
    }

    #[test]
    fn a_role_or_table_named_password_keeps_the_rest_of_the_text() {
        redacts("create role password_reader; select 'a'", "create role password_reader; select 'a'");
        redacts("select 'a' from password", "select 'a' from password");
    }

    #[test]
    fn user_mapping_options_lose_the_password() {
        redacts(
            "CREATE USER MAPPING FOR joe SERVER s OPTIONS (user 'joe', password 'secret')",
            "CREATE USER MAPPING FOR joe SERVER s OPTIONS (user 'joe', password '<REDACTED>')",
        );
        redacts(
            "alter user mapping for j server s options (set \"password\" 's')",
            "alter user mapping for j server s options (set \"password\" '<REDACTED>')",
        );
    }

    #[test]
    fn connection_strings_in_any_literal_lose_the_password() {
        redacts(
            "create subscription s connection 'host=a user=b password=secret dbname=d' publication p",
            "create subscription s connection 'host=a user=b password=<REDACTED> dbname=d' publication p",
        );
        redacts(
            "select dblink('password = ''a b'' host=h')",
            "select dblink('password = <REDACTED> host=h')",
        );
        redacts("select dblink('password=secret')", "select dblink('password=<REDACTED>')");
        redacts(
            "select dblink('postgresql://joe:secret@host:5432/db?x=y')",
            "select dblink('postgresql://joe:<REDACTED>@host:5432/db?x=y')",
        );
        redacts("select 'http://host/path:x@y'", "select 'http://host/path:x@y'");
        redacts(
            "alter system set primary_conninfo = $$password=s$$",
            "alter system set primary_conninfo = $$password=<REDACTED>$$",
        );
    }

    #[test]
    fn every_cut_of_a_text_is_scanned_without_a_panic() {
        let text = "E'\\'' password 'é' $a$ password=é $a$ \"x\" /* /* */ */ -- é\n 'é://é:é@é' $1 password";
        for end in (0..=text.len()).filter(|i| text.is_char_boundary(*i)) {
            for start in (0..=end).filter(|i| text.is_char_boundary(*i)) {
                let _whatever = passwords(&text[start..end]).len();
            }
        }
        assert!(passwords(text).contains(REDACTED));
    }
}
