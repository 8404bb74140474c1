//! Streams: names that were made. A stream that is made is active at once, and has one shard.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;

use crate::answer::Answer;

/// Streams at once; a benchmark has one.
const MAX_STREAMS: usize = 64;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Asked {
    stream_name: String,
}

/// The streams that there are.
#[derive(Debug, Default)]
pub(crate) struct Streams(Mutex<HashSet<String>>);

impl Streams {
    fn names(&self) -> MutexGuard<'_, HashSet<String>> {
        // A set of names is whole after any panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn create(&self, body: &[u8], answer: &mut Answer) {
        let Some(name) = name(body, answer) else { return };
        let mut names = self.names();
        if names.len() >= MAX_STREAMS {
            answer.error("LimitExceededException", "there are too many streams");
        } else if names.insert(name) {
            answer.ok();
        } else {
            answer.error("ResourceInUseException", "the stream exists");
        }
    }

    pub(crate) fn describe(&self, body: &[u8], answer: &mut Answer) {
        let Some(name) = self.known(body, answer) else { return };
        let summary = serde_json::json!({"StreamDescriptionSummary": {
            "StreamName": name,
            "StreamARN": format!("arn:aws:kinesis:us-east-1:000000000000:stream/{name}"),
            "StreamStatus": "ACTIVE",
            "StreamModeDetails": {"StreamMode": "ON_DEMAND"},
            "RetentionPeriodHours": 24,
            "StreamCreationTimestamp": 0,
            "EnhancedMonitoring": [],
            "OpenShardCount": 1,
        }});
        answer.ok().extend_from_slice(summary.to_string().as_bytes());
    }

    pub(crate) fn list_shards(&self, body: &[u8], answer: &mut Answer) {
        if self.known(body, answer).is_none() {
            return;
        }
        let shards = serde_json::json!({"Shards": [{
            "ShardId": "shardId-000000000000",
            "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "340282366920938463463374607431768211455"},
            "SequenceNumberRange": {"StartingSequenceNumber": "0"},
        }]});
        answer.ok().extend_from_slice(shards.to_string().as_bytes());
    }

    /// Tags and retention: accepted, and forgotten.
    pub(crate) fn change(&self, body: &[u8], answer: &mut Answer) {
        if self.known(body, answer).is_some() {
            answer.ok();
        }
    }

    fn known(&self, body: &[u8], answer: &mut Answer) -> Option<String> {
        let name = name(body, answer)?;
        if self.names().contains(&name) {
            return Some(name);
        }
        answer.error("ResourceNotFoundException", "there is no such stream");
        None
    }
}

fn name(body: &[u8], answer: &mut Answer) -> Option<String> {
    let asked = serde_json::from_slice::<Asked>(body).ok();
    if asked.is_none() {
        answer.error("ValidationException", "StreamName is expected");
    }
    asked.map(|asked| asked.stream_name)
}
