//! Which files are there, and whose they are.

use std::collections::BTreeSet;

use super::Segment;
use super::disk::{Disk, DiskFile, read_full};
use super::error::{Operation, SpoolError};
use super::format::{
    CHECKPOINT_NAME, Header, LOCK_NAME, MAX_HEADER_BYTES, Stamp, parse_segment_name, segment_name,
};
use super::frames::Frames;
use super::limits::{MAX_DIRECTORY_FILES, MAX_ORDINAL, MAX_SEGMENTS, MAX_SET_ASIDE_NAMES};
use super::recovered::{Recovered, tell};

/// Looks at every file once, and sets aside what is not to be delivered.
pub(super) struct Survey<'a, D: Disk> {
    disk: &'a D,
    stamp: &'a Stamp,
    names: BTreeSet<String>,
    recovered: &'a mut Recovered,
    /// Ours, by ordinal.
    pub(super) segments: Vec<Segment>,
    /// The greatest ordinal in the name of a segment that stays where it is and is not ours.
    pub(super) taken: u64,
}

impl<'a, D: Disk> Survey<'a, D> {
    pub(super) fn of(
        disk: &'a D,
        stamp: &'a Stamp,
        recovered: &'a mut Recovered,
    ) -> Result<Self, SpoolError> {
        let names = disk.list().map_err(SpoolError::disk(Operation::Directory, "."))?;
        SpoolError::within(
            "the number of files of the spool",
            names.len() as u64,
            MAX_DIRECTORY_FILES as u64,
        )?;
        let names: BTreeSet<_> = names.into_iter().collect();
        let mut survey = Self { disk, stamp, names, recovered, segments: Vec::new(), taken: 0 };
        // Names have a fixed width: this is the order of the ordinals.
        for name in survey.names.clone() {
            match parse_segment_name(&name) {
                Some(first) => survey.look(first)?,
                None if name == CHECKPOINT_NAME || name == LOCK_NAME => {}
                None => tell(&mut survey.recovered.foreign_files, name),
            }
        }
        SpoolError::within("the number of segments", survey.segments.len() as u64, MAX_SEGMENTS as u64)?;
        Ok(survey)
    }

    fn look(&mut self, first: u64) -> Result<(), SpoolError> {
        let name = segment_name(first);
        let file = self.disk.open(&name).map_err(SpoolError::disk(Operation::Open, &name))?;
        let failed = || SpoolError::disk(Operation::Read, &name);
        let size = file.len().map_err(failed())?;
        let mut start = [0; MAX_HEADER_BYTES];
        let read = read_full(&file, 0, &mut start).map_err(failed())?;
        match Header::decode(start.get(..read).unwrap_or_default()) {
            Header::Whole { first_ordinal, stamp, bytes } if first_ordinal == first => {
                let start = bytes as u64;
                if stamp == *self.stamp {
                    self.segments.push(Segment { first, start, end: size, size });
                    Ok(())
                } else {
                    self.note_epochs(&file, &stamp, start, size);
                    self.recovered.foreign_owners.segments += 1;
                    self.set_aside(&name, "foreign").map(|_| ())
                }
            }
            Header::Version(_) => self.look_without_header(&file, first, size, true),
            Header::Whole { .. } | Header::Damaged => self.look_without_header(&file, first, size, false),
        }
    }

    /// Its frames say whose it is. Those of another version would have another magic number.
    fn look_without_header(
        &mut self,
        file: &D::File,
        first: u64,
        size: u64,
        names_version: bool,
    ) -> Result<(), SpoolError> {
        let name = segment_name(first);
        let ours = all_frames(file, self.stamp, 0, size).next();
        if ours.map_err(SpoolError::disk(Operation::Read, &name))?.is_some() {
            tell(&mut self.recovered.damaged_headers, name);
            self.segments.push(Segment { first, start: 0, end: size, size });
        } else if names_version {
            self.taken = self.taken.max(first);
            tell(&mut self.recovered.unknown_versions, name);
        } else if size <= MAX_HEADER_BYTES as u64 {
            self.disk.remove(&name).map_err(SpoolError::disk(Operation::Remove, &name))?;
            tell(&mut self.recovered.removed, name);
        } else {
            let new_name = self.set_aside(&name, "damaged")?;
            tell(&mut self.recovered.set_aside_damaged, new_name);
        }
        Ok(())
    }

    /// Tells the epochs of what another owner has left, as far as its frames are whole.
    fn note_epochs(&mut self, file: &D::File, stamp: &Stamp, start: u64, size: u64) {
        let mut frames = all_frames(file, stamp, start, size);
        let epochs = &mut self.recovered.foreign_owners.epochs;
        // A read that fails ends this: the segment is set aside all the same.
        while let Ok(Some(frame)) = frames.next() {
            if !epochs.contains(&frame.header.meta.epoch) {
                tell(epochs, frame.header.meta.epoch);
            }
        }
    }

    /// Gives a file a name that no segment has, and that no other file has. The new name.
    fn set_aside(&mut self, name: &str, why: &str) -> Result<String, SpoolError> {
        let plain = std::iter::once(format!("{name}.{why}"));
        let new_name = plain
            .chain((2..=MAX_SET_ASIDE_NAMES).map(|number| format!("{name}.{why}-{number}")))
            .find(|candidate| !self.names.contains(candidate))
            .ok_or(SpoolError::TooLarge {
                what: "the number of files set aside under one name",
                size: u64::from(MAX_SET_ASIDE_NAMES) + 1,
                max: u64::from(MAX_SET_ASIDE_NAMES),
            })?;
        self.disk.rename(name, &new_name).map_err(SpoolError::disk(Operation::Rename, name))?;
        self.names.insert(new_name.clone());
        Ok(new_name)
    }
}

fn all_frames<'a, F>(file: &'a F, stamp: &Stamp, at: u64, end: u64) -> Frames<'a, F> {
    Frames { file, tag: stamp.tag(), at, end, least: 0, limit: MAX_ORDINAL + 1 }
}
