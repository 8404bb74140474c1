//! `tests/e2e/verify.py` is a second implementation that shares no code with this one: both say the same of any input.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::tampering::{tampered, untouched};
use super::*;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/e2e/verify.py");

/// Streams that are given to both, each untouched and with every change.
const STREAMS: std::ops::Range<u64> = 1_000..1_012;

/// What the other one says of many inputs, each a list of inner JSONs.
fn other_verdicts(inputs: &[Vec<Vec<u8>>]) -> Vec<Value> {
    let mut text = Vec::new();
    for input in inputs {
        for record in input {
            text.extend_from_slice(record);
            text.push(b'\n');
        }
        // An empty line begins the next input.
        text.push(b'\n');
    }
    let mut child = Command::new("python3")
        .args([SCRIPT, "--many", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || stdin.write_all(&text));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("it reads all");
    let lines = String::from_utf8(output.stdout).expect("text");
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The part of a report that both have.
fn verdict(report: &Report) -> Value {
    let problems: BTreeSet<(String, String)> = report
        .problems
        .list
        .iter()
        .map(|problem| {
            let kind = serde_json::to_value(problem.kind).expect("JSON");
            (kind.as_str().expect("text").to_owned(), problem.epoch.clone().unwrap_or_default())
        })
        .collect();
    let epochs = report.epochs.iter().map(|epoch| {
        json!({
            "epoch": epoch.epoch, "events": epoch.events, "first_sequence": epoch.first_sequence,
            "last_sequence": epoch.last_sequence, "duplicates": epoch.duplicates, "end": epoch.end,
            "gaps": epoch.gaps.list, "broken_links": epoch.broken_links.list,
        })
    });
    json!({
        "accounted": report.accounted, "problems": problems, "epochs": epochs.collect::<Vec<_>>(),
        "unreadable": report.unreadable.count, "losses": report.losses,
    })
}

#[test]
fn both_implementations_say_the_same() {
    let mut inputs = vec![Vec::new()];
    for seed in STREAMS {
        inputs.push(untouched(seed));
        inputs.extend(tampered(seed).into_iter().map(|(_, records)| records));
    }
    assert!(inputs.len() > 60, "{}", inputs.len());
    let others = other_verdicts(&inputs);
    assert_eq!(others.len(), inputs.len());
    for (index, (input, other)) in inputs.iter().zip(others).enumerate() {
        assert_eq!(other, verdict(&verify(input)), "input {index}");
    }
}
