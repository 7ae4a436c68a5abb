//! The two xDS protocols: SotW and delta.

use serde::Serialize;

/// The xDS protocol of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum XdsProtocol {
    /// `StreamAggregatedResources`: a response about clusters or listeners contains all of them.
    #[serde(rename = "state-of-the-world")]
    Sotw,
    /// `DeltaAggregatedResources`: a response contains what changed.
    Delta,
}
