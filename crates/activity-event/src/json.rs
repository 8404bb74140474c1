//! The form of an event on the stream.
//!
//! One compact JSON object: the fields of Aurora's activity streams in their order, then ours. Consumers match on keys and
//! types, so neither changes; new fields come at the end.

use crate::{Event, Micros};

/// What all events of a server have in common.
#[derive(Debug, Clone, Copy)]
pub struct Server<'a> {
    /// `serverVersion`
    pub version: &'a str,
    /// `serverType`
    pub server_type: &'a str,
    /// `serviceName`
    pub service_name: &'a str,
}

/// A further key with the punctuation around it, in one piece: most of an event's JSON is keys.
macro_rules! key {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}

/// Appends the event to `out`. `sequence` is its place among the events of the server's start.
pub fn write_json(event: &Event<'_>, server: &Server<'_>, sequence: u64, out: &mut Vec<u8>) {
    let session = &event.session;
    let mut object = Object { out };
    object.timestamp(r#"{"startTime":"#, event.start_time);
    object.timestamp(key!("logTime"), event.log_time);
    object.unsigned(key!("statementId"), Some(event.statement_id));
    object.unsigned(key!("substatementId"), Some(event.substatement_id));
    object.text(key!("objectType"), event.object_type);
    object.text(key!("command"), Some(event.command));
    object.text(key!("objectName"), event.object_name);
    object.text(key!("databaseName"), Some(session.database));
    object.text(key!("dbUserName"), Some(session.user));
    object.text(key!("remoteHost"), Some(session.remote_host));
    object.text(key!("remotePort"), Some(session.remote_port));
    object.session_id(key!("sessionId"), session.start, session.pid);
    object.unsigned(key!("rowCount"), event.row_count);
    object.text(key!("commandText"), event.command_text);
    object.texts(key!("paramList"), event.params.iter());
    object.signed(key!("pid"), i64::from(session.pid));
    object.text(key!("clientApplication"), session.application);
    object.text(key!("exitCode"), event.exit_code);
    object.text(key!("class"), Some(event.class.as_str()));
    object.text(key!("serverVersion"), Some(server.version));
    object.text(key!("serverType"), Some(server.server_type));
    object.text(key!("serviceName"), Some(server.service_name));
    object.text(key!("serverHost"), Some(session.server_host));
    object.text(key!("netProtocol"), Some(session.net_protocol.as_str()));
    object.text(key!("dbProtocol"), Some("Postgres 3.0"));
    object.text(key!("type"), Some("record"));
    object.text(key!("errorMessage"), event.error_message);
    object.unsigned(key!("sequence"), Some(sequence));
    object.text(key!("effectiveUserName"), event.effective_user);
    object.number_as_text(key!("transactionId"), event.transaction_id);
    object.number_as_text(key!("queryId"), event.query_id);
    if event.command_text_length.is_some() {
        object.unsigned(key!("commandTextLength"), event.command_text_length);
    }
    object.out.push(b'}');
}

struct Object<'a> {
    out: &'a mut Vec<u8>,
}

