//! `GET /control`: the counters. `POST /control?delay_ms=5` changes the delay, too.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::answer::Answer;
use crate::delay;
use crate::put_records::Taken;
use crate::service::{Request, Service};

const PATH: &str = "/control";

/// What PutRecords brought since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    sequence: AtomicU64,
    requests: AtomicU64,
    records: AtomicU64,
    data_bytes: AtomicU64,
    body_bytes: AtomicU64,
    last_stored_micros: AtomicU64,
}

impl Counters {
    /// The first of so many sequence numbers that nobody else has.
    pub(crate) fn next_sequence(&self, records: u64) -> u64 {
        self.sequence.fetch_add(records, Ordering::Relaxed)
    }

    pub(crate) fn took(&self, taken: &Taken, body_bytes: usize) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.data_bytes.fetch_add(taken.data_bytes, Ordering::Relaxed);
        self.body_bytes.fetch_add(body_bytes as u64, Ordering::Relaxed);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        self.last_stored_micros.fetch_max(micros, Ordering::Relaxed);
        // Last: who sees the records counted sees when the last of them came.
        self.records.fetch_add(taken.records, Ordering::Release);
    }
}

/// What is not for AWS.
pub(crate) fn answer(service: &Service, request: &Request<'_>, answer: &mut Answer) {
    let (path, query) = request.path.split_once('?').unwrap_or((request.path, ""));
    if path != PATH {
        return answer.error("UnknownOperationException", "there is /control, and what AWS's SDK sends");
    }
    if let Some(millis) = query.strip_prefix("delay_ms=") {
        match (request.method, delay::from_millis(millis)) {
            ("POST", Ok(delay)) => service.delay.set(delay),
            ("POST", Err(error)) => return answer.error("ValidationException", &error),
            _ => return answer.error("ValidationException", "changes are made by POST"),
        }
    }
    let (counters, held) = (&service.counters, service.delay.held());
    let records = counters.records.load(Ordering::Acquire);
    let told = serde_json::json!({
        "records": records,
        "requests": counters.requests.load(Ordering::Relaxed),
        "data_bytes": counters.data_bytes.load(Ordering::Relaxed),
        "body_bytes": counters.body_bytes.load(Ordering::Relaxed),
        "last_stored_us": counters.last_stored_micros.load(Ordering::Relaxed),
        "delay_us": service.delay.get().as_secs_f64() * 1e6,
        "held_answers": held.answers,
        "held_us": held.total.as_secs_f64() * 1e6,
        "longest_held_us": held.longest.as_secs_f64() * 1e6,
    });
    answer.ok().extend_from_slice(told.to_string().as_bytes());
}
