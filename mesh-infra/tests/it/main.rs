//! The crate as its users see it: stacks in, templates and pictures out.

mod diagram;
mod golden;
mod handles;
mod logical_ids;
mod problems;
mod round_trip;
mod serviceconnect;
