//! Objects that commands make, alter, drop and empty: what the object_access hook tells while a command runs.
//!
//! Each is noted with the command under way. One that is dropped or emptied is named at once, while it is there; one that
//! is made or altered when the command is done, when its rows can be looked up. Works in every database without an event
//! trigger, and for databases, roles and tablespaces, which event triggers do not see.

use std::collections::HashSet;

use activity_event::Class;

use super::{BACKEND, Backend, note_contained_failure};
use crate::pg::guard::contain;
use crate::pg::objects::{Access, Object};
use crate::pg::process;
use crate::pg::statement::in_extension_script;

/// Most objects of one command that are told one by one; what is more is counted as a contained failure.
const MAX_OBJECTS: usize = 16 * 1024;
/// A view's own rule is part of it.
const RULE_OF_VIEW: &str = "\"_RETURN\" on ";

/// What is told of an object.
pub(super) struct Touched {
    object: Object,
    access: Access,
    /// The part of the command that did it: the index of a primary key is the work of a CREATE INDEX.
    pub(super) class: Class,
    pub(super) command: &'static str,
    /// Type and name; of what was made or altered not before the command is done.
    pub(super) described: Option<(String, String)>,
    /// objectType where the command's word counts and not the object's.
    pub(super) own_type: Option<&'static str>,
}

/// An object is being touched.
pub(crate) fn touched(access: Access, object: Object) {
    if in_extension_script() || !process::catalog_usable() {
        return;
    }
    BACKEND.with(|b| b.touch(access, object));
}

impl Backend {
    fn touch(&mut self, access: Access, object: Object) {
        let Some(part) = self.utilities.last().filter(|open| open.names_objects) else { return };
        let (class, command) = (part.class, part.command);
        let of_whole = matches!(access, Access::Create | Access::Alter) && !part.tells_columns;
        let object = if of_whole { object.whole() } else { object };
        let gone_later = matches!(access, Access::Drop | Access::DropInternal | Access::Truncate);
        let described = if gone_later {
            if !object.is_told(access) {
                return;
            }
            let Some(described) = object.describe() else { return };
            Some(described)
        } else {
            None
        };
        let Some(whole) = self.utilities.iter_mut().rev().find(|open| !open.is_part) else { return };
        if whole.touched.len() >= MAX_OBJECTS {
            note_contained_failure();
        } else if !whole.touched.iter().rev().take(64).any(|t| t.object == object && t.access == access) {
            whole.touched.push(Touched { object, access, class, command, described, own_type: None });
        }
    }
}

/// The objects of a command that is done, in the order in which they are told: what was dropped, the command's own object
/// first, and then what was made and altered.
pub(super) fn finished(mut touched: Vec<Touched>) -> Vec<Touched> {
    let mut told: Vec<Touched> = Vec::with_capacity(touched.len());
    let mut seen = HashSet::new();
    // The server drops what depends on an object before the object itself.
    let mut dropped: Vec<Touched> =
        touched.extract_if(.., |t| matches!(t.access, Access::Drop | Access::DropInternal)).collect();
    dropped.reverse();
    for mut item in dropped.into_iter().chain(touched) {
        if item.described.is_none() {
            // One that cannot be described is counted and does not keep the others from being told.
            let describe = || item.object.is_told(item.access).then(|| item.object.describe()).flatten();
            item.described = contain(describe).flatten();
        }
        let Some((kind, name)) = &mut item.described else { continue };
        if let Some(own_type) = item.own_type {
            own_type.clone_into(kind);
        }
        if kind == "RULE" && name.starts_with(RULE_OF_VIEW) {
            continue;
        }
        // Made and altered by the same command, it was made.
        if seen.insert((item.object.key(), item.command)) {
            told.push(item);
        }
    }
    told
}

impl Touched {
    /// An object that the command's text names.
    pub(super) fn named(
        object: Object,
        class: Class,
        command: &'static str,
        own_type: Option<&'static str>,
    ) -> Self {
        Self { object, access: Access::Alter, class, command, described: None, own_type }
    }
}
