//! Queries: what the executor hooks tell.

use activity_event::Class;

use super::query::{Target, Told};
use super::texts::Text;
use super::{BACKEND, Backend, excluded, filter, intent};
use crate::pg::clock;
use crate::pg::statement::{Query, in_extension_script, in_subtransaction};

/// Most queries that one process keeps open at once; a session with more open cursors has the oldest forgotten.
const MAX_OPEN_QUERIES: usize = 4096;

/// Before ExecutorStart.
pub(crate) fn start(query: Query<'_>) {
    BACKEND.with(|b| {
        b.begin(query.location(), query.end());
        let top = b.depth == 0;
        b.depth += 1;
        if in_extension_script() {
            return;
        }
        // Whatever is left out can still fail, and be told for that, or be told before it runs.
        let left_out = excluded() || (!query.modifies() && !filter::captures(Class::Read));
        let mut open = b.spare_query.take().unwrap_or_default();
        // For the sake of which relation it is told before it runs, as far as that has a name: of one that it names, or else
        // of a child of one.
        let (mut told_before, mut child) = (None, None);
        query.each_relation(|relation| {
            let wanted = !left_out || relation.foreign || intent::changes_by_hand(&relation);
            let name =
                if wanted { b.names.relation_or_learn(relation.oid) } else { b.names.relation(relation.oid) };
            if relation.is_used() {
                let target = Target { relation, name };
                if told_before.is_none() && target.is_told_before() {
                    told_before = Some(target.name.clone());
                }
                open.targets.push(target);
            } else {
                child = child.take().or(name.filter(|name| name.leaves_server));
            }
        });
        if b.queries.len() >= MAX_OPEN_QUERIES {
            b.queries.remove(0);
            super::note_contained_failure();
        }
        let told_before = told_before.or(child.map(Some));
        open.address = query.address();
        open.watched_as = None;
        open.substatement_id = b.numbers.current.next_substatement();
        open.statement = b.numbers.current;
        open.top = top;
        open.start_time = clock::now();
        open.operation = query.operation();
        open.rows = 0;
        open.told = if left_out { Told::All } else { Told::No };
        open.outer = b.numbers.current;
        b.queries.push(open);
        if let Some(name) = told_before {
            b.tell_intent_of_query(query, name.as_deref());
        }
    });
}

/// An error ended ExecutorStart.
pub(crate) fn start_failed(query: Query<'_>, code: i32) {
    BACKEND.with(|b| {
        b.depth = b.depth.saturating_sub(1);
        let index = b.open_query(query);
        b.query_failed(index, query, code);
    });
}

/// After ExecutorStart. Cannot fail.
pub(crate) fn started(query: Query<'_>) {
    BACKEND.with(|b| {
        b.depth = b.depth.saturating_sub(1);
        let index = b.open_query(query);
        b.contain_caught_failure();
        let current = b.numbers.current;
        if let Some(open) = index.and_then(|index| b.queries.get_mut(index)) {
            // Numbers were given to the functions that it calls.
            open.statement = current;
            // Its memory goes with the subtransaction; the transaction's end is told by itself.
            if in_subtransaction() {
                open.watch(query);
            }
        }
    });
}

/// Before ExecutorRun. Cannot fail.
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
        if let Some(open) = b.queries.get_mut(index) {
            open.keep_rest(query);
        }
    });
}

/// Before ExecutorFinish. Cannot fail.
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
}

/// Before ExecutorEnd, where nothing is left to tell of the query, or it is not known: whether that is so. Cannot fail.
pub(crate) fn end_of_told(query: Query<'_>) -> bool {
    let told = BACKEND.with(|b| {
        let Some(index) = b.open_query(query) else { return true };
        let told = b.queries.get(index).is_none_or(|open| open.told == Told::All);
        if told {
            b.close_query(index);
        }
        told
    });
    told.unwrap_or(true)
}

/// Before ExecutorEnd. What was not told before capture was turned off is not told any more.
pub(crate) fn end(query: Query<'_>) {
    BACKEND.with(|b| {
        let Some(index) = b.open_query(query) else { return };
        let Some(open) = b.queries.get(index) else { return };
        match open.told {
            _ if !super::enabled() => {}
            // Fetched in parts; or planned and never run: EXPLAIN, a cursor that nobody fetched from.
            Told::No => b.tell(index, query, open.kept.is_some()),
            Told::Rows(told) if open.rows > told => b.tell(index, query, true),
            Told::Rows(_) | Told::All => {}
        }
        b.close_query(index);
    });
}

/// The transaction is rolled back, and with it ends what it had open. What was fetched in part is told when its memory goes.
pub(crate) fn aborted() {
    BACKEND.with(|b| b.queries.retain(|open| open.watched_as.is_some()));
}

/// The memory of a query went without ExecutorEnd: its transaction was rolled back. What it handed over is told.
pub(crate) fn vanished(key: u64) {
    BACKEND.with(|b| {
        let Some(index) = b.queries.iter().position(|open| open.watched_as == Some(key)) else { return };
        let open = b.queries.remove(index);
        let untold = match open.told {
            Told::No => true,
            Told::Rows(told) => open.rows > told,
            Told::All => false,
        };
        if let Some(kept) = open.kept.as_ref().filter(|_| untold) {
            b.emitter.publish_query(
                &open,
                kept.query_id,
                true,
                Text::Ready(&kept.text),
                kept.params.as_params(),
            );
        }
    });
}

/// A run begins, which cannot fail: what happens now happens inside this query's statement.
fn enter(query: Query<'_>) {
    BACKEND.with(|b| {
        b.contain_caught_failure();
        b.depth = b.depth.saturating_add(1);
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
