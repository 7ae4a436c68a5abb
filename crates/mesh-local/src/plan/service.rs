//! Reads ECS services and their task definitions.

use std::collections::{BTreeMap, BTreeSet};

use mesh_infra::cfn::{ResourceType, closest, ecs, is_unknown};
use mesh_infra::labels::ROLE_CONTROL_PLANE;
use mesh_infra::model::{NamespaceReference, ServiceView};
use mesh_model::app_mesh::{Kind, Protocol};
use mesh_model::service_connect::ServiceConnectConfiguration;
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::cloud_map::{self, CloudMap};
use super::limits::check_name;
use super::load_balancers::{self, LoadBalancers, TaskPorts};
use super::parts::{Membership, MeshNode, ServicePlan};
use super::reader::Reader;
use super::task_definition::{self, Task};
use super::values::{known, seconds};
use super::{DescribedService, labels, report};
use crate::image::Images;

/// Shared inputs for reading services.
struct Context<'c, 'p> {
    cloud_map: &'c CloudMap<'p>,
    load_balancers: &'c LoadBalancers,
    images: &'c Images,
}

/// Reads all services of the templates.
pub(super) fn describe_all(
    reader: &mut Reader<'_, '_>,
    cloud_map: &CloudMap<'_>,
    load_balancers: &LoadBalancers,
    images: &Images,
) -> Vec<DescribedService> {
    let model = reader.model;
    for cluster in reader.all_of(ecs::Cluster::KIND) {
        reader.report_resource(cluster);
    }
    let context = Context {
        cloud_map,
        load_balancers,
        images,
    };
    let mut described = BTreeSet::new();
    let (mut services, mut are_all_found) = (Vec::new(), true);
    for service in model.services() {
        reader.report_resource(service.resource);
        if is_control_plane(reader, &service) {
            described.extend(service.task_definition.map(|task| &task.resource.path));
            reader.mark_not_simulated(service.resource.qualified_id(), "the control plane is in this process");
            continue;
        }
        let (service, is_found) = context.describe(reader, &service, &mut described);
        services.push(service);
        are_all_found &= is_found;
    }
    // A service with an unknown task definition may mean any of the unused ones, so these are validated too.
    if !are_all_found {
        for task_definition in model.task_definitions() {
            if !described.contains(&task_definition.resource.path) {
                task_definition::describe(reader, task_definition, "", images);
            }
        }
    }
    services
}

/// Whether this is the service of a mesh's control plane.
fn is_control_plane(reader: &mut Reader<'_, '_>, service: &ServiceView<'_>) -> bool {
    if let Some(task_definition) = service.task_definition {
        reader.report_resource(task_definition.resource);
    }
    let mut containers = service.containers().iter();
    containers.any(|container| labels::has_role(container, ROLE_CONTROL_PLANE))
}

