//! The numbers of statements: pure bookkeeping, told when something begins.

use super::session::CONNECT_STATEMENT_ID;
use crate::pg::statement::Moment;

/// A statement's numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Statement {
    /// statementId
    pub(super) id: u64,
    /// The substatementId given last.
    pub(super) substatements: u64,
}

impl Statement {
    pub(super) fn next_substatement(&mut self) -> u64 {
        self.substatements += 1;
        self.substatements
    }
}

/// Where a client's statement began: two beginnings at the same place are one statement, which a rule has made into
/// several queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    moment: Moment,
    location: i32,
}

/// Which statement things are numbered under.
#[derive(Debug)]
pub(super) struct Numbers {
    /// The statement that is under way, or was last.
    pub(super) current: Statement,
    last_id: u64,
    /// `current` was begun by what ran while it was planned, and has not begun to run itself.
    planned: bool,
    place: Option<Place>,
    /// Where the last statement of a message ended in its text.
    end: usize,
    /// The current statement is the call of a function by a message of its own.
    is_call: bool,
}

impl Numbers {
    pub(super) const fn new() -> Self {
        Self {
            current: Statement { id: 0, substatements: 0 },
            last_id: CONNECT_STATEMENT_ID,
            planned: false,
            place: None,
            end: 0,
            is_call: false,
        }
    }

    /// Something begins where nothing else is under way.
    pub(super) fn begin_at_top(&mut self, moment: &Moment, has_client: bool, location: i32, end: usize) {
        let place = Place { moment: *moment, location };
        if has_client && moment.portal == 0 {
            // Outside of any portal: the next statement is being planned, or the last one's transaction commits.
            if !self.same_message(moment) && !self.planned {
                self.next();
                self.planned = true;
            }
            return;
        }
        if std::mem::take(&mut self.planned) {
            // Its number was given while it was planned.
        } else if !has_client || self.place != Some(place) {
            self.next();
        }
        self.place = Some(place);
        self.end = end;
    }

    /// A statement that nothing else was told of: it failed before it ran, or is of a kind of its own.
    pub(super) fn next_alone(&mut self) -> Statement {
        if !std::mem::take(&mut self.planned) {
            self.next();
        }
        self.current
    }

    /// Whether what happens belongs to the message that the current statement came with.
    pub(super) fn same_message(&self, moment: &Moment) -> bool {
        self.place.is_some_and(|place| place.moment.message == moment.message)
    }

    /// The current statement is all of its message.
    pub(super) fn fills_message(&mut self, moment: &Moment) {
        self.place = Some(Place { moment: *moment, location: -1 });
        self.end = 0;
        self.is_call = moment.text == 0;
    }

    /// Whether a failure without a text is that of a function that was called by a message of its own.
    pub(super) fn is_call(&self, moment: &Moment) -> bool {
        moment.text == 0 && (self.is_call || !self.same_message(moment))
    }

    /// The next number.
    pub(super) fn next(&mut self) -> Statement {
        self.last_id += 1;
        self.is_call = false;
        self.current = Statement { id: self.last_id, substatements: 0 };
        self.current
    }

    /// Where the statement that comes next begins in the client's text, where one of the same message ran already.
    pub(super) fn next_begins(&self, moment: &Moment) -> Option<usize> {
        let before = self.place?.moment;
        // All of the message where its end is not told.
        let end = if self.end == 0 { usize::MAX } else { self.end };
        (before.message == moment.message && before.text == moment.text).then_some(end)
    }

    /// The current statement's part of the client's text.
    pub(super) fn current_text<'a>(&self, raw: &'a [u8]) -> &'a [u8] {
        let begin = self.place.and_then(|place| usize::try_from(place.location).ok()).unwrap_or(0);
        let end = if self.end == 0 { raw.len() } else { self.end };
        let end = if raw.get(end) == Some(&b';') { end + 1 } else { end };
        raw.get(begin..end).unwrap_or(raw).trim_ascii()
    }
}
