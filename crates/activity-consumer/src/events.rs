//! From the inner JSON of a record to its events, each still the text that was sent.

use std::borrow::Cow;
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::time;

const TYPE: &str = "DatabaseActivityMonitoringRecord";

/// An event of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event<'a> {
    /// Its JSON object, on one line; else as it was sent.
    pub(crate) json: Cow<'a, str>,
    /// It says only that the stream is alive.
    pub(crate) is_heartbeat: bool,
    /// `logTime`: the end of the statement's execution.
    pub(crate) logged: Option<SystemTime>,
}

/// The record was authentic, and is not what records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the decrypted record is not a list of activity events")]
pub(crate) struct Malformed;

#[derive(Deserialize)]
struct Inner<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, rename = "databaseActivityEventList")]
    events: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, rename = "logTime")]
    logged: Option<&'a RawValue>,
}

/// All events of a record, or none: one that is no JSON object spoils them all.
pub(crate) fn parse(inner_json: &[u8]) -> Result<Vec<Event<'_>>, Malformed> {
    let inner: Inner<'_> = serde_json::from_slice(inner_json).map_err(|_| Malformed)?;
    if inner.kind != TYPE {
        return Err(Malformed);
    }
    inner.events.into_iter().map(|event| event_of(event.get())).collect()
}

fn event_of(json: &str) -> Result<Event<'_>, Malformed> {
    // An array would do for serde, too.
    if !json.starts_with('{') {
        return Err(Malformed);
    }
    let head: Head<'_> = serde_json::from_str(json).map_err(|_| Malformed)?;
    let is_heartbeat = head.kind.and_then(text).is_some_and(|kind| kind == "heartbeat");
    let logged = head.logged.and_then(text).and_then(|logged| time::parse(&logged));
    Ok(Event { json: on_one_line(json), is_heartbeat, logged })
}

fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str(value.get()).ok().map(|Text(text)| text)
}

/// In valid JSON a line break stands between tokens only, where a space says the same.
fn on_one_line(json: &str) -> Cow<'_, str> {
    if json.contains(['\n', '\r']) {
        Cow::Owned(json.replace(['\n', '\r'], " "))
    } else {
        Cow::Borrowed(json)
    }
}

#[cfg(test)]
mod test {
    use std::time::Duration;

    use super::*;
    use crate::fake::inner;

    fn texts(json: &str) -> Vec<String> {
        parse(json.as_bytes()).expect("events").into_iter().map(|event| event.json.into_owned()).collect()
    }

    #[test]
    fn each_events_text_is_passed_on_unchanged() {
        let events = [
            r#"{"statementId":2,"commandText":"SELECT 'é\u00e9\n\/' ; -- }],[{","rowCount":1.50e3}"#,
            r#"{ "type" : "record" , "unknown":[{"a":[]}], "pid":12345678901234567890123 }"#,
            "{}",
        ];
        assert_eq!(texts(&inner(&events)), events);
        assert!(texts(&inner(&[])).is_empty());
    }

    #[test]
    fn members_around_the_list_may_come_in_any_order_and_number() {
        let json = r#"{"databaseActivityEventList":[{"a":1}],"epoch":"e","type":"DatabaseActivityMonitoringRecord"}"#;
        assert_eq!(texts(json), [r#"{"a":1}"#]);
    }

    #[test]
    fn an_event_over_several_lines_becomes_one() {
        assert_eq!(texts(&inner(&["{\r\n\"a\":\n\"\\n\"\n}"])), ["{  \"a\": \"\\n\" }"]);
    }

    #[test]
    fn heartbeats_and_log_times_are_recognised() {
        let json = inner(&[
            r#"{"type":"heartbeat"}"#,
            r#"{"type":"heart\u0062eat"}"#,
            r#"{"type":"record","logTime":"1970-01-01 00:00:01.500000+00"}"#,
            r#"{"type":["heartbeat"],"logTime":1}"#,
        ]);
        let events = parse(json.as_bytes()).expect("events");
        assert_eq!(
            events.iter().map(|event| event.is_heartbeat).collect::<Vec<_>>(),
            [true, true, false, false]
        );
        let logged = SystemTime::UNIX_EPOCH + Duration::from_millis(1_500);
        assert_eq!(
            events.iter().map(|event| event.logged).collect::<Vec<_>>(),
            [None, None, Some(logged), None]
        );
    }

    #[test]
    fn what_is_no_list_of_objects_is_refused_as_a_whole() {
        for json in [
            "",
            "[]",
            "{}",
            r#"{"type":"DatabaseActivityMonitoringRecord"}"#,
            r#"{"type":"another","databaseActivityEventList":[]}"#,
            &inner(&["{}", "1"]),
            &inner(&["{}", "[null,null]"]),
            &inner(&["{\"a\":}"]),
            &format!("{} x", inner(&[])),
            &inner(&[&"[".repeat(100_000)]),
        ] {
            assert_eq!(parse(json.as_bytes()), Err(Malformed), "{}", &json[..json.len().min(100)]);
        }
        let mut not_utf8 = inner(&[r#"{"a":"x"}"#]).into_bytes();
        let at = not_utf8.iter().position(|byte| *byte == b'x').expect("x");
        not_utf8[at] = 0xff;
        assert_eq!(parse(&not_utf8), Err(Malformed));
    }
}
