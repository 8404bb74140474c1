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
