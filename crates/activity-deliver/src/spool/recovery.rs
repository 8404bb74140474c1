//! What is left after whatever happened.
//!
//! The order: the checkpoint, whose files are there, the headers of all frames, the last segment in full. Only then is
//! anything cut or removed.

use super::audit::Audit;
use super::checkpoint::Checkpoint;
use super::disk::{Disk, DiskFile};
use super::error::{Operation, SpoolError};
use super::format::{FrameHeader, Stamp, segment_name};
use super::frames::{Frames, read_body};
use super::limits::MAX_ORDINAL;
use super::read::Cursor;
use super::recovered::{Recovered, tell};
use super::survey::Survey;
use super::{CheckpointState, Limits, Owner, Segment, Spool};

impl<D: Disk> Spool<D> {
    /// Opens the spool in a directory, and tells what was found there.
    ///
    /// # Errors
    ///
    /// [`SpoolError::TooLarge`] for an instance id that does not fit, or a directory with too many files.
    /// [`SpoolError::Disk`] where the disk does not say what is there; a disk that cannot be written to is no reason. All of
    /// it can be called again.
    pub fn open(disk: D, owner: &Owner, limits: Limits) -> Result<(Self, Recovered), SpoolError> {
        let identity = disk.identity().map_err(SpoolError::disk(Operation::Directory, "."))?;
        let stamp = Stamp::new(owner, identity)?;
        let mut recovered = Recovered::default();
        let (mut checkpoint, state) = Checkpoint::load(&disk, &stamp)?;
        let Survey { mut segments, taken, .. } = Survey::of(&disk, &stamp, &mut recovered)?;
        recovered.checkpoint = state;
        recovered.released = released(&checkpoint, state, segments.first());
        if let Err(error) = checkpoint.ensure(&disk, &stamp) {
            tell(&mut recovered.trouble, error);
        }
        let Examined { behind, is_gapless } = examine(&disk, &stamp, &mut segments, &mut recovered)?;
        let next = behind.max(recovered.released + 1).max(taken + 1);
        let tail = cut(&disk, &mut segments, &mut recovered);
        let mut spool = Self {
            cursor: Cursor::new(recovered.released),
            released: recovered.released,
            // Frames of a segment are consecutive: where ordinals go on elsewhere, so does the spool. And what is found in a
            // damaged one depends on where it ends, so that stays where it is.
            tail: tail.filter(|_| behind == next && is_gapless),
            segments: segments.into(),
            disk,
            stamp,
            limits,
            next,
            checkpoint,
        };
        if let Err(error) = spool.remove_released() {
            tell(&mut recovered.trouble, error);
        }
        recovered.bytes = spool.bytes();
        Ok((spool, recovered))
    }
}

/// What is known of the last segment when all have been looked at.
struct Examined {
    /// The ordinal behind the last record; 1 without any.
    behind: u64,
    /// It is whole frames from its header to where it is cut.
    is_gapless: bool,
}

/// What counts as released.
fn released<F: DiskFile>(checkpoint: &Checkpoint<F>, state: CheckpointState, first: Option<&Segment>) -> u64 {
    match (state, first) {
        (CheckpointState::Whole, _) | (_, None) => checkpoint.known(),
        // The one that is lost may have covered segments that were removed: those are not missing.
        (_, Some(first)) => checkpoint.known().max(first.first - 1),
    }
}

/// Goes along all frames, and sets the end of the last segment.
fn examine<D: Disk>(
    disk: &D,
    stamp: &Stamp,
    segments: &mut [Segment],
    recovered: &mut Recovered,
) -> Result<Examined, SpoolError> {
    let mut trouble = Vec::new();
    let mut audit = Audit::new(recovered);
    let limits: Vec<_> = segments.iter().skip(1).map(|later| later.first).collect();
    let Some((last, earlier)) = segments.split_last_mut() else {
        return Ok(Examined { behind: 1, is_gapless: true });
    };
    for (segment, limit) in earlier.iter().zip(limits) {
        // A segment of which even the last frame is released is not looked at.
        if limit <= audit.expected() {
            continue;
        }
        if let Err(error) = walk(disk, stamp, segment, limit, &mut audit) {
            // Reading comes to it again, and says what cannot be had.
            tell(&mut trouble, error);
        }
    }
    let examined = examine_last(disk, stamp, last, &mut audit)?;
    audit.missing_until(examined.behind, None);
    recovered.torn_bytes = last.size - last.end;
    recovered.trouble.append(&mut trouble);
    Ok(examined)
}

