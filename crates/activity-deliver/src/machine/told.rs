//! Which changes of state were told: each once per change, and not by the attempt.

use std::time::Duration;

use crate::limits::TELL_AGAIN_AFTER;
use crate::report::StateChange;

/// What warnings are about; each has a last one of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// Something about the stream that was asked for could not be had.
    Stream,
    /// A new data key could not be had while the old one serves on.
    Key,
    /// Records cannot be sealed for now.
    Seal,
    /// Records cannot be read from the spool for now.
    Spool,
    /// The spool cannot be opened or written to.
    Write,
    /// What was delivered cannot be taken from the spool for now.
    Release,
}

/// The last change told of one kind, and when.
#[derive(Debug)]
struct Last {
    change: StateChange,
    at: Duration,
}

#[derive(Debug, Default)]
pub(crate) struct Told {
    key: Option<Last>,
    stream: Option<Last>,
    warnings: [Option<Last>; 6],
    streaming: bool,
    out: Vec<StateChange>,
}

impl Told {
    /// There is no key, and none could be had.
    pub(crate) fn key_unavailable(&mut self, message: String, hint: Option<String>, now: Duration) {
        self.streaming = false;
        tell(&mut self.key, StateChange::KeyUnavailable { message, hint }, now, &mut self.out);
    }

    /// There is a key, a new one where that had been warned of.
    pub(crate) fn key_available(&mut self) {
        let [_, warned, ..] = &mut self.warnings;
        if self.key.take().is_some() | warned.take().is_some() {
            self.out.push(StateChange::KeyAvailable);
        }
    }

    pub(crate) fn stream_unavailable(&mut self, message: String, hint: Option<String>, now: Duration) {
        self.streaming = false;
        tell(&mut self.stream, StateChange::StreamUnavailable { message, hint }, now, &mut self.out);
    }

    pub(crate) fn stream_pending(&mut self, state: String, now: Duration) {
        self.streaming = false;
        tell(&mut self.stream, StateChange::StreamPending { state }, now, &mut self.out);
    }

    /// A warning about that, or that there is nothing to warn of.
    pub(crate) fn warning(&mut self, topic: Topic, text: Option<String>, now: Duration) {
        let [stream, key, seal, spool, write, release] = &mut self.warnings;
        let last = match topic {
            Topic::Stream => stream,
            Topic::Key => key,
            Topic::Seal => seal,
            Topic::Spool => spool,
            Topic::Write => write,
            Topic::Release => release,
        };
        match text {
            Some(text) => tell(last, StateChange::StreamWarning(text), now, &mut self.out),
            None => *last = None,
        }
    }

    /// A change of the spool's.
    pub(crate) fn spool(&mut self, change: StateChange) {
        self.out.push(change);
    }

    /// Everything works.
    pub(crate) fn streaming(&mut self) {
        self.stream = None;
        if !std::mem::replace(&mut self.streaming, true) {
            self.out.push(StateChange::Streaming);
        }
    }

    /// What is to be told, in order.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = StateChange> {
        self.out.drain(..)
    }
}

fn tell(last: &mut Option<Last>, change: StateChange, now: Duration, out: &mut Vec<StateChange>) {
    let news = last.as_ref().is_none_or(|last| {
        let same_state = std::mem::discriminant(&last.change) == std::mem::discriminant(&change);
        !same_state || (last.change != change && now.saturating_sub(last.at) >= TELL_AGAIN_AFTER)
    });
    if news {
        out.push(change.clone());
        *last = Some(Last { change, at: now });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn out(told: &mut Told) -> Vec<StateChange> {
        told.drain().collect()
    }

    fn unavailable(message: &str) -> StateChange {
        StateChange::StreamUnavailable { message: message.to_owned(), hint: None }
    }

    #[test]
    fn a_lasting_state_is_told_once_and_another_message_after_a_minute() {
        let mut told = Told::default();
        for second in 0..60 {
            told.stream_unavailable(format!("request {}", second % 2), None, S * second);
        }
        assert_eq!(out(&mut told), [unavailable("request 0")]);
        told.stream_unavailable("request 0".to_owned(), None, S * 100);
        assert_eq!(out(&mut told), [], "the same message is no news, however old");
        told.stream_unavailable("another".to_owned(), None, S * 101);
        assert_eq!(out(&mut told), [unavailable("another")]);
    }

    #[test]
    fn every_change_is_told_at_once() {
        let mut told = Told::default();
        told.stream_pending("CREATING".to_owned(), S);
        told.stream_unavailable("m".to_owned(), None, S);
        told.streaming();
        told.streaming();
        told.stream_unavailable("m".to_owned(), None, S);
        told.streaming();
        let pending = StateChange::StreamPending { state: "CREATING".to_owned() };
        let streaming = StateChange::Streaming;
        assert_eq!(
            out(&mut told),
            [pending, unavailable("m"), streaming.clone(), unavailable("m"), streaming]
        );
    }

    #[test]
    fn a_key_is_available_again_only_after_it_was_not() {
        let mut told = Told::default();
        told.key_available();
        told.streaming();
        told.key_unavailable("m".to_owned(), Some("h".to_owned()), S);
        told.key_unavailable("m".to_owned(), Some("h".to_owned()), S * 2);
        told.key_available();
        told.streaming();
        let unavailable = StateChange::KeyUnavailable { message: "m".to_owned(), hint: Some("h".to_owned()) };
        let streaming = StateChange::Streaming;
        assert_eq!(out(&mut told), [streaming.clone(), unavailable, StateChange::KeyAvailable, streaming]);
    }

    #[test]
    fn a_warning_that_passed_is_told_when_it_comes_back() {
        let mut told = Told::default();
        let warn = |text: &str| Some(text.to_owned());
        told.warning(Topic::Stream, warn("a"), S);
        told.warning(Topic::Key, warn("k"), S);
        told.warning(Topic::Stream, warn("a"), S * 2);
        told.warning(Topic::Stream, None, S * 3);
        told.warning(Topic::Stream, warn("a"), S * 4);
        let warnings = ["a", "k", "a"].map(|text| StateChange::StreamWarning(text.to_owned()));
        assert_eq!(out(&mut told), warnings);
    }
}
