//! All shards of a stream as one sequence of records, through splits and merges.
//!
//! Each shard that may be read has a task ([`ShardReader`]); the plan ([`Plan`]) says which. The shards are listed at
//! the start, at the end of every shard, and every [`LISTING_INTERVAL`]: some services do not name a shard's children,
//! or drop it from the listing when it is closed.
//!
//! At the start every failure is final: nothing was read yet, and who started the program is there to see it. Only a
//! stream that is being created is waited for. Later on an outage is waited out, and told once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use activity_aws::{AwsError, ErrorKind, Page, ReceivedRecord, Shard, StartAt};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::plan::Plan;
use crate::shard_reader::{News, PAGES_IN_FLIGHT, RECORDS_PER_PAGE, ShardReader};
use crate::source::Source;

/// Time between two listings, where no shard ended. Kinesis allows 1000 a second for a stream.
const LISTING_INTERVAL: Duration = Duration::from_secs(10);

/// Longest wait for a stream that is being created, and the time between two looks.
const CREATION_LIMIT: Duration = Duration::from_secs(120);
const CREATION_PAUSE: Duration = Duration::from_secs(1);

/// What the listing is called where shards are named.
const LISTING: &str = "the listing of shards";

/// What following found.
#[derive(Debug)]
pub(crate) enum Step {
    /// So many shards are read from where they were to be.
    Positioned(usize),
    /// Records of a shard, in order, maybe none.
    Records {
        shard: Arc<str>,
        records: Vec<ReceivedRecord>,
        /// The read came closer to the end of the stream, although it may have found no records.
        moved: bool,
    },
    /// Something cannot be read for now.
    Trouble(AwsError),
    /// The last of it is over.
    Recovered,
    /// Every shard was read at least as far as the stream went when following began; told once.
    CaughtUp,
}

/// Why following ended.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FollowError {
    /// A call that cannot work.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// A defect of this program.
    #[error("the reading of a shard broke off")]
    Broken,
}

/// Follows a stream.
pub(crate) struct Follow<S> {
    source: Arc<S>,
    poll_interval: Duration,
    plan: Plan,
    pages: Arc<Semaphore>,
    sender: mpsc::Sender<(Arc<str>, News)>,
    news: mpsc::Receiver<(Arc<str>, News)>,
    readers: JoinSet<()>,
    /// At most one.
    listings: JoinSet<Result<Vec<Shard>, AwsError>>,
    next_listing: Instant,
    is_listing_stale: bool,
    /// The shards of the start that are not read from yet.
    unpositioned: BTreeSet<Arc<str>>,
    in_trouble: BTreeSet<Arc<str>>,
    gone: BTreeMap<Arc<str>, AwsError>,
    behind: BTreeMap<Arc<str>, Duration>,
    started: Instant,
    /// The shards that were read as far as they went when following began.
    reached: BTreeSet<Arc<str>>,
    has_caught_up: bool,
    steps: VecDeque<Step>,
}

impl<S: Source> Follow<S> {
    /// Lists the shards and begins to read them.
    pub(crate) async fn start(source: S, start: &StartAt, poll_interval: Duration) -> Result<Self, AwsError> {
        let shards = first_listing(&source).await?;
        let started = Instant::now();
        let (sender, news) = mpsc::channel(PAGES_IN_FLIGHT);
        let mut follow = Self {
            source: Arc::new(source),
            poll_interval,
            plan: Plan::new(start, &shards),
            pages: Arc::new(Semaphore::new(PAGES_IN_FLIGHT)),
            sender,
            news,
            readers: JoinSet::new(),
            listings: JoinSet::new(),
            next_listing: Instant::now() + LISTING_INTERVAL,
            is_listing_stale: false,
            unpositioned: BTreeSet::new(),
            in_trouble: BTreeSet::new(),
            gone: BTreeMap::new(),
            behind: BTreeMap::new(),
            started,
            reached: BTreeSet::new(),
            has_caught_up: false,
            steps: VecDeque::new(),
        };
        follow.unpositioned = follow.read_ready().into_iter().collect();
        Ok(follow)
    }

    /// The next step. It may be called again after it was dropped.
    pub(crate) async fn next(&mut self) -> Result<Step, FollowError> {
        loop {
            if let Some(step) = self.steps.pop_front() {
                return Ok(step);
            }
            if !self.has_caught_up && self.is_caught_up() {
                self.has_caught_up = true;
                return Ok(Step::CaughtUp);
            }
            tokio::select! {
                Some((shard, news)) = self.news.recv() => self.heard(shard, news)?,
                Some(listed) = self.listings.join_next(), if !self.listings.is_empty() => {
                    self.listed(listed.map_err(|_| FollowError::Broken)?)?;
                }
                Some(ended) = self.readers.join_next(), if !self.readers.is_empty() => {
                    ended.map_err(|_| FollowError::Broken)?;
                }
                () = sleep_until(self.next_listing) => self.list(),
            }
        }
    }

