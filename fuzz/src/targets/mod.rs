//! The targets, one file each.

mod envelope;
mod esdk;
mod event;
mod gzip;
mod redact;
mod ring;
mod ring_memory;
mod spool;
mod state;
mod statement;

/// A decoder and what must hold for any bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and that of its corpus.
    pub name: &'static str,
    /// Panics where a property does not hold for these bytes.
    pub check: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 9] = [
    Target { name: "envelope", check: envelope::check },
    Target { name: "esdk", check: esdk::check },
    Target { name: "event", check: event::check },
    Target { name: "gzip", check: gzip::check },
    Target { name: "redact", check: redact::check },
    Target { name: "ring", check: ring::check },
    Target { name: "spool", check: spool::check },
    Target { name: "state", check: state::check },
    Target { name: "statement", check: statement::check },
];

/// The target of that name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}
