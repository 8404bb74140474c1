//! Windows, driven by hand: each test answers what it was asked.

use super::limits::{CROWDED_WINDOWS, INSTANT_LINGER_MICROS};
use super::*;
use crate::ports::{Notice, NoticeKind};

mod crowded;
mod forms;
mod losses;
mod telling;

pub(super) const EPOCH: &str = "00c0ffee00c0ffee";
const SECOND: i64 = 1_000_000;
/// 2026-05-24 00:36:54.403455+00
const START: i64 = 1_779_583_014_403_455;

pub(super) fn first_start() -> Windows {
    let (state, resumed) = resume(None, EPOCH, START);
    assert_eq!(resumed, Resumed::First);
    Windows::new("cluster-test", &state)
}

/// What was told, each as `begin`, `end`, by whom.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    log: Vec<String>,
    stream: Vec<(u64, Part)>,
    notices: Vec<String>,
    writes: usize,
}

/// Does everything that is due, after which nothing is.
fn tell_all(windows: &mut Windows) -> Told {
    let told = tell(windows);
    assert!(!windows.has_due(), "all of it is told and written");
    told
}

/// Does what can be done; every answer is that it worked.
fn tell(windows: &mut Windows) -> Told {
    let mut told = Told::default();
    while let Some(action) = windows.next_action() {
        match action {
            Action::Persist { generation } => {
                told.writes += 1;
                windows.persisted(generation, true);
            }
            Action::Log { line, .. } => told.log.push(line.message),
            Action::Publish { number, part, .. } => {
                told.stream.push((number, part));
                windows.published(number, part, true);
            }
            Action::Notify(notice) => {
                windows.notified(&notice.id);
                told.notices.push(notice.id);
            }
        }
    }
    told
}

/// Does the writes that are due now, and nothing else; what else came up.
fn write(windows: &mut Windows) -> Option<Action> {
    loop {
        match windows.next_action() {
            Some(Action::Persist { generation }) => windows.persisted(generation, true),
            other => return other,
        }
    }
}

/// The same windows after a restart of the worker at `now`, in that epoch.
fn restarted(windows: &Windows, marker: Marker, epoch: &str, now: i64) -> (Windows, Resumed) {
    let bytes = windows.state(marker).to_bytes().unwrap();
    let (state, resumed) = resume(Some(State::from_bytes(&bytes).unwrap()), epoch, now);
    (Windows::new("cluster-test", &state), resumed)
}

fn marker() -> Marker {
    resume(None, EPOCH, START).0.marker
}

fn only(windows: &Windows) -> &Window {
    let all: Vec<_> = windows.iter().collect();
    assert_eq!(all.len(), 1, "{all:?}");
    all[0]
}

fn notice(id: &str) -> Notice {
    Notice {
        id: id.to_owned(),
        kind: NoticeKind::Started,
        at: START,
        cluster_id: "cluster-test".to_owned(),
        message: "The activity stream was started.".to_owned(),
    }
}