fn frames<'a, F>(file: &'a F, stamp: &Stamp, segment: &Segment, limit: u64) -> Frames<'a, F> {
    Frames { file, tag: stamp.tag(), at: segment.start, end: segment.end, least: 0, limit }
}

/// Along the headers of a segment that others follow.
fn walk<D: Disk>(
    disk: &D,
    stamp: &Stamp,
    segment: &Segment,
    limit: u64,
    audit: &mut Audit<'_>,
) -> Result<(), SpoolError> {
    let name = segment_name(segment.first);
    let file = disk.open(&name).map_err(SpoolError::disk(Operation::Open, &name))?;
    let mut frames = frames(&file, stamp, segment, limit);
    while let Some(frame) = frames.next().map_err(SpoolError::disk(Operation::Read, &name))? {
        audit.frame(&frame.header, false);
    }
    Ok(())
}

/// Through the last segment in full: its end is set behind the last whole frame.
fn examine_last<D: Disk>(
    disk: &D,
    stamp: &Stamp,
    segment: &mut Segment,
    audit: &mut Audit<'_>,
) -> Result<Examined, SpoolError> {
    let name = segment_name(segment.first);
    let failed = || SpoolError::disk(Operation::Read, &name);
    let file = disk.open(&name).map_err(SpoolError::disk(Operation::Open, &name))?;
    let mut frames = frames(&file, stamp, segment, MAX_ORDINAL + 1);
    let (mut end, mut behind, mut is_gapless) = (segment.start, segment.first, true);
    // Frames behind the last whole one. Damage, if another whole one comes; the torn tail otherwise.
    let mut doubtful: Vec<FrameHeader> = Vec::new();
    while let Some(frame) = frames.next().map_err(failed())? {
        let body = read_body(&file, &frame).map_err(failed())?;
        if frame.header.decode_body(body).is_none() {
            doubtful.push(frame.header);
            frames.at = frame.inside();
            continue;
        }
        for header in doubtful.drain(..) {
            audit.frame(&header, true);
        }
        audit.frame(&frame.header, false);
        is_gapless &= frame.at == end;
        // The ordinal in its name was given, too: behind it nothing new is hidden by a file that somebody renamed.
        (end, behind) = (frame.end(), frame.header.ordinal.max(segment.first) + 1);
    }
    segment.end = end;
    Ok(Examined { behind, is_gapless })
}

/// Cuts the last segment behind its last whole frame and makes it durable. It is the tail where that worked.
fn cut<D: Disk>(disk: &D, segments: &mut [Segment], recovered: &mut Recovered) -> Option<D::File> {
    let last = segments.last_mut()?;
    let name = segment_name(last.first);
    let mut cut = || {
        let mut file = disk.open(&name).map_err(SpoolError::disk(Operation::Open, &name))?;
        if last.end < last.size {
            file.truncate(last.end).map_err(SpoolError::disk(Operation::Truncate, &name))?;
            last.size = last.end;
        }
        file.sync().map_err(SpoolError::disk(Operation::Sync, &name))?;
        // Its name, too: the server may have died before that was done.
        disk.sync_directory().map_err(SpoolError::disk(Operation::Sync, "."))?;
        Ok(file)
    };
    match cut() {
        // Without a whole header nothing is appended to it.
        Ok(file) => (last.start > 0).then_some(file),
        Err(error) => {
            recovered.unsynced = Some(error);
            None
        }
    }
}
