//! Notices to operators: each to every sink, until the sink has it.
//!
//! ```text
//!   main thread                     one task                    tasks, one per call
//!   ┌─────────┐  send, set_sinks   ┌───────────────┐   Call    ┌────────┐
//!   │ Notices ├───────────────────►│ machine       ├──────────►│ Notify │
//!   │         │◄───────────────────┤ (pure)        │◄──────────┤        │
//!   └─────────┘   next_report      └───────────────┘  answer   └────────┘
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `machine` | a queue for every sink, pauses, what is told. No clock, no I/O |
//! | `task` | [`start`], [`Notices`]: the caller's side, and the task that makes the calls |
//! | `limits` | every limit with its reason |
//!
//! # What it promises
//!
//! * Every notice that was taken over is sent to each sink until the sink accepts it, in the order in which notices were given,
//!   one at a time: nothing is given up, also not what a sink refuses, as an operator can mend a topic's policy or name.
//! * One sink that fails, hangs or panics does not hold up the others, as long as there is room in its queue.
//! * [`NoticeReport::Done`] follows when the last sink has it. A sink that was removed counts as having it, and where there is
//!   none a notice is done at once. A sink that is added gets what is given from then on.
//! * A sink that begins to fail is told once, and once more when it works again.
//! * The caller is never blocked; memory is bounded. Where a queue is full, [`Notices::send`] gives the notice back.
//!
//! # What it does not
//!
//! A notice can reach a sink twice: an answer was lost, a call was given up after its time, or the process ended before
//! [`NoticeReport::Done`] (then every sink gets it again). Its id is the same. Nothing here survives the process: what is not done
//! is kept by [`crate::windows`].

mod limits;
mod machine;
mod task;

pub use limits::MAX_QUEUED_NOTICES;
pub use machine::NoticeReport;
pub use task::{Notices, start};
