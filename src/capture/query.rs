//! What is known of a query between ExecutorStart and ExecutorEnd, and how it becomes events.

use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use activity_event::{Class, Params, ParamsBuf};

use super::emit::{Draft, Emitter};
use super::failure::FailedStatement;
use super::names::RelationName;
use super::numbers::Statement;
use super::texts::{Prepared, Text, secret_parameters};
use super::{Backend, intent};
use crate::pg::clock;
use crate::pg::statement::{Operation, Query, Relation};
use crate::settings;

/// What of a query was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Told {
    /// Nothing.
    #[default]
    No,
    /// A first part, with so many rows.
    Rows(u64),
    /// All.
    All,
}

/// A query between ExecutorStart and ExecutorEnd. One that is over is used again, and with it the memory of its list.
#[derive(Default)]
pub(super) struct OpenQuery {
    pub(super) address: usize,
    /// The key under which the end of its memory is told, where it is.
    pub(super) watched_as: Option<u64>,
    /// The statement it belongs to; of a client's own query also its counter.
    pub(super) statement: Statement,
    pub(super) substatement_id: u64,
    /// No other statement is around it.
    pub(super) top: bool,
    pub(super) start_time: i64,
    pub(super) operation: Operation,
    pub(super) targets: Vec<Target>,
    pub(super) rows: u64,
    pub(super) told: Told,
    /// The statement that was current before this query ran.
    pub(super) outer: Statement,
    /// What it is told with should it go without ExecutorEnd; there where a part of its rows was fetched.
    pub(super) kept: Option<Box<Kept>>,
}

/// A relation of a query.
pub(super) struct Target {
    pub(super) relation: Relation,
    /// What it was called when the query began; `None` where that could not be told.
    pub(super) name: Option<Rc<RelationName>>,
}

impl Target {
    /// Whether what the query does with it is told before it runs.
    pub(super) fn is_told_before(&self) -> bool {
        intent::changes_by_hand(&self.relation) || self.name.as_ref().is_some_and(|known| known.leaves_server)
    }
}

/// What of a query is needed when the query itself is gone.
pub(super) struct Kept {
    pub(super) query_id: Option<i64>,
    pub(super) text: Prepared,
    pub(super) params: ParamsBuf,
}

impl Backend {
    pub(super) fn open_query(&mut self, query: Query<'_>) -> Option<usize> {
        self.queries.iter().rposition(|open| open.address == query.address())
    }

    /// The query is over.
    pub(super) fn close_query(&mut self, index: usize) {
        // Nearly always the last one.
        let last = index + 1 == self.queries.len();
        let Some(mut open) = (if last { self.queries.pop() } else { Some(self.queries.remove(index)) })
        else {
            return;
        };
        open.targets.clear();
        open.kept = None;
        self.spare_query = Some(open);
    }

    /// Tells the query: one event for each relation, or one where it has none.
    pub(super) fn tell(&mut self, index: usize, query: Query<'_>, ran: bool) {
        let Self { queries, emitter, params, .. } = self;
        let Some(open) = queries.get(index) else { return };
        let raw = query.text();
        let plain = emitter.texts.find(raw);
        params.clear();
        print_parameters(query, plain.is_some(), params);
        // Several events share the text: prepare it once.
        let prepared = (plain.is_none() && open.targets.len() > 1).then(|| Prepared::of(raw));
        let text = plain.map_or(prepared.as_ref().map_or(Text::Raw(raw), Text::Ready), Text::Plain);
        emitter.publish_query(open, query.query_id(), ran, text, params.as_params());
    }

    pub(super) fn tell_intent_of_query(&mut self, query: Query<'_>, relation: Option<&RelationName>) {
        let Some(open) = self.queries.pop() else { return };
        self.publish_intent(&Draft {
            start_time: open.start_time,
            statement_id: open.statement.id,
            substatement_id: open.substatement_id,
            object_type: relation.map(|known| known.object_type),
            object_name: relation.map(|known| &*known.name),
            text: Text::Raw(query.text()),
            ..Draft::EMPTY
        });
        self.queries.push(open);
    }

