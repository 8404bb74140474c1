//! The spool as the machine knows it: what it asks for, done on whatever disk, and told in its terms.

use crate::machine::{AppendFailure, Loaded, LostOrdinals, Opened};
use crate::ports::OutRecord;
use crate::spool::{
    CheckpointState, Disk, Limits, LossReason, LostRange, Meta, Owner, Recovered, Spool, SpoolError,
};

/// Opens the spool that is on that disk.
pub(crate) fn open<D: Disk>(
    disk: D,
    instance_id: &str,
    max_bytes: u64,
) -> Result<(Spool<D>, Opened), SpoolError> {
    let owner = Owner { instance_id: instance_id.to_owned() };
    let (spool, recovered) = Spool::open(disk, &owner, Limits { max_bytes })?;
    let opened = Opened {
        before_first: recovered.released,
        last: spool.next_ordinal().saturating_sub(1),
        records: recovered.records,
        bytes: recovered.bytes,
        notes: notes(&recovered),
    };
    Ok((spool, opened))
}

/// What an operator should know of what was found.
fn notes(recovered: &Recovered) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |wanted: bool, text: String| {
        if wanted {
            notes.push(text);
        }
    };
    let foreign = &recovered.foreign_owners;
    note(
        foreign.segments > 0,
        format!(
            "{} segments were written by another server or in another directory (a copy?); they are set aside as \
             *.foreign and not delivered",
            foreign.segments
        ),
    );
    note(
        recovered.torn_bytes > 0,
        format!("{} bytes of an append that did not end were cut off", recovered.torn_bytes),
    );
    // In a copy of another server's directory it is that one's; where nothing is kept it says nothing.
    note(
        recovered.checkpoint == CheckpointState::Damaged && foreign.segments == 0 && recovered.records > 0,
        "its checkpoint is damaged: all of it is delivered again".to_owned(),
    );
    for (names, what) in [
        (&recovered.damaged_headers, "the header is damaged; what is in it is delivered"),
        (&recovered.set_aside_damaged, "nothing in it can be read; it is set aside"),
        (&recovered.unknown_versions, "it is of another version, and left alone"),
    ] {
        note(!names.is_empty(), format!("{}: {what}", names.join(", ")));
    }
    for trouble in recovered.trouble.iter().chain(&recovered.unsynced) {
        note(true, trouble.to_string());
    }
    notes
}

/// Keeps the records, with that quota; the last ordinal of the spool.
pub(crate) fn append<D: Disk>(
    spool: &mut Spool<D>,
    records: &[(Meta, OutRecord)],
    max_bytes: u64,
) -> Result<u64, AppendFailure> {
    spool.set_limits(Limits { max_bytes });
    match spool.append(records) {
        Ok(ordinals) => Ok(*ordinals.end()),
        Err(SpoolError::Full { .. }) => Err(AppendFailure::Full),
        Err(error) => Err(AppendFailure::Disk(error.to_string())),
    }
}

/// Reads what follows. What the disk does not give is given up where that is wanted.
pub(crate) fn load<D: Disk>(
    spool: &mut Spool<D>,
    max_records: usize,
    max_bytes: usize,
    skip_unreadable: bool,
) -> Result<Loaded, String> {
    match spool.read(max_records, max_bytes) {
        Ok(read) => Ok(Loaded {
            records: read.records.into_iter().map(|read| (read.ordinal, read.meta, read.record)).collect(),
            lost: read.lost.iter().map(lost).collect(),
        }),
        Err(error) => match if skip_unreadable { spool.skip_unreadable() } else { None } {
            Some(range) => Ok(Loaded { records: Vec::new(), lost: vec![lost(&range)] }),
            None => Err(error.to_string()),
        },
    }
}

fn lost(range: &LostRange) -> LostOrdinals {
    let detail = match range.reason {
        LossReason::Damaged => "they are damaged or missing in the spool",
        LossReason::Unreadable => "the disk does not give them",
    };
    LostOrdinals {
        first: range.first_ordinal,
        last: range.last_ordinal,
        events: range.events,
        epoch: None,
        sequences: None,
        detail: detail.to_owned(),
    }
}

/// Forgets what is delivered. A failure loses nothing: the next release makes up for it, or records are delivered again.
pub(crate) fn release<D: Disk>(spool: &mut Spool<D>, through: u64, at_once: bool) -> Result<(), String> {
    let released = spool.release(through);
    let written = if at_once { spool.checkpoint() } else { Ok(()) };
    released.and(written).map_err(|error| error.to_string())
}
