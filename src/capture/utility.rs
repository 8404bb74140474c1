//! Utility commands: what the ProcessUtility hook tells.

use activity_event::{Class, ParamsBuf};

use super::emit::Draft;
use super::failure::FailedStatement;
use super::objects::{Touched, finished};
use super::query::of_relation;
use super::texts::{Prepared, Text};
use super::{BACKEND, Backend, excluded, intent};
use crate::pg::statement::{Operation, Relation, in_extension_script};
use crate::pg::utility::Utility;
use crate::pg::{clock, guard, objects, process};
use crate::settings::{self, Mode, OnFailure};

/// A utility command under way.
pub(super) struct OpenUtility {
    start_time: i64,
    statement_id: u64,
    substatement_id: Option<u64>,
    pub(super) class: Class,
    pub(super) command: &'static str,
    text: Prepared,
    /// Part of another command or of an extension's script: told with that.
    pub(super) is_part: bool,
    /// It was told before it ran.
    pub(super) told_before: bool,
    told: bool,
    /// What it touches is named when it is done.
    pub(super) names_objects: bool,
    pub(super) touched: Vec<Touched>,
    /// The object that its text names first.
    target: Option<(&'static str, String)>,
    /// COPY, and the relations that it uses itself: those of a query inside it are that query's.
    is_copy: bool,
    relations: Vec<Relation>,
    /// `Backend::depth` where nothing runs inside the command.
    pub(super) depth: u32,
    params: ParamsBuf,
    /// A column that it changes is told as one, and not as its table.
    pub(super) tells_columns: bool,
    is_commit: bool,
}

/// Before ProcessUtility. The command's tree may be gone when it is over (ROLLBACK frees it), so all is taken now.
/// Whether the tree is to be there then all the same: the command's objects are to be named, and such commands keep it.
pub(crate) fn begin(utility: Utility<'_>) -> bool {
    let begun = BACKEND.with(|b| {
        b.begin(utility.location(), utility.end());
        b.depth += 1;
        let in_script = in_extension_script() && !utility.runs_extension_script();
        let is_part = utility.subcommand || in_script;
        let names_objects = !in_script && !excluded() && utility.names_objects();
        let usable = process::catalog_usable();
        let kind = utility.command();
        let told_before = !is_part
            && usable
            && (intent::command(kind.tag, utility, &mut b.names) || needs_to_be_durable_before(utility));
        // It may be named wrongly, which is for the command itself to say.
        let has_target = !is_part && usable && (names_objects || utility.is_copy());
        let target = has_target.then(|| guard::contain(|| utility.target())).flatten().flatten();
        let mut params = ParamsBuf::new();
        if settings::log_parameters()
            && let Some(bound) = utility.parameters()
        {
            bound.print(settings::max_parameter_bytes(), &[], &mut params);
        }
        b.utilities.push(OpenUtility {
            start_time: clock::now(),
            statement_id: b.numbers.current.id,
            substatement_id: None,
            class: if in_script { Class::Misc } else { class(kind.class_number) },
            command: kind.tag,
            text: if is_part { Prepared::default() } else { Prepared::of(utility.text()) },
            is_part,
            told_before,
            told: is_part,
            names_objects,
            touched: Vec::new(),
            target,
            is_copy: utility.is_copy(),
            relations: Vec::new(),
            depth: b.depth,
            params,
            tells_columns: utility.is_rename(),
            is_commit: utility.is_commit(),
        });
        if told_before {
            b.tell_intent();
        }
        if utility.is_do() {
            b.tell_utility(0);
        }
        names_objects
    });
    begun.unwrap_or_default()
}

/// In sync mode: whether what the command does could not be undone were its event not durable.
fn needs_to_be_durable_before(utility: Utility<'_>) -> bool {
    settings::mode() == Mode::Sync
        && match settings::on_failure() {
            OnFailure::Continue => utility.commits_another(),
            OnFailure::FailOperation => utility.cannot_roll_back(),
        }
}

/// After ProcessUtility, with the SQLSTATE of the error that ended it, if one did. `utility` is there where its objects are
/// to be named.
pub(crate) fn end(utility: Option<Utility<'_>>, failure: Option<i32>, rows: u64) {
    BACKEND.with(|b| {
        b.depth = b.depth.saturating_sub(1);
        let Some(mut open) = b.utilities.pop() else { return };
        if let Some(code) = failure {
            if !open.is_part {
                b.note_failure(code, |b| open.failed(b));
            }
            return;
        }
        b.publish_caught_failure();
        if let Some(utility) = utility {
            b.note_named_objects(&mut open, utility);
        }
        if open.is_commit && b.depth == 0 && process::catalog_usable() {
            // Deferred triggers run now, and may fail.
            b.commit = Some(open);
            return;
        }
        b.utilities.push(open);
        b.tell_utility(rows);
        b.utilities.pop();
    });
}

/// Whether something is told when the transaction commits. Asked at every commit; cannot fail.
pub(crate) fn tells_at_commit() -> bool {
    BACKEND.with(|b| b.commit.is_some() || b.failures.has_raised()).unwrap_or(false)
}

/// Deferred triggers have run: the transaction is about to commit. Where the command that ends it can still be found wanting
/// (PREPARE TRANSACTION) it is told when it is done; in sync mode now, since it has to be durable before.
pub(crate) fn committing(checks_follow: bool) {
    BACKEND.with(|b| {
        b.publish_caught_failure();
        if checks_follow && settings::mode() != Mode::Sync {
            return;
        }
        if let Some(open) = b.commit.take() {
            b.utilities.push(open);
            b.tell_utility(0);
            b.utilities.pop();
        }
    });
}

/// Whether the relations that are being checked belong to a COPY.
pub(crate) fn wants_relations() -> bool {
    let wants = |b: &mut Backend| {
        b.utilities.last().is_some_and(|open| open.is_copy && !open.told && open.depth == b.depth)
    };
    BACKEND.with(wants).unwrap_or(false)
}

/// The COPY that is under way uses a relation.
pub(crate) fn relation_checked(relation: Relation) {
    BACKEND.with(|b| {
        if process::catalog_usable() {
            b.names.learn(relation.oid);
        }
        let Some(open) = b.utilities.last_mut().filter(|_| relation.is_used()) else { return };
        open.relations.push(relation);
        if intent::changes_by_hand(&relation) && !open.told_before {
            open.told_before = true;
            b.tell_intent();
        }
    });
}

impl OpenUtility {
    fn draft(&self, substatement_id: u64) -> Draft<'_> {
        Draft {
            start_time: self.start_time,
            statement_id: self.statement_id,
            substatement_id,
            class: self.class,
            command: self.command,
            text: Text::Ready(&self.text),
            params: self.params.as_params(),
            ..Draft::EMPTY
        }
    }

