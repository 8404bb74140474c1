//! The accounts of what was lost and who knows of it: loss windows, notices, the marker of how far the stream is.
//!
//! [`Windows`] decides; this acts: it looks at the ring's counters, takes what delivery reports, writes log lines, publishes GAP
//! events, hands notices on, has the state file written and shows the windows to the view.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use activity_deliver::windows::{
    Action, Count, Marker, Part, Previous, Reason, Resumed, Store, Windows, resume,
};
use activity_deliver::{Acked, Cause, Chain, Lost, Notice, NoticeKind, Recovery};

use super::loss_view;
use super::notifier::Notifier;
use super::runtime::Threads;
use super::state_file::StateFile;
use super::stream_events::{StreamEvents, Told};
use crate::pg::clock;
use crate::pg::log::{self, sqlstate};
use crate::ring::Attached;
use crate::settings::Snapshot;

/// How long no event must have been dropped for the loss to count as over.
const QUIET: Duration = Duration::from_secs(5);
/// Windows that last as long as something is so. Another worker finds that again where it still is.
const LASTING: [Reason; 3] = [Reason::SpoolUnwritable, Reason::RingFull, Reason::NotDurable];
/// Time between two looks whether events become durable in time again.
const RECOVERY_PACE: Duration = Duration::from_millis(50);
/// Time between two writes of the marker, and between two attempts at what was refused.
const PACE: Duration = Duration::from_secs(1);
/// Where nothing happens, how often that is written down: an unclean stop is told from then on.
const IDLE_PACE: Duration = Duration::from_secs(60);

/// What the start of the server found.
pub(super) struct Begun {
    /// The epoch before this one.
    pub(super) previous: Option<Previous>,
}

/// See the module.
pub(super) struct Accounts {
    windows: Windows,
    marker: Marker,
    /// After the last event that was acknowledged; in the marker as text, when that is written.
    chain: Chain,
    written: Option<Marker>,
    file: StateFile,
    events: StreamEvents,
    /// The GAP event that is in the ring and not acknowledged.
    published: Option<(u64, Part, u64)>,
    last_drop: Option<Instant>,
    /// Sessions do not wait, until events become durable in time again.
    recovery: Option<Recovery>,
    next_pace: Instant,
    next_idle: Instant,
    changed: bool,
}

impl Accounts {
    /// Reads the state file, and opens the window of an unclean stop.
    pub(super) fn begin(settings: &Snapshot, attached: &Attached) -> (Self, Begun) {
        let store = Store::new(settings.spool_directory.clone());
        let owner = store.owner(&settings.instance_id);
        let loaded = store.load(&owner);
        if let Some(foreign) = loaded.foreign {
            log::warning(sqlstate::INTERNAL, &format!("activity_stream: {foreign}"), "", "");
        }
        let (epoch, now) = (attached.shared.epoch_text(), clock::now());
        let (state, resumed) = resume(loaded.state, &epoch, now);
        let mut windows = Windows::new(&settings.cluster_id, &state);
        if let Some(problem) = loaded.problem {
            let detail = format!("How the server stopped before is not known: {problem}");
            windows.instant(Reason::UncleanStop, &detail, Count::Unknown, (now, now), None, now);
        }
        let mut marker = state.marker;
        if let Resumed::UncleanStop { last_ack_at, .. } = &resumed {
            let detail = "The server ended without shutting down, and what was in its ring with it.";
            windows.instant(Reason::UncleanStop, detail, Count::Unknown, (*last_ack_at, now), None, now);
        }
        // Nothing more of it can come.
        windows.finish_instants();
        // What is still so is found again.
        for reason in LASTING {
            windows.close(reason, now);
        }
        marker.epoch_started_at = attached.shared.epoch_start.load(Ordering::Relaxed);
        marker.clean = false;
        marker.owner = owner;
        // Nothing acknowledged yet is a place, too.
        let stored = marker.chain.as_deref().and_then(Chain::from_hex);
        let chain = stored.unwrap_or_else(|| Chain::begin(&epoch));
        let begun = Begun { previous: marker.previous.clone() };
        let next = Instant::now();
        let accounts = Self {
            windows,
            marker,
            chain,
            written: None,
            file: StateFile::new(store),
            events: StreamEvents::new(),
            published: None,
            last_drop: None,
            recovery: None,
            next_pace: next,
            next_idle: next + IDLE_PACE,
            changed: true,
        };
        (accounts, begun)
    }

    /// Everything up to there is in safety.
    pub(super) fn acked(&mut self, acked: &Acked) {
        self.marker.acked_sequence = acked.last_sequence;
        self.chain = acked.chain;
        self.marker.last_ack_at = Some(clock::now());
    }

