//! Command lines: their arguments and the code that runs each command.

pub(crate) mod app;
pub(crate) mod arguments;
#[cfg(feature = "aws")]
pub(crate) mod aws;
pub(crate) mod aws_args;
#[cfg(not(feature = "aws"))]
pub(crate) mod aws_disabled;
mod aws_names;
pub(crate) mod bluegreen;
mod check;
mod diagram;
mod doctor;
pub(crate) mod error;
pub(crate) mod header_limits;
pub(crate) mod images;
pub(crate) mod import;
pub(crate) mod migrate;
pub(crate) mod page;
pub(crate) mod policy;
pub(crate) mod publish;
pub(crate) mod running;
mod serve;
mod shell;
pub(crate) mod synth;
pub(crate) mod template;
mod token;
mod translate;
