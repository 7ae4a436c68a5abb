//! The crate as a deploy tool uses it: the whole table of steps, properties over random events, contenders.

mod contenders;
mod golden;
mod properties;
#[cfg(feature = "ssm")]
mod ssm;
mod world;
