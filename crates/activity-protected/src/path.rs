//! Whether a file is one that none but root can change.
//!
//! That is so if the file, every directory from `/` to it, and every symbolic link on the way belong to root, and nobody else may
//! write to the file and the directories. The path is walked as the kernel walks it, link by link, and not made canonical first: who can
//! write to the directory of a link decides where it leads.
//!
//! A directory that all may write to is not protected by the sticky bit: new names can be made there. An access control list that lets
//! somebody else write shows in the mode's group bits (POSIX 1003.1e draft 17, 23.1.3, the mask), so it is found as well.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// Links that are followed on one way, as in Linux (MAXSYMLINKS).
const MAX_LINKS: usize = 40;
/// Group or world write.
const WRITE_OF_OTHERS: u32 = 0o022;
const ROOT: u32 = 0;

/// What is at a path, links not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Whose it is.
    pub user: u32,
    /// Who may do what: the lowest twelve bits of `st_mode`.
    pub mode: u32,
}

/// Kinds of what can be on a way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A symbolic link, and what it holds.
    Link(PathBuf),
    /// A file.
    File,
    /// A device, a pipe, a socket.
    Other,
}

/// Files as they are looked at.
pub trait Files {
    /// What is at `path`, which has no links in it but at its end.
    ///
    /// # Errors
    /// Those of lstat(2) and readlink(2).
    fn look(&self, path: &Path) -> io::Result<Entry>;

    /// What is in a file.
    ///
    /// # Errors
    /// Those of reading, and that it is longer than `limit` bytes.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;

    /// The names in a directory.
    ///
    /// # Errors
    /// Those of readdir(3).
    fn names(&self, directory: &Path) -> io::Result<Vec<PathBuf>>;
}

/// Those of this host.
#[derive(Debug, Clone, Copy)]
pub struct Host;

impl Files for Host {
    fn look(&self, path: &Path) -> io::Result<Entry> {
        let found = path.symlink_metadata()?;
        let kind = if found.is_dir() {
            Kind::Directory
        } else if found.is_symlink() {
            Kind::Link(path.read_link()?)
        } else if found.is_file() {
            Kind::File
        } else {
            Kind::Other
        };
        Ok(Entry { kind, user: found.uid(), mode: found.mode() & 0o7777 })
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        directory.read_dir()?.map(|entry| Ok(entry?.file_name().into())).collect()
    }
}

/// Why a file is not protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weakness {
    /// Where that is: the file, or something on the way to it.
    pub path: PathBuf,
    /// What is wrong there.
    pub why: String,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" {}", self.path.display(), self.why)
    }
}

/// Whether none but root can change what is in the file at an absolute path, or lead the path elsewhere.
///
/// # Errors
/// The first place on the way where somebody else can, or that cannot be looked at.
pub fn check(file: &Path, files: &impl Files) -> Result<(), Weakness> {
    walk(file, files, &Kind::File)
}

/// The same of a directory: none but root can change what is in it.
pub(crate) fn check_directory(directory: &Path, files: &impl Files) -> Result<(), Weakness> {
    walk(directory, files, &Kind::Directory)
}

/// To something of the kind that is `wanted`.
fn walk(file: &Path, files: &impl Files, wanted: &Kind) -> Result<(), Weakness> {
    let weakness = |path: &Path, why: &str| Weakness { path: path.to_owned(), why: why.to_owned() };
    if !file.is_absolute() {
        return Err(weakness(file, "is not an absolute path"));
    }
    let mut walk = Walk { at: PathBuf::from("/"), ahead: VecDeque::new(), links: 0 };
    walk.go(file);
    loop {
        let entry =
            files.look(&walk.at).map_err(|e| weakness(&walk.at, &format!("cannot be looked at: {e}")))?;
        if entry.user != ROOT {
            return Err(weakness(&walk.at, &format!("belongs to the user with id {}", entry.user)));
        }
        // A link's own mode means nothing.
        if !matches!(entry.kind, Kind::Link(_)) && entry.mode & WRITE_OF_OTHERS != 0 {
            return Err(weakness(&walk.at, &format!("can be written by others (mode {:04o})", entry.mode)));
        }
        match entry.kind {
            Kind::Link(target) => {
                walk.links += 1;
                if walk.links > MAX_LINKS {
                    return Err(weakness(file, "leads through too many symbolic links"));
                }
                walk.at.pop();
                walk.go(&target);
            }
            found if found == *wanted && walk.ahead.is_empty() => return Ok(()),
            Kind::Directory => {}
            Kind::File | Kind::Other => return Err(weakness(&walk.at, "is not a regular file")),
        }
        match walk.ahead.pop_front() {
            Some(name) if name == ".." => {
                // Where it is now has no links in it, so this is its parent. It was looked at on the way here.
                walk.at.pop();
            }
            Some(name) => walk.at.push(name),
            None => return Err(weakness(&walk.at, "is a directory")),
        }
    }
}

/// A way that is being walked.
struct Walk {
    /// So far; without links, but maybe at its end.
    at: PathBuf,
    /// Names that come yet.
    ahead: VecDeque<OsString>,
    links: usize,
}

impl Walk {
    /// Takes a path before what comes yet.
    fn go(&mut self, path: &Path) {
        for component in path.components().rev() {
            match component {
                Component::Normal(name) => self.ahead.push_front(name.to_owned()),
                Component::ParentDir => self.ahead.push_front("..".into()),
                Component::RootDir => self.at = PathBuf::from("/"),
                Component::CurDir | Component::Prefix(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
