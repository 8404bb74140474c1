//! One task for each shard that is being read: iterators, pages, waiting, and what goes wrong on the way.
//!
//! ```text
//!   iterator from the start ──► get_records ──► page ──► wait for the poll interval ──┐
//!        ▲  ▲                       ▲  │ └── end of a closed shard: over              │
//!        │  └── expired: a new one ─┼──┘                                              │
//!        │      behind the last     └─────────────────────────────────────────────────┘
//!        └──── backoff ◄── throttled, unavailable, no connection …
//! ```
//!
//! A shard whose iterator expired goes on behind the last record that was handed on. When there was none, it begins
//! again where it began; and for [`StartAt::Latest`] at the time at which the first iterator was asked for, so that
//! nothing is passed over. (A clock that is ahead of Kinesis's can make that a gap; signatures keep it below five
//! minutes.)
//!
//! At most as many pages as there are [`PAGES_IN_FLIGHT`] permits are read and not yet printed, over all shards: a slow
//! reader of standard output slows the reading down, and memory stays bounded.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use activity_aws::{AwsError, ErrorKind, Page, ShardIterator, StartAt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep, sleep_until};

use crate::source::Source;

/// Most pages in memory at once. Kinesis ends a page at 10 MiB.
pub(crate) const PAGES_IN_FLIGHT: usize = 16;

/// Most records asked for at once: what Kinesis allows.
pub(crate) const RECORDS_PER_PAGE: u32 = 10_000;

/// Longest pause after a failure.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Throttled reads in a row that are no news: other consumers share the five reads a second.
const QUIET_THROTTLES: u32 = 4;

/// What a reader tells.
#[derive(Debug)]
pub(crate) enum News {
    /// The place to read from is settled.
    Positioned,
    /// The next records, and the permit that goes when they are dealt with.
    Page(Page, OwnedSemaphorePermit),
    /// Reading fails for now; told once until the next page.
    Trouble(AwsError),
    /// The service does not know the shard, or the stream: the reader has ended.
    Gone(AwsError),
    /// It cannot work: the reader has ended.
    Fatal(AwsError),
}

/// A shard to be read.
#[derive(Debug)]
pub(crate) struct ShardReader<S> {
    pub(crate) source: Arc<S>,
    pub(crate) shard: Arc<str>,
    pub(crate) start: StartAt,
    pub(crate) poll_interval: Duration,
    pub(crate) pages: Arc<Semaphore>,
    pub(crate) news: mpsc::Sender<(Arc<str>, News)>,
}

/// The other side is not interested any more, or was told that this is the end.
struct Over;

