//! Names of relations and functions, cached.
//!
//! A name costs two catalog look-ups and three allocations, and it is wanted for every statement; it is also wanted for a
//! statement that failed, when the catalogs cannot be read. The server tells of every relation that changes
//! (CacheRegisterRelcacheCallback), and that some function, schema or role did; what is told is forgotten.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{BACKEND, intent};
use crate::pg::names::{self, Catalog, Function};
use crate::pg::process;
use crate::pg::session::watch_invalidations;

/// A cache is emptied when it holds this many names: about 200 kB.
const MAX_NAMES: usize = 1024;

/// What changed: the caches are emptied before they are used again.
static RELATIONS_STALE: AtomicBool = AtomicBool::new(false);
static FUNCTIONS_STALE: AtomicBool = AtomicBool::new(false);

/// A relation as events name it.
#[derive(Debug)]
pub(super) struct RelationName {
    /// `schema.name`, quoted where SQL needs it.
    pub(super) name: Box<str>,
    /// objectType
    pub(super) object_type: &'static str,
    /// It is one of pg_catalog's.
    pub(super) catalog: bool,
    /// To query it is told before: it reads a file or a program of the server's.
    pub(super) leaves_server: bool,
}

type Map<T> = HashMap<u32, Rc<T>, BuildHasherDefault<OidHasher>>;

/// The names that this process has looked up.
pub(super) struct Names {
    known: Option<Known>,
}

#[derive(Default)]
struct Known {
    relations: Map<RelationName>,
    functions: Map<Function>,
}

/// Spreads OIDs, which the server hands out, so that nobody can choose them to collide (Fibonacci hashing).
#[derive(Default)]
struct OidHasher(u64);

impl Hasher for OidHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }
    fn write_u32(&mut self, oid: u32) {
        self.0 = (self.0 ^ u64::from(oid)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

impl Names {
    pub(super) const fn new() -> Self {
        Self { known: None }
    }

    /// Has changes told from now on. Catalog access.
    pub(super) fn watch(&mut self) {
        self.known();
    }

    fn known(&mut self) -> &mut Known {
        self.known.get_or_insert_with(|| {
            watch_invalidations();
            Known::default()
        })
    }

    /// What is known of the relation, looked up where nothing is. Catalog access.
    #[cold]
    pub(super) fn learn(&mut self, oid: u32) -> Option<Rc<RelationName>> {
        let Known { relations, .. } = self.known();
        if take(&RELATIONS_STALE) {
            relations.clear();
        }
        if let Some(relation) = relations.get(&oid) {
            return Some(Rc::clone(relation));
        }
        let found = names::relation(oid)?;
        let relation = Rc::new(RelationName {
            name: found.name.into_boxed_str(),
            object_type: object_type(found.kind),
            catalog: found.catalog,
            leaves_server: intent::is_wrapper(&found.wrapper),
        });
        if relations.len() >= MAX_NAMES {
            relations.clear();
        }
        relations.insert(oid, Rc::clone(&relation));
        Some(relation)
    }

    /// What is known of the relation, looked up where nothing is and the catalogs can be read.
    #[inline]
    pub(super) fn relation_or_learn(&mut self, oid: u32) -> Option<Rc<RelationName>> {
        let stale = RELATIONS_STALE.load(Ordering::Relaxed);
        match self.relation(oid) {
            Some(known) if !stale => Some(known),
            known => {
                if process::catalog_usable() {
                    self.learn(oid)
                } else {
                    known
                }
            }
        }
    }

    /// What is known of the relation.
    #[inline]
    pub(super) fn relation(&self, oid: u32) -> Option<Rc<RelationName>> {
        self.known.as_ref()?.relations.get(&oid).cloned()
    }

    /// The function's name, looked up where it is not known. Catalog access.
    pub(super) fn function(&mut self, oid: u32) -> Option<Rc<Function>> {
        let Known { functions, .. } = self.known();
        if take(&FUNCTIONS_STALE) {
            functions.clear();
        }
        if let Some(function) = functions.get(&oid) {
            return Some(Rc::clone(function));
        }
        let function = Rc::new(names::function(oid)?);
        if functions.len() >= MAX_NAMES {
            functions.clear();
        }
        functions.insert(oid, Rc::clone(&function));
        Some(function)
    }
}

/// Whether the mark was set; it no longer is. A load is cheaper than the swap that is hardly ever needed.
fn take(mark: &AtomicBool) -> bool {
    mark.load(Ordering::Relaxed) && mark.swap(false, Ordering::Relaxed)
}

/// A relation changed, or with 0 any of them.
pub(crate) fn relation_invalidated(oid: u32) {
    let told = BACKEND.with(|b| {
        let Some(known) = b.names.known.as_mut() else { return };
        if oid == 0 {
            known.relations.clear();
        } else {
            known.relations.remove(&oid);
        }
    });
    if told.is_none() {
        RELATIONS_STALE.store(true, Ordering::Relaxed);
    }
}

/// Something in that catalog changed.
pub(crate) fn catalog_invalidated(catalog: Catalog) {
    // In use further up the stack, the caches are emptied before they are used again.
    match catalog {
        Catalog::Schemas => {
            RELATIONS_STALE.store(true, Ordering::Relaxed);
            FUNCTIONS_STALE.store(true, Ordering::Relaxed);
        }
        Catalog::Functions => FUNCTIONS_STALE.store(true, Ordering::Relaxed),
        Catalog::Roles => super::session::ROLE_STALE.store(true, Ordering::Relaxed),
    }
}

/// objectType of a pg_class.relkind.
fn object_type(kind: u8) -> &'static str {
    match kind {
        b'r' | b'p' => "TABLE",
        b'i' | b'I' => "INDEX",
        b'S' => "SEQUENCE",
        b't' => "TOAST TABLE",
        b'v' => "VIEW",
        b'm' => "MATERIALIZED VIEW",
        b'c' => "COMPOSITE TYPE",
        b'f' => "FOREIGN TABLE",
        _ => "UNKNOWN",
    }
}
