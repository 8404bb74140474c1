//! The session itself: its beginning, its end, and what every event of it carries.

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicBool, Ordering};

use activity_event::{Class, NetProtocol, Session, command};

use super::emit::Draft;
use super::texts::{Prepared, Text};
use super::{BACKEND, durable, filter, intent};
use crate::pg::session::{self, Facts};
use crate::pg::statement::moment;
use crate::pg::{clock, process, text};
use crate::ring;

/// CONNECT has this statementId; the first statement has the next one.
pub(super) const CONNECT_STATEMENT_ID: u64 = 1;

/// Some role changed: the name of the one in force is looked up again.
pub(super) static ROLE_STALE: AtomicBool = AtomicBool::new(false);

/// What is known of the session.
pub(super) struct SessionState {
    pub(super) facts: Option<Facts>,
    /// The role whose name was looked up last; 0 for none.
    role: (u32, String),
    /// The role when it was last looked at.
    role_in_force: u32,
    /// What every event of the session has, encoded with this application_name and the role in force; empty where that is to be
    /// done.
    encoded: Vec<u8>,
    application: Cow<'static, CStr>,
    /// How often that was encoded.
    version: u64,
    /// CONNECT was told, so DISCONNECT will be.
    pub(super) connected: bool,
    /// The message of the FATAL error that ends the session.
    pub(super) end_message: Option<String>,
}

impl SessionState {
    pub(super) const fn new() -> Self {
        Self {
            facts: None,
            role: (0, String::new()),
            role_in_force: 0,
            encoded: Vec::new(),
            application: Cow::Borrowed(c""),
            version: 0,
            connected: false,
            end_message: None,
        }
    }

    /// Learns who is at the other end, once. A session that began while capture was off joins here, without a CONNECT.
    pub(super) fn ensure(&mut self) -> &Facts {
        self.facts.get_or_insert_with(session::facts)
    }

    /// Encodes what every event of the session has, where that has changed.
    pub(super) fn refresh_encoded(&mut self) {
        self.ensure();
        if self.encoded.is_empty() || !session::is_application_name(&self.application) {
            self.encode();
        }
    }

    #[cold]
    fn encode(&mut self) {
        let mut encoded = std::mem::take(&mut self.encoded);
        encoded.clear();
        session::with_application_name(|name| {
            // What has come from a terminated string has no zero in it.
            self.application = Cow::Owned(CString::new(name.unwrap_or_default()).unwrap_or_default());
            if let Some(facts) = &self.facts {
                view(facts, name).encode(self.role(), &mut encoded);
            }
        });
        self.encoded = encoded;
        self.version += 1;
    }

    /// What every event of the session has.
    pub(super) fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// Differs from before where that does.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Who is at the other end is learnt anew.
    fn forget(&mut self) {
        self.facts = None;
        self.encoded.clear();
    }

    /// Looks the name of the role in force up, where it is not known and the catalogs can be read.
    #[inline]
    pub(super) fn learn_role(&mut self) {
        let in_force = session::current_role();
        let known = self.role.0 == in_force && !ROLE_STALE.load(Ordering::Relaxed);
        if !known || self.role_in_force != in_force {
            self.change_role(in_force, known);
        }
    }

    #[cold]
    fn change_role(&mut self, in_force: u32, known: bool) {
        if in_force != self.role_in_force {
            self.role_in_force = in_force;
            self.encoded.clear();
        }
        if !known && in_force != 0 && process::catalog_usable() {
            ROLE_STALE.store(false, Ordering::Relaxed);
            self.role = (in_force, session::role_name(in_force));
            self.encoded.clear();
        }
    }

    /// The name of the role that was in force then; `None` where it could not be told.
    fn role(&self) -> Option<&str> {
        let (known, name) = &self.role;
        (*known == self.role_in_force && !name.is_empty()).then_some(name)
    }
}

/// The session part of an event.
fn view<'a>(facts: &'a Facts, application: Option<&'a str>) -> Session<'a> {
    let startup = Some(facts.startup_application.as_str()).filter(|name| !name.is_empty());
    Session {
        database: &facts.database,
        user: &facts.user,
        remote_host: &facts.remote_host,
        remote_port: &facts.remote_port,
        application: application.or(startup),
        server_host: &facts.server_host,
        net_protocol: if facts.unix_socket { NetProtocol::Unix } else { NetProtocol::Tcp },
        start: facts.start.div_euclid(1_000_000),
        pid: facts.pid,
    }
}

/// The client proved who it is, and may use the database with its role and settings.
pub(crate) fn connected() {
    BACKEND.with(|b| {
        if process::catalog_usable() {
            text::prepare();
            b.names.watch();
        }
        // The encoding of the names is known now.
        b.emitter.session.forget();
        let (start, user) = (b.emitter.session.ensure().start, b.emitter.session.ensure().user.clone());
        // Until SET ROLE or a function changes it, the role in force is the one that logged in.
        b.emitter.session.role = (session::current_role(), user);
        b.emitter.session.connected = true;
        session::watch_end();
        count_session(1);
        b.publish(&Draft { start_time: start, ..Draft::of_session(CONNECT_STATEMENT_ID, "CONNECT") });
    });
    intent::at_login();
}

/// The process is on its way out with this exit code.
pub(crate) fn ended(code: i32) {
    BACKEND.with(|b| {
        if !std::mem::take(&mut b.emitter.session.connected) {
            return;
        }
        // Whatever was under way is not any more: errors that end a session unwind nothing.
        b.depth = 0;
        b.publish_caught_failure();
        let statement_id = b.numbers.next().id;
        let code = code.to_string();
        let message = b.emitter.session.end_message.take();
        let draft = Draft { start_time: clock::now(), ..Draft::of_session(statement_id, "DISCONNECT") };
        if super::enabled() && (code != "0" || filter::captures(Class::Misc)) {
            b.publish(&draft.failed(&code, message.as_deref()));
        }
    });
    durable::wait_at_end();
    // After the event: the worker stays as long as there are sessions.
    count_session(-1);
}

/// The worker waits for the end of every session but walsenders': the server ends those after it.
fn count_session(by: i64) {
    if let Some(attached) = ring::attached()
        && !process::is_walsender()
    {
        attached.shared.sessions.fetch_add(by, Ordering::SeqCst);
    }
}

/// A walsender got a command that is no SQL. It is told before it runs: some (START_REPLICATION) end with the session.
pub(crate) fn replication_command(text: &[u8]) {
    BACKEND.with(|b| {
        let statement = b.numbers.next_alone();
        b.numbers.fills_message(&moment());
        let prepared = Prepared::of(text.trim_ascii());
        let (class, command) = command::guess(&prepared.text);
        b.publish(&Draft {
            class,
            start_time: clock::now(),
            text: Text::Ready(&prepared),
            ..Draft::of_session(statement.id, command)
        });
    });
    durable::wait_and_go_on();
}

impl Draft<'_> {
    /// An event of the session itself.
    pub(super) fn of_session(statement_id: u64, command: &'static str) -> Self {
        Draft {
            statement_id,
            substatement_id: 1,
            class: Class::Misc,
            command,
            text: Text::None,
            ..Draft::EMPTY
        }
    }
}
