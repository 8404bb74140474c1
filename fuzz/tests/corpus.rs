//! The committed corpora: what was found once goes on to hold, on any toolchain and without instrumentation.

use std::fs;
use std::path::{Path, PathBuf};

use activity_fuzz::TARGETS;

/// All corpora together; they are part of the repository.
const MAX_CORPORA_BYTES: u64 = 200_000;

fn corpus(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("a file").path()).collect()
}

#[test]
fn every_property_holds_for_every_file_of_the_corpora() {
    for target in TARGETS {
        let files = corpus(target.name);
        assert!(!files.is_empty(), "{} has no corpus", target.name);
        for file in files {
            eprintln!("{} {}", target.name, file.display());
            (target.check)(&fs::read(&file).expect("a readable file"));
        }
    }
}

#[test]
fn every_corpus_has_a_target_and_all_of_them_are_small() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut bytes = 0;
    for entry in fs::read_dir(folder).expect("corpora") {
        let name = entry.expect("a folder").file_name().into_string().expect("a name");
        assert!(TARGETS.iter().any(|target| target.name == name), "{name} is of no target");
        bytes += corpus(&name).iter().map(|file| file.metadata().expect("a size").len()).sum::<u64>();
    }
    assert!(bytes <= MAX_CORPORA_BYTES, "{bytes} bytes are more than {MAX_CORPORA_BYTES}");
}
