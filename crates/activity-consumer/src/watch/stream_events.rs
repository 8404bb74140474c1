//! What the stream's own events say that is to be looked at.
//!
//! | command | alarm |
//! |---|---|
//! | STREAM START | `epoch` after an unclean end, or where it does not say what is expected of it; none else |
//! | STREAM GAP BEGIN, STREAM GAP END | `gap`, once for each window |
//! | STREAM STOP, STREAM CONFIG …, STREAM INTENT, STREAM SIGNAL, STREAM STALL, STREAM BREAK GLASS | as they are called |
//! | any other STREAM … | `other`: whatever a later version says is not passed over |
//!
//! The command is the server's word: a client chooses none that begins with STREAM.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Deserialize;

use super::alarm::{Finding, Kind};
use crate::verify::{Placed, PlacedEvent, Told};

/// What the commands of the stream's own events begin with.
const PREFIX: &str = "STREAM ";

/// What is shown of an event.
#[derive(Deserialize)]
struct Shown<'a> {
    #[serde(borrow, rename = "dbUserName", default)]
    user: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "databaseName", default)]
    database: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "remoteHost", default)]
    host: Option<Cow<'a, str>>,
    #[serde(default)]
    pid: Option<i64>,
    #[serde(borrow, rename = "commandText", default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "paramList", default)]
    params: Vec<Cow<'a, str>>,
}

/// What an event says that is to be looked at.
pub(crate) struct Said {
    pub(crate) kind: Kind,
    pub(crate) finding: Finding,
    /// Of a loss: to tell it once.
    pub(crate) window: Option<String>,
}

/// `None` where there is nothing. `expected` are parameters that a STREAM START has to have.
pub(crate) fn read(event: &PlacedEvent<'_>, record: &Placed<'_>, expected: &[String]) -> Option<Said> {
    let command = event.command.as_deref().filter(|command| command.starts_with(PREFIX))?;
    let (mut window, mut sentence) = (None, sentence(command, event.json));
    let kind = match (command, &event.told) {
        ("STREAM START", Some(Ok(Told::Start(start)))) => {
            let is_unclean = start.previous.as_ref().is_some_and(|previous| !previous.clean);
            let missing = missing(event.json, expected);
            if !is_unclean && missing.is_empty() {
                return None;
            }
            for param in missing {
                // Writing to a string cannot fail.
                let _ = write!(sentence, "; not {param}");
            }
            Kind::Epoch
        }
        (_, Some(Ok(Told::Begin(told) | Told::End(told)))) => {
            window = Some(told.id.clone());
            Kind::Gap
        }
        ("STREAM STOP", _) => Kind::Stop,
        ("STREAM INTENT", _) => Kind::Intent,
        ("STREAM SIGNAL", _) => Kind::Signal,
        ("STREAM STALL", _) => Kind::Stall,
        ("STREAM BREAK GLASS", _) => Kind::BreakGlass,
        (command, _) if command.starts_with("STREAM CONFIG") => Kind::Config,
        _ => Kind::Other,
    };
    let mut finding = Finding::new(&sentence).with_event(event.json);
    finding.instance = Some(record.instance.clone().into_owned());
    finding.epoch = Some(record.epoch.clone().into_owned());
    finding.sequence = Some(event.sequence);
    Some(Said { kind, finding, window })
}

/// `STREAM INTENT by alice@shop from 10.0.0.7, pid 42: COPY …`, `STREAM CONFIG: setting=mode, old=async, new=off`.
fn sentence(command: &str, json: &str) -> String {
    let mut sentence = command.to_owned();
    let Ok(shown) = serde_json::from_str::<Shown<'_>>(json) else { return sentence };
    let is_of_a_session = shown.user.as_deref().is_some_and(|user| user != "activity_stream");
    // Writing to a string cannot fail.
    if is_of_a_session {
        let or_dash = |text: &Option<Cow<'_, str>>| text.as_deref().unwrap_or("-").to_owned();
        let (user, database, host) = (or_dash(&shown.user), or_dash(&shown.database), or_dash(&shown.host));
        let _ = write!(sentence, " by {user}@{database} from {host}");
    }
    if let Some(pid) = shown.pid.filter(|_| is_of_a_session) {
        let _ = write!(sentence, ", pid {pid}");
    }
    let params = shown.params.join(", ");
    let text = shown.text.as_deref().unwrap_or_default();
    for part in if is_of_a_session { [text, &params] } else { [&params, text] } {
        if !part.is_empty() {
            let _ = write!(sentence, ": {part}");
        }
    }
    sentence
}

/// Which of these parameters an event does not have.
fn missing<'a>(json: &str, expected: &'a [String]) -> Vec<&'a str> {
    let params = serde_json::from_str::<Shown<'_>>(json).map(|shown| shown.params).unwrap_or_default();
    let missing = expected.iter().filter(|expected| !params.iter().any(|param| param == *expected));
    missing.map(String::as_str).collect()
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn a_sentence_says_who_and_what() {
        let intent = r#"{"dbUserName":"alice","databaseName":"shop","remoteHost":"10.0.0.7","pid":42,"commandText":"COPY t TO PROGRAM 'x'","paramList":[]}"#;
        assert_eq!(
            sentence("STREAM INTENT", intent),
            "STREAM INTENT by alice@shop from 10.0.0.7, pid 42: COPY t TO PROGRAM 'x'"
        );
        let config = r#"{"dbUserName":"activity_stream","databaseName":"","pid":7,"commandText":null,"paramList":["setting=mode","new=off"]}"#;
        assert_eq!(sentence("STREAM CONFIG", config), "STREAM CONFIG: setting=mode, new=off");
        assert_eq!(sentence("STREAM NEW", r#"{"paramList":7}"#), "STREAM NEW");
    }
}
