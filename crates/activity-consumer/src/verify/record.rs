//! From a record's inner JSON to its events and their place, each event as the bytes that the chain was made over.
//!
//! A record is taken as a whole or not at all: one whose place does not fit its events is no evidence for any of them.

use std::borrow::Cow;

use activity_seal::Chain;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::told::{self, Told};

const TYPE: &str = "DatabaseActivityMonitoringRecord";

/// Hexadecimal digits of an epoch's name.
const EPOCH_DIGITS: usize = 16;

/// Largest sequence number. A server would have to publish a billion events a second for 292 years.
const MAX_SEQUENCE: u64 = i64::MAX as u64;

/// What a record is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Record<'a> {
    /// It says only that the stream of this instance is alive.
    Heartbeat(Cow<'a, str>),
    /// Events of one epoch.
    Events(Placed<'a>),
}

/// Events and their place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Placed<'a> {
    pub(crate) instance: Cow<'a, str>,
    pub(crate) epoch: Cow<'a, str>,
    /// The chain before the first event.
    pub(crate) chain: Chain,
    /// At least one, their sequence numbers rising.
    pub(crate) events: Vec<PlacedEvent<'a>>,
}

/// An event of a record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PlacedEvent<'a> {
    pub(crate) sequence: u64,
    /// Its JSON object, from brace to brace.
    pub(crate) json: &'a str,
    pub(crate) logged: Option<Cow<'a, str>>,
    pub(crate) command: Option<Cow<'a, str>>,
    /// What it says of the stream, where it is an event of the stream itself.
    pub(crate) told: Option<Result<Told, told::Malformed>>,
}

/// Why a record that was authentic is no evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("the decrypted record is not a list of activity events")]
    NoRecord,
    #[error("the record does not tell its place: epoch, firstSequence and chain")]
    NoPlace,
    #[error("the record's place does not fit its events")]
    WrongPlace,
    #[error("an event of the record has no sequence number, or one that does not rise")]
    WrongSequence,
}

#[derive(Deserialize)]
struct Inner<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, rename = "instanceId", default)]
    instance: Cow<'a, str>,
    #[serde(borrow, rename = "databaseActivityEventList")]
    events: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    epoch: Option<Cow<'a, str>>,
    #[serde(rename = "firstSequence", default)]
    first_sequence: Option<u64>,
    #[serde(borrow, default)]
    chain: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Option<Cow<'a, str>>,
    #[serde(default)]
    sequence: Option<u64>,
    #[serde(borrow, rename = "logTime", default)]
    logged: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    class: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    command: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "dbUserName", default)]
    user: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "paramList", default)]
    params: Option<&'a RawValue>,
}

/// Reads a record.
pub(crate) fn parse(inner_json: &[u8]) -> Result<Record<'_>, RecordError> {
    let inner: Inner<'_> = serde_json::from_slice(inner_json).map_err(|_| RecordError::NoRecord)?;
    if inner.kind != TYPE || inner.events.is_empty() {
        return Err(RecordError::NoRecord);
    }
    let heads = inner.events.iter().map(|event| head(event.get())).collect::<Result<Vec<_>, _>>()?;
    let is_placed = inner.epoch.is_some() || inner.first_sequence.is_some() || inner.chain.is_some();
    if !is_placed && heads.iter().all(|head| head.kind.as_deref() == Some("heartbeat")) {
        return Ok(Record::Heartbeat(inner.instance));
    }
    let (Some(epoch), Some(first_sequence), Some(chain)) = (inner.epoch, inner.first_sequence, inner.chain)
    else {
        return Err(RecordError::NoPlace);
    };
    let chain = Chain::from_hex(&chain).filter(|_| is_epoch(&epoch)).ok_or(RecordError::NoPlace)?;
    let events = placed(&inner.events, heads)?;
    if events.first().map(|event| event.sequence) != Some(first_sequence) {
        return Err(RecordError::WrongPlace);
    }
    Ok(Record::Events(Placed { instance: inner.instance, epoch, chain, events }))
}

/// Whether this can be an epoch's name: digits in lower case.
pub(crate) fn is_epoch(text: &str) -> bool {
    text.len() == EPOCH_DIGITS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn head(json: &str) -> Result<Head<'_>, RecordError> {
    // An array would do for serde, too.
    if !json.starts_with('{') {
        return Err(RecordError::NoRecord);
    }
    serde_json::from_str(json).map_err(|_| RecordError::NoRecord)
}

fn placed<'a>(jsons: &[&'a RawValue], heads: Vec<Head<'a>>) -> Result<Vec<PlacedEvent<'a>>, RecordError> {
    let mut last = 0;
    let mut events = Vec::with_capacity(heads.len());
    for (json, head) in jsons.iter().zip(heads) {
        // They count from 1.
        let rises = |sequence: &u64| *sequence > last && *sequence <= MAX_SEQUENCE;
        let sequence = head.sequence.filter(rises).ok_or(RecordError::WrongSequence)?;
        last = sequence;
        let told = told(&head);
        let Head { logged, command, .. } = head;
        events.push(PlacedEvent { sequence, json: json.get(), logged, command, told });
    }
    Ok(events)
}

