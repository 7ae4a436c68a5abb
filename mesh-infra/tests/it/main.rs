//! The crate as its users see it: stacks in, templates and pictures out.

mod app_mesh;
mod control_plane;
mod deployable;
mod diagnostics;
mod diagram;
mod golden;
mod handles;
mod logical_ids;
mod mesh_diagnostics;
mod mesh_encodings;
mod network;
mod roles;
mod round_trip;
mod serviceconnect;
mod wiring;
