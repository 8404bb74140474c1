//! The consumer's KMS: from the encrypted data key of an envelope to the key that opens it.

use activity_seal::ENCRYPTION_CONTEXT_KEY;
use activity_seal::esdk::WrappingKey;
use aws_sdk_kms::primitives::Blob;
use zeroize::Zeroize;

use crate::connect::{Aws, Retries};
use crate::error::{AwsError, Call};

const DECRYPT: Call = Call::kms("Decrypt");

/// Decrypts data keys of one cluster. The SDK retries passing failures.
#[derive(Debug, Clone)]
pub struct KmsUnwrap {
    client: aws_sdk_kms::Client,
    cluster_id: String,
}

impl KmsUnwrap {
    /// For the cluster whose records are read; KMS refuses the keys of any other.
    #[must_use]
    pub fn new(aws: &Aws, cluster_id: impl Into<String>) -> Self {
        Self { client: aws.kms(Retries::Sdk), cluster_id: cluster_id.into() }
    }

    /// The plaintext of an envelope's `key`. One call each: the caller caches, by the ciphertext's bytes.
    ///
    /// # Errors
    /// [`AwsError`]; of kind `Ciphertext` when the key is not this cluster's or not whole.
    pub async fn unwrap(&self, ciphertext_blob: &[u8]) -> Result<WrappingKey, AwsError> {
        let answer = self
            .client
            .decrypt()
            .ciphertext_blob(Blob::new(ciphertext_blob))
            .encryption_context(ENCRYPTION_CONTEXT_KEY, &self.cluster_id)
            .send()
            .await
            .map_err(|error| DECRYPT.failed(&error))?;
        let Some(plaintext) = answer.plaintext else {
            return Err(DECRYPT.nonsense("the answer has no plaintext"));
        };
        let mut plaintext = plaintext.into_inner();
        let key = <&[u8; 32]>::try_from(plaintext.as_slice()).map(WrappingKey::new).map_err(|_| {
            DECRYPT.nonsense(format!("the data key has {} bytes instead of 32", plaintext.len()))
        });
        plaintext.zeroize();
        key
    }
}

#[cfg(test)]
mod test {
    use activity_seal::open::open_envelope;
    use activity_seal::{DataKey, Envelope, Limits};

    use super::*;
    use crate::ErrorKind;
    use crate::canned::{Answer, Canned};
    use crate::connect::test::aws;

    async fn unwrap(answer: Answer) -> (Result<WrappingKey, AwsError>, Canned) {
        let server = Canned::start([answer]);
        let kms = KmsUnwrap::new(&aws(&server.url).await, "cluster-A");
        (kms.unwrap(b"wrapped").await, server)
    }

    #[tokio::test]
    async fn the_key_is_decrypted_under_the_clusters_context() {
        let (key, server) =
            unwrap(Answer::ok(r#"{"KeyId":"k","Plaintext":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}"#))
                .await;
        let sealed = activity_seal::seal(b"{}", &DataKey::new(&[1; 32], vec![0]).unwrap()).unwrap();
        let limits = Limits::default();
        let envelope = Envelope::from_json(&sealed, &limits).unwrap();
        assert_eq!(open_envelope(&envelope, &key.expect("a key"), &limits).unwrap(), b"{}");
        let body = &server.asked()[0].body;
        assert!(body.contains(r#""EncryptionContext":{"aws:rds:dbc-id":"cluster-A"}"#), "{body}");
        assert!(body.contains(r#""CiphertextBlob":"d3JhcHBlZA==""#), "{body}");
    }

    #[tokio::test]
    async fn a_key_of_another_cluster_is_told_as_such() {
        // What KMS answers to a wrong encryption context has no message.
        let (key, _) = unwrap(Answer::json(400, r#"{"__type":"InvalidCiphertextException"}"#)).await;
        let error = key.expect_err("refused");
        assert_eq!(error.kind, ErrorKind::Ciphertext);
        assert!(error.to_string().contains("cluster id"), "{error}");
    }

    #[tokio::test]
    async fn kms_states_of_a_key_are_told_apart() {
        for (code, kind) in [
            ("DisabledException", ErrorKind::NotActive),
            ("KMSInvalidStateException", ErrorKind::NotActive),
            ("NotFoundException", ErrorKind::NotFound),
            ("AccessDeniedException", ErrorKind::AccessDenied),
            ("IncorrectKeyException", ErrorKind::Ciphertext),
        ] {
            let (key, _) = unwrap(Answer::error(400, code, "m")).await;
            assert_eq!(key.expect_err(code).kind, kind, "{code}");
        }
    }

    #[tokio::test]
    async fn an_answer_without_a_whole_key_is_an_error() {
        for body in [r#"{"KeyId":"k"}"#, r#"{"Plaintext":"AQE="}"#] {
            let (key, _) = unwrap(Answer::ok(body)).await;
            assert_eq!(key.expect_err(body).kind, ErrorKind::Other);
        }
    }
}
