//! Names of relations, cached.
//!
//! A name costs two catalog look-ups and three allocations, and it is wanted for every statement; it is also wanted for a
//! statement that failed, when the catalogs cannot be read. The server tells of every relation that changes
//! (CacheRegisterRelcacheCallback) and of every schema; what is told is forgotten.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};

use super::BACKEND;
use crate::pg::session::watch_invalidations;
use crate::pg::statement::relation_name;

/// The cache is emptied when it holds this many names: about 200 kB.
const MAX_NAMES: usize = 1024;

/// The cache was in use when something changed: empty it before it is used again.
static ALL_STALE: AtomicBool = AtomicBool::new(false);

/// A relation as events name it.
#[derive(Debug, Clone)]
pub(super) struct RelationName {
    /// `schema.name`, quoted where SQL needs it.
    pub(super) name: Box<str>,
    /// objectType
    pub(super) object_type: &'static str,
}

/// The names that this process has looked up.
pub(super) struct RelationNames {
    known: Option<HashMap<u32, RelationName, BuildHasherDefault<OidHasher>>>,
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

impl RelationNames {
    pub(super) const fn new() -> Self {
        Self { known: None }
    }

    /// Looks the relation up where it is not known. Catalog access.
    pub(super) fn learn(&mut self, oid: u32) {
        let known = self.known.get_or_insert_with(|| {
            watch_invalidations();
            HashMap::default()
        });
        if ALL_STALE.swap(false, Ordering::Relaxed) || known.len() >= MAX_NAMES {
            known.clear();
        }
        if known.contains_key(&oid) {
            return;
        }
        if let Some(found) = relation_name(oid) {
            let entry =
                RelationName { name: found.name.into_boxed_str(), object_type: object_type(found.kind) };
            known.insert(oid, entry);
        }
    }

    /// What is known of the relation.
    pub(super) fn known(&self, oid: u32) -> Option<&RelationName> {
        self.known.as_ref()?.get(&oid)
    }
}

/// A relation changed, or with 0 any of them.
pub(crate) fn invalidated(oid: u32) {
    let told = BACKEND.with(|b| {
        if let Some(known) = b.names.known.as_mut() {
            if oid == 0 {
                known.clear();
            } else {
                known.remove(&oid);
            }
        }
    });
    if told.is_none() {
        ALL_STALE.store(true, Ordering::Relaxed);
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
