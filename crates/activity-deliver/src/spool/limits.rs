//! Every limit of the spool, with its unit and its reason.

/// Longest instance id of an owner in bytes. Identifiers of clusters and instances are at most 63 characters (AWS RDS).
pub(super) const MAX_INSTANCE_ID_BYTES: usize = 128;

/// Longest partition key in bytes: 256 characters (Kinesis `PutRecords`) of up to four bytes.
pub(super) const MAX_PARTITION_KEY_BYTES: usize = 1024;

/// Largest data of a record in bytes. Source: Kinesis takes records of up to 10 MiB since 2025.
pub(super) const MAX_DATA_BYTES: usize = 10 * 1024 * 1024;

/// Most bytes of one append: they are gathered in memory and lie in one segment.
pub(super) const MAX_APPEND_BYTES: u64 = 64 * 1024 * 1024;

/// A segment is this part of the quota: what was delivered is freed in these steps.
pub(super) const SEGMENTS_PER_QUOTA: u64 = 8;
/// Smallest size at which a new segment is started: below it, headers and syncs of directories would dominate.
pub(super) const MIN_SEGMENT_BYTES: u64 = 256 * 1024;
/// Largest such size: bounds what recovery checks in full, and what is searched after damage.
pub(super) const MAX_SEGMENT_BYTES: u64 = 16 * 1024 * 1024;

/// Most segments: 256 GiB of whole ones. Failed appends leave smaller ones.
pub(super) const MAX_SEGMENTS: usize = 16 * 1024;

/// Most files of the directory that are looked at, whoever made them.
pub(super) const MAX_DIRECTORY_FILES: usize = 64 * 1024;

/// Most names, ranges, errors and epochs of each sort that recovery tells one by one.
pub(super) const MAX_TOLD: usize = 64;

/// Most lost ranges that one read tells; the next read goes on.
pub(super) const MAX_LOST_PER_READ: usize = 64;

/// Largest ordinal that is believed when it is found on disk: from there on, counting does not overflow.
pub(super) const MAX_ORDINAL: u64 = 1 << 62;

/// Records released before the checkpoint is written, unless a segment can be removed sooner.
///
/// Two requests of records of the usual size (100 kB, 4.5 MiB each) are sent again after a crash, for one sync of the
/// disk per 6 MB that are delivered.
pub(super) const CHECKPOINT_EVERY_RECORDS: u64 = 64;

/// Bytes that are read at once when the next whole frame is searched after damage.
pub(super) const SEARCH_BYTES: usize = 64 * 1024;

/// Names that are tried for a file that is set aside.
pub(super) const MAX_SET_ASIDE_NAMES: u32 = 10_000;
