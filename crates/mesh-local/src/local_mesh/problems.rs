//! What of a running mesh does not work: tasks, listeners, certificates, rejected configuration.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;

use mesh_model::app_mesh::{Kind, ResourcePath};

use super::LocalMesh;
use crate::envoy::admin::AdminClient;
use crate::plan::{Membership, Plan};
use crate::slot::Slot;

/// Something that does not work. `Display` is one line without a full stop; a failure may be followed by the end of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// None of a service's tasks is running.
    NoTask {
        /// The service.
        service: String,
    },
    /// A task failed before it was ever running.
    TaskFailed {
        /// The reason, which begins with the task.
        reason: String,
    },
    /// An Envoy has rejected a resource (NACK).
    Rejected {
        /// The task, or the node id.
        task: String,
        /// The resource.
        resource: String,
        /// Envoy's error message.
        message: String,
    },
    /// An Envoy has neither accepted nor rejected its configuration.
    Unsettled {
        /// The node id and the task.
        envoy: String,
    },
    /// A port is not open.
    Closed {
        /// The task.
        task: String,
        /// The port's name.
        port: String,
        /// The address at which it should be.
        address: SocketAddr,
    },
    /// A certificate or key that the secret discovery service of an Envoy has not sent.
    NoSecret {
        /// The task.
        task: String,
        /// The secret's name.
        secret: String,
    },
    /// No task is the Envoy of a virtual gateway.
    NoGateway {
        /// The virtual gateway.
        path: ResourcePath,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTask { service } => write!(
                f,
                "service {service}: none of its tasks is running; a change of its template starts them again"
            ),
            Self::TaskFailed { reason } => f.write_str(reason),
            Self::Rejected {
                task,
                resource,
                message,
            } => write!(f, "{task}: its Envoy rejects `{resource}` (NACK): {message}"),
            Self::Unsettled { envoy } => write!(
                f,
                "{envoy} has neither accepted nor rejected its configuration; see the status page and its log"
            ),
            Self::Closed { task, port, address } => {
                write!(f, "{task}: port {port} is not open, which should be at {address}")
            }
            Self::NoSecret { task, secret } => write!(
                f,
                "{task}: the secret discovery service has not sent `{secret}` to its Envoy: connections that need it fail"
            ),
            Self::NoGateway { path } => write!(
                f,
                "{path}: no task has its Envoy, so nothing listens on its ports; give the template with its service, \
                 or name it in the environment of its Envoy: APPMESH_RESOURCE_ARN={path}"
            ),
        }
    }
}

impl LocalMesh {
    /// Waits until every task is running or has failed, and every Envoy has received all of them; the latter for at most
    /// ten seconds. Unlike [`LocalMesh::ready`] it goes on without the tasks that have failed.
    ///
    /// Returns a problem for each task that failed. Cancelling this loses nothing: it can be called again.
    pub async fn wait_for_tasks(&mut self) -> Vec<Problem> {
        let failures = self.task_set.failures().await;
        self.wait_for_envoys().await;
        let failures = failures.into_iter();
        failures.map(|reason| Problem::TaskFailed { reason }).collect()
    }

    /// What does not work now, apart from tasks that failed.
    pub async fn problems(&self) -> Vec<Problem> {
        let mut problems = without_gateway(&self.plan);
        for service in &self.plan.services {
            let running = self
                .task_set
                .running()
                .filter(|slot| slot.service.service == service.name);
            if service.desired_count > 0 && running.count() == 0 {
                problems.push(Problem::NoTask {
                    service: service.name.clone(),
                });
            }
        }
        let status = self.status();
        let mut without_listener = BTreeSet::new();
        for node in &status.nodes {
            let task = node.task.as_ref().unwrap_or(&node.id);
            if !node.listeners.rejected.is_empty() {
                without_listener.insert(task.clone());
            }
            problems.extend(node.rejected().map(|rejected| Problem::Rejected {
                task: task.clone(),
                resource: rejected.name.clone(),
                message: rejected.message.clone(),
            }));
        }
        let unsettled = self.control.unsettled().into_iter();
        problems.extend(unsettled.map(|envoy| Problem::Unsettled { envoy }));
        for slot in self.task_set.running().filter(|slot| slot.is_in_mesh()) {
            problems.extend(problems_of_envoy(slot, without_listener.contains(&slot.name)).await);
        }
        problems
    }

    /// What the configuration of Envoys leaves out, as (node id, note).
    #[must_use]
    pub fn notes(&self) -> BTreeSet<(String, String)> {
        let nodes = self.status().nodes.into_iter();
        let notes = nodes.flat_map(|node| {
            let id = node.id;
            node.notes.into_iter().map(move |note| (id.clone(), note))
        });
        notes.collect()
    }
}

/// The virtual gateways that no task runs, if something runs at all.
fn without_gateway(plan: &Plan) -> Vec<Problem> {
    if plan.services.is_empty() {
        return Vec::new();
    }
    let nodes = plan.services.iter().filter_map(|service| match &service.membership {
        Membership::Mesh(node) => Some(&node.path),
        Membership::Namespace(_) | Membership::LoadBalancer(_) | Membership::None => None,
    });
    let nodes: BTreeSet<&ResourcePath> = nodes.collect();
    let gateways = plan.meshes.values().flat_map(|mesh| {
        let names = mesh.virtual_gateways.keys();
        names.map(|name| ResourcePath::new(&mesh.name, Kind::VirtualGateway, name))
    });
    let missing = gateways.filter(|path| !nodes.contains(path));
    missing.map(|path| Problem::NoGateway { path }).collect()
}

/// Ports of an Envoy that are not open, unless its rejected listeners explain them, and secrets that it waits for.
async fn problems_of_envoy(slot: &Slot, has_rejected_listeners: bool) -> Vec<Problem> {
    let Ok(admin) = AdminClient::new(&slot.admin_socket(), &BTreeSet::new()) else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    // One that does not respond is restarted, which is reported.
    if let Some(open) = admin.open_ports().await.filter(|_| !has_rejected_listeners) {
        let closed = slot.ingresses().filter(|(name, _)| {
            let port = slot.ingress_listener_port(name);
            port.is_some_and(|port| !open.contains(&port))
        });
        problems.extend(closed.map(|(name, address)| Problem::Closed {
            task: slot.name.clone(),
            port: name.to_owned(),
            address,
        }));
    }
    let secrets = admin.missing_secrets().await.into_iter();
    problems.extend(secrets.map(|secret| Problem::NoSecret {
        task: slot.name.clone(),
        secret,
    }));
    problems
}
