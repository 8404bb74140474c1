//! The layout of our messages against two real records of Amazon Aurora, byte by byte.
//!
//! Nobody has the keys of the real records. So ours are made with the same message id and wrap IV and a payload of
//! the same length, then exactly the bytes that depend on keys are copied over from the real one: what remains,
//! every fixed byte and every length, must make the two equal.

use activity_seal::esdk::{self, Header, Suite, WrappingKey};
use activity_seal::random::{Random, RandomError};
use activity_seal::{Envelope, Limits, gzip, inner};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const RECORD_2023: &str = include_str!("fixtures/real-encrypted-record-jorke-2023.json");
const LAMBDA_EVENT_2022: &str =
    include_str!("fixtures/real-kinesis-lambda-event-heartbeat-powertools-2022.json");

/// One part of a message with suite 0x0178, one frame and no encryption context.
enum Part {
    Fixed(&'static [u8]),
    /// As many bytes as said, taken from the source of randomness.
    Random(usize),
    /// As many bytes as said, that depend on keys.
    Keyed(usize),
    PayloadLength,
    Payload,
}

use Part::{Fixed, Keyed, Payload, PayloadLength, Random as FromRandom};

/// The message in the order of its bytes, written down from the format reference and from nothing in `src/`.
const LAYOUT: &[(&str, Part)] = &[
    ("message version", Fixed(&[0x01])),
    ("message type", Fixed(&[0x80])),
    ("algorithm suite", Fixed(&[0x01, 0x78])),
    ("message id", FromRandom(16)),
    ("length of the encryption context", Fixed(&[0, 0])),
    ("number of encrypted data keys", Fixed(&[0, 1])),
    ("length of the provider id", Fixed(&[0, 2])),
    ("provider id", Fixed(b"BC")),
    ("length of the provider information", Fixed(&[0, 27])),
    ("key name", Fixed(b"DataKey")),
    ("tag length in bits", Fixed(&[0, 0, 0, 128])),
    ("IV length", Fixed(&[0, 0, 0, 12])),
    ("wrap IV", FromRandom(12)),
    ("length of the encrypted key", Fixed(&[0, 48])),
    ("encrypted key and its tag", Keyed(48)),
    ("content type", Fixed(&[2])),
    ("reserved", Fixed(&[0, 0, 0, 0])),
    ("header IV length", Fixed(&[12])),
    ("frame length", Fixed(&[0, 0, 0x10, 0])),
    ("header IV", Fixed(&[0; 12])),
    ("header tag", Keyed(16)),
    ("mark of the last frame", Fixed(&[0xff, 0xff, 0xff, 0xff])),
    ("sequence", Fixed(&[0, 0, 0, 1])),
    ("frame IV", Fixed(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])),
    ("payload length", PayloadLength),
    ("payload", Payload),
    ("frame tag", Keyed(16)),
];

/// Gives the bytes it was made with, then zeros.
struct Scripted(Vec<u8>);

impl Random for Scripted {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomError> {
        let given = self.0.len().min(out.len());
        out.fill(0);
        out[..given].copy_from_slice(&self.0[..given]);
        self.0.drain(..given);
        Ok(())
    }
}

fn lambda_record_2022() -> String {
    let event: serde_json::Value = serde_json::from_str(LAMBDA_EVENT_2022).unwrap();
    let data = event["records"][0]["kinesis"]["data"].as_str().unwrap();
    String::from_utf8(STANDARD.decode(data).unwrap()).unwrap()
}

/// The two real records, each with the length of its gzip payload.
fn real_records() -> [(String, usize); 2] {
    [(RECORD_2023.trim_end().to_owned(), 172), (lambda_record_2022(), 173)]
}

fn parts_bytes(part: &Part, payload_bytes: usize) -> usize {
    match part {
        Fixed(bytes) => bytes.len(),
        FromRandom(bytes) | Keyed(bytes) => *bytes,
        PayloadLength => 4,
        Payload => payload_bytes,
    }
}

