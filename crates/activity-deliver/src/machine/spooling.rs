//! Which way sealed records go, and what the spool is asked for.
//!
//! | way | when |
//! |---|---|
//! | the stream | there is nothing in the spool, and no reason to put something there |
//! | the spool | the stream takes nothing, or less than comes; a shutdown does not wait any longer; the spool is what counts as durable; or it has records that were not read yet: new ones go behind them |
//! | wait | the spool is being opened; or all that is in it is on its way to the stream, and what comes next follows when it is there |
//!
//! A spool that cannot be written to, or is full, is tried again after a pause. One that hangs is left alone until the append
//! has ended; its records go another way, and what it has written after all is delivered once more. Meanwhile records wait, in memory and then in the
//! ring; where nothing is in the spool they go to the stream.
//!
//! What was read from the spool waits in an [`Outbox`] of its own. The stream having it, it is released, from the first one on.

use std::sync::Arc;
use std::time::Duration;

use super::backoff::{Backoff, Jitter};
use super::durable::Delivered;
use super::outbox::{Content, Outbox, Ready, Standing};
use super::told::{Told, Topic};
use crate::limits::{
    APPEND_AT_ONCE_BYTES, APPEND_PACE, LOAD_AHEAD_BYTES, MAX_BYTES_PER_REQUEST, MAX_READ_FAILURES,
    MAX_RECORDS_PER_REQUEST, SPOOL_HANGS, SPOOL_OPENING, SPOOL_PAUSE,
};
use crate::ports::OutRecord;
use crate::report::StateChange;
use crate::settings::{Durability, Reloadable};
use crate::spool::Meta;

/// Where sealed records go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Stream,
    Wait,
    Spool,
}

/// What speaks for the spool.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Need {
    /// The stream takes nothing.
    pub(crate) unavailable: bool,
    /// The stream takes less than comes.
    pub(crate) backlog: bool,
    /// The process is about to end.
    pub(crate) hurry: bool,
}

/// What the spool held when it was opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Opened {
    /// The record before the first one that is not delivered, and the last one: equal where there is none.
    pub(crate) before_first: u64,
    pub(crate) last: u64,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) notes: Vec<String>,
}

/// Why an append kept nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AppendFailure {
    /// There is no room for it.
    Full,
    /// The disk failed.
    Disk(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// There is none.
    Absent,
    Closed,
    Opening {
        since: Duration,
    },
    Open,
    /// An append does not end: as if there were none until it does.
    Hung,
}

/// Records on their way to the disk.
#[derive(Debug)]
pub(crate) struct Appending {
    since: Duration,
    pub(crate) contents: Vec<(Content, Standing)>,
    pub(crate) records: Arc<Vec<(Meta, OutRecord)>>,
}

#[derive(Debug)]
pub(crate) struct Spooling {
    state: State,
    durability: Durability,
    max_bytes: u64,
    backoff: Backoff,
    /// Not written to, and not opened again, before.
    not_before: Duration,
    pub(crate) appending: Option<Appending>,
    /// No append before, where nobody gains by it and little would be in it.
    append_not_before: Duration,
    loading: bool,
    read_failures: u32,
    read_backoff: Backoff,
    read_not_before: Duration,
    /// What the spool was known to have when that began.
    load_target: u64,
    releasing: bool,
    /// The last record that the spool is known to have, that was read from it, that it was told to forget.
    appended_through: u64,
    loaded_through: u64,
    released_through: u64,
    written_through: u64,
    pub(crate) delivered: Delivered,
    /// What was read and is not under way.
    pub(crate) loaded: Outbox,
    telling: Telling,
}

/// What was told of the spool, and what is to be.
#[derive(Debug, Default)]
struct Telling {
    /// What failed last, until something works.
    failure: Option<String>,
    /// That it cannot be written to was told.
    unwritable: bool,
    full: bool,
    spooling: bool,
}

