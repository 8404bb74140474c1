//! A changed configuration, from the reload until it is in force.
//!
//! ```text
//!   reload ──► STREAM CONFIG for each setting ──► durable, or sync_timeout is over ──► in force, here and in the block
//!                        │                                   ▲
//!                        └── sessions and worker go on with the old values ┘
//! ```
//!
//! * The round of the worker goes on meanwhile: the change is a state of it, [`Pending`].
//! * Another reload before that takes the place of the first: its events have the values in force as the old ones, also for a
//!   setting that is back at them, and the time begins anew.
//! * `mode = off` is told like any other change, so sessions are captured until it is in force.
//! * While the mode is off nothing can be told. What changes is in force at once, and is told, before anything that sessions do, when
//!   the mode is on again.
//! * What the full ring does not take is tried again until the time is over, and is in the log then.
//! * A worker that is started again finds the values in force in the block, and what else is configured by then is a change.
//! * With `activity_stream.locked` some values do not count. That is told as STREAM CONFIG REFUSED, once for each such value of a setting,
//!   and nothing else comes of it. While the mode is off it is in the log alone.
//! * A change that is pending when the server shuts down never is in force.

use std::sync::atomic::Ordering;
use std::time::Instant;

use activity_deliver::NoticeKind;

use super::Worker;
use super::stream_events::Told;
use crate::ack;
use crate::pg::log::{self, sqlstate};
use crate::settings::{self, Change, Mode, Refused, Values};

/// Refused values that wait for room in the ring. Those beyond are in the log alone.
const MAX_REFUSED_UNTOLD: usize = 100;

/// Changes that are known.
pub(super) struct Changes {
    /// What the stream has been told of last.
    told: Values,
    pending: Option<Pending>,
    /// What of the configuration does not count.
    refused: Vec<Refused>,
    /// Of these, what the ring has not taken yet.
    refused_untold: Vec<Refused>,
}

/// A change that is not in force.
struct Pending {
    values: Values,
    /// What the ring has not taken yet, the last one first.
    untold: Vec<Change>,
    /// End of the last event of it in the ring.
    through: u64,
    /// In force then in any case.
    until: Instant,
}

impl Changes {
    /// With what is in force.
    pub(super) fn new() -> Self {
        Self { told: settings::in_force(), pending: None, refused: Vec::new(), refused_untold: Vec::new() }
    }

    /// A change is not in force yet.
    pub(super) fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// When a change is in force at the latest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.pending.as_ref().map(|pending| pending.until)
    }
}

impl Worker {
    /// The configuration was read: what is to become of it.
    pub(super) fn reload(&mut self) {
        let in_force = settings::in_force();
        let latest =
            self.changes.pending.as_ref().map_or_else(|| in_force.clone(), |pending| pending.values.clone());
        // What does not count takes nothing back either.
        let (values, refused) = settings::counting(settings::configured(), &latest);
        self.note_refused(refused);
        if latest == values || self.shutdown.is_some() {
            return;
        }
        if self.settings.mode == Mode::Off {
            self.put_in_force(&in_force, &values);
            return;
        }
        let mut untold = in_force.changes(&self.changes.told, &values);
        self.announce(&untold);
        untold.reverse();
        let through = self.changes.pending.as_ref().map_or(0, |pending| pending.through);
        let until = Instant::now() + self.settings.sync_timeout;
        self.changes.told = values.clone();
        self.changes.pending = Some(Pending { values, untold, through, until });
        self.attached.shared.config_pending.store(1, Ordering::Relaxed);
    }

    /// Values that do not count: news of them is told.
    fn note_refused(&mut self, refused: Vec<Refused>) {
        let before = std::mem::replace(&mut self.changes.refused, refused);
        let news = self.changes.refused.iter().filter(|refused| !before.contains(refused));
        let news: Vec<_> = news.cloned().collect();
        for Refused { change, why, .. } in &news {
            let message = format!(
                "activity_stream: parameter \"{}\" is not protected; it stays \"{}\", and does not become \"{}\"",
                change.name, change.old, change.new
            );
            log::warning(sqlstate::UNPROTECTED, &message, why, settings::PROTECT_HINT);
        }
        if !news.is_empty() {
            let all: Vec<_> = news.iter().map(|refused| described(&refused.change)).collect();
            let message = format!("Changes of settings refused: {}.", all.join(", "));
            self.accounts.notice(NoticeKind::Changed, "refused", &self.settings.cluster_id, &message);
        }
        if self.settings.mode != Mode::Off {
            let room = MAX_REFUSED_UNTOLD.saturating_sub(self.changes.refused_untold.len());
            self.changes.refused_untold.extend(news.into_iter().take(room));
        }
    }

