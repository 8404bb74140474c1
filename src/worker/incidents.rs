//! What others do to the worker: signals that it does not obey (STREAM SIGNAL), and that it was kept from moving (STREAM STALL).
//!
//! Each is a WARNING in the log and an event. Signals are told once a second, at most as many senders as [`signals::take_received`] keeps: a loop of
//! kills costs the stream a few events a second, with a count in them. What the ring has no room for is told when it has.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::time::{Duration, Instant};

use activity_deliver::locking_failure;
use activity_event::write_timestamp;

use super::accounts::Accounts;
use super::stream_events::Told;
use crate::ack::stall::{self, Stall};
use crate::pg::log::{self, sqlstate};
use crate::pg::signals::{self, Received, Sender};
use crate::ring::Shared;

/// Time between two looks for signals.
const PACE: Duration = Duration::from_secs(1);
/// Stalls that wait for room in the ring, at most; each is in the log.
const MAX_STALLS: usize = 16;
/// Where the names of the machine's own users are. Those of a directory service are not asked for, which can take long.
const USERS_FILE: &str = "/etc/passwd";
/// As much of it is read, bytes.
const MAX_USERS_BYTES: u64 = 1024 * 1024;

/// An event that is to be published.
struct Incident {
    command: &'static str,
    text: String,
    params: Vec<String>,
}

/// See the module.
pub(super) struct Incidents {
    next_look: Instant,
    /// That keys are not in locked memory was said.
    unlocked_told: bool,
    waiting: VecDeque<Incident>,
}

impl Incidents {
    pub(super) fn new() -> Self {
        Self { next_look: Instant::now(), unlocked_told: false, waiting: VecDeque::new() }
    }

    /// A round begins.
    pub(super) fn moved(&mut self, shared: &Shared, timeout: Option<Duration>) {
        if let Some(stall) = stall::moved(shared, timeout) {
            log::log(&format!(
                "activity_stream worker moves again, after {} ms in which it did not",
                stall.duration.as_millis()
            ));
            if self.waiting.len() < MAX_STALLS {
                self.waiting.push_back(Incident::of_stall(stall));
            }
        }
    }

    /// Says once that a key could not be locked, where that is so.
    fn look_at_keys(&mut self) {
        if !self.unlocked_told
            && let Some(error) = locking_failure()
        {
            self.unlocked_told = true;
            log::warning(
                sqlstate::INTERNAL,
                &format!("activity_stream: a data key cannot be locked in memory: {error}"),
                "It is used all the same, and might be written to swap space.",
                "Raise the limit of locked memory (ulimit -l, LimitMEMLOCK) of the server by a few pages.",
            );
        }
    }

    /// Looks for signals, and tells what is there. `on_stream`: there is a stream to tell it on.
    pub(super) fn tell(&mut self, accounts: &mut Accounts, on_stream: bool) {
        self.look_at_keys();
        let now = Instant::now();
        if now >= self.next_look && self.waiting.len() < MAX_STALLS {
            let (received, unnoted) = signals::take_received();
            if !received.is_empty() || unnoted > 0 {
                self.next_look = now + PACE;
            }
            received.iter().for_each(|received| self.signal(received));
            if unnoted > 0 {
                self.more_signals(unnoted);
            }
        }
        if !on_stream {
            self.waiting.clear();
        }
        while let Some(incident) = self.waiting.front() {
            let told = Told { command: incident.command, text: &incident.text, params: &incident.params };
            if accounts.publish(&told).is_none() {
                return;
            }
            self.waiting.pop_front();
        }
    }

    fn signal(&mut self, received: &Received) {
        let signal = &received.signal;
        let text = if signal == "SIGCONT" {
            format!("{signal} was sent to the worker.")
        } else {
            format!("{signal} was sent to the worker, which ignores it.")
        };
        let user = received.sender.as_ref().and_then(|sender| user_name(sender.uid));
        warn(&text, &sentence(received, user.as_deref()));
        let mut params = vec![format!("signal={signal}"), format!("times={}", received.times)];
        params.extend(received.sender.iter().flat_map(|sender| of_sender(sender, user.as_deref())));
        self.waiting.push_back(Incident { command: "STREAM SIGNAL", text, params });
    }

    fn more_signals(&mut self, count: u64) {
        let text = "More signals were sent to the worker than senders are kept of.".to_owned();
        warn(&text, &format!("There were {count} more."));
        let params = vec![format!("times={count}")];
        self.waiting.push_back(Incident { command: "STREAM SIGNAL", text, params });
    }
}

impl Incident {
    fn of_stall(stall: Stall) -> Self {
        let mut since = Vec::new();
        write_timestamp(stall.since, &mut since);
        Self {
            command: "STREAM STALL",
            text: "The worker did not move, and nothing was delivered meanwhile.".to_owned(),
            params: vec![
                format!("from={}", String::from_utf8_lossy(&since)),
                format!("durationMs={}", stall.duration.as_millis()),
            ],
        }
    }
}

fn warn(text: &str, detail: &str) {
    log::warning(
        sqlstate::WORKER,
        &format!("activity_stream: {}", text.trim_end_matches('.')),
        detail,
        "The postmaster alone ends the worker, with the server. To stop collection, set activity_stream.mode to off and reload \
         the configuration.",
    );
}

fn of_sender(sender: &Sender, user: Option<&str>) -> Vec<String> {
    let claimed = if sender.vouched { "sender" } else { "claimedSender" };
    let mut params = vec![format!("{claimed}Pid={}", sender.pid), format!("{claimed}Uid={}", sender.uid)];
    params.extend(user.map(|name| format!("{claimed}User={name}")));
    if !sender.program.is_empty() {
        params.push(format!("{claimed}Program={}", sender.program));
    }
    params
}

fn sentence(received: &Received, user: Option<&str>) -> String {
    let times = match received.times {
        1 => String::new(),
        times => format!(" {times} times"),
    };
    let Some(sender) = &received.sender else { return format!("It was sent{times} by the kernel.") };
    let says = if sender.vouched { "" } else { " (as it says itself)" };
    let program = if sender.program.is_empty() { "gone by now" } else { &sender.program };
    let name = user.map(|name| format!(" {name}")).unwrap_or_default();
    format!(
        "It was sent{times} by process {} ({program}) of OS user{name} ({}){says}.",
        sender.pid, sender.uid
    )
}

/// The name of an OS user, where this machine's own file has it.
fn user_name(uid: u32) -> Option<String> {
    let mut users = Vec::new();
    File::open(USERS_FILE).ok()?.take(MAX_USERS_BYTES).read_to_end(&mut users).ok()?;
    let users = String::from_utf8_lossy(&users);
    let id = uid.to_string();
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    })
}
