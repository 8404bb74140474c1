//! A producer for tests: epochs of events with their chain, cut into records in any way.

use activity_seal::Chain;
use activity_seal::inner::{InnerRecord, Place};

/// The start of a server, as it went.
#[derive(Debug, Clone)]
pub(crate) struct Epoch {
    pub(crate) name: String,
    /// What can be sent, in order.
    pub(crate) events: Vec<Event>,
    next: u64,
    chain: Chain,
    minute: u64,
}

/// An event that has its place.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) sequence: u64,
    pub(crate) json: String,
    pub(crate) before: Chain,
    pub(crate) after: Chain,
}

impl Epoch {
    /// One that has just begun. Names rise with time here.
    pub(crate) fn new(number: u64) -> Self {
        let name = format!("{number:016x}");
        let chain = Chain::begin(&name);
        Self { name, events: Vec::new(), next: 1, chain, minute: number }
    }

    /// A statement.
    pub(crate) fn event(&mut self, text: &str) -> &mut Self {
        self.push("alice", "READ", "SELECT", text, &[])
    }

    /// So many statements.
    pub(crate) fn events(&mut self, count: usize) -> &mut Self {
        for _ in 0..count {
            self.event("SELECT 'é\\u00e9'");
        }
        self
    }

    /// STREAM START behind this epoch, or as the first of all.
    pub(crate) fn start(&mut self, previous: Option<&Self>, end: &str) -> &mut Self {
        let Some(previous) = previous else {
            let params =
                [format!("epoch={}", self.name), "previousEpoch=none".into(), "previousEnd=none".into()];
            return self.told("STREAM START", &params);
        };
        self.start_after(&previous.name, previous.last(), previous.chain, end)
    }

    /// STREAM START with any words.
    pub(crate) fn start_after(&mut self, previous: &str, last: u64, chain: Chain, end: &str) -> &mut Self {
        let params = [
            format!("epoch={}", self.name),
            format!("previousEpoch={previous}"),
            format!("previousLastSequence={last}"),
            format!("previousChain={chain}"),
            format!("previousEnd={end}"),
        ];
        self.told("STREAM START", &params)
    }

    /// STREAM STOP.
    pub(crate) fn stop(&mut self) -> &mut Self {
        self.told("STREAM STOP", &[format!("epoch={}", self.name)])
    }

    /// STREAM GAP BEGIN of this epoch's window.
    pub(crate) fn begin_gap(&mut self, number: u64, reason: &str) -> &mut Self {
        let window = format!("window={}-{number}", self.name);
        let params = [window, format!("reason={reason}"), "from=2026".into(), "count=unknown".into()];
        self.told("STREAM GAP BEGIN", &params)
    }

    /// STREAM GAP END of this epoch's window, of an epoch's numbers or none.
    pub(crate) fn end_gap(
        &mut self,
        number: u64,
        reason: &str,
        count: &str,
        lost: Option<(&str, u64, u64)>,
    ) -> &mut Self {
        let mut params = vec![
            format!("window={}-{number}", self.name),
            format!("reason={reason}"),
            "from=2026".into(),
            "to=2027".into(),
            format!("count={count}"),
        ];
        if let Some((epoch, first, last)) = lost {
            let first_sequence = format!("firstSequence={first}");
            params.extend([format!("epoch={epoch}"), first_sequence, format!("lastSequence={last}")]);
        }
        self.told("STREAM GAP END", &params)
    }

    /// An event that cannot be read has a number and no place in the chain.
    pub(crate) fn torn(&mut self) -> &mut Self {
        self.next += 1;
        self
    }

    /// Events that are in the chain and will never be sent.
    pub(crate) fn lose(&mut self, count: usize) -> (u64, u64) {
        let first = self.next;
        self.events(count);
        self.events.truncate(self.events.len() - count);
        (first, self.next - 1)
    }

    /// The last number given.
    pub(crate) fn last(&self) -> u64 {
        self.next - 1
    }

    /// The chain after all events.
    pub(crate) fn chain(&self) -> Chain {
        self.chain
    }

    /// An event of the stream itself.
    pub(crate) fn told(&mut self, command: &str, params: &[String]) -> &mut Self {
        self.push("activity_stream", "MISC", command, "", params)
    }

    fn push(&mut self, user: &str, class: &str, command: &str, text: &str, params: &[String]) -> &mut Self {
        let sequence = self.next;
        let params = serde_json::to_string(params).expect("JSON");
        let minute = self.minute;
        let json = format!(
            r#"{{"logTime":"2026-05-24 00:{minute:02}:00.{sequence:06}+00","command":"{command}","dbUserName":"{user}","commandText":"{text}","paramList":{params},"class":"{class}","type":"record","sequence":{sequence}}}"#
        );
        let before = self.chain;
        self.chain = before.then(json.as_bytes());
        self.events.push(Event { sequence, json, before, after: self.chain });
        self.next += 1;
        self
    }

    /// A record of the events of these indexes.
    pub(crate) fn record(&self, events: std::ops::Range<usize>) -> Record {
        Record { epoch: self.name.clone(), events: self.events[events].to_vec() }
    }

    /// Records of so many events each.
    pub(crate) fn records(&self, events: usize) -> Vec<Vec<u8>> {
        let starts = (0..self.events.len()).step_by(events);
        starts.map(|from| self.record(from..self.events.len().min(from + events)).json()).collect()
    }
}

/// A record that can still be tampered with.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) epoch: String,
    pub(crate) events: Vec<Event>,
}

impl Record {
    /// As it is sealed.
    pub(crate) fn json(&self) -> Vec<u8> {
        let first = &self.events[0];
        self.json_at(first.sequence, first.before)
    }

    /// With a place of one's choice.
    pub(crate) fn json_at(&self, first_sequence: u64, chain: Chain) -> Vec<u8> {
        let mut record = InnerRecord::new("cluster-A", "db-B", 0);
        for event in &self.events {
            record.push(event.json.as_bytes());
        }
        record.finish(Some(Place { epoch: &self.epoch, first_sequence, chain }))
    }
}
