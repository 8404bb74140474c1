//! Our own output for known inputs, kept for ever: what was written once stays readable, and writing does not drift.

use std::path::PathBuf;

use activity_seal::esdk::{self, Suite, WrappingKey};
use activity_seal::random::{Random, RandomError};
use activity_seal::{Envelope, Limits, gzip, open};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// Set to write the fixtures anew, for a format that was never released.
const WRITE: &str = "ACTIVITY_WRITE_KNOWN_ANSWERS";

/// All binary members in base64.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct KnownAnswer {
    about: String,
    plaintext_data_key: String,
    encrypted_data_key: String,
    /// Payload of `message`: bytes that are not gzip, so that no compressor has a say in it.
    payload: String,
    message: String,
    /// A whole record; its gzip was made once and is only read.
    envelope: String,
    inner_json: String,
}

/// 1, 2, 3 … 251, 1, 2 …
struct Counting(u8);

impl Random for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomError> {
        for byte in out {
            self.0 = self.0 % 251 + 1;
            *byte = self.0;
        }
        Ok(())
    }
}

fn fixture_path(suite: Suite) -> PathBuf {
    let name = format!("tests/fixtures/known-answer-{:04x}.json", suite.id());
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn data_key() -> [u8; 32] {
    std::array::from_fn(|i| u8::try_from(i * 7 + 1).unwrap())
}

/// One full frame and a part of a second.
fn payload() -> Vec<u8> {
    (0..5000_u32).map(|i| u8::try_from(i * i % 253).unwrap()).collect()
}

fn message(suite: Suite, payload: &[u8]) -> Vec<u8> {
    esdk::encrypt(payload, &WrappingKey::new(&data_key()), suite, &mut Counting(0)).unwrap()
}

fn make(suite: Suite) -> KnownAnswer {
    let inner_json = concat!(
        r#"{"type":"DatabaseActivityMonitoringRecord","clusterId":"cluster-AAAAAAAAAAAAAAAAAAAAAAAAAA","#,
        r#""instanceId":"db-BBBBBBBBBBBBBBBBBBBBBBBBBB","databaseActivityEventList":[{"type":"heartbeat"}]}"#
    );
    let compressed = gzip::compress(inner_json.as_bytes()).unwrap();
    let key = b"not a real KMS ciphertext".to_vec();
    let envelope = Envelope { message: message(suite, &compressed), key: key.clone() };
    KnownAnswer {
        about: format!("suite 0x{:04x}; randomness 1, 2, 3 … 251, 1, 2 …", suite.id()),
        plaintext_data_key: STANDARD.encode(data_key()),
        encrypted_data_key: STANDARD.encode(key),
        payload: STANDARD.encode(payload()),
        message: STANDARD.encode(message(suite, &payload())),
        envelope: String::from_utf8(envelope.to_json()).unwrap(),
        inner_json: inner_json.to_owned(),
    }
}

fn known_answer(suite: Suite) -> KnownAnswer {
    let path = fixture_path(suite);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&make(suite)).unwrap() + "\n").unwrap();
    }
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn check_suite(suite: Suite) {
    let known = known_answer(suite);
    let key = WrappingKey::new(&data_key());
    let payload = STANDARD.decode(&known.payload).unwrap();
    assert_eq!(payload, self::payload());

    let made = STANDARD.encode(message(suite, &payload));
    assert_eq!(made, known.message, "what is written changed");
    let message = STANDARD.decode(&known.message).unwrap();
    assert_eq!(esdk::decrypt(&message, &key, 5000).unwrap(), payload);

    let inner_json = open(known.envelope.as_bytes(), &data_key(), &Limits::default()).unwrap();
    assert_eq!(String::from_utf8(inner_json).unwrap(), known.inner_json);
    let envelope = Envelope::from_json(known.envelope.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(STANDARD.encode(envelope.key), known.encrypted_data_key);
}

#[test]
fn suite_0178_writes_and_reads_the_known_message() {
    check_suite(Suite::HkdfSha256);
}

#[test]
fn suite_0478_writes_and_reads_the_known_message() {
    check_suite(Suite::CommittingHkdfSha512);
}
