//! A directory in memory, in which nothing fails and everything can have been changed.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use activity_deliver::spool::{Disk, DiskFile};

type Content = Arc<Mutex<Vec<u8>>>;

/// A directory; all clones are one.
#[derive(Clone, Default)]
pub(crate) struct MemoryDisk(Arc<Mutex<BTreeMap<String, Content>>>);

/// An open file of it.
pub(crate) struct MemoryFile(Content);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryDisk {
    /// Makes or replaces a file.
    pub(crate) fn put(&self, name: &str, content: Vec<u8>) {
        lock(&self.0).insert(name.to_owned(), Arc::new(Mutex::new(content)));
    }

    /// What is in a file.
    pub(crate) fn content(&self, name: &str) -> Vec<u8> {
        lock(&self.0).get(name).map(|content| lock(content).clone()).unwrap_or_default()
    }

    /// Names of all files, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        lock(&self.0).keys().cloned().collect()
    }

    fn get(&self, name: &str) -> io::Result<Content> {
        lock(&self.0).get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for MemoryDisk {
    type File = MemoryFile;

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.names())
    }

    fn create(&self, name: &str) -> io::Result<MemoryFile> {
        if lock(&self.0).contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.put(name, Vec::new());
        self.open(name)
    }

    fn open(&self, name: &str) -> io::Result<MemoryFile> {
        self.get(name).map(MemoryFile)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let content = self.get(from)?;
        let mut files = lock(&self.0);
        files.remove(from);
        files.insert(to.to_owned(), content);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        lock(&self.0).remove(name).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    fn identity(&self) -> io::Result<u64> {
        Ok(4711)
    }
}

impl DiskFile for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(lock(&self.0).len() as u64)
    }

    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        let content = lock(&self.0);
        let from = content.get(usize::try_from(at).unwrap_or(usize::MAX)..).unwrap_or_default();
        let count = from.len().min(out.len());
        out[..count].copy_from_slice(&from[..count]);
        Ok(count)
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let at = usize::try_from(at).map_err(io::Error::other)?;
        let mut content = lock(&self.0);
        let end = at + bytes.len();
        if content.len() < end {
            content.resize(end, 0);
        }
        content[at..end].copy_from_slice(bytes);
        Ok(())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        lock(&self.0).resize(usize::try_from(len).map_err(io::Error::other)?, 0);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}
