//! A disk in memory that loses what was not synced, tears writes and fails when it is told to. A seed replays all of it.
//!
//! Every file has what programs see and what is durable, and the changes in between. A sync that fails drops these: some of
//! them are durable, programs go on seeing all of them, and later syncs succeed. A crash keeps some of them, torn at any byte,
//! and the first few of the changes to the directory.

mod file;
mod random;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

pub(crate) use file::SimFile;
pub(crate) use random::Random;

use super::Disk;
use file::Inode;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// ENOSPC: no file can be made, and only a part of a write is done.
    NoSpace,
    /// EIO: everything fails.
    Io,
}

/// A handle to a disk; all clones are one disk.
#[derive(Clone)]
pub(crate) struct SimDisk(Arc<Mutex<State>>);

struct State {
    random: Random,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    /// Since the last sync of the directory.
    changes: Vec<Change>,
    inodes: BTreeMap<u64, Inode>,
    identity: u64,
    /// Crashes so far: handles from before one are stale.
    crashes: u64,
    operations: u64,
    fault: Option<Fault>,
    /// Operations from which on and up to which it fails.
    faulty: std::ops::Range<u64>,
    capacity_bytes: u64,
}

#[derive(Clone)]
enum Change {
    Link(String, u64),
    Rename(String, String),
    Unlink(String),
}

impl Change {
    fn apply(self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Link(name, inode) => drop(names.insert(name, inode)),
            Self::Rename(from, to) => {
                if let Some(inode) = names.remove(&from) {
                    names.insert(to, inode);
                }
            }
            Self::Unlink(name) => drop(names.remove(&name)),
        }
    }
}

impl State {
    /// Counts an operation; the error where it is one that fails.
    fn operate(&mut self, takes_space: bool) -> io::Result<()> {
        let now = self.operations;
        self.operations += 1;
        match self.fault {
            Some(Fault::Io) if self.faulty.contains(&now) => Err(io::Error::from_raw_os_error(libc::EIO)),
            Some(Fault::NoSpace) if takes_space && self.faulty.contains(&now) => Err(no_space()),
            _ => Ok(()),
        }
    }

    fn used_bytes(&self) -> u64 {
        self.names.values().map(|inode| self.inodes[inode].seen.len() as u64).sum()
    }

    fn inode(&self, name: &str) -> io::Result<u64> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn change(&mut self, change: Change) {
        change.clone().apply(&mut self.names);
        self.changes.push(change);
    }
}

fn no_space() -> io::Error {
    io::Error::from_raw_os_error(libc::ENOSPC)
}

impl SimDisk {
    /// An empty one. The seed decides how much of a failed write or sync is done.
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            random: Random::new(seed),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            changes: Vec::new(),
            inodes: BTreeMap::new(),
            identity: 4711,
            crashes: 0,
            operations: 0,
            fault: None,
            faulty: 0..0,
            capacity_bytes: u64::MAX,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// The machine stops and starts: what was not synced is kept in part. Faults are over.
    pub(crate) fn crash(&self, random: &mut Random) {
        let state = &mut *self.state();
        for inode in state.inodes.values_mut() {
            inode.crash(random);
        }
        let kept = random.below(state.changes.len() as u64 + 1) as usize;
        for change in state.changes.drain(..).take(kept) {
            change.apply(&mut state.durable_names);
        }
        state.names = state.durable_names.clone();
        state.crashes += 1;
        state.fault = None;
    }

    /// After so many more operations, this many fail.
    pub(crate) fn fail(&self, fault: Fault, after: u64, operations: u64) {
        let mut state = self.state();
        let first = state.operations.saturating_add(after);
        state.fault = Some(fault);
        state.faulty = first..first.saturating_add(operations);
    }

    /// No more of that.
    pub(crate) fn heal(&self) {
        self.state().fault = None;
    }

    /// Bytes that fit on it.
    pub(crate) fn set_capacity(&self, bytes: u64) {
        self.state().capacity_bytes = bytes;
    }

    /// Another directory with the same files, as a base backup makes one.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new(1);
        copy.state().identity = self.state().identity + 1;
        for name in self.names() {
            copy.put(&name, &self.content(&name));
        }
        copy
    }

    /// Operations so far.
    pub(crate) fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Names of all files, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }

    /// What programs see of a file.
    pub(crate) fn content(&self, name: &str) -> Vec<u8> {
        let state = self.state();
        state.inodes[&state.names[name]].seen.clone()
    }

    /// Makes or replaces a file, durably.
    pub(crate) fn put(&self, name: &str, content: &[u8]) {
        let mut state = self.state();
        let inode = state.inodes.len() as u64;
        state.inodes.insert(inode, Inode::durable(content));
        state.names.insert(name.to_owned(), inode);
        state.durable_names.insert(name.to_owned(), inode);
    }

    /// Removes a file, durably.
    pub(crate) fn take_away(&self, name: &str) {
        let mut state = self.state();
        state.names.remove(name);
        state.durable_names.remove(name);
    }
}

impl Disk for SimDisk {
    type File = SimFile;

    fn list(&self) -> io::Result<Vec<String>> {
        self.state().operate(false)?;
        Ok(self.names())
    }

    fn create(&self, name: &str) -> io::Result<SimFile> {
        let mut state = self.state();
        state.operate(true)?;
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = state.inodes.len() as u64;
        state.inodes.insert(inode, Inode::default());
        state.change(Change::Link(name.to_owned(), inode));
        Ok(SimFile { disk: self.clone(), inode, crashes: state.crashes })
    }

    fn open(&self, name: &str) -> io::Result<SimFile> {
        let mut state = self.state();
        state.operate(false)?;
        Ok(SimFile { disk: self.clone(), inode: state.inode(name)?, crashes: state.crashes })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.operate(false)?;
        state.inode(from)?;
        state.change(Change::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.operate(false)?;
        state.inode(name)?;
        state.change(Change::Unlink(name.to_owned()));
        Ok(())
    }

    fn sync_directory(&self) -> io::Result<()> {
        let mut state = self.state();
        state.operate(false)?;
        state.changes.clear();
        state.durable_names = state.names.clone();
        Ok(())
    }

    fn identity(&self) -> io::Result<u64> {
        let mut state = self.state();
        state.operate(false)?;
        Ok(state.identity)
    }
}
