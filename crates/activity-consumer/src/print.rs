//! Events as lines.
//!
//! * **JSON**: the event's text and a line break.
//! * **Pretty**: `time user@database pid class/command object rows text`, in columns. What a client can choose is shown
//!   with control and direction characters escaped: a statement must not drive the terminal of whom reads about it.
//!
//! Lines are gathered and written whole, so that output cut off between two writes ends with a whole line.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::SystemTime;

use serde_json::{Map, Value};

use crate::events::Event;
use crate::time;

/// Gathered lines are written when they reach this many bytes.
const WRITE_BYTES: usize = 64 * 1024;

/// How an event is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Its own JSON.
    Json,
    /// A line for people.
    Pretty,
}

/// Prints events.
pub(crate) struct Printer {
    style: Style,
    lines: Vec<u8>,
    out: Box<dyn Write + Send>,
}

impl Printer {
    pub(crate) fn new(style: Style, out: Box<dyn Write + Send>) -> Self {
        Self { style, lines: Vec::new(), out }
    }

    /// Prints an event of a record that arrived at this time.
    pub(crate) fn event(&mut self, event: &Event<'_>, arrived: Option<SystemTime>) -> io::Result<()> {
        match self.style {
            Style::Json => self.lines.extend_from_slice(event.json.as_bytes()),
            Style::Pretty => self.lines.extend_from_slice(pretty(event, arrived).as_bytes()),
        }
        self.lines.push(b'\n');
        if self.lines.len() >= WRITE_BYTES { self.write() } else { Ok(()) }
    }

    /// Writes what was gathered, to the last byte.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.write()?;
        self.out.flush()
    }

    fn write(&mut self) -> io::Result<()> {
        let written = self.out.write_all(&self.lines);
        // After a failure how much of it was written is not known, and it must not be written twice.
        self.lines.clear();
        written
    }
}

fn pretty(event: &Event<'_>, arrived: Option<SystemTime>) -> String {
    if event.is_heartbeat {
        return format!("{:<29} (heartbeat)", arrived.map(time::format).unwrap_or_default());
    }
    let members: Map<String, Value> = serde_json::from_str(&event.json).unwrap_or_default();
    let member = |name: &str| members.get(name).and_then(shown);
    let or_dash = |name: &str| member(name).unwrap_or(Cow::Borrowed("-"));
    let who = format!("{}@{}", or_dash("dbUserName"), or_dash("databaseName"));
    let what = format!("{}/{}", or_dash("class"), or_dash("command"));
    let mut line = String::with_capacity(event.json.len() / 2);
    push_column(&mut line, &or_dash("logTime"), 29);
    push_column(&mut line, &who, 20);
    push_column(&mut line, &or_dash("pid"), 7);
    push_column(&mut line, &what, 20);
    push_column(&mut line, &or_dash("objectName"), 24);
    push_column(&mut line, &or_dash("rowCount"), 7);
    push_clean(&mut line, &member("commandText").unwrap_or_default());
    // 0 is how a session ends that ends well.
    if let Some(code) = member("exitCode").filter(|code| code != "0") {
        line.push_str("  !! ");
        push_clean(&mut line, &code);
        if let Some(message) = member("errorMessage") {
            line.push_str(": ");
            push_clean(&mut line, &message);
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// A value as text; `None` for null.
fn shown(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(Cow::Borrowed(text)),
        other => Some(Cow::Owned(other.to_string())),
    }
}

/// Pads to a width, in characters, and a space.
fn push_column(line: &mut String, text: &str, width: usize) {
    let from = line.len();
    push_clean(line, text);
    let characters = line.get(from..).unwrap_or_default().chars().count();
    line.extend(std::iter::repeat_n(' ', width.saturating_sub(characters) + 1));
}

/// Without what a terminal would obey: line breaks and tabs as spaces, other controls as `\u{…}`.
pub(crate) fn push_clean(line: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => line.push(' '),
            character if character.is_control() || is_direction(character) => {
                // Writing to a string cannot fail.
                let _ = write!(line, "{}", character.escape_unicode());
            }
            character => line.push(character),
        }
    }
}

