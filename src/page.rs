//! The live page of a mesh that runs: a map, services, calls and proxies, on loopback.
//!
//! ```text
//!  LocalMesh ──commands──► feed (reads) ──► html, map (pure) ──► server: GET /, then server-sent events
//! ```
//!
//! The page is rendered here. The browser replaces the sections that have changed; without JavaScript, it shows them as they were
//! when it asked. Nothing is read while no page is open.

mod feed;
mod html;
mod map;
mod server;

pub(crate) use self::server::Page;
