//! How what was started ended: the machine's inputs besides batches and settings.

use std::sync::Arc;
use std::time::Duration;

use activity_seal::DataKey;

use super::destination::Sent;
use super::ledger::Loss;
use super::outbox::{Content, Ready, record_bytes};
use super::piece::{Piece, Place, Unreadable};
use super::told::Topic;
use super::{Machine, Request, SealFailure, Sealed};
use crate::limits::MAX_SEAL_PANICS;
use crate::ports::{Failure, FailureKind, Outcome, StreamStatus};

/// What the outcomes of a request's records say about the stream.
#[derive(Default)]
struct Tally {
    stored: bool,
    again: Option<String>,
}

impl Machine {
    /// Sealing that piece ended.
    pub(crate) fn sealed(&mut self, place: Place, result: Result<Sealed, SealFailure>, now: Duration) {
        if place == Place::HEARTBEAT {
            return self.heartbeat_sealed(result, now);
        }
        let Some(mut piece) = self.sealing.remove(&place) else { return };
        match result {
            Ok(sealed) => {
                self.seal_works(sealed.inner_bytes, now);
                match sealed.record {
                    Some(record) => {
                        let content = Content::Events(piece, sealed.unreadable);
                        self.outbox.put(Ready { content, record, alone: false });
                    }
                    None => {
                        self.unreadable(place.batch, sealed.unreadable);
                        self.ledger.close(place.batch);
                    }
                }
            }
            Err(SealFailure::TooLarge(why)) => self.split_or_lose(piece, &format!("too large: {why}")),
            Err(SealFailure::Later(why)) => {
                self.told.warning(Topic::Seal, Some(format!("records cannot be sealed: {why}")), now);
                self.to_seal.insert(place, piece);
                self.seal_not_before = now.saturating_add(self.seal_backoff.fail(&mut self.jitter));
            }
            Err(SealFailure::Panicked) => {
                piece.panics = piece.panics.saturating_add(1);
                if piece.panics >= MAX_SEAL_PANICS {
                    return self.split_or_lose(piece, "sealing it failed again and again");
                }
                self.to_seal.insert(place, piece);
                self.seal_not_before = now.saturating_add(self.seal_backoff.fail(&mut self.jitter));
            }
        }
    }

    fn heartbeat_sealed(&mut self, result: Result<Sealed, SealFailure>, now: Duration) {
        match result {
            Ok(Sealed { record: Some(record), inner_bytes, .. }) => {
                self.seal_works(inner_bytes, now);
                self.outbox.put(Ready { content: Content::Heartbeat, record, alone: false });
            }
            Ok(Sealed { record: None, .. }) | Err(_) => self.heart.pending = false,
        }
    }

    fn seal_works(&mut self, inner_bytes: usize, now: Duration) {
        self.keys.sealed(inner_bytes);
        self.seal_backoff.reset();
        self.told.warning(Topic::Seal, None, now);
    }

    /// A look at the stream ended.
    pub(crate) fn looked(&mut self, found: Result<StreamStatus, Failure>, now: Duration) {
        self.destination.looked(found, now, &mut self.jitter, &mut self.told);
    }

    /// Getting a data key from the source of that number ended.
    pub(crate) fn generated(&mut self, source: u64, answer: Result<DataKey, Failure>, now: Duration) {
        self.keys.generated(source, answer, now, &mut self.jitter, &mut self.told);
    }

    /// A request ended.
    pub(crate) fn answered(&mut self, request: u64, answer: Result<Vec<Outcome>, Failure>, now: Duration) {
        let Some(Request { contents, records, sent }) = self.requests.remove(&request) else { return };
        // The task that sent them is over, so nobody else holds them.
        let records = Arc::try_unwrap(records).unwrap_or_else(|shared| shared.to_vec());
        let ready = contents.into_iter().zip(records).map(|((content, alone), record)| Ready {
            content,
            record,
            alone,
        });
        let ready: Vec<Ready> = ready.collect();
        match answer {
            Ok(outcomes) if outcomes.len() == ready.len() => self.by_position(ready, outcomes, sent, now),
            Ok(outcomes) => {
                let message =
                    format!("the answer has {} entries for {} records", outcomes.len(), ready.len());
                ready.into_iter().for_each(|ready| self.again(ready));
                self.request_failed(sent, message, None, now);
            }
            Err(failure) => self.failed_whole(ready, failure, sent, now),
        }
    }

