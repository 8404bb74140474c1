//! `GenerateDataKey`: random bytes, twice.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::answer::Answer;

/// AES-256.
const PLAINTEXT_BYTES: usize = 32;
/// About what KMS makes of a data key of that size.
const WRAPPED_BYTES: usize = 184;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Asked {
    key_id: String,
    key_spec: String,
}

/// A new key, whatever KMS key is named.
pub(crate) fn generate(body: &[u8], answer: &mut Answer) {
    match serde_json::from_slice::<Asked>(body) {
        Ok(asked) if asked.key_spec == "AES_256" && !asked.key_id.is_empty() => {}
        _ => return answer.error("ValidationException", "KeyId, and KeySpec AES_256, are expected"),
    }
    let (mut plaintext, mut wrapped) = ([0; PLAINTEXT_BYTES], [0; WRAPPED_BYTES]);
    if getrandom::fill(&mut plaintext).and_then(|()| getrandom::fill(&mut wrapped)).is_err() {
        return answer.error("KMSInternalException", "there are no random bytes");
    }
    let text = format!(
        r#"{{"CiphertextBlob":"{}","KeyId":"arn:aws:kms:us-east-1:000000000000:key/bench","Plaintext":"{}"}}"#,
        STANDARD.encode(wrapped),
        STANDARD.encode(plaintext),
    );
    answer.ok().extend_from_slice(text.as_bytes());
}
