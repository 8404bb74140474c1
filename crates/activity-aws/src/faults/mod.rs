//! What can go wrong outside, each brought about and looked at from the caller's side.
//!
//! ```text
//!   transport      no connection, a broken one, one that hangs; TLS
//!   refusals       credentials that expired, a clock that is wrong; what the answers echo
//!   services       Kinesis, KMS, SNS and EventBridge in a bad state, as delivery hears of it
//! ```
//!
//! Sources of configuration and credentials that fail are in [`crate::standard_chain`].

pub(crate) mod refusals;
mod services;
pub(crate) mod tls_server;
mod transport;
