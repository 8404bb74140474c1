//! What the world does with what the machine asks of it.

use super::*;
use crate::machine::tests::{fake_seal, heartbeat, key, numbers};
use crate::ports::FailureKind;

fn failure(kind: FailureKind) -> Failure {
    Failure { kind, message: format!("{kind:?}"), hint: None }
}

impl World {
    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Seal { place, work, key } => {
                assert_eq!(key.ciphertext_blob(), [self.source + 1], "a key of a former source");
                let result = self.seal(place, work);
                self.soon(30, Happening::Sealed(place, Box::new(result)));
            }
            Action::Put { request, records } => {
                self.in_flight += 1;
                assert!(self.in_flight <= self.max_in_flight, "too many requests");
                assert!(!records.is_empty() && records.len() <= 500);
                let answer = self.put(&records);
                let hangs = self.trouble(30);
                self.soon(if hangs { 40_000 } else { 400 }, Happening::Answered(request, answer));
            }
            Action::Ensure => {
                let found = match self.random.below(4) {
                    0 if self.now < PEACE => Err(failure(FailureKind::Retry)),
                    1 if self.now < PEACE => Ok(StreamStatus::Pending("CREATING".to_owned())),
                    _ => Ok(StreamStatus::Usable { warning: None }),
                };
                self.soon(200, Happening::Looked(found));
            }
            Action::Generate { source } => {
                let fails = self.trouble(2);
                let answer = if fails { Err(failure(FailureKind::Retry)) } else { Ok(key(self.source + 1)) };
                self.soon(200, Happening::Generated(source, Box::new(answer)));
            }
            Action::Report(report) => self.check_report(&report),
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
        if piece.events().any(|(sequence, _)| self.fat.contains(&sequence)) || piece.event_count() > 12 {
            return Err(SealFailure::TooLarge("too large".to_owned()));
        }
        Ok(fake_seal(&piece))
    }

    /// What the stream does, and what it answers.
    fn put(&mut self, records: &[OutRecord]) -> Result<Vec<Outcome>, Failure> {
        if self.trouble(8) {
            return Err(failure(FailureKind::StreamGone));
        }
        let doomed = |world: &Self, record: &OutRecord| {
            numbers(record).iter().any(|sequence| world.doomed.contains(sequence))
        };
        if self.random.one_in(2) && records.iter().any(|record| doomed(self, record)) {
            return Err(failure(FailureKind::Rejected));
        }
        let mut outcomes = Vec::new();
        for record in records {
            outcomes.push(match self.random.below(8) {
                _ if doomed(self, record) => Outcome::Rejected("doomed".to_owned()),
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
            self.beats += 1;
        } else {
            for sequence in numbers(record) {
                let times = self.stored.entry(sequence).or_default();
                *times += 1;
                self.duplicates += u64::from(*times > 1);
            }
        }
    }
}
