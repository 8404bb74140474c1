//! The spool in the real file system, under the driver.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use activity_deliver::{Durability, Reloadable, Report, Settings, SpoolSettings, StateChange};

use crate::fakes::{Memory, Named, Rig, batch, event, reloadable, settings};

/// A directory of a test's own, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("activity-deliver-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn spool(&self) -> PathBuf {
        self.0.join("spool")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn with_spool(directory: &Path, reloadable: Reloadable) -> Settings {
    let spool = Some(SpoolSettings { directory: directory.to_owned() });
    Settings { spool, ..settings(reloadable) }
}

fn pending() -> Memory {
    let stream = Memory::new();
    stream.0.usable.send_replace(false);
    stream
}

fn submit(rig: &Rig, sequences: std::ops::RangeInclusive<u64>) {
    for sequence in sequences {
        rig.handle.try_submit(batch(sequence, &[event(&format!("select {sequence}"))])).unwrap();
    }
}

fn durable(rig: &Rig) -> u64 {
    let durable = rig.reports.iter().filter_map(|report| match report {
        Report::Durable { through } => Some(*through),
        _ => None,
    });
    durable.max().unwrap_or(0)
}

fn was_told(rig: &Rig, change: &StateChange) -> bool {
    rig.reports.iter().any(|report| matches!(report, Report::State(told) if told == change))
}

#[tokio::test]
async fn what_the_stream_does_not_take_is_kept_on_disk_and_delivered_in_order_when_it_does() {
    let folder = Folder::new();
    let mut rig = Rig::start_with(with_spool(&folder.spool(), reloadable()), pending(), Named(1));
    rig.until("the stream's state", |rig| rig.reports.iter().any(is_pending)).await;
    submit(&rig, 1..=50);
    rig.acked(50).await;
    assert_eq!((durable(&rig), rig.stream.sequences().len()), (0, 0), "on disk, and not on the stream");
    let snapshot = rig.handle.snapshot();
    assert!(snapshot.spool_records == 50 && snapshot.spool_bytes > 0 && !snapshot.spool_is_drained);
    assert!(was_told(&rig, &StateChange::Spooling));

    rig.stream.0.usable.send_replace(true);
    rig.until("durability", |rig| durable(rig) == 50_000).await;
    assert_eq!(rig.stream.sequences().concat(), (1..=50).collect::<Vec<_>>());
    rig.until("the end of the spool", |rig| was_told(rig, &StateChange::SpoolDrained)).await;
    submit(&rig, 51..=51);
    rig.until("the next one", |rig| durable(rig) == 51_000).await;
    let drained = rig.reports.iter().filter_map(|report| match report {
        Report::Drained(counts) => Some(counts.events),
        _ => None,
    });
    assert_eq!(drained.sum::<u64>(), 50);
}

fn is_pending(report: &Report) -> bool {
    matches!(report, Report::State(StateChange::StreamPending { .. }))
}

#[tokio::test]
async fn what_is_left_at_the_end_is_delivered_by_the_next_process() {
    let folder = Folder::new();
    let mut first = Rig::start_with(with_spool(&folder.spool(), reloadable()), pending(), Named(1));
    submit(&first, 1..=7);
    first.handle.hurry();
    first.acked(7).await;
    assert!(first.handle.is_idle());
    drop(first);

    let mut settings = with_spool(&folder.spool(), reloadable());
    settings.acked_through = 7000;
    let mut second = Rig::start_with(settings, Memory::new(), Named(1));
    second.until("durability", |rig| durable(rig) == 7000).await;
    assert_eq!(second.stream.sequences().concat(), [1, 2, 3, 4, 5, 6, 7]);
    let opened = |change: &StateChange| matches!(change, StateChange::SpoolOpened { records: 7, .. });
    assert!(second.reports.iter().any(|report| matches!(report, Report::State(change) if opened(change))));
}

#[tokio::test]
async fn where_the_spool_counts_as_durable_an_fsync_is_enough() {
    let folder = Folder::new();
    let reloadable = Reloadable { durability: Durability::Spool, ..reloadable() };
    let mut rig = Rig::start_with(with_spool(&folder.spool(), reloadable), pending(), Named(1));
    submit(&rig, 1..=3);
    rig.until("durability", |rig| durable(rig) == 3000).await;
    assert!(rig.stream.sequences().is_empty());
    rig.stream.0.usable.send_replace(true);
    rig.until("all on the stream", |rig| rig.stream.sequences().len() == 3).await;
    assert_eq!(rig.stream.sequences().concat(), [1, 2, 3]);
}

#[tokio::test]
async fn a_spool_that_cannot_be_had_is_told_and_records_go_to_the_stream_without_it() {
    let folder = Folder::new();
    let nowhere = folder.0.join("no such folder").join("spool");
    let mut rig = Rig::start_with(with_spool(&nowhere, reloadable()), Memory::new(), Named(1));
    let warned = |rig: &mut Rig| {
        let told = |change: &StateChange| matches!(change, StateChange::StreamWarning(text) if text.contains("spool"));
        rig.reports.iter().any(|report| matches!(report, Report::State(change) if told(change)))
    };
    rig.until("the warning", warned).await;
    submit(&rig, 1..=3);
    rig.acked(3).await;
    assert_eq!(rig.stream.sequences().concat(), [1, 2, 3]);
    // When it can be had, it is.
    std::fs::create_dir(folder.0.join("no such folder")).unwrap();
    let opened = |change: &StateChange| matches!(change, StateChange::SpoolOpened { .. });
    let is_open = |rig: &mut Rig| {
        rig.reports.iter().any(|report| matches!(report, Report::State(change) if opened(change)))
    };
    rig.until("the spool", is_open).await;
}
