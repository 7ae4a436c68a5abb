#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! Reading order:
//! - `files`: certificate and key from PEM files;
//! - `server_tls`: the current certificate, reloaded when a file changes;
//! - [`CertificateNames`]: the names in a certificate, such as a client's;
//! - `listener`: TCP connections to TLS connections.

mod certificate_names;
mod files;
mod listener;
mod server_tls;

pub use certificate_names::CertificateNames;
pub use files::{CertificateFiles, TlsError};
pub use listener::TlsListener;
pub use server_tls::ServerTls;
/// An accepted TLS connection.
pub use tokio_rustls::server::TlsStream;
