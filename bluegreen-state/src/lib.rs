//! The state of a blue-green deployment: which side serves, which one to update next.
//!
//! This crate is a stub. It has its place in the workspace, its name and its boundary (no other crate of the
//! workspace is used here, so that any deploy tool can use it alone), and nothing else yet.
//!
//! # Status
//!
//! | part | here |
//! |---|---|
//! | stored form, planning, rollout steps, stores | not yet |
