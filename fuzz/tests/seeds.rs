//! Writes the seeds of the corpora: what our own code makes, and the committed fixtures of its formats.
//!
//! `cargo test -p activity-fuzz --test seeds -- --ignored`, after a format has changed or for a new target.

use std::fs;
use std::path::Path;

use activity_deliver::windows::{Count, Marker, Reason, State, Windows, resume};
use activity_event::{Class, Event, NetProtocol, ParamsBuf, Session};
use activity_seal::esdk::{self, Suite, WrappingKey};
use activity_seal::random::{Random, RandomError};
use activity_seal::{DataKey, gzip, seal_with};

/// As in the targets.
const KEY: [u8; 32] = [0x2A; 32];
const SUITES: [Suite; 2] = [Suite::HkdfSha256, Suite::CommittingHkdfSha512];

/// Seeds are the same each time.
struct Counting(u8);

impl Random for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomError> {
        for byte in out {
            self.0 = self.0.wrapping_mul(5).wrapping_add(1);
            *byte = self.0;
        }
        Ok(())
    }
}

fn write(target: &str, seeds: impl IntoIterator<Item = Vec<u8>>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder).expect("a folder");
    for (number, seed) in (1..).zip(seeds) {
        fs::write(folder.join(format!("seed-{number:02}")), seed).expect("a file");
    }
}

#[test]
#[ignore = "writes the seeds of the corpora"]
fn write_seeds() {
    let key = WrappingKey::new(&KEY);
    let message =
        |plain: &[u8], suite| esdk::encrypt(plain, &key, suite, &mut Counting(1)).expect("a message");
    write(
        "esdk",
        SUITES.iter().flat_map(|suite| [0, 1, 300].map(|length| message(&vec![7; length], *suite))),
    );
    write(
        "envelope",
        SUITES.map(|suite| {
            let key = DataKey::new(&KEY, vec![1; 184]).expect("a key");
            seal_with(br#"{"type":"DatabaseActivityMonitoringRecord"}"#, &key, suite, &mut Counting(1))
                .expect("a record")
        }),
    );
    let plains: [&[u8]; 3] = [b"", b"a text, a text, a text", &[0; 5000]];
    write(
        "gzip",
        plains.iter().flat_map(|plain| [0, 2, 9].map(|level| gzip::compress_at(plain, level).expect("gzip"))),
    );
    write("event", events());
    write("state", [state(0), state(3)]);
    write("spool", spools());
    write("ring", rings());
    write("redact", statements());
    write("statement", statements());
}

fn events() -> Vec<Vec<u8>> {
    let fixture = include_str!("../../crates/activity-event/tests/fixtures/wire-v3-select.hex").trim();
    let digits = |at| u8::from_str_radix(&fixture[at..at + 2], 16).expect("digits");
    let mut params = ParamsBuf::new();
    params.push("one");
    params.push("");
    let session =
        Session { application: Some("psql"), net_protocol: NetProtocol::Tcp, user: "joe", ..Session::UNSAID };
    let full = Event {
        start_time: 1,
        log_time: 2,
        statement_id: 3,
        substatement_id: 4,
        class: Class::Write,
        command: "INSERT",
        object_type: Some("TABLE"),
        object_name: Some("public.t"),
        row_count: Some(5),
        command_text: Some("insert into t values ($1, $2)"),
        command_text_length: Some(6),
        params: params.as_params(),
        exit_code: Some("23505"),
        error_message: Some("duplicate key"),
        effective_user: Some("jane"),
        transaction_id: Some(7),
        query_id: Some(-8),
        session,
    };
    let mut encoded = Vec::new();
    full.encode(&mut encoded);
    vec![(0..fixture.len()).step_by(2).map(digits).collect(), encoded]
}

/// A state with so many windows.
fn state(count: usize) -> Vec<u8> {
    let (first, _) = resume(None, "00c0ffee00c0ffee", 1_779_583_014_403_455);
    let mut windows = Windows::new("cluster-FUZZ", &first);
    for (reason, at) in Reason::ALL.into_iter().zip(1_000..).take(count) {
        windows.open(reason, "a detail", at, at + 5);
        windows.affected(reason, Count::Known(3), at + 7, at + 7);
        windows.close(reason, at + 9);
    }
    let marker =
        Marker { last_ack_at: Some(9), acked_sequence: 12, chain: Some("ab".repeat(32)), ..first.marker };
    let state: State = windows.state(marker);
    state.to_bytes().expect("JSON")
}

fn spools() -> Vec<Vec<u8>> {
    let segment =
        include_bytes!("../../crates/activity-deliver/src/spool/fixtures/v1-0000000000000001.segment");
    let checkpoint = include_bytes!("../../crates/activity-deliver/src/spool/fixtures/v1-checkpoint");
    let slot = checkpoint.last_chunk::<64>().expect("a slot");
    let anybody = |slot: &[u8], twice: u8| [slot, &[twice], segment.as_slice()].concat();
    // Three appends of two records each, one released, one byte of one file damaged.
    let ours =
        [&[2][..], &[2, 3, 9, 0, 1, 4, 1, b'a', b'b', b'c', b'd', b'k', b'e', b'y'].repeat(6)].concat();
    vec![anybody(slot, 0), anybody(slot, 1), anybody(&[0; 64], 0), ours]
}

/// Programs: publish, drain, acknowledge, start again, damage.
fn rings() -> Vec<Vec<u8>> {
    let publish = [0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8];
    let large = [1, 0xE8, 0x3F, 1, 2, 3, 4, 5, 6, 7, 8];
    let round = [&publish[..], &large, &[2, 9, 3]].concat();
    let laps = round.repeat(8);
    let crash = [&publish[..], &publish, &[2, 1, 4, 1, 2, 9, 3, 7]].concat();
    let damage =
        [&publish[..], &publish, &[5, 16, 0, 1, 0, 0, 0, 0, 0, 0, 0, 6, 1, 3, 0, 1, 0, 2, 9, 4, 1, 2, 9]]
            .concat();
    vec![laps, crash, damage]
}

fn statements() -> Vec<Vec<u8>> {
    [
        "xselect 1; select 'a;b', E'\\';', $a$;$a$, \"c;d\" from t -- ;\n; end",
        "xcreate function f() returns int begin atomic select case when a then 1 end; end; select 2",
        "xwith recursive a as (select 1), b as (values (2)) insert into t select * from a",
        "xcreate role joe password 'secret'; alter user joe with password $$secret$$;",
        "xselect dblink('host=h password=secret dbname=d'), 'postgresql://u:p@h/d?password=secret'",
        "xcreate user mapping for u server s options (user 'u', password 'secret')",
        "xexecute 'alter role j password ' || quote_literal('secret'); select format('password %L', 'secret')",
        "xdo $do$ begin perform set_config('my.password', 'secret', false); end $do$; /* a /* b */ c */",
        "xalter system set x = $1; copy (select 1) to program 'x'; grant a to b; prepare p as delete from t",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
