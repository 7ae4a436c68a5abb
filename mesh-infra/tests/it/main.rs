//! The crate as its users see it: stacks in, templates and pictures out.

mod app_mesh;
mod control_plane;
mod deployable;
mod diagram;
mod golden;
mod handles;
mod logical_ids;
mod mesh_forms;
mod mesh_problems;
mod network;
mod problems;
mod roles;
mod round_trip;
mod serviceconnect;
mod wiring;
