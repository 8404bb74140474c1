//! libFuzzer around one target, named by the environment variable `ACTIVITY_FUZZ_TARGET`.
//!
//! One program for all targets: linking them one by one would take longer than compiling them.
#![no_main]

use std::sync::OnceLock;

use activity_fuzz::{TARGETS, Target, target};
use libfuzzer_sys::fuzz_target;

const VARIABLE: &str = "ACTIVITY_FUZZ_TARGET";

static CHOSEN: OnceLock<Target> = OnceLock::new();

fn choose() -> Target {
    let name = std::env::var(VARIABLE).unwrap_or_default();
    target(&name).unwrap_or_else(|| {
        let known = TARGETS.map(|target| target.name).join(", ");
        eprintln!("{VARIABLE} is \"{name}\"; it names one of: {known}");
        std::process::exit(2)
    })
}

fuzz_target!(|bytes: &[u8]| (CHOSEN.get_or_init(choose).check)(bytes));