impl Context<'_, '_> {
    /// Reads a service; the flag is false if its task definition was not found.
    fn describe<'m>(
        &self,
        reader: &mut Reader<'_, '_>,
        view: &ServiceView<'m>,
        task_definitions: &mut BTreeSet<&'m String>,
    ) -> (DescribedService, bool) {
        let path = view.resource.properties_path();
        let service = view.service;
        let name = view.resource.name.clone().unwrap_or_default();
        check_name(&name, format!("{path}.ServiceName"), reader.diagnostics);

        let connect_path = format!("{path}.ServiceConnectConfiguration");
        let connect = service.service_connect_configuration.as_ref();
        let configuration = connect.and_then(|given| configuration(reader, given, &connect_path));
        let cluster = cluster(view, &path, reader);
        let namespace = configuration.as_ref().map(|_| {
            let path = format!("{connect_path}.Namespace");
            namespace(view, self.cloud_map, path, reader)
                // The rest of the configuration is validated in a namespace of its own.
                .unwrap_or_else(|| format!("unknown-{}", view.resource.logical_id))
        });
        check_task_definition(view, &path, reader.diagnostics);
        note_deployment_controller(view, &path, reader);
        let family = view.task_definition.and_then(|task| task.resource.name.clone());
        let task = view.task_definition.and_then(|task_definition| {
            task_definitions.insert(&task_definition.resource.path);
            task_definition::describe(reader, task_definition, &name, self.images)
        });
        let membership = self.membership(namespace, task.as_ref(), connect_path, reader);
        let (is_found, are_ports_known) = task
            .as_ref()
            .map_or((false, false), |task| (true, task.are_ports_known));
        let envoy = task.as_ref().and_then(|task| task.envoy.as_ref());
        let envoy = envoy.map(|envoy| envoy.container.clone());
        let containers = task.map(|task| task.containers).unwrap_or_default();
        let task_ports = TaskPorts {
            containers: if are_ports_known { &containers } else { &[] },
            envoy: envoy.as_deref(),
        };
        let targets = load_balancers::targets_of_service(service, &task_ports, self.load_balancers, &path, reader);
        let mut ports = containers.iter().flat_map(|container| &container.ports);
        let first_port = ports.next().map(|port| port.mapping.container_port);
        let desired_count = service.desired_count.as_ref().and_then(|value| value.known().copied());
        let plan = ServicePlan {
            name,
            cluster: cluster.unwrap_or_default(),
            desired_count: desired_count.unwrap_or(1),
            membership,
            depends_on: BTreeSet::new(),
            registry: self.cloud_map.registry(service, first_port, &path, reader.diagnostics),
            health_check_grace: seconds(service.health_check_grace_period_seconds.as_ref(), 0),
            targets,
            family: family.unwrap_or_default(),
            containers,
        };
        let described = DescribedService {
            plan,
            path,
            configuration,
            are_ports_known,
        };
        (described, is_found)
    }

    /// The namespace or mesh of the tasks; not both.
    fn membership(
        &self,
        namespace: Option<String>,
        task: Option<&Task>,
        connect_path: String,
        reader: &mut Reader<'_, '_>,
    ) -> Membership {
        let mesh_node = task.and_then(|task| self.mesh_node(task, reader));
        let envoy = task.and_then(|task| task.envoy.as_ref());
        if let (Some(_), Some(envoy)) = (&namespace, envoy) {
            let message = format!(
                "is not supported for tasks with an App Mesh Envoy, and they have one: container `{}`; use either \
                 Service Connect or a mesh",
                envoy.container
            );
            report(reader.diagnostics, connect_path, message);
        }
        match (namespace, mesh_node) {
            (Some(namespace), _) => Membership::Namespace(namespace),
            (None, Some(mesh_node)) => Membership::Mesh(Box::new(mesh_node)),
            (None, None) => Membership::None,
        }
    }

    /// The mesh node of the tasks, if they have an Envoy.
    fn mesh_node(&self, task: &Task, reader: &mut Reader<'_, '_>) -> Option<MeshNode> {
        let envoy = task.envoy.as_ref()?;
        let path = envoy.mesh_node.clone()?;
        // An invalid mesh was reported.
        let mesh = reader.model.topologies().get(&path.mesh)?;
        let listeners = mesh.listeners(&path).iter().map(|listener| listener.port_mapping);
        let listeners: BTreeMap<u16, Protocol> = listeners.map(|mapping| (mapping.port, mapping.protocol)).collect();
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
                report(reader.diagnostics, task.path.as_str(), message);
            }
        }
        let services = mesh.virtual_services.keys().map(String::as_str);
        Some(MeshNode {
            container: envoy.container.clone(),
            listeners,
            tcp_backends: mesh
                .tcp_backends(&path)
                .into_iter()
                .map(|(service, port)| (service.to_owned(), port))
                .collect(),
            suffixes: is_node.then(|| self.cloud_map.suffixes(services)),
            sds: envoy.sds.clone(),
            interception: envoy.interception.clone(),
            path,
        })
    }
}

