//! Queries: what the executor hooks tell.

use activity_event::{Class, Params, ParamsBuf};

use super::emit::{Draft, Prepared, Text};
use super::failure::FailedStatement;
use super::names::Names;
use super::numbers::Statement;
use super::{BACKEND, Backend, filter, wait_at_top, wait_now, watched};
use crate::pg::clock;
use crate::pg::process;
use crate::pg::statement::{Operation, Query, Relation, in_extension_script};
use crate::settings;

/// Most queries that one process keeps open at once; a session with more open cursors has the oldest forgotten.
const MAX_OPEN_QUERIES: usize = 4096;

/// What of a query was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Nothing.
    No,
    /// A first part, with so many rows.
    Rows(u64),
    /// All.
    All,
}

/// A query between ExecutorStart and ExecutorEnd.
pub(super) struct OpenQuery {
    address: usize,
    key: u64,
    /// The statement it belongs to; of a client's own query also its counter.
    statement: Statement,
    substatement_id: u64,
    /// No other statement is around it.
    top: bool,
    start_time: i64,
    operation: Operation,
    relations: Vec<Relation>,
    rows: u64,
    told: Told,
    /// The statement that was current before this query ran.
    outer: Statement,
    /// What it is told with should it go without ExecutorEnd; there where a part of its rows was fetched.
    kept: Option<Box<Kept>>,
}

/// What of a query is needed when the query itself is gone.
struct Kept {
    query_id: Option<i64>,
    text: Prepared,
    params: ParamsBuf,
}

impl Backend {
    fn open_query(&mut self, query: Query<'_>) -> Option<usize> {
        self.queries.iter().rposition(|open| open.address == query.address())
    }
}

/// Before ExecutorStart.
pub(crate) fn start(query: Query<'_>) {
    let told_before = BACKEND.with(|b| {
        b.begin(query.location(), query.end());
        let top = b.depth == 0;
        b.depth += 1;
        if in_extension_script() {
            return false;
        }
        let left_out = !query.modifies() && !filter::captures(Class::Read);
        let mut relations = Vec::new();
        if !left_out {
            query.relations(&mut relations);
            if process::catalog_usable() {
                relations.iter().for_each(|relation| b.names.learn(relation.oid));
            }
        }
        if b.queries.len() >= MAX_OPEN_QUERIES {
            b.queries.remove(0);
            super::note_contained_failure();
        }
        let intent = relations.iter().any(|r| r.writes() && watched::is_watched_catalog(r.oid));
        b.queries.push(OpenQuery {
            address: query.address(),
            key: next_key(),
            substatement_id: b.numbers.current.next_substatement(),
            statement: b.numbers.current,
            top,
            start_time: clock::now(),
            operation: query.operation(),
            relations,
            rows: 0,
            told: if left_out { Told::All } else { Told::No },
            outer: b.numbers.current,
            kept: None,
        });
        if intent {
            b.tell_intent_of_query(query);
        }
        intent
    });
    if told_before == Some(true) {
        wait_now();
    }
}

/// After ExecutorStart, with the SQLSTATE of the error that ended it, if one did.
pub(crate) fn started(query: Query<'_>, failure: Option<i32>) {
    BACKEND.with(|b| {
        b.depth = b.depth.saturating_sub(1);
        let index = b.open_query(query);
        if let Some(code) = failure {
            return b.query_failed(index, query, code);
        }
        b.publish_caught_failure();
        let current = b.numbers.current;
        if let Some(open) = index.and_then(|index| b.queries.get_mut(index)) {
            // Numbers were given to the functions that it calls.
            open.statement = current;
            query.watch(open.key);
        }
    });
}

/// Before ExecutorRun.
pub(crate) fn run_begin(query: Query<'_>) {
    enter(query);
}

/// After ExecutorRun, which was to hand over at most `limit` rows (0: all).
pub(crate) fn run_end(query: Query<'_>, limit: u64, failure: Option<i32>) {
    BACKEND.with(|b| {
        let Some(index) = leave(b, query, failure) else { return };
        let Some(open) = b.queries.get_mut(index) else { return };
        let rows = query.rows_of_last_run();
        open.rows = if open.rows > 0 && query.was_rewound() { rows } else { open.rows + rows };
        if query.modifies() {
            return;
        }
        let complete = limit == 0 || rows < limit;
        let to_client = open.top || b.depth == 0 || b.numbers.current.id != open.statement.id;
        match open.told {
            Told::No if complete => {
                open.told = Told::All;
                b.tell(index, query, true);
            }
            // The client has these rows. Inside another statement nobody has, and it is told once, when it ends.
            Told::No if to_client => {
                open.told = Told::Rows(open.rows);
                b.tell(index, query, true);
            }
            Told::Rows(told) if complete => {
                let more = open.rows > told;
                open.told = Told::All;
                if more {
                    b.tell(index, query, true);
                }
            }
            Told::No | Told::Rows(_) | Told::All => {}
        }
        b.keep(index, query);
    });
    wait_at_top();
}

