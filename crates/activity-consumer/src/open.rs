//! From a record's data to its inner JSON: the envelope, its data key from KMS or the cache, the sealed message.
//!
//! # What a failure of KMS means
//!
//! | KMS says | the record | remembered |
//! |---|---|---|
//! | not this cluster's key, or no ciphertext at all | cannot be read | yes |
//! | key disabled or deleted, a nonsense answer | cannot be read | no |
//! | not allowed, no credentials | ends the program; but not allowed after another key was opened: cannot be read | no |
//! | throttled, unavailable, no connection | waits | no |
//!
//! The exception is there because whoever may write to the stream may name a key of another account: that must not
//! stop the reading of everything else.

use activity_aws::{AwsError, ErrorKind};
use activity_seal::esdk::WrappingKey;
use activity_seal::open::open_envelope;
use activity_seal::{Envelope, Limits, OpenError};

use crate::key_cache::KeyCache;
use crate::source::Unwrap;

/// Opens records.
#[derive(Debug)]
pub(crate) struct Opener<K> {
    kms: K,
    keys: KeyCache,
    kms_calls: u64,
    has_opened_a_key: bool,
}

/// Why a record was not opened.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenFailure {
    /// It never will be.
    #[error("{0}")]
    Unreadable(String),
    /// KMS gives no answer for now.
    #[error("{0}")]
    Later(AwsError),
    /// None will be.
    #[error("{0}")]
    Fatal(AwsError),
}

