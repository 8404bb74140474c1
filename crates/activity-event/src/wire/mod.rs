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
//! failure    where its presence bit is set: u32 presence bits · [text exit code] [text error message]
//! ```
//!
//! A text is a u32 length and that many bytes of UTF-8. What is in brackets is there where its presence bit is set, in the order of
//! the bits; a number of the head is 0 where it is not there. The lengths of statement and session count the zeroes behind them,
//! that of params does not; failure is what is left.
//!
//! What differs from one run of a statement to the next is a [`Run`]: the head, params and failure. The statement is the same whenever
//! the same text does the same to the same object, and the session as long as neither role nor application name changes, so sessions
//! keep events of which only the rest is written anew ([`Encoded`]). There is one form of each event: what decodes encodes to the
//! same bytes. The writers and the reader are of one build, so the version only guards against a ring that another build left behind.

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
        /// A part of failure follows: without it, what was cut off before that would be told as a success.
        pub(in super::super) const FAILURE: u16 = 1 << 4;
        pub(in super::super) const ALL: u16 = (1 << 5) - 1;
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
pub struct Run<'a> {
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
    /// `paramList`
    pub params: Params<'a>,
    /// `exitCode`
    pub exit_code: Option<&'a str>,
    /// `errorMessage`
    pub error_message: Option<&'a str>,
}

/// What is done to what, and by which text.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    /// As in [`Event`], and so are all.
    pub command: &'a str,
    /// `objectType`
    pub object_type: Option<&'a str>,
    /// `objectName`
    pub object_name: Option<&'a str>,
    /// `commandText`
    pub command_text: Option<&'a str>,
}

/// An event as it is encoded, whose statement and session stay while its runs come and go.
#[derive(Debug, Default)]
pub struct Encoded {
    bytes: Vec<u8>,
    /// Where the params begin; 0 where nothing is encoded yet.
    params_at: usize,
    /// Bytes of the statement.
    statement: u64,
    /// Bytes of the session.
    session: u64,
}

impl Encoded {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), params_at: 0, statement: 0, session: 0 }
    }

    /// Whether there is no statement yet.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.params_at == 0
    }

    /// Encodes a statement, and what [`Session::encode`] gave.
    pub fn begin(&mut self, statement: &Statement<'_>, session: &[u8]) {
        self.bytes.clear();
        self.bytes.resize(HEAD_BYTES, 0);
        encode_statement(statement, &mut self.bytes);
        self.statement = length(self.bytes.len() - HEAD_BYTES);
        self.bytes.extend_from_slice(session);
        self.session = length(session.len());
        self.params_at = self.bytes.len();
    }

    /// Puts a run in, in place of the one before; all of the event.
    #[inline]
    pub fn complete(&mut self, run: &Run<'_>) -> &[u8] {
        self.bytes.truncate(self.params_at);
        if let Some(head) = self.bytes.first_chunk_mut::<HEAD_BYTES>() {
            let words = run.head(self.statement, self.session).map(u64::to_le_bytes);
            head.copy_from_slice(words.as_flattened());
        }
        if !run.params.0.is_empty() {
            self.bytes.extend_from_slice(run.params.0);
            pad(&mut self.bytes);
        }
        if run.is_failed() {
            encode_failure(run.exit_code, run.error_message, &mut self.bytes);
        }
        &self.bytes
    }
}

impl Run<'_> {
    #[inline]
    const fn is_failed(&self) -> bool {
        self.exit_code.is_some() || self.error_message.is_some()
    }

    #[inline]
    fn head(&self, statement: u64, session: u64) -> [u64; HEAD_WORDS] {
        let presence = present(self.row_count.is_some(), bit::head::ROW_COUNT)
            | present(self.command_text_length.is_some(), bit::head::COMMAND_TEXT_LENGTH)
            | present(self.transaction_id.is_some(), bit::head::TRANSACTION_ID)
            | present(self.query_id.is_some(), bit::head::QUERY_ID)
            | present(self.is_failed(), bit::head::FAILURE);
        [
            u64::from(VERSION)
                | u64::from(self.class as u8) << 8
                | u64::from(presence) << 16
                | statement << 32,
            session | length(self.params.0.len()) << 32,
            self.statement_id,
            self.substatement_id,
            self.start_time.cast_unsigned(),
            self.log_time.cast_unsigned(),
            self.row_count.unwrap_or(0),
            self.command_text_length.unwrap_or(0),
            self.transaction_id.unwrap_or(0),
            self.query_id.unwrap_or(0).cast_unsigned(),
        ]
    }
}

#[inline]
fn present<B: Default>(is_there: bool, bit: B) -> B {
    if is_there { bit } else { B::default() }
}

/// Nothing that a session publishes comes near 4 GiB; what did would not decode, rather than lie.
#[inline]
fn length(bytes: usize) -> u64 {
    u64::from(u32::try_from(bytes).unwrap_or(u32::MAX))
}

fn encode_statement(statement: &Statement<'_>, out: &mut Vec<u8>) {
    let Statement { command, object_type, object_name, command_text } = *statement;
    let presence = present(object_type.is_some(), bit::statement::OBJECT_TYPE)
        | present(object_name.is_some(), bit::statement::OBJECT_NAME)
        | present(command_text.is_some(), bit::statement::COMMAND_TEXT);
    out.extend_from_slice(&presence.to_le_bytes());
    for text in [Some(command), object_type, object_name, command_text].into_iter().flatten() {
        put_text(out, text.as_bytes());
    }
    pad(out);
}

#[cold]
fn encode_failure(exit_code: Option<&str>, error_message: Option<&str>, out: &mut Vec<u8>) {
    let presence = present(exit_code.is_some(), bit::failure::EXIT_CODE)
        | present(error_message.is_some(), bit::failure::ERROR_MESSAGE);
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
    /// Appends the wire form to `out`. Sessions do without: they keep an [`Encoded`].
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (mut session, mut encoded) = (Vec::new(), Encoded::new());
        self.session.encode(self.effective_user, &mut session);
        encoded.begin(
            &Statement {
                command: self.command,
                object_type: self.object_type,
                object_name: self.object_name,
                command_text: self.command_text,
            },
            &session,
        );
        out.extend_from_slice(encoded.complete(&Run {
            class: self.class,
            statement_id: self.statement_id,
            substatement_id: self.substatement_id,
            start_time: self.start_time,
            log_time: self.log_time,
            row_count: self.row_count,
            command_text_length: self.command_text_length,
            transaction_id: self.transaction_id,
            query_id: self.query_id,
            params: self.params,
            exit_code: self.exit_code,
            error_message: self.error_message,
        }));
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
