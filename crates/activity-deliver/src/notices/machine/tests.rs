//! The machine, driven by hand.

use super::*;
use crate::ports::{FailureKind, NoticeKind};

const SECOND: Duration = Duration::from_secs(1);

fn topic() -> Sink {
    Sink::Topic("arn:aws:sns:eu-west-1:123456789012:audit".to_owned())
}

fn bus() -> Sink {
    Sink::Bus("audit".to_owned())
}

fn notice(id: &str) -> Notice {
    Notice {
        id: id.to_owned(),
        kind: NoticeKind::LossBegan,
        at: 1,
        cluster_id: "cluster-test".to_owned(),
        message: "Events are being lost.".to_owned(),
    }
}

fn failure(kind: FailureKind) -> Failure {
    Failure { kind, message: "refused".to_owned(), hint: Some("Look after the topic.".to_owned()) }
}

/// What came of a step: the calls as (route, sink, id), and the reports.
#[derive(Debug, Default, PartialEq, Eq)]
struct Step {
    calls: Vec<(u64, Sink, String)>,
    reports: Vec<NoticeReport>,
}

fn step(machine: &mut Machine, now: Duration) -> Step {
    let mut step = Step::default();
    for action in machine.step(now) {
        match action {
            Action::Call { route, sink, notice } => {
                step.calls.push((route, (*sink).clone(), notice.id.clone()));
            }
            Action::Report(report) => step.reports.push(report),
        }
    }
    step
}

fn done(id: &str) -> NoticeReport {
    NoticeReport::Done { id: id.to_owned() }
}

fn call(route: u64, sink: Sink, id: &str) -> (u64, Sink, String) {
    (route, sink, id.to_owned())
}

#[test]
fn a_notice_is_done_when_the_last_sink_has_it() {
    let mut machine = Machine::new(&[topic(), bus()], 1);
    machine.send(notice("a"));
    assert_eq!(step(&mut machine, SECOND).calls, [call(0, topic(), "a"), call(1, bus(), "a")]);
    machine.answered(1, Ok(()), SECOND);
    assert_eq!(step(&mut machine, SECOND), Step::default());
    machine.answered(0, Ok(()), SECOND);
    assert_eq!(step(&mut machine, SECOND).reports, [done("a")]);
    assert_eq!(machine.deadline(), None);
}

#[test]
fn a_sink_gets_notices_in_order_one_at_a_time() {
    let mut machine = Machine::new(&[topic()], 1);
    for id in ["a", "b", "a"] {
        machine.send(notice(id));
    }
    assert_eq!(step(&mut machine, SECOND).calls, [call(0, topic(), "a")]);
    assert_eq!(step(&mut machine, SECOND), Step::default());
    machine.answered(0, Ok(()), SECOND);
    let next = step(&mut machine, SECOND);
    assert_eq!((next.reports, next.calls), (vec![done("a")], vec![call(0, topic(), "b")]));
    machine.answered(0, Ok(()), SECOND);
    let last = step(&mut machine, SECOND);
    assert_eq!((last.reports, last.calls), (vec![done("b")], vec![]), "what is open already is the same");
}

#[test]
fn a_sink_that_fails_is_tried_until_it_works_and_told_once_each_way() {
    let mut machine = Machine::new(&[topic(), bus()], 7);
    machine.send(notice("a"));
    step(&mut machine, Duration::ZERO);
    let (mut now, mut reports, mut longest) = (Duration::ZERO, Vec::new(), Duration::ZERO);
    machine.answered(1, Ok(()), now);
    for attempt in 0..200 {
        // What is refused for good is tried again, too: an operator can mend it.
        let kind = [FailureKind::Retry, FailureKind::Rejected, FailureKind::StreamGone][attempt % 3];
        machine.answered(0, Err(failure(kind)), now);
        let deadline = machine.deadline().unwrap();
        longest = longest.max(deadline - now);
        assert!(deadline - now <= NOTIFY_PAUSE.1);
        let before = deadline.checked_sub(Duration::from_nanos(1)).filter(|before| *before >= now);
        if let Some(before) = before {
            let early = step(&mut machine, before);
            assert_eq!(early.calls, [], "not before its time");
            reports.extend(early.reports);
        }
        now = deadline;
        let due = step(&mut machine, now);
        assert_eq!(due.calls, [call(0, topic(), "a")], "attempt {attempt}");
        reports.extend(due.reports);
    }
    assert!(longest > NOTIFY_PAUSE.1 / 2, "{longest:?}");
    machine.answered(0, Ok(()), now);
    reports.extend(step(&mut machine, now).reports);
    let Failure { message, hint, .. } = failure(FailureKind::Retry);
    let failing = NoticeReport::Failing { sink: topic(), message, hint };
    assert_eq!(reports, [failing, NoticeReport::Recovered { sink: topic() }, done("a")]);
}

#[test]
fn one_sink_does_not_hold_up_another() {
    let mut machine = Machine::new(&[topic(), bus()], 1);
    for id in ["a", "b", "c"] {
        machine.send(notice(id));
    }
    let mut reached = Vec::new();
    for _ in 0..4 {
        let calls = step(&mut machine, SECOND).calls;
        if calls.iter().any(|(_, sink, _)| *sink == bus()) {
            machine.answered(1, Ok(()), SECOND);
        }
        reached.extend(calls.into_iter().filter(|(_, sink, _)| *sink == bus()).map(|(_, _, id)| id));
    }
    assert_eq!(reached, ["a", "b", "c"], "the topic hangs");
}

#[test]
fn a_queue_has_an_end() {
    let mut machine = Machine::new(&[topic()], 1);
    for number in 0..MAX_QUEUED_NOTICES {
        assert!(machine.has_room());
        machine.send(notice(&number.to_string()));
    }
    assert!(!machine.has_room());
    step(&mut machine, SECOND);
    machine.answered(0, Ok(()), SECOND);
    assert!(machine.has_room());
}

#[test]
fn without_a_sink_notices_are_done_at_once() {
    let mut machine = Machine::new(&[], 1);
    machine.send(notice("a"));
    assert_eq!(step(&mut machine, SECOND).reports, [done("a")]);
}

#[test]
fn a_sink_that_is_removed_counts_as_having_what_was_due() {
    let mut machine = Machine::new(&[topic(), bus()], 1);
    machine.send(notice("a"));
    machine.send(notice("b"));
    step(&mut machine, SECOND);
    machine.answered(1, Ok(()), SECOND);
    machine.set_sinks(&[bus()]);
    let after = step(&mut machine, SECOND);
    assert_eq!((after.reports, after.calls), (vec![done("a")], vec![call(1, bus(), "b")]));
    machine.answered(0, Err(failure(FailureKind::Retry)), SECOND);
    assert_eq!(step(&mut machine, SECOND), Step::default(), "nobody waits for its answer");
    machine.answered(1, Ok(()), SECOND);
    assert_eq!(step(&mut machine, SECOND).reports, [done("b")]);
}

#[test]
fn a_sink_that_comes_back_starts_anew_with_what_is_given_then() {
    let mut machine = Machine::new(&[topic()], 1);
    machine.send(notice("a"));
    step(&mut machine, SECOND);
    machine.set_sinks(&[]);
    machine.set_sinks(&[topic(), topic()]);
    machine.send(notice("b"));
    let back = step(&mut machine, SECOND);
    assert_eq!((back.reports, back.calls), (vec![done("a")], vec![call(1, topic(), "b")]));
    machine.answered(0, Ok(()), SECOND);
    assert_eq!(step(&mut machine, SECOND), Step::default(), "the old call is not the new one's");
}
