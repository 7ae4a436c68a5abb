//! TLS connections by a rustls client, with certificates that are renewed.

mod handshakes;
mod public_api;
mod renewal;
mod server;
