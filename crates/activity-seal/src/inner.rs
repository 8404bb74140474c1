//! The inner JSON: one record's events, with the cluster and instance they come from.
//!
//! ```text
//! {"type":"DatabaseActivityMonitoringRecord","clusterId":"…","instanceId":"…","databaseActivityEventList":[…]}
//! ```
//!
//! Compact, because consumers look for members as text. After the list a record of events names where it stands in
//! the stream: `"epoch"` (one start of the server), `"firstSequence"` (the sequence number of its first event) and `"chain"`
//! (see [`Chain`]).
//!
//! A heartbeat travels alone in its record, which then is exactly as Aurora's: consumers classify a record by the
//! first element of its list, and the members that place events would place nothing.

use crate::chain::Chain;

/// Where a record's events stand in the stream of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// Names one start of the server: sequence numbers are gap-free within it.
    pub epoch: &'a str,
    /// Sequence number of the record's first event.
    pub first_sequence: u64,
    /// The chain before that event.
    pub chain: Chain,
}

/// Builds one record's inner JSON, event by event, in a buffer of its own.
#[derive(Debug)]
pub struct InnerRecord {
    json: Vec<u8>,
    events: usize,
}

impl InnerRecord {
    /// A record without events yet. `expected_bytes` is what its events will take, as far as known.
    #[must_use]
    pub fn new(cluster_id: &str, instance_id: &str, expected_bytes: usize) -> Self {
        let mut json = Vec::with_capacity(expected_bytes.saturating_add(256));
        json.extend_from_slice(br#"{"type":"DatabaseActivityMonitoringRecord","clusterId":"#);
        push_string(&mut json, cluster_id);
        json.extend_from_slice(br#","instanceId":"#);
        push_string(&mut json, instance_id);
        json.extend_from_slice(br#","databaseActivityEventList":["#);
        Self { json, events: 0 }
    }

    /// Adds one event. `write` appends exactly one JSON object and leaves what is there alone.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.events > 0 {
            self.json.push(b',');
        }
        write(&mut self.json);
        self.events = self.events.saturating_add(1);
    }

    /// Adds one event that is JSON already.
    pub fn push(&mut self, event_json: &[u8]) {
        self.push_with(|json| json.extend_from_slice(event_json));
    }

    /// Adds events that are JSON already, with commas between them; `events` says how many, at least one.
    pub fn push_list(&mut self, list_json: &[u8], events: usize) {
        self.push(list_json);
        self.events = self.events.saturating_add(events.saturating_sub(1));
    }

    /// How many events were added.
    #[must_use]
    pub fn events(&self) -> usize {
        self.events
    }

    /// Bytes written so far.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.json.len()
    }

    /// Closes the list and the record, naming its place in the stream if it has one.
    #[must_use]
    pub fn finish(mut self, place: Option<Place<'_>>) -> Vec<u8> {
        self.json.push(b']');
        if let Some(place) = place {
            self.json.extend_from_slice(br#","epoch":"#);
            push_string(&mut self.json, place.epoch);
            self.json.extend_from_slice(br#","firstSequence":"#);
            self.json.extend_from_slice(place.first_sequence.to_string().as_bytes());
            self.json.extend_from_slice(format!(r#","chain":"{}""#, place.chain).as_bytes());
        }
        self.json.push(b'}');
        self.json
    }
}

/// The inner JSON of a record that only says that the stream is alive.
#[must_use]
pub fn heartbeat(cluster_id: &str, instance_id: &str) -> Vec<u8> {
    let mut record = InnerRecord::new(cluster_id, instance_id, 0);
    record.push(br#"{"type":"heartbeat"}"#);
    record.finish(None)
}

/// Appends `text` as a JSON string.
fn push_string(json: &mut Vec<u8>, text: &str) {
    json.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => json.extend_from_slice(&[b'\\', byte]),
            0..0x20 => json.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => json.push(byte),
        }
    }
    json.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: Vec<u8>) -> String {
        String::from_utf8(json).unwrap()
    }

    #[test]
    fn a_heartbeat_is_aurora_s_without_any_further_member() {
        assert_eq!(
            text(heartbeat("cluster-A", "db-B")),
            concat!(
                r#"{"type":"DatabaseActivityMonitoringRecord","clusterId":"cluster-A","instanceId":"db-B","#,
                r#""databaseActivityEventList":[{"type":"heartbeat"}]}"#
            )
        );
    }

    #[test]
    fn events_stand_in_the_order_they_came_and_the_place_follows_the_list() {
        let mut record = InnerRecord::new("c", "i", 100);
        record.push(br#"{"statementId":1}"#);
        record.push_with(|json| json.extend_from_slice(br#"{"statementId":2}"#));
        assert_eq!(record.events(), 2);
        let before = record.bytes();
        let json = text(record.finish(Some(Place {
            epoch: "2024-x",
            first_sequence: u64::MAX,
            chain: Chain::from_bytes([0xab; 32]),
        })));
        assert_eq!(
            json,
            concat!(
                r#"{"type":"DatabaseActivityMonitoringRecord","clusterId":"c","instanceId":"i","#,
                r#""databaseActivityEventList":[{"statementId":1},{"statementId":2}],"#,
                r#""epoch":"2024-x","firstSequence":18446744073709551615,"#,
                r#""chain":"abababababababababababababababababababababababababababababababab"}"#
            )
        );
        assert!(json.len() > before);
    }

    #[test]
    fn a_list_of_events_takes_its_place_among_others() {
        let mut record = InnerRecord::new("c", "i", 0);
        record.push(b"{\"a\":1}");
        record.push_list(b"{\"a\":2},{\"a\":3}", 2);
        record.push(b"{\"a\":4}");
        assert_eq!(record.events(), 4);
        let value: serde_json::Value = serde_json::from_slice(&record.finish(None)).unwrap();
        let list = value["databaseActivityEventList"].as_array().unwrap();
        assert_eq!(list.iter().map(|event| event["a"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4]);
    }

    #[test]
    fn identifiers_of_any_text_make_valid_json() {
        let odd = "a\"b\\c\u{0}\n\u{1f}\u{7f}é😀";
        let record = InnerRecord::new(odd, odd, 0).finish(Some(Place {
            epoch: odd,
            first_sequence: 0,
            chain: Chain::begin(odd),
        }));
        let value: serde_json::Value = serde_json::from_slice(&record).unwrap();
        for member in ["clusterId", "instanceId", "epoch"] {
            assert_eq!(value[member], odd);
        }
        assert_eq!(value["databaseActivityEventList"], serde_json::json!([]));
    }
}
