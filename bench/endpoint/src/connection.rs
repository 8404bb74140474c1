//! One HTTP/1.1 connection: requests one after the other, as long as the client keeps it open.
//!
//! Bodies come with a Content-Length: the AWS SDK sends PutRecords in no other way. Buffers are kept from request to request.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use crate::answer::Answer;
use crate::service::{Request, Service};

/// The longest head of a request. A signed one has about 1 kB.
const MAX_HEAD_BYTES: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;
/// PutRecords takes 10 MiB of data and keys (an AWS limit), which base64 makes a third more, and some JSON around each record.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// Bytes that one read asks for while the length of the body is not known.
const READ_BYTES: usize = 64 * 1024;

/// What the head of a request says.
struct Head {
    bytes: usize,
    body_bytes: usize,
    method: String,
    path: String,
    target: String,
    keep_alive: bool,
}

/// Serves until the client closes.
///
/// # Errors
/// When the connection breaks in a request, or what comes is no HTTP that is understood here.
pub(crate) fn serve(mut stream: TcpStream, service: &Service) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut buffer, mut filled) = (vec![0; READ_BYTES], 0);
    let (mut answer, mut out) = (Answer::default(), Vec::new());
    loop {
        let Some(head) = read_head(&mut stream, &mut buffer, &mut filled)? else { return Ok(()) };
        let end = head.bytes + head.body_bytes;
        if buffer.len() < end {
            buffer.resize(end, 0);
        }
        while filled < end {
            filled += read_some(&mut stream, buffer.get_mut(filled..).unwrap_or_default())?;
        }
        let body = buffer.get(head.bytes..end).unwrap_or_default();
        let request = Request {
            method: &head.method,
            path: &head.path,
            target: &head.target,
            body,
            arrived: Instant::now(),
        };
        service.answer(&request, &mut answer);
        answer.write_http(head.keep_alive, &mut out);
        stream.write_all(&out)?;
        if !head.keep_alive {
            return Ok(());
        }
        buffer.copy_within(end..filled, 0);
        filled -= end;
    }
}

/// Reads until the head of a request is whole; `None` where the client closes before it begins one.
fn read_head(stream: &mut TcpStream, buffer: &mut [u8], filled: &mut usize) -> io::Result<Option<Head>> {
    loop {
        if let Some(head) = parse(buffer.get(..*filled).unwrap_or_default())? {
            return Ok(Some(head));
        }
        if *filled > MAX_HEAD_BYTES {
            return Err(bad("the head of a request is too long"));
        }
        match read_some(stream, buffer.get_mut(*filled..).unwrap_or_default()) {
            Ok(count) => *filled += count,
            // Clients drop connections that they no longer need.
            Err(error) if *filled == 0 && is_end(&error) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

fn read_some(stream: &mut TcpStream, into: &mut [u8]) -> io::Result<usize> {
    match stream.read(into)? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        count => Ok(count),
    }
}

fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset)
}

fn bad(message: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, message)
}

fn parse(bytes: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let status = request.parse(bytes).map_err(|error| bad(&error.to_string()))?;
    let httparse::Status::Complete(head_bytes) = status else { return Ok(None) };
    let mut head = Head {
        bytes: head_bytes,
        body_bytes: 0,
        method: request.method.unwrap_or_default().to_owned(),
        path: request.path.unwrap_or_default().to_owned(),
        target: String::new(),
        keep_alive: request.version == Some(1),
    };
    for header in request.headers.iter() {
        let value = std::str::from_utf8(header.value).unwrap_or_default().trim();
        match header.name {
            name if name.eq_ignore_ascii_case("content-length") => {
                head.body_bytes = value.parse().map_err(|_| bad("Content-Length is no number"))?;
            }
            name if name.eq_ignore_ascii_case("x-amz-target") => value.clone_into(&mut head.target),
            name if name.eq_ignore_ascii_case("transfer-encoding") => {
                return Err(bad("a body without a Content-Length"));
            }
            name if name.eq_ignore_ascii_case("connection") => {
                head.keep_alive = !value.eq_ignore_ascii_case("close");
            }
            _ => {}
        }
    }
    if head.body_bytes > MAX_BODY_BYTES {
        return Err(bad("the body of a request is too long"));
    }
    Ok(Some(head))
}
