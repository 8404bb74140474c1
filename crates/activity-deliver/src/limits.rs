//! Every limit of delivery, with its unit and its reason.

use std::time::Duration;

/// Most events of a batch, however small they are: bounds the work that is repeated when a record is rejected.
pub(crate) const MAX_EVENTS_PER_BATCH: u64 = 10_000;

/// JSON bytes of closed batches that leave without lingering: well below what may be unfinished at one request in flight, so
/// that sealing and sending go on while the next ones gather.
pub(crate) const BURST_BYTES: usize = 2 * 1024 * 1024;

/// Most records of one request. Source: Kinesis `PutRecords`.
pub(crate) const MAX_RECORDS_PER_REQUEST: usize = 500;

/// Most bytes of one request, partition keys included.
///
/// Source: Kinesis `PutRecords` takes 10 MiB since 2025 and took 5 MiB before; half a MiB is left for the protocol.
pub(crate) const MAX_BYTES_PER_REQUEST: usize = 4 * 1024 * 1024 + 512 * 1024;

/// JSON bytes of unfinished batches for every request that may be under way, and in any case. Their sealed form, which is
/// held beside them, is a tenth of it as a rule and a third larger at worst.
pub(crate) const UNFINISHED_BYTES_PER_REQUEST: u64 = 1024 * 1024;
/// See [`UNFINISHED_BYTES_PER_REQUEST`].
pub(crate) const UNFINISHED_BYTES_BASE: u64 = 8 * 1024 * 1024;

/// Batches that are not acknowledged, likewise: small ones that finished behind one that hangs take memory too.
pub(crate) const UNACKED_BATCHES_PER_REQUEST: u64 = MAX_RECORDS_PER_REQUEST as u64;
/// See [`UNACKED_BATCHES_PER_REQUEST`].
pub(crate) const UNACKED_BATCHES_BASE: u64 = 1024;

/// Payloads larger than this are sealed on a thread for blocking work: the one that drives requests is not to be held up. Two
/// changes of threads take as long as a tenth of a millisecond, in which that much is sealed; and it is more than what the
/// sessions of one server that wait at the same time mostly have.
pub(crate) const SEAL_INLINE_BYTES: usize = 64 * 1024;

/// Pieces that are sealed at the same time.
pub(crate) const MAX_SEALING: usize = 4;

/// Panics of the task that seals one piece before that piece is split or given up.
pub(crate) const MAX_SEAL_PANICS: u8 = 3;

/// Ceiling of the first pause between two attempts to send, and of the longest one.
pub(crate) const PUT_PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// The same between two looks at a stream that failed.
pub(crate) const ENSURE_PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// First and longest time between two looks at a stream that is pending.
pub(crate) const PENDING_PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));
/// As [`PUT_PAUSE`], between two attempts to get a data key.
pub(crate) const KEY_PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));
/// As [`PUT_PAUSE`], between two attempts to seal where the system could not (no randomness, no memory).
pub(crate) const SEAL_PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// Plaintext bytes after which a new data key is asked for: 64 GiB. A bound beside its age and no cipher's limit, as the data
/// key only wraps other keys, whose number `KeyCache` bounds.
pub(crate) const KEY_MAX_BYTES: u64 = 1 << 36;
/// How long a data key serves beyond its age while no new one can be had.
pub(crate) const KEY_GRACE: Duration = Duration::from_secs(24 * 3600);

/// Refusals of a record alone, others being stored in between, before it is given up.
pub(crate) const MAX_REFUSALS: u8 = 3;

/// Rounds of requests without one stored record after which the stream counts as unavailable ...
pub(crate) const UNAVAILABLE_AFTER_ROUNDS: u32 = 3;
/// ... or the time that passed in such rounds, whichever is first: one failed call is no news.
pub(crate) const UNAVAILABLE_AFTER: Duration = Duration::from_secs(2);

/// A state that lasts is told again this long after, if its message is another one.
pub(crate) const TELL_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Losses that wait to be read before they are merged whatever their reason.
pub(crate) const MAX_PENDING_LOSSES: usize = 64;
/// Changes of state that wait to be read before the oldest are dropped.
pub(crate) const MAX_PENDING_STATES: usize = 16;
/// Losses of one batch that are told one by one.
pub(crate) const MAX_LOSSES_PER_BATCH: usize = 8;

/// Most bytes of records that are read from the spool ahead of the requests that take them: the next request.
pub(crate) const LOAD_AHEAD_BYTES: usize = MAX_BYTES_PER_REQUEST;
/// Most bytes of records from the spool that are in requests under way, however many of these there may be: each is held several times
/// over while it is sent.
pub(crate) const SPOOLED_BYTES_IN_FLIGHT: usize = 16 * 1024 * 1024;
/// Most records of one append to the spool, so that one fsync does not keep others waiting for long.
pub(crate) const MAX_RECORDS_PER_APPEND: usize = 500;
/// Most bytes of one append to the spool.
pub(crate) const MAX_BYTES_PER_APPEND: usize = 8 * 1024 * 1024;
/// Time between two appends while the stream takes nothing and little has gathered: each syncs the disk.
pub(crate) const APPEND_PACE: Duration = Duration::from_millis(500);
/// As much as this is appended without waiting: well below what may be unfinished, sealed.
pub(crate) const APPEND_AT_ONCE_BYTES: usize = 1024 * 1024;
/// As [`PUT_PAUSE`], between two attempts to open the spool or to write to it.
pub(crate) const SPOOL_PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// How long records wait for a spool that is being opened before they are sent without it.
pub(crate) const SPOOL_OPENING: Duration = Duration::from_secs(10);
/// How long an append may take before its records go another way.
pub(crate) const SPOOL_HANGS: Duration = Duration::from_secs(10);
/// Readings of the spool that fail in a row before what cannot be read is given up, so that the rest is not held up for ever: with
/// the pauses between them about two minutes.
pub(crate) const MAX_READ_FAILURES: u32 = 50;
