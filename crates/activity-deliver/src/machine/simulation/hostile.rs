//! What the world does with what the machine asks of it.

use super::*;
use crate::keeping;
use crate::machine::tests::{fake_seal, heartbeat, key};
use crate::ports::FailureKind;

/// Most events of a record that a fake record holds.
const FITS: usize = 12;

fn failure(kind: FailureKind) -> Failure {
    Failure { kind, message: format!("{kind:?}"), hint: None }
}

impl World {
    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Seal { place, work, key } => {
                assert_eq!(key.ciphertext_blob(), [self.source + 1], "a key of a former source");
                let result = self.seal(place, work);
                self.soon(30, Ended::Sealed(place, Box::new(result)));
            }
            Action::Put { request, records } => {
                self.in_flight += 1;
                assert!(self.in_flight <= self.max_in_flight, "too many requests");
                assert!(!records.is_empty() && records.len() <= 500);
                let answer = self.put(&records);
                let hangs = self.trouble(30);
                self.soon(if hangs { 40_000 } else { 400 }, Ended::Answered(request, answer));
            }
            Action::Ensure => {
                let found = match self.random.below(4) {
                    0 if self.now < PEACE => Err(failure(FailureKind::Retry)),
                    1 if self.now < PEACE => Ok(StreamStatus::Pending("CREATING".to_owned())),
                    _ => Ok(StreamStatus::Usable { warning: None }),
                };
                self.soon(200, Ended::Looked(found));
            }
            Action::Generate { source } => {
                let fails = self.trouble(2);
                let answer = if fails { Err(failure(FailureKind::Retry)) } else { Ok(key(self.source + 1)) };
                self.soon(200, Ended::Generated(source, Box::new(answer)));
            }
            Action::OpenSpool | Action::Append { .. } | Action::Load { .. } | Action::Release { .. } => {
                self.use_spool(action);
            }
            Action::Report(report) => self.report(report),
        }
    }

    fn seal(&mut self, place: Place, work: Work) -> Result<Sealed, SealFailure> {
        let Work::Piece(piece) = work else { return Ok(heartbeat()) };
        if self.trouble(10) {
            return Err(SealFailure::Later("no randomness".to_owned()));
        }
        if self.trouble(10) {
            // Few enough that nothing is given up for it.
            let panics = self.seal_panics.entry(place).or_default();
            *panics += 1;
            if *panics < crate::limits::MAX_SEAL_PANICS {
                return Err(SealFailure::Panicked);
            }
        }
        let fat = piece.events().any(|(sequence, _)| self.truth.is(sequence, Kind::Fat));
        if fat || piece.event_count() > FITS {
            return Err(SealFailure::TooLarge("too large".to_owned()));
        }
        // Sealed with the epoch, as the real record is.
        let mut sealed = fake_seal(&piece);
        sealed.record.data.splice(0..0, self.truth.epoch().to_be_bytes());
        Ok(sealed)
    }

    /// What the stream does, and what it answers.
    fn put(&mut self, records: &[OutRecord]) -> Result<Vec<Outcome>, Failure> {
        if self.trouble(8) {
            return Err(failure(FailureKind::StreamGone));
        }
        if self.random.one_in(2) && records.iter().any(|record| self.truth.is_doomed(record)) {
            return Err(failure(FailureKind::Rejected));
        }
        let mut outcomes = Vec::new();
        for record in records {
            outcomes.push(match self.random.below(8) {
                _ if self.truth.is_doomed(record) => Outcome::Rejected("doomed".to_owned()),
                0 if self.now < PEACE => Outcome::Throttled("slow down".to_owned()),
                1 if self.now < PEACE => Outcome::Failed("oops".to_owned()),
                _ => {
                    self.keep(record);
                    Outcome::Stored
                }
            });
        }
        match self.random.below(8) {
            // The answer is lost, or is not what it should be, though records were stored.
            0 if self.now < PEACE => Err(failure(FailureKind::Retry)),
            1 if self.now < PEACE => Ok(outcomes.into_iter().skip(1).collect()),
            _ => Ok(outcomes),
        }
    }

    fn keep(&mut self, record: &OutRecord) {
        if record.data == b"heartbeat" {
            self.tally.beats += 1;
        } else {
            self.tally.duplicates += self.truth.stored(record);
        }
    }

    /// Done at once, and told later.
    fn use_spool(&mut self, action: Action) {
        let hangs = self.trouble(40);
        let slow = if hangs { 20_000 } else { 50 };
        let closed = || "the spool is not open".to_owned();
        let how = match action {
            Action::OpenSpool => {
                self.spool = None;
                let opened = keeping::open(self.disk.clone(), "db-B", self.reloadable.spool_max_bytes);
                Ended::SpoolOpened(match opened {
                    Ok((spool, opened)) => {
                        self.tally.reopened_with_records += u64::from(opened.records > 0);
                        self.spool = Some(spool);
                        Ok(opened)
                    }
                    Err(error) => Err(error.to_string()),
                })
            }
            Action::Append { records } => {
                let spool = self.spool.as_mut().expect("an append to an open spool");
                let result = keeping::append(spool, &records, self.reloadable.spool_max_bytes);
                match &result {
                    Ok(last) => self.truth.spooled(*last, &records),
                    Err(_) => self.tally.append_failures += 1,
                }
                drop(records);
                Ended::Appended(result)
            }
            Action::Load { max_records, max_bytes, skip_unreadable } => {
                // What the disk does not give for a while is not to be given up here.
                let skip = skip_unreadable && self.now >= PEACE;
                let spool = self.spool.as_mut().ok_or_else(closed);
                let loaded = spool.and_then(|spool| keeping::load(spool, max_records, max_bytes, skip));
                let lost = loaded.iter().flat_map(|loaded| &loaded.lost);
                lost.for_each(|lost| self.truth.lost_on_disk(lost));
                Ended::Loaded(Box::new(loaded))
            }
            Action::Release { through, at_once } => {
                let spool = self.spool.as_mut().ok_or_else(closed);
                Ended::Released(spool.and_then(|spool| keeping::release(spool, through, at_once)))
            }
            _ => return,
        };
        self.soon(slow, how);
    }
}
