//! What is told before it runs (`STREAM INTENT`), decided from the [`list`].
//!
//! Everything is known by what it is when it runs and not by what a text calls it: a command by its parsed tree, a function
//! by its OID, library and language, a relation by its OID, a setting by the server's own variable. So views, other
//! functions, PREPARE, casts, operators, rules and other names hide nothing.
//!
//! | what | recognised in |
//! |---|---|
//! | commands | ProcessUtility ([`command`]) |
//! | calls | object_access: a plan or an expression that calls the function is made ready ([`call`]) |
//! | catalogs, foreign tables | ExecutorStart; for COPY ExecutorCheckPerms ([`changes_by_hand`], [`is_wrapper`]) |
//! | settings | the check of the new value, whoever asks for it ([`setting`]) |
//!
//! # Not guaranteed
//!
//! * Where the server calls a function without making an expression ready (triggers, support functions of indexes), no call
//!   is seen. The command that brings that about is on the list instead, where the function is.
//! * PL/pgSQL makes a simple expression ready once in a transaction. The call of the function that computes it again is told
//!   before instead ([`functions`](super::functions)), but of a trigger function no call is seen.

mod list;
mod setting;

use self::list::When;
use super::names::Names;
use crate::pg::names::{Function, Language};
use crate::pg::statement::Relation;
use crate::pg::utility::Utility;

pub(crate) use self::setting::{at_login, changing as setting_changing, watch as watch_settings};

/// Below this all functions and catalogs are the server's own (access/transam.h, FirstUnpinnedObjectId).
pub(super) const FIRST_UNPINNED: u32 = 12_000;
/// What was made after initdb (access/transam.h, FirstNormalObjectId).
const FIRST_NORMAL: u32 = 16_384;

/// The functions of the server's own.
pub(super) const FUNCTIONS: &[(u32, &str)] = list::FUNCTIONS;

/// Whether that command is told before. Catalog access.
pub(super) fn command(tag: &str, utility: Utility<'_>, names: &mut Names) -> bool {
    let Some((_, conditions)) = list::COMMANDS.iter().find(|(listed, _)| *listed == tag) else {
        return false;
    };
    conditions.iter().any(|when| match when {
        When::Always => true,
        When::ServerFile => utility.uses_server_file(),
        When::Code => utility.brings_untrusted_code(),
        When::Setting => utility.settings().any(is_setting),
        When::Function => utility.functions().into_iter().any(|oid| call_of(oid, names)),
        When::ForeignTable => {
            let reads_file = |oid| names.learn(oid).is_some_and(|table| table.leaves_server);
            utility.foreign_tables().into_iter().any(reads_file)
        }
    })
}

fn is_setting(name: &[u8]) -> bool {
    list::SETTINGS.iter().any(|listed| listed.as_bytes().eq_ignore_ascii_case(name))
}

fn call_of(oid: u32, names: &mut Names) -> bool {
    (oid < FIRST_UNPINNED && is_function(oid))
        || names.function(oid).is_some_and(|function| call(oid, &function))
}

fn is_function(oid: u32) -> bool {
    list::FUNCTIONS.iter().any(|(listed, _)| *listed == oid)
}

/// Whether calls of that function are told before: those of the list, and those of users' functions by which the same
/// can be done. An internal function is one of the server's under another name; code in C or in another language that
/// is not trusted may do what the OS user may. What an extension brought is what its author wrote: of that only its
/// libraries on the list count.
pub(super) fn call(oid: u32, function: &Function) -> bool {
    if oid < FIRST_NORMAL {
        return is_function(oid);
    }
    match &function.language {
        Language::Trusted => false,
        Language::Untrusted => true,
        Language::Internal { builtin } => !function.of_extension || is_function(*builtin),
        Language::C { library } => {
            !function.of_extension || list::LIBRARIES.iter().any(|listed| library.starts_with(listed))
        }
    }
}

/// Whether a catalog is changed by hand, and that is told before.
#[inline]
pub(super) fn changes_by_hand(relation: &Relation) -> bool {
    relation.oid < FIRST_UNPINNED
        && relation.writes()
        && !list::PLAIN_CATALOGS.iter().any(|(plain, _)| *plain == relation.oid)
}

/// Whether queries of a foreign table whose wrapper is of that library are told before.
pub(super) fn is_wrapper(library: &str) -> bool {
    list::WRAPPERS.iter().any(|listed| library.starts_with(listed))
}