    /// Delivery gave events up.
    pub(super) fn lost(&mut self, lost: &Lost) {
        let now = clock::now();
        let reason = match lost.cause {
            Cause::Refused => Reason::GivenUp,
            Cause::SpoolDamaged => Reason::SpoolDamaged,
        };
        let count = lost.events.map_or(Count::Unknown, Count::Known);
        // Numbers of another epoch would be read as this one's.
        let sequences = lost.sequences.filter(|_| lost.epoch.is_none());
        self.windows.instant(reason, &lost.detail, count, (now, now), sequences, now);
        self.changed = true;
    }

    /// The spool takes nothing: what the ring cannot hold would be lost.
    pub(super) fn spool_unwritable(&mut self, message: &str) {
        let now = clock::now();
        self.windows.open(Reason::SpoolUnwritable, message, now, now);
        self.changed = true;
    }

    /// It does again, or is not needed.
    pub(super) fn spool_is_well(&mut self) {
        self.windows.close(Reason::SpoolUnwritable, clock::now());
        self.changed = true;
    }

    /// A notice that is no window's, kept until every sink has it.
    pub(super) fn notice(&mut self, kind: NoticeKind, what: &str, cluster_id: &str, message: &str) {
        let at = clock::now();
        let id = format!("{}-{what}-{}", self.marker.epoch, at / 1000);
        let notice = Notice { id, kind, at, cluster_id: cluster_id.to_owned(), message: message.to_owned() };
        if self.windows.notice(notice).is_err() {
            log::warning(
                sqlstate::INTERNAL,
                "activity_stream: too many notifications wait to be sent; one is given up",
                message,
                "See to activity_stream.notify_topic_arn and activity_stream.notify_event_bus.",
            );
        }
    }

    /// Publishes an event of the stream itself; its position, or `None` where the ring has no room now.
    pub(super) fn publish(&mut self, told: &Told<'_>) -> Option<u64> {
        self.events.publish(told)
    }

    /// One round: looks at the ring, and does what is due.
    pub(super) fn round(
        &mut self,
        attached: &Attached,
        settings: &Snapshot,
        threads: &Threads,
        notifier: &mut Notifier,
    ) {
        self.look(attached);
        self.look_at_durability(attached, settings.sync_timeout);
        self.windows.tick(clock::now());
        if let Some((generation, well)) = self.file.ended() {
            self.windows.persisted(generation, well);
            self.changed = true;
        }
        while let Some(id) = notifier.next_done() {
            self.windows.notified(&id);
            self.changed = true;
        }
        let acked = attached.ring.acked_through().0;
        if let Some((number, part, _)) = self.published.take_if(|(.., position)| *position <= acked) {
            self.windows.published(number, part, true);
            self.changed = true;
        }
        self.keep_pace(attached, threads);
        self.act(threads, notifier);
        if std::mem::take(&mut self.changed) {
            loss_view::show(&self.windows, &attached.shared.loss_windows);
        }
    }

    /// The ring's counters since the last look.
    fn look(&mut self, attached: &Attached) {
        let now = clock::now();
        let dropped = attached.dropped().saturating_sub(self.marker.counted.dropped);
        if dropped > 0 {
            let first = attached.shared.first_drop.swap(0, Ordering::Relaxed);
            let first = if first > 0 { first.min(now) } else { now };
            let detail = "The ring is full, or events are too large for it.";
            self.windows.open(Reason::RingFull, detail, first, now);
            self.windows.affected(Reason::RingFull, Count::Known(dropped), now, now);
            self.marker.counted.dropped += dropped;
            self.last_drop = Some(Instant::now());
            self.changed = true;
        } else if self.last_drop.take_if(|last| last.elapsed() >= QUIET).is_some() {
            self.windows.close(Reason::RingFull, now);
            self.changed = true;
        }
        let torn = attached.ring.skipped().saturating_sub(self.marker.counted.torn);
        if torn > 0 {
            let detail = "A session was killed in the middle of writing its events.";
            self.windows.instant(Reason::Torn, detail, Count::Unknown, (now, now), None, now);
            self.marker.counted.torn += torn;
            self.changed = true;
        }
    }

    /// Sessions in sync mode waited in vain, and do not wait until events become durable in time again.
    fn look_at_durability(&mut self, attached: &Attached, sync_timeout: Duration) {
        let mark = &attached.shared.not_durable_since;
        let since = mark.load(Ordering::SeqCst);
        if since == 0 {
            return;
        }
        let (published, durable) = (attached.ring.reserved().0, attached.durable_through());
        let now = Instant::now();
        let Some(recovery) = &mut self.recovery else {
            let detail = "A session in sync mode waited in vain for its events to be durable; until they are in time again, none waits.";
            self.windows.open(Reason::NotDurable, detail, since, clock::now());
            self.recovery = Some(Recovery::begin(published, now));
            self.changed = true;
            return;
        };
        if recovery.look(published, durable, now, sync_timeout) {
            self.recovery = None;
            self.windows.close(Reason::NotDurable, clock::now());
            mark.store(0, Ordering::SeqCst);
            self.changed = true;
        }
    }