fn told(head: &Head<'_>) -> Option<Result<Told, told::Malformed>> {
    let is_of_the_stream =
        head.class.as_deref() == Some("MISC") && head.user.as_deref() == Some(told::STREAM_USER);
    let command = head.command.as_deref().filter(|_| is_of_the_stream)?;
    let params = head.params.map_or("[]", RawValue::get);
    Told::read(command, params).transpose()
}

#[cfg(test)]
mod test {
    use super::*;

    const CHAIN: &str = "abababababababababababababababababababababababababababababababab";

    fn record(events: &str, place: &str) -> String {
        format!(
            r#"{{"type":"{TYPE}","clusterId":"c","instanceId":"i","databaseActivityEventList":[{events}]{place}}}"#
        )
    }

    fn place(first_sequence: u64) -> String {
        format!(r#","epoch":"00112233aabbccdd","firstSequence":{first_sequence},"chain":"{CHAIN}""#)
    }

    #[test]
    fn events_are_given_byte_for_byte_with_their_numbers_and_the_hole_between_them() {
        let events = r#" { "sequence":4,"a":"\u00e9\/" } ,{"a":1.50, "sequence":6}"#;
        let json = record(events, &place(4));
        let Ok(Record::Events(placed)) = parse(json.as_bytes()) else { panic!("{json}") };
        let found: Vec<_> = placed.events.iter().map(|event| (event.sequence, event.json)).collect();
        assert_eq!(found, [(4, r#"{ "sequence":4,"a":"\u00e9\/" }"#), (6, r#"{"a":1.50, "sequence":6}"#)]);
        assert_eq!((&*placed.epoch, &*placed.instance), ("00112233aabbccdd", "i"));
        assert_eq!(placed.chain.to_string(), CHAIN);
    }

    #[test]
    fn a_heartbeat_has_no_place_and_whatever_else_has_none_is_no_evidence() {
        assert_eq!(
            parse(record(r#"{"type":"heartbeat"}"#, "").as_bytes()),
            Ok(Record::Heartbeat("i".into()))
        );
        for events in [r#"{"sequence":1}"#, r#"{"type":"heartbeat"},{"sequence":1}"#] {
            assert_eq!(parse(record(events, "").as_bytes()), Err(RecordError::NoPlace), "{events}");
        }
        for place in [
            place(1).replace("dd\"", "dD\""),
            place(1).replace("00112233", ""),
            place(1).replace("abab", "abag"),
            place(1).replace(r#","firstSequence":1"#, ""),
        ] {
            let json = record(r#"{"sequence":1}"#, &place);
            assert_eq!(parse(json.as_bytes()), Err(RecordError::NoPlace), "{place}");
        }
    }

    #[test]
    fn numbers_that_do_not_fit_spoil_the_record() {
        for (events, first, error) in [
            (r#"{"sequence":2}"#, 1, RecordError::WrongPlace),
            (r#"{"sequence":1},{"sequence":1}"#, 1, RecordError::WrongSequence),
            (r#"{"sequence":2},{"sequence":1}"#, 2, RecordError::WrongSequence),
            (r#"{"sequence":0}"#, 0, RecordError::WrongSequence),
            (r#"{"sequence":1},{}"#, 1, RecordError::WrongSequence),
            (r#"{"sequence":1,"sequence":1}"#, 1, RecordError::NoRecord),
            (r#"{"sequence":-1}"#, 1, RecordError::NoRecord),
            ("", 1, RecordError::NoRecord),
            ("[1]", 1, RecordError::NoRecord),
        ] {
            let json = record(events, &place(first));
            assert_eq!(parse(json.as_bytes()), Err(error), "{events}");
        }
        assert_eq!(parse(b"{}"), Err(RecordError::NoRecord));
    }

    #[test]
    fn only_the_streams_own_events_tell_of_it() {
        let stop = |user: &str, class: &str| {
            format!(
                r#"{{"sequence":1,"class":"{class}","dbUserName":"{user}","command":"STREAM STOP","paramList":["epoch=00112233aabbccdd"]}}"#
            )
        };
        for (user, class, is_told) in
            [("activity_stream", "MISC", true), ("alice", "MISC", false), ("activity_stream", "READ", false)]
        {
            let json = record(&stop(user, class), &place(1));
            let Ok(Record::Events(placed)) = parse(json.as_bytes()) else { panic!("{json}") };
            assert_eq!(placed.events[0].told.is_some(), is_told, "{user} {class}");
        }
    }
}
