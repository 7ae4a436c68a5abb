//! DynamoDB: tables.

mod generated;

pub use generated::*;
