//! The file operations of the state file.
//!
//! ```text
//!   state.json           the state
//!   state.json.new       the next one, while it is written
//!   state.json.damaged   the last one that could not be used
//!   state.json.foreign   the last one that was another server's
//! ```
//!
//! A write makes a new file (mode 0600), syncs it, renames it over the old one and syncs the directory: after a crash there is
//! the old state or the new one, whole. The calls block and are for a thread that may.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::limits::MAX_STATE_BYTES;
use super::state::{Owner, State};

const STATE: &str = "state.json";
const NEW: &str = "state.json.new";
const DAMAGED: &str = "state.json.damaged";
const FOREIGN: &str = "state.json.foreign";

/// Only the server's own user.
const DIRECTORY_MODE: u32 = 0o700;
/// See [`DIRECTORY_MODE`].
const FILE_MODE: u32 = 0o600;

/// What failed, and at which file.
#[derive(Debug)]
pub struct StoreError {
    doing: &'static str,
    path: PathBuf,
    error: io::Error,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {} \"{}\": {}", self.doing, self.path.display(), self.error)
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The state, if there is one that can be used.
    pub state: Option<State>,
    /// One line for an operator where there is one that cannot: what it held is not known, so how the server stopped is not, either.
    pub problem: Option<String>,
    /// One line for an operator where there is one of another server: this one has none then.
    pub foreign: Option<String>,
}

/// The state file in its directory.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    /// Writes that were begun.
    begun: u64,
    /// The latest that succeeded. Held while one is under way.
    written: Arc<Mutex<u64>>,
}

/// A write for a thread that may block.
#[derive(Debug)]
pub struct PendingWrite {
    directory: PathBuf,
    bytes: Vec<u8>,
    number: u64,
    written: Arc<Mutex<u64>>,
}

impl Store {
    /// The state file in that directory, which is made by the first write where it is missing.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, begun: 0, written: Arc::default() }
    }

    /// Who the server of that instance id is in this directory, which is made where it is missing.
    #[must_use]
    pub fn owner(&self, instance_id: &str) -> Owner {
        let there = make(&self.directory).and_then(|()| fs::metadata(&self.directory));
        // One that cannot be had is told by the first write.
        let directory = there.map_or(0, |metadata| metadata.ino());
        Owner { instance_id: instance_id.to_owned(), directory }
    }

    /// Reads the state of that owner. What cannot be used is set aside and told: a server starts whatever it finds there.
    #[must_use]
    pub fn load(&self, owner: &Owner) -> Loaded {
        let path = self.directory.join(STATE);
        let what = match read(&path) {
            Ok(None) => return Loaded::default(),
            Ok(Some(bytes)) => match State::from_bytes(&bytes) {
                Ok(state) if state.marker.owner != *owner => return self.set_aside_foreign(&path),
                Ok(state) => return Loaded { state: Some(state), ..Loaded::default() },
                Err(damaged) => damaged.to_string(),
            },
            Err(error) => error.to_string(),
        };
        let problem = match fs::rename(&path, self.directory.join(DAMAGED)) {
            Ok(()) => format!("the state file \"{}\" is set aside as {DAMAGED}: {what}", path.display()),
            Err(error) => {
                format!(
                    "the state file \"{}\" cannot be used: {what}; nor set aside: {error}",
                    path.display()
                )
            }
        };
        Loaded { problem: Some(problem), ..Loaded::default() }
    }

    fn set_aside_foreign(&self, path: &Path) -> Loaded {
        let what = "it was written by another server, or in another directory (a copy?)";
        let foreign = match fs::rename(path, self.directory.join(FOREIGN)) {
            Ok(()) => format!("the state file \"{}\" is set aside as {FOREIGN}: {what}", path.display()),
            Err(error) => {
                format!("the state file \"{}\" is not used: {what}; nor set aside: {error}", path.display())
            }
        };
        Loaded { foreign: Some(foreign), ..Loaded::default() }
    }

    /// Takes over what is to be written. One that is run after a later one has succeeded writes nothing.
    #[must_use]
    pub fn write(&mut self, bytes: Vec<u8>) -> PendingWrite {
        self.begun += 1;
        PendingWrite {
            directory: self.directory.clone(),
            bytes,
            number: self.begun,
            written: Arc::clone(&self.written),
        }
    }
}

impl PendingWrite {
    /// Writes.
    ///
    /// # Errors
    /// Where a step failed. The state before is still there then, or the new one is and might not outlive a power failure.
    pub fn run(self) -> Result<(), StoreError> {
        // A number is whole, whatever became of the thread that set it.
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if self.number < *written {
            return Ok(());
        }
        replace(&self.directory, &self.bytes)?;
        *written = self.number;
        Ok(())
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |error| StoreError { doing, path, error }
}

fn make(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory)
}

fn replace(directory: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let (path, new) = (directory.join(STATE), directory.join(NEW));
    make(directory).map_err(failed("create directory", directory))?;
    // What an interrupted write left behind, with a mode and an owner that are not known.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("remove", &new)(error)),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(&new)
        .map_err(failed("create", &new))?;
    file.write_all(bytes).map_err(failed("write", &new))?;
    file.sync_all().map_err(failed("sync", &new))?;
    drop(file);
    fs::rename(&new, &path).map_err(failed("rename to the state file", &new))?;
    let directory_file = File::open(directory).map_err(failed("open directory", directory))?;
    directory_file.sync_all().map_err(failed("sync directory", directory))
}

/// None where there is no such file.
fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("look at", path)(error)),
        // Opening a pipe would wait for a writer.
        Ok(found) if !found.is_file() => {
            return Err(failed("read", path)(io::Error::other("it is not a regular file")));
        }
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    // One more than is allowed tells that it is too large.
    let limit = u64::try_from(MAX_STATE_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let file = File::open(path).map_err(failed("open", path))?;
    file.take(limit).read_to_end(&mut bytes).map_err(failed("read", path))?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests;
