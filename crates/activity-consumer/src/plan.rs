//! Which shard may be read when, and from where: a state machine without I/O.
//!
//! A shard that was split or merged is closed, and its successors take its place. To keep the order of the stream
//!
//! * a shard is read only when all its known parents are read to their ends, two of them after a merge;
//! * a parent that no listing has named is gone with its records, and not waited for;
//! * a shard that appears after the start is read from its beginning: all its records came after the start, or after
//!   those of its parents. When reading starts at a point in time, that point holds for all shards, since a parent
//!   may have been closed before it.
//!
//! With [`StartAt::Latest`] the shards that are closed at the start have nothing to give, and count as read.

use std::collections::BTreeMap;

use activity_aws::{ChildShard, Shard, StartAt};

/// All shards ever heard of. They are kept: a stream is resharded a few thousand times at most in a life.
#[derive(Debug)]
pub(crate) struct Plan {
    later: StartAt,
    shards: BTreeMap<String, Known>,
}

#[derive(Debug)]
struct Known {
    parents: Vec<String>,
    start: StartAt,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Reading,
    Read,
}

impl Plan {
    /// The plan for the shards that there are at the start.
    pub(crate) fn new(start: &StartAt, shards: &[Shard]) -> Self {
        let later = match start {
            StartAt::AtTimestamp(time) => StartAt::AtTimestamp(*time),
            _ => StartAt::TrimHorizon,
        };
        let mut plan = Self { later, shards: BTreeMap::new() };
        for shard in shards {
            let has_nothing = shard.closed && *start == StartAt::Latest;
            let state = if has_nothing { State::Read } else { State::Waiting };
            plan.add(&shard.id, &shard.parents, start.clone(), state);
        }
        plan
    }

    /// What a later listing says: it adds what is new.
    pub(crate) fn listed(&mut self, shards: &[Shard]) {
        for shard in shards {
            self.add(&shard.id, &shard.parents, self.later.clone(), State::Waiting);
        }
    }

    /// A shard was read to its end and these follow. One with a parent never heard of is left to the next listing:
    /// that parent may be new and to be read first.
    pub(crate) fn read(&mut self, id: &str, children: &[ChildShard]) {
        if let Some(shard) = self.shards.get_mut(id) {
            shard.state = State::Read;
        }
        for child in children {
            if child.parents.iter().all(|parent| self.shards.contains_key(parent)) {
                self.add(&child.id, &child.parents, self.later.clone(), State::Waiting);
            }
        }
    }

    /// The shards whose turn has come; each is given once.
    pub(crate) fn take_ready(&mut self) -> Vec<(String, StartAt)> {
        let ready: Vec<String> = self
            .shards
            .iter()
            .filter(|(_, shard)| shard.state == State::Waiting && !self.has_unread_parent(shard))
            .map(|(id, _)| id.clone())
            .collect();
        let mut taken = Vec::with_capacity(ready.len());
        for id in ready {
            if let Some(shard) = self.shards.get_mut(&id) {
                shard.state = State::Reading;
                taken.push((id, shard.start.clone()));
            }
        }
        taken
    }

    /// The shards that are not read to their ends: waiting or being read.
    pub(crate) fn unread(&self) -> impl Iterator<Item = &str> {
        self.shards.iter().filter(|(_, shard)| shard.state != State::Read).map(|(id, _)| id.as_str())
    }

    fn has_unread_parent(&self, shard: &Known) -> bool {
        let unread = |parent: &Known| parent.state != State::Read;
        shard.parents.iter().filter_map(|parent| self.shards.get(parent)).any(unread)
    }

    fn add(&mut self, id: &str, parents: &[String], start: StartAt, state: State) {
        if !self.shards.contains_key(id) {
            self.shards.insert(id.to_owned(), Known { parents: parents.to_vec(), start, state });
        }
    }
}

#[cfg(test)]
mod test {
    use std::time::SystemTime;

    use super::*;