/// Before ExecutorFinish.
pub(crate) fn finish_begin(query: Query<'_>) {
    enter(query);
}

/// After ExecutorFinish: triggers that wait for the end of the statement have run.
pub(crate) fn finish_end(query: Query<'_>, failure: Option<i32>) {
    BACKEND.with(|b| {
        let Some(index) = leave(b, query, failure) else { return };
        let Some(open) = b.queries.get_mut(index) else { return };
        if query.modifies() && open.told == Told::No {
            open.told = Told::All;
            b.tell(index, query, true);
        }
    });
    wait_at_top();
}

/// Before ExecutorEnd.
pub(crate) fn end(query: Query<'_>) {
    BACKEND.with(|b| {
        let Some(index) = b.open_query(query) else { return };
        let Some(open) = b.queries.get(index) else { return };
        match open.told {
            // Fetched in parts; or planned and never run: EXPLAIN, a cursor that nobody fetched from.
            Told::No => b.tell(index, query, open.kept.is_some()),
            Told::Rows(told) if open.rows > told => b.tell(index, query, true),
            Told::Rows(_) | Told::All => {}
        }
        b.queries.remove(index);
    });
    wait_at_top();
}

/// The memory of a query went without ExecutorEnd: its transaction was rolled back. What it handed over is told.
pub(crate) fn vanished(key: u64) {
    BACKEND.with(|b| {
        let Some(index) = b.queries.iter().position(|open| open.key == key) else { return };
        let open = b.queries.remove(index);
        let untold = match open.told {
            Told::No => true,
            Told::Rows(told) => open.rows > told,
            Told::All => false,
        };
        if let Some(kept) = open.kept.as_ref().filter(|_| untold) {
            b.publish_query(&open, kept.query_id, true, Text::Ready(&kept.text), kept.params.as_params());
        }
    });
}

fn next_key() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A run begins: what happens now happens inside this query's statement.
fn enter(query: Query<'_>) {
    BACKEND.with(|b| {
        b.publish_caught_failure();
        b.depth += 1;
        let Some(index) = b.open_query(query) else { return };
        let current = b.numbers.current;
        if let Some(open) = b.queries.get_mut(index) {
            open.outer = current;
            if open.top {
                b.numbers.current = open.statement;
            }
        }
    });
}

/// A run is over. The query's index where it goes on, `None` where it failed or is not known.
fn leave(b: &mut Backend, query: Query<'_>, failure: Option<i32>) -> Option<usize> {
    b.depth = b.depth.saturating_sub(1);
    let index = b.open_query(query);
    let current = b.numbers.current;
    if let Some(open) = index.and_then(|index| b.queries.get_mut(index))
        && open.top
    {
        open.statement = current;
        // What comes next at the top begins a statement of its own; a portal that is run inside another command
        // (FETCH) gives that command its numbers back.
        b.numbers.current = open.outer;
    }
    if let Some(code) = failure {
        b.query_failed(index, query, code);
        return None;
    }
    b.publish_caught_failure();
    index
}

impl Backend {
    /// Tells the query: one event for each relation, or one where it has none.
    fn tell(&mut self, index: usize, query: Query<'_>, ran: bool) {
        if index >= self.queries.len() {
            return;
        }
        let mut params = std::mem::take(&mut self.params);
        params.clear();
        print_parameters(query, &mut params);
        let open = self.queries.swap_remove(index);
        // Several events share the text: prepare it once.
        let prepared = (open.relations.len() > 1).then(|| Prepared::of(query.text()));
        let text = prepared.as_ref().map_or(Text::Raw(query.text()), Text::Ready);
        self.publish_query(&open, query.query_id(), ran, text, params.as_params());
        self.queries.push(open);
        let last = self.queries.len() - 1;
        self.queries.swap(index, last);
        self.params = params;
    }

    fn publish_query(
        &mut self,
        open: &OpenQuery,
        query_id: Option<i64>,
        ran: bool,
        text: Text<'_>,
        params: Params<'_>,
    ) {
        let draft = Draft {
            start_time: open.start_time,
            statement_id: open.statement.id,
            substatement_id: open.substatement_id,
            row_count: ran.then_some(open.rows),
            text,
            params,
            query_id,
            ..Draft::EMPTY
        };
        let operation = open.operation;
        if open.relations.is_empty() {
            let (class, command) = of_operation(operation);
            self.publish(&Draft { class, command, ..draft });
        }
        for (place, relation) in open.relations.iter().enumerate() {
            let (class, command) = of_relation(relation, operation);
            let same = |other: &Relation| {
                other.oid == relation.oid && of_relation(other, operation) == (class, command)
            };
            let known = self.names.relation(relation.oid);
            let catalog = known.as_ref().is_some_and(|known| known.catalog);
            // A table that is read twice is told once.
            if open.relations.iter().take(place).any(same) || (catalog && !settings::capture_catalog()) {
                continue;
            }
            self.publish(&Draft {
                class,
                command,
                object_type: Some(known.as_ref().map_or("UNKNOWN", |k| k.object_type)),
                object_name: known.as_ref().map(|k| &*k.name),
                ..draft
            });
        }
    }

