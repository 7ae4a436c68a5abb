//! The scenarios: what changes, and its label in the table.

use serde::{Deserialize, Serialize};

use crate::shape::Kind;

/// One change of the mesh, or of the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scenario {
    /// All Envoys start, without any configuration.
    FirstConfiguration,
    /// A weight of the virtual service that every node calls.
    Weight,
    /// A weight of a virtual service with few callers.
    WeightOfFew,
    /// A task of the service that every node calls is replaced.
    Task,
    /// A task of a service with few callers is replaced.
    TaskOfFew,
    /// The egress filter of the mesh.
    EgressFilter,
    /// A new service; in a mesh with three callers.
    NewService,
    /// Every service gets a new task and loses an old one, in steps of a millisecond.
    RollingDeployment,
    /// A new control plane, to which all Envoys connect at once with the configuration that they have.
    Reconnect,
}

impl Scenario {
    /// Those of a mesh of this kind, in the order in which they are run.
    pub(crate) fn of(kind: Kind) -> &'static [Self] {
        match kind {
            Kind::AppMesh => &[
                Self::FirstConfiguration,
                Self::Weight,
                Self::WeightOfFew,
                Self::Task,
                Self::TaskOfFew,
                Self::EgressFilter,
                Self::NewService,
                Self::RollingDeployment,
                Self::Reconnect,
            ],
            Kind::Namespace => &[
                Self::FirstConfiguration,
                Self::Task,
                Self::TaskOfFew,
                Self::NewService,
                Self::RollingDeployment,
                Self::Reconnect,
            ],
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::FirstConfiguration => "first configuration of all",
            Self::Weight => "a weight",
            Self::WeightOfFew => "a weight, few callers",
            Self::Task => "a task replaced",
            Self::TaskOfFew => "a task replaced, few callers",
            Self::EgressFilter => "the mesh's egress filter",
            Self::NewService => "a new service",
            Self::RollingDeployment => "a rolling deployment of everything",
            Self::Reconnect => "all reconnect",
        }
    }
}
