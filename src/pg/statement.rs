//! Statements as the executor and the utility hook see them, as borrowed views.

use std::ffi::{CStr, c_char};
use std::marker::PhantomData;
use std::ptr::NonNull;

use pgrx::pg_sys;

use super::ffi::{
    RawRelation, activity_pg_relation_name, activity_pg_relations, activity_pg_transaction_id,
    activity_pg_utility_class, activity_pg_watch_query,
};
use super::guard::raising;

/// Most relations of one statement that are told one by one. More than a person writes; a limit all the same.
pub(crate) const MAX_RELATIONS: usize = 512;
/// Longest qualified name: two identifiers of 63 bytes, every one of them a quote that is doubled, and the marks
/// around them.
const MAX_QUALIFIED_NAME_BYTES: usize = 4 * 64 + 8;

/// A running query, valid for the length of one hook call.
#[derive(Clone, Copy)]
pub(crate) struct Query<'a> {
    raw: NonNull<pg_sys::QueryDesc>,
    call: PhantomData<&'a ()>,
}

/// What a query does, of the executor's operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    Other,
}

/// A relation whose permissions the executor checks.
#[derive(Clone, Copy)]
pub(crate) struct Relation {
    /// Its OID.
    pub(crate) oid: u32,
    /// The AclMode bits that are required of it.
    pub(crate) required: u32,
    /// The lock that the statement takes on it.
    pub(crate) lock_mode: i32,
}

impl Relation {
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

    /// The query identifier; `None` where none was computed.
    pub(crate) fn query_id(&self) -> Option<i64> {
        Some(super::compat::query_id(self.plan())).filter(|id| *id != 0)
    }

    /// The client's own slice of the text.
    pub(crate) fn text(&self) -> &'a [u8] {
        let plan = self.plan();
        // SAFETY: sourceText is terminated and lives as long as the query; the location is the parser's.
        unsafe { slice(self.desc().sourceText, plan.stmt_location, plan.stmt_len) }
    }

    /// The relations whose permissions are checked, the first [`MAX_RELATIONS`] of them. `out` is cleared first.
    pub(crate) fn relations(&self, out: &mut Vec<Relation>) {
        const FEW: usize = 16;
        const NONE: RawRelation =
            RawRelation { relid: pg_sys::InvalidOid, required_perms: 0, rellockmode: 0 };
        out.clear();
        let mut few = [NONE; FEW];
        // SAFETY: a valid plan; a buffer and its capacity. Raises nothing.
        let count = unsafe { activity_pg_relations(self.desc().plannedstmt, few.as_mut_ptr(), FEW as i32) };
        let count = usize::try_from(count).unwrap_or(0).min(MAX_RELATIONS);
        if count <= FEW {
            out.extend(few.iter().take(count).map(Relation::from));
            return;
        }
        let mut many = vec![NONE; count];
        // SAFETY: as above; count fits an int, see MAX_RELATIONS.
        unsafe { activity_pg_relations(self.desc().plannedstmt, many.as_mut_ptr(), count as i32) };
        out.extend(many.iter().map(Relation::from));
    }

    /// The parameters that the client bound, if any.
    pub(crate) fn parameters(&self) -> Option<super::params::Bound<'a>> {
        // SAFETY: NULL or the parameter list of this query, which lives as long as it.
        unsafe { super::params::Bound::new(self.desc().params) }
    }

    /// Has the end of this query's memory told under `key`, however it ends.
    pub(crate) fn watch(&self, key: u64) {
        if !self.desc().estate.is_null() {
            // SAFETY: estate is there; an out-of-memory error becomes a panic.
            unsafe { raising(|| activity_pg_watch_query(self.raw.as_ptr(), key)) };
        }
    }
}

impl From<&RawRelation> for Relation {
    fn from(raw: &RawRelation) -> Self {
        Self { oid: raw.relid.to_u32(), required: raw.required_perms, lock_mode: raw.rellockmode }
    }
}

/// A utility command, valid for the length of one hook call.
#[derive(Clone, Copy)]
pub(crate) struct Utility<'a> {
    pstmt: NonNull<pg_sys::PlannedStmt>,
    source: *const c_char,
    /// Part of another command: an element of CREATE SCHEMA, the index of a primary key.
    pub(crate) subcommand: bool,
    call: PhantomData<&'a ()>,
}

