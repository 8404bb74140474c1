//! Sets of classes, in the syntax of pgAudit's setting `pgaudit.log`.
//!
//! A list of names with commas between them, in letters of any case: a class adds itself and, with `-` before it, takes
//! itself out; `all` is every class and `none` no class at all. What comes later in the list has the last word:
//! `all, -misc`.

use crate::Class;

/// Some of the classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClassSet {
    /// One bit for each class, by its number in the wire form.
    bits: u8,
}

/// A list of classes names one that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown class \"{word}\"")]
pub struct UnknownClass {
    /// The name, as it was written.
    pub word: String,
}

const CLASSES: [Class; 6] =
    [Class::Read, Class::Write, Class::Function, Class::Role, Class::Ddl, Class::Misc];

impl ClassSet {
    /// No class.
    pub const NONE: Self = Self { bits: 0 };
    /// Every class.
    pub const ALL: Self = Self { bits: (1 << CLASSES.len()) - 1 };

    /// The set that a list describes. An empty list is no class.
    ///
    /// # Errors
    ///
    /// Where a name is not that of a class; an empty name is not, either.
    pub fn parse(list: &str) -> Result<Self, UnknownClass> {
        if list.trim().is_empty() {
            return Ok(Self::NONE);
        }
        let mut set = Self::NONE;
        for word in list.split(',').map(str::trim) {
            let (name, takes_out) = word.strip_prefix('-').map_or((word, false), |name| (name, true));
            let named = Self::named(name).ok_or_else(|| UnknownClass { word: word.to_owned() })?;
            set.bits = if takes_out { set.bits & !named.bits } else { set.bits | named.bits };
        }
        Ok(set)
    }

    /// Whether the class is in the set.
    #[must_use]
    pub const fn contains(self, class: Class) -> bool {
        self.bits & Self::of(class).bits != 0
    }

    const fn of(class: Class) -> Self {
        Self { bits: 1 << class as u8 }
    }

    fn named(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("all") {
            return Some(Self::ALL);
        }
        if name.eq_ignore_ascii_case("none") {
            return Some(Self::NONE);
        }
        CLASSES.into_iter().find(|class| class.as_str().eq_ignore_ascii_case(name)).map(Self::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The classes of a list.
    #[track_caller]
    fn classes(list: &str) -> Vec<Class> {
        let set = ClassSet::parse(list).unwrap();
        CLASSES.into_iter().filter(|class| set.contains(*class)).collect()
    }

    #[test]
    fn a_list_names_its_classes_in_any_case_and_with_any_blanks() {
        assert_eq!(classes("read,WRITE , \tDdl"), [Class::Read, Class::Write, Class::Ddl]);
        assert_eq!(classes("function, role, misc"), [Class::Function, Class::Role, Class::Misc]);
        assert_eq!(ClassSet::parse("ALL"), Ok(ClassSet::ALL));
        assert_eq!(classes("all"), CLASSES);
    }

    #[test]
    fn what_comes_later_has_the_last_word() {
        assert_eq!(classes("all, -misc, -READ"), [Class::Write, Class::Function, Class::Role, Class::Ddl]);
        assert_eq!(classes("-read, read"), [Class::Read]);
        assert_eq!(classes("read, -all"), []);
        assert_eq!(classes("read, none, -none"), [Class::Read]);
    }

    #[test]
    fn no_class_is_none_or_an_empty_list() {
        for list in ["none", "", " ", "None,-read"] {
            assert_eq!(ClassSet::parse(list), Ok(ClassSet::NONE), "{list}");
        }
    }

    #[test]
    fn an_unknown_name_is_told() {
        for (list, word) in [
            ("reads", "reads"),
            ("read,,write", ""),
            ("all,-x", "-x"),
            ("--read", "--read"),
            ("read write", "read write"),
        ] {
            let error = ClassSet::parse(list).unwrap_err();
            assert_eq!(error.word, word);
            assert_eq!(error.to_string(), format!("unknown class \"{word}\""));
        }
    }
}
