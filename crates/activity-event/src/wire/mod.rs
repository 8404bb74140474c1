//! The form of an event in the ring.
//!
//! Little-endian, version first. Five parts, encoded apart; each begins at a multiple of eight bytes and has zeroes behind it up to
//! the next one, so that they are copied, and gone over, by the word:
//!
//! ```text
//! head       u8 version = 3 · u8 class · u16 presence bits · u32 bytes of statement · u32 bytes of session · u32 bytes of params ·
//!            u64 statement id · u64 substatement id · i64 start time · i64 log time ·
//!            u64 row count · u64 command text length · u64 transaction id · i64 query id
//! statement  u32 presence bits · text command · [text object type] [text object name] [text command text]
//! session    u8 net protocol · u8 presence bits · u16 0 · i32 pid · i64 start ·
//!            text database · text user · text remote host · text remote port · text server host · [text application]
//!            [text effective user]
//! params     see `Params`
//! failure    nothing, or u32 presence bits · [text exit code] [text error message]
//! ```
//!
//! A text is a u32 length and that many bytes of UTF-8. What is in brackets is there where its presence bit is set, in the order of
//! the bits; a number of the head is 0 where it is not there. The lengths of statement and session count the zeroes behind them,
//! that of params does not; failure is what is left.
//!
//! The head is what differs each time ([`Head`]). The statement is the same whenever the same text does the same to the same object,
//! and the session as long as neither role nor application name changes, so sessions keep both as they were encoded. There is one
//! form of each event: what decodes encodes to the same bytes. The writers and the reader are of one build, so the version only
//! guards against a ring that another build left behind.

mod decode;

pub use decode::DecodeError;

use crate::{Class, Event, Micros, Params, Session};

/// The version that is written and read.
const VERSION: u8 = 3;
const HEAD_WORDS: usize = 10;
const HEAD_BYTES: usize = 8 * HEAD_WORDS;
/// Parts begin at multiples of this.
const ALIGNMENT_BYTES: usize = 8;

/// Presence bits of each part, in the order of their fields.
mod bit {
    pub(super) mod head {
        pub(in super::super) const ROW_COUNT: u16 = 1;
        pub(in super::super) const COMMAND_TEXT_LENGTH: u16 = 1 << 1;
        pub(in super::super) const TRANSACTION_ID: u16 = 1 << 2;
        pub(in super::super) const QUERY_ID: u16 = 1 << 3;
        pub(in super::super) const ALL: u16 = (1 << 4) - 1;
    }
    pub(super) mod statement {
        pub(in super::super) const OBJECT_TYPE: u32 = 1;
        pub(in super::super) const OBJECT_NAME: u32 = 1 << 1;
        pub(in super::super) const COMMAND_TEXT: u32 = 1 << 2;
        pub(in super::super) const ALL: u32 = (1 << 3) - 1;
    }
    pub(super) mod session {
        pub(in super::super) const APPLICATION: u8 = 1;
        pub(in super::super) const EFFECTIVE_USER: u8 = 1 << 1;
        pub(in super::super) const ALL: u8 = (1 << 2) - 1;
    }
    pub(super) mod failure {
        pub(in super::super) const EXIT_CODE: u32 = 1;
        pub(in super::super) const ERROR_MESSAGE: u32 = 1 << 1;
        pub(in super::super) const ALL: u32 = (1 << 2) - 1;
    }
}

/// What of an event differs from one run of a statement to the next.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// As in [`Event`], and so are all.
    pub class: Class,
    /// `statementId`
    pub statement_id: u64,
    /// `substatementId`
    pub substatement_id: u64,
    /// `startTime`
    pub start_time: Micros,
    /// `logTime`
    pub log_time: Micros,
    /// `rowCount`
    pub row_count: Option<u64>,
    /// `commandTextLength`
    pub command_text_length: Option<u64>,
    /// `transactionId`
    pub transaction_id: Option<u64>,
    /// `queryId`
    pub query_id: Option<i64>,
}

/// What follows a head: each part as it is encoded.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// By [`encode_statement`].
    pub statement: &'a [u8],
    /// By [`Session::encode`].
    pub session: &'a [u8],
    /// As they are.
    pub params: Params<'a>,
    /// By [`encode_failure`]; empty where nothing failed.
    pub failure: &'a [u8],
}