impl<'a> Utility<'a> {
    /// # Safety
    /// The arguments are those of the hook call that `'a` stands for.
    pub(super) unsafe fn new(
        pstmt: *mut pg_sys::PlannedStmt,
        source: *const c_char,
        subcommand: bool,
    ) -> Option<Self> {
        NonNull::new(pstmt).map(|pstmt| Self { pstmt, source, subcommand, call: PhantomData })
    }

    fn node(&self) -> *mut pg_sys::Node {
        // SAFETY: valid for 'a, see new.
        unsafe { self.pstmt.as_ref() }.utilityStmt
    }

    fn is(&self, tag: pg_sys::NodeTag) -> bool {
        // SAFETY: every utility statement has a node, and every node begins with its tag.
        unsafe { (*self.node()).type_ == tag }
    }

    /// PostgreSQL's tag of the command, such as `CREATE TABLE`.
    pub(crate) fn command(&self) -> &'static str {
        // SAFETY: a valid node; the name is a constant of the server.
        unsafe {
            let tag = pg_sys::CreateCommandTag(self.node());
            CStr::from_ptr(pg_sys::GetCommandTagName(tag)).to_str().unwrap_or("UNKNOWN")
        }
    }

    /// The number of the class, in the order of `activity_event::Class`.
    pub(crate) fn class_number(&self) -> i32 {
        // SAFETY: a valid statement; an error becomes a panic.
        unsafe { raising(|| activity_pg_utility_class(self.pstmt.as_ptr())) }
    }

    /// The client's own slice of the text.
    pub(crate) fn text(&self) -> &'a [u8] {
        // SAFETY: valid for 'a; the text is terminated and the location is the parser's.
        unsafe {
            let plan = self.pstmt.as_ref();
            slice(self.source, plan.stmt_location, plan.stmt_len)
        }
    }

    /// COPY, the one command whose row count is that of a DML statement.
    pub(crate) fn is_copy(&self) -> bool {
        self.is(pg_sys::NodeTag::T_CopyStmt)
    }

    /// DO, which is told before what it runs.
    pub(crate) fn is_do(&self) -> bool {
        self.is(pg_sys::NodeTag::T_DoStmt)
    }

    /// CREATE or ALTER EXTENSION, whose script's statements are not told one by one.
    pub(crate) fn runs_extension_script(&self) -> bool {
        self.is(pg_sys::NodeTag::T_CreateExtensionStmt) || self.is(pg_sys::NodeTag::T_AlterExtensionStmt)
    }
}

/// The part of `source` that is one statement, with the semicolon that ends it, without space around it.
///
/// # Safety
/// `source` is NULL or terminated and outlives `'a`; `location` and `length` are those that the parser gave for it
/// (RawStmt: -1 and 0 for "all").
unsafe fn slice<'a>(source: *const c_char, location: i32, length: i32) -> &'a [u8] {
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

/// A relation's qualified name and kind.
pub(crate) struct Named {
    /// `schema.name`, quoted where SQL needs it.
    pub(crate) name: String,
    /// pg_class.relkind
    pub(crate) kind: u8,
}

/// Looks a relation up. Catalog access; `None` where it is gone.
pub(crate) fn relation_name(oid: u32) -> Option<Named> {
    let mut kind: c_char = 0;
    let mut buffer = [0u8; MAX_QUALIFIED_NAME_BYTES];
    // SAFETY: two locals and the size of the one; an error becomes a panic.
    let found = unsafe {
        raising(|| {
            activity_pg_relation_name(
                pg_sys::Oid::from(oid),
                &mut kind,
                buffer.as_mut_ptr().cast(),
                MAX_QUALIFIED_NAME_BYTES as i32,
            )
        })
    };
    let name = CStr::from_bytes_until_nul(&buffer).ok().filter(|_| found)?;
    #[expect(clippy::cast_sign_loss, reason = "relkind is an ASCII letter")]
    Some(Named { name: super::text::to_utf8(name.to_bytes()).into_owned(), kind: kind as u8 })
}

/// The text that the client sent last; empty where there is none.
pub(crate) fn client_text<'a>() -> &'a [u8] {
    // SAFETY: NULL or the terminated message text, which lives until the next message; callers copy from it.
    unsafe {
        let text = pg_sys::debug_query_string;
        if text.is_null() { &[] } else { CStr::from_ptr(text).to_bytes().trim_ascii() }
    }
}

/// The id of the transaction, where one was assigned.
pub(crate) fn transaction_id() -> Option<u64> {
    // SAFETY: raises nothing; reads the state of the transaction.
    Some(unsafe { activity_pg_transaction_id() }).filter(|id| *id != 0)
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
