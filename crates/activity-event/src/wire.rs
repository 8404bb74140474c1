//! The form of an event in the ring.
//!
//! Little-endian, version first, no padding:
//!
//! ```text
//! u8 version = 2 · u8 class · u16 0 · u32 presence bits · u64 statement id · u64 substatement id · i64 start time ·
//! i64 log time · [u64 row count] [u64 command text length] [u64 transaction id] [i64 query id] ·
//! text command · [text object type] [text object name] [text command text] [text exit code] [text error message]
//! [text effective user] · text params (packed, see `Params`) · session
//!
//! session: u8 net protocol · u8 application present · u16 0 · i32 pid · i64 start ·
//! text database · text user · text remote host · text remote port · text server host · [text application]
//! ```
//!
//! A text is a u32 length and that many bytes of UTF-8. What is in brackets is there where its presence bit is set, in the
//! order of the bits. The session is the same in all events of a session, which therefore encodes it once. The writers and the
//! reader are of one build, so the version only guards against a ring that another build left behind.

use crate::{Class, Event, NetProtocol, Params, Session};

/// The version that is written and read.
const VERSION: u8 = 2;

/// Presence bits, in the order of their fields.
mod bit {
    pub(super) const ROW_COUNT: u32 = 1;
    pub(super) const COMMAND_TEXT_LENGTH: u32 = 1 << 1;
    pub(super) const TRANSACTION_ID: u32 = 1 << 2;
    pub(super) const QUERY_ID: u32 = 1 << 3;
    pub(super) const OBJECT_TYPE: u32 = 1 << 4;
    pub(super) const OBJECT_NAME: u32 = 1 << 5;
    pub(super) const COMMAND_TEXT: u32 = 1 << 6;
    pub(super) const EXIT_CODE: u32 = 1 << 7;
    pub(super) const ERROR_MESSAGE: u32 = 1 << 8;
    pub(super) const EFFECTIVE_USER: u32 = 1 << 9;
    pub(super) const ALL: u32 = (1 << 10) - 1;
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

#[inline]
fn put_number(out: &mut Vec<u8>, number: Option<u64>) {
    if let Some(number) = number {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

#[inline]
fn put_if_some(out: &mut Vec<u8>, text: Option<&str>) {
    if let Some(text) = text {
        put_text(out, text.as_bytes());
    }
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    // Nothing that a session publishes comes near 4 GiB; a longer text would be cut to nothing rather than lie.
    let Ok(length) = u32::try_from(text.len()) else { return put_text(out, &[]) };
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(text);
}

impl<'a> Event<'a> {
    fn presence(&self) -> u32 {
        present(self.row_count, bit::ROW_COUNT)
            | present(self.command_text_length, bit::COMMAND_TEXT_LENGTH)
            | present(self.transaction_id, bit::TRANSACTION_ID)
            | present(self.query_id, bit::QUERY_ID)
            | present(self.object_type, bit::OBJECT_TYPE)
            | present(self.object_name, bit::OBJECT_NAME)
            | present(self.command_text, bit::COMMAND_TEXT)
            | present(self.exit_code, bit::EXIT_CODE)
            | present(self.error_message, bit::ERROR_MESSAGE)
            | present(self.effective_user, bit::EFFECTIVE_USER)
    }

    /// Appends the wire form to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut session = Vec::new();
        self.session.encode(&mut session);
        self.encode_with(&session, out);
    }

    /// The same, with what [`Session::encode`] gave for the session; `self.session` is not looked at.
    pub fn encode_with(&self, session: &[u8], out: &mut Vec<u8>) {
        const FIXED_BYTES: usize = 192;
        out.reserve(
            FIXED_BYTES + self.command_text.map_or(0, str::len) + self.params.0.len() + session.len(),
        );
        let begin = u64::from(VERSION) | u64::from(self.class as u8) << 8 | u64::from(self.presence()) << 32;
        let (start_time, log_time) = (self.start_time.cast_unsigned(), self.log_time.cast_unsigned());
        let always = [begin, self.statement_id, self.substatement_id, start_time, log_time];
        out.extend_from_slice(always.map(u64::to_le_bytes).as_flattened());
        put_number(out, self.row_count);
        put_number(out, self.command_text_length);
        put_number(out, self.transaction_id);
        put_number(out, self.query_id.map(i64::cast_unsigned));
        put_text(out, self.command.as_bytes());
        put_if_some(out, self.object_type);
        put_if_some(out, self.object_name);
        put_if_some(out, self.command_text);
        put_if_some(out, self.exit_code);
        put_if_some(out, self.error_message);
        put_if_some(out, self.effective_user);
        put_text(out, self.params.0);
        out.extend_from_slice(session);
    }

    /// Reads a wire form, all of it.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that [`Event::encode`] does not write.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader(bytes);
        let [version, class, reserved @ ..] = reader.array::<4>()?;
        if version != VERSION {
            return Err(DecodeError::Version(version));
        }
        check_reserved(reserved)?;
        let class = Class::from_number(class).ok_or(DecodeError::Invalid("class"))?;
        let bits = u32::from_le_bytes(reader.array()?);
        if bits & !bit::ALL != 0 {
            return Err(DecodeError::Invalid("presence bits"));
        }
        let event = Self {
            class,
            statement_id: reader.u64()?,
            substatement_id: reader.u64()?,
            start_time: reader.i64()?,
            log_time: reader.i64()?,
            row_count: reader.when(bits & bit::ROW_COUNT, Reader::u64)?,
            command_text_length: reader.when(bits & bit::COMMAND_TEXT_LENGTH, Reader::u64)?,
            transaction_id: reader.when(bits & bit::TRANSACTION_ID, Reader::u64)?,
            query_id: reader.when(bits & bit::QUERY_ID, Reader::i64)?,
            command: reader.text()?,
            object_type: reader.when(bits & bit::OBJECT_TYPE, Reader::text)?,
            object_name: reader.when(bits & bit::OBJECT_NAME, Reader::text)?,
            command_text: reader.when(bits & bit::COMMAND_TEXT, Reader::text)?,
            exit_code: reader.when(bits & bit::EXIT_CODE, Reader::text)?,
            error_message: reader.when(bits & bit::ERROR_MESSAGE, Reader::text)?,
            effective_user: reader.when(bits & bit::EFFECTIVE_USER, Reader::text)?,
            params: Params(reader.bytes()?),
            session: reader.session()?,
        };
        if !event.params.is_whole() {
            return Err(DecodeError::Invalid("parameters"));
        }
        if reader.0.is_empty() { Ok(event) } else { Err(DecodeError::TrailingBytes) }
    }
}

impl Session<'_> {
    /// Appends the session's part of the wire form of each of its events to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let application = u8::from(self.application.is_some());
        out.extend_from_slice(&[self.net_protocol as u8, application, 0, 0]);
        out.extend_from_slice(&self.pid.to_le_bytes());
        out.extend_from_slice(&self.start.to_le_bytes());
        let always = [self.database, self.user, self.remote_host, self.remote_port, self.server_host];
        for text in always.into_iter().chain(self.application) {
            put_text(out, text.as_bytes());
        }
    }
}

/// An event has one form only: what is written as zero is nothing else.
fn check_reserved(bytes: [u8; 2]) -> Result<(), DecodeError> {
    if bytes == [0, 0] { Ok(()) } else { Err(DecodeError::Invalid("reserved bytes")) }
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

    fn session(&mut self) -> Result<Session<'a>, DecodeError> {
        let [net_protocol, application, reserved @ ..] = self.array::<4>()?;
        check_reserved(reserved)?;
        let net_protocol = match net_protocol {
            0 => NetProtocol::Tcp,
            1 => NetProtocol::Unix,
            _ => return Err(DecodeError::Invalid("net protocol")),
        };
        if application > 1 {
            return Err(DecodeError::Invalid("presence of an application"));
        }
        Ok(Session {
            net_protocol,
            pid: i32::from_le_bytes(self.array()?),
            start: self.i64()?,
            database: self.text()?,
            user: self.text()?,
            remote_host: self.text()?,
            remote_port: self.text()?,
            server_host: self.text()?,
            application: self.when(u32::from(application), Self::text)?,
        })
    }

    fn when<T>(
        &mut self,
        bit: u32,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if bit == 0 { Ok(None) } else { read(self).map(Some) }
    }
}
