//! Reads ECS services and their task definitions.

use std::collections::BTreeSet;

use mesh_infra::cfn::{ResourceType, ecs, is_unknown};
use mesh_infra::labels::ROLE_CONTROL_PLANE;
use mesh_model::app_mesh::Kind;
use mesh_model::service_connect::ServiceConnectConfiguration;
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::cloud_map::CloudMap;
use super::limits::check_name;
use super::lookup::{Cluster, Lookup, Reference};
use super::meshes::{self, Meshes};
use super::parts::{Membership, MeshNode, ServicePlan};
use super::reader::Reader;
use super::task_definition::{self, Task};
use super::values::known;
use super::{DescribedService, labels, report};
use crate::evaluate::Resource;
use crate::image::Images;

/// Shared inputs for reading services.
struct Context<'c, 's> {
    lookup: Lookup<'s>,
    cloud_map: &'c CloudMap,
    meshes: &'c Meshes,
    images: &'c Images,
}

/// Reads all services of the templates.
pub(super) fn describe_all(
    reader: &mut Reader<'_, '_>,
    cloud_map: &CloudMap,
    meshes: &Meshes,
    images: &Images,
) -> Vec<DescribedService> {
    let context = Context {
        lookup: Lookup::read(reader),
        cloud_map,
        meshes,
        images,
    };
    let mut described = BTreeSet::new();
    let (mut services, mut are_all_found) = (Vec::new(), true);
    for resource in reader.all_of(ecs::Service::KIND) {
        if let Some(arn) = context.control_plane(reader, resource) {
            described.insert(arn);
            reader.mark_not_simulated(resource.qualified_id(), "the control plane is in this process");
            continue;
        }
        if let Some((service, is_found)) = context.describe(reader, resource, &mut described) {
            services.push(service);
            are_all_found &= is_found;
        }
    }
    // A service with an unknown task definition may mean any of the unused ones, so these are validated too.
    if !are_all_found {
        for (arn, definition) in &context.lookup.task_definitions {
            if !described.contains(arn) {
                task_definition::describe(reader, *definition, "", images, meshes);
            }
        }
    }
    services
}

impl Context<'_, '_> {
    /// The task definition's ARN of a mesh's control plane service. `None` for other services.
    fn control_plane(&self, reader: &mut Reader<'_, '_>, resource: Resource<'_>) -> Option<String> {
        let service: ecs::Service = reader.read(resource)?;
        let arn = known(service.task_definition.as_ref()?)?;
        let definition = *self.lookup.task_definitions.get(&arn)?;
        let definition: ecs::TaskDefinition = reader.read(definition)?;
        let mut containers = definition.container_definitions.iter();
        containers
            .any(|container| labels::has_role(container, ROLE_CONTROL_PLANE))
            .then_some(arn)
    }

    /// Reads a service; the flag is false if its task definition was not found.
    fn describe(
        &self,
        reader: &mut Reader<'_, '_>,
        resource: Resource<'_>,
        task_definitions: &mut BTreeSet<String>,
    ) -> Option<(DescribedService, bool)> {
        let path = format!("{}.Properties", resource.path());
        let service: ecs::Service = reader.read(resource)?;
        let name = reader.attribute(resource, "Name");
        check_name(&name, format!("{path}.ServiceName"), reader.diagnostics);

        let connect_path = format!("{path}.ServiceConnectConfiguration");
        let connect = service.service_connect_configuration.as_ref();
        let configuration = connect.and_then(|given| configuration(reader, given, &connect_path));
        let cluster = cluster(&service, &self.lookup, &path, reader.diagnostics);
        let namespace = connect.filter(|_| configuration.is_some()).map(|given| {
            let default = cluster.as_ref().map(|cluster| &cluster.default_namespace);
            let path = format!("{connect_path}.Namespace");
            namespace(given, default, self.cloud_map, path, reader.diagnostics)
                // The rest of the configuration is validated in a namespace of its own.
                .unwrap_or_else(|| format!("unknown-{}", resource.id))
        });
        let found = found_task_definition(&service, &self.lookup, &path, reader.diagnostics);
        let family = found.as_ref().map(|(_, definition)| family(reader, *definition));
        let task = found.and_then(|(arn, definition)| {
            task_definitions.insert(arn);
            task_definition::describe(reader, definition, &name, self.images, self.meshes)
        });
        let membership = self.membership(namespace, task.as_ref(), connect_path, reader.diagnostics);
        let (is_found, are_ports_known) = task
            .as_ref()
            .map_or((false, false), |task| (true, task.are_ports_known));
        let containers = task.map(|task| task.containers).unwrap_or_default();
        let mut ports = containers.iter().flat_map(|container| &container.ports);
        let first_port = ports.next().map(|port| port.mapping.container_port);
        let desired_count = service.desired_count.as_ref().and_then(|value| value.known().copied());
        let plan = ServicePlan {
            name,
            cluster: cluster.map(|cluster| cluster.name).unwrap_or_default(),
            desired_count: desired_count.unwrap_or(1),
            membership,
            registry: self.cloud_map.registry(&service, first_port, &path, reader.diagnostics),
            family: family.unwrap_or_default(),
            containers,
        };
        let described = DescribedService {
            plan,
            path,
            configuration,
            are_ports_known,
        };
        Some((described, is_found))
    }

