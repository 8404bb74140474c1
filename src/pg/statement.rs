//! Statements as the executor and the utility hook see them, as borrowed views.

use std::ffi::{CStr, c_char};
use std::marker::PhantomData;
use std::ptr::NonNull;

use pgrx::pg_sys;

use super::ffi::{
    RawMoment, RawRelation, activity_pg_in_subtransaction, activity_pg_innermost_text,
    activity_pg_local_transaction, activity_pg_moment, activity_pg_next_relation,
    activity_pg_query_was_rewound, activity_pg_transaction_id, activity_pg_watch_query,
};
use super::names::FOREIGN_TABLE;

/// Most relations of one statement that are told one by one. More than a person writes; a limit all the same.
pub(crate) const MAX_RELATIONS: usize = 512;
/// A running query, valid for the length of one hook call.
#[derive(Clone, Copy)]
pub(crate) struct Query<'a> {
    raw: NonNull<pg_sys::QueryDesc>,
    call: PhantomData<&'a ()>,
}

/// What a query does, of the executor's operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Operation {
    /// SELECT, VALUES, TABLE.
    Select,
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// MERGE.
    Merge,
    /// Anything else.
    #[default]
    Other,
}

/// A relation whose permissions the executor checks.
#[derive(Clone, Copy)]
pub(crate) struct Relation {
    /// Its OID.
    pub(crate) oid: u32,
    /// The AclMode bits that are required of it.
    pub(crate) required: u32,
    /// It is a foreign table.
    pub(crate) foreign: bool,
    /// The lock that the statement takes on it.
    pub(crate) lock_mode: i32,
}

impl Relation {
    /// A relation that a command without a plan uses. Its lock is not told: COPY takes none for reading that could be
    /// mistaken for one for writing.
    pub(super) fn of_command(oid: pg_sys::Oid, required: u32) -> Self {
        Self { oid: oid.to_u32(), required, foreign: false, lock_mode: pg_sys::RowExclusiveLock as i32 }
    }

    /// Whether any permission is required.
    pub(crate) fn is_used(&self) -> bool {
        self.required != 0
    }

    /// Whether the statement changes it.
    pub(crate) fn writes(&self) -> bool {
        self.required & (pg_sys::ACL_INSERT | pg_sys::ACL_UPDATE | pg_sys::ACL_DELETE) != 0
            && (self.inserts() || self.updates() || self.deletes())
    }

    /// Whether INSERT is required.
    pub(crate) fn inserts(&self) -> bool {
        self.required & pg_sys::ACL_INSERT != 0
    }
    /// Whether UPDATE is required, and not by a mere row lock.
    pub(crate) fn updates(&self) -> bool {
        self.required & pg_sys::ACL_UPDATE != 0 && self.lock_mode >= pg_sys::RowExclusiveLock as i32
    }
    /// Whether DELETE is required.
    pub(crate) fn deletes(&self) -> bool {
        self.required & pg_sys::ACL_DELETE != 0
    }
}

impl<'a> Query<'a> {
    /// # Safety
    /// `raw` is the QueryDesc of the hook call that `'a` stands for.
    pub(super) unsafe fn new(raw: *mut pg_sys::QueryDesc) -> Option<Self> {
        NonNull::new(raw).map(|raw| Self { raw, call: PhantomData })
    }

