//! A TLS server whose certificate nobody has signed.
//!
//! The fixtures are one self-signed certificate for 127.0.0.1 and localhost, valid until 2126, and its key:
//! `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 36500 -nodes`.

use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The certificate, in PEM.
pub(crate) const CERTIFICATE: &str = include_str!("../fixtures/untrusted.certificate.pem");
const KEY: &str = include_str!("../fixtures/untrusted.key.pem");

/// Shakes hands with everyone who trusts it, until the test ends. The port, on every address of this host.
pub(crate) fn start() -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).expect("a certificate")],
            PrivateKeyDer::from_pem_slice(KEY.as_bytes()).expect("a key"),
        )
        .expect("a certificate and its key");
    let (config, listener) = (Arc::new(config), TcpListener::bind("0.0.0.0:0").expect("a free port"));
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let session = ServerConnection::new(Arc::clone(&config)).expect("a session");
            // The client breaks off; what it sees is what is tested.
            let _ended = StreamOwned::new(session, connection).read(&mut [0; 1024]);
        }
    });
    port
}
