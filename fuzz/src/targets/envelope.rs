//! Envelopes, and all the way from the data of a record to its inner JSON: what a consumer gets.
//!
//! * What is read is within the limits, and written it is read to the same.
//! * What was sealed opens to the same; changed, it opens to the same or not at all.

use activity_seal::envelope::EnvelopeError;
use activity_seal::esdk::Suite;
use activity_seal::limits::{MAX_CIPHERTEXT_BLOB_BYTES, MAX_RECORD_BYTES};
use activity_seal::{DataKey, Envelope, Limits, open, seal_with};

use super::esdk::{KEY, Sequence};
use crate::damage::damage;
use crate::input::Input;

const LIMITS: Limits = Limits { max_envelope_bytes: MAX_RECORD_BYTES, max_inner_bytes: 64 * 1024 };

pub(super) fn check(bytes: &[u8]) {
    envelope_of_anybody(bytes);
    record_of_ours(&mut Input::new(bytes));
}

fn envelope_of_anybody(json: &[u8]) {
    match Envelope::from_json(json, &LIMITS) {
        Ok(envelope) => {
            assert!((1..=MAX_CIPHERTEXT_BLOB_BYTES).contains(&envelope.key.len()));
            assert!(envelope.message.len() < json.len());
            let written = envelope.to_json();
            assert_eq!(written.len(), envelope.json_bytes());
            let limit_bytes = written.len() - 1;
            let tight = Limits { max_envelope_bytes: limit_bytes, ..LIMITS };
            assert_eq!(Envelope::from_json(&written, &tight), Err(EnvelopeError::TooLarge { limit_bytes }));
            assert_eq!(Envelope::from_json(&written, &LIMITS), Ok(envelope));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(inner) = open(json, &KEY, &LIMITS) {
        assert!(inner.len() <= LIMITS.max_inner_bytes);
    }
}

fn record_of_ours(input: &mut Input<'_>) {
    let suite = input.pick(&[Suite::HkdfSha256, Suite::CommittingHkdfSha512]);
    let mut random = Sequence(input.u64());
    let blob = input.bytes(1 + usize::from(input.clone().u8())).to_vec();
    let length = input.below(4096);
    let inner = input.bytes(length).to_vec();
    let Ok(key) = DataKey::new(&KEY, blob) else { return };
    let sealed = seal_with(&inner, &key, suite, &mut random).expect("a record");
    assert_eq!(open(&sealed, &KEY, &LIMITS), Ok(inner.clone()));
    let mut changed = sealed;
    damage(&mut changed, input);
    // The version, spaces and the key's ciphertext can be changed: they are not the message.
    if let Ok(opened) = open(&changed, &KEY, &LIMITS) {
        assert_eq!(opened, inner, "a changed record opens to something else");
    }
}