    fn desc(&self) -> &'a pg_sys::QueryDesc {
        // SAFETY: valid for 'a, see new.
        unsafe { self.raw.as_ref() }
    }

    fn plan(&self) -> &'a pg_sys::PlannedStmt {
        // SAFETY: every QueryDesc has a plan (pquery.c, CreateQueryDesc).
        unsafe { &*self.desc().plannedstmt }
    }

    /// Tells this query from the others that are open in this process.
    pub(crate) fn address(&self) -> usize {
        self.raw.as_ptr() as usize
    }

    /// What it does.
    pub(crate) fn operation(&self) -> Operation {
        match self.desc().operation {
            pg_sys::CmdType::CMD_SELECT => Operation::Select,
            pg_sys::CmdType::CMD_INSERT => Operation::Insert,
            pg_sys::CmdType::CMD_UPDATE => Operation::Update,
            pg_sys::CmdType::CMD_DELETE => Operation::Delete,
            pg_sys::CmdType::CMD_MERGE => Operation::Merge,
            _ => Operation::Other,
        }
    }

    /// Whether it may change data: its effects, and its errors, can come as late as ExecutorFinish.
    pub(crate) fn modifies(&self) -> bool {
        self.desc().operation != pg_sys::CmdType::CMD_SELECT || self.plan().hasModifyingCTE
    }

    /// Rows that the last ExecutorRun returned or changed.
    pub(crate) fn rows_of_last_run(&self) -> u64 {
        let state = self.desc().estate;
        // SAFETY: NULL or the executor's state, which lives from ExecutorStart to ExecutorEnd.
        if state.is_null() { 0 } else { unsafe { (*state).es_processed } }
    }

    /// Whether the last ExecutorRun began with the first row again.
    pub(crate) fn was_rewound(&self) -> bool {
        // SAFETY: valid for 'a, see new; raises nothing.
        unsafe { activity_pg_query_was_rewound(self.raw.as_ptr()) }
    }

    /// The query identifier; `None` where none was computed.
    pub(crate) fn query_id(&self) -> Option<i64> {
        Some(super::compat::query_id(self.plan())).filter(|id| *id != 0)
    }

    /// Where the statement begins in the text that it is part of; -1 where it is all of it.
    pub(crate) fn location(&self) -> i32 {
        self.plan().stmt_location
    }

    /// Where it ends there.
    pub(crate) fn end(&self) -> usize {
        end_of(self.plan())
    }

    /// The client's own slice of the text.
    pub(crate) fn text(&self) -> &'a [u8] {
        let plan = self.plan();
        // SAFETY: sourceText is terminated and lives as long as the query; the location is the parser's.
        unsafe { slice(self.desc().sourceText, plan.stmt_location, plan.stmt_len) }
    }

    /// Hands the relations whose permissions are checked to `each`, the first [`MAX_RELATIONS`] of them.
    #[inline]
    pub(crate) fn each_relation(&self, mut each: impl FnMut(Relation)) {
        let mut raw =
            RawRelation { relid: pg_sys::InvalidOid, required_perms: 0, relkind: 0, rellockmode: 0 };
        let mut place = 0;
        for _ in 0..MAX_RELATIONS {
            // SAFETY: a valid plan and two locals. Raises nothing.
            if !unsafe { activity_pg_next_relation(self.desc().plannedstmt, &mut place, &mut raw) } {
                return;
            }
            each(Relation::from(&raw));
        }
    }

    /// The parameters that the client bound, if any.
    pub(crate) fn parameters(&self) -> Option<super::params::Bound<'a>> {
        // SAFETY: NULL or the parameter list of this query, which lives as long as it.
        unsafe { super::params::Bound::new(self.desc().params) }
    }

    /// Has the end of this query's memory told under `key`, however it ends. Where memory is short it is not told.
    pub(crate) fn watch(&self, key: u64) {
        if !self.desc().estate.is_null() {
            // SAFETY: estate is there; raises nothing.
            unsafe { activity_pg_watch_query(self.raw.as_ptr(), key) };
        }
    }
}

impl From<&RawRelation> for Relation {
    fn from(raw: &RawRelation) -> Self {
        Self {
            oid: raw.relid.to_u32(),
            required: raw.required_perms,
            foreign: raw.relkind == FOREIGN_TABLE,
            lock_mode: raw.rellockmode,
        }
    }
}

/// Where a statement ends in the text that it is part of; 0 where it is all of it.
pub(super) fn end_of(plan: &pg_sys::PlannedStmt) -> usize {
    match (usize::try_from(plan.stmt_location), usize::try_from(plan.stmt_len)) {
        (location, Ok(length @ 1..)) => location.unwrap_or(0) + length,
        _ => 0,
    }
}

