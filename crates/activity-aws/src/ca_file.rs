//! Certificate authorities of one's own: a PEM file in the place of the system's store.
//!
//! All of the file is checked when it is read, because the SDK panics at its first call over one that it cannot parse. It is
//! read once for each connection; who replaces it restarts the process.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Largest file that is read. The system's own bundle of some 150 authorities has a quarter of a megabyte.
const MAX_CA_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// The file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaFileError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// It is a directory, a pipe or a device.
    #[error("it is not a regular file")]
    NotAFile,
    /// It is larger than 4 MiB.
    #[error("it is larger than {} MiB", MAX_CA_FILE_BYTES / (1024 * 1024))]
    TooLarge,
    /// No PEM section of it is a certificate.
    #[error("it has no certificate in it")]
    Empty,
    /// A certificate in it is damaged.
    #[error("certificate {number} in it is invalid: {reason}")]
    Invalid {
        /// Its place among the certificates of the file, from 1.
        number: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// How many certificates the file has, at least one, all of which can be trusted.
///
/// # Errors
/// [`CaFileError`] where it cannot be used as it is.
pub fn check_ca_file(path: &Path) -> Result<usize, CaFileError> {
    read(path).and_then(|pem| check(&pem))
}

/// TLS that trusts what the file has, and nothing else.
pub(crate) fn trust(path: &Path) -> Result<TlsContext, CaFileError> {
    let pem = read(path)?;
    check(&pem)?;
    let store = TrustStore::empty().with_pem_certificate(pem);
    TlsContext::builder()
        .with_trust_store(store)
        .build()
        .map_err(|why| CaFileError::Unreadable(why.to_string()))
}

fn read(path: &Path) -> Result<Vec<u8>, CaFileError> {
    let unreadable = |why: io::Error| CaFileError::Unreadable(why.to_string());
    // Opening a pipe would wait for its other end.
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(CaFileError::NotAFile);
    }
    let mut pem = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_CA_FILE_BYTES + 1).read_to_end(&mut pem).map_err(unreadable)?;
    if pem.len() as u64 > MAX_CA_FILE_BYTES {
        return Err(CaFileError::TooLarge);
    }
    Ok(pem)
}

fn check(pem: &[u8]) -> Result<usize, CaFileError> {
    let mut store = RootCertStore::empty();
    for (place, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
        let invalid = |reason: String| CaFileError::Invalid { number: place + 1, reason };
        let certificate = certificate.map_err(|why| invalid(why.to_string()))?;
        store.add(certificate).map_err(|why| invalid(why.to_string()))?;
    }
    if store.is_empty() { Err(CaFileError::Empty) } else { Ok(store.len()) }
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::faults::tls_server::CERTIFICATE;

    fn verdict(pem: &str) -> Result<usize, CaFileError> {
        check(pem.as_bytes())
    }

    #[test]
    fn every_certificate_of_a_file_counts_and_other_sections_do_not() {
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(verdict(CERTIFICATE), Ok(1));
        assert_eq!(verdict(&format!("# two\n{CERTIFICATE}{key}{CERTIFICATE}")), Ok(2));
    }

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        for pem in ["", "not PEM", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            assert_eq!(verdict(pem), Err(CaFileError::Empty), "{pem}");
        }
    }

    #[test]
    fn a_damaged_certificate_is_refused_by_its_place() {
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let cut = CERTIFICATE.trim_end().trim_end_matches("-----END CERTIFICATE-----");
        for (pem, place) in [(format!("{CERTIFICATE}{damaged}"), 2), (cut.to_owned(), 1)] {
            let error = verdict(&pem).expect_err("a refusal");
            assert!(matches!(error, CaFileError::Invalid { number, .. } if number == place), "{error}");
        }
    }

    #[test]
    fn what_is_not_there_or_not_a_file_is_refused() {
        assert!(matches!(check_ca_file(Path::new("/nonexistent/ca.pem")), Err(CaFileError::Unreadable(_))));
        assert_eq!(check_ca_file(Path::new("/")), Err(CaFileError::NotAFile));
        assert_eq!(check_ca_file(Path::new("/dev/zero")), Err(CaFileError::NotAFile));
    }
}
