//! Meshes that run on this machine: their API on a Unix socket in their run directory, and how programs find them.
//!
//! ```text
//!     up, examples: server ◄── Unix socket ◄── client: ps, restart, kill, scale, weights, proxies, down
//!           │                                    │
//!           └── run directory: mesh.json, api.sock, logs ──┘  registry, logs
//! ```

pub(crate) mod client;
pub(crate) mod command;
pub(crate) mod rates;
pub(crate) mod registry;
pub(crate) mod server;
