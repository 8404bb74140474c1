//! The task with a sink in memory, on paused time: it moves on only when nothing else can.

use std::future::pending;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::notices::MAX_QUEUED_NOTICES;
use crate::ports::NoticeKind;

/// Everything is over by then, on paused time: the longest pauses, many times over.
const LIMIT: Duration = Duration::from_secs(24 * 3600);
/// How often a test looks.
const LOOK: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Fail,
    Hang,
    Panic,
}

#[derive(Default)]
struct State {
    /// The coming calls go that way, the last one first; those after them are accepted.
    moods: Mutex<Vec<Mood>>,
    accepted: Mutex<Vec<(Sink, String)>>,
    calls: AtomicUsize,
    /// Calls that have begun and not ended.
    open: AtomicUsize,
}

#[derive(Clone, Default)]
struct Memory(Arc<State>);

/// Counts a call until it ends, in whatever way.
struct Open<'a>(&'a AtomicUsize);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Notify for Memory {
    async fn notify(&self, sink: &Sink, notice: &Notice) -> Result<(), Failure> {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        self.0.open.fetch_add(1, Ordering::SeqCst);
        let _open = Open(&self.0.open);
        let mood = self.0.moods.lock().unwrap().pop();
        match mood {
            Some(Mood::Fail) => return Err(retry("refused".to_owned())),
            Some(Mood::Hang) => pending().await,
            Some(Mood::Panic) => panic!("a panic that was ordered"),
            None => self.0.accepted.lock().unwrap().push((sink.clone(), notice.id.clone())),
        }
        Ok(())
    }
}

impl Memory {
    fn with_moods(moods: &[Mood]) -> Self {
        let memory = Self::default();
        *memory.0.moods.lock().unwrap() = moods.to_vec();
        memory
    }

    fn ids(&self) -> Vec<String> {
        self.0.accepted.lock().unwrap().iter().map(|(_, id)| id.clone()).collect()
    }
}

fn begin(memory: &Memory, sinks: &[Sink]) -> (Notices<Memory>, Arc<AtomicUsize>) {
    let woken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&woken);
    let waker = Arc::new(move || {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let runtime = tokio::runtime::Handle::current();
    (start(&runtime, memory.clone(), sinks.to_vec(), waker), woken)
}

fn bus(name: &str) -> Sink {
    Sink::Bus(name.to_owned())
}

fn notice(id: &str) -> Notice {
    Notice {
        id: id.to_owned(),
        kind: NoticeKind::Stopped,
        at: 1,
        cluster_id: "cluster-test".to_owned(),
        message: "The activity stream was stopped.".to_owned(),
    }
}

/// Looks until it is so.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LIMIT, "{what}");
        tokio::time::sleep(LOOK).await;
    }
}

/// The reports up to that many that are [`NoticeReport::Done`].
async fn reports(notices: &mut Notices<Memory>, done: usize) -> Vec<NoticeReport> {
    let mut reports = Vec::new();
    let is_done = |report: &&NoticeReport| matches!(report, NoticeReport::Done { .. });
    until("the notices are done", || {
        reports.extend(std::iter::from_fn(|| notices.next_report()));
        reports.iter().filter(is_done).count() >= done
    })
    .await;
    reports
}

fn done(id: &str) -> NoticeReport {
    NoticeReport::Done { id: id.to_owned() }
}

#[tokio::test(start_paused = true)]
async fn notices_reach_every_sink_in_order_and_the_caller_is_woken() {
    let memory = Memory::default();
    let (mut notices, woken) = begin(&memory, &[bus("one"), bus("two")]);
    for id in ["a", "b", "c"] {
        notices.send(notice(id)).unwrap();
    }
    assert_eq!(reports(&mut notices, 3).await, ["a", "b", "c"].map(done));
    let accepted = memory.0.accepted.lock().unwrap().clone();
    for name in ["one", "two"] {
        let at: Vec<_> = accepted.iter().filter(|(sink, _)| *sink == bus(name)).map(|(_, id)| id).collect();
        assert_eq!(at, ["a", "b", "c"]);
    }
    assert!(woken.load(Ordering::SeqCst) > 0);
}

#[tokio::test(start_paused = true)]
async fn calls_that_fail_hang_and_panic_are_made_again_until_one_is_accepted() {
    let memory =
        Memory::with_moods(&[Mood::Hang, Mood::Panic, Mood::Fail, Mood::Panic, Mood::Fail, Mood::Hang]);
    let (mut notices, _) = begin(&memory, &[bus("one")]);
    let begun = Instant::now();
    notices.send(notice("a")).unwrap();
    notices.send(notice("b")).unwrap();
    let told = reports(&mut notices, 2).await;
    let failing =
        NoticeReport::Failing { sink: bus("one"), message: "no answer within 15 s".to_owned(), hint: None };
    let recovered = NoticeReport::Recovered { sink: bus("one") };
    assert_eq!(told, [failing, recovered, done("a"), done("b")]);
    assert_eq!((memory.ids(), memory.0.calls.load(Ordering::SeqCst)), (vec!["a".into(), "b".into()], 8));
    assert!(begun.elapsed() >= 2 * CALL_TIMEOUT, "{:?}", begun.elapsed());
    assert!(notices.is_running());
}

