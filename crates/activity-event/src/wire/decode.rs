//! Reading the wire form, which comes from shared memory and is not trusted.

use super::{ALIGNMENT_BYTES, HEAD_BYTES, VERSION, bit};
use crate::{Class, Event, NetProtocol, Params, Session};

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
    /// More bytes than announced, or other ones than zeroes between two parts.
    #[error("there are bytes behind the end of a part")]
    TrailingBytes,
    /// A text that is not UTF-8.
    #[error("a text is not UTF-8")]
    NotUtf8,
}

impl<'a> Event<'a> {
    /// Reads a wire form, all of it.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that [`Event::encode`] does not write.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut all = Reader(bytes);
        let mut head = Reader(all.take(HEAD_BYTES)?);
        let [version, class] = head.array()?;
        if version != VERSION {
            return Err(DecodeError::Version(version));
        }
        let class = Class::from_number(class).ok_or(DecodeError::Invalid("class"))?;
        let bits = u16::from_le_bytes(head.array()?);
        if bits & !bit::head::ALL != 0 {
            return Err(DecodeError::Invalid("presence bits"));
        }
        let statement = all.part(head.length()?)?;
        let session = all.part(head.length()?)?;
        let params = Params(all.part(head.length()?)?);
        if !params.is_whole() {
            return Err(DecodeError::Invalid("parameters"));
        }
        let [statement_id, substatement_id] = [head.u64()?, head.u64()?];
        let [start_time, log_time] = [head.i64()?, head.i64()?];
        let row_count = head.number(bits & bit::head::ROW_COUNT)?;
        let command_text_length = head.number(bits & bit::head::COMMAND_TEXT_LENGTH)?;
        let transaction_id = head.number(bits & bit::head::TRANSACTION_ID)?;
        let query_id = head.number(bits & bit::head::QUERY_ID)?.map(u64::cast_signed);
        let [command, object_type, object_name, command_text] = Reader(statement).statement()?;
        let (session, effective_user) = Reader(session).session()?;
        let [exit_code, error_message] = all.failure(bits & bit::head::FAILURE != 0)?;
        Ok(Self {
            start_time,
            log_time,
            statement_id,
            substatement_id,
            class,
            command: command.unwrap_or_default(),
            object_type,
            object_name,
            row_count,
            command_text,
            command_text_length,
            params,
            exit_code,
            error_message,
            effective_user,
            transaction_id,
            query_id,
            session,
        })
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

    /// A number of the head, which is 0 where it is not there.
    fn number(&mut self, bit: u16) -> Result<Option<u64>, DecodeError> {
        match (bit, self.u64()?) {
            (0, 0) => Ok(None),
            (0, _) => Err(DecodeError::Invalid("number that is not there")),
            (_, number) => Ok(Some(number)),
        }
    }

    fn length(&mut self) -> Result<usize, DecodeError> {
        usize::try_from(u32::from_le_bytes(self.array()?)).map_err(|_| DecodeError::Short)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(DecodeError::Short)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// A part of so many bytes, and the zeroes behind it.
    fn part(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let part = self.take(length)?;
        if self.take(length.next_multiple_of(ALIGNMENT_BYTES) - length)?.iter().any(|byte| *byte != 0) {
            return Err(DecodeError::TrailingBytes);
        }
        Ok(part)
    }

    fn text(&mut self) -> Result<&'a str, DecodeError> {
        let length = self.length()?;
        std::str::from_utf8(self.take(length)?).map_err(|_| DecodeError::NotUtf8)
    }

    fn text_if(&mut self, bit: u32) -> Result<Option<&'a str>, DecodeError> {
        if bit == 0 { Ok(None) } else { self.text().map(Some) }
    }

    /// The end of a part that counts the zeroes behind it; `before` are its bytes.
    fn end(&self, before: &[u8]) -> Result<(), DecodeError> {
        let whole = before.len().is_multiple_of(ALIGNMENT_BYTES);
        let zeroes = self.0.len() < ALIGNMENT_BYTES && self.0.iter().all(|byte| *byte == 0);
        if whole && zeroes { Ok(()) } else { Err(DecodeError::TrailingBytes) }
    }

    fn statement(mut self) -> Result<[Option<&'a str>; 4], DecodeError> {
        let part = self.0;
        let bits = u32::from_le_bytes(self.array()?);
        if bits & !bit::statement::ALL != 0 {
            return Err(DecodeError::Invalid("presence bits"));
        }
        let texts = [
            Some(self.text()?),
            self.text_if(bits & bit::statement::OBJECT_TYPE)?,
            self.text_if(bits & bit::statement::OBJECT_NAME)?,
            self.text_if(bits & bit::statement::COMMAND_TEXT)?,
        ];
        self.end(part)?;
        Ok(texts)
    }

    fn failure(mut self, is_there: bool) -> Result<[Option<&'a str>; 2], DecodeError> {
        let part = self.0;
        if !is_there {
            return if part.is_empty() { Ok([None; 2]) } else { Err(DecodeError::TrailingBytes) };
        }
        let bits = u32::from_le_bytes(self.array()?);
        if bits == 0 || bits & !bit::failure::ALL != 0 {
            return Err(DecodeError::Invalid("presence bits"));
        }
        let texts = [
            self.text_if(bits & bit::failure::EXIT_CODE)?,
            self.text_if(bits & bit::failure::ERROR_MESSAGE)?,
        ];
        self.end(part)?;
        Ok(texts)
    }

    /// The session, and the role in force.
    fn session(mut self) -> Result<(Session<'a>, Option<&'a str>), DecodeError> {
        let part = self.0;
        let [net_protocol, bits, reserved @ ..] = self.array::<4>()?;
        let net_protocol = match net_protocol {
            0 => NetProtocol::Tcp,
            1 => NetProtocol::Unix,
            _ => return Err(DecodeError::Invalid("net protocol")),
        };
        if bits & !bit::session::ALL != 0 {
            return Err(DecodeError::Invalid("presence bits"));
        }
        if reserved != [0, 0] {
            return Err(DecodeError::Invalid("reserved bytes"));
        }
        let session = Session {
            net_protocol,
            pid: i32::from_le_bytes(self.array()?),
            start: self.i64()?,
            database: self.text()?,
            user: self.text()?,
            remote_host: self.text()?,
            remote_port: self.text()?,
            server_host: self.text()?,
            application: self.text_if(u32::from(bits & bit::session::APPLICATION))?,
        };
        let effective_user = self.text_if(u32::from(bits & bit::session::EFFECTIVE_USER))?;
        self.end(part)?;
        Ok((session, effective_user))
    }
}
