//! `PutRecords`, without a JSON parser: how many records, how many bytes of data.
//!
//! A record's data is the only long string of a request, and base64 has no quote in it: from the quote that begins it the next
//! quote ends it. A name in quotes cannot occur within another string, since a quote is escaped there.

use std::io::Write as _;

/// The member of a record that has its data.
const DATA: &[u8] = b"\"Data\"";
/// Of base64, four characters are three bytes.
const BASE64_CHARACTERS: usize = 4;
const BASE64_BYTES: usize = 3;

/// What a request has.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) records: u64,
    /// Bytes of the records' data, without base64.
    pub(crate) data_bytes: u64,
}

/// Counts the records of a request.
pub(crate) fn scan(body: &[u8]) -> Taken {
    let mut taken = Taken::default();
    let mut rest = body;
    while let Some(at) = memchr::memmem::find(rest, DATA) {
        rest = rest.get(at + DATA.len()..).unwrap_or_default();
        // A partition key may be called "Data"; no colon follows it.
        let Some(text) = after_colon(rest) else { continue };
        let Some(length) = memchr::memchr(b'"', text) else { break };
        taken.records += 1;
        taken.data_bytes += decoded_bytes(text.get(..length).unwrap_or_default());
        rest = text.get(length + 1..).unwrap_or_default();
    }
    taken
}

/// What follows `: "`, with or without blanks.
fn after_colon(rest: &[u8]) -> Option<&[u8]> {
    rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")
}

fn decoded_bytes(base64: &[u8]) -> u64 {
    let padding = base64.iter().rev().take_while(|&&c| c == b'=').count();
    (base64.len() / BASE64_CHARACTERS * BASE64_BYTES).saturating_sub(padding) as u64
}

/// All records are stored, in one shard. Sequence numbers are as long as those of Kinesis: reading them is part of the price.
pub(crate) fn write_answer(first: u64, records: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"EncryptionType":"NONE","FailedRecordCount":0,"Records":["#);
    for number in 0..records {
        if number > 0 {
            out.push(b',');
        }
        let sequence = first + number;
        // Writing into memory cannot fail.
        let _written =
            write!(out, r#"{{"SequenceNumber":"4966{sequence:052}","ShardId":"shardId-000000000000"}}"#);
    }
    out.extend_from_slice(b"]}");
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn records_are_counted_with_the_bytes_that_base64_stands_for() {
        let body = br#"{"Records":[{"Data":"AAAA","PartitionKey":"a"},{"Data":"AAA=","PartitionKey":"b"},
            {"PartitionKey":"c", "Data" : "AA=="},{"Data":"","PartitionKey":"d"}],"StreamName":"s"}"#;
        assert_eq!(scan(body), Taken { records: 4, data_bytes: 3 + 2 + 1 });
    }

    #[test]
    fn a_partition_key_that_is_called_data_is_no_record() {
        let body = br#"{"Records":[{"PartitionKey":"Data","Data":"AAAA"},
            {"PartitionKey":"\"Data\":\"AAAA\"","Data":"AAAA"}]}"#;
        assert_eq!(scan(body), Taken { records: 2, data_bytes: 6 });
    }

    #[test]
    fn what_is_cut_off_or_no_request_has_the_records_that_are_whole() {
        assert_eq!(scan(br#"{"Records":[{"Data":"AAAA"},{"Data":"AA"#).records, 1);
        assert_eq!(scan(b""), Taken::default());
        assert_eq!(scan(br#""Data""#), Taken::default());
    }

    #[test]
    fn each_record_has_an_entry_with_a_number_of_its_own() {
        let mut out = Vec::new();
        write_answer(7, 3, &mut out);
        let answer: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let entries = answer["Records"].as_array().unwrap();
        let numbers: Vec<&str> = entries.iter().map(|e| e["SequenceNumber"].as_str().unwrap()).collect();
        assert_eq!(numbers.len(), 3);
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
        assert!(numbers.iter().all(|number| number.len() == 56), "{numbers:?}");
        assert_eq!(answer["FailedRecordCount"], 0);
    }
}
