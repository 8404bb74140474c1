//! Measures sealing on one core: `cargo run --release -p activity-seal --example sealing_speed`.
//!
//! First gzip levels, then the encryption alone, then the whole way from inner JSON to envelope and back. The
//! records hold what pgbench's TPC-B transaction gives: seven events with all fields, in batches of 256 kB of JSON.
//! A figure is the best of several rounds, because whatever else runs on the machine only ever slows one down.

use std::hint::black_box;
use std::time::{Duration, Instant};

use activity_seal::esdk::{self, Suite, WrappingKey};
use activity_seal::inner::{InnerRecord, Place};
use activity_seal::random::SystemRandom;
use activity_seal::{Chain, DataKey, Envelope, Limits, gzip, open, seal, seal_with};

const BATCH_BYTES: usize = 256 * 1024;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(300);

/// A small generator of numbers (splitmix64): the same records in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// What differs between the seven statements: class, command, table, text and number of parameters.
const STATEMENTS: [(&str, &str, Option<&str>, &str, u64); 7] = [
    ("MISC", "BEGIN", None, "BEGIN;", 0),
    (
        "WRITE",
        "UPDATE",
        Some("accounts"),
        "UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2;",
        2,
    ),
    ("READ", "SELECT", Some("accounts"), "SELECT abalance FROM pgbench_accounts WHERE aid = $1;", 1),
    (
        "WRITE",
        "UPDATE",
        Some("tellers"),
        "UPDATE pgbench_tellers SET tbalance = tbalance + $1 WHERE tid = $2;",
        2,
    ),
    (
        "WRITE",
        "UPDATE",
        Some("branches"),
        "UPDATE pgbench_branches SET bbalance = bbalance + $1 WHERE bid = $2;",
        2,
    ),
    (
        "WRITE",
        "INSERT",
        Some("history"),
        "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES ($1, $2, $3, $4, CURRENT_TIMESTAMP);",
        4,
    ),
    ("MISC", "COMMIT", None, "END;", 0),
];

/// One event of a mix of eight sessions.
fn event(numbers: &mut Numbers, sequence: u64) -> String {
    let session = numbers.below(8);
    let (class, command, table, text, parameters) = STATEMENTS[usize::try_from(sequence % 7).unwrap()];
    let micros = sequence * 37 % 1_000_000;
    let parameters: Vec<String> =
        (0..parameters).map(|_| format!("\"{}\"", numbers.below(10_000_000))).collect();
    let (kind, name, rows) = match table {
        Some(table) => ("\"TABLE\"", format!("\"public.pgbench_{table}\""), "1"),
        None => ("null", "null".to_owned(), "null"),
    };
    format!(
        r#"{{"startTime":"2024-05-24 00:36:54.{:06}+00","logTime":"2024-05-24 00:36:54.{:06}+00","statementId":{},"substatementId":1,"objectType":{kind},"command":"{command}","objectName":{name},"databaseName":"postgres","dbUserName":"app_user","remoteHost":"10.0.0.204","remotePort":"{}","sessionId":"5e04596c.{:x}","rowCount":{rows},"commandText":"{text}","paramList":[{}],"pid":{},"clientApplication":"pgbench","exitCode":null,"class":"{class}","serverVersion":"15.13","serverType":"PostgreSQL","serviceName":"PostgreSQL","serverHost":"10.0.12.39","netProtocol":"TCP","dbProtocol":"Postgres 3.0","type":"record","errorMessage":null,"sequence":{sequence},"effectiveUserName":"app_user","transactionId":{},"queryId":"{}"}}"#,
        micros,
        (micros + numbers.below(900)) % 1_000_000,
        sequence / 8 + 2,
        33948 + session * 2,
        9091 + session,
        parameters.join(","),
        9091 + session,
        if table.is_some() { format!("\"{}\"", 700 + sequence / 7) } else { "null".to_owned() },
        7_421_906_318_204_113_007_u64.wrapping_add(sequence % 7 * 1_000_003_000_001) % (1 << 62),
    )
}

