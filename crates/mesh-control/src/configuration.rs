//! The configuration of one Envoy in parts: what many Envoys have in common is a part of its own.
//!
//! | node | parts |
//! |---|---|
//! | a task of a Service Connect service | its calls, the same for all services of the namespace; its ingress |
//! | a virtual node or virtual gateway | one |
//! | a load balancer | one |
//!
//! A part is translated from the mesh state and from those node metadata that it depends on.

use envoy_bootstrap::{Identity, NodeMetadata, ServiceIdentity};
use mesh_model::app_mesh::ResourcePath;
use xds_server::{InconsistentSnapshot, Node, SourceError};

use crate::mesh_state::MeshState;
use crate::node::{MeshwrightMetadata, TRANSPARENT_INGRESS};
use crate::translate::{self, Translation};

/// An Envoy, as far as its configuration depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeKey {
    pub(crate) identity: Identity,
    pub(crate) metadata: NodeMetadata,
}

/// A part of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// The calls of all tasks in a Service Connect namespace.
    Egress { namespace: String, metadata: NodeMetadata },
    /// The ingress of a service in a Service Connect namespace.
    Ingress {
        namespace: String,
        service: String,
        metadata: NodeMetadata,
    },
    /// A virtual node or virtual gateway.
    MeshNode { path: ResourcePath, metadata: NodeMetadata },
    /// A load balancer.
    LoadBalancer { name: String, metadata: NodeMetadata },
}

/// A part that cannot be translated.
#[derive(Debug, Clone)]
pub(crate) enum PartError {
    Unknown(String),
    Inconsistent(InconsistentSnapshot),
}

impl PartError {
    pub(crate) fn into_source_error(self, node_id: &str) -> SourceError {
        match self {
            Self::Unknown(reason) => SourceError::UnknownNode(reason),
            Self::Inconsistent(error) => SourceError::Inconsistent {
                node: node_id.to_owned(),
                error,
            },
        }
    }
}

impl NodeKey {
    /// Parses node id and node metadata.
    pub(crate) fn of(node: &Node) -> Result<Self, PartError> {
        let unknown = |error: envoy_bootstrap::NodeError| PartError::Unknown(error.to_string());
        let identity = Identity::parse(&node.id).map_err(unknown)?;
        let metadata = match &identity {
            Identity::Service(_) | Identity::LoadBalancer(_) => NodeMetadata::parse(&node.id, &node.metadata),
            Identity::MeshNode(_) => NodeMetadata::parse_mesh_node(&node.id, &node.metadata),
        };
        let mut metadata = metadata.map_err(unknown)?;
        // The name of the task is in its spans only.
        if metadata.extension.collector.is_none() {
            metadata.extension.task = None;
        }
        Ok(Self { identity, metadata })
    }

    /// The parts of its configuration.
    pub(crate) fn parts(&self, state: &MeshState) -> Result<Vec<Part>, PartError> {
        match &self.identity {
            Identity::Service(service) => self.service_parts(state, service),
            Identity::MeshNode(path) => Ok(vec![Part::MeshNode {
                path: path.clone(),
                metadata: self.metadata.clone(),
            }]),
            Identity::LoadBalancer(name) => Ok(vec![Part::LoadBalancer {
                name: name.clone(),
                metadata: self.metadata.clone(),
            }]),
        }
    }

    fn service_parts(&self, state: &MeshState, service: &ServiceIdentity) -> Result<Vec<Part>, PartError> {
        let Some(namespace) = state.services.get(service) else {
            let reason = format!("service `{service}` is in no Service Connect namespace");
            return Err(PartError::Unknown(reason));
        };
        let is_ingress = |listener: &str| listener == TRANSPARENT_INGRESS || listener.starts_with("ingress-");
        let (mut egress, mut ingress) = (self.metadata.clone(), self.metadata.clone());
        egress.listener_ports.retain(|listener, _| !is_ingress(listener));
        egress.extension = MeshwrightMetadata {
            app_ports: Default::default(),
            app_address: None,
            ingress_address: MeshwrightMetadata::default().ingress_address,
            ..egress.extension
        };
        ingress.listener_ports.retain(|listener, _| is_ingress(listener));
        ingress.extension.virtual_addresses.clear();
        Ok(vec![
            Part::Egress {
                namespace: namespace.clone(),
                metadata: egress,
            },
            Part::Ingress {
                namespace: namespace.clone(),
                service: service.service.clone(),
                metadata: ingress,
            },
        ])
    }
}

impl Part {
    pub(crate) fn metadata(&self) -> &NodeMetadata {
        match self {
            Self::Egress { metadata, .. }
            | Self::Ingress { metadata, .. }
            | Self::MeshNode { metadata, .. }
            | Self::LoadBalancer { metadata, .. } => metadata,
        }
    }

    /// Translates and checks the part.
    pub(crate) fn translate(&self, state: &MeshState) -> Result<Translation, PartError> {
        let translation = match self {
            Self::Egress { namespace, metadata } => match state.namespaces.get(namespace) {
                Some(namespace) => translate::translate_egress(state, namespace, metadata),
                None => return Err(no_namespace(namespace)),
            },
            Self::Ingress {
                namespace,
                service,
                metadata,
            } => match state.namespaces.get(namespace) {
                Some(namespace) => translate::translate_ingress(state, namespace, service, metadata),
                None => return Err(no_namespace(namespace)),
            },
            Self::MeshNode { path, .. } if !state.meshes.contains_key(&path.mesh) => {
                return Err(PartError::Unknown(format!("there is no mesh `{}`", path.mesh)));
            }
            Self::MeshNode { path, metadata } => {
                let missing = || {
                    let description = path.description();
                    PartError::Unknown(format!("there is no {description} in mesh `{}`", path.mesh))
                };
                translate::app_mesh(state, path, metadata).ok_or_else(missing)?
            }
            Self::LoadBalancer { name, metadata } => {
                let missing = || PartError::Unknown(format!("there is no load balancer `{name}`"));
                translate::load_balancer(state, name, metadata).ok_or_else(missing)?
            }
        };
        // References do not lead from one part to another.
        translation.snapshot.check().map_err(PartError::Inconsistent)?;
        Ok(translation)
    }
}

fn no_namespace(namespace: &str) -> PartError {
    PartError::Unknown(format!("there is no Service Connect namespace `{namespace}`"))
}
