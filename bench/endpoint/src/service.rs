//! Which operation a request asks for.

use std::time::{Duration, Instant};

use crate::answer::Answer;
use crate::control::{self, Counters};
use crate::data_key;
use crate::delay::Delay;
use crate::put_records;
use crate::stream::Streams;

/// One request, whole.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// The header `X-Amz-Target`, such as `Kinesis_20131202.PutRecords`.
    pub(crate) target: &'a str,
    pub(crate) body: &'a [u8],
    /// When its last byte was read.
    pub(crate) arrived: Instant,
}

/// All that the connections share.
pub(crate) struct Service {
    pub(crate) counters: Counters,
    pub(crate) delay: Delay,
    streams: Streams,
}

impl Service {
    pub(crate) fn new(delay: Duration) -> Self {
        Self { counters: Counters::default(), delay: Delay::new(delay), streams: Streams::default() }
    }

    /// Answers when it is time.
    pub(crate) fn answer(&self, request: &Request<'_>, answer: &mut Answer) {
        if request.target.is_empty() {
            return control::answer(self, request, answer);
        }
        let operation = request.target.rsplit('.').next().unwrap_or_default();
        match operation {
            "PutRecords" => self.put_records(request, answer),
            "GenerateDataKey" => data_key::generate(request.body, answer),
            "DescribeStreamSummary" => self.streams.describe(request.body, answer),
            "CreateStream" => self.streams.create(request.body, answer),
            "ListShards" => self.streams.list_shards(request.body, answer),
            "AddTagsToStream" | "IncreaseStreamRetentionPeriod" | "DecreaseStreamRetentionPeriod" => {
                self.streams.change(request.body, answer);
            }
            _ => answer.error("UnknownOperationException", "the benchmark's endpoint does not know this"),
        }
    }

    /// The records count as stored when the answer goes out: a reader could not have had them earlier.
    fn put_records(&self, request: &Request<'_>, answer: &mut Answer) {
        let taken = put_records::scan(request.body);
        let first = self.counters.next_sequence(taken.records);
        put_records::write_answer(first, taken.records, answer.ok());
        self.delay.hold(request.arrived);
        self.counters.took(&taken, request.body.len());
    }
}