/// Several records, so that no cache holds the answer, and how many events they have.
fn records(target_bytes: usize) -> (Vec<Vec<u8>>, usize) {
    let mut numbers = Numbers(42);
    let (mut sequence, mut events, mut made) = (0, 0, Vec::new());
    for _ in 0..16 {
        let mut record = InnerRecord::new(
            "cluster-AAAAAAAAAAAAAAAAAAAAAAAAAA",
            "db-BBBBBBBBBBBBBBBBBBBBBBBBBB",
            target_bytes,
        );
        let first_sequence = sequence + 1;
        while record.events() == 0 || record.bytes() < target_bytes {
            sequence += 1;
            record.push(event(&mut numbers, sequence).as_bytes());
        }
        events += record.events();
        made.push(record.finish(Some(Place {
            epoch: "0123456789abcdef",
            first_sequence,
            chain: Chain::begin("0123456789abcdef"),
        })));
    }
    (made, events)
}

/// Best time of one pass over all `inputs`.
fn best_pass<T>(inputs: &[T], mut work: impl FnMut(&T)) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let (start, mut passes) = (Instant::now(), 0);
        while passes == 0 || start.elapsed() < ROUND {
            inputs.iter().for_each(&mut work);
            passes += 1;
        }
        best = best.min(start.elapsed() / passes);
    }
    best
}

fn print(name: &str, pass: Duration, bytes: usize, events: usize, more: &str) {
    let seconds = pass.as_secs_f64();
    let (megabytes, thousands) = (bytes as f64 / 1e6 / seconds, events as f64 / 1e3 / seconds);
    println!("{name:<18} {megabytes:>8.0} MB/s of JSON {thousands:>8.0} k events/s   {more}");
}

fn total(inputs: &[Vec<u8>]) -> usize {
    inputs.iter().map(Vec::len).sum()
}

fn measure(title: &str, target_bytes: usize) {
    let (inputs, events) = records(target_bytes);
    let bytes = total(&inputs);
    println!("\n{title}: {} events a record, {} B of JSON an event", events / inputs.len(), bytes / events);
    for level in 0..=9 {
        let pass = best_pass(&inputs, |json| drop(black_box(gzip::compress_at(json, level))));
        let out: usize = inputs.iter().map(|json| gzip::compress_at(json, level).unwrap().len()).sum();
        print(&format!("gzip level {level}"), pass, bytes, events, &format!("{} B an event", out / events));
    }
    let key = DataKey::new(&[7; 32], vec![1; 184]).unwrap();
    let sealed: Vec<Vec<u8>> = inputs.iter().map(|json| seal(json, &key).unwrap()).collect();
    let more = format!("{} B an event on the stream", total(&sealed) / events);
    let pass = best_pass(&inputs, |json| drop(black_box(seal(json, &key))));
    print("seal, 0x0178", pass, bytes, events, &more);
    let pass = best_pass(&inputs, |json| {
        drop(black_box(seal_with(json, &key, Suite::CommittingHkdfSha512, &mut SystemRandom)));
    });
    print("seal, 0x0478", pass, bytes, events, "");
    let pass = best_pass(&sealed, |data| drop(black_box(open(data, &[7; 32], &Limits::default()))));
    print("open", pass, bytes, events, "");
    let envelopes: Vec<Envelope> =
        sealed.iter().map(|data| Envelope::from_json(data, &Limits::default()).unwrap()).collect();
    let pass = best_pass(&envelopes, |envelope| drop(black_box(envelope.to_json())));
    print("envelope alone", pass, bytes, events, "");
}

/// The message format alone, in bytes of plaintext: AES without the processor's help would be tens of times slower.
fn measure_encryption() {
    let key = WrappingKey::new(&[7; 32]);
    let plaintext = [vec![0x5a; 1_000_000]];
    println!("\nmessage of 1 MB");
    for suite in [Suite::HkdfSha256, Suite::CommittingHkdfSha512] {
        let encrypt = |text: &Vec<u8>| esdk::encrypt(text, &key, suite, &mut SystemRandom).unwrap();
        let made = [encrypt(&plaintext[0])];
        let encrypting = best_pass(&plaintext, |text| drop(black_box(encrypt(text))));
        let decrypting = best_pass(&made, |message| drop(black_box(esdk::decrypt(message, &key, 1_000_000))));
        let per_second = |pass: Duration| 1.0 / pass.as_secs_f64();
        println!(
            "{:#06x}  encrypt {:.0} MB/s, decrypt {:.0} MB/s",
            suite.id(),
            per_second(encrypting),
            per_second(decrypting)
        );
    }
}

fn main() {
    measure_encryption();
    measure("batches of 256 kB", BATCH_BYTES);
    measure("batches of 16 kB", 16 * 1024);
    measure("single events", 1);
}
