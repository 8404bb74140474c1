//! The spool's directory in the real file system.
//!
//! It and its files are for their owner alone. Whoever has it open holds a lock on the file `lock` in it, which the system
//! releases with the process, however that ends. (With the last one, if it forks without exec: the worker that opens it does
//! not.)

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::disk::{Disk, DiskFile};
use super::error::{Operation, SpoolError};
use super::format::LOCK_NAME;
use super::limits::MAX_DIRECTORY_FILES;

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// A directory that this process alone uses.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    inode: u64,
    /// Locked as long as it is open.
    _lock: File,
}

impl Directory {
    /// Takes a directory, and makes it where it is missing; its parent has to be there. What others may read is closed to
    /// them.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Locked`] where another process has it, [`SpoolError::Unfit`] where it is no directory or not ours,
    /// [`SpoolError::Disk`] for the rest.
    pub fn open(path: &Path) -> Result<Self, SpoolError> {
        let directory = path.display().to_string();
        let failed = || SpoolError::disk(Operation::Directory, &directory);
        match DirBuilder::new().mode(DIRECTORY_MODE).create(path) {
            Ok(()) => sync_directory(path.parent().unwrap_or(path)).map_err(failed())?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed()(error)),
        }
        // The working directory may change, the directory must not.
        let path = fs::canonicalize(path).map_err(failed())?;
        let metadata = fs::metadata(&path).map_err(failed())?;
        if !metadata.is_dir() {
            return Err(SpoolError::Unfit { directory, why: "it is not a directory".to_owned() });
        }
        // The system lets nobody but the owner do that, so this is the check for the owner, too.
        if let Err(error) = fs::set_permissions(&path, Permissions::from_mode(DIRECTORY_MODE)) {
            let why = format!("its permissions cannot be set, so it belongs to another user: {error}");
            return Err(SpoolError::Unfit { directory, why });
        }
        let lock = options().create(true).open(path.join(LOCK_NAME)).map_err(failed())?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { inode: metadata.ino(), path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(SpoolError::Locked { directory }),
            Err(TryLockError::Error(error)) => Err(failed()(error)),
        }
    }

    fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// To read and write, for the owner alone, not through a symbolic link. The standard library adds `O_CLOEXEC`.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(FILE_MODE).custom_flags(libc::O_NOFOLLOW);
    options
}

fn sync_directory(path: &Path) -> io::Result<()> {
    // The parent of a relative path of one part is empty.
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)?.sync_all()
}

impl Disk for Directory {
    type File = File;

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        // One more than is allowed: enough to be refused.
        for entry in fs::read_dir(&self.path)?.take(MAX_DIRECTORY_FILES + 1) {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                // A name that is not UTF-8 is nobody's here, and is only told.
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<File> {
        options().create_new(true).open(self.join(name))
    }

    fn open(&self, name: &str) -> io::Result<File> {
        options().open(self.join(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.join(from), self.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.join(name))
    }

    fn sync_directory(&self) -> io::Result<()> {
        sync_directory(&self.path)
    }

    fn identity(&self) -> io::Result<u64> {
        Ok(self.inode)
    }
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(self, out, at)
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}
