//! What the spool needs of a file system: one flat directory. [`Directory`](super::Directory) is the real one.

use std::io;

/// A directory of regular files.
pub trait Disk: Send + 'static {
    /// One open file.
    type File: DiskFile;

    /// Names of the regular files, in any order; symbolic links and directories are not among them.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes a new file, for its owner alone; fails with [`io::ErrorKind::AlreadyExists`] where the name is taken.
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// Opens a file to read and write. Follows no symbolic link.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Renames a file. What had the new name before is gone.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Returns when all that was created, renamed and removed before is durable.
    fn sync_directory(&self) -> io::Result<()>;

    /// What tells this directory from a copy of it: its inode number.
    fn identity(&self) -> io::Result<u64>;
}

/// An open file. Offsets and lengths are in bytes.
pub trait DiskFile: Send {
    /// Its length.
    fn len(&self) -> io::Result<u64>;

    /// Whether it holds nothing.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads from `at` on; how many bytes, 0 at the end of the file.
    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `bytes`. Where it fails, any part may have been written.
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts it, or fills it up with zeroes.
    fn truncate(&mut self, len: u64) -> io::Result<()>;

    /// Returns when content and length are durable. After a failure nothing is known of what was written since the last
    /// success, and a later success proves nothing of it: the system may have dropped the pages.
    fn sync(&mut self) -> io::Result<()>;
}

/// Reads until `out` is full or the file ends; how many bytes.
pub(super) fn read_full(file: &impl DiskFile, at: u64, out: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = out.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(at + done as u64, rest) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
