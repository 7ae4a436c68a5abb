//! Variants: the combinations of client and path that are compared.

use serde::{Deserialize, Serialize};

/// The client that makes the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ClientKind {
    Reqwest,
    /// `reqwest` with a constant sampled `traceparent`: measures the cost of spans in the Envoys and the service.
    ReqwestSampled,
    MeshClient,
    /// `reqwest-middleware` with `reqwest-tracing` and `reqwest-retry`.
    Middleware,
}

/// The proxies between client and service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PathKind {
    Direct,
    /// The service's sidecar.
    OneEnvoy,
    /// The client's and the service's sidecars.
    TwoEnvoys,
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Variant {
    pub(crate) client: ClientKind,
    pub(crate) path: PathKind,
    /// Whether the client makes a span of each call, samples all of them, and exports them by OTLP.
    pub(crate) tracing: bool,
}

const fn variant(client: ClientKind, path: PathKind, tracing: bool) -> Variant {
    Variant { client, path, tracing }
}

pub(crate) const VARIANTS: [Variant; 9] = [
    variant(ClientKind::Reqwest, PathKind::Direct, false),
    variant(ClientKind::MeshClient, PathKind::Direct, false),
    variant(ClientKind::Reqwest, PathKind::OneEnvoy, false),
    variant(ClientKind::Reqwest, PathKind::TwoEnvoys, false),
    variant(ClientKind::MeshClient, PathKind::TwoEnvoys, false),
    variant(ClientKind::Middleware, PathKind::TwoEnvoys, false),
    variant(ClientKind::ReqwestSampled, PathKind::TwoEnvoys, false),
    variant(ClientKind::MeshClient, PathKind::TwoEnvoys, true),
    variant(ClientKind::Middleware, PathKind::TwoEnvoys, true),
];

impl Variant {
    /// Index in [`VARIANTS`].
    pub(crate) fn index(self) -> usize {
        VARIANTS.iter().position(|variant| *variant == self).unwrap_or_default()
    }

    /// The baseline: bare `reqwest` on the same path.
    pub(crate) fn baseline(self) -> Self {
        variant(ClientKind::Reqwest, self.path, false)
    }

    /// Path, client and tracing, as in the table and the plot.
    pub(crate) fn label(self) -> String {
        let path = match self.path {
            PathKind::Direct => "directly",
            PathKind::OneEnvoy => "through one Envoy",
            PathKind::TwoEnvoys => "through two Envoys",
        };
        let client = match self.client {
            ClientKind::Reqwest => "reqwest",
            ClientKind::ReqwestSampled => "reqwest, sending a sampled traceparent",
            ClientKind::MeshClient => "mesh-client",
            ClientKind::Middleware => "reqwest with middleware",
        };
        let tracing = if self.tracing { ", tracing" } else { "" };
        format!("{path}: {client}{tracing}")
    }
}
