//! Fuzz targets: every decoder of bytes that were not made here a moment ago, and what must hold for any of them.
//!
//! A target is a function of some bytes that panics where a property does not hold. It does not know who calls it:
//!
//! | caller | what for |
//! |---|---|
//! | `tests/corpus.rs`, in every run of the unit tests | what is in `corpus/` goes on to hold |
//! | `src/main.rs`, with the feature `libfuzzer` | libFuzzer looks for more; `scripts/fuzz.sh` builds it with instrumentation |
//! | `tests/seeds.rs`, ignored | writes the seeds of the corpora anew |
//!
//! Most targets read the bytes twice: as what the decoder gets, and as a program that makes something valid, damages it, and
//! says what may become of it. Only the second can reach behind check sums and authentication tags.
//!
//! What is not here: Kinesis and KMS answers, which the AWS SDK decodes; the server's own messages.

mod cpu;
mod damage;
mod disk;
mod input;
mod targets;

pub use targets::{TARGETS, Target, target};
