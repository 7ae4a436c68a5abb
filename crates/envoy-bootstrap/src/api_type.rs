//! Envoy's `api_type`: the xDS protocol that it requests.

/// The xDS protocol that an Envoy requests: `api_type` of its `ads_config`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiType {
    /// SotW: a response about clusters or listeners contains all of them.
    Grpc,
    /// Delta: a response contains what changed.
    DeltaGrpc,
}

impl ApiType {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ApiType::Grpc => "GRPC",
            ApiType::DeltaGrpc => "DELTA_GRPC",
        }
    }
}