    fn tell_intent_of_query(&mut self, query: Query<'_>) {
        let Some(open) = self.queries.pop() else { return };
        let watched = open.relations.iter().find(|r| r.writes() && watched::is_watched_catalog(r.oid));
        let known = watched.and_then(|relation| self.names.relation(relation.oid));
        self.publish_intent(&Draft {
            start_time: open.start_time,
            statement_id: open.statement.id,
            substatement_id: open.substatement_id,
            object_type: known.as_ref().map(|k| k.object_type),
            object_name: known.as_ref().map(|k| &*k.name),
            text: Text::Raw(query.text()),
            ..Draft::EMPTY
        });
        self.queries.push(open);
    }

    /// Keeps what is needed to tell the rest of a query that was fetched in part.
    fn keep(&mut self, index: usize, query: Query<'_>) {
        let Some(open) = self.queries.get_mut(index) else { return };
        if open.told == Told::All || open.kept.is_some() {
            return;
        }
        let mut params = ParamsBuf::new();
        print_parameters(query, &mut params);
        open.kept =
            Some(Box::new(Kept { query_id: query.query_id(), text: Prepared::of(query.text()), params }));
    }

    /// An error ends the query.
    fn query_failed(&mut self, index: Option<usize>, query: Query<'_>, code: i32) {
        let open = index.map(|index| self.queries.remove(index));
        self.note_failure(code, |b| {
            let mut failed = FailedStatement {
                start_time: clock::now(),
                statement_id: b.numbers.current.id,
                substatement_id: b.numbers.current.substatements + 1,
                text: Prepared::of(query.text()),
                ..FailedStatement::default()
            };
            (failed.class, failed.command) = of_operation(query.operation());
            if let Some(open) = open {
                open.tell_into(&b.names, &mut failed);
            }
            if settings::log_parameters()
                && let Some(bound) = query.parameters()
            {
                bound.print_plain(settings::max_parameter_bytes(), &mut failed.params);
            }
            failed
        });
    }
}

impl OpenQuery {
    /// Whether it is that client's statement itself.
    pub(super) fn is_of(&self, statement: Statement) -> bool {
        self.top && self.statement.id == statement.id
    }

    /// Its numbers, class, command and target, for when it failed.
    pub(super) fn tell_into(&self, names: &Names, failed: &mut FailedStatement) {
        let target = self.relations.iter().find(|r| r.writes()).or(self.relations.first());
        let known = target.and_then(|relation| names.relation(relation.oid));
        failed.start_time = self.start_time;
        failed.statement_id = self.statement.id;
        failed.substatement_id = self.substatement_id;
        (failed.class, failed.command) =
            target.map_or_else(|| of_operation(self.operation), |r| of_relation(r, self.operation));
        failed.object_type = known.as_ref().map(|k| k.object_type);
        failed.object_name = known.map(|k| k.name.clone());
    }
}

fn print_parameters(query: Query<'_>, out: &mut ParamsBuf) {
    if settings::log_parameters()
        && let Some(bound) = query.parameters()
    {
        bound.print(settings::max_parameter_bytes(), out);
    }
}

/// What a statement does to one of its relations, by the permissions that it needs there.
pub(super) fn of_relation(relation: &Relation, operation: Operation) -> (Class, &'static str) {
    if relation.writes() && operation == Operation::Merge {
        (Class::Write, "MERGE")
    } else if relation.inserts() {
        (Class::Write, "INSERT")
    } else if relation.updates() {
        (Class::Write, "UPDATE")
    } else if relation.deletes() {
        (Class::Write, "DELETE")
    } else {
        (Class::Read, "SELECT")
    }
}

fn of_operation(operation: Operation) -> (Class, &'static str) {
    match operation {
        Operation::Select => (Class::Read, "SELECT"),
        Operation::Insert => (Class::Write, "INSERT"),
        Operation::Update => (Class::Write, "UPDATE"),
        Operation::Delete => (Class::Write, "DELETE"),
        Operation::Merge => (Class::Write, "MERGE"),
        Operation::Other => (Class::Misc, "UNKNOWN"),
    }
}
