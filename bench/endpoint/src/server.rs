//! Listens, and gives each connection a thread.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::connection;
use crate::service::Service;

/// Connections at once; one more is closed. A worker has `max_in_flight` of them, 8 unless told otherwise.
const MAX_CONNECTIONS: usize = 256;
/// A request is parsed in place and its answer written from a buffer of the connection.
const THREAD_STACK_BYTES: usize = 256 * 1024;

/// A bound port, and what is served there.
pub(crate) struct Server {
    listener: TcpListener,
    port: u16,
    service: Arc<Service>,
}

impl Server {
    /// Listens on loopback; port 0 is a free one.
    pub(crate) fn bind(port: u16, delay: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port, service: Arc::new(Service::new(delay)) })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Serves for ever. What becomes of one connection does not concern the others.
    pub(crate) fn serve(&self) -> io::Result<()> {
        let open = Arc::new(AtomicUsize::new(0));
        loop {
            let (stream, _) = self.listener.accept()?;
            if open.fetch_add(1, Ordering::Relaxed) >= MAX_CONNECTIONS {
                open.fetch_sub(1, Ordering::Relaxed);
                continue;
            }
            let (service, open) = (Arc::clone(&self.service), Arc::clone(&open));
            thread::Builder::new().stack_size(THREAD_STACK_BYTES).spawn(move || {
                if let Err(error) = connection::serve(stream, &service) {
                    eprintln!("activity-bench-endpoint: a connection ended: {error}");
                }
                open.fetch_sub(1, Ordering::Relaxed);
            })?;
        }
    }
}
