//! How what was asked of the spool ended.

use std::sync::Arc;
use std::time::Duration;

use super::outbox::{Content, Ready, record_bytes};
use super::spooling::{AppendFailure, Appending, Opened};
use super::told::Topic;
use super::{Action, Machine};
use crate::ports::OutRecord;
use crate::report::{Cause, Lost, Report};
use crate::spool::Meta;

/// What was read from the spool.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// In order: ordinal, what is known of it, the record.
    pub(crate) records: Vec<(u64, Meta, OutRecord)>,
    /// What cannot be read any more.
    pub(crate) lost: Vec<LostOrdinals>,
}

/// Records of the spool that cannot be read any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LostOrdinals {
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// How many events were in them, whose, and which; as far as that is known.
    pub(crate) events: Option<u64>,
    pub(crate) epoch: Option<u64>,
    pub(crate) sequences: Option<(u64, u64)>,
    /// For people.
    pub(crate) detail: String,
}

impl Machine {
    /// Opening the spool ended.
    pub(crate) fn spool_opened(&mut self, opened: Result<Opened, String>, now: Duration) {
        if let Ok(Opened { before_first, last, .. }) = opened {
            self.durable.spool_is_known(if last > before_first { last } else { 0 });
        }
        self.spooling.opened(opened, now, &mut self.jitter, &mut self.told);
    }

    /// An append ended: with the last ordinal of the spool, those of the records being the last ones.
    pub(crate) fn appended(&mut self, result: Result<u64, AppendFailure>, now: Duration) {
        self.spooling.answers();
        let appending = self.spooling.appending.take();
        let last = match result {
            Ok(last) => last,
            Err(failure) => {
                self.take_back(appending);
                return self.spooling.append_failed(failure, now, &mut self.jitter, &mut self.told);
            }
        };
        // Nobody waits for one that hung: it is delivered once more.
        let (contents, records) = match appending {
            Some(Appending { contents, records, .. }) => (contents, records),
            None => (Vec::new(), Arc::default()),
        };
        let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
        let first = last.saturating_sub(count.saturating_sub(1));
        for (ordinal, ((content, _), (_, record))) in (first..).zip(contents.iter().zip(records.iter())) {
            if let Content::Events(piece) = content {
                let bytes = u64::try_from(record_bytes(record)).unwrap_or(u64::MAX);
                self.ledger.spooled(piece.place.batch, piece.count(), bytes, ordinal);
            }
        }
        self.spooling.appended(last, now, &mut self.told);
    }

    /// Records that were on their way to the disk, to where they came from.
    fn take_back(&mut self, appending: Option<Appending>) {
        let Some(Appending { contents, records, .. }) = appending else { return };
        // Nobody else holds them once the task that wrote them is over.
        let records = Arc::try_unwrap(records).unwrap_or_else(|shared| shared.to_vec());
        for ((content, standing), (_, record)) in contents.into_iter().zip(records) {
            self.outbox.put(Ready { content, record, standing });
        }
    }

    /// An append that does not end holds up nobody.
    pub(super) fn mind_hung_append(&mut self, now: Duration) {
        let hung = self.spooling.hung_append(now, &mut self.told);
        self.take_back(hung);
    }

    /// Reading from the spool ended.
    pub(crate) fn loaded(&mut self, result: Result<Loaded, String>, now: Duration) {
        let mut loaded = match result {
            Ok(loaded) => loaded,
            Err(message) => {
                return self.spooling.load_failed(&message, now, &mut self.jitter, &mut self.told);
            }
        };
        self.told.warning(Topic::Spool, None, now);
        if loaded.records.is_empty() && loaded.lost.is_empty() {
            let (first, last) = self.spooling.unread();
            loaded.lost.push(LostOrdinals {
                first,
                last,
                events: None,
                epoch: None,
                sequences: None,
                detail: "the spool does not have what it was given".to_owned(),
            });
        }
        let ranges: Vec<_> = loaded.lost.iter().map(|lost| (lost.first, lost.last)).collect();
        self.spooling.loaded(loaded.records, &ranges);
        for LostOrdinals { events, epoch, sequences, detail, .. } in loaded.lost {
            let cause = Cause::SpoolDamaged;
            self.actions.push(Action::Report(Report::Lost(Lost { cause, detail, events, epoch, sequences })));
        }
    }

    /// A release ended.
    pub(crate) fn released(&mut self, result: Result<(), String>, now: Duration) {
        let warning = result.err().map(|message| format!("the spool keeps what was delivered: {message}"));
        self.told.warning(Topic::Release, warning, now);
        self.spooling.released();
    }
}