    /// An error ends the query.
    pub(super) fn query_failed(&mut self, index: Option<usize>, query: Query<'_>, code: i32) {
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
                open.tell_into(&mut failed);
            }
            if settings::log_parameters()
                && let Some(bound) = query.parameters()
            {
                let secret = secret_parameters(query.text());
                bound.print_plain(settings::max_parameter_bytes(), &secret, &mut failed.params);
            }
            failed
        });
    }
}

impl Emitter {
    /// Tells a query, which need not be open any more.
    pub(super) fn publish_query(
        &mut self,
        open: &OpenQuery,
        query_id: Option<i64>,
        ran: bool,
        text: Text<'_>,
        params: Params<'_>,
    ) {
        let mut draft = Draft {
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
        if open.targets.is_empty() {
            (draft.class, draft.command) = of_operation(operation);
            self.publish(&draft);
        }
        for (place, Target { relation, name }) in open.targets.iter().enumerate() {
            let (class, command) = of_relation(relation, operation);
            let same = |other: &Target| {
                other.relation.oid == relation.oid
                    && of_relation(&other.relation, operation) == (class, command)
            };
            let catalog = name.as_ref().is_some_and(|known| known.catalog);
            // A table that is read twice is told once.
            if open.targets.iter().take(place).any(same) || (catalog && !settings::capture_catalog()) {
                continue;
            }
            (draft.class, draft.command) = (class, command);
            draft.name(name.as_ref());
            self.publish(&draft);
        }
    }
}

impl OpenQuery {
    /// Whether it is that client's statement itself.
    pub(super) fn is_of(&self, statement: Statement) -> bool {
        self.top && self.statement.id == statement.id
    }

    /// Keeps what is needed to tell the rest of it, where it was fetched in part.
    #[inline]
    pub(super) fn keep_rest(&mut self, query: Query<'_>) {
        if self.told != Told::All && self.kept.is_none() {
            self.keep(query);
        }
    }

    #[cold]
    fn keep(&mut self, query: Query<'_>) {
        self.watch(query);
        let mut params = ParamsBuf::new();
        print_parameters(query, false, &mut params);
        let (query_id, text) = (query.query_id(), Prepared::of(query.text()));
        self.kept = Some(Box::new(Kept { query_id, text, params }));
    }

    /// Has the end of its memory told, once.
    pub(super) fn watch(&mut self, query: Query<'_>) {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        if self.watched_as.is_none() {
            let key = NEXT.fetch_add(1, Ordering::Relaxed);
            self.watched_as = Some(key);
            query.watch(key);
        }
    }

    /// Its numbers, class, command and target, for when it failed.
    pub(super) fn tell_into(&self, failed: &mut FailedStatement) {
        let target = self.targets.iter().find(|t| t.relation.writes()).or(self.targets.first());
        let known = target.and_then(|target| target.name.as_ref());
        failed.start_time = self.start_time;
        failed.statement_id = self.statement.id;
        failed.substatement_id = self.substatement_id;
        (failed.class, failed.command) =
            target.map_or_else(|| of_operation(self.operation), |t| of_relation(&t.relation, self.operation));
        failed.object_type = known.map(|k| k.object_type);
        failed.object_name = known.map(|k| k.name.clone());
    }
}

/// `plain`: the text holds nothing that could announce a secret.
fn print_parameters(query: Query<'_>, plain: bool, out: &mut ParamsBuf) {
    if settings::log_parameters()
        && let Some(bound) = query.parameters()
    {
        let secret = if plain { Vec::new() } else { secret_parameters(query.text()) };
        bound.print(settings::max_parameter_bytes(), &secret, out);
    }
}

/// What a statement does to one of its relations, by the permissions that it needs there.
pub(super) fn of_relation(relation: &Relation, operation: Operation) -> (Class, &'static str) {
    if !relation.writes() {
        (Class::Read, "SELECT")
    } else if operation == Operation::Merge {
        (Class::Write, "MERGE")
    } else if relation.inserts() {
        (Class::Write, "INSERT")
    } else if relation.updates() {
        (Class::Write, "UPDATE")
    } else {
        (Class::Write, "DELETE")
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
