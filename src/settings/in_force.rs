//! What is in force, and how every process comes to know it.
//!
//! A reload is read by each process for itself, at a moment of its own, and before anybody outside knows of it. So what a process
//! reads is only what is *configured*. What is in force is one block in the shared mapping:
//!
//! ```text
//!   postmaster, at start ──► block ◄── worker, when the stream has been told of the change (worker/changes.rs)
//!                              │
//!                              └──► every process: looks at the block's version, and takes a copy where it is new
//! ```
//!
//! * The block holds all settings that a reload changes, in the order of their definition: also those that only the worker
//!   needs. A worker that is started again so goes on with what was in force, and tells what else the configuration says by then.
//! * The postmaster writes it once. Its children inherit the postmaster's copy, so a process knows something valid from its
//!   beginning, whatever has become of the block.
//! * A process looks at the version when it is told of something to capture. A statement that runs for long gets new settings
//!   while it runs.
//! * Shared memory is untrusted: a block that cannot be right is not taken, and counted; values that a setting cannot have, neither.

use std::sync::atomic::{AtomicU64, Ordering};

use activity_protected::Refusal;

use super::themes;
use crate::capture::note_contained_failure;
use crate::pg::guc::{Context, Define, Value};
use crate::ring::SharedBytes;

/// Longest list of names that a setting can be, bytes.
pub(super) const MAX_LIST_BYTES: usize = 16 * 1024;
/// Room for the block: four such lists, and less than two more of them for everything else.
pub(crate) const IN_FORCE_BYTES: usize = 6 * MAX_LIST_BYTES;

/// Version of the block that this process has taken over.
static ADOPTED: AtomicU64 = AtomicU64::new(0);

/// The values of all settings that a reload changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Values(Vec<Value>);

/// What a reload changes of one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// `activity_stream.…`
    pub(crate) name: &'static str,
    /// The value in force, as the configuration file would have it.
    pub(crate) old: String,
    /// The value that is configured.
    pub(crate) new: String,
}

/// A value that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The value that stays, and the refused one.
    pub(crate) change: Change,
    /// The file that has it; empty where none has.
    pub(crate) file: String,
    /// Why it does not count: a DETAIL.
    pub(crate) why: String,
}

fn reloadable() -> impl Iterator<Item = &'static dyn Define> {
    themes().filter(|setting| setting.about().context == Context::Reload)
}

/// What this process has read last.
pub(crate) fn configured() -> Values {
    Values(reloadable().map(Define::configured).collect())
}

/// What is in force in this process.
pub(crate) fn in_force() -> Values {
    Values(reloadable().map(Define::in_force).collect())
}

impl Values {
    /// Puts them in force in this process; whether every setting can have its value.
    pub(crate) fn put_in_force(&self) -> bool {
        reloadable().zip(&self.0).fold(true, |all, (setting, value)| setting.put_in_force(value) && all)
    }

    /// The settings in which `new` differs from what the stream was told last, each with its value among these.
    pub(crate) fn changes(&self, told: &Self, new: &Self) -> Vec<Change> {
        let values = self.0.iter().zip(&told.0).zip(&new.0);
        let differ = reloadable().zip(values).filter(|(_, ((_, told), new))| told != new);
        differ
            .map(|(setting, ((old, _), new))| Change {
                name: setting.about().name(),
                old: setting.show(old),
                new: setting.show(new),
            })
            .collect()
    }

    /// Asks of each setting that these values would change whether its value counts; where it does not, the one before stays.
    pub(super) fn keep_where_refused(
        mut self,
        before: &Self,
        counts: impl Fn(&'static str) -> Result<(), (String, Refusal)>,
    ) -> (Self, Vec<Refused>) {
        let mut refused = Vec::new();
        for ((setting, new), old) in reloadable().zip(&mut self.0).zip(&before.0) {
            let name = setting.about().name();
            if new != old
                && let Err((file, refusal)) = counts(name)
            {
                let change = Change { name, old: setting.show(old), new: setting.show(new) };
                refused.push(Refused { change, file, why: refusal.to_string() });
                new.clone_from(old);
            }
        }
        (self, refused)
    }

    /// Numbers in four bytes, texts behind their length.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for value in &self.0 {
            match value {
                Value::Number(number) => bytes.extend(number.to_le_bytes()),
                Value::Text(text) => {
                    bytes.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
                    bytes.extend(text.as_bytes());
                }
            }
        }
        bytes
    }

    /// `None` where the bytes are not those of such values.
    fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut values = Vec::new();
        for setting in reloadable() {
            let word = bytes.split_off(..4)?.first_chunk()?;
            values.push(match setting.in_force() {
                Value::Number(_) => Value::Number(i32::from_le_bytes(*word)),
                Value::Text(_) => {
                    let length = usize::try_from(u32::from_le_bytes(*word)).ok()?;
                    let text = std::str::from_utf8(bytes.split_off(..length)?).ok()?;
                    Value::Text(text.to_owned())
                }
            });
        }
        bytes.is_empty().then_some(Self(values))
    }
}

/// Says to all processes that what is in force in this one is so for them. `false` where it has no room, which the rules of the texts
/// prevent.
pub(crate) fn tell_in_force(block: &SharedBytes<IN_FORCE_BYTES>) -> bool {
    let written = block.write(&in_force().encode());
    ADOPTED.store(block.version(), Ordering::Relaxed);
    written
}

/// Takes over what is in force where that is news.
#[inline]
pub(crate) fn adopt(block: &SharedBytes<IN_FORCE_BYTES>) {
    if block.version() != ADOPTED.load(Ordering::Relaxed) {
        adopt_news(block);
    }
}

#[cold]
fn adopt_news(block: &SharedBytes<IN_FORCE_BYTES>) {
    // What is being written at this moment is taken over next time.
    let Some((bytes, version)) = block.read() else { return };
    if !Values::decode(&bytes).is_some_and(|values| values.put_in_force()) {
        note_contained_failure();
    }
    ADOPTED.store(version, Ordering::Relaxed);
}

/// Differs from before where other settings are in force: for those who keep what they made of one.
#[inline]
pub(crate) fn generation() -> u64 {
    ADOPTED.load(Ordering::Relaxed)
}
