//! An AWS for tests: an HTTP server that gives prepared answers in order and keeps what it was asked.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What `DescribeLimits` answers, a call that says nothing.
pub(crate) const LIMITS: &str =
    r#"{"ShardLimit":1,"OpenShardCount":1,"OnDemandStreamCount":1,"OnDemandStreamCountLimit":1}"#;

/// What the server does with one request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// A whole answer.
    Send { status: u16, content_type: &'static str, body: String },
    /// Sends the client elsewhere.
    Redirect { status: u16, location: String },
    /// Reads the request and never answers.
    Hang,
    /// Reads the request and closes the connection.
    Close,
    /// Promises more than it sends, then closes.
    CutOff,
    /// Promises more than it sends, and never goes on.
    HangInBody,
}

impl Answer {
    pub(crate) fn ok(body: &str) -> Self {
        Self::json(200, body)
    }

    /// [`LIMITS`].
    pub(crate) fn limits() -> Self {
        Self::ok(LIMITS)
    }

    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::Send { status, content_type: "application/x-amz-json-1.1", body: body.to_owned() }
    }

    /// A service error as Kinesis and KMS word it.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, &format!(r#"{{"__type":"{code}","message":"{message}"}}"#))
    }
}

/// What was asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// The header `X-Amz-Target`, such as `Kinesis_20131202.PutRecords`.
    pub(crate) target: String,
    /// The header `Authorization`.
    pub(crate) authorization: String,
    /// The header `X-Amz-Date`, when the request was signed.
    pub(crate) date: String,
    /// The body, as text.
    pub(crate) body: String,
}

impl Asked {
    /// The access key that it was signed with.
    pub(crate) fn access_key(&self) -> String {
        let (_, behind) = self.authorization.split_once("Credential=").expect("a credential");
        behind.split('/').next().expect("a key").to_owned()
    }
}

/// The server. It listens until the test ends.
pub(crate) struct Canned {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Canned {
    /// Gives these answers, one a request, whatever the connection; closes the connection on any further request.
    pub(crate) fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::start_at("", answers)
    }

    /// [`Canned::start`] with a clock that stands: `date` is the value of the header `Date`, or empty for none.
    pub(crate) fn start_at(date: &'static str, answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (answers, log) = (Arc::clone(&answers), Arc::clone(&log));
                thread::spawn(move || serve(connection, date, &answers, &log));
            }
        });
        Self { url, asked }
    }

    /// All requests so far, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic elsewhere").clone()
    }

    /// Forgets what was asked so far.
    pub(crate) fn forget(&self) {
        self.asked.lock().expect("no panic elsewhere").clear();
    }

    /// The operations asked for, in order: `PutRecords`, …
    pub(crate) fn operations(&self) -> Vec<String> {
        let operation = |asked: Asked| asked.target.rsplit('.').next().unwrap_or_default().to_owned();
        self.asked().into_iter().map(operation).collect()
    }
}

fn serve(mut connection: TcpStream, date: &str, answers: &Mutex<VecDeque<Answer>>, log: &Mutex<Vec<Asked>>) {
    let Some(asked) = read_request(&connection) else { return };
    log.lock().expect("no panic elsewhere").push(asked);
    let answer = answers.lock().expect("no panic elsewhere").pop_front();
    let sent = match answer {
        Some(Answer::Send { status, content_type, body }) => write!(
            connection,
            "HTTP/1.1 {status} Canned\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\
             x-amzn-RequestId: canned-request\r\n{}Connection: close\r\n\r\n{body}",
            body.len(),
            if date.is_empty() { String::new() } else { format!("Date: {date}\r\n") },
        ),
        Some(Answer::Redirect { status, location }) => write!(
            connection,
            "HTTP/1.1 {status} Canned\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        ),
        Some(Answer::CutOff) => connection.write_all(HALF_AN_ANSWER),
        Some(Answer::HangInBody) => {
            let sent = connection.write_all(HALF_AN_ANSWER);
            wait_for_the_end(&mut connection);
            sent
        }
        Some(Answer::Hang) => {
            wait_for_the_end(&mut connection);
            Ok(())
        }
        Some(Answer::Close) | None => Ok(()),
    };
    // The client may have gone already; the test sees that from its side.
    drop(sent);
}

const HALF_AN_ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{\"Rec";

/// Until the client gives up and closes, in whatever way.
fn wait_for_the_end(connection: &mut TcpStream) {
    let _ended = connection.read(&mut [0]);
}

/// The next request on a connection, where one comes. What was sent behind it is lost.
pub(crate) fn read_request(connection: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(connection);
    let mut asked = Asked::default();
    let mut length = 0;
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
                "x-amz-target" => value.trim().clone_into(&mut asked.target),
                "x-amz-date" => value.trim().clone_into(&mut asked.date),
                "authorization" => value.trim().clone_into(&mut asked.authorization),
                _ => {}
            }
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    asked.body = String::from_utf8(body).ok()?;
    Some(asked)
}
