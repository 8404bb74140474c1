//! Notices that are no window's: that the stream began, ended or was changed. Kept until every sink has them.

use std::fmt;

use super::limits::{MAX_DETAIL_BYTES, MAX_DUE_NOTICES, MAX_NOTICE_ID_BYTES};
use crate::ports::Notice;

/// A notice that is not kept, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeNotKept(pub Box<Notice>);

impl fmt::Display for NoticeNotKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the notice \"{}\" is not kept: {MAX_DUE_NOTICES} are due, or it is longer than {MAX_DETAIL_BYTES} bytes",
            self.0.message
        )
    }
}

impl std::error::Error for NoticeNotKept {}

#[derive(Debug)]
struct Due {
    notice: Notice,
    /// It was handed over and has no answer yet.
    asked: bool,
}

/// At most [`MAX_DUE_NOTICES`], the oldest first.
#[derive(Debug)]
pub(super) struct DueNotices(Vec<Due>);

impl DueNotices {
    pub(super) fn new(notices: impl Iterator<Item = Notice>) -> Self {
        Self(notices.map(|notice| Due { notice, asked: false }).collect())
    }

    pub(super) fn add(&mut self, notice: Notice) -> Result<(), NoticeNotKept> {
        if self.0.iter().any(|due| due.notice.id == notice.id) {
            return Ok(());
        }
        let is_long = notice.message.len() + notice.cluster_id.len() > MAX_DETAIL_BYTES
            || notice.id.len() > MAX_NOTICE_ID_BYTES;
        if is_long || self.0.len() >= MAX_DUE_NOTICES {
            return Err(NoticeNotKept(Box::new(notice)));
        }
        self.0.push(Due { notice, asked: false });
        Ok(())
    }

    /// When the next one to be handed over happened.
    pub(super) fn next_at(&self) -> Option<i64> {
        self.0.iter().find(|due| !due.asked).map(|due| due.notice.at)
    }

    /// The next one to be handed over.
    pub(super) fn next(&mut self) -> Option<Notice> {
        let due = self.0.iter_mut().find(|due| !due.asked)?;
        due.asked = true;
        Some(due.notice.clone())
    }

    pub(super) fn refused(&mut self, id: &str) {
        for due in self.0.iter_mut().filter(|due| due.notice.id == id) {
            due.asked = false;
        }
    }

    /// Every sink has it; false where it is unknown.
    pub(super) fn done(&mut self, id: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|due| due.notice.id != id);
        self.0.len() < before
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Notice> {
        self.0.iter().map(|due| &due.notice)
    }
}
