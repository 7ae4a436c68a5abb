//! Describes the running mesh.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use mesh_model::load_balancer::ListenerProtocol;

use super::LocalMesh;
use crate::description::{
    DESCRIPTION_VERSION, ListenerDescription, MeshDescription, PortDescription, ProcessDescription, ServiceDescription,
    TaskDescription, TaskHealth, TaskStatus,
};
use crate::edges::{self, Caller, Edge};
use crate::plan::ServicePlan;
use crate::slot::{Slot, SlotNetns};

impl LocalMesh {
    /// Its services, tasks and entrances as they are now.
    #[must_use]
    pub fn description(&self) -> MeshDescription {
        let mut services: Vec<&ServicePlan> = self.plan.services.iter().collect();
        services.sort_by(|one, other| one.name.cmp(&other.name));
        let mut tasks = Vec::new();
        for service in &services {
            let slots = self.task_set.slots();
            let own = slots.filter(|slot| slot.service.service == service.name);
            tasks.extend(own.map(|slot| self.describe_task(slot, service)));
        }
        let services = services.into_iter().map(|service| {
            let count = |status: TaskStatus| {
                let own = tasks.iter().filter(|task| task.service == service.name);
                let count = own.filter(|task| task.status == status).count();
                u32::try_from(count).unwrap_or(u32::MAX)
            };
            ServiceDescription {
                service: service.name.clone(),
                desired_count: service.desired_count,
                running_count: count(TaskStatus::Running),
                pending_count: count(TaskStatus::Pending),
            }
        });
        let load_balancers = self.entrances().map(|entrance| ListenerDescription {
            load_balancer: entrance.load_balancer,
            publishes: entrance.publishes,
            port: entrance.port,
            protocol: protocol_name(entrance.protocol).to_owned(),
            address: entrance.address,
        });
        let addresses = self.control_plane();
        MeshDescription {
            version: DESCRIPTION_VERSION,
            services: services.collect(),
            load_balancers: load_balancers.collect(),
            xds: addresses.xds,
            status_url: format!("http://{}/status", addresses.status),
            logs: self.logs().to_owned(),
            network_pid: self.bridge(),
            tasks,
        }
    }

    /// The calls between services, as counted since the start of each Envoy. The future borrows nothing: it can be awaited
    /// while the mesh changes.
    pub fn edges(&self) -> impl Future<Output = Vec<Edge>> + Send + use<> {
        let mut callers = Vec::new();
        let mut services = BTreeMap::new();
        for slot in self.task_set.slots() {
            let service = &slot.service.service;
            let ingress = slot.ingresses().map(|(_, address)| address);
            for address in ingress.chain(slot.apps().map(|(_, address)| address)) {
                services.insert(address, service.clone());
            }
            if slot.is_in_mesh() {
                let from = match service.strip_prefix("load-balancer.") {
                    Some(name) => match self.plan.published_service(name) {
                        // Its port is that of the service.
                        Some(_) => "outside".to_owned(),
                        None => format!("load balancer {name}"),
                    },
                    None => service.clone(),
                };
                callers.push(Caller {
                    from,
                    task: slot.name.clone(),
                    admin: slot.admin_socket(),
                });
            }
        }
        async move { edges::collect(&callers, &services).await }
    }

    fn describe_task(&self, slot: &Slot, service: &ServicePlan) -> TaskDescription {
        let state = slot.state().get();
        let checked = service
            .containers
            .iter()
            .any(|container| container.essential && container.health_check.is_some());
        let health = if checked && state.status == TaskStatus::Running {
            TaskHealth::Healthy
        } else {
            TaskHealth::Unknown
        };
        let with_tls = self.ports_with_tls(&service.name);
        let tcp: Vec<&str> = slot.tcp_ingresses().collect();
        let ingress = slot.ingresses().map(|(name, address)| PortDescription {
            name: name.to_owned(),
            protocol: if tcp.contains(&name) {
                "tcp"
            } else if with_tls.contains(name) {
                "https"
            } else {
                "http"
            }
            .to_owned(),
            address,
        });
        let since = state.since.duration_since(UNIX_EPOCH).unwrap_or_default();
        TaskDescription {
            task: slot.name.clone(),
            service: service.name.clone(),
            status: state.status,
            health,
            since: since.as_millis().try_into().unwrap_or(u64::MAX),
            restarts: state.restarts,
            last_failure: state.last_failure,
            processes: state
                .processes
                .into_iter()
                .map(|(name, pid)| ProcessDescription { name, pid })
                .collect(),
            ingress: ingress.collect(),
            applications: slot.apps().map(|(_, address)| address).collect(),
            network_pid: slot.network().and_then(SlotNetns::init_pid),
        }
    }
}

fn protocol_name(protocol: ListenerProtocol) -> &'static str {
    match protocol {
        ListenerProtocol::Http => "http",
        ListenerProtocol::Https => "https",
        ListenerProtocol::Tcp => "tcp",
        ListenerProtocol::Tls => "tls",
    }
}
