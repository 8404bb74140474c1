//! The report for people.
//!
//! What comes from the stream (reasons, names) is shown with control characters escaped.

use std::fmt::{self, Display, Write as _};

use super::findings::Listed;
use super::report::{Account, End, EpochReport, Gap, Report, WindowReport};
use super::told::Lost;
use crate::print::push_clean;

/// The report as lines, losses and the verdict last.
pub(crate) fn text(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut out, report);
    out
}

fn write(out: &mut String, report: &Report) -> fmt::Result {
    for epoch in &report.epochs {
        write_epoch(out, epoch)?;
    }
    for window in &report.windows {
        write_window(out, window)?;
    }
    for unreadable in &report.unreadable.list {
        writeln!(out, "unreadable record: {}: {}", Clean(&unreadable.place), Clean(&unreadable.reason))?;
    }
    more(out, &report.unreadable, "unreadable records")?;
    let Report { records, heartbeats, events, duplicates, losses, .. } = report;
    writeln!(out, "records {records} (heartbeats {heartbeats}), events {events}, sent again {duplicates}")?;
    if losses.windows > 0 {
        write!(out, "LOSSES TOLD BY THE STREAM: {}, events lost: {}", losses.windows, losses.events)?;
        let unknown = losses.unknown;
        writeln!(out, "{}", if unknown > 0 { format!(", and of {unknown} unknown") } else { String::new() })?;
    }
    for problem in &report.problems.list {
        let of = problem.epoch.as_ref().map(|epoch| format!("epoch {epoch}: ")).unwrap_or_default();
        writeln!(out, "!! {of}{}", Clean(&problem.text))?;
    }
    more(out, &report.problems, "problems")?;
    writeln!(out, "{}", if report.accounted { "ALL ACCOUNTED FOR" } else { "NOT ALL ACCOUNTED FOR" })
}

fn write_epoch(out: &mut String, epoch: &EpochReport) -> fmt::Result {
    let EpochReport { first_sequence, last_sequence, events, duplicates, .. } = epoch;
    writeln!(
        out,
        "epoch {} of {}: events {events}, {first_sequence} to {last_sequence}, sent again {duplicates}; {}",
        epoch.epoch,
        Clean(&epoch.instance),
        match epoch.end {
            End::Stop => "stopped",
            End::Clean => "ended clean",
            End::Unclean => "ended unclean",
            End::Open => "still running, as far as the stream tells",
        }
    )?;
    for Gap { range, accounted_by } in &epoch.gaps.list {
        let account = match accounted_by {
            Some(Account::Window) => "told as lost",
            Some(Account::UncleanEnd) => "under way at the unclean end",
            Some(Account::TrimmedStart) => "before what the input has",
            None => "NOT ACCOUNTED FOR",
        };
        writeln!(out, "  gap {range}: {account}")?;
    }
    more(out, &epoch.gaps, "gaps")
}

fn write_window(out: &mut String, window: &WindowReport) -> fmt::Result {
    let to = window.to.as_deref().unwrap_or("(no end)");
    let WindowReport { window, reason, from, count, .. } = window;
    let (reason, from, to) = (Clean(reason), Clean(from), Clean(to));
    match count {
        Lost::Known(events) => {
            writeln!(out, "loss {window}: {reason}, {from} to {to}, events lost: {events}")
        }
        Lost::Unknown => writeln!(out, "loss {window}: {reason}, {from} to {to}, events lost: unknown"),
    }
}

fn more<T>(out: &mut String, listed: &Listed<T>, what: &str) -> fmt::Result {
    let more = listed.count - listed.list.len() as u64;
    if more > 0 { writeln!(out, "  and {more} more {what}") } else { Ok(()) }
}

/// Text that cannot drive a terminal.
struct Clean<'a>(&'a str);

impl Display for Clean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut clean = String::with_capacity(self.0.len());
        push_clean(&mut clean, self.0);
        f.write_str(&clean)
    }
}