impl Spooling {
    pub(crate) fn new(there_is_one: bool, reloadable: &Reloadable) -> Self {
        Self {
            state: if there_is_one { State::Closed } else { State::Absent },
            durability: reloadable.durability,
            max_bytes: reloadable.spool_max_bytes,
            backoff: Backoff::new(SPOOL_PAUSE),
            not_before: Duration::ZERO,
            appending: None,
            append_not_before: Duration::ZERO,
            loading: false,
            read_failures: 0,
            read_backoff: Backoff::new(SPOOL_PAUSE),
            read_not_before: Duration::ZERO,
            load_target: 0,
            releasing: false,
            appended_through: 0,
            loaded_through: 0,
            released_through: 0,
            written_through: 0,
            delivered: Delivered::default(),
            loaded: Outbox::default(),
            telling: Telling::default(),
        }
    }

    pub(crate) fn reconfigure(&mut self, reloadable: &Reloadable) {
        self.durability = reloadable.durability;
        // Perhaps there is room now.
        if std::mem::replace(&mut self.max_bytes, reloadable.spool_max_bytes) != self.max_bytes {
            self.not_before = Duration::ZERO;
        }
    }

    /// Whether to open it now. Then one call of [`Self::opened`] is due.
    pub(crate) fn begin_opening(&mut self, now: Duration) -> bool {
        let due = self.state == State::Closed && now >= self.not_before;
        if due {
            self.state = State::Opening { since: now };
        }
        due
    }

    pub(crate) fn opened(
        &mut self,
        opened: Result<Opened, String>,
        now: Duration,
        jitter: &mut Jitter,
        told: &mut Told,
    ) {
        match opened {
            Ok(Opened { before_first, last, records, bytes, notes }) => {
                self.state = State::Open;
                self.backoff.reset();
                self.appended_through = last;
                self.loaded_through = before_first;
                self.released_through = before_first;
                self.written_through = before_first;
                self.delivered = Delivered::all(before_first);
                self.telling.spooling = records > 0;
                told.spool(StateChange::SpoolOpened { records, bytes, notes });
                self.works(now, told);
            }
            Err(message) => {
                self.state = State::Closed;
                self.fails(message, now, jitter, told);
            }
        }
    }

    /// Nothing is in it and nothing on the way there, or it is not known to hold anything.
    pub(crate) fn is_drained(&self) -> bool {
        match self.state {
            State::Absent | State::Closed | State::Opening { .. } => true,
            State::Open | State::Hung => {
                self.appending.is_none() && self.delivered.through() >= self.appended_through
            }
        }
    }

    /// It could be written to now, as far as known.
    fn may_write(&self, now: Duration) -> bool {
        self.state == State::Open && self.max_bytes > 0 && now >= self.not_before
    }

    pub(crate) fn route(&self, need: Need, now: Duration) -> Route {
        match self.state {
            State::Absent | State::Closed | State::Hung => return Route::Stream,
            State::Opening { since } if now < since.saturating_add(SPOOL_OPENING) => return Route::Wait,
            State::Opening { .. } => return Route::Stream,
            State::Open => {}
        }
        let wanted = need.unavailable || need.backlog || need.hurry || self.durability == Durability::Spool;
        let unread = self.appending.is_some() || self.loaded_through < self.appended_through;
        match (self.is_drained(), self.may_write(now)) {
            (_, true) if wanted => Route::Spool,
            (true, _) => Route::Stream,
            (false, true) if unread => Route::Spool,
            (false, _) => Route::Wait,
        }
    }