impl Head {
    /// Appends the wire form of an event of this head and these parts to `out`, which is empty.
    #[inline]
    pub fn encode(&self, parts: &Parts<'_>, out: &mut Vec<u8>) {
        let presence = present(self.row_count.is_some(), bit::head::ROW_COUNT)
            | present(self.command_text_length.is_some(), bit::head::COMMAND_TEXT_LENGTH)
            | present(self.transaction_id.is_some(), bit::head::TRANSACTION_ID)
            | present(self.query_id.is_some(), bit::head::QUERY_ID);
        let words: [u64; HEAD_WORDS] = [
            u64::from(VERSION)
                | u64::from(self.class as u8) << 8
                | u64::from(presence) << 16
                | length(parts.statement) << 32,
            length(parts.session) | length(parts.params.0) << 32,
            self.statement_id,
            self.substatement_id,
            self.start_time.cast_unsigned(),
            self.log_time.cast_unsigned(),
            self.row_count.unwrap_or(0),
            self.command_text_length.unwrap_or(0),
            self.transaction_id.unwrap_or(0),
            self.query_id.unwrap_or(0).cast_unsigned(),
        ];
        out.extend_from_slice(words.map(u64::to_le_bytes).as_flattened());
        out.extend_from_slice(parts.statement);
        out.extend_from_slice(parts.session);
        if !parts.params.0.is_empty() {
            out.extend_from_slice(parts.params.0);
            pad(out);
        }
        if !parts.failure.is_empty() {
            out.extend_from_slice(parts.failure);
        }
    }
}

#[inline]
fn present<B: Default>(is_there: bool, bit: B) -> B {
    if is_there { bit } else { B::default() }
}

/// Nothing that a session publishes comes near 4 GiB; what did would not decode, rather than lie.
#[inline]
fn length(part: &[u8]) -> u64 {
    u64::from(u32::try_from(part.len()).unwrap_or(u32::MAX))
}

/// Appends the part of what is done to what, and by which text.
pub fn encode_statement(
    command: &str,
    object_type: Option<&str>,
    object_name: Option<&str>,
    command_text: Option<&str>,
    out: &mut Vec<u8>,
) {
    let presence = present(object_type.is_some(), bit::statement::OBJECT_TYPE)
        | present(object_name.is_some(), bit::statement::OBJECT_NAME)
        | present(command_text.is_some(), bit::statement::COMMAND_TEXT);
    out.extend_from_slice(&presence.to_le_bytes());
    for text in [Some(command), object_type, object_name, command_text].into_iter().flatten() {
        put_text(out, text.as_bytes());
    }
    pad(out);
}

/// Appends the part of how it failed; nothing where it did not.
pub fn encode_failure(exit_code: Option<&str>, error_message: Option<&str>, out: &mut Vec<u8>) {
    let presence = present(exit_code.is_some(), bit::failure::EXIT_CODE)
        | present(error_message.is_some(), bit::failure::ERROR_MESSAGE);
    if presence == 0 {
        return;
    }
    out.extend_from_slice(&presence.to_le_bytes());
    for text in [exit_code, error_message].into_iter().flatten() {
        put_text(out, text.as_bytes());
    }
    pad(out);
}

impl Session<'_> {
    /// Appends the part of the session, with the role in force.
    pub fn encode(&self, effective_user: Option<&str>, out: &mut Vec<u8>) {
        let presence = present(self.application.is_some(), bit::session::APPLICATION)
            | present(effective_user.is_some(), bit::session::EFFECTIVE_USER);
        out.extend_from_slice(&[self.net_protocol as u8, presence, 0, 0]);
        out.extend_from_slice(&self.pid.to_le_bytes());
        out.extend_from_slice(&self.start.to_le_bytes());
        let always = [self.database, self.user, self.remote_host, self.remote_port, self.server_host];
        for text in always.into_iter().chain(self.application).chain(effective_user) {
            put_text(out, text.as_bytes());
        }
        pad(out);
    }
}

impl Event<'_> {
    /// Appends the wire form to `out`, which is empty.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut session = Vec::new();
        self.session.encode(self.effective_user, &mut session);
        self.encode_with(&session, out);
    }

    /// The same, with what [`Session::encode`] gave; `self.session` and `self.effective_user` are not looked at.
    pub fn encode_with(&self, session: &[u8], out: &mut Vec<u8>) {
        let (mut statement, mut failure) = (Vec::new(), Vec::new());
        encode_statement(self.command, self.object_type, self.object_name, self.command_text, &mut statement);
        encode_failure(self.exit_code, self.error_message, &mut failure);
        let parts = Parts { statement: &statement, session, params: self.params, failure: &failure };
        self.head().encode(&parts, out);
    }

    fn head(&self) -> Head {
        Head {
            class: self.class,
            statement_id: self.statement_id,
            substatement_id: self.substatement_id,
            start_time: self.start_time,
            log_time: self.log_time,
            row_count: self.row_count,
            command_text_length: self.command_text_length,
            transaction_id: self.transaction_id,
            query_id: self.query_id,
        }
    }
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    // A longer text would be cut to nothing rather than lie.
    let Ok(length) = u32::try_from(text.len()) else { return put_text(out, &[]) };
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(text);
}

/// Zeroes up to where the next part begins.
#[inline]
fn pad(out: &mut Vec<u8>) {
    const ZEROES: [u8; ALIGNMENT_BYTES] = [0; ALIGNMENT_BYTES];
    let end = out.len().next_multiple_of(ALIGNMENT_BYTES);
    // A copy of known length, of which what is needed is kept.
    out.extend_from_slice(&ZEROES);
    out.truncate(end);
}
