//! The real file system.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// A place for a directory, that is removed in the end.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("spool-test-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn spool(&self) -> PathBuf {
        self.0.join("spool")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn open_at(path: &Path) -> (Spool<Directory>, Recovered) {
    Spool::open(Directory::open(path).unwrap(), &owner(), PLENTY).unwrap()
}

#[test]
fn records_survive_in_files_that_only_their_owner_can_read() {
    let place = Place::new();
    let (mut spool, recovered) = open_at(&place.spool());
    assert_eq!((recovered.checkpoint, recovered.foreign_files), (CheckpointState::Missing, Vec::new()));
    spool.append(&records(1..=3, 1000)).unwrap();
    spool.append(&records(4..=5, 1000)).unwrap();
    spool.release(1).unwrap();
    spool.checkpoint().unwrap();
    drop(spool);
    assert_eq!(mode(&place.spool()), 0o700);
    for name in ["lock", "checkpoint", "0000000000000001.segment"] {
        assert_eq!(mode(&place.spool().join(name)), 0o600, "{name}");
    }
    let (mut spool, recovered) = open_at(&place.spool());
    assert_eq!((recovered.checkpoint, recovered.foreign_files), (CheckpointState::Whole, Vec::new()));
    assert_eq!((recovered.records, recovered.torn_bytes, recovered.damaged), (4, 0, vec![]));
    assert_eq!(ordinals(&read_all(&mut spool, 1000)), [2, 3, 4, 5]);
    spool.release(5).unwrap();
    assert!(!place.spool().join("0000000000000001.segment").exists());
}

#[test]
fn a_directory_that_others_can_read_is_closed_to_them() {
    let place = Place::new();
    fs::create_dir(place.spool()).unwrap();
    fs::set_permissions(place.spool(), Permissions::from_mode(0o755)).unwrap();
    Directory::open(&place.spool()).unwrap();
    assert_eq!(mode(&place.spool()), 0o700);
}

#[test]
fn a_second_opener_is_refused_until_the_first_is_gone() {
    let place = Place::new();
    let first = Directory::open(&place.spool()).unwrap();
    let refused = Directory::open(&place.spool()).unwrap_err();
    assert!(matches!(&refused, SpoolError::Locked { directory } if Path::new(directory) == place.spool()));
    drop(first);
    Directory::open(&place.spool()).unwrap();
}

#[test]
fn what_is_no_directory_is_refused() {
    let place = Place::new();
    File::create(place.spool()).unwrap();
    assert!(matches!(Directory::open(&place.spool()), Err(SpoolError::Unfit { .. })));
    let missing = place.0.join("missing").join("spool");
    assert!(matches!(Directory::open(&missing), Err(SpoolError::Disk { .. })));
}

#[test]
fn symbolic_links_and_directories_are_not_followed_listed_or_opened() {
    let place = Place::new();
    let directory = Directory::open(&place.spool()).unwrap();
    let target = place.0.join("target");
    fs::write(&target, b"secret").unwrap();
    symlink(&target, place.spool().join("0000000000000001.segment")).unwrap();
    fs::create_dir(place.spool().join("0000000000000002.segment")).unwrap();
    assert_eq!(directory.list().unwrap(), ["lock"]);
    let refused = directory.open("0000000000000001.segment").unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(libc::ELOOP));
    let taken = directory.create("0000000000000001.segment").unwrap_err();
    assert_eq!(taken.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&target).unwrap(), b"secret");
    drop(directory);
    fs::remove_file(place.spool().join("lock")).unwrap();
    symlink(&target, place.spool().join("lock")).unwrap();
    assert!(matches!(Directory::open(&place.spool()), Err(SpoolError::Disk { .. })));
}

#[test]
fn a_copied_directory_has_another_identity() {
    let place = Place::new();
    let (mut spool, _) = open_at(&place.spool());
    spool.append(&records(1..=2, 10)).unwrap();
    let copy = place.0.join("copy");
    fs::create_dir(&copy).unwrap();
    for name in ["checkpoint", "0000000000000001.segment"] {
        fs::copy(place.spool().join(name), copy.join(name)).unwrap();
    }
    let (spool, recovered) = open_at(&copy);
    assert_eq!(recovered.foreign_owners.segments, 1);
    assert!(spool.is_empty() && copy.join("0000000000000001.segment.foreign").exists());
}
