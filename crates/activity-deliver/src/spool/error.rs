//! Why the spool refuses.

use std::{error, fmt, io};

/// What was done to the disk when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Looking at the directory: making it, its names, its inode.
    Directory,
    /// Making a file.
    Create,
    /// Opening a file.
    Open,
    /// Reading a file or its length.
    Read,
    /// Writing to a file.
    Write,
    /// Cutting a file.
    Truncate,
    /// Making a file or the directory durable.
    Sync,
    /// Renaming a file.
    Rename,
    /// Removing a file.
    Remove,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Directory => "use",
            Self::Create => "create",
            Self::Open => "open",
            Self::Read => "read",
            Self::Write => "write",
            Self::Truncate => "truncate",
            Self::Sync => "sync",
            Self::Rename => "rename",
            Self::Remove => "remove",
        })
    }
}

/// A call to the spool that did not do what it says.
#[derive(Debug)]
#[non_exhaustive]
pub enum SpoolError {
    /// The quota does not allow it, or there are 16,384 segments; nothing was written. Room comes back when whole segments
    /// are released.
    Full {
        /// Bytes that were to be added.
        needed_bytes: u64,
        /// Bytes in use.
        used_bytes: u64,
        /// The quota.
        max_bytes: u64,
    },
    /// The disk failed. The same call can be made again later.
    Disk {
        /// What was done.
        operation: Operation,
        /// To which file; `.` is the directory.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// More than the spool ever takes; nothing was done.
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How much it is.
        size: u64,
        /// How much it may be.
        max: u64,
    },
    /// An ordinal was released that no record has; nothing was done.
    NotSpooled {
        /// The ordinal.
        through: u64,
        /// The last one that was given.
        last: u64,
    },
    /// Another process has the directory.
    Locked {
        /// Its path.
        directory: String,
    },
    /// The directory is not fit to hold a spool.
    Unfit {
        /// Its path.
        directory: String,
        /// What is wrong with it.
        why: String,
    },
}

impl SpoolError {
    /// Turns what the system said into an error of the spool.
    pub(super) fn disk(operation: Operation, name: &str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Disk { operation, name: name.to_owned(), source }
    }

    /// Checks a limit.
    pub(super) fn within(what: &'static str, size: u64, max: u64) -> Result<(), Self> {
        if size <= max { Ok(()) } else { Err(Self::TooLarge { what, size, max }) }
    }
}

impl fmt::Display for SpoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { needed_bytes, used_bytes, max_bytes } => write!(
                f,
                "the spool is full: {used_bytes} of {max_bytes} bytes are used, {needed_bytes} more are needed"
            ),
            Self::Disk { operation, name, source } => {
                write!(f, "could not {operation} \"{name}\" of the spool: {source}")
            }
            Self::TooLarge { what, size, max } => {
                write!(f, "{what} is {size}, which is more than the {max} that the spool takes")
            }
            Self::NotSpooled { through, last } => {
                write!(f, "record {through} was released, but the last one in the spool is {last}")
            }
            Self::Locked { directory } => {
                write!(f, "the spool directory \"{directory}\" is in use by another process")
            }
            Self::Unfit { directory, why } => {
                write!(f, "the spool directory \"{directory}\" cannot be used: {why}")
            }
        }
    }
}

impl error::Error for SpoolError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Disk { source, .. } => Some(source),
            _ => None,
        }
    }
}
