//! Records from files: envelopes as Kinesis holds them, one a line, one a file or one right behind the other as Firehose writes
//! them; and what `aws kinesis get-records` prints, whose `Records[].Data` are envelopes in base64.
//!
//! A file is read value by value. What is no JSON ends the reading of its file, since nothing tells where the
//! next record begins; that is an unreadable record, and so never passed over.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Largest JSON value in bytes. An answer of Kinesis has at most 10 MiB of data, in base64.
const MAX_VALUE_BYTES: u64 = 32 * 1024 * 1024;

/// What a file has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A record's data.
    Data(Vec<u8>),
    /// Something that is no record, and why.
    Unreadable(String),
}

#[derive(Deserialize)]
struct GetRecords<'a> {
    #[serde(borrow, rename = "Records")]
    records: Vec<Got<'a>>,
}

#[derive(Deserialize)]
struct Got<'a> {
    #[serde(borrow, rename = "Data")]
    data: std::borrow::Cow<'a, str>,
}

/// The records of a file, one after the other; an error of reading it as `Err`.
pub(crate) struct Items<R: Read> {
    values: serde_json::StreamDeserializer<'static, serde_json::de::IoRead<Bounded<R>>, Box<RawValue>>,
    left_bytes: Arc<AtomicU64>,
    /// Of one value, the last first.
    ready: Vec<Item>,
    is_over: bool,
}

impl<R: Read> Items<R> {
    /// Reads from here; give it something buffered.
    pub(crate) fn new(input: R) -> Self {
        let left_bytes = Arc::new(AtomicU64::new(MAX_VALUE_BYTES));
        let bounded = Bounded { input, left_bytes: Arc::clone(&left_bytes) };
        let values = serde_json::Deserializer::from_reader(bounded).into_iter();
        Self { values, left_bytes, ready: Vec::new(), is_over: false }
    }
}

impl<R: Read> Iterator for Items<R> {
    type Item = io::Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.ready.pop() {
                return Some(Ok(item));
            }
            if self.is_over {
                return None;
            }
            self.left_bytes.store(MAX_VALUE_BYTES, Ordering::Relaxed);
            match self.values.next()? {
                Ok(value) => {
                    self.ready = items(value.get());
                    self.ready.reverse();
                }
                Err(error) => {
                    self.is_over = true;
                    let is_too_long = self.left_bytes.load(Ordering::Relaxed) == 0;
                    if error.is_io() && !is_too_long {
                        return Some(Err(error.into()));
                    }
                    let reason = if is_too_long { "longer than any record" } else { "no JSON" };
                    let at = self.values.byte_offset();
                    let text = format!("byte {at}: {reason}; the rest of the file was not read");
                    return Some(Ok(Item::Unreadable(text)));
                }
            }
        }
    }
}

fn items(value: &str) -> Vec<Item> {
    let Ok(answer) = serde_json::from_str::<GetRecords<'_>>(value) else {
        return vec![Item::Data(value.as_bytes().to_vec())];
    };
    let decoded = answer.records.iter().map(|got| match STANDARD.decode(got.data.as_bytes()) {
        Ok(data) => Item::Data(data),
        Err(_) => Item::Unreadable("Data is no base64".to_owned()),
    });
    decoded.collect()
}

/// A reader that gives an error when more is read than is left.
pub(crate) struct Bounded<R> {
    input: R,
    left_bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.left_bytes.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        if left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let most = buffer.len().min(left);
        let read = self.input.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.left_bytes.fetch_sub(read.min(left) as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn read(text: &str) -> Vec<Item> {
        Items::new(text.as_bytes()).map(|item| item.expect("no input error")).collect()
    }

    fn data(texts: &[&str]) -> Vec<Item> {
        texts.iter().map(|text| Item::Data(text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn envelopes_are_found_one_a_line_one_a_file_or_one_right_behind_the_other() {
        let (a, b) = (r#"{"type":"a","key":"}{"}"#, r#"{"type":"b"}"#);
        for text in [format!("{a}\n{b}\n"), format!("{a}{b}"), format!(" \n{a} \r\n\n {b}")] {
            assert_eq!(read(&text), data(&[a, b]), "{text}");
        }
        assert_eq!(read(a), data(&[a]));
        assert!(read("").is_empty() && read(" \n").is_empty());
    }

    #[test]
    fn the_answer_of_get_records_gives_the_data_of_its_records() {
        let answer = format!(
            r#"{{"Records":[{{"Data":"{}","PartitionKey":"p"}},{{"Data":"!"}},{{"Data":"{}"}}],"MillisBehindLatest":0}}"#,
            STANDARD.encode("one"),
            STANDARD.encode("two")
        );
        let mut expected = data(&["one", "two"]);
        expected.insert(1, Item::Unreadable("Data is no base64".to_owned()));
        assert_eq!(read(&answer), expected);
        assert!(read(r#"{"Records":[],"NextShardIterator":"x"}"#).is_empty());
    }

    #[test]
    fn what_is_no_json_is_told_and_ends_the_file() {
        for text in ["{\"a\":1}\n{broken\n{\"a\":2}", "{\"a\":1}{\"a\":", "{\"a\":1}garbage"] {
            let items = read(text);
            assert_eq!(items[..1], data(&["{\"a\":1}"]), "{text}");
            assert!(
                matches!(&items[1..], [Item::Unreadable(reason)] if reason.contains("no JSON")),
                "{items:?}"
            );
        }
    }

    #[test]
    fn a_value_that_does_not_end_takes_bounded_memory() {
        let endless = io::Read::chain(&b"{\"a\":1}[\""[..], io::repeat(b'x'));
        let items: Vec<_> =
            Items::new(io::BufReader::new(endless)).map(|item| item.expect("bounded")).collect();
        assert!(matches!(&items[1..], [Item::Unreadable(reason)] if reason.contains("longer")), "{items:?}");
    }

    #[test]
    fn an_error_of_reading_is_none_of_the_records() {
        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::PermissionDenied.into())
            }
        }
        let mut items = Items::new(io::Read::chain(&b"{}"[..], Fails));
        assert!(matches!(items.next(), Some(Ok(Item::Data(_)))));
        assert!(matches!(items.next(), Some(Err(error)) if error.kind() == io::ErrorKind::PermissionDenied));
        assert!(items.next().is_none());
    }
}
