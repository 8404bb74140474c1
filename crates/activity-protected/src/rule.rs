//! Whether a value counts, by where it comes from.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::includes::reached;
use crate::path::{Files, Weakness, check};

/// A line of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as the server names it.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: i32,
}

/// Where the server has a value from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nothing names the setting: the value is the built-in one, or derived.
    BuiltIn,
    /// A configuration file.
    File(Place),
    /// Something else, in the server's words, such as "command line".
    Elsewhere(String),
}

impl Source {
    /// The file, where there is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        if let Self::File(place) = self { Some(&place.file) } else { None }
    }
}

/// Why a value does not count. Displayed it is the DETAIL of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing names the setting.
    Missing,
    /// The file is not protected.
    Unprotected(PathBuf, Weakness),
    /// The file is protected, but it is not root who says that it is read.
    NotReached(PathBuf),
    /// The file is read more than once, or what is read changes at this moment.
    Unclear(PathBuf),
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
            Self::NotReached(file) => {
                write!(f, "It is set in \"{}\", which no protected file includes.", file.display())
            }
            Self::Unclear(file) => {
                write!(f, "It is set in \"{}\", which is read twice, or is being changed.", file.display())
            }
            Self::NoFile(place) => write!(f, "It is set by the {place}, and not in a file."),
        }
    }
}

/// The rule, for the configuration as it is now.
#[derive(Debug)]
pub struct Rule {
    reached: BTreeSet<PathBuf>,
    main: Option<Refusal>,
}

impl Rule {
    /// With that main configuration file.
    #[must_use]
    pub fn new(main: &Path, files: &impl Files) -> Self {
        let weakness = check(main, files).err();
        Self {
            reached: reached(main, files),
            main: weakness.map(|weakness| Refusal::Unprotected(main.to_owned(), weakness)),
        }
    }

    /// Whether the main configuration file is protected; why not.
    #[must_use]
    pub fn main_weakness(&self) -> Option<&Weakness> {
        if let Some(Refusal::Unprotected(_, weakness)) = &self.main { Some(weakness) } else { None }
    }

    /// Whether a value counts when the server starts. `lines` are all that name the setting, in the order in which they are read;
    /// `named`: the setting must not be left to the built-in value.
    ///
    /// # Errors
    /// Why it does not.
    pub fn at_start(
        &self,
        source: &Source,
        lines: &[Place],
        named: bool,
        files: &impl Files,
    ) -> Result<(), Refusal> {
        match source {
            Source::BuiltIn if !named => Ok(()),
            _ => self.on_reload(source, lines, files),
        }
    }