    fn strings(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    fn open(id: &str, parents: &[&str]) -> Shard {
        Shard { id: id.to_owned(), parents: strings(parents), closed: false }
    }

    fn closed(id: &str, parents: &[&str]) -> Shard {
        Shard { closed: true, ..open(id, parents) }
    }

    fn child(id: &str, parents: &[&str]) -> ChildShard {
        ChildShard { id: id.to_owned(), parents: strings(parents) }
    }

    fn ids(ready: Vec<(String, StartAt)>) -> Vec<String> {
        ready.into_iter().map(|(id, _)| id).collect()
    }

    #[test]
    fn parents_are_read_to_their_ends_before_their_children() {
        let shards = [closed("a", &["gone"]), open("b", &["a"]), closed("c", &["a"]), open("d", &["c"])];
        let mut plan = Plan::new(&StartAt::TrimHorizon, &shards);
        assert_eq!(ids(plan.take_ready()), ["a"]);
        assert!(plan.take_ready().is_empty(), "each is given once");
        plan.read("a", &[child("b", &["a"]), child("c", &["a"])]);
        assert_eq!(ids(plan.take_ready()), ["b", "c"]);
        plan.read("c", &[]);
        assert_eq!(ids(plan.take_ready()), ["d"]);
        assert_eq!(plan.unread().collect::<Vec<_>>(), ["b", "d"]);
    }

    #[test]
    fn a_merged_shard_waits_for_both_parents() {
        let mut plan = Plan::new(&StartAt::TrimHorizon, &[open("a", &[]), open("b", &[])]);
        assert_eq!(ids(plan.take_ready()), ["a", "b"]);
        plan.read("a", &[child("m", &["a", "b"])]);
        assert!(plan.take_ready().is_empty());
        plan.read("b", &[child("m", &["a", "b"])]);
        assert_eq!(plan.take_ready(), [("m".to_owned(), StartAt::TrimHorizon)]);
    }

    #[test]
    fn a_child_with_a_parent_that_is_new_itself_is_left_to_the_listing() {
        // x was split into b and c; a and b were merged into m; the end of a is seen before that of x.
        let mut plan = Plan::new(&StartAt::TrimHorizon, &[open("a", &[]), open("x", &[])]);
        assert_eq!(ids(plan.take_ready()), ["a", "x"]);
        plan.read("a", &[child("m", &["a", "b"])]);
        assert!(plan.take_ready().is_empty());
        plan.listed(&[
            closed("a", &[]),
            closed("x", &[]),
            closed("b", &["x"]),
            open("c", &["x"]),
            open("m", &["a", "b"]),
        ]);
        assert!(plan.take_ready().is_empty());
        plan.read("x", &[]);
        assert_eq!(ids(plan.take_ready()), ["b", "c"]);
        plan.read("b", &[]);
        assert_eq!(ids(plan.take_ready()), ["m"]);
    }

    #[test]
    fn from_latest_the_open_shards_are_read_from_now_and_what_follows_from_its_beginning() {
        let shards = [closed("a", &[]), open("b", &["a"]), open("c", &["a"])];
        let mut plan = Plan::new(&StartAt::Latest, &shards);
        let latest = |id: &str| (id.to_owned(), StartAt::Latest);
        assert_eq!(plan.take_ready(), [latest("b"), latest("c")]);
        plan.read("b", &[child("d", &["b"])]);
        plan.listed(&[open("e", &["never-listed"])]);
        let beginning = |id: &str| (id.to_owned(), StartAt::TrimHorizon);
        assert_eq!(plan.take_ready(), [beginning("d"), beginning("e")]);
    }

    #[test]
    fn a_point_in_time_holds_for_the_shards_that_follow_too() {
        let start = StartAt::AtTimestamp(SystemTime::UNIX_EPOCH);
        let mut plan = Plan::new(&start, &[closed("a", &[]), open("b", &["a"])]);
        assert_eq!(plan.take_ready(), [("a".to_owned(), start.clone())]);
        plan.read("a", &[]);
        assert_eq!(plan.take_ready(), [("b".to_owned(), start.clone())]);
        plan.read("b", &[child("c", &["b"])]);
        assert_eq!(plan.take_ready(), [("c".to_owned(), start)]);
    }

    #[test]
    fn a_listing_says_nothing_new_about_known_shards() {
        let mut plan = Plan::new(&StartAt::Latest, &[open("a", &[])]);
        assert_eq!(ids(plan.take_ready()), ["a"]);
        plan.read("a", &[]);
        plan.listed(&[closed("a", &[])]);
        assert!(plan.take_ready().is_empty());
        plan.read("never-heard-of", &[]);
        assert!(plan.take_ready().is_empty());
    }
}