#[tokio::test(start_paused = true)]
async fn a_panicking_call_is_told_as_a_failure() {
    let memory = Memory::with_moods(&[Mood::Panic]);
    let (mut notices, _) = begin(&memory, &[bus("one")]);
    notices.send(notice("a")).unwrap();
    let told = reports(&mut notices, 1).await;
    assert!(
        matches!(&told[..], [NoticeReport::Failing { message, .. }, ..] if message.contains("panicked")),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_dead_sink_refuses_more_than_it_can_hold_and_no_notice_is_lost() {
    let memory = Memory::with_moods(&[Mood::Fail; 50]);
    let (mut notices, _) = begin(&memory, &[bus("one")]);
    let (mut sent, mut refused) = (Vec::new(), 0);
    // The task takes what fits into its queue; then the channel fills.
    for number in 0..2 * MAX_QUEUED_NOTICES {
        match notices.send(notice(&number.to_string())) {
            Ok(()) => sent.push(number.to_string()),
            Err(returned) => {
                assert_eq!(returned.id, number.to_string());
                refused += 1;
            }
        }
        tokio::task::yield_now().await;
    }
    assert!(sent.len() <= MAX_QUEUED_NOTICES + CHANNEL_NOTICES, "{}", sent.len());
    assert!(refused > 0);
    reports(&mut notices, sent.len()).await;
    assert_eq!(memory.ids(), sent);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_reads_nothing_stops_the_calls_and_loses_no_report() {
    let memory = Memory::default();
    let (mut notices, _) = begin(&memory, &[bus("one")]);
    let mut sent = 0;
    until("no more is taken over", || {
        while notices.send(notice(&sent.to_string())).is_ok() {
            sent += 1;
        }
        memory.0.calls.load(Ordering::SeqCst) > CHANNEL_REPORTS
    })
    .await;
    for _ in 0..100 {
        tokio::time::sleep(LOOK).await;
    }
    let calls = memory.0.calls.load(Ordering::SeqCst);
    assert!(calls <= CHANNEL_REPORTS + 2, "{calls}");
    let told = reports(&mut notices, sent).await;
    assert_eq!(told, (0..sent).map(|number| done(&number.to_string())).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn without_a_sink_unread_reports_are_bounded_too() {
    let (mut notices, _) = begin(&Memory::default(), &[]);
    let mut sent = 0;
    while notices.send(notice(&sent.to_string())).is_ok() {
        sent += 1;
        assert!(sent <= CHANNEL_REPORTS + 2 * CHANNEL_NOTICES);
        tokio::task::yield_now().await;
    }
    assert_eq!(reports(&mut notices, sent).await.len(), sent);
}

#[tokio::test(start_paused = true)]
async fn sinks_change_by_a_reload() {
    let memory = Memory::with_moods(&[Mood::Hang]);
    let (mut notices, _) = begin(&memory, &[bus("one")]);
    notices.send(notice("a")).unwrap();
    until("the call hangs", || memory.0.open.load(Ordering::SeqCst) == 1).await;
    notices.set_sinks(vec![bus("two")]);
    notices.send(notice("b")).unwrap();
    assert_eq!(reports(&mut notices, 2).await, ["a", "b"].map(done));
    assert_eq!(*memory.0.accepted.lock().unwrap(), [(bus("two"), "b".to_owned())]);
    notices.set_sinks(Vec::new());
    notices.send(notice("c")).unwrap();
    assert_eq!(reports(&mut notices, 1).await, [done("c")]);
    assert_eq!(memory.0.accepted.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn dropping_ends_the_task_and_its_calls() {
    let memory = Memory::with_moods(&[Mood::Hang]);
    let (notices, _) = begin(&memory, &[bus("one")]);
    notices.send(notice("a")).unwrap();
    until("the call hangs", || memory.0.open.load(Ordering::SeqCst) == 1).await;
    let begun = Instant::now();
    drop(notices);
    until("the call has ended", || memory.0.open.load(Ordering::SeqCst) == 0).await;
    assert!(begun.elapsed() < CALL_TIMEOUT, "by the drop and not by its time");
    assert_eq!(Arc::strong_count(&memory.0), 1, "nothing holds it any more");
}

#[test]
fn a_task_whose_runtime_ended_gives_notices_back() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let memory = Memory::default();
    let notices = start(runtime.handle(), memory, vec![bus("one")], Arc::new(|| {}));
    drop(runtime);
    assert!(!notices.is_running());
    assert_eq!(notices.send(notice("a")).unwrap_err().id, "a");
}