    /// Whether a value other than the one in force counts on a reload.
    ///
    /// # Errors
    /// Why it does not.
    pub fn on_reload(&self, source: &Source, lines: &[Place], files: &impl Files) -> Result<(), Refusal> {
        let place = match source {
            Source::BuiltIn => return Err(Refusal::Missing),
            Source::Elsewhere(place) => return Err(Refusal::NoFile(place.clone())),
            Source::File(place) => place,
        };
        let file = || place.file.clone();
        check(&place.file, files).map_err(|weakness| Refusal::Unprotected(file(), weakness))?;
        if let Some(refusal) = &self.main {
            return Err(refusal.clone());
        }
        if !self.reached.contains(&place.file) {
            return Err(Refusal::NotReached(file()));
        }
        let times = lines.iter().filter(|line| *line == place).count();
        if times == 1 && lines.last() == Some(place) { Ok(()) } else { Err(Refusal::Unclear(file())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Model, SERVER};

    const MAIN: &str = "/etc/main.conf";
    const OLD: &str = "/etc/old.conf";
    const AUTOMATIC: &str = "/data/postgresql.auto.conf";

    fn host() -> Model {
        let mut host = Model::new();
        host.directory("/etc", 0, 0o755).directory("/data", SERVER, 0o700);
        host.file(MAIN, 0, "include 'more.conf'").file("/etc/more.conf", 0, "").file(OLD, 0, "");
        host.file(AUTOMATIC, SERVER, "include '/etc/old.conf'");
        host
    }

    fn at(file: &str, line: i32) -> Place {
        Place { file: file.into(), line }
    }

    /// A value that comes from the last of these lines.
    fn of(lines: &[Place]) -> Result<(), Refusal> {
        let source = Source::File(lines.last().unwrap().clone());
        let rule = Rule::new(Path::new(MAIN), &host());
        let verdict = rule.on_reload(&source, lines, &host());
        for named in [true, false] {
            assert_eq!(rule.at_start(&source, lines, named, &host()), verdict);
        }
        verdict
    }

    #[test]
    fn a_value_counts_if_its_file_is_protected_and_reached() {
        assert_eq!(of(&[at(MAIN, 3)]), Ok(()));
        assert_eq!(of(&[at(MAIN, 3), at("/etc/more.conf", 3)]), Ok(()));
        assert!(matches!(of(&[at(MAIN, 3), at(AUTOMATIC, 1)]), Err(Refusal::Unprotected(..))));
        assert_eq!(of(&[at(MAIN, 3), at(OLD, 1)]), Err(Refusal::NotReached(OLD.into())));
    }

    #[test]
    fn a_file_that_is_read_again_does_not_count() {
        let again = [at("/etc/more.conf", 1), at(MAIN, 3), at("/etc/more.conf", 1)];
        assert_eq!(of(&again), Err(Refusal::Unclear("/etc/more.conf".into())));
    }

    #[test]
    fn what_the_server_has_read_and_is_not_there_any_more_does_not_count() {
        let rule = Rule::new(Path::new(MAIN), &host());
        let refused = Err(Refusal::Unclear(MAIN.into()));
        let source = Source::File(at(MAIN, 3));
        for lines in [vec![], vec![at(MAIN, 4)], vec![at(MAIN, 3), at("/etc/more.conf", 1)]] {
            assert_eq!(rule.on_reload(&source, &lines, &host()), refused);
        }
    }

    #[test]
    fn nothing_counts_where_the_main_file_is_not_protected() {
        let rule = Rule::new(Path::new(AUTOMATIC), &host());
        assert!(rule.main_weakness().is_some());
        let source = Source::File(at(MAIN, 1));
        let refused = rule.on_reload(&source, &[at(MAIN, 1)], &host());
        assert!(matches!(refused, Err(Refusal::Unprotected(file, _)) if file == Path::new(AUTOMATIC)));
    }

    #[test]
    fn what_is_missing_counts_only_at_start_and_where_it_need_not_be_named() {
        let rule = Rule::new(Path::new(MAIN), &host());
        assert_eq!(rule.main_weakness(), None);
        assert_eq!(rule.at_start(&Source::BuiltIn, &[], false, &host()), Ok(()));
        assert_eq!(rule.at_start(&Source::BuiltIn, &[], true, &host()), Err(Refusal::Missing));
        assert_eq!(rule.on_reload(&Source::BuiltIn, &[], &host()), Err(Refusal::Missing));
    }

    #[test]
    fn a_value_from_elsewhere_never_counts() {
        let rule = Rule::new(Path::new(MAIN), &host());
        let source = Source::Elsewhere("command line".into());
        let refused = Err(Refusal::NoFile("command line".into()));
        assert_eq!(rule.at_start(&source, &[], false, &host()), refused);
        assert_eq!(rule.on_reload(&source, &[at(MAIN, 1)], &host()), refused);
    }

    #[test]
    fn a_refusal_says_where_the_value_is_and_what_is_wrong_there() {
        let told = |refusal: Refusal| refusal.to_string();
        assert_eq!(
            told(of(&[at(AUTOMATIC, 1)]).unwrap_err()),
            "It is set in \"/data/postgresql.auto.conf\", and \"/data\" belongs to the user with id 105."
        );
        let weakness = Weakness { path: OLD.into(), why: "can be written by others (mode 0666)".into() };
        assert_eq!(
            told(Refusal::Unprotected(OLD.into(), weakness)),
            "It is set in \"/etc/old.conf\", which can be written by others (mode 0666)."
        );
        assert!(told(Refusal::NotReached(OLD.into())).contains("no protected file includes"));
        assert!(told(Refusal::Unclear(OLD.into())).contains("read twice"));
        assert!(told(Refusal::Missing).contains("missing"));
        assert!(told(Refusal::NoFile("command line".into())).contains("command line"));
    }
}