#[test]
fn envelopes_of_both_real_records_are_rebuilt_to_the_same_bytes() {
    for (record, _) in real_records() {
        let envelope = Envelope::from_json(record.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(envelope.key.len(), 184, "a KMS ciphertext of 32 bytes");
        assert_eq!(String::from_utf8(envelope.to_json()).unwrap(), record);
        assert_eq!(envelope.json_bytes(), record.len());
    }
}

#[test]
fn both_real_records_have_the_written_layout_and_nothing_else() {
    for (record, payload_bytes) in real_records() {
        let message = Envelope::from_json(record.as_bytes(), &Limits::default()).unwrap().message;
        let mut at = 0;
        for (name, part) in LAYOUT {
            let bytes = &message[at..at + parts_bytes(part, payload_bytes)];
            match part {
                Fixed(expected) => assert_eq!(bytes, *expected, "{name} at byte {at}"),
                PayloadLength => assert_eq!(bytes, u32::try_from(payload_bytes).unwrap().to_be_bytes()),
                FromRandom(_) | Keyed(_) => assert!(bytes.iter().any(|byte| *byte != 0), "{name}"),
                Payload => {}
            }
            at += bytes.len();
        }
        assert_eq!(at, message.len());
    }
}

#[test]
fn the_header_parser_finds_the_parts_of_both_real_records() {
    for (record, _) in real_records() {
        let message = Envelope::from_json(record.as_bytes(), &Limits::default()).unwrap().message;
        let parsed = Header::parse(&message).unwrap();
        assert_eq!(parsed.header.suite, Suite::HkdfSha256);
        assert_eq!(parsed.header.message_id, &message[4..20]);
        assert_eq!(parsed.header.wrap_iv, &message[45..57]);
        assert_eq!(parsed.header.wrapped_key, &message[59..107]);
        assert_eq!(parsed.header.frame_bytes, 4096);
        assert!(parsed.header.commitment.is_empty());
        assert_eq!(parsed.covered, &message[..117]);
        assert_eq!(parsed.tag, &message[129..145]);
        assert_eq!(parsed.body, &message[145..]);
    }
}

#[test]
fn our_message_differs_from_both_real_ones_only_where_keys_decide() {
    for (record, payload_bytes) in real_records() {
        let real = Envelope::from_json(record.as_bytes(), &Limits::default()).unwrap().message;
        let mut randomness = Vec::new();
        let mut at = 0;
        for (_, part) in LAYOUT {
            let bytes = parts_bytes(part, payload_bytes);
            if matches!(part, FromRandom(_)) {
                randomness.extend_from_slice(&real[at..at + bytes]);
            }
            at += bytes;
        }

        let key = WrappingKey::new(&[7; 32]);
        let payload = vec![0x5a; payload_bytes];
        let mut ours = esdk::encrypt(&payload, &key, Suite::default(), &mut Scripted(randomness)).unwrap();
        assert_eq!(ours.len(), real.len());
        assert_eq!(esdk::decrypt(&ours, &key, payload_bytes).unwrap(), payload);

        let mut at = 0;
        for (name, part) in LAYOUT {
            let range = at..at + parts_bytes(part, payload_bytes);
            if matches!(part, Keyed(_) | Payload) {
                ours[range.clone()].copy_from_slice(&real[range.clone()]);
            }
            assert_eq!(ours[range.clone()], real[range.clone()], "{name} at byte {at}");
            at = range.end;
        }
        assert_eq!(ours, real);
    }
}

#[test]
fn a_real_record_is_refused_under_a_wrong_key_without_any_output() {
    for (record, _) in real_records() {
        let opened = activity_seal::open(record.as_bytes(), &[0; 32], &Limits::default());
        assert_eq!(opened.unwrap_err().to_string(), esdk::EsdkError::NotAuthentic.to_string());
    }
}

#[test]
fn our_heartbeat_has_about_the_size_of_the_real_ones() {
    let plain = inner::heartbeat("cluster-753QANBMP5KBJZOKGK76IZWZRE", "db-U3KBX7VJ5B3VQAJ4K6JTZTQ2ME");
    let compressed = gzip::compress(&plain).unwrap().len();
    assert!((165..=180).contains(&compressed), "{compressed} bytes against 172 and 173 of the real ones");
}
