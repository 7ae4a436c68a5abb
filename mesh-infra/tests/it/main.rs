//! The crate as its users see it: stacks in, templates and pictures out.

mod app_mesh;
mod diagram;
mod golden;
mod handles;
mod logical_ids;
mod mesh_forms;
mod mesh_problems;
mod problems;
mod round_trip;
mod serviceconnect;
