//! Events of the stream itself: STREAM START, STOP, CONFIG, GAP BEGIN and GAP END. No session is behind them; the worker puts them
//! into the ring, where they get their place among the others.

use activity_event::{Class, Event, NetProtocol, ParamsBuf, Session};

use crate::pg::{clock, worker};
use crate::ring;

/// `dbUserName` where no session is behind an event.
const USER: &str = "activity_stream";

/// What they have in common.
pub(super) struct StreamEvents {
    statement_id: u64,
    /// When the worker began, seconds since the Unix epoch.
    start: i64,
    encoded: Vec<u8>,
}

/// What one of them says.
pub(super) struct Told<'a> {
    /// `STREAM …`
    pub(super) command: &'a str,
    /// One sentence.
    pub(super) text: &'a str,
    /// `name=value` each.
    pub(super) params: &'a [String],
}

impl StreamEvents {
    pub(super) fn new() -> Self {
        Self { statement_id: 0, start: clock::now() / 1_000_000, encoded: Vec::new() }
    }

    /// Publishes one; its position in the ring, or `None` where that has no room now.
    pub(super) fn publish(&mut self, told: &Told<'_>) -> Option<u64> {
        let mut params = ParamsBuf::new();
        told.params.iter().for_each(|param| params.push(param));
        let now = clock::now();
        let event = Event {
            start_time: now,
            log_time: now,
            statement_id: self.statement_id + 1,
            substatement_id: 1,
            class: Class::Misc,
            command: told.command,
            object_type: None,
            object_name: None,
            row_count: None,
            command_text: Some(told.text),
            command_text_length: None,
            params: params.as_params(),
            exit_code: None,
            error_message: None,
            effective_user: None,
            transaction_id: None,
            query_id: None,
            session: Session {
                database: "",
                user: USER,
                remote_host: "[local]",
                remote_port: "",
                application: Some("activity_stream worker"),
                server_host: "",
                net_protocol: NetProtocol::Unix,
                start: self.start,
                pid: worker::pid(),
            },
        };
        self.encoded.clear();
        event.encode(&mut self.encoded);
        let published = ring::publish_quietly(&self.encoded)?;
        self.statement_id += 1;
        Some(published)
    }
}