/// The name of the service's cluster. `None` if unknown, which was reported.
fn cluster(view: &ServiceView<'_>, path: &str, reader: &mut Reader<'_, '_>) -> Option<String> {
    let Some(cluster) = &view.service.cluster else {
        // ECS's default cluster.
        return Some("default".to_owned());
    };
    let given = known(cluster)?;
    if let Some(found) = view.cluster() {
        return found.resource.name.clone();
    }
    let path = format!("{path}.Cluster");
    let names: Vec<&str> = reader
        .all_of(ecs::Cluster::KIND)
        .filter_map(|cluster| cluster.name.as_deref())
        .collect();
    let name = name_in_arn(&given);
    if let Some(meant) = closest(name, names) {
        let message = format!("`{given}` is not a cluster of this template; did you mean `{meant}`?");
        reader.diagnostics.add(path, message);
        return None;
    }
    reader.assume(
        path,
        format!("the cluster `{name}` is in none of the given templates, and is taken to exist"),
    );
    Some(name.to_owned())
}

/// The name at the end of an ARN, or the name itself.
pub(super) fn name_in_arn(given: &str) -> &str {
    given
        .starts_with("arn:")
        .then(|| given.rsplit('/').next())
        .flatten()
        .unwrap_or(given)
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
    view: &ServiceView<'_>,
    cloud_map: &CloudMap<'_>,
    path: String,
    reader: &mut Reader<'_, '_>,
) -> Option<String> {
    let reference = match view.namespace() {
        NamespaceReference::To(reference) => reference,
        // The cluster may have a default namespace, of which nothing is known.
        NamespaceReference::DefaultOfCluster
            if view
                .service
                .cluster
                .as_ref()
                .is_some_and(|cluster| cluster.known().is_none()) =>
        {
            return None;
        }
        NamespaceReference::DefaultOfCluster if view.service.cluster.is_some() => {
            let cluster = view.service.cluster.as_ref().and_then(known).unwrap_or_default();
            let name = format!("default-of-{}", name_in_arn(&cluster));
            let note = format!(
                "is the default namespace of the cluster `{cluster}`, which is in none of the given templates; `{name}` \
                 stands in"
            );
            reader.assume(path, note);
            return Some(name);
        }
        NamespaceReference::Missing | NamespaceReference::DefaultOfCluster => {
            report(
                reader.diagnostics,
                path,
                "is missing, and the cluster has no ServiceConnectDefaults",
            );
            return None;
        }
    };
    let given = known(&reference)?;
    if given.is_empty() {
        let message = "is empty; give the service or its cluster a namespace";
        report(reader.diagnostics, path, message);
        return None;
    }
    if let Some(found) = cloud_map.namespace(&reference) {
        return Some(found.to_owned());
    }
    let name = name_in_arn(&given);
    if let Some(meant) = cloud_map.similar_name(name) {
        let message = format!("`{given}` is not a namespace of this template; did you mean `{meant}`?");
        reader.diagnostics.add(path, message);
        return None;
    }
    reader.assume(path, cloud_map::unknown_namespace(name));
    Some(name.to_owned())
}

/// Notes a deployment controller other than ECS itself, which replaces tasks here.
fn note_deployment_controller(view: &ServiceView<'_>, path: &str, reader: &mut Reader<'_, '_>) {
    let controller = view.service.other.get("DeploymentController");
    let kind = controller.and_then(|controller| controller.get("Type")?.as_str());
    let note = match kind {
        Some("CODE_DEPLOY") => {
            "CodeDeploy is not simulated: changes replace the tasks one after another, as ECS's own deployments do"
        }
        Some("EXTERNAL") => {
            "the external controller is not simulated: the tasks run from the service's own task definition"
        }
        _ => return,
    };
    reader.assume(format!("{path}.DeploymentController"), note);
}

/// Reports a task definition that is missing or does not exist.
fn check_task_definition(view: &ServiceView<'_>, path: &str, diagnostics: &mut Diagnostics) {
    let path = format!("{path}.TaskDefinition");
    let controller = view.service.other.get("DeploymentController");
    let has_task_sets = controller
        .and_then(|controller| controller.get("Type"))
        .is_some_and(|kind| kind == "EXTERNAL");
    match &view.service.task_definition {
        // Its task sets have task definitions.
        None if has_task_sets => {}
        None => report(diagnostics, path, "is missing"),
        Some(value) => {
            if let Some(arn) = known(value).filter(|_| view.task_definition.is_none()) {
                diagnostics.add(path, format!("`{arn}` is not a task definition of this template"));
            }
        }
    }
}
