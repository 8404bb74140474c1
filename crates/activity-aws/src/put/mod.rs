//! `PutRecords`: one request, and what became of each of its records.
//!
//! ```text
//!   first call of a client     SDK ──► Kinesis        `learn.rs` watches how
//!   PutRecords from then on    `direct.rs` ──► Kinesis
//! ```

mod answer;
mod clock;
mod direct;
mod learn;
mod sign;

use std::sync::{Arc, OnceLock};

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;

use self::answer::Entry;
use self::direct::Direct;
use self::learn::Learn;
use crate::connect::{Aws, Retries};
use crate::error::{AwsError, Call, bounded};
use crate::kind::ErrorKind;

const PUT_RECORDS: Call = Call::kinesis("PutRecords");

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Put {
    /// Kinesis keeps it.
    Stored,
    /// Kinesis does not keep it.
    Refused { kind: ErrorKind, code: String, message: String },
}

/// A client of Kinesis that sends records, each request in one attempt.
#[derive(Debug)]
pub(crate) struct PutClient {
    sdk: aws_sdk_kinesis::Client,
    learned: Arc<OnceLock<Direct>>,
}

impl PutClient {
    /// A client of this connection. No call is made.
    pub(crate) fn new(aws: &Aws) -> Self {
        let learned = Arc::default();
        let learn = Learn { learned: Arc::downgrade(&learned), identities: aws.identities().clone() };
        let config = aws.kinesis(Retries::Caller).config().to_builder().interceptor(learn).build();
        Self { sdk: aws_sdk_kinesis::Client::from_conf(config), learned }
    }

    /// For all other calls.
    pub(crate) fn sdk(&self) -> &aws_sdk_kinesis::Client {
        &self.sdk
    }

    /// Sends the records, each a partition key and its data, and tells what became of them, by position.
    ///
    /// An error means that any of them may have been stored, or none.
    pub(crate) async fn put<'a>(
        &self,
        stream_name: &str,
        records: impl ExactSizeIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Vec<Put>, AwsError> {
        let sent = records.len();
        let entries = match self.learned.get() {
            Some(direct) => {
                direct.put(stream_name, records).await.map_err(|error| PUT_RECORDS.failed(&error))?
            }
            None => self.put_by_sdk(stream_name, records).await?,
        };
        outcomes(entries, sent)
    }

    async fn put_by_sdk<'a>(
        &self,
        stream_name: &str,
        records: impl ExactSizeIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Vec<Entry>, AwsError> {
        let entries = records
            .map(|(key, data)| {
                PutRecordsRequestEntry::builder().partition_key(key).data(Blob::new(data)).build()
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| PUT_RECORDS.nonsense(error.to_string()))?;
        let request = self.sdk.put_records().stream_name(stream_name).set_records(Some(entries));
        let answer = request.send().await.map_err(|error| PUT_RECORDS.failed(&error))?;
        Ok(answer.records.into_iter().map(Entry::from).collect())
    }
}

fn outcomes(entries: Vec<Entry>, sent: usize) -> Result<Vec<Put>, AwsError> {
    let answered = entries.len();
    if answered != sent {
        return Err(PUT_RECORDS.nonsense(format!("the answer has {answered} entries for {sent} records")));
    }
    Ok(entries.into_iter().map(outcome).collect())
}

fn outcome(entry: Entry) -> Put {
    let code = entry.error_code.filter(|code| !code.is_empty());
    match (code, entry.sequence_number) {
        (Some(code), _) => Put::Refused {
            kind: ErrorKind::of(Some(&code), None),
            code: bounded(code),
            message: bounded(entry.error_message.unwrap_or_default()),
        },
        (None, Some(_)) => Put::Stored,
        // Neither stored nor refused: sent again, a duplicate is better than a gap.
        (None, None) => Put::Refused {
            kind: ErrorKind::Other,
            code: "NoSequenceNumber".to_owned(),
            message: "the answer says neither that the record was stored nor why not".to_owned(),
        },
    }
}

#[cfg(test)]
mod test;
