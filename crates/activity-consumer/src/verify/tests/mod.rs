//! Whole streams, through [`Verifier`] and [`judge`].

mod agreement;
mod job;
mod losses;
pub(crate) mod producer;
mod restarts;
mod scenarios;
mod tampering;
mod world;

use super::judge::{Accept, judge};
use super::report::{Kind, Report};
use super::verifier::Verifier;

/// The report on these records, read in this order.
fn verify_with(records: &[Vec<u8>], accept: Accept) -> Report {
    report(Verifier::default(), records, accept)
}

fn report(mut verifier: Verifier, records: &[Vec<u8>], accept: Accept) -> Report {
    for record in records {
        if let Err(error) = verifier.take(record) {
            verifier.unreadable("somewhere".into(), error.to_string());
        }
    }
    judge(&verifier, accept)
}

fn verify(records: &[Vec<u8>]) -> Report {
    verify_with(records, Accept::default())
}

/// What is not accounted for.
fn kinds(report: &Report) -> Vec<Kind> {
    assert_eq!(report.accounted, report.problems.list.is_empty(), "{report:?}");
    report.problems.list.iter().map(|problem| problem.kind).collect()
}