/// Line separators and the characters that change the direction of text.
fn is_direction(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
pub(crate) mod test {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::*;

    /// Output that a test can read.
    #[derive(Debug, Clone, Default)]
    pub(crate) struct Written(pub(crate) Arc<Mutex<Vec<Vec<u8>>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic elsewhere").push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("no panic elsewhere").concat()).expect("text")
        }
    }

    fn event(json: &str) -> Event<'_> {
        Event { json: json.into(), is_heartbeat: json.contains("heartbeat"), logged: None }
    }

    fn pretty_line(json: &str) -> String {
        pretty(&event(json), Some(SystemTime::UNIX_EPOCH + Duration::from_micros(1)))
    }

    #[test]
    fn json_is_printed_as_it_is_one_line_each() {
        let written = Written::default();
        let mut printer = Printer::new(Style::Json, Box::new(written.clone()));
        for json in [r#"{"a":"\u00e9"}"#, "{ }"] {
            printer.event(&event(json), None).expect("printed");
        }
        assert_eq!(written.text(), "", "lines are gathered");
        printer.flush().expect("flushed");
        assert_eq!(written.text(), "{\"a\":\"\\u00e9\"}\n{ }\n");
    }

    #[test]
    fn every_write_ends_with_a_whole_line() {
        let written = Written::default();
        let mut printer = Printer::new(Style::Json, Box::new(written.clone()));
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(10_000));
        for _ in 0..100 {
            printer.event(&event(&long), None).expect("printed");
        }
        printer.flush().expect("flushed");
        let writes = written.0.lock().expect("no panic elsewhere");
        assert!(writes.len() > 5 && writes.iter().all(|write| write.is_empty() || write.ends_with(b"\n")));
    }

    #[test]
    fn a_pretty_line_has_its_columns() {
        let json = r#"{"logTime":"2019-05-24 00:36:54.403455+00","dbUserName":"alice","databaseName":"shop","pid":4321,
            "class":"READ","command":"SELECT","objectName":"public.orders","rowCount":12,
            "commandText":"SELECT *\n FROM orders","exitCode":null,"errorMessage":null}"#;
        assert_eq!(
            pretty_line(json),
            "2019-05-24 00:36:54.403455+00 alice@shop           4321    READ/SELECT          public.orders            \
             12      SELECT *  FROM orders"
        );
    }

    #[test]
    fn an_error_stands_at_the_end() {
        let json = r#"{"logTime":"t","dbUserName":"a","databaseName":"d","pid":1,"class":"MISC","command":"X",
            "commandText":"SELEC 1","exitCode":"42601","errorMessage":"syntax error"}"#;
        assert!(pretty_line(json).ends_with("SELEC 1  !! 42601: syntax error"), "{}", pretty_line(json));
        let killed = r#"{"class":"MISC","command":"DISCONNECT","commandText":null,"exitCode":"1"}"#;
        assert!(pretty_line(killed).ends_with("  !! 1"), "{}", pretty_line(killed));
        let ended = killed.replace(r#""1""#, r#""0""#);
        assert!(!pretty_line(&ended).contains("!!"), "{}", pretty_line(&ended));
    }

    #[test]
    fn a_statement_cannot_drive_the_terminal() {
        let line =
            pretty_line(r#"{"commandText":"\u001b[2J\u009b1m\u202eevil\u0007\r\nx","objectName":"\u001b"}"#);
        assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
        assert!(line.ends_with(r"\u{1b}[2J\u{9b}1m\u{202e}evil\u{7}  x"), "{line}");
    }

    #[test]
    fn members_of_other_types_or_none_at_all_still_make_a_line() {
        assert!(pretty_line("{}").starts_with("-  "));
        assert!(pretty_line(r#"{"pid":"x","rowCount":[1],"class":{},"commandText":7}"#).contains("[1]"));
        assert_eq!(pretty_line(r#"{"type":"heartbeat"}"#), "1970-01-01 00:00:00.000001+00 (heartbeat)");
    }
}