impl Object<'_> {
    /// A key with the punctuation around it.
    fn key(&mut self, key: &str) {
        self.out.extend_from_slice(key.as_bytes());
    }

    fn text(&mut self, key: &str, value: Option<&str>) {
        self.key(key);
        match value {
            Some(text) => write_string(text, self.out),
            None => self.out.extend_from_slice(b"null"),
        }
    }

    fn texts<'a>(&mut self, key: &str, values: impl Iterator<Item = &'a str>) {
        self.key(key);
        self.out.push(b'[');
        for (i, text) in values.enumerate() {
            if i > 0 {
                self.out.push(b',');
            }
            write_string(text, self.out);
        }
        self.out.push(b']');
    }

    fn unsigned(&mut self, key: &str, value: Option<u64>) {
        self.key(key);
        match value {
            Some(number) => self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
            None => self.out.extend_from_slice(b"null"),
        }
    }

    fn signed(&mut self, key: &str, value: i64) {
        self.key(key);
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    fn number_as_text(&mut self, key: &str, value: Option<impl itoa::Integer>) {
        self.key(key);
        match value {
            Some(number) => {
                self.out.push(b'"');
                self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
                self.out.push(b'"');
            }
            None => self.out.extend_from_slice(b"null"),
        }
    }

    /// As log_line_prefix `%c`: hexadecimal start and process id.
    fn session_id(&mut self, key: &str, start: i64, pid: i32) {
        self.key(key);
        self.out.push(b'"');
        write_hex(start, self.out);
        self.out.push(b'.');
        write_hex(i64::from(pid), self.out);
        self.out.push(b'"');
    }

    fn timestamp(&mut self, key: &str, at: Micros) {
        self.key(key);
        self.out.push(b'"');
        write_timestamp(at, self.out);
        self.out.push(b'"');
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn write_hex(value: i64, out: &mut Vec<u8>) {
    let digits = 16 - (value.leading_zeros() / 4).min(15);
    for i in (0..digits).rev() {
        out.extend(HEX.get((value >> (4 * i) & 0xf) as usize));
    }
}

/// JSON's escapes (RFC 8259, section 7) for the bytes that need one; 0 where none is needed, `u` for `\u00xx`.
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 0x20 {
        table[i] = b'u';
        i += 1;
    }
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0a] = b'n';
    table[0x0c] = b'f';
    table[0x0d] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

/// Appends `text` as a JSON string. Runs of plain bytes are copied as they are.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|b| ESCAPES[usize::from(*b)] != 0) {
        let (plain, after) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((byte, after)) = after.split_first() else { break };
        match ESCAPES[usize::from(*byte)] {
            b'u' => {
                out.extend_from_slice(b"\\u00");
                out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]);
            }
            escape => out.extend([b'\\', escape]),
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Appends a time as events have it: `2019-05-24 00:36:54.403455+00`.
pub fn write_timestamp(at: Micros, out: &mut Vec<u8>) {
    const MICROS_PER_DAY: i64 = 86_400_000_000;
    let (days, micros) = (at.div_euclid(MICROS_PER_DAY), at.rem_euclid(MICROS_PER_DAY));
    let (year, month, day) = civil_date(days);
    let seconds = micros / 1_000_000;
    write_padded(year, 4, out);
    out.push(b'-');
    write_padded(month, 2, out);
    out.push(b'-');
    write_padded(day, 2, out);
    out.push(b' ');
    write_padded(seconds / 3600, 2, out);
    out.push(b':');
    write_padded(seconds / 60 % 60, 2, out);
    out.push(b':');
    write_padded(seconds % 60, 2, out);
    out.push(b'.');
    write_padded(micros % 1_000_000, 6, out);
    out.extend_from_slice(b"+00");
}

fn write_padded(value: i64, digits: usize, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    let text = buffer.format(value.unsigned_abs());
    out.extend(std::iter::repeat_n(b'0', digits.saturating_sub(text.len())));
    out.extend_from_slice(text.as_bytes());
}

/// Year, month and day of the proleptic Gregorian calendar for a number of days since 1970-01-01.
///
/// Counts from 0000-03-01, so that a leap day is the last day of its year: 400 years have 146097 days.
fn civil_date(days: i64) -> (i64, i64, i64) {
    const DAYS_TO_1970: i64 = 719_468;
    const DAYS_PER_400_YEARS: i64 = 146_097;
    let shifted = days + DAYS_TO_1970;
    let (cycle, day) = (shifted.div_euclid(DAYS_PER_400_YEARS), shifted.rem_euclid(DAYS_PER_400_YEARS));
    let year_of_cycle = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = cycle * 400 + year_of_cycle + i64::from(month <= 2);
    (year, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(at: Micros) -> String {
        let mut out = Vec::new();
        write_timestamp(at, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn timestamps_are_utc_with_six_fraction_digits() {
        assert_eq!(stamp(0), "1970-01-01 00:00:00.000000+00");
        assert_eq!(stamp(1_558_658_214_403_455), "2019-05-24 00:36:54.403455+00");
        assert_eq!(stamp(951_782_400_000_001), "2000-02-29 00:00:00.000001+00");
        assert_eq!(stamp(-1), "1969-12-31 23:59:59.999999+00");
        assert_eq!(stamp(4_102_444_799_999_999), "2099-12-31 23:59:59.999999+00");
    }

    #[test]
    fn session_ids_are_those_of_log_line_prefix() {
        for (start, pid, expected) in
            [(0x5ce7_3c6f, 0x7e64, "5ce73c6f.7e64"), (0, 1, "0.1"), (16, 0x10, "10.10")]
        {
            let mut out = Vec::new();
            write_hex(start, &mut out);
            out.push(b'.');
            write_hex(pid, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn strings_are_escaped_as_json_wants_it() {
        for text in ["", "plain", "\"\\/\n\r\t\u{8}\u{c}\u{0}\u{1f}\u{7f}", "日本 é \u{2028}", "tail\\"] {
            let mut out = Vec::new();
            write_string(text, &mut out);
            let parsed: String = serde_json::from_slice(&out).unwrap();
            assert_eq!(parsed, text);
        }
    }
}