    /// What it is told with when it failed.
    pub(super) fn failed(&mut self, b: &Backend) -> FailedStatement {
        let target = self.target.take();
        FailedStatement {
            start_time: self.start_time,
            statement_id: self.statement_id,
            substatement_id: self.substatement_id.unwrap_or(b.numbers.current.substatements + 1),
            class: self.class,
            command: self.command,
            object_type: target.as_ref().map(|(kind, _)| *kind),
            object_name: target.map(|(_, name)| name.into_boxed_str()),
            text: std::mem::take(&mut self.text),
            params: std::mem::take(&mut self.params),
        }
    }
}

impl Backend {
    /// Before it runs: it gives no number away, its own event comes under the one that is next.
    fn tell_intent(&mut self) {
        let Some(open) = self.utilities.pop() else { return };
        let mut draft = open.draft(self.numbers.current.substatements + 1);
        if let Some((kind, name)) = &open.target {
            draft.object_type = Some(*kind);
            draft.object_name = Some(name.as_str());
        }
        self.publish_intent(&draft);
        self.utilities.push(open);
    }

    /// Adds what the command's text names to what it touched.
    fn note_named_objects(&mut self, open: &mut OpenUtility, utility: Utility<'_>) {
        objects::make_visible();
        let (class, command, own_type) = (open.class, open.command, utility.object_type());
        let objects = utility.objects();
        let whole = if open.is_part { self.utilities.iter_mut().rev().find(|o| !o.is_part) } else { None };
        let touched = &mut whole.unwrap_or(open).touched;
        if own_type.is_some() {
            touched.iter_mut().filter(|t| t.command == command).for_each(|t| t.own_type = own_type);
        }
        touched.extend(objects.into_iter().map(|object| Touched::named(object, class, command, own_type)));
    }

    fn tell_utility(&mut self, rows: u64) {
        let Some(mut open) = self.utilities.pop() else { return };
        if !open.told {
            open.told = true;
            let relations = std::mem::take(&mut open.relations);
            if !relations.is_empty() {
                self.tell_copied(&open, &relations, rows);
            }
            let substatement = self.numbers.current.next_substatement();
            open.substatement_id = Some(substatement);
            let touched = finished(std::mem::take(&mut open.touched));
            let draft = Draft { row_count: open.is_copy.then_some(rows), ..open.draft(substatement) };
            if touched.is_empty() {
                // It changed nothing, or what it changed is no object of a catalog.
                let target = open.target.as_ref();
                self.publish(&Draft {
                    object_type: target.map(|(kind, _)| *kind),
                    object_name: target.map(|(_, name)| name.as_str()),
                    ..draft
                });
            }
            for Touched { class, command, described, .. } in &touched {
                let Some((kind, name)) = described else { continue };
                self.publish(&Draft {
                    class: *class,
                    command,
                    object_type: Some(kind),
                    object_name: Some(name),
                    ..draft
                });
            }
        }
        self.utilities.push(open);
    }

    /// COPY of a table reads or writes it as a query does.
    fn tell_copied(&mut self, open: &OpenUtility, relations: &[Relation], rows: u64) {
        let substatement = self.numbers.current.next_substatement();
        for relation in relations {
            let known = self.names.relation(relation.oid);
            let mut draft = Draft { row_count: Some(rows), ..open.draft(substatement) };
            (draft.class, draft.command) = of_relation(relation, Operation::Other);
            draft.name(known.as_ref());
            self.publish(&draft);
        }
    }
}

/// The class of a number of `activity_pg_utility_class`.
fn class(number: i32) -> Class {
    match number {
        0 => Class::Read,
        1 => Class::Write,
        2 => Class::Function,
        3 => Class::Role,
        4 => Class::Ddl,
        _ => Class::Misc,
    }
}