impl From<OpenError> for OpenFailure {
    fn from(error: OpenError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl<K: Unwrap> Opener<K> {
    pub(crate) fn new(kms: K) -> Self {
        Self { kms, keys: KeyCache::default(), kms_calls: 0, has_opened_a_key: false }
    }

    /// How often KMS was asked.
    pub(crate) fn kms_calls(&self) -> u64 {
        self.kms_calls
    }

    /// The record's inner JSON, authenticated and not parsed.
    pub(crate) async fn open(&mut self, data: &[u8]) -> Result<Vec<u8>, OpenFailure> {
        let limits = Limits::default();
        let envelope = Envelope::from_json(data, &limits).map_err(OpenError::from)?;
        let key = self.key(&envelope.key).await?;
        Ok(open_envelope(&envelope, key, &limits)?)
    }

    async fn key(&mut self, ciphertext_blob: &[u8]) -> Result<&WrappingKey, OpenFailure> {
        if self.keys.get(ciphertext_blob).is_none() {
            self.kms_calls += 1;
            let verdict = match self.kms.unwrap(ciphertext_blob).await {
                Ok(key) => {
                    self.has_opened_a_key = true;
                    Ok(key)
                }
                Err(error) => Err(self.refusal(error)?),
            };
            self.keys.insert(ciphertext_blob, verdict);
        }
        match self.keys.get(ciphertext_blob) {
            Some(Ok(key)) => Ok(key),
            Some(Err(reason)) => Err(OpenFailure::Unreadable(reason.clone())),
            None => Err(OpenFailure::Unreadable("the data key was not kept".to_owned())),
        }
    }

    /// Why this key will never be opened; `Err` where that is not for ever.
    fn refusal(&self, error: AwsError) -> Result<String, OpenFailure> {
        match error.kind {
            ErrorKind::Ciphertext | ErrorKind::Invalid => Ok(error.to_string()),
            ErrorKind::AccessDenied if self.has_opened_a_key => {
                Err(OpenFailure::Unreadable(error.to_string()))
            }
            ErrorKind::AccessDenied | ErrorKind::Credentials => Err(OpenFailure::Fatal(error)),
            ErrorKind::Limit => Err(OpenFailure::Later(error)),
            _ if error.is_transient() => Err(OpenFailure::Later(error)),
            _ => Err(OpenFailure::Unreadable(error.to_string())),
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::fake::{FakeKms, error, sealed};

    fn kms() -> &'static FakeKms {
        Box::leak(Box::default())
    }

    fn opener(kms: &'static FakeKms) -> Opener<&'static FakeKms> {
        Opener::new(kms)
    }

    fn data(key_blob: &[u8], json: &str) -> Vec<u8> {
        sealed("1", key_blob, json).data
    }

    #[tokio::test]
    async fn kms_is_asked_once_for_each_data_key() {
        let kms = kms();
        let mut opener = opener(kms);
        for (key, json) in [("a", "1"), ("b", "2"), ("a", "3"), ("a", "4"), ("b", "5")] {
            let opened = opener.open(&data(key.as_bytes(), json)).await;
            assert_eq!(opened.as_deref(), Ok(json.as_bytes()));
        }
        assert_eq!(kms.asked(), [b"a", b"b"]);
        assert_eq!(opener.kms_calls(), 2);
    }

    #[tokio::test]
    async fn a_key_of_another_cluster_is_asked_for_once_and_each_of_its_records_is_unreadable() {
        let kms = kms();
        kms.fail(error(ErrorKind::Ciphertext));
        let mut opener = opener(kms);
        for _ in 0..3 {
            let failure = opener.open(&data(b"foreign", "1")).await.expect_err("unreadable");
            let OpenFailure::Unreadable(reason) = failure else { panic!("{failure:?}") };
            assert!(reason.contains("cluster id"), "{reason}");
        }
        assert_eq!(opener.open(&data(b"ours", "1")).await.as_deref(), Ok(&b"1"[..]));
        assert_eq!(kms.asked().len(), 2);
    }

    #[tokio::test]
    async fn a_disabled_key_is_asked_for_again() {
        let kms = kms();
        kms.fail(error(ErrorKind::NotActive));
        let mut opener = opener(kms);
        assert!(matches!(opener.open(&data(b"k", "1")).await, Err(OpenFailure::Unreadable(_))));
        assert!(opener.open(&data(b"k", "1")).await.is_ok());
    }

    #[tokio::test]
    async fn an_outage_of_kms_is_not_the_records_fault() {
        let kms = kms();
        for kind in [ErrorKind::Throttled, ErrorKind::Unavailable, ErrorKind::Timeout, ErrorKind::Connection]
        {
            kms.fail(error(kind));
            let failure = opener(kms).open(&data(b"k", "1")).await.expect_err("later");
            assert_eq!(failure, OpenFailure::Later(error(kind)));
        }
    }

    #[tokio::test]
    async fn a_missing_right_is_fatal_unless_another_key_could_be_opened() {
        let kms = kms();
        kms.fail(error(ErrorKind::AccessDenied));
        let mut opener = opener(kms);
        let failure = opener.open(&data(b"ours", "1")).await.expect_err("fatal");
        assert_eq!(failure, OpenFailure::Fatal(error(ErrorKind::AccessDenied)));
        assert!(opener.open(&data(b"ours", "1")).await.is_ok());
        kms.fail(error(ErrorKind::AccessDenied));
        assert!(matches!(opener.open(&data(b"theirs", "1")).await, Err(OpenFailure::Unreadable(_))));
        kms.fail(error(ErrorKind::Credentials));
        assert!(matches!(opener.open(&data(b"theirs", "1")).await, Err(OpenFailure::Fatal(_))));
    }

    #[tokio::test]
    async fn what_is_no_record_of_ours_or_was_changed_is_unreadable() {
        let kms = kms();
        let mut opener = opener(kms);
        for data in [&b""[..], b"{}", b"not JSON", &[0xff; 100]] {
            assert!(matches!(opener.open(data).await, Err(OpenFailure::Unreadable(_))), "{data:?}");
        }
        assert!(kms.asked().is_empty());
        let good = data(b"k", "a longer text");
        let start = good.windows(2).position(|two| two == b"\":").expect("a member") + 120;
        let mut changed = good.clone();
        changed[start] = if changed[start] == b'A' { b'B' } else { b'A' };
        assert!(matches!(opener.open(&changed).await, Err(OpenFailure::Unreadable(_))));
        assert!(opener.open(&good).await.is_ok());
    }
}
