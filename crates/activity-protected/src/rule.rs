//! Whether a value counts, by where it comes from.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::path::{Files, Weakness, check};

/// Where the server has a value from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nothing names the setting: the value is the built-in one, or derived.
    BuiltIn,
    /// A configuration file.
    File(PathBuf),
    /// Something else, in the server's words, such as "command line".
    Elsewhere(String),
}

impl Source {
    /// The file, where there is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        if let Self::File(file) = self { Some(file) } else { None }
    }
}

/// Why a value does not count. Displayed it is the DETAIL of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing names the setting.
    Missing,
    /// The file is not protected.
    Unprotected(PathBuf, Weakness),
    /// It does not come from a file.
    NoFile(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => {
                f.write_str("No configuration file sets it, and what is missing does not count.")
            }
            Self::Unprotected(file, weakness) if *file == weakness.path => {
                write!(f, "It is set in \"{}\", which {}.", file.display(), weakness.why)
            }
            Self::Unprotected(file, weakness) => {
                write!(f, "It is set in \"{}\", and {weakness}.", file.display())
            }
            Self::NoFile(place) => write!(f, "It is set by the {place}, and not in a file."),
        }
    }
}

/// Whether a value counts when the server starts. `named`: the setting must not be left to the built-in value.
///
/// # Errors
/// Why it does not.
pub fn counts_at_start(source: &Source, named: bool, files: &impl Files) -> Result<(), Refusal> {
    match source {
        Source::BuiltIn if !named => Ok(()),
        _ => counts_on_reload(source, files),
    }
}

/// Whether a value other than the one in force counts on a reload.
///
/// # Errors
/// Why it does not.
pub fn counts_on_reload(source: &Source, files: &impl Files) -> Result<(), Refusal> {
    match source {
        Source::BuiltIn => Err(Refusal::Missing),
        Source::File(file) => {
            check(file, files).map_err(|weakness| Refusal::Unprotected(file.clone(), weakness))
        }
        Source::Elsewhere(place) => Err(Refusal::NoFile(place.clone())),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::path::{Entry, Kind};

    /// Below /etc all is root's; elsewhere the server's.
    struct Model;

    impl Files for Model {
        fn look(&self, path: &Path) -> io::Result<Entry> {
            let kind = if path.extension().is_some() { Kind::File } else { Kind::Directory };
            let user = if path == Path::new("/") || path.starts_with("/etc") { 0 } else { 105 };
            let mode = if kind == Kind::File { 0o644 } else { 0o755 };
            Ok(Entry { kind, user, mode })
        }
    }

    const PLACES: [(&str, bool); 2] = [("/etc/audit.conf", true), ("/data/postgresql.auto.conf", false)];

    #[test]
    fn a_value_of_a_file_counts_if_the_file_is_protected() {
        for (file, protected) in PLACES {
            let source = Source::File(file.into());
            assert_eq!(counts_on_reload(&source, &Model).is_ok(), protected);
            for named in [true, false] {
                assert_eq!(counts_at_start(&source, named, &Model).is_ok(), protected);
            }
        }
    }

    #[test]
    fn what_is_missing_counts_only_at_start_and_where_it_need_not_be_named() {
        assert_eq!(counts_at_start(&Source::BuiltIn, false, &Model), Ok(()));
        assert_eq!(counts_at_start(&Source::BuiltIn, true, &Model), Err(Refusal::Missing));
        assert_eq!(counts_on_reload(&Source::BuiltIn, &Model), Err(Refusal::Missing));
    }

    #[test]
    fn a_value_from_elsewhere_never_counts() {
        let source = Source::Elsewhere("command line".into());
        let refused = Err(Refusal::NoFile("command line".into()));
        assert_eq!(counts_at_start(&source, false, &Model), refused);
        assert_eq!(counts_on_reload(&source, &Model), refused);
    }

    #[test]
    fn a_refusal_says_where_the_value_is_and_what_is_wrong_there() {
        let source = Source::File("/data/postgresql.auto.conf".into());
        let refusal = counts_on_reload(&source, &Model).unwrap_err().to_string();
        assert_eq!(
            refusal,
            "It is set in \"/data/postgresql.auto.conf\", and \"/data\" belongs to the user with id 105."
        );
        let of_the_file =
            Weakness { path: "/etc/x.conf".into(), why: "can be written by others (mode 0666)".into() };
        let refusal = Refusal::Unprotected("/etc/x.conf".into(), of_the_file).to_string();
        assert_eq!(refusal, "It is set in \"/etc/x.conf\", which can be written by others (mode 0666).");
        assert!(Refusal::Missing.to_string().contains("missing"));
        assert!(Refusal::NoFile("command line".into()).to_string().contains("command line"));
    }
}
