//! Integration tests of the public API: stacks, templates and diagrams.

mod app_mesh;
mod capacity;
mod control_plane;
mod deployable;
mod diagnostics;
mod diagram;
mod entrances;
mod handles;
mod logical_ids;
mod mesh_diagnostics;
mod mesh_encodings;
mod network;
mod network_options;
mod proxy;
mod public_api;
mod reachability;
mod roles;
mod round_trip;
mod serviceconnect;
mod stacks;
