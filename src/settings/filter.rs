//! What is left out of the stream.

use activity_event::ClassSet;

use super::checks;
use crate::pg::guc::{Bool, Context, Define, Description, Text};

static CAPTURE: Text<checks::Classes> = Text::new(
    Description {
        name: c"activity_stream.capture",
        short: c"Lists the classes of statements that are captured.",
        long: c"all, none, read, write, function, role, ddl, misc; with - before it a class is taken out. Failures are always captured.",
        context: Context::Reload,
    },
    c"all",
);

static CAPTURE_CATALOG: Bool = Bool::new(
    Description {
        name: c"activity_stream.capture_catalog",
        short: c"Captures what queries read and write in pg_catalog.",
        long: c"",
        context: Context::Reload,
    },
    true,
);

static EXCLUDE_ROLES: Text<checks::Names> = Text::new(
    Description {
        name: c"activity_stream.exclude_roles",
        short: c"Lists roles whose sessions are not captured.",
        long: c"The role that logged in counts. Failures are always captured.",
        context: Context::Reload,
    },
    c"",
);

static EXCLUDE_DATABASES: Text<checks::Names> = Text::new(
    Description {
        name: c"activity_stream.exclude_databases",
        short: c"Lists databases whose sessions are not captured.",
        long: c"Failures are always captured.",
        context: Context::Reload,
    },
    c"",
);

static EXCLUDE_APPLICATIONS: Text<checks::Names> = Text::new(
    Description {
        name: c"activity_stream.exclude_applications",
        short: c"Lists values of application_name whose sessions are not captured.",
        long: c"Clients choose their application_name. Failures are always captured.",
        context: Context::Reload,
    },
    c"",
);

/// In the order in which they are defined.
pub(super) static SETTINGS: &[&dyn Define] =
    &[&CAPTURE, &CAPTURE_CATALOG, &EXCLUDE_ROLES, &EXCLUDE_DATABASES, &EXCLUDE_APPLICATIONS];

/// The classes that are captured.
pub(crate) fn captured_classes() -> ClassSet {
    // Checked before it was taken over.
    ClassSet::parse(&CAPTURE.get()).unwrap_or(ClassSet::ALL)
}

/// Whether relations of pg_catalog are told.
#[inline]
pub(crate) fn capture_catalog() -> bool {
    CAPTURE_CATALOG.get()
}

/// Roles that are left out.
pub(crate) fn excluded_roles() -> Vec<String> {
    names(&EXCLUDE_ROLES.get()).unwrap_or_default()
}

/// Databases that are left out.
pub(crate) fn excluded_databases() -> Vec<String> {
    names(&EXCLUDE_DATABASES.get()).unwrap_or_default()
}

/// Values of application_name that are left out.
pub(crate) fn excluded_applications() -> Vec<String> {
    names(&EXCLUDE_APPLICATIONS.get()).unwrap_or_default()
}

/// The names of a list: separated by commas, in double quotes where they hold a comma, a quote or blanks at their ends.
/// Letter case counts: nothing is folded. `None` where a quote is not closed, or something stands behind a closed one.
pub(super) fn names(list: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = list.trim();
    while !rest.is_empty() {
        let (name, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let (name, after) =
                    rest.split_once(',').map_or((rest, ""), |(name, _)| (name, &rest[name.len()..]));
                (name.trim().to_owned(), after)
            }
        };
        names.push(name);
        let after = after.trim_start();
        rest = if after.is_empty() { "" } else { after.strip_prefix(',')?.trim_start() };
    }
    names.retain(|name| !name.is_empty());
    Some(names)
}

/// A name up to its closing quote, and what comes after that. A doubled quote stands for one.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let (part, after) = rest.split_once('"')?;
        name.push_str(part);
        let Some(doubled) = after.strip_prefix('"') else { return Some((name, after)) };
        name.push('"');
        rest = doubled;
    }
}