    /// Takes records from the outbox for the next append, where none is under way. Then [`Self::appended`] is due.
    pub(crate) fn begin_append(
        &mut self,
        outbox: &mut Outbox,
        epoch: u64,
        need: Need,
        now: Duration,
        told: &mut Told,
    ) -> Option<Arc<Vec<(Meta, OutRecord)>>> {
        // A sync of the disk costs whoever else writes to it, the server's sessions among them.
        let can_wait = self.durability == Durability::Stream
            && need.unavailable
            && !need.hurry
            && !need.backlog
            && outbox.bytes() < APPEND_AT_ONCE_BYTES
            && now < self.append_not_before;
        if self.appending.is_some() || outbox.is_empty() || can_wait {
            return None;
        }
        self.append_not_before = now.saturating_add(APPEND_PACE);
        let (mut contents, mut records) = (Vec::new(), Vec::new());
        for Ready { content, record, standing } in outbox.take_append() {
            if let Content::Events(piece) = &content {
                let meta = Meta {
                    epoch,
                    first_sequence: piece.place.first_sequence,
                    last_sequence: piece.last_sequence(),
                    events: u32::try_from(piece.event_count()).unwrap_or(u32::MAX),
                };
                records.push((meta, record));
                contents.push((content, standing));
            }
        }
        if !std::mem::replace(&mut self.telling.spooling, true) && self.durability == Durability::Stream {
            told.spool(StateChange::Spooling);
        }
        let records = Arc::new(records);
        self.appending = Some(Appending { since: now, contents, records: Arc::clone(&records) });
        Some(records)
    }

    /// The append that does not end, the first time that this is found.
    pub(crate) fn hung_append(&mut self, now: Duration, told: &mut Told) -> Option<Appending> {
        let hung = self.appending.take_if(|appending| now >= appending.since.saturating_add(SPOOL_HANGS))?;
        self.state = State::Hung;
        let message = "the disk does not answer".to_owned();
        told.warning(Topic::Write, Some(format!("the spool cannot be used: {message}")), now);
        self.telling.failure = Some(message);
        Some(hung)
    }

    /// An append ended, whether anybody still waited for it or not.
    pub(crate) fn answers(&mut self) {
        if self.state == State::Hung {
            self.state = State::Open;
        }
    }

    /// An append ended well: the last ordinal that the spool has.
    pub(crate) fn appended(&mut self, last: u64, now: Duration, told: &mut Told) {
        self.appended_through = self.appended_through.max(last);
        self.works(now, told);
    }

    pub(crate) fn append_failed(
        &mut self,
        failure: AppendFailure,
        now: Duration,
        jitter: &mut Jitter,
        told: &mut Told,
    ) {
        match failure {
            AppendFailure::Full => {
                self.not_before = now.saturating_add(self.backoff.fail(jitter));
                if !std::mem::replace(&mut self.telling.full, true) {
                    told.spool(StateChange::SpoolFull);
                }
            }
            AppendFailure::Disk(message) => self.fails(message, now, jitter, told),
        }
    }

    fn fails(&mut self, message: String, now: Duration, jitter: &mut Jitter, told: &mut Told) {
        self.not_before = now.saturating_add(self.backoff.fail(jitter));
        told.warning(Topic::Write, Some(format!("the spool cannot be used: {message}")), now);
        self.telling.failure = Some(message);
    }

    fn works(&mut self, now: Duration, told: &mut Told) {
        self.backoff.reset();
        self.telling.full = false;
        self.telling.failure = None;
        told.warning(Topic::Write, None, now);
    }

    /// How much to read now, if anything, and whether to give up what cannot be read; so many bytes of what was read are held
    /// elsewhere. Then one call of [`Self::loaded`] or
    /// [`Self::load_failed`] is due.
    pub(crate) fn begin_load(&mut self, held_bytes: usize, now: Duration) -> Option<(usize, usize, bool)> {
        let due = self.state == State::Open
            && !self.loading
            && now >= self.read_not_before
            && self.loaded_through < self.appended_through
            && self.loaded.bytes().saturating_add(held_bytes) < LOAD_AHEAD_BYTES;
        if !due {
            return None;
        }
        self.loading = true;
        self.load_target = self.appended_through;
        Some((MAX_RECORDS_PER_REQUEST, MAX_BYTES_PER_REQUEST, self.gives_up_reading()))
    }

    /// What the disk did not give so often is given up.
    pub(crate) fn gives_up_reading(&self) -> bool {
        self.read_failures >= MAX_READ_FAILURES
    }

    /// What is known to be there and was not read: what counts as lost where a reading gives nothing.
    pub(crate) fn unread(&self) -> (u64, u64) {
        (self.loaded_through.saturating_add(1), self.load_target)
    }

