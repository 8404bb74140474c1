//! AWS's own Encryption SDK for Python opens what we write, and we open what it writes.
//!
//! It needs a Python with the packages of `interop/requirements.txt`: the one that `ACTIVITY_TEST_PYTHON` names, or
//! else `python3`. Without one these tests fail; `ACTIVITY_SKIP_INTEROP=1` passes them by.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use activity_seal::esdk::{self, EsdkError, FRAME_BYTES, Suite, WrappingKey};
use activity_seal::inner::{InnerRecord, Place};
use activity_seal::random::SystemRandom;
use activity_seal::{Chain, DataKey, seal, seal_with};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const KEY: [u8; 32] = *b"a data key, as KMS would make it";
const SUITES: [Suite; 2] = [Suite::HkdfSha256, Suite::CommittingHkdfSha512];

fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

/// The Python to use; `None` when the tests are to be passed by.
fn python() -> Option<String> {
    if std::env::var("ACTIVITY_SKIP_INTEROP").is_ok_and(|value| value == "1") {
        eprintln!("ACTIVITY_SKIP_INTEROP=1: interoperability with AWS's library is not tested");
        return None;
    }
    let python = std::env::var("ACTIVITY_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let imports = Command::new(&python)
        .args(["-c", "import aws_encryption_sdk, aws_cryptographic_material_providers"])
        .output();
    assert!(
        imports.is_ok_and(|output| output.status.success()),
        "`{python}` cannot import aws_encryption_sdk, with which our messages are checked.\n\
         `make test` installs it and runs everything. By hand: make a virtual environment, install \
         crates/activity-seal/tests/interop/requirements.txt into it and set ACTIVITY_TEST_PYTHON to its python.\n\
         To pass these tests by set ACTIVITY_SKIP_INTEROP=1."
    );
    Some(python)
}

/// Lets AWS's library do `jobs`; `None` when the tests are to be passed by.
fn aws_library(jobs: &Value) -> Option<Value> {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/interop/aws_library.py");
    let mut child = Command::new(python()?)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    // The script reads all of its input before it writes, so that neither pipe can block the other.
    child.stdin.take().unwrap().write_all(jobs.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the Python side failed: {}", output.status);
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn jobs(open: &[Value], open_record: &[Value], make: &[Value]) -> Value {
    json!({ "open": open, "open_record": open_record, "make": make })
}

/// Bytes without a pattern of the frame length.
fn plaintext(length: usize) -> Vec<u8> {
    (0..length).map(|i| u8::try_from((i * 31 + i / 251) % 256).unwrap()).collect()
}

#[test]
fn aws_library_opens_our_messages_of_every_length_and_suite() {
    let frame = usize::try_from(FRAME_BYTES).unwrap();
    let lengths = [0, 1, 172, frame - 1, frame, frame + 1, 2 * frame, 3 * frame + 7, 100_000];
    let cases: Vec<(Suite, usize)> =
        SUITES.into_iter().flat_map(|suite| lengths.map(|length| (suite, length))).collect();
    let wrapping_key = WrappingKey::new(&KEY);
    let open: Vec<Value> = cases
        .iter()
        .map(|&(suite, length)| {
            let made = esdk::encrypt(&plaintext(length), &wrapping_key, suite, &mut SystemRandom).unwrap();
            json!({ "key": base64(&KEY), "message": base64(&made) })
        })
        .collect();
    let Some(results) = aws_library(&jobs(&open, &[], &[])) else { return };
    let opened = results["open"].as_array().unwrap();
    assert_eq!(opened.len(), cases.len());
    for ((suite, length), result) in cases.into_iter().zip(opened) {
        let expected = json!({
            "plaintext": base64(&plaintext(length)), "suite": suite.id(), "frame_bytes": FRAME_BYTES, "context": {},
        });
        assert_eq!(result["master_key"], expected, "{suite:?}, {length} bytes, master key");
        assert_eq!(result["keyring"], expected, "{suite:?}, {length} bytes, keyring");
        match suite {
            Suite::HkdfSha256 => assert!(result["default_policy"]["refused"].is_string(), "{result}"),
            Suite::CommittingHkdfSha512 => assert_eq!(result["default_policy"], expected),
        }
    }
}

#[test]
fn aws_library_opens_the_committed_known_answers() {
    let fixtures: Vec<Value> =
        [include_str!("fixtures/known-answer-0178.json"), include_str!("fixtures/known-answer-0478.json")]
            .iter()
            .map(|text| serde_json::from_str(text).unwrap())
            .collect();
    let open: Vec<Value> = fixtures
        .iter()
        .map(|known| json!({ "key": known["plaintext_data_key"], "message": known["message"] }))
        .collect();
    let records: Vec<Value> = fixtures
        .iter()
        .map(|known| json!({ "key": known["plaintext_data_key"], "record": known["envelope"] }))
        .collect();
    let Some(results) = aws_library(&jobs(&open, &records, &[])) else { return };
    for (index, known) in fixtures.iter().enumerate() {
        assert_eq!(results["open"][index]["keyring"]["plaintext"], known["payload"]);
        assert_eq!(results["open_record"][index]["inner"], known["inner_json"]);
    }
}

#[test]
fn a_consumer_reads_a_whole_record_with_aws_library() {
    let data_key = DataKey::new(&KEY, vec![0xC1; 184]).unwrap();
    let mut record =
        InnerRecord::new("cluster-AAAAAAAAAAAAAAAAAAAAAAAAAA", "db-BBBBBBBBBBBBBBBBBBBBBBBBBB", 0);
    for number in 0..2000 {
        record.push(format!(r#"{{"statementId":{number},"commandText":"SELECT 'Zürich €'"}}"#).as_bytes());
    }
    let inner = record.finish(Some(Place { epoch: "e-1", first_sequence: 77, chain: Chain::begin("e-1") }));
    let records = [
        seal(&inner, &data_key).unwrap(),
        seal_with(&inner, &data_key, Suite::CommittingHkdfSha512, &mut SystemRandom).unwrap(),
    ];
    let open: Vec<Value> = records
        .iter()
        .map(|record| json!({ "key": base64(&KEY), "record": String::from_utf8(record.clone()).unwrap() }))
        .collect();
    let Some(results) = aws_library(&jobs(&[], &open, &[])) else { return };
    let opened = results["open_record"].as_array().unwrap();
    assert_eq!(opened.len(), records.len());
    for result in opened {
        assert_eq!(result["members"], json!(["type", "version", "databaseActivityEvents", "key"]));
        assert_eq!(result["data_key"], base64(&[0xC1; 184]));
        assert_eq!(result["inner"], String::from_utf8(inner.clone()).unwrap());
    }
}

#[test]
fn we_open_messages_of_aws_library_of_every_length_frame_and_suite() {
    let mut cases = Vec::new();
    for suite in SUITES {
        for by in ["master_key", "keyring"] {
            for (length, frame_bytes) in [
                (0, 4096),
                (1, 4096),
                (4095, 4096),
                (4096, 4096),
                (8192, 4096),
                (20_000, 4096),
                // AWS's library takes multiples of 128 only.
                (5, 128),
                (256, 128),
                (3000, 128),
                (3000, 1024),
                (100_000, 65_536),
                (10, 2_147_483_520),
            ] {
                cases.push((suite, by, length, frame_bytes));
            }
        }
    }
    let make: Vec<Value> = cases
        .iter()
        .map(|&(suite, by, length, frame_bytes)| {
            json!({
                "key": base64(&KEY), "key_name": "DataKey", "suite": suite.id(), "by": by, "context": {},
                "frame_bytes": frame_bytes, "plaintext": base64(&plaintext(length)),
            })
        })
        .collect();
    let Some(results) = aws_library(&jobs(&[], &[], &make)) else { return };
    let made = results["make"].as_array().unwrap();
    assert_eq!(made.len(), cases.len());
    let wrapping_key = WrappingKey::new(&KEY);
    for ((suite, by, length, frame_bytes), result) in cases.into_iter().zip(made) {
        let message = bytes(&result["message"]);
        let name = format!("{suite:?} by {by}, {length} bytes in frames of {frame_bytes}");
        assert_eq!(esdk::decrypt(&message, &wrapping_key, length), Ok(plaintext(length)), "{name}");
        assert_eq!(
            esdk::decrypt(&message, &WrappingKey::new(&[0; 32]), length),
            Err(EsdkError::NotAuthentic),
            "{name}, wrong key"
        );
    }
}

#[test]
fn messages_of_aws_library_that_are_none_of_a_stream_are_refused() {
    let job = |key_name: &str, suite: u16, frame_bytes: u32, context: Value| {
        json!({
            "key": base64(&KEY), "key_name": key_name, "suite": suite, "by": "keyring", "context": context,
            "frame_bytes": frame_bytes, "plaintext": base64(b"x"),
        })
    };
    let cases = [
        (job("OtherKey", 0x0178, 4096, json!({})), "key name"),
        (job("DataKey", 0x0178, 4096, json!({ "purpose": "another" })), "encryption context"),
        (job("DataKey", 0x0178, 0, json!({})), "content type"),
        (job("DataKey", 0x0378, 4096, json!({})), "algorithm suite"),
        (job("DataKey", 0x0078, 4096, json!({})), "algorithm suite"),
        (job("DataKey", 0x0578, 4096, json!({})), "algorithm suite"),
    ];
    let make: Vec<Value> = cases.iter().map(|(job, _)| job.clone()).collect();
    let Some(results) = aws_library(&jobs(&[], &[], &make)) else { return };
    let wrapping_key = WrappingKey::new(&KEY);
    for (index, (_, what)) in cases.into_iter().enumerate() {
        let message = bytes(&results["make"][index]["message"]);
        assert_eq!(esdk::decrypt(&message, &wrapping_key, 10), Err(EsdkError::Unsupported(what)));
    }
}
