//! The events of pgbench's two best known scripts, as a server's sessions publish them.

use activity_event::{Class, Encoded, NetProtocol, Params, ParamsBuf, Run, Session};
use activity_ring::{RawMemory, Ring};

/// Sessions that take turns.
const SESSIONS: i32 = 8;
/// 2024-05-24 00:36:54 UTC, seconds since the Unix epoch.
const BEGINNING: i64 = 1_716_511_014;
/// Room that is left in the ring, so that no event is refused.
const SPARE_BYTES: usize = 64 * 1024;

/// What pgbench runs.
#[derive(Clone, Copy)]
pub(crate) struct Script {
    pub(crate) title: &'static str,
    statements: &'static [Statement],
    /// `-M prepared`: values are parameters and not in the text.
    prepared: bool,
}

/// `?` in a text stands for a value.
#[derive(Clone, Copy)]
struct Statement {
    class: Class,
    command: &'static str,
    table: Option<&'static str>,
    text: &'static str,
}

const SELECT: Statement = Statement {
    class: Class::Read,
    command: "SELECT",
    table: Some("public.pgbench_accounts"),
    text: "SELECT abalance FROM pgbench_accounts WHERE aid = ?;",
};

const TPC_B: [Statement; 7] = [
    Statement { class: Class::Misc, command: "BEGIN", table: None, text: "BEGIN;" },
    update("public.pgbench_accounts", "UPDATE pgbench_accounts SET abalance = abalance + ? WHERE aid = ?;"),
    SELECT,
    update("public.pgbench_tellers", "UPDATE pgbench_tellers SET tbalance = tbalance + ? WHERE tid = ?;"),
    update("public.pgbench_branches", "UPDATE pgbench_branches SET bbalance = bbalance + ? WHERE bid = ?;"),
    Statement {
        class: Class::Write,
        command: "INSERT",
        table: Some("public.pgbench_history"),
        text: "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (?, ?, ?, ?, CURRENT_TIMESTAMP);",
    },
    Statement { class: Class::Misc, command: "COMMIT", table: None, text: "END;" },
];

const fn update(table: &'static str, text: &'static str) -> Statement {
    Statement { class: Class::Write, command: "UPDATE", table: Some(table), text }
}

pub(crate) const SCRIPTS: [Script; 4] = [
    Script { title: "select-only, prepared", statements: &[SELECT], prepared: true },
    Script { title: "select-only, simple", statements: &[SELECT], prepared: false },
    Script { title: "TPC-B, prepared", statements: &TPC_B, prepared: true },
    Script { title: "TPC-B, simple", statements: &TPC_B, prepared: false },
];

/// Sessions that run a script.
pub(crate) struct Load {
    script: Script,
    random: u64,
    /// What [`Session::encode`] gave for each.
    sessions: Vec<Vec<u8>>,
    statements: u64,
    params: ParamsBuf,
    text: String,
}

impl Load {
    pub(crate) fn new(script: Script) -> Self {
        let sessions = (0..SESSIONS).map(|number| {
            let port = (33_948 + 2 * number).to_string();
            let session = Session {
                database: "postgres",
                user: "app_user",
                remote_host: "10.0.0.204",
                remote_port: &port,
                application: Some("pgbench"),
                server_host: "10.0.12.39",
                net_protocol: NetProtocol::Tcp,
                start: BEGINNING - 60,
                pid: 9091 + number,
            };
            let mut encoded = Vec::new();
            session.encode(Some("app_user"), &mut encoded);
            encoded
        });
        let (params, text) = (ParamsBuf::new(), String::new());
        Self { script, random: 42, sessions: sessions.collect(), statements: 0, params, text }
    }

    /// Publishes events until the ring is full, and says how many.
    pub(crate) fn fill(&mut self, ring: &Ring<RawMemory>) -> u64 {
        let (mut events, mut encoded) = (0, Encoded::new());
        while ring.fill() + SPARE_BYTES < ring.capacity() {
            ring.publish(self.next(&mut encoded)).expect("there is room");
            events += 1;
        }
        events
    }

    /// One event; sessions are a statement each ahead of one another.
    fn next<'e>(&mut self, encoded: &'e mut Encoded) -> &'e [u8] {
        let script = self.script.statements;
        let (turn, session) = (self.statements / SESSIONS as u64, self.statements % SESSIONS as u64);
        let statement = script[(turn + session) as usize % script.len()];
        let start_time = BEGINNING * 1_000_000 + i64::try_from(self.statements).unwrap() * 29;
        let log_time = start_time + 20 + self.value(400);
        self.write_text(statement.text);
        let writes = statement.class == Class::Write || (script.len() > 1 && statement.table.is_some());
        let what = activity_event::Statement {
            command: statement.command,
            object_type: statement.table.map(|_| "TABLE"),
            object_name: statement.table,
            command_text: Some(&self.text),
        };
        let run = Run {
            start_time,
            log_time,
            statement_id: turn + 2,
            substatement_id: 1,
            class: statement.class,
            row_count: statement.table.map(|_| 1),
            command_text_length: None,
            params: if self.script.prepared { self.params.as_params() } else { Params::EMPTY },
            exit_code: None,
            error_message: None,
            transaction_id: writes.then_some(700 + self.statements / script.len() as u64),
            query_id: None,
        };
        encoded.begin(&what, &self.sessions[session as usize]);
        self.statements += 1;
        encoded.complete(&run)
    }

    /// The text with a value, or the name of a parameter, for each of its question marks.
    fn write_text(&mut self, text: &str) {
        self.params.clear();
        self.text.clear();
        for (number, part) in text.split('?').enumerate() {
            if number > 0 {
                let value = self.value(10_000_000).to_string();
                if self.script.prepared {
                    self.text.push('$');
                    self.text.push_str(&number.to_string());
                } else {
                    self.text.push_str(&value);
                }
                self.params.push(&value);
            }
            self.text.push_str(part);
        }
    }

    /// The same values in every run (splitmix64).
    fn value(&mut self, below: u64) -> i64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        i64::try_from((mixed ^ (mixed >> 31)) % below).unwrap()
    }
}
