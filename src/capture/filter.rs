//! What the settings leave out.
//!
//! Failures and what the stream says of itself are never left out. A session is left out by the role that logged in,
//! its database, or its application_name; a statement by its class. The settings are parsed once after each change.

use std::sync::atomic::{AtomicU64, Ordering};

use activity_event::{Class, ClassSet};

use crate::pg::main_thread::MainThread;
use crate::pg::session::{self, with_application_name};
use crate::settings;

struct Filter {
    /// Of the settings, when they were parsed.
    generation: u64,
    classes: ClassSet,
    roles: Vec<String>,
    databases: Vec<String>,
    applications: Vec<String>,
    /// Role or database are left out; `None` where that is not known yet.
    session: Option<bool>,
}

static FILTER: MainThread<Filter> = MainThread::new(Filter {
    generation: u64::MAX,
    classes: ClassSet::ALL,
    roles: Vec::new(),
    databases: Vec::new(),
    applications: Vec::new(),
    session: None,
});

/// The generation of settings that leave no session out; asked in every hook.
static NO_SESSION_LEFT_OUT: AtomicU64 = AtomicU64::new(u64::MAX);
/// The generation of settings that leave nothing out; asked for every event.
static NOTHING_LEFT_OUT: AtomicU64 = AtomicU64::new(u64::MAX);

impl Filter {
    fn refresh(&mut self) {
        let generation = settings::generation();
        if self.generation == generation {
            return;
        }
        self.generation = generation;
        self.classes = settings::captured_classes();
        self.roles = settings::excluded_roles();
        self.databases = settings::excluded_databases();
        self.applications = settings::excluded_applications();
        self.session = if self.roles.is_empty() && self.databases.is_empty() { Some(false) } else { None };
        if self.session.is_some() && self.applications.is_empty() {
            NO_SESSION_LEFT_OUT.store(generation, Ordering::Relaxed);
            if self.classes == ClassSet::ALL {
                NOTHING_LEFT_OUT.store(generation, Ordering::Relaxed);
            }
        }
    }

    fn leaves_out(&mut self) -> bool {
        self.refresh();
        let session = *self.session.get_or_insert_with(|| {
            let facts = session::facts();
            self.roles.contains(&facts.user) || self.databases.contains(&facts.database)
        });
        session
            || (!self.applications.is_empty()
                && with_application_name(|name| {
                    name.is_some_and(|name| self.applications.iter().any(|left_out| left_out == name))
                }))
    }
}

/// Whether statements of this session that succeed are left out.
#[inline]
pub(super) fn excluded() -> bool {
    if NO_SESSION_LEFT_OUT.load(Ordering::Relaxed) == settings::generation() {
        return false;
    }
    FILTER.with(Filter::leaves_out).unwrap_or(false)
}

/// Whether events of that class are told in this session.
#[inline]
pub(super) fn captures(class: Class) -> bool {
    if NOTHING_LEFT_OUT.load(Ordering::Relaxed) == settings::generation() {
        return true;
    }
    FILTER.with(|filter| !filter.leaves_out() && filter.classes.contains(class)).unwrap_or(true)
}