    /// The namespace or mesh of the tasks; not both.
    fn membership(
        &self,
        namespace: Option<String>,
        task: Option<&Task>,
        connect_path: String,
        diagnostics: &mut Diagnostics,
    ) -> Membership {
        let mesh_node = task.and_then(|task| self.mesh_node(task, diagnostics));
        let envoy = task.and_then(|task| task.envoy.as_ref());
        if let (Some(_), Some(envoy)) = (&namespace, envoy) {
            let message = format!(
                "is not supported for tasks with an App Mesh Envoy, and they have one: container `{}`; use either \
                 Service Connect or a mesh",
                envoy.container
            );
            report(diagnostics, connect_path, message);
        }
        match (namespace, mesh_node) {
            (Some(namespace), _) => Membership::Namespace(namespace),
            (None, Some(mesh_node)) => Membership::Mesh(Box::new(mesh_node)),
            (None, None) => Membership::None,
        }
    }

    /// The mesh node of the tasks, if they have an Envoy.
    fn mesh_node(&self, task: &Task, diagnostics: &mut Diagnostics) -> Option<MeshNode> {
        let envoy = task.envoy.as_ref()?;
        let path = envoy.mesh_node.clone()?;
        // An invalid mesh was reported.
        let mesh = self.meshes.topology_of(&path)?;
        let listeners = meshes::listeners(mesh, &path);
        let is_node = path.kind == Kind::VirtualNode;
        if is_node && task.are_ports_known {
            let ports: BTreeSet<u16> = task
                .containers
                .iter()
                .flat_map(|container| &container.ports)
                .map(|port| port.mapping.container_port)
                .collect();
            for port in listeners.keys().filter(|port| !ports.contains(port)) {
                let message = format!(
                    "the virtual node `{}` listens on port {port}, which no container of this task has",
                    path.name
                );
                report(diagnostics, task.path.as_str(), message);
            }
        }
        let services = mesh.virtual_services.keys().map(String::as_str);
        Some(MeshNode {
            container: envoy.container.clone(),
            listeners,
            tcp_backends: meshes::tcp_backends(mesh, &path),
            suffixes: is_node.then(|| self.cloud_map.suffixes(services)),
            sds: envoy.sds.clone(),
            interception: envoy.interception.clone(),
            path,
        })
    }
}

/// The family in a task definition's ARN.
fn family(reader: &mut Reader<'_, '_>, definition: Resource<'_>) -> String {
    let arn = reader.physical_id(definition);
    let family = arn.rsplit('/').next().unwrap_or_default();
    family.split(':').next().unwrap_or_default().to_owned()
}

/// The service's cluster. `None` if unknown, which was reported.
fn cluster(service: &ecs::Service, lookup: &Lookup<'_>, path: &str, diagnostics: &mut Diagnostics) -> Option<Cluster> {
    let Some(cluster) = &service.cluster else {
        // ECS's default cluster.
        return Some(Cluster {
            name: "default".to_owned(),
            default_namespace: Reference::Nothing,
        });
    };
    let cluster = known(cluster)?;
    let found = lookup.clusters.get(&cluster).cloned();
    if found.is_none() {
        diagnostics.add(
            format!("{path}.Cluster"),
            format!("`{cluster}` is not a cluster of this template"),
        );
    }
    found
}

/// The Service Connect configuration, unless it is clearly disabled.
fn configuration(
    reader: &mut Reader<'_, '_>,
    given: &ecs::ServiceConnectConfiguration,
    path: &str,
) -> Option<ServiceConnectConfiguration> {
    if is_unknown(&Json::Object(given.0.clone())) {
        return None;
    }
    let (model, errors) = given.to_model_all();
    if model.as_ref().is_some_and(|model| !model.enabled) {
        return None;
    }
    reader.report_all(errors, path);
    model
}

/// The service's Service Connect namespace. `None` if unknown, which was reported.
fn namespace(
    configuration: &ecs::ServiceConnectConfiguration,
    default: Option<&Reference>,
    cloud_map: &CloudMap,
    path: String,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    let own = Reference::new(configuration.namespace().as_ref());
    let given = match (&own, default) {
        (Reference::To(given), _) | (Reference::Nothing, Some(Reference::To(given))) => given.clone(),
        (Reference::Nothing, Some(Reference::Nothing)) => {
            report(
                diagnostics,
                path,
                "is missing, and the cluster has no ServiceConnectDefaults",
            );
            return None;
        }
        (Reference::Unknown, _) | (Reference::Nothing, None | Some(Reference::Unknown)) => return None,
    };
    let found = cloud_map.namespace(&given).map(str::to_owned);
    if found.is_none() {
        diagnostics.add(
            path,
            format!(
                "`{given}` is not a namespace of this template; known: {}",
                cloud_map.names()
            ),
        );
    }
    found
}

/// The service's task definition, with its ARN. `None` if unknown, which was reported.
fn found_task_definition<'s>(
    service: &ecs::Service,
    lookup: &Lookup<'s>,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Option<(String, Resource<'s>)> {
    let path = format!("{path}.TaskDefinition");
    let Some(arn) = &service.task_definition else {
        report(diagnostics, path, "is missing");
        return None;
    };
    let arn = known(arn)?;
    let found = lookup.task_definitions.get(&arn).copied();
    if found.is_none() {
        diagnostics.add(path, format!("`{arn}` is not a task definition of this template"));
    }
    Some((arn, found?))
}