    /// Once a second: tries again what was refused, and writes down how far the stream is.
    fn keep_pace(&mut self, attached: &Attached, threads: &Threads) {
        let now = Instant::now();
        if now < self.next_pace {
            return;
        }
        self.next_pace = now + PACE;
        self.windows.retry_refused();
        if now >= self.next_idle && attached.ring.acked_through().0 >= attached.ring.reserved().0 {
            self.next_idle = now + IDLE_PACE;
            self.marker.last_ack_at = Some(clock::now());
        }
        let news = self.written.as_ref() != Some(&self.marker) || self.windows.has_changes();
        if news
            && !self.file.is_writing()
            && let Some(generation) = self.windows.begin_write()
        {
            self.write(threads, generation);
        }
    }

    fn write(&mut self, threads: &Threads, generation: u64) {
        self.marker.chain = Some(self.chain.to_string());
        self.written = Some(self.marker.clone());
        let state = self.windows.state(self.marker.clone());
        if self.file.is_writing() || !self.file.begin(threads, generation, &state) {
            self.windows.persisted(generation, false);
        }
    }

    fn act(&mut self, threads: &Threads, notifier: &mut Notifier) {
        while let Some(action) = self.windows.next_action() {
            self.changed = true;
            match action {
                Action::Persist { generation } => self.write(threads, generation),
                Action::Log { reason, line } => {
                    log::warning(sqlstate::LOST, &line.message, &line.detail, hint(reason));
                }
                Action::Publish { number, part, event } => {
                    let told = Told { command: event.command, text: &event.text, params: &event.params };
                    match self.events.publish(&told) {
                        Some(position) => self.published = Some((number, part, position)),
                        None => self.windows.published(number, part, false),
                    }
                }
                Action::Notify(notice) => {
                    if let Err(notice) = notifier.send(notice) {
                        self.windows.notice_refused(&notice.id);
                    }
                }
            }
        }
    }

    /// The server stops, and nothing more is published: what can end ends now, so that the stream says so before it ends. Whether
    /// all of it is on the stream.
    pub(super) fn finish(&mut self, attached: &Attached) -> bool {
        self.windows.finish_instants();
        if self.recovery.take().is_some() {
            // Nobody is left who would wait. What is not delivered is told as that.
            self.windows.close(Reason::NotDurable, clock::now());
            attached.shared.not_durable_since.store(0, Ordering::SeqCst);
        }
        if self.last_drop.take().is_some() {
            self.windows.close(Reason::RingFull, clock::now());
        }
        self.windows
            .iter()
            .all(|window| window.told_begin.published && (window.end.is_none() || window.told_end.published))
    }

    /// When there is something to be done again.
    pub(super) fn next_look(&self) -> Instant {
        let recovery = self.recovery.is_some().then(|| Instant::now() + RECOVERY_PACE);
        recovery.map_or(self.next_pace, |at| at.min(self.next_pace))
    }

    /// The last words: what is left in the ring, and that the server stopped as it should. Whether that was written down.
    pub(super) fn end(&mut self, left: u64, threads: &Threads, notifier: &mut Notifier) -> bool {
        let now = clock::now();
        if left > 0 {
            let since = self.marker.last_ack_at.unwrap_or(self.marker.epoch_started_at).min(now);
            let detail = "The server shut down before these events were delivered or in the spool.";
            self.windows.instant(Reason::ShutdownLeft, detail, Count::Known(left), (since, now), None, now);
        }
        for reason in LASTING {
            self.windows.close(reason, now);
        }
        self.windows.finish_instants();
        self.marker.clean = true;
        self.marker.chain = Some(self.chain.to_string());
        let written = self.file.write_last(threads, &self.windows, &self.marker);
        // What is due now is told, as far as that needs no ring; the rest is told at the next start.
        if let Some(generation) = self.windows.begin_write() {
            self.windows.persisted(generation, written);
        }
        self.act(threads, notifier);
        self.file.write_last(threads, &self.windows, &self.marker) || written
    }

    /// The last sequence number and the chain that are acknowledged.
    pub(super) fn marker(&self) -> &Marker {
        &self.marker
    }
}

/// What an operator can do about it.
fn hint(reason: Reason) -> &'static str {
    match reason {
        Reason::RingFull => {
            "Raise activity_stream.spool_max_size or activity_stream.ring_size, or see activity_stream.status for what \
             keeps delivery back."
        }
        Reason::SpoolUnwritable => {
            "Make room on the disk of activity_stream.spool_directory, or see to its permissions."
        }
        Reason::ShutdownLeft => "Raise activity_stream.shutdown_timeout or activity_stream.spool_max_size.",
        Reason::NotDurable => "See activity_stream.status for what keeps delivery back.",
        Reason::GivenUp | Reason::UncleanStop | Reason::Torn | Reason::SpoolDamaged => "",
    }
}
