//! An answer: a status, and a body of JSON.

/// What AWS's JSON protocol 1.1 is called; Kinesis and KMS speak it.
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// One answer. Its buffer is used again and again.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Answer {
    /// An answer with status 200 whose body is written by the caller.
    pub(crate) fn ok(&mut self) -> &mut Vec<u8> {
        self.status = 200;
        self.body.clear();
        &mut self.body
    }

    /// A service error as Kinesis and KMS word it. Code and message are ours: nothing in them needs escapes.
    pub(crate) fn error(&mut self, code: &str, message: &str) {
        self.ok().extend_from_slice(format!(r#"{{"__type":"{code}","message":"{message}"}}"#).as_bytes());
        self.status = 400;
    }

    /// The whole answer as HTTP, in place of what `out` held.
    pub(crate) fn write_http(&self, keep_alive: bool, out: &mut Vec<u8>) {
        let reason = if self.status == 200 { "OK" } else { "Bad Request" };
        let close = if keep_alive { "" } else { "Connection: close\r\n" };
        let head = format!(
            "HTTP/1.1 {} {reason}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {}\r\n\
             x-amzn-RequestId: bench\r\n{close}\r\n",
            self.status,
            self.body.len(),
        );
        out.clear();
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(&self.body);
    }
}
