//! The ways of calling that are compared.

use serde::{Deserialize, Serialize};

/// What makes the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Maker {
    Reqwest,
    /// The same with a constant `traceparent` that has Envoys and the service make spans: what they then cost.
    ReqwestSampled,
    MeshClient,
    /// `reqwest-middleware` with `reqwest-tracing` and `reqwest-retry`.
    Assembled,
}

/// What is between caller and service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Way {
    Direct,
    /// The service's own.
    OneEnvoy,
    /// The caller's and the service's.
    TwoEnvoys,
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Variant {
    pub(crate) maker: Maker,
    pub(crate) way: Way,
    /// Whether the caller makes a span of each call, samples all of them, and exports them by OTLP.
    pub(crate) traces: bool,
}

const fn variant(maker: Maker, way: Way, traces: bool) -> Variant {
    Variant { maker, way, traces }
}

pub(crate) const VARIANTS: [Variant; 9] = [
    variant(Maker::Reqwest, Way::Direct, false),
    variant(Maker::MeshClient, Way::Direct, false),
    variant(Maker::Reqwest, Way::OneEnvoy, false),
    variant(Maker::Reqwest, Way::TwoEnvoys, false),
    variant(Maker::MeshClient, Way::TwoEnvoys, false),
    variant(Maker::Assembled, Way::TwoEnvoys, false),
    variant(Maker::ReqwestSampled, Way::TwoEnvoys, false),
    variant(Maker::MeshClient, Way::TwoEnvoys, true),
    variant(Maker::Assembled, Way::TwoEnvoys, true),
];

impl Variant {
    /// Its place in [`VARIANTS`].
    pub(crate) fn index(self) -> usize {
        VARIANTS.iter().position(|variant| *variant == self).unwrap_or_default()
    }

    /// What it is compared with: the barest call on the same way.
    pub(crate) fn reference(self) -> Self {
        variant(Maker::Reqwest, self.way, false)
    }

    pub(crate) fn name(self) -> String {
        let maker = match self.maker {
            Maker::Reqwest => "reqwest",
            Maker::ReqwestSampled => "reqwest, sending a sampled traceparent",
            Maker::MeshClient => "mesh-client",
            Maker::Assembled => "reqwest with middleware",
        };
        let tracing = if self.traces { ", tracing" } else { "" };
        format!("{maker}{tracing}")
    }
}

impl Way {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "directly",
            Self::OneEnvoy => "through one Envoy",
            Self::TwoEnvoys => "through two Envoys",
        }
    }
}