    fn failed_whole(&mut self, ready: Vec<Ready>, failure: Failure, sent: Sent, now: Duration) {
        let Failure { kind, message, hint } = failure;
        match kind {
            FailureKind::Retry => {
                ready.into_iter().for_each(|ready| self.again(ready));
                self.request_failed(sent, message, hint, now);
            }
            FailureKind::StreamGone => {
                ready.into_iter().for_each(|ready| self.again(ready));
                // The pause too: a look may find usable what the next request finds gone, again and again.
                self.destination.failed(sent, now, &mut self.jitter);
                if self.destination.gone(now) {
                    self.told.stream_unavailable(message, hint, now);
                }
            }
            FailureKind::Rejected => {
                let several = ready.len() > 1;
                for ready in ready {
                    if several && !matches!(ready.content, Content::Heartbeat) {
                        self.outbox.put(Ready { alone: true, ..ready });
                    } else {
                        self.rejected(ready.content, &message);
                    }
                }
            }
        }
    }

    fn by_position(&mut self, ready: Vec<Ready>, outcomes: Vec<Outcome>, sent: Sent, now: Duration) {
        let mut tally = Tally::default();
        for (ready, outcome) in ready.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Stored => {
                    tally.stored = true;
                    self.stored(ready);
                }
                Outcome::Throttled(why) | Outcome::Failed(why) => {
                    tally.again.get_or_insert(why);
                    self.again(ready);
                }
                Outcome::Rejected(why) => self.rejected(ready.content, &why),
            }
        }
        match (tally.stored, tally.again) {
            (true, again) => {
                self.destination.stored(now);
                if again.is_some() {
                    self.destination.pause(sent, now, &mut self.jitter);
                }
            }
            (false, Some(why)) => {
                self.request_failed(sent, format!("no record was stored: {why}"), None, now);
            }
            (false, None) => {}
        }
    }

    fn request_failed(&mut self, sent: Sent, message: String, hint: Option<String>, now: Duration) {
        if self.destination.failed(sent, now, &mut self.jitter) {
            self.told.stream_unavailable(message, hint, now);
        }
    }

    fn stored(&mut self, ready: Ready) {
        let bytes = u64::try_from(record_bytes(&ready.record)).unwrap_or(u64::MAX);
        match ready.content {
            Content::Events(piece, unreadable) => {
                self.totals.records += 1;
                self.totals.bytes += bytes;
                self.unreadable(piece.place.batch, unreadable);
                let events = piece.count().saturating_sub(unreadable.events);
                self.ledger.stored(piece.place.batch, events, bytes);
            }
            Content::Heartbeat => {
                self.totals.heartbeats += 1;
                self.heart.pending = false;
            }
        }
    }

    /// To be sent again; a heartbeat is not, the next one will do.
    fn again(&mut self, ready: Ready) {
        match ready.content {
            Content::Events(..) => {
                self.totals.retries += 1;
                self.outbox.put(ready);
            }
            Content::Heartbeat => self.heart.pending = false,
        }
    }

    fn rejected(&mut self, content: Content, why: &str) {
        match content {
            Content::Events(piece, _) => self.split_or_lose(piece, &format!("rejected by the stream: {why}")),
            Content::Heartbeat => self.heart.pending = false,
        }
    }

    /// Half as many events in a record, each sealed anew; what cannot be halved is given up.
    fn split_or_lose(&mut self, piece: Piece, reason: &str) {
        match piece.split() {
            Ok((first, second)) => {
                self.ledger.split(first.place.batch);
                self.to_seal.insert(first.place, first);
                self.to_seal.insert(second.place, second);
            }
            Err(piece) => {
                let loss = Loss {
                    first_sequence: piece.place.first_sequence,
                    last_sequence: piece.last_sequence(),
                    events: piece.count(),
                    reason: reason.to_owned(),
                };
                self.ledger.lost(piece.place.batch, loss);
                self.ledger.close(piece.place.batch);
            }
        }
    }

    fn unreadable(&mut self, batch: u64, unreadable: Unreadable) {
        let Unreadable { events, first_sequence, last_sequence } = unreadable;
        if events > 0 {
            let reason = "unreadable".to_owned();
            self.ledger.lost(batch, Loss { first_sequence, last_sequence, events, reason });
        }
    }
}
