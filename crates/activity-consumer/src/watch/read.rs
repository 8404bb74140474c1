//! Reading, in a task of its own: whatever it hangs in, time goes on for the watcher.

use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::Sender;
use tokio::time::sleep;

use crate::follow::{Follow, Step};
use crate::open::{OpenFailure, Opener};
use crate::shard_reader::backoff;
use crate::source::{Source, Unwrap};

/// First pause after a failure of KMS, doubled each time.
const KMS_PAUSE: Duration = Duration::from_millis(250);

/// Most that is read and not looked at yet. An opened record has at most a few MiB.
pub(crate) const MAX_AHEAD: usize = 16;

/// What reading gives.
#[derive(Debug)]
pub(crate) enum Heard {
    /// So many shards are read from where they were to be.
    Positioned(usize),
    /// Every shard was read as far as it went when reading began.
    CaughtUp,
    /// A record, opened.
    Record { arrived: Option<SystemTime>, place: String, inner_json: Vec<u8> },
    /// A record that cannot be opened: where it is, and why.
    Unreadable { place: String, reason: String },
    /// The stream, or a part of it, cannot be read for now.
    Trouble(String),
    /// That is over.
    Recovered,
    /// It cannot go on.
    Ended(String),
}

/// Nobody listens any more.
struct Gone;

/// Reads to an end, or until nobody listens.
pub(crate) async fn read<S: Source, K: Unwrap>(follow: Follow<S>, kms: K, to: Sender<Heard>) {
    let mut reader = Reader { follow, opener: Opener::new(kms), to };
    let _: Result<(), Gone> = reader.run().await;
}

struct Reader<S, K> {
    follow: Follow<S>,
    opener: Opener<K>,
    to: Sender<Heard>,
}

impl<S: Source, K: Unwrap> Reader<S, K> {
    async fn run(&mut self) -> Result<(), Gone> {
        loop {
            match self.follow.next().await {
                Err(error) => return self.tell(Heard::Ended(error.to_string())).await,
                Ok(Step::Positioned(shards)) => self.tell(Heard::Positioned(shards)).await?,
                Ok(Step::CaughtUp) => self.tell(Heard::CaughtUp).await?,
                Ok(Step::Trouble(error)) => self.tell(Heard::Trouble(error.to_string())).await?,
                Ok(Step::Recovered) => self.tell(Heard::Recovered).await?,
                Ok(Step::Records { shard, records, .. }) => {
                    for record in records {
                        let place = format!("shard {shard}, sequence number {}", record.sequence_number);
                        let heard = match self.open(&record.data).await? {
                            Ok(inner_json) => Heard::Record { arrived: record.arrived, place, inner_json },
                            Err(OpenFailure::Fatal(error)) => {
                                return self.tell(Heard::Ended(error.to_string())).await;
                            }
                            Err(failure) => Heard::Unreadable { place, reason: failure.to_string() },
                        };
                        self.tell(heard).await?;
                    }
                }
            }
        }
    }

    /// Opens a record, however long KMS takes to come back; inside, why it never will.
    async fn open(&mut self, data: &[u8]) -> Result<Result<Vec<u8>, OpenFailure>, Gone> {
        let mut failures = 0;
        loop {
            let opened = self.opener.open(data).await;
            let Err(OpenFailure::Later(error)) = opened else {
                if failures > 0 {
                    self.tell(Heard::Recovered).await?;
                }
                return Ok(opened);
            };
            failures += 1;
            if failures == 1 {
                self.tell(Heard::Trouble(error.to_string())).await?;
            }
            sleep(backoff(KMS_PAUSE, failures)).await;
        }
    }

    async fn tell(&self, heard: Heard) -> Result<(), Gone> {
        self.to.send(heard).await.map_err(|_| Gone)
    }
}