impl<S: Source> ShardReader<S> {
    /// Reads until the end of a closed shard, a failure that is final, or until nobody listens.
    pub(crate) async fn run(mut self) {
        let mut iterator = None;
        let mut failures = 0;
        let mut positioned = false;
        let mut next_read = Instant::now();
        while let Ok(permit) = Arc::clone(&self.pages).acquire_owned().await {
            match self.read(&mut iterator, &mut next_read).await {
                Ok(page) => {
                    failures = 0;
                    if !positioned && self.tell(News::Positioned).await.is_err() {
                        return;
                    }
                    positioned = true;
                    if self.hand_on(page, &mut iterator, permit).await.is_err() {
                        return;
                    }
                    sleep_until(next_read).await;
                }
                Err(error) => {
                    drop(permit);
                    if error.kind == ErrorKind::ExpiredIterator {
                        iterator = None;
                    }
                    failures += 1;
                    if self.failed(error, failures).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// One read, with a new iterator where there is none.
    async fn read(
        &mut self,
        iterator: &mut Option<ShardIterator>,
        next_read: &mut Instant,
    ) -> Result<Page, AwsError> {
        let iterator = match iterator {
            Some(iterator) => iterator,
            None => {
                let asked_at = SystemTime::now();
                let new = self.source.iterator(&self.shard, &self.start).await?;
                if self.start == StartAt::Latest {
                    self.start = StartAt::AtTimestamp(asked_at);
                }
                iterator.insert(new)
            }
        };
        *next_read = Instant::now() + self.poll_interval;
        self.source.get_records(iterator, RECORDS_PER_PAGE).await
    }

    async fn hand_on(
        &mut self,
        page: Page,
        iterator: &mut Option<ShardIterator>,
        permit: OwnedSemaphorePermit,
    ) -> Result<(), Over> {
        if let Some(last) = page.records.last() {
            self.start = StartAt::AfterSequenceNumber(last.sequence_number.clone());
        }
        iterator.clone_from(&page.next);
        let is_end = page.next.is_none();
        self.tell(News::Page(page, permit)).await?;
        if is_end { Err(Over) } else { Ok(()) }
    }

    /// Tells of a failure where it is news, and waits as long as it takes to try again.
    async fn failed(&self, error: AwsError, failures: u32) -> Result<(), Over> {
        match error.kind {
            ErrorKind::NotFound => {
                self.tell(News::Gone(error)).await?;
                return Err(Over);
            }
            ErrorKind::AccessDenied | ErrorKind::Credentials | ErrorKind::Invalid => {
                self.tell(News::Fatal(error)).await?;
                return Err(Over);
            }
            // The first is what a pause of five minutes gives.
            ErrorKind::ExpiredIterator if failures == 1 => return Ok(()),
            ErrorKind::Throttled if failures <= QUIET_THROTTLES => {}
            _ => self.tell(News::Trouble(error)).await?,
        }
        sleep(backoff(self.poll_interval, failures)).await;
        Ok(())
    }

    async fn tell(&self, news: News) -> Result<(), Over> {
        self.news.send((Arc::clone(&self.shard), news)).await.map_err(|_| Over)
    }
}

/// Doubles with each failure in a row.
pub(crate) fn backoff(first: Duration, failures: u32) -> Duration {
    first.saturating_mul(1 << failures.min(16)).min(MAX_BACKOFF)
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::fake::{FakeStream, error, record};

    struct Started {
        stream: Arc<FakeStream>,
        news: mpsc::Receiver<(Arc<str>, News)>,
    }

    fn start(stream: FakeStream, start: StartAt) -> Started {
        let stream = Arc::new(stream);
        let (sender, news) = mpsc::channel(1);
        let reader = ShardReader {
            source: Arc::clone(&stream),
            shard: "s".into(),
            start,
            poll_interval: Duration::from_millis(250),
            pages: Arc::new(Semaphore::new(PAGES_IN_FLIGHT)),
            news: sender,
        };
        tokio::spawn(reader.run());
        Started { stream, news }
    }

    impl Started {
        /// The next news but for [`News::Positioned`]; `None` when the reader has ended.
        async fn next(&mut self) -> Option<News> {
            loop {
                match self.news.recv().await?.1 {
                    News::Positioned => {}
                    news => return Some(news),
                }
            }
        }

        /// The sequence numbers of the next page that has records.
        async fn records(&mut self) -> Vec<String> {
            loop {
                match self.next().await {
                    Some(News::Page(page, _)) if page.records.is_empty() => {}
                    Some(News::Page(page, _)) => {
                        return page.records.into_iter().map(|record| record.sequence_number).collect();
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_shard_is_read_to_its_end() {
        let stream = FakeStream::with("s", &[]);
        stream.put("s", record("1"));
        let mut started = start(stream, StartAt::TrimHorizon);
        assert_eq!(started.records().await, ["1"]);
        started.stream.put("s", record("2"));
        assert_eq!(started.records().await, ["2"]);
        started.stream.close("s");
        while let Some(news) = started.next().await {
            assert!(matches!(news, News::Page(..)), "{news:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn reads_keep_the_poll_interval() {
        let mut started = start(FakeStream::with("s", &[]), StartAt::TrimHorizon);
        let begun = Instant::now();
        for _ in 0..9 {
            assert!(matches!(started.next().await, Some(News::Page(..))));
        }
        assert_eq!(begun.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn an_expired_iterator_is_renewed_behind_the_last_record() {
        let stream = FakeStream::with("s", &[]);
        stream.put("s", record("1"));
        let mut started = start(stream, StartAt::TrimHorizon);
        assert_eq!(started.records().await, ["1"]);
        started.stream.fail("GetRecords", error(ErrorKind::ExpiredIterator));
        started.stream.put("s", record("2"));
        assert_eq!(started.records().await, ["2"]);
        assert_eq!(
            started.stream.iterators(),
            [StartAt::TrimHorizon, StartAt::AfterSequenceNumber("1".into())]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_iterator_that_expires_before_the_first_record_passes_nothing_over() {
        let begun = SystemTime::now();
        let mut started = start(FakeStream::with("s", &[]), StartAt::Latest);
        assert!(matches!(started.next().await, Some(News::Page(..))));
        started.stream.fail("GetRecords", error(ErrorKind::ExpiredIterator));
        started.stream.put("s", record("1"));
        assert_eq!(started.records().await, ["1"]);
        let [StartAt::Latest, StartAt::AtTimestamp(time)] = started.stream.iterators()[..] else {
            panic!("{:?}", started.stream.iterators());
        };
        assert!(time >= begun);
    }

    #[tokio::test(start_paused = true)]
    async fn throttling_backs_off_and_is_told_when_it_does_not_end() {
        let stream = FakeStream::with("s", &[]);
        stream.put("s", record("1"));
        for _ in 0..QUIET_THROTTLES {
            stream.fail("GetRecords", error(ErrorKind::Throttled));
        }
        let begun = Instant::now();
        let mut started = start(stream, StartAt::TrimHorizon);
        assert_eq!(started.records().await, ["1"]);
        assert_eq!(begun.elapsed(), Duration::from_millis(500 + 1_000 + 2_000 + 4_000));

        let stream = FakeStream::with("s", &[]);
        for _ in 0..=QUIET_THROTTLES {
            stream.fail("GetShardIterator", error(ErrorKind::Throttled));
        }
        let mut started = start(stream, StartAt::TrimHorizon);
        assert!(matches!(started.next().await, Some(News::Trouble(_))));
        assert!(matches!(started.next().await, Some(News::Page(..))));
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_told_and_lived_through() {
        for kind in [ErrorKind::Unavailable, ErrorKind::Connection, ErrorKind::NotActive, ErrorKind::Other] {
            let stream = FakeStream::with("s", &[]);
            stream.put("s", record("1"));
            stream.fail("GetRecords", error(kind));
            let mut started = start(stream, StartAt::TrimHorizon);
            assert!(matches!(started.next().await, Some(News::Trouble(error)) if error.kind == kind));
            assert_eq!(started.records().await, ["1"]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_work_ends_the_reader() {
        for kind in [ErrorKind::AccessDenied, ErrorKind::Credentials, ErrorKind::Invalid] {
            let stream = FakeStream::with("s", &[]);
            stream.fail("GetRecords", error(kind));
            let mut started = start(stream, StartAt::TrimHorizon);
            assert!(matches!(started.next().await, Some(News::Fatal(error)) if error.kind == kind));
            assert!(started.next().await.is_none());
        }
        let mut started = start(FakeStream::with("another", &[]), StartAt::TrimHorizon);
        assert!(matches!(started.next().await, Some(News::Gone(_))));
        assert!(started.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn pages_that_nobody_takes_hold_up_the_reading() {
        let mut started = start(FakeStream::with("s", &[]), StartAt::TrimHorizon);
        let mut kept = Vec::new();
        while kept.len() < PAGES_IN_FLIGHT {
            kept.extend(started.next().await);
        }
        let more = tokio::time::timeout(Duration::from_secs(3_600), started.next()).await;
        assert!(more.is_err(), "no further page while {PAGES_IN_FLIGHT} are held");
        kept.pop();
        assert!(started.next().await.is_some());
    }
}
