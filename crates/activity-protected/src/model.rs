//! A host of the tests' own.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::path::{Entry, Files, Kind};

/// The user that the server runs as.
pub(crate) const SERVER: u32 = 105;

/// What is where; `/` is there.
pub(crate) struct Model(BTreeMap<PathBuf, (Entry, String)>);

impl Model {
    pub(crate) fn new() -> Self {
        let mut model = Self(BTreeMap::new());
        model.directory("/", 0, 0o755);
        model
    }

    pub(crate) fn put(&mut self, path: &str, kind: Kind, user: u32, mode: u32) -> &mut Self {
        self.0.insert(path.into(), (Entry { kind, user, mode }, String::new()));
        self
    }

    pub(crate) fn directory(&mut self, path: &str, user: u32, mode: u32) -> &mut Self {
        self.put(path, Kind::Directory, user, mode)
    }

    pub(crate) fn file(&mut self, path: &str, user: u32, text: &str) -> &mut Self {
        self.0.insert(path.into(), (Entry { kind: Kind::File, user, mode: 0o644 }, text.to_owned()));
        self
    }
}

impl Files for Model {
    fn look(&self, path: &Path) -> io::Result<Entry> {
        self.0.get(path).map(|(entry, _)| entry.clone()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn read(&self, path: &Path, _limit: u64) -> io::Result<Vec<u8>> {
        self.0
            .get(path)
            .map(|(_, text)| text.clone().into_bytes())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let inside = self.0.keys().filter(|path| path.parent() == Some(directory));
        Ok(inside.filter_map(|path| path.file_name().map(PathBuf::from)).collect())
    }
}
