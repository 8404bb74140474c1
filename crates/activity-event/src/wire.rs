//! The form of an event in the ring.
//!
//! Little-endian, version first, no padding:
//!
//! ```text
//! u8 version = 1 · u8 class · u8 net protocol · u8 0 · u32 presence bits · i32 pid · u64 statement id ·
//! u64 substatement id · i64 start time · i64 log time · i64 session start ·
//! [u64 row count] [u64 command text length] [u64 transaction id] [i64 query id] ·
//! text command · text database · text user · text remote host · text remote port · text server host ·
//! [text application] [text object type] [text object name] [text command text] [text exit code]
//! [text error message] [text effective user] · text params (packed, see `Params`)
//! ```
//!
//! A text is a u32 length and that many bytes of UTF-8. What is in brackets is there where its presence bit is set, in the
//! order of the bits. The writers and the reader are of one build, so the version only guards against a ring that another
//! build left behind.

use crate::{Class, Event, NetProtocol, Params, Session};

/// The version that is written and read.
const VERSION: u8 = 1;

/// Presence bits, in the order of their fields.
mod bit {
    pub(super) const ROW_COUNT: u32 = 1;
    pub(super) const COMMAND_TEXT_LENGTH: u32 = 1 << 1;
    pub(super) const TRANSACTION_ID: u32 = 1 << 2;
    pub(super) const QUERY_ID: u32 = 1 << 3;
    pub(super) const APPLICATION: u32 = 1 << 4;
    pub(super) const OBJECT_TYPE: u32 = 1 << 5;
    pub(super) const OBJECT_NAME: u32 = 1 << 6;
    pub(super) const COMMAND_TEXT: u32 = 1 << 7;
    pub(super) const EXIT_CODE: u32 = 1 << 8;
    pub(super) const ERROR_MESSAGE: u32 = 1 << 9;
    pub(super) const EFFECTIVE_USER: u32 = 1 << 10;
    pub(super) const ALL: u32 = (1 << 11) - 1;
}

/// Why bytes are not an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Of another build.
    #[error("unknown version {0}")]
    Version(u8),
    /// A number that stands for nothing.
    #[error("invalid {0}")]
    Invalid(&'static str),
    /// Fewer bytes than announced.
    #[error("it ends early")]
    Short,
    /// More bytes than announced.
    #[error("there are bytes behind its end")]
    TrailingBytes,
    /// A text that is not UTF-8.
    #[error("a text is not UTF-8")]
    NotUtf8,
}

fn present<T: Copy>(option: Option<T>, bit: u32) -> u32 {
    if option.is_some() { bit } else { 0 }
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    // Nothing that a session publishes comes near 4 GiB; a longer text would be cut to nothing rather than lie.
    let (length, text) = u32::try_from(text.len()).map_or((0, &[][..]), |length| (length, text));
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(text);
}

impl<'a> Event<'a> {
    fn presence(&self) -> u32 {
        present(self.row_count, bit::ROW_COUNT)
            | present(self.command_text_length, bit::COMMAND_TEXT_LENGTH)
            | present(self.transaction_id, bit::TRANSACTION_ID)
            | present(self.query_id, bit::QUERY_ID)
            | present(self.session.application, bit::APPLICATION)
            | present(self.object_type, bit::OBJECT_TYPE)
            | present(self.object_name, bit::OBJECT_NAME)
            | present(self.command_text, bit::COMMAND_TEXT)
            | present(self.exit_code, bit::EXIT_CODE)
            | present(self.error_message, bit::ERROR_MESSAGE)
            | present(self.effective_user, bit::EFFECTIVE_USER)
    }