    fn heard(&mut self, shard: Arc<str>, news: News) -> Result<(), FollowError> {
        match news {
            News::Positioned => self.positioned(&shard),
            News::Page(page, _permit) => self.page(shard, page),
            News::Trouble(error) => self.trouble(shard, error),
            News::Gone(error) => {
                self.positioned(&shard);
                self.gone.insert(shard, error);
                self.list();
            }
            News::Fatal(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn positioned(&mut self, shard: &str) {
        if self.unpositioned.remove(shard) && self.unpositioned.is_empty() {
            self.steps.push_back(Step::Positioned(self.readers.len()));
        }
    }

    fn page(&mut self, shard: Arc<str>, page: Page) {
        self.recovered(&shard);
        let before = match page.behind {
            Some(behind) => self.behind.insert(Arc::clone(&shard), behind),
            None => None,
        };
        let moved = before.zip(page.behind).is_some_and(|(before, now)| now < before);
        if self.reaches_the_start_of_following(&page) {
            self.reached.insert(Arc::clone(&shard));
        }
        if page.next.is_none() {
            self.plan.read(&shard, &page.children);
            self.behind.remove(&shard);
            self.read_ready();
            self.list();
        }
        self.steps.push_back(Step::Records { shard, records: page.records, moved });
    }

    /// Whether all that there was in the shard at the start is read with this page. Some services say of full pages, too, that
    /// nothing comes behind them.
    fn reaches_the_start_of_following(&self, page: &Page) -> bool {
        let is_full = page.records.len() >= RECORDS_PER_PAGE as usize;
        match page.behind {
            Some(behind) => behind <= self.started.elapsed() && !is_full,
            None => page.records.is_empty(),
        }
    }

    /// Whether nothing is left of what there was at the start. A shard that ended may have children that only a listing tells.
    fn is_caught_up(&self) -> bool {
        let is_settled = self.listings.is_empty() && self.gone.is_empty() && self.in_trouble.is_empty();
        is_settled && self.plan.unread().all(|id| self.reached.contains(id))
    }

    fn list(&mut self) {
        self.next_listing = Instant::now() + LISTING_INTERVAL;
        if !self.listings.is_empty() {
            // That one may have been answered before what makes another one due.
            self.is_listing_stale = true;
            return;
        }
        self.is_listing_stale = false;
        let source = Arc::clone(&self.source);
        self.listings.spawn(async move { source.list_shards().await });
    }

    fn listed(&mut self, listed: Result<Vec<Shard>, AwsError>) -> Result<(), FollowError> {
        match listed {
            Ok(shards) => {
                self.recovered(LISTING);
                if !self.is_listing_stale {
                    self.bury(&shards)?;
                }
                self.plan.listed(&shards);
                self.read_ready();
            }
            Err(error) => match error.kind {
                ErrorKind::NotFound
                | ErrorKind::AccessDenied
                | ErrorKind::Credentials
                | ErrorKind::Invalid => return Err(error.into()),
                _ => self.trouble(LISTING.into(), error),
            },
        }
        if self.is_listing_stale {
            self.list();
        }
        Ok(())
    }

    /// A shard that the service did not know counts as read if it is not listed either. If it is, the service
    /// contradicts itself.
    fn bury(&mut self, listed: &[Shard]) -> Result<(), FollowError> {
        for (id, error) in std::mem::take(&mut self.gone) {
            if listed.iter().any(|shard| *shard.id == *id) {
                return Err(error.into());
            }
            self.plan.read(&id, &[]);
            self.behind.remove(&id);
            self.recovered(&id);
        }
        Ok(())
    }

    fn trouble(&mut self, of: Arc<str>, error: AwsError) {
        if self.in_trouble.is_empty() {
            self.steps.push_back(Step::Trouble(error));
        }
        self.in_trouble.insert(of);
    }

    fn recovered(&mut self, of: &str) {
        if self.in_trouble.remove(of) && self.in_trouble.is_empty() {
            self.steps.push_back(Step::Recovered);
        }
    }

    /// Begins to read the shards whose turn has come, and names them.
    fn read_ready(&mut self) -> Vec<Arc<str>> {
        let mut begun = Vec::new();
        for (id, start) in self.plan.take_ready() {
            let shard: Arc<str> = id.into();
            begun.push(Arc::clone(&shard));
            let reader = ShardReader {
                source: Arc::clone(&self.source),
                shard,
                start,
                poll_interval: self.poll_interval,
                pages: Arc::clone(&self.pages),
                news: self.sender.clone(),
            };
            self.readers.spawn(reader.run());
        }
        begun
    }
}

async fn first_listing(source: &impl Source) -> Result<Vec<Shard>, AwsError> {
    let deadline = Instant::now() + CREATION_LIMIT;
    loop {
        match source.list_shards().await {
            Err(error) if error.kind == ErrorKind::NotActive && Instant::now() < deadline => {
                sleep(CREATION_PAUSE).await;
            }
            listed => return listed,
        }
    }
}

#[cfg(test)]
mod tests;