/// The part of `source` that is one statement, with the semicolon that ends it, without space around it.
///
/// # Safety
/// `source` is NULL or terminated and outlives `'a`; `location` and `length` are those that the parser gave for it
/// (RawStmt: -1 and 0 for "all").
pub(super) unsafe fn slice<'a>(source: *const c_char, location: i32, length: i32) -> &'a [u8] {
    if source.is_null() {
        return &[];
    }
    // SAFETY: the location lies inside the text; every read stops at its terminator.
    unsafe {
        let start = source.add(usize::try_from(location).unwrap_or(0)).cast::<u8>();
        let Ok(length @ 1..) = usize::try_from(length) else {
            return CStr::from_ptr(start.cast()).to_bytes().trim_ascii();
        };
        let mut end = length;
        while (*start.add(end)).is_ascii_whitespace() {
            end += 1;
        }
        let end = if *start.add(end) == b';' { end + 1 } else { length };
        std::slice::from_raw_parts(start, end).trim_ascii()
    }
}

/// When a callback runs, as seen from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The portal that runs, as a number that tells it from others; 0 where a statement is still being planned, or its
    /// transaction commits (and in processes without clients).
    pub(crate) portal: usize,
    /// When the client's message came, in microseconds of the server's own epoch: tells messages apart.
    pub(crate) message: i64,
    /// The message's text, as a number that tells it from others; 0 where it has none.
    pub(crate) text: usize,
}

/// This moment.
pub(crate) fn moment() -> Moment {
    let mut raw = RawMoment { portal: std::ptr::null(), message_us: 0, text: std::ptr::null() };
    // SAFETY: fills the struct from process-local state; raises nothing.
    unsafe { activity_pg_moment(&mut raw) };
    Moment { portal: raw.portal as usize, message: raw.message_us, text: raw.text as usize }
}

/// The text of the statement that is under way innermost; empty where there is none.
pub(crate) fn innermost_text<'a>() -> &'a [u8] {
    let (mut location, mut length) = (0, 0);
    // SAFETY: two locals; the text lives in the frame of a hook call that is still running, and callers copy from it.
    unsafe {
        let source = activity_pg_innermost_text(&mut location, &mut length);
        slice(source, location, length)
    }
}

/// The text that the client sent last; empty where there is none.
pub(crate) fn client_text<'a>() -> &'a [u8] {
    // SAFETY: NULL or the terminated message text, which lives until the next message; callers copy from it.
    unsafe {
        let text = pg_sys::debug_query_string;
        if text.is_null() { &[] } else { CStr::from_ptr(text).to_bytes() }
    }
}

/// Whether a subtransaction is under way.
pub(crate) fn in_subtransaction() -> bool {
    // SAFETY: raises nothing; reads the state of the transaction.
    unsafe { activity_pg_in_subtransaction() }
}

/// The id of the transaction, where one was assigned.
pub(crate) fn transaction_id() -> Option<u64> {
    // SAFETY: raises nothing; reads the state of the transaction.
    Some(unsafe { activity_pg_transaction_id() }).filter(|id| *id != 0)
}

/// The number that tells the session's transaction from its others; 0 where none is under way.
pub(crate) fn local_transaction() -> u32 {
    // SAFETY: raises nothing; reads this process's entry in shared memory.
    unsafe { activity_pg_local_transaction() }
}

/// Whether an extension's script runs.
pub(crate) fn in_extension_script() -> bool {
    // SAFETY: a plain flag of the server.
    unsafe { pg_sys::creating_extension }
}

/// Whether the session is still being set up: no statement of the client can have run (PostgresMain leaves InitProcessing
/// when InitPostgres is done).
pub(crate) fn logging_in() -> bool {
    // SAFETY: a plain value of the server.
    unsafe { pg_sys::Mode == pg_sys::ProcessingMode::InitProcessing }
}
