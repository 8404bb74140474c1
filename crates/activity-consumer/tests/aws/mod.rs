//! A small Kinesis and KMS over HTTP, with state: what the program is tested against from outside.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The only cluster whose keys KMS opens.
pub(crate) const CLUSTER: &str = "cluster-A";

/// The only stream.
pub(crate) const STREAM: &str = "aws-rds-das-cluster-A";

/// One shard.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shard {
    pub(crate) id: &'static str,
    pub(crate) parent: Option<&'static str>,
    pub(crate) closed: bool,
    pub(crate) records: Vec<Vec<u8>>,
}

/// What the server knows.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) shards: Vec<Shard>,
    /// The next calls of these operations fail with this error code.
    pub(crate) failures: VecDeque<(&'static str, &'static str)>,
    /// All operations asked for.
    pub(crate) asked: Vec<String>,
}

/// The server. It listens until the test ends.
#[derive(Debug, Clone)]
pub(crate) struct Aws {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    asked: Arc<Condvar>,
}

impl Aws {
    /// The program with that subcommand and this server for AWS; its output is to be read.
    pub(crate) fn program(&self, subcommand: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_activity-consumer"));
        command
            .args([subcommand, "--endpoint-url", &self.url, "--region", "eu-central-1"])
            .env_clear()
            .envs([
                ("AWS_ACCESS_KEY_ID", "AKIATEST"),
                ("AWS_SECRET_ACCESS_KEY", "s"),
                ("HOME", "/nonexistent"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn start(shards: Vec<Shard>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(State { shards, ..State::default() }));
        let aws = Self { url, state, asked: Arc::default() };
        let server = aws.clone();
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let server = server.clone();
                thread::spawn(move || server.serve(connection));
            }
        });
        aws
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic elsewhere")
    }

    /// Waits until this operation was asked for.
    pub(crate) fn wait_for(&self, operation: &str, limit: Duration) {
        let missing = |state: &mut State| !state.asked.iter().any(|asked| asked == operation);
        let (state, waited) =
            self.asked.wait_timeout_while(self.state(), limit, missing).expect("no panic elsewhere");
        assert!(!waited.timed_out(), "no {operation}: {:?}", state.asked);
    }

    fn serve(&self, mut connection: TcpStream) {
        let Some((operation, request)) = read_request(&connection) else { return };
        let (status, answer) = match self.answer(&operation, &request) {
            Ok(answer) => (200, answer),
            Err(code) => (400, json!({"__type": code, "message": "as the test wants it"})),
        };
        let body = answer.to_string();
        // The program may have ended already.
        let _ = write!(
            connection,
            "HTTP/1.1 {status} X\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        );
    }

    fn answer(&self, operation: &str, request: &Value) -> Result<Value, String> {
        let mut state = self.state();
        state.asked.push(operation.to_owned());
        self.asked.notify_all();
        if let Some(at) = state.failures.iter().position(|(failing, _)| *failing == operation) {
            return Err(state.failures.remove(at).expect("it is there").1.to_owned());
        }
        let wrong_stream = request["StreamName"].as_str().is_some_and(|name| name != STREAM);
        match operation {
            _ if wrong_stream => Err("ResourceNotFoundException".to_owned()),
            "ListShards" => Ok(json!({"Shards": state.shards.iter().map(listed).collect::<Vec<_>>()})),
            "GetShardIterator" => state.iterator(request),
            "GetRecords" => state.records(request["ShardIterator"].as_str().expect("an iterator")),
            "Decrypt" if request["EncryptionContext"]["aws:rds:dbc-id"] == CLUSTER => {
                Ok(json!({"KeyId": "k", "Plaintext": STANDARD.encode([7; 32])}))
            }
            "Decrypt" => Err("InvalidCiphertextException".to_owned()),
            other => Err(format!("UnknownOperation {other}")),
        }
    }
}

fn listed(shard: &Shard) -> Value {
    let mut range = json!({"StartingSequenceNumber": "0"});
    if shard.closed {
        range["EndingSequenceNumber"] = json!("9");
    }
    let mut listed = json!({
        "ShardId": shard.id,
        "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "9"},
        "SequenceNumberRange": range,
    });
    if let Some(parent) = shard.parent {
        listed["ParentShardId"] = json!(parent);
    }
    listed
}

/// An iterator is `<shard> <index of the next record>`; a record's sequence number is its index.
impl State {
    fn iterator(&self, request: &Value) -> Result<Value, String> {
        let shard = self.shard(request["ShardId"].as_str().expect("a shard"))?;
        let index = match request["ShardIteratorType"].as_str() {
            Some("LATEST") => shard.records.len(),
            Some("AFTER_SEQUENCE_NUMBER") => {
                let number = request["StartingSequenceNumber"].as_str().expect("a number");
                number.parse::<usize>().expect("an index") + 1
            }
            _ => 0,
        };
        Ok(json!({"ShardIterator": format!("{} {index}", shard.id)}))
    }

    fn records(&self, iterator: &str) -> Result<Value, String> {
        let (id, index) = iterator.split_once(' ').expect("an iterator of ours");
        let shard = self.shard(id)?;
        let from: usize = index.parse().expect("an index");
        let records: Vec<Value> = shard
            .records
            .iter()
            .enumerate()
            .skip(from)
            .map(|(i, data)| {
                json!({"SequenceNumber": i.to_string(), "PartitionKey": "p", "Data": STANDARD.encode(data)})
            })
            .collect();
        let mut answer = json!({"Records": records, "MillisBehindLatest": 0});
        if !shard.closed {
            answer["NextShardIterator"] = json!(format!("{id} {}", shard.records.len()));
        }
        Ok(answer)
    }

    fn shard(&self, id: &str) -> Result<&Shard, String> {
        let shard = self.shards.iter().find(|shard| shard.id == id);
        shard.ok_or_else(|| "ResourceNotFoundException".to_owned())
    }
}

fn read_request(connection: &TcpStream) -> Option<(String, Value)> {
    let mut reader = BufReader::new(connection);
    let (mut operation, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().ok()?,
                "x-amz-target" => value.rsplit('.').next()?.clone_into(&mut operation),
                _ => {}
            }
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((operation, serde_json::from_slice(&body).ok()?))
}
