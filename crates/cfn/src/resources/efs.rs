//! EFS: file systems, their mount targets and access points.

mod generated;

pub use generated::*;
