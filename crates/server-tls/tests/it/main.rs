//! TLS connections by a rustls client, with certificates that are renewed.

mod client_certificates;
mod handshakes;
mod public_api;
mod renewal;
mod server;
