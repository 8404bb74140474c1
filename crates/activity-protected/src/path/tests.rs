//! Ways that lead to a file, on a host of the tests' own.

use std::fs;
use std::path::Path;

use super::{Entry, Files, Host, Kind, check};
use crate::model::{Model, SERVER};

/// A host with a protected file, a data directory, and what is added.
fn host(more: &[(&str, Entry)]) -> Model {
    let mut host = Model::new();
    host.directory("/etc", 0, 0o755).directory("/tmp", 0, 0o1777).directory("/data", SERVER, 0o700);
    host.file("/etc/audit.conf", 0, "").file("/data/root.conf", 0, "").file(
        "/data/postgresql.auto.conf",
        SERVER,
        "",
    );
    for (path, entry) in more {
        host.put(path, entry.kind.clone(), entry.user, entry.mode);
    }
    host
}

fn directory(user: u32, mode: u32) -> Entry {
    Entry { kind: Kind::Directory, user, mode }
}

fn file(user: u32, mode: u32) -> Entry {
    Entry { kind: Kind::File, user, mode }
}

fn link(target: &str) -> Entry {
    Entry { kind: Kind::Link(target.into()), user: 0, mode: 0o777 }
}

/// Where the weakness is, and why; nothing where the file is protected.
fn weakness(path: &str, more: &[(&str, Entry)]) -> Option<(String, String)> {
    let found = check(Path::new(path), &host(more)).err()?;
    Some((found.path.to_string_lossy().into_owned(), found.why))
}

fn assert_weak(path: &str, more: &[(&str, Entry)], at: &str, why: &str) {
    let found = weakness(path, more).unwrap_or_else(|| panic!("{path} counts as protected"));
    assert_eq!(found.0, at);
    assert!(found.1.contains(why), "{}", found.1);
}

#[test]
fn a_file_of_root_below_directories_of_root_is_protected() {
    assert_eq!(weakness("/etc/audit.conf", &[]), None);
    assert_eq!(weakness("/etc/./../etc//audit.conf", &[]), None);
}

#[test]
fn the_owner_and_the_mode_of_the_file_count() {
    assert_weak("/etc/x", &[("/etc/x", file(SERVER, 0o400))], "/etc/x", "user with id 105");
    for mode in [0o664, 0o646, 0o666, 0o620] {
        assert_weak("/etc/x", &[("/etc/x", file(0, mode))], "/etc/x", "can be written by others");
    }
    assert_eq!(weakness("/etc/x", &[("/etc/x", file(0, 0o4755))]), None);
}

#[test]
fn every_directory_on_the_way_counts() {
    assert_weak("/data/root.conf", &[], "/data", "user with id 105");
    assert_weak("/etc/audit.conf", &[("/", directory(SERVER, 0o755))], "/", "user with id 105");
    for mode in [0o775, 0o757, 0o777, 0o1777] {
        assert_weak("/etc/audit.conf", &[("/etc", directory(0, mode))], "/etc", "can be written by others");
    }
    assert_weak("/tmp/x", &[("/tmp/x", file(0, 0o644))], "/tmp", "can be written by others");
}

#[test]
fn a_link_counts_by_where_it_is_and_where_it_leads() {
    let leads = |at, target| [(at, link(target))];
    assert_eq!(weakness("/etc/link", &leads("/etc/link", "/etc/audit.conf")), None);
    assert_eq!(weakness("/etc/link", &leads("/etc/link", "audit.conf")), None);
    assert_weak("/etc/link", &leads("/etc/link", "../data/root.conf"), "/data", "user with id");
    // The file is protected, and the link is root's; but its directory is not.
    assert_weak("/data/link", &leads("/data/link", "/etc/audit.conf"), "/data", "user with id");
    assert_weak("/tmp/link", &leads("/tmp/link", "/etc/audit.conf"), "/tmp", "can be written");
    let of_server = Entry { user: SERVER, ..link("/etc/audit.conf") };
    assert_weak("/etc/link", &[("/etc/link", of_server)], "/etc/link", "user with id");
}

#[test]
fn a_directory_that_is_a_link_counts_the_same() {
    assert_eq!(weakness("/conf/audit.conf", &[("/conf", link("etc"))]), None);
    assert_weak("/conf/root.conf", &[("/conf", link("/data"))], "/data", "user with id");
    // What is above is above of where the link leads.
    let deep = [("/conf", link("/etc/deep")), ("/etc/deep", directory(0, 0o755))];
    assert_eq!(weakness("/conf/../audit.conf", &deep), None);
}

#[test]
fn a_way_back_through_a_weak_directory_is_weak() {
    assert_weak("/data/../etc/audit.conf", &[], "/data", "user with id");
}

#[test]
fn links_that_lead_in_a_circle_end() {
    let circle = [("/a", link("/b")), ("/b", link("/a"))];
    assert_weak("/a", &circle, "/a", "too many symbolic links");
}

#[test]
fn what_is_no_file_is_not_protected() {
    assert_weak("/etc", &[], "/etc", "is a directory");
    assert_weak("/etc/no", &[], "/etc/no", "cannot be looked at");
    assert_weak("/etc/audit.conf/x", &[], "/etc/audit.conf", "is not a regular file");
    assert_weak(
        "/etc/pipe",
        &[("/etc/pipe", Entry { kind: Kind::Other, ..file(0, 0o600) })],
        "/etc/pipe",
        "is not a regular file",
    );
    assert_weak("audit.conf", &[], "audit.conf", "is not an absolute path");
}

#[test]
fn files_of_this_host_are_looked_at_and_links_are_not_followed() {
    let folder = std::env::temp_dir().join(format!("activity-protected-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (target, link) = (folder.join("file"), folder.join("link"));
    fs::write(&target, "x").unwrap();
    std::os::unix::fs::symlink("file", &link).unwrap();
    let (text, too_long) = (Host.read(&target, 1).unwrap(), Host.read(&target, 0));
    let mut names = Host.names(&folder).unwrap();
    names.sort();
    let kinds = [&folder, &target, &link].map(|path| Host.look(path).unwrap().kind);
    let weak = check(&target, &Host);
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!((text.as_slice(), too_long.is_err()), (b"x".as_slice(), true));
    assert_eq!(names, [Path::new("file"), Path::new("link")]);
    assert_eq!(kinds, [Kind::Directory, Kind::File, Kind::Link("file".into())]);
    // Directories for temporary files can be written by all, or are somebody's.
    assert!(weak.is_err());
    let mode = Host.look(Path::new("/")).unwrap().mode;
    assert_eq!(mode & !0o7777, 0);
}
