//! How what was started ended: the machine's inputs besides batches and settings.

use std::sync::Arc;
use std::time::Duration;

use activity_seal::DataKey;

use super::destination::Sent;
use super::ledger::Loss;
use super::outbox::{Content, Ready, Standing, record_bytes};
use super::piece::{Piece, Place};
use super::told::Topic;
use super::{Action, Machine, Request, SealFailure, Sealed};
use crate::limits::{MAX_REFUSALS, MAX_SEAL_PANICS};
use crate::ports::{Failure, FailureKind, Outcome, StreamStatus};
use crate::report::{Cause, Counts, Lost, Report};

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
                self.outbox.put(Ready {
                    content: Content::Events(piece),
                    record: sealed.record,
                    standing: Standing::default(),
                });
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
            Ok(Sealed { record, inner_bytes }) => {
                self.seal_works(inner_bytes, now);
                self.heart.sealed =
                    Some(Ready { content: Content::Heartbeat, record, standing: Standing::default() });
            }
            Err(_) => self.heart.pending = false,
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
        let Some(Request { contents, records, sent, begun, .. }) = self.requests.remove(&request) else {
            return;
        };
        if answer.is_ok() {
            self.pace.answered(now.saturating_sub(begun));
        }
        // The task that sent them is over, so nobody else holds them.
        let records = Arc::try_unwrap(records).unwrap_or_else(|shared| shared.to_vec());
        let ready = contents.into_iter().zip(records).map(|((content, standing), record)| Ready {
            content,
            record,
            standing,
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
                if ready.len() > 1 {
                    // One of them is at fault, perhaps: each for itself.
                    for ready in ready {
                        self.put_back(Ready {
                            standing: Standing { alone: true, ..ready.standing },
                            ..ready
                        });
                    }
                } else {
                    ready.into_iter().for_each(|ready| self.refused(ready, &message, now));
                    self.request_failed(sent, message, hint, now);
                }
            }
        }
    }

    fn by_position(&mut self, ready: Vec<Ready>, outcomes: Vec<Outcome>, sent: Sent, now: Duration) {
        let (mut tally, mut rejected) = (Tally::default(), Vec::new());
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
                Outcome::Rejected(why) => rejected.push((ready, why)),
            }
        }
        for (ready, why) in rejected {
            if tally.stored {
                // Others in the same request were not: it is its own fault.
                self.give_up(ready.content, &why);
            } else {
                self.refused(ready, &why, now);
                tally.again.get_or_insert(why);
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
            Content::Events(piece) => {
                self.totals.records += 1;
                self.totals.bytes += bytes;
                self.ledger.stored(piece.place.batch, piece.count(), bytes);
            }
            Content::Spooled { ordinal, meta } => {
                self.totals.records += 1;
                self.totals.bytes += bytes;
                self.spooling.delivered.add(ordinal);
                let counts = Counts { events: u64::from(meta.events), records: 1, bytes };
                self.actions.push(Action::Report(Report::Drained(counts)));
            }
            Content::Heartbeat => {
                self.totals.heartbeats += 1;
                self.heart.pending = false;
            }
        }
    }

    fn again(&mut self, ready: Ready) {
        if !matches!(ready.content, Content::Heartbeat) {
            self.totals.retries += 1;
        }
        self.put_back(ready);
    }

    /// The stream refuses a record for good, it says. That can be the record's fault, or that of the stream, of something in
    /// between, of a setting: so it is given up only if others are stored meanwhile, and more than once.
    fn refused(&mut self, ready: Ready, why: &str, now: Duration) {
        if matches!(ready.content, Content::Heartbeat) {
            self.heart.pending = false;
        } else if ready.standing.refusals >= MAX_REFUSALS {
            self.give_up(ready.content, why);
        } else {
            self.suspects.push((now, ready));
        }
    }

    fn give_up(&mut self, content: Content, why: &str) {
        let detail = format!("rejected by the stream: {why}");
        match content {
            Content::Events(piece) => self.split_or_lose(piece, &detail),
            Content::Spooled { ordinal, meta } => {
                self.spooling.delivered.add(ordinal);
                self.actions.push(Action::Report(Report::Lost(Lost {
                    cause: Cause::Refused,
                    detail,
                    events: Some(u64::from(meta.events)),
                    epoch: Some(meta.epoch),
                    sequences: Some((meta.first_sequence, meta.last_sequence)),
                })));
            }
            Content::Heartbeat => self.heart.pending = false,
        }
    }

    /// Records that were refused alone are sent again, alone, once others were stored since; where the spool takes them, they
    /// go there. Whether some still wait for that.
    pub(super) fn settle_suspects(&mut self, spooled: bool) -> bool {
        let stored = self.destination.last_stored();
        for (since, mut ready) in std::mem::take(&mut self.suspects) {
            let others_are_stored = stored.is_some_and(|stored| stored > since);
            if others_are_stored {
                ready.standing.refusals = ready.standing.refusals.saturating_add(1);
            }
            ready.standing.alone = true;
            if others_are_stored || (spooled && matches!(ready.content, Content::Events(_))) {
                self.put_back(ready);
            } else {
                self.suspects.push((since, ready));
            }
        }
        !self.suspects.is_empty()
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
}
