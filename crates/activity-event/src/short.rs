//! An event made short: where there is little room, what happened and to what is worth more than all of its text.
//!
//! Texts, names and parameters are cut; numbers, names of roles and the session stay. A text that is cut says so as always, by
//! `commandTextLength`.

use crate::redact::without_torn_uri;
use crate::text::cut;
use crate::{Event, ParamsBuf};

/// Longest text of a statement.
const MAX_TEXT_BYTES: usize = 2048;
/// Longest message, and longest name of an object: the arguments of a function are part of its name.
const MAX_OTHER_BYTES: usize = 1024;
/// All parameters together, with a length of four bytes each.
const MAX_PARAMS_BYTES: usize = 1024;

/// Longest wire form of a short event, where its session's names are as long as PostgreSQL has them.
pub const MAX_SHORT_EVENT_BYTES: usize = 8 * 1024;

impl<'a> Event<'a> {
    /// The event with its texts cut, in a wire form of at most [`MAX_SHORT_EVENT_BYTES`]. `params` is overwritten and holds the
    /// parameters of the short event: the first ones, the last of them cut.
    #[must_use]
    pub fn shortened(&self, params: &'a mut ParamsBuf) -> Self {
        params.clear();
        let mut room = MAX_PARAMS_BYTES;
        for param in self.params.iter() {
            let Some(left) = room.checked_sub(size_of::<u32>()) else { break };
            let (kept, was_longer) = cut(param, left);
            params.push(kept);
            room = left - kept.len();
            if was_longer.is_some() {
                break;
            }
        }
        let text = self.command_text.map(|text| cut(text, MAX_TEXT_BYTES));
        let other = |text: &'a str| cut(text, MAX_OTHER_BYTES).0;
        Self {
            command_text: text.map(|(kept, cut)| if cut.is_some() { without_torn_uri(kept) } else { kept }),
            // Where it was cut before, the whole was longer than what was left of it.
            command_text_length: self.command_text_length.or(text.and_then(|(_, whole)| whole)),
            object_name: self.object_name.map(other),
            error_message: self.error_message.map(other),
            params: params.as_params(),
            ..*self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_SHORT_EVENT_BYTES, MAX_TEXT_BYTES};
    use crate::{Class, Event, NetProtocol, Params, ParamsBuf, Session};

    /// What PostgreSQL lets a name have, in an encoding whose characters take twice as much in UTF-8.
    const LONGEST_NAME_BYTES: usize = 2 * 63;
    /// HOST_NAME_MAX and a little.
    const LONGEST_HOST_BYTES: usize = 256;

    fn event<'a>(text: &'a str, name: &'a str, host: &'a str, params: Params<'a>) -> Event<'a> {
        Event {
            start_time: 1,
            log_time: 2,
            statement_id: 3,
            substatement_id: 4,
            class: Class::Ddl,
            command: "CREATE FUNCTION",
            object_type: Some("FUNCTION"),
            object_name: Some(text),
            row_count: Some(5),
            command_text: Some(text),
            command_text_length: None,
            params,
            exit_code: Some("42601"),
            error_message: Some(text),
            effective_user: Some(name),
            transaction_id: Some(6),
            query_id: Some(7),
            session: Session {
                database: name,
                user: name,
                remote_host: host,
                remote_port: "65535",
                application: Some(name),
                server_host: host,
                net_protocol: NetProtocol::Tcp,
                start: 8,
                pid: 9,
            },
        }
    }

    fn encoded(event: &Event<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        event.encode(&mut bytes);
        bytes
    }

    #[test]
    fn the_longest_event_becomes_short_and_says_how_long_its_text_was() {
        let (text, name) = ("é".repeat(256 * 1024), "n".repeat(LONGEST_NAME_BYTES));
        let host = "h".repeat(LONGEST_HOST_BYTES);
        for (count, bytes) in [(2000, 64), (2, 64 * 1024), (100_000, 0)] {
            let mut params = ParamsBuf::new();
            (0..count).for_each(|_| params.push(&"p".repeat(bytes)));
            let long = event(&text, &name, &host, params.as_params());
            let mut room = ParamsBuf::new();
            let short = long.shortened(&mut room);
            let bytes = encoded(&short);
            assert!(bytes.len() <= MAX_SHORT_EVENT_BYTES, "{} bytes", bytes.len());
            let read = Event::decode(&bytes).unwrap();
            assert_eq!(read.command_text.unwrap().len(), MAX_TEXT_BYTES);
            assert_eq!(read.command_text_length, Some(text.len() as u64));
            assert!(read.params.iter().next().is_some());
            assert_eq!((read.session, read.effective_user), (long.session, Some(name.as_str())));
        }
    }

    #[test]
    fn an_event_that_is_short_stays_as_it_is() {
        let mut params = ParamsBuf::new();
        params.push("one");
        params.push("");
        let short = event("SELECT 1", "n", "h", params.as_params());
        assert_eq!(short.shortened(&mut ParamsBuf::new()), short);
    }

    #[test]
    fn a_text_that_was_cut_before_keeps_the_length_of_the_whole() {
        let text = "x".repeat(3000);
        let long = Event { command_text_length: Some(100_000), ..event(&text, "n", "h", Params::EMPTY) };
        assert_eq!(long.shortened(&mut ParamsBuf::new()).command_text_length, Some(100_000));
    }

    #[test]
    fn a_password_that_the_cut_would_tear_from_its_uri_is_not_told() {
        let begin = " ".repeat(MAX_TEXT_BYTES - 20);
        let text = format!("{begin}postgres://me:secret-of-mine@host/db");
        let long = event(&text, "n", "h", Params::EMPTY);
        let mut room = ParamsBuf::new();
        assert!(long.shortened(&mut room).command_text.unwrap().ends_with("postgres://me:"));
    }
}