    /// Appends the wire form to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        const FIXED_BYTES: usize = 128;
        let session = &self.session;
        out.reserve(FIXED_BYTES + self.command_text.map_or(0, str::len) + self.params.0.len());
        out.extend_from_slice(&[VERSION, self.class as u8, session.net_protocol as u8, 0]);
        out.extend_from_slice(&self.presence().to_le_bytes());
        out.extend_from_slice(&session.pid.to_le_bytes());
        out.extend_from_slice(&self.statement_id.to_le_bytes());
        out.extend_from_slice(&self.substatement_id.to_le_bytes());
        for time in [self.start_time, self.log_time, session.start] {
            out.extend_from_slice(&time.to_le_bytes());
        }
        for number in [self.row_count, self.command_text_length, self.transaction_id].into_iter().flatten() {
            out.extend_from_slice(&number.to_le_bytes());
        }
        if let Some(id) = self.query_id {
            out.extend_from_slice(&id.to_le_bytes());
        }
        let always = [
            self.command,
            session.database,
            session.user,
            session.remote_host,
            session.remote_port,
            session.server_host,
        ];
        let sometimes = [
            session.application,
            self.object_type,
            self.object_name,
            self.command_text,
            self.exit_code,
            self.error_message,
            self.effective_user,
        ];
        for text in always.into_iter().chain(sometimes.into_iter().flatten()) {
            put_text(out, text.as_bytes());
        }
        put_text(out, self.params.0);
    }

    /// Reads a wire form, all of it.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that [`Event::encode`] does not write.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader(bytes);
        let [version, class, net_protocol, _] = reader.array::<4>()?;
        if version != VERSION {
            return Err(DecodeError::Version(version));
        }
        let class = Class::from_number(class).ok_or(DecodeError::Invalid("class"))?;
        let net_protocol = match net_protocol {
            0 => NetProtocol::Tcp,
            1 => NetProtocol::Unix,
            _ => return Err(DecodeError::Invalid("net protocol")),
        };
        let bits = u32::from_le_bytes(reader.array()?);
        if bits & !bit::ALL != 0 {
            return Err(DecodeError::Invalid("presence bits"));
        }
        let pid = i32::from_le_bytes(reader.array()?);
        let statement_id = reader.u64()?;
        let substatement_id = reader.u64()?;
        let [start_time, log_time, start] = [reader.i64()?, reader.i64()?, reader.i64()?];
        let row_count = reader.when(bits & bit::ROW_COUNT, Reader::u64)?;
        let command_text_length = reader.when(bits & bit::COMMAND_TEXT_LENGTH, Reader::u64)?;
        let transaction_id = reader.when(bits & bit::TRANSACTION_ID, Reader::u64)?;
        let query_id = reader.when(bits & bit::QUERY_ID, Reader::i64)?;
        let command = reader.text()?;
        let [database, user, remote_host] = [reader.text()?, reader.text()?, reader.text()?];
        let [remote_port, server_host] = [reader.text()?, reader.text()?];
        let application = reader.when(bits & bit::APPLICATION, Reader::text)?;
        let event = Self {
            start_time,
            log_time,
            statement_id,
            substatement_id,
            class,
            command,
            object_type: reader.when(bits & bit::OBJECT_TYPE, Reader::text)?,
            object_name: reader.when(bits & bit::OBJECT_NAME, Reader::text)?,
            row_count,
            command_text: reader.when(bits & bit::COMMAND_TEXT, Reader::text)?,
            command_text_length,
            exit_code: reader.when(bits & bit::EXIT_CODE, Reader::text)?,
            error_message: reader.when(bits & bit::ERROR_MESSAGE, Reader::text)?,
            effective_user: reader.when(bits & bit::EFFECTIVE_USER, Reader::text)?,
            params: Params(reader.bytes()?),
            transaction_id,
            query_id,
            session: Session {
                database,
                user,
                remote_host,
                remote_port,
                application,
                server_host,
                net_protocol,
                start,
                pid,
            },
        };
        if !event.params.is_whole() {
            return Err(DecodeError::Invalid("parameters"));
        }
        if reader.0.is_empty() { Ok(event) } else { Err(DecodeError::TrailingBytes) }
    }
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (array, rest) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Short)?;
        self.0 = rest;
        Ok(*array)
    }

    fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    fn i64(&mut self) -> Result<i64, DecodeError> {
        self.array().map(i64::from_le_bytes)
    }

    fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = usize::try_from(u32::from_le_bytes(self.array()?)).map_err(|_| DecodeError::Short)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(DecodeError::Short)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| DecodeError::NotUtf8)
    }

    fn when<T>(
        &mut self,
        bit: u32,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if bit == 0 { Ok(None) } else { read(self).map(Some) }
    }
}