    /// STREAM CONFIG REFUSED for what was refused, as far as the ring has room.
    fn tell_refused_changes(&mut self) {
        while let Some(Refused { change, file, .. }) = self.changes.refused_untold.first() {
            let Change { name, old, new } = change;
            let params = [
                format!("setting={name}"),
                format!("old={old}"),
                format!("refused={new}"),
                format!("file={file}"),
            ];
            let text = format!("{name} stays as it is.");
            let told = Told { command: "STREAM CONFIG REFUSED", text: &text, params: &params };
            if self.accounts.publish(&told).is_none() {
                return;
            }
            self.changes.refused_untold.remove(0);
        }
    }

    /// Moves a pending change on.
    pub(super) fn advance_change(&mut self) {
        self.tell_refused_changes();
        let Some(mut pending) = self.changes.pending.take_if(|_| self.shutdown.is_none()) else { return };
        while let Some(change) = pending.untold.pop() {
            match self.tell_change(&change) {
                Some(position) => pending.through = position,
                None => {
                    pending.untold.push(change);
                    break;
                }
            }
        }
        let told = pending.untold.is_empty() && self.attached.durable_through() >= pending.through;
        if !told && Instant::now() < pending.until {
            self.changes.pending = Some(pending);
            return;
        }
        for Change { name, .. } in &pending.untold {
            log::warning(
                sqlstate::INTERNAL,
                &format!("activity_stream: the ring has no room to tell that {name} changes"),
                "",
                "",
            );
        }
        self.put_in_force(&settings::in_force(), &pending.values);
    }

    /// STREAM CONFIG for one setting; its position in the ring.
    fn tell_change(&mut self, Change { name, old, new }: &Change) -> Option<u64> {
        let params = [format!("setting={name}"), format!("old={old}"), format!("new={new}")];
        let text = format!("{name} {}.", if old == new { "stays as it is" } else { "changes" });
        self.accounts.publish(&Told { command: "STREAM CONFIG", text: &text, params: &params })
    }

    /// Tells those who are notified.
    fn announce(&mut self, changes: &[Change]) {
        let all: Vec<_> = changes.iter().map(described).collect();
        let message = format!("Settings change: {}.", all.join(", "));
        self.accounts.notice(NoticeKind::Changed, "config", &self.settings.cluster_id, &message);
    }

    /// The new values are those of this process from now on, and then of all others.
    fn put_in_force(&mut self, old: &Values, new: &Values) {
        if !new.put_in_force() {
            log::warning(sqlstate::INTERNAL, "activity_stream: a setting cannot have its value", "", "");
        }
        let before = std::mem::replace(&mut self.settings, settings::snapshot());
        self.drain.reconfigure(&self.settings);
        self.connection.reconfigure(&before, &self.settings);
        self.notifier.set_sinks(&self.settings.sinks);
        if before.mode == Mode::Off && self.settings.mode != Mode::Off {
            self.tell_on(new);
        } else if self.settings.mode == Mode::Off && before.mode != Mode::Off {
            let message = "Activity stream stopped.";
            self.accounts.notice(NoticeKind::Stopped, "stop", &self.settings.cluster_id, message);
        }
        // Who finds the new mode must find that there is somebody to wait for, too.
        ack::set_waiting(self.attached, self.settings.mode == Mode::Sync);
        if !settings::tell_in_force(&self.attached.shared.in_force) {
            log::warning(sqlstate::INTERNAL, "activity_stream: the settings have no room", "", "");
        }
        self.attached.shared.config_pending.store(0, Ordering::Relaxed);
        let all: Vec<_> = old.changes(old, new).iter().map(described).collect();
        if all.is_empty() {
            log::log("activity_stream: changed settings were changed back before they were in force");
        } else {
            log::log(&format!("activity_stream: changed settings are in force: {}", all.join(", ")));
        }
    }

    /// The mode is not off any more: what has changed since the stream was told last comes first.
    fn tell_on(&mut self, new: &Values) {
        if self.started {
            let message = "Activity stream started.";
            self.accounts.notice(NoticeKind::Started, "start", &self.settings.cluster_id, message);
        }
        self.tell_start();
        let told = std::mem::replace(&mut self.changes.told, new.clone());
        let changes = told.changes(&told, new);
        self.announce(&changes);
        for change in &changes {
            if self.tell_change(change).is_none() {
                let message =
                    format!("activity_stream: the ring has no room to tell that {} changes", change.name);
                log::warning(sqlstate::INTERNAL, &message, "", "");
            }
        }
    }
}

fn described(Change { name, old, new }: &Change) -> String {
    if old == new { format!("{name}: stays {old}") } else { format!("{name}: {old} -> {new}") }
}
