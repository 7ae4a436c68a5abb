//! Meshes through the API of a real server.

#[path = "../../../app-mesh-migrate/tests/it/meshes.rs"]
mod meshes;
mod public_api;
mod round_trips;
mod server;
mod writes;
