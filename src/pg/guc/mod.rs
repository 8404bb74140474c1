//! Settings of the server (GUCs): typed, declared as statics, read without a call into the server.
//!
//! None of ours may be set by SQL, so only two contexts exist here. A wrong value is handled in three places:
//!
//! * **At start** the server would only warn about a wrong value of an extension's setting and go on with the
//!   default (guc.c, define_custom_variable). An audit that silently runs with other settings than the
//!   configured ones is worse than none, so [`Define::define`] checks the configured text first and refuses to start.
//! * **On reload** the server keeps the old value and logs why; the rules' DETAIL and HINT go into that message.
//! * **By SQL** the server refuses, since the context is postmaster or sighup; `c/settings.c` refuses ALTER SYSTEM.
//!
//! ## Configured and in force
//!
//! Each process of the server reads the configuration for itself, at a moment of its own. What it reads is only what is
//! *configured*: the server's variable. What is *in force* is a second value beside it, and `get()` of a setting gives that one.
//! It is the configured one when the setting is defined; after that only [`Define::put_in_force`] changes it.

mod choice;
mod files;
mod number;
mod sources;
mod text;

use std::ffi::CStr;

use pgrx::pg_sys;

pub(crate) use choice::{AnyChoice, Choice, ChoiceEntry, ChoiceRule};
pub(crate) use files::{places_in_files, value_in_files};
pub(crate) use number::{Bool, Int, Unit};
pub(crate) use sources::{configuration_file, source};
pub(crate) use text::{Rule, Text};

/// When a setting may change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Context {
    /// At server start only.
    Postmaster,
    /// By the configuration file and a reload.
    Reload,
}

/// Why a value is refused: the DETAIL and the HINT of the message.
#[derive(Debug)]
pub(crate) struct Invalid {
    /// What is wrong with the value.
    pub(crate) detail: String,
    /// What to write instead.
    pub(crate) hint: String,
}

impl Invalid {
    /// Both texts.
    pub(crate) fn new(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { detail: detail.into(), hint: hint.into() }
    }
}

/// What all settings have.
pub(crate) struct Description {
    /// The full name, `activity_stream.…`.
    pub(crate) name: &'static CStr,
    /// One line, as in pg_settings.short_desc.
    pub(crate) short: &'static CStr,
    /// More of it.
    pub(crate) long: &'static CStr,
    /// When it may change.
    pub(crate) context: Context,
}

impl Description {
    fn context(&self) -> pg_sys::GucContext::Type {
        match self.context {
            Context::Postmaster => pg_sys::GucContext::PGC_POSTMASTER,
            Context::Reload => pg_sys::GucContext::PGC_SIGHUP,
        }
    }

    /// The name as text.
    pub(crate) fn name(&self) -> &'static str {
        self.name.to_str().unwrap_or("activity_stream")
    }

    /// Refuses to go on: FATAL in the postmaster, which is starting.
    fn refuse(&self, value: &str, invalid: &Invalid) {
        super::log::refuse_configuration(
            &format!("invalid value for parameter \"{}\": \"{value}\"", self.name()),
            &invalid.detail,
            &invalid.hint,
        );
    }
}

/// The text that the configuration gives a setting which is not defined yet.
fn configured_text(name: &CStr) -> Option<String> {
    // SAFETY: the name is terminated; the result is the server's own string or NULL, and is copied at once.
    unsafe {
        let value = pg_sys::GetConfigOption(name.as_ptr(), true, false);
        (!value.is_null()).then(|| CStr::from_ptr(value).to_string_lossy().into_owned())
    }
}

/// The value of a setting of any type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A number in the setting's unit, the number of a word, or 0 and 1 for off and on.
    Number(i32),
    /// A text.
    Text(String),
}

/// A setting, whatever its type.
pub(crate) trait Define: Sync {
    /// Checks what is configured, then defines the setting and puts it in force. Raises an error on a wrong value.
    fn define(&'static self);

    /// What all settings have.
    fn about(&self) -> &Description;

    /// What this process has read last.
    fn configured(&self) -> Value;

    /// What is in force in this process.
    fn in_force(&self) -> Value;

    /// Puts another value in force; `false` where the setting cannot have it: what comes from shared memory may be anything.
    fn put_in_force(&self, value: &Value) -> bool;

    /// A value as the configuration file would have it.
    fn show(&self, value: &Value) -> String;
}

/// Keeps the prefix for us: a misspelt `activity_stream.…` is warned about.
pub(crate) fn reserve_prefix() {
    // SAFETY: a constant name.
    unsafe { pg_sys::MarkGUCPrefixReserved(c"activity_stream".as_ptr()) };
}
