//! `GenerateDataKey`: a new data key under the KMS key and the cluster's encryption context.

use activity_seal::{DataKey, ENCRYPTION_CONTEXT_KEY};
use aws_sdk_kms::types::DataKeySpec;
use zeroize::Zeroizing;

use crate::error::{AwsError, Call};

const GENERATE: Call = Call::kms("GenerateDataKey");

/// One call, one attempt. `key_id` is a key id, an alias (`alias/…`) or the ARN of either.
///
/// The copy of the plaintext made here is zeroized; the HTTP stack's buffers, out of reach here, are left to the process's allocator.
pub(crate) async fn data_key(
    client: &aws_sdk_kms::Client,
    key_id: &str,
    cluster_id: &str,
) -> Result<DataKey, AwsError> {
    let answer = client
        .generate_data_key()
        .key_id(key_id)
        .key_spec(DataKeySpec::Aes256)
        .encryption_context(ENCRYPTION_CONTEXT_KEY, cluster_id)
        .send()
        .await
        .map_err(|error| GENERATE.failed(&error))?;
    let plaintext = answer.plaintext.map(|blob| Zeroizing::new(blob.into_inner()));
    let (Some(plaintext), Some(ciphertext)) = (plaintext, answer.ciphertext_blob) else {
        return Err(GENERATE.nonsense("the answer is no whole data key"));
    };
    DataKey::new(&plaintext, ciphertext.into_inner()).map_err(|error| GENERATE.nonsense(error.to_string()))
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::ErrorKind;
    use crate::canned::{Answer, Canned};
    use crate::connect::Retries;
    use crate::connect::test::aws;

    async fn generate(answer: Answer) -> (Result<DataKey, AwsError>, Canned) {
        let server = Canned::start([answer]);
        let client = aws(&server.url).await.kms(Retries::Caller);
        (data_key(&client, "alias/audit", "cluster-A").await, server)
    }

    #[tokio::test]
    async fn the_key_is_made_for_the_cluster() {
        let (key, server) = generate(Answer::ok(
            r#"{"KeyId":"k","CiphertextBlob":"d3JhcHBlZA==",
                "Plaintext":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}"#,
        ))
        .await;
        assert_eq!(key.expect("a key").ciphertext_blob(), b"wrapped");
        let body = &server.asked()[0].body;
        for part in [
            r#""EncryptionContext":{"aws:rds:dbc-id":"cluster-A"}"#,
            r#""KeyId":"alias/audit""#,
            r#""KeySpec":"AES_256""#,
        ] {
            assert!(body.contains(part), "{part} in {body}");
        }
    }

    #[tokio::test]
    async fn what_kms_says_of_the_key_is_told_apart_in_one_attempt() {
        for (status, code, kind) in [
            (400, "DisabledException", ErrorKind::NotActive),
            (400, "KMSInvalidStateException", ErrorKind::NotActive),
            (400, "NotFoundException", ErrorKind::NotFound),
            (400, "AccessDeniedException", ErrorKind::AccessDenied),
            (400, "InvalidKeyUsageException", ErrorKind::Invalid),
            (400, "ThrottlingException", ErrorKind::Throttled),
            (500, "KeyUnavailableException", ErrorKind::Unavailable),
            (500, "DependencyTimeoutException", ErrorKind::Unavailable),
            (500, "KMSInternalException", ErrorKind::Unavailable),
        ] {
            let (key, server) = generate(Answer::error(status, code, "why")).await;
            let error = key.expect_err(code);
            assert_eq!(error.kind, kind, "{code}");
            let text = error.to_string();
            assert!(text.starts_with(&format!("KMS GenerateDataKey: {code}: why (request id ")), "{text}");
            assert_eq!(server.asked().len(), 1, "{code}");
        }
    }

    #[tokio::test]
    async fn half_a_key_is_an_error_that_shows_nothing_of_it() {
        for body in [
            r#"{"KeyId":"k","CiphertextBlob":"d3JhcHBlZA=="}"#,
            r#"{"KeyId":"k","Plaintext":"c2VjcmV0"}"#,
            r#"{"KeyId":"k","CiphertextBlob":"d3JhcHBlZA==","Plaintext":"c2VjcmV0"}"#,
            r#"{"KeyId":"k","CiphertextBlob":"","Plaintext":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}"#,
        ] {
            let (key, _) = generate(Answer::ok(body)).await;
            let error = key.expect_err(body);
            assert_eq!(error.kind, ErrorKind::Other);
            assert!(!error.to_string().contains("secret") && !error.to_string().contains("c2Vj"), "{error}");
        }
    }
}