    /// Records were read, and some found to be lost, which count as delivered.
    pub(crate) fn loaded(&mut self, records: Vec<(u64, Meta, OutRecord)>, lost: &[(u64, u64)]) {
        self.loading = false;
        self.read_failures = 0;
        self.read_backoff.reset();
        for (ordinal, meta, record) in records {
            self.loaded_through = self.loaded_through.max(ordinal);
            let content = Content::Spooled { ordinal, meta };
            self.loaded.put(Ready { content, record, standing: Standing::default() });
        }
        for (first, last) in lost {
            self.loaded_through = self.loaded_through.max(*last);
            self.delivered.add_range(*first, *last);
        }
        self.appended_through = self.appended_through.max(self.loaded_through);
    }

    /// Nothing could be read; tried again after a pause.
    pub(crate) fn load_failed(&mut self, message: &str, now: Duration, jitter: &mut Jitter, told: &mut Told) {
        self.loading = false;
        self.read_failures = self.read_failures.saturating_add(1);
        self.read_not_before = now.saturating_add(self.read_backoff.fail(jitter));
        told.warning(Topic::Spool, Some(format!("the spool cannot be read: {message}")), now);
    }

    /// Up to where the spool may forget, where that is news, and whether to write that down at once. Then one call of
    /// [`Self::released`] is due.
    pub(crate) fn begin_release(&mut self, need: Need) -> Option<(u64, bool)> {
        let through = self.delivered.through();
        // At the end the next process is spared what was delivered; otherwise the spool chooses when to write.
        let news = through > self.released_through || (need.hurry && through > self.written_through);
        if self.state != State::Open || self.releasing || !news {
            return None;
        }
        self.releasing = true;
        self.released_through = through;
        if need.hurry {
            self.written_through = through;
        }
        Some((through, need.hurry))
    }

    /// A release ended. One that failed frees nothing and loses nothing: the next one covers it.
    pub(crate) fn released(&mut self) {
        self.releasing = false;
        // There may be room again.
        if self.telling.full {
            self.not_before = Duration::ZERO;
        }
    }

    /// Tells when all that was spooled is delivered; and that the spool cannot be written to as long as something has to go
    /// there: that is when events can be lost.
    pub(crate) fn tell(&mut self, need: Need, told: &mut Told) {
        let needed = need.unavailable || need.backlog || need.hurry;
        let failure = self.telling.failure.as_ref().filter(|_| needed);
        if failure.is_some() != self.telling.unwritable {
            self.telling.unwritable = failure.is_some();
            told.spool(match failure {
                Some(message) => StateChange::SpoolUnwritable { message: message.clone() },
                None => StateChange::SpoolWritable,
            });
        }
        if self.telling.spooling && self.state == State::Open && self.is_drained() && !need.unavailable {
            self.telling.spooling = false;
            if self.durability == Durability::Stream {
                told.spool(StateChange::SpoolDrained);
            }
        }
    }

    /// It was told that events can be lost, and not yet that this is over.
    pub(crate) fn is_told_unwritable(&self) -> bool {
        self.telling.unwritable
    }

    /// When something is to be done here though nothing happens. `waiting`: there are records for it.
    pub(crate) fn deadline(&self, waiting: bool, now: Duration) -> Option<Duration> {
        match self.state {
            State::Absent | State::Hung => None,
            State::Closed => Some(self.not_before),
            State::Opening { since } => Some(since.saturating_add(SPOOL_OPENING)).filter(|at| *at > now),
            State::Open => {
                let read = Some(self.read_not_before)
                    .filter(|at| *at > now && self.loaded_through < self.appended_through);
                let write =
                    Some(self.not_before.max(self.append_not_before)).filter(|at| *at > now && waiting);
                let hangs = self.appending.as_ref().map(|append| append.since.saturating_add(SPOOL_HANGS));
                [read, write, hangs].into_iter().flatten().min()
            }
        }
    }
}
