//! Files of the simulated disk.

use std::io;

use super::{Random, SimDisk, State, no_space};
use crate::spool::DiskFile;

/// A change that is not durable.
enum Change {
    Bytes { at: usize, bytes: Vec<u8> },
    Len(usize),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Bytes { at, bytes } => {
                let end = at + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*at..end].copy_from_slice(bytes);
            }
            Self::Len(len) => content.resize(*len, 0),
        }
    }

    /// As far as the disk came.
    fn torn(self, random: &mut Random) -> Self {
        match self {
            Self::Bytes { at, mut bytes } => {
                bytes.truncate(random.below(bytes.len() as u64 + 1) as usize);
                Self::Bytes { at, bytes }
            }
            cut => cut,
        }
    }
}

/// A file without its name.
#[derive(Default)]
pub(super) struct Inode {
    pub(super) seen: Vec<u8>,
    durable: Vec<u8>,
    changes: Vec<Change>,
}

impl Inode {
    pub(super) fn durable(content: &[u8]) -> Self {
        Self { seen: content.to_vec(), durable: content.to_vec(), changes: Vec::new() }
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        self.changes.push(change);
    }

    fn sync(&mut self) {
        for change in self.changes.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// Of the changes any may be durable, in whole or in part, whatever came before them; the others never will be.
    pub(super) fn drop_changes(&mut self, random: &mut Random) {
        for change in self.changes.drain(..) {
            match random.below(3) {
                0 => {}
                1 => change.apply(&mut self.durable),
                _ => change.torn(random).apply(&mut self.durable),
            }
        }
    }

    pub(super) fn crash(&mut self, random: &mut Random) {
        self.drop_changes(random);
        self.seen.clone_from(&self.durable);
    }
}

/// A file of the simulated disk, open until the next crash.
pub(crate) struct SimFile {
    pub(super) disk: SimDisk,
    pub(super) inode: u64,
    pub(super) crashes: u64,
}

impl SimFile {
    /// Does something with the file as one operation of the disk.
    fn with<T>(&self, run: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.disk.state();
        assert_eq!(state.crashes, self.crashes, "a file that was opened before the crash is used");
        run(&mut state)
    }
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        self.with(|state| {
            state.operate(false)?;
            Ok(state.inodes[&self.inode].seen.len() as u64)
        })
    }

    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        self.with(|state| {
            state.operate(false)?;
            let seen = &state.inodes[&self.inode].seen;
            let from = seen.get(at as usize..).unwrap_or_default();
            let count = from.len().min(out.len());
            out[..count].copy_from_slice(&from[..count]);
            Ok(count)
        })
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.with(|state| {
            let failed = state.operate(true);
            let at = at as usize;
            let grows = (at + bytes.len()).saturating_sub(state.inodes[&self.inode].seen.len()) as u64;
            let room = state.capacity_bytes.saturating_sub(state.used_bytes());
            let failed = failed.and(if grows > room { Err(no_space()) } else { Ok(()) });
            let mut part = bytes.to_vec();
            if failed.is_err() {
                let most = (bytes.len() as u64).saturating_sub(grows.saturating_sub(room));
                part.truncate(state.random.below(most + 1) as usize);
            }
            state.inodes.get_mut(&self.inode).unwrap().change(Change::Bytes { at, bytes: part });
            failed
        })
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.with(|state| {
            state.operate(false)?;
            state.inodes.get_mut(&self.inode).unwrap().change(Change::Len(len as usize));
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.with(|state| {
            let failed = state.operate(false);
            let inode = state.inodes.get_mut(&self.inode).unwrap();
            match failed {
                Ok(()) => inode.sync(),
                Err(_) => inode.drop_changes(&mut state.random),
            }
            failed
        })
    }
}
