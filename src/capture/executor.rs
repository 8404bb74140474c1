//! Queries: what the executor hooks tell.

use activity_event::Class;

use super::emit::{Draft, Prepared, Text};
use super::failure::FailedStatement;
use super::{BACKEND, Backend, Statement, wait_at_top};
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
    relations: Vec<Relation>,
    rows: u64,
    told: Told,
    /// The statement that was current before this query ran.
    outer: Statement,
}

impl Backend {
    fn open_query(&mut self, query: Query<'_>) -> Option<usize> {
        self.queries.iter().rposition(|open| open.address == query.address())
    }
}

/// Before ExecutorStart.
pub(crate) fn start(query: Query<'_>) {
    if in_extension_script() {
        return;
    }
    BACKEND.with(|b| {
        b.begin_statement_at_top();
        let key = next_key();
        let mut relations = Vec::new();
        query.relations(&mut relations);
        if process::catalog_usable() {
            for relation in &relations {
                b.names.learn(relation.oid);
            }
        }
        let substatement_id = b.current.next_substatement();
        if b.queries.len() >= MAX_OPEN_QUERIES {
            b.queries.remove(0);
            super::note_contained_failure();
        }
        b.queries.push(OpenQuery {
            address: query.address(),
            key,
            statement: b.current,
            substatement_id,
            top: b.depth == 0,
            start_time: clock::now(),
            relations,
            rows: 0,
            told: Told::No,
            outer: b.current,
        });
    });
}

/// After ExecutorStart.
pub(crate) fn started(query: Query<'_>, failed: bool) {
    BACKEND.with(|b| {
        let Some(index) = b.open_query(query) else { return };
        if failed {
            b.note_failure(index, query);
            b.queries.remove(index);
        } else if let Some(open) = b.queries.get(index) {
            query.watch(open.key);
        }
    });
}

/// Before ExecutorRun.
pub(crate) fn run_begin(query: Query<'_>) {
    enter(query);
}

/// After ExecutorRun, which was to hand over at most `limit` rows (0: all).
pub(crate) fn run_end(query: Query<'_>, limit: u64, failed: bool) {
    BACKEND.with(|b| {
        let Some(index) = leave(b, query, failed) else { return };
        let Some(open) = b.queries.get_mut(index) else { return };
        let rows = query.rows_of_last_run();
        open.rows += rows;
        if query.modifies() {
            return;
        }
        let complete = limit == 0 || rows < limit;
        match open.told {
            Told::No => {
                open.told = if complete { Told::All } else { Told::Rows(open.rows) };
                b.tell(index, query, true);
            }
            Told::Rows(told) if complete => {
                let more = open.rows > told;
                open.told = Told::All;
                if more {
                    b.tell(index, query, true);
                }
            }
            Told::Rows(_) | Told::All => {}
        }
    });
    wait_at_top();
}

/// Before ExecutorFinish.
pub(crate) fn finish_begin(query: Query<'_>) {
    enter(query);
}

/// After ExecutorFinish: triggers that wait for the end of the statement have run.
pub(crate) fn finish_end(query: Query<'_>, failed: bool) {
    BACKEND.with(|b| {
        let Some(index) = leave(b, query, failed) else { return };
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
            // Planned and never run: EXPLAIN, a cursor that nobody fetched from.
            Told::No => b.tell(index, query, false),
            Told::Rows(told) if open.rows > told => b.tell(index, query, true),
            Told::Rows(_) | Told::All => {}
        }
        b.queries.remove(index);
    });
    wait_at_top();
}

/// The memory of a query went without ExecutorEnd: its transaction was rolled back.
pub(crate) fn vanished(key: u64) {
    BACKEND.with(|b| b.queries.retain(|open| open.key != key));
}

fn next_key() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A run begins: what happens now happens inside this query's statement.
fn enter(query: Query<'_>) {
    BACKEND.with(|b| {
        b.depth += 1;
        let Some(index) = b.open_query(query) else { return };
        let current = b.current;
        if let Some(open) = b.queries.get_mut(index) {
            open.outer = current;
            if open.top {
                b.current = open.statement;
            }
        }
    });
}

/// A run is over. The query's index where it goes on, `None` where it failed or is not known.
fn leave(b: &mut Backend, query: Query<'_>, failed: bool) -> Option<usize> {
    b.depth = b.depth.saturating_sub(1);
    let index = b.open_query(query)?;
    let current = b.current;
    let open = b.queries.get_mut(index)?;
    if open.top {
        open.statement = current;
        // What comes next at the top begins a statement of its own; a portal that is run inside another command
        // (FETCH) gives that command its numbers back.
        b.current = open.outer;
    }
    if failed {
        b.note_failure(index, query);
        return None;
    }
    Some(index)
}

impl Backend {
    /// Tells the query: one event for each relation, or one where it has none.
    fn tell(&mut self, index: usize, query: Query<'_>, ran: bool) {
        let Some(open) = self.queries.get_mut(index) else { return };
        let relations = std::mem::take(&mut open.relations);
        let draft = Draft {
            start_time: open.start_time,
            statement_id: open.statement.id,
            substatement_id: open.substatement_id,
            row_count: ran.then_some(open.rows),
            with_params: true,
            query_id: query.query_id(),
            ..Draft::EMPTY
        };
        self.params.clear();
        if settings::log_parameters()
            && let Some(bound) = query.parameters()
        {
            bound.print(&mut self.params);
        }
        let operation = query.operation();
        // Several events share the text: prepare it once.
        let prepared = (relations.len() > 1).then(|| Prepared::of(query.text()));
        let text = prepared.as_ref().map_or(Text::Raw(query.text()), Text::Ready);
        if relations.is_empty() {
            let (class, command) = of_operation(operation);
            self.publish(&Draft { class, command, text, ..draft });
        }
        for relation in &relations {
            let (class, command) = of_relation(relation, operation);
            let known = self.names.known(relation.oid).cloned();
            self.publish(&Draft {
                class,
                command,
                text,
                object_type: Some(known.as_ref().map_or("UNKNOWN", |k| k.object_type)),
                object_name: known.as_ref().map(|k| &*k.name),
                ..draft
            });
        }
        if let Some(open) = self.queries.get_mut(index) {
            open.relations = relations;
        }
    }

    /// Keeps what a client's statement that failed will be told with, once the error reaches the top.
    fn note_failure(&mut self, index: usize, query: Query<'_>) {
        if self.depth != 0 {
            return;
        }
        let Some(open) = self.queries.get(index) else { return };
        let target = open.relations.iter().find(|r| r.inserts() || r.updates() || r.deletes());
        let relation = target.or(open.relations.first());
        let (class, command) =
            relation.map_or_else(|| of_operation(query.operation()), |r| of_relation(r, query.operation()));
        let known = relation.and_then(|r| self.names.known(r.oid));
        self.failed = Some(FailedStatement {
            start_time: open.start_time,
            statement_id: open.statement.id,
            substatement_id: open.substatement_id,
            class,
            command,
            object_type: known.map(|k| k.object_type),
            object_name: known.map(|k| k.name.clone()),
            text: Prepared::of(query.text()),
        });
    }
}

/// What a statement does to one of its relations, by the permissions that it needs there.
fn of_relation(relation: &Relation, operation: Operation) -> (Class, &'static str) {
    let writes = relation.inserts() || relation.updates() || relation.deletes();
    if writes && operation == Operation::Merge {
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
