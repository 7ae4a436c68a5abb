//! Real installations through the real pip, and the ways in which one can fail, each in a cache of its own.

mod envoy;
mod failures;
mod fakes;
mod python;
mod sharing;
mod stopping;
