//! Which configuration files root alone says are read.
//!
//! That a file is protected does not say that root wants it to be read: an old copy of the configuration, or another server's, is as
//! protected. So a value counts only in a file that is reached from the main one through protected files alone. Who includes what is
//! read off the files as the server does it (guc-file.l, conffiles.c): a line `include`, `include_if_exists` or `include_dir` in any letter
//! case, relative to the file that it stands in; of a directory the files whose names end in `.conf` and do not begin with a dot.
//!
//! Whatever is not understood (a path with a backslash in it) is not followed, which can only be stricter.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::path::{Files, check, check_directory};

/// Files that are followed at most.
const MAX_FILES: usize = 1000;
/// Longest file that is read, bytes.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// A line that has the server read something else.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Include {
    File(PathBuf),
    Directory(PathBuf),
}

/// The protected files that are reached from the main configuration file through protected files, by the names that the server has for
/// them. Empty where the main one is not protected.
#[must_use]
pub fn reached(main: &Path, files: &impl Files) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut ahead = vec![lexical(main)];
    while let Some(file) = ahead.pop() {
        if found.len() >= MAX_FILES || found.contains(&file) || check(&file, files).is_err() {
            continue;
        }
        let text = files.read(&file, MAX_FILE_BYTES).unwrap_or_default();
        for include in includes(&text, file.parent().unwrap_or(Path::new("/"))) {
            match include {
                Include::File(file) => ahead.push(file),
                Include::Directory(directory) => {
                    if check_directory(&directory, files).is_ok() {
                        let names = files.names(&directory).unwrap_or_default().into_iter();
                        ahead.extend(names.filter(|name| is_read(name)).map(|name| directory.join(name)));
                    }
                }
            }
        }
        found.insert(file);
    }
    found
}

/// Of the files in a directory that is included.
fn is_read(name: &Path) -> bool {
    let name = name.as_os_str().as_encoded_bytes();
    name.len() > b".conf".len() && name.ends_with(b".conf") && !name.starts_with(b".")
}

fn includes(text: &[u8], directory: &Path) -> Vec<Include> {
    text.split(|byte| *byte == b'\n').filter_map(|line| include(line, directory)).collect()
}

fn include(line: &[u8], directory: &Path) -> Option<Include> {
    let line = std::str::from_utf8(line).ok()?.trim_ascii();
    let (name, value) = line.split_at(line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?);
    let value = value.trim_ascii_start();
    let value = value.strip_prefix('=').map_or(value, str::trim_ascii_start);
    let path = match value.strip_prefix('\'') {
        Some(quoted) => unquoted(quoted)?,
        None => value.split(|c: char| c.is_ascii_whitespace() || c == '#').next()?.to_owned(),
    };
    if path.is_empty() || path.contains('\\') {
        return None;
    }
    let path = lexical(&directory.join(path));
    match name.to_ascii_lowercase().as_str() {
        "include" | "include_if_exists" => Some(Include::File(path)),
        "include_dir" => Some(Include::Directory(path)),
        _ => None,
    }
}

/// Up to the closing quote; a doubled one stands for one.
fn unquoted(quoted: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = quoted;
    loop {
        let (part, after) = rest.split_once('\'')?;
        text.push_str(part);
        let Some(doubled) = after.strip_prefix('\'') else { return Some(text) };
        text.push('\'');
        rest = doubled;
    }
}

/// Without `.`, `..` and doubled slashes, as the server names files (path.c, canonicalize_path).
fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            Component::RootDir | Component::Normal(_) | Component::Prefix(_) => plain.push(component),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Model, SERVER};

    fn file_of(line: &str) -> Option<Include> {
        include(line.as_bytes(), Path::new("/etc/pg"))
    }

    #[test]
    fn lines_that_include_are_found_however_they_are_written() {
        let more = Some(Include::File("/etc/pg/more.conf".into()));
        for line in [
            "include 'more.conf'",
            "  INCLUDE = 'more.conf' # comment",
            "\tinclude_if_exists='more.conf'",
            "include more.conf# comment",
            "include ./../pg//more.conf\r",
            "include '/etc/pg/more.conf'",
        ] {
            assert_eq!(file_of(line), more, "{line}");
        }
        assert_eq!(file_of("include_dir 'conf.d'"), Some(Include::Directory("/etc/pg/conf.d".into())));
        assert_eq!(file_of("include 'a''b.conf'"), Some(Include::File("/etc/pg/a'b.conf".into())));
    }

    #[test]
    fn other_lines_are_not() {
        for line in [
            "",
            "# include 'x'",
            "include",
            "include ''",
            "included 'x'",
            "include 'x",
            "include 'a\\'b'",
            "x = 'include y'",
        ] {
            assert_eq!(file_of(line), None, "{line}");
        }
    }

    #[test]
    fn files_are_reached_through_protected_ones_alone() {
        let mut host = Model::new();
        host.directory("/etc", 0, 0o755).directory("/etc/pg", 0, 0o755).directory("/data", SERVER, 0o700);
        host.file("/etc/pg/main.conf", 0, "include 'a.conf'\ninclude '/data/open.conf'\ninclude 'no.conf'\n");
        host.file("/etc/pg/a.conf", 0, "include 'b.conf'\nactivity_stream.mode = sync\n");
        host.file("/etc/pg/b.conf", 0, "include 'main.conf'\n");
        host.file("/etc/pg/old.conf", 0, "activity_stream.mode = off\n");
        host.file("/data/open.conf", SERVER, "include '/etc/pg/old.conf'\n");
        let names = ["/etc/pg/a.conf", "/etc/pg/b.conf", "/etc/pg/main.conf"].map(PathBuf::from);
        assert_eq!(reached(Path::new("/etc/pg/main.conf"), &host), names.clone().into());
        assert_eq!(reached(Path::new("/data/open.conf"), &host), BTreeSet::new());
    }

    #[test]
    fn of_a_directory_the_files_that_the_server_reads_are_reached() {
        let mut host = Model::new();
        host.directory("/etc", 0, 0o755).directory("/etc/d", 0, 0o755).directory("/etc/open", SERVER, 0o755);
        host.file("/etc/main.conf", 0, "include_dir 'd'\ninclude_dir 'open'\n");
        for name in ["a.conf", ".hidden.conf", "b.conf.bak", ".conf"] {
            host.file(&format!("/etc/d/{name}"), 0, "");
        }
        host.file("/etc/d/server.conf", SERVER, "");
        host.file("/etc/open/x.conf", 0, "");
        let names = ["/etc/d/a.conf", "/etc/main.conf"].map(PathBuf::from);
        assert_eq!(reached(Path::new("/etc/main.conf"), &host), names.into());
    }
}
