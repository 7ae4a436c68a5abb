//! The two ways in which a control plane tells an Envoy.

use serde::Serialize;

/// Which of the two xDS protocols a stream speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum XdsProtocol {
    /// `StreamAggregatedResources`: answers about clusters and listeners hold all of them.
    #[serde(rename = "state-of-the-world")]
    Sotw,
    /// `DeltaAggregatedResources`: answers hold what changed.
    Delta,
}
