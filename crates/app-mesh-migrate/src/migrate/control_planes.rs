//! The control planes of the meshes: added beside the Envoys that they configure, or found in other stacks.

mod existing;

use std::collections::{BTreeMap, BTreeSet};

use cfn::{
    Output, Parameter, ReferenceSite, Resource, ResourceType, StackImport, Template, ecs, intrinsic,
    rewrite_references, servicediscovery,
};
use mesh_infra::{Cluster, ControlPlane, Network, PrivateDnsNamespace, Stack};
use mesh_model::key_casing;
use serde_json::{Value as Json, json};

use super::changes::{ChangeKind, Changes};
use super::draft::Draft;
use super::envoys::{EnvoySite, PlaneAddress};
use super::{Options, stacks::Stacks};

pub(super) use existing::has;

/// The port for Envoys, that of [`mesh_infra::ControlPlaneHandle::port`].
const XDS_PORT: u16 = 18_000;
/// Characters of a DNS label. Source: RFC 1035, section 2.3.4.
const MAX_LABEL: usize = 63;
/// The description of rules for Envoys.
const INGRESS: &str = "Envoys to their control plane";
const INGRESS_RULE: &str = "AWS::EC2::SecurityGroupIngress";
/// The beginning of the names of control planes.
const NAME_PREFIX: &str = "mesh-control-";

/// Where the control plane of the meshes is, besides in the migrated stacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlPlaneLocation {
    /// In a stack with the outputs that a migration adds beside a control plane, `<Mesh>ControlPlaneHost` and
    /// `<Mesh>ControlPlaneSecurityGroup`.
    Stack(String),
    /// At a host and port that all Envoys can reach.
    Address {
        /// The host.
        host: String,
        /// The port for Envoys.
        port: u16,
    },
}

/// The logical ids and names that follow from a mesh.
pub(crate) struct MeshIds {
    stem: String,
    name: String,
}

impl MeshIds {
    pub(crate) fn new(mesh: &str) -> Self {
        let words = mesh.split(|letter: char| !letter.is_ascii_alphanumeric());
        let mut stem: String = words.map(key_casing::pascal_case).collect();
        if !stem.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            stem.insert_str(0, "Mesh");
        }
        let label = mesh.to_ascii_lowercase();
        let label = label.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        let label: String = label.chars().take(MAX_LABEL - NAME_PREFIX.len()).collect();
        Self {
            stem,
            name: label.trim_matches('-').to_owned(),
        }
    }

    fn service_name(&self) -> String {
        format!("{NAME_PREFIX}{}", self.name)
    }

    fn host_output(&self) -> String {
        format!("{}ControlPlaneHost", self.stem)
    }

    fn group_output(&self) -> String {
        format!("{}ControlPlaneSecurityGroup", self.stem)
    }
}

/// An ECS service with Envoys of a mesh.
#[derive(Debug, Clone)]
struct EnvoyService {
    stack: usize,
    id: String,
    /// Its `AwsvpcConfiguration`, with references rewritten.
    network: Json,
}

/// A control plane, as the stacks of its mesh refer to it.
#[derive(Debug, Clone)]
struct Plane {
    /// The stack that contains it; `None` for one that exists.
    home: Option<usize>,
    /// The name of the stack with its outputs.
    stack: String,
    host: String,
    service: String,
    /// The security group through which Envoys connect, in the terms of its stack.
    group: Option<Json>,
    /// Whether the group is its own, which allows the Envoys of its stack already.
    has_own_group: bool,
}

/// The addresses of control planes, by stack and mesh.
pub(crate) type Addresses = BTreeMap<(usize, String), PlaneAddress>;

/// Adds or finds a control plane for each mesh that has Envoys. Reports meshes for which neither is possible.
///
/// `namespaces` are the Cloud Map namespaces of each mesh's virtual nodes.
pub(crate) fn add(
    draft: &mut Draft<'_>,
    sites: &[EnvoySite],
    namespaces: &BTreeMap<String, BTreeSet<String>>,
    options: &Options,
) -> Addresses {
    let stacks = draft.stacks;
    let mut addresses = Addresses::new();
    let meshes: BTreeSet<&str> = sites.iter().map(|site| site.path.mesh.as_str()).collect();
    for mesh in meshes {
        let of_mesh: Vec<&EnvoySite> = sites.iter().filter(|site| site.path.mesh == mesh).collect();
        let services = envoy_services(&of_mesh, &draft.templates);
        let ids = MeshIds::new(mesh);
        let plane = match &options.control_plane {
            Some(ControlPlaneLocation::Address { host, port }) => {
                let address = PlaneAddress {
                    host: host.clone(),
                    port: *port,
                };
                addresses.extend(
                    of_mesh
                        .iter()
                        .map(|site| ((site.stack, mesh.to_owned()), address.clone())),
                );
                continue;
            }
            Some(ControlPlaneLocation::Stack(stack)) => {
                if let Some(given) = stacks.sources().iter().find(|source| source.name == *stack)
                    && !given.template.outputs.contains_key(&ids.host_output())
                {
                    let message = format!(
                        "has no control plane of the mesh `{mesh}`: the output `{}` is missing; leave --control-plane out to add \
                         one",
                        ids.host_output()
                    );
                    draft.diagnostics.add(format!("--control-plane {stack}"), message);
                    continue;
                }
                Plane {
                    home: None,
                    stack: stack.clone(),
                    host: String::new(),
                    service: String::new(),
                    group: None,
                    has_own_group: false,
                }
            }
            None => {
                let found = existing::find(draft, mesh, &ids);
                let plane = found.or_else(|| add_plane(draft, &of_mesh, &services, mesh, &ids, namespaces, options));
                match plane {
                    Some(plane) => plane,
                    None => continue,
                }
            }
        };
        for stack in of_mesh.iter().map(|site| site.stack).collect::<BTreeSet<usize>>() {
            let here: Vec<&EnvoyService> = services.iter().filter(|service| service.stack == stack).collect();
            let stack_name = &stacks.sources()[stack].name;
            let Draft { templates, changes, .. } = draft;
            let host = plane.connect(stack, stack_name, &ids, &here, &mut templates[stack], changes);
            addresses.insert((stack, mesh.to_owned()), PlaneAddress { host, port: XDS_PORT });
        }
    }
    addresses
}

/// Adds a control plane beside the first of the services. Reports why there is no place for one.
fn add_plane(
    draft: &mut Draft<'_>,
    sites: &[&EnvoySite],
    services: &[EnvoyService],
    mesh: &str,
    ids: &MeshIds,
    namespaces: &BTreeMap<String, BTreeSet<String>>,
    options: &Options,
) -> Option<Plane> {
    let stacks = draft.stacks;
    let Some(first) = services.first() else {
        let site = sites.first()?;
        let path = format!("{}.Resources.{}", stacks.sources()[site.stack].name, site.task);
        let message = format!(
            "has an Envoy of the mesh `{mesh}`, but no service with an awsvpc network runs it, beside which the control plane \
             could run; give the template of the service with --template, or point to a control plane with --control-plane"
        );
        draft.diagnostics.add(path, message);
        return None;
    };
    let none = BTreeSet::new();
    let source = PlaneSource {
        stacks,
        first,
        services,
        mesh,
        ids,
        others: namespaces.get(mesh).unwrap_or(&none),
        options,
    };
    source.add(draft)
}

/// The services that run these Envoys in `awsvpc` mode, in the order of the stacks and their templates.
fn envoy_services(sites: &[&EnvoySite], templates: &[Template]) -> Vec<EnvoyService> {
    let mut services = Vec::new();
    for (stack, template) in templates.iter().enumerate() {
        for (id, resource) in &template.resources {
            let task = resource.properties.get("TaskDefinition").and_then(referenced);
            let runs_envoy = |site: &&&EnvoySite| site.stack == stack && Some(site.task.as_str()) == task;
            let network = resource.properties.pointer("/NetworkConfiguration/AwsvpcConfiguration");
            if resource.kind == ecs::Service::KIND
                && sites.iter().any(|site| runs_envoy(&site))
                && let Some(network) = network
            {
                services.push(EnvoyService {
                    stack,
                    id: id.clone(),
                    network: network.clone(),
                });
            }
        }
    }
    services
}

/// The logical id that a `Ref` or `Fn::GetAtt` refers to.
pub(crate) fn referenced(json: &Json) -> Option<&str> {
    match intrinsic(json)? {
        ("Ref", Json::String(id)) => Some(id),
        ("Fn::GetAtt", Json::String(dotted)) => dotted.split_once('.').map(|(id, _)| id),
        ("Fn::GetAtt", Json::Array(parts)) => parts.first()?.as_str(),
        _ => None,
    }
}

/// The first of a network's security groups. `None` for the default group of the VPC, which allows traffic within itself.
fn first_group(network: &Json) -> Option<Json> {
    match network.get("SecurityGroups")? {
        Json::Array(groups) => groups.first().cloned(),
        list => Some(json!({"Fn::Select": [0, list]})),
    }
}

/// The first security group of each service, once.
fn distinct_groups<'s>(services: impl Iterator<Item = &'s EnvoyService>) -> Vec<Json> {
    let mut groups: Vec<Json> = Vec::new();
    for group in services.filter_map(|service| first_group(&service.network)) {
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups
}

/// Where a control plane is added, and for what.
struct PlaneSource<'p> {
    stacks: &'p Stacks<'p>,
    /// The service whose cluster and network it gets.
    first: &'p EnvoyService,
    /// All services with Envoys of the mesh.
    services: &'p [EnvoyService],
    mesh: &'p str,
    ids: &'p MeshIds,
    others: &'p BTreeSet<String>,
    options: &'p Options,
}

/// A Cloud Map namespace in which a control plane registers.
struct Namespace {
    name: String,
    /// The logical id of an existing one.
    id: Option<String>,
    vpc: Json,
}

impl PlaneSource<'_> {
    fn add(&self, draft: &mut Draft<'_>) -> Option<Plane> {
        let stack = self.first.stack;
        let stack_name = &self.stacks.sources()[stack].name;
        let namespace = self.namespace(draft)?;
        let Draft {
            templates,
            changes,
            diagnostics,
            ..
        } = draft;
        let template = &mut templates[stack];
        let mut id = format!("{}MeshControl", self.ids.stem);
        while template.resources.keys().any(|existing| existing.starts_with(&id)) {
            id.push('X');
        }
        let (added, host, service) = match self.synthesize(&id, &namespace) {
            Ok(added) => added,
            Err(errors) => {
                diagnostics.extend(errors.into_iter().map(|mut error| {
                    error.path = format!("{stack_name}: control plane of {}: {}", self.mesh, error.path);
                    error
                }));
                return None;
            }
        };
        let cluster = template.resources[&self.first.id].properties.get("Cluster").cloned();
        let own_group = self.own_group(&namespace, template);
        let mut network = self.first.network.clone();
        if let (Some(resource), Some(Json::Array(groups))) = (own_group.clone(), network.get_mut("SecurityGroups")) {
            let group = format!("{id}SecurityGroup");
            groups.push(json!({"Fn::GetAtt": [group, "GroupId"]}));
            template.resources.insert(group, resource);
        }
        merge(added, &service, &namespace, cluster, &network, template);
        let reason = "App Mesh configured Envoys from its own endpoint; this service configures those of the mesh";
        let what = format!("control plane of the mesh {}, at {host}:{XDS_PORT}", self.mesh);
        changes.add(
            (stack_name, &service, ecs::Service::KIND),
            ChangeKind::Added,
            what,
            reason,
        );
        for (part, resource) in template
            .resources
            .iter()
            .filter(|(part, _)| part.starts_with(&id) && **part != service)
        {
            let (what, reason) = part_of_plane(part, &resource.kind);
            changes.add((stack_name, part, &resource.kind), ChangeKind::Added, what, reason);
        }
        let group = match &own_group {
            Some(_) => Some(json!({"Fn::GetAtt": [format!("{id}SecurityGroup"), "GroupId"]})),
            None => first_group(&self.first.network),
        };
        add_outputs(
            self.mesh,
            self.ids,
            &host,
            group.as_ref(),
            stack_name,
            template,
            changes,
        );
        Some(Plane {
            home: Some(stack),
            stack: stack_name.clone(),
            host,
            service,
            group,
            has_own_group: own_group.is_some(),
        })
    }

    /// A security group that allows connections from the Envoys of the stack, in addition to those of the first service, which
    /// may be what allows calls to AWS. `None` if the VPC is not known or there is no room for a group: the rules are then in
    /// the group of the service.
    fn own_group(&self, namespace: &Namespace, template: &Template) -> Option<Resource> {
        const MAX_GROUPS: usize = 5;
        let groups = self.first.network.get("SecurityGroups")?.as_array()?;
        let vpc = self
            .vpc(namespace.id.as_deref(), template)
            .filter(|_| groups.len() < MAX_GROUPS)?;
        let here = self.services.iter().filter(|service| service.stack == self.first.stack);
        let rules = distinct_groups(here).into_iter().map(|source| {
            json!({
                "Description": INGRESS,
                "SourceSecurityGroupId": source,
                "IpProtocol": "tcp",
                "FromPort": XDS_PORT,
                "ToPort": XDS_PORT
            })
        });
        let properties = json!({
            "GroupDescription": format!("Control plane of the mesh {}", self.mesh),
            "VpcId": vpc,
            "SecurityGroupIngress": rules.collect::<Vec<_>>()
        });
        Some(Resource::new("AWS::EC2::SecurityGroup", properties))
    }

    /// The id of the VPC of the service: that of its security group, or of the namespace, or of the only VPC of the template.
    fn vpc(&self, namespace: Option<&str>, template: &Template) -> Option<Json> {
        let group = first_group(&self.first.network);
        let group = group.as_ref().and_then(referenced);
        let property = |id: &str, name: &str| template.resources.get(id)?.properties.get(name).cloned();
        let of_group = group.and_then(|group| property(group, "VpcId"));
        let of_namespace = || namespace.and_then(|id| property(id, "Vpc"));
        let only = || {
            let vpcs = template
                .resources
                .iter()
                .filter(|(_, resource)| resource.kind == "AWS::EC2::VPC");
            let ids: Vec<&String> = vpcs.map(|(id, _)| id).collect();
            match ids.as_slice() {
                [only] => Some(json!({"Ref": only})),
                _ => None,
            }
        };
        of_group.or_else(of_namespace).or_else(only)
    }

    /// The private DNS namespace of the service, else the first of the stack, else a new one.
    fn namespace(&self, draft: &mut Draft<'_>) -> Option<Namespace> {
        let stack = self.first.stack;
        let template = &draft.templates[stack];
        let private = servicediscovery::PrivateDnsNamespace::KIND;
        let is_private = |id: &&str| {
            template
                .resources
                .get(*id)
                .is_some_and(|resource| resource.kind == private)
        };
        let registry = template.resources[&self.first.id]
            .properties
            .pointer("/ServiceRegistries/0/RegistryArn");
        let registry = registry.and_then(referenced).and_then(|id| template.resources.get(id));
        let of_registry = registry.and_then(|registry| {
            let properties = &registry.properties;
            let id = properties
                .get("NamespaceId")
                .or_else(|| properties.pointer("/DnsConfig/NamespaceId"));
            id.and_then(referenced)
        });
        let first = || template.resources.keys().map(String::as_str).find(|id| is_private(id));
        let found = of_registry.filter(is_private).or_else(first);
        if let Some(id) = found
            && let Some(declared) = template.resources[id].properties.get("Name")
            && let Some(name) = self.stacks.text(stack, declared)
        {
            let parameters = self.stacks.parameters_in(stack, declared);
            let namespace = Namespace {
                name,
                id: Some(id.to_owned()),
                vpc: Json::Null,
            };
            draft.fix(stack, parameters);
            return Some(namespace);
        }
        let Some(vpc) = self.vpc(None, template) else {
            let path = format!("{}.Resources.{}", self.stacks.sources()[stack].name, self.first.id);
            let message = format!(
                "runs Envoys of the mesh `{}`, but the template contains neither a private DNS namespace, in which its control \
                 plane could register, nor the id of a VPC for a new one; point to a control plane with --control-plane",
                self.mesh
            );
            draft.diagnostics.add(path, message);
            return None;
        };
        Some(Namespace {
            name: format!("{}.meshwright.internal", self.ids.name),
            id: None,
            vpc,
        })
    }

    /// The resources of a control plane, in a stack of its own whose network, cluster and namespace are stand-ins. Returns
    /// its host and the logical id of its service as well.
    fn synthesize(
        &self,
        id: &str,
        namespace: &Namespace,
    ) -> Result<(Template, String, String), sidecar_contract::ValidationErrors> {
        let mut stack = Stack::new("migration");
        let network = Network::in_subnets(["subnet-00000000"])
            .with_security_groups(["sg-00000000"])
            .with_vpc_id("vpc-00000000");
        let network = stack.add(STAND_IN, network);
        let cluster = stack.add(STAND_IN, Cluster::new());
        let handle = stack.add(STAND_IN, PrivateDnsNamespace::new(namespace.name.as_str(), &network));
        let mut plane = ControlPlane::new(self.mesh, &cluster, &network, &handle).with_name(self.ids.service_name());
        for other in self.others.iter().filter(|other| **other != namespace.name) {
            plane = plane.with_namespace(other.as_str());
        }
        if let Some(image) = &self.options.control_plane_image {
            plane = plane.with_image(image.as_str());
        }
        let handle = stack.add(id, plane);
        let template = stack.synth()?;
        Ok((template, handle.host(), handle.logical_id().as_str().to_owned()))
    }
}

/// What a resource of a control plane is, and why it is there.
fn part_of_plane(id: &str, kind: &str) -> (&'static str, &'static str) {
    match kind {
        "AWS::EC2::SecurityGroup" => (
            "security group of the control plane",
            "Envoys connect to its port 18000",
        ),
        "AWS::IAM::Role" if id.ends_with("TaskRole") => (
            "role of the control plane",
            "it reads the mesh's parameters and discovers instances",
        ),
        "AWS::IAM::Role" => (
            "execution role of the control plane",
            "ECS pulls its image and writes its logs",
        ),
        "AWS::Logs::LogGroup" => ("log group of the control plane", "its tasks log there"),
        ecs::TaskDefinition::KIND => ("task definition of the control plane", "its service runs it"),
        servicediscovery::Service::KIND => ("name of the control plane", "Envoys find it by this name"),
        servicediscovery::PrivateDnsNamespace::KIND => (
            "namespace of the control plane",
            "the stack has no private DNS namespace in which its name could be",
        ),
        _ => ("part of the control plane", "its service refers to it"),
    }
}

/// Adds the outputs that other stacks of the mesh take, unless they exist.
fn add_outputs(
    mesh: &str,
    ids: &MeshIds,
    host: &str,
    group: Option<&Json>,
    stack_name: &str,
    template: &mut Template,
    changes: &mut Changes,
) {
    let host = (ids.host_output(), "Host", Some(Json::from(host)));
    let group = (ids.group_output(), "Security group", group.cloned());
    for (id, what, value) in [host, group] {
        let Some(value) = value.filter(|_| !template.outputs.contains_key(&id)) else {
            continue;
        };
        let output = Output {
            value,
            description: Some(format!("{what} of the control plane of the mesh {mesh}")),
            ..Output::default()
        };
        changes.add(
            (stack_name, &id, "Output"),
            ChangeKind::Added,
            format!("{} of the control plane", what.to_ascii_lowercase()),
            format!("other stacks with Envoys of the mesh take it, also by --control-plane {stack_name}"),
        );
        template.outputs.insert(id, output);
    }
}

/// The id of stand-ins in the stack of a control plane.
const STAND_IN: &str = "StandIn";

/// Moves the resources of a control plane into a template, with references to stand-ins replaced.
fn merge(
    mut added: Template,
    service: &str,
    namespace: &Namespace,
    cluster: Option<Json>,
    network: &Json,
    template: &mut Template,
) {
    let cluster_id = format!("{STAND_IN}Cluster");
    let namespace_id = format!("{STAND_IN}Namespace");
    let own_namespace = match &namespace.id {
        Some(id) => id.clone(),
        None => format!("{service}Namespace"),
    };
    if namespace.id.is_none()
        && let Some(mut resource) = added.resources.get(&namespace_id).cloned()
    {
        resource.properties["Vpc"] = namespace.vpc.clone();
        added.resources.insert(own_namespace.clone(), resource);
    }
    rewrite_references(&mut added, &mut |_, site| match site {
        ReferenceSite::Id { logical_id, attribute } if logical_id == namespace_id => Some(match attribute {
            None => json!({"Ref": own_namespace}),
            Some(attribute) => json!({"Fn::GetAtt": [own_namespace, attribute]}),
        }),
        ReferenceSite::Id {
            logical_id,
            attribute: None,
        } if logical_id == cluster_id => Some(cluster.clone().unwrap_or_else(|| Json::from("default"))),
        _ => None,
    });
    let stand_ins = [cluster_id, namespace_id];
    for (id, mut resource) in added.resources {
        if stand_ins.contains(&id) {
            continue;
        }
        resource.depends_on.retain(|other| !stand_ins.contains(other));
        if id == service {
            resource.properties["NetworkConfiguration"] = json!({"AwsvpcConfiguration": network});
        }
        template.resources.insert(id, resource);
    }
    template.parameters.extend(added.parameters);
    template.conditions.extend(added.conditions);
    template.mappings.extend(added.mappings);
}

impl Plane {
    /// Connects the Envoys of a stack. Returns the host as a text for `Fn::Sub`.
    fn connect(
        &self,
        stack: usize,
        stack_name: &str,
        ids: &MeshIds,
        services: &[&EnvoyService],
        template: &mut Template,
        changes: &mut Changes,
    ) -> String {
        let is_home = self.home == Some(stack);
        let (host, plane_group) = match is_home {
            true => {
                for service in services {
                    if let Some(resource) = template.resources.get_mut(&service.id)
                        && !resource.depends_on.contains(&self.service)
                    {
                        resource.depends_on.push(self.service.clone());
                    }
                }
                (self.host.clone(), self.group.clone())
            }
            false => {
                let host = ids.host_output();
                self.import(&host, "String", template);
                let what = format!("parameter with the output `{host}` of the stack {}", self.stack);
                let reason = "Envoys connect to the control plane of that stack";
                changes.add((stack_name, &host, "Parameter"), ChangeKind::Added, what, reason);
                // A control plane elsewhere may have a group that this run does not know.
                let has_group = self.home.is_none() || self.group.is_some();
                let is_used = services.iter().any(|service| first_group(&service.network).is_some());
                let group = (has_group && is_used).then(|| {
                    let id = ids.group_output();
                    self.import(&id, "AWS::EC2::SecurityGroup::Id", template);
                    let what = format!("parameter with the output `{id}` of the stack {}", self.stack);
                    let reason = "its rules allow the Envoys of this stack to connect to the control plane";
                    changes.add((stack_name, &id, "Parameter"), ChangeKind::Added, what, reason);
                    json!({"Ref": id})
                });
                (format!("${{{host}}}"), group)
            }
        };
        if let Some(plane_group) = plane_group {
            if is_home && self.has_own_group {
                for (number, source) in distinct_groups(services.iter().copied()).iter().enumerate() {
                    let id = format!("{}ControlPlaneEgress{}", ids.stem, number + 1);
                    add_egress(source, &plane_group, &id, stack_name, template, changes);
                }
                return host;
            }
            self.allow(&plane_group, stack_name, ids, services, template, changes);
        }
        host
    }

    /// Adds a parameter whose value is an output of the stack with the control plane.
    fn import(&self, id: &str, kind: &str, template: &mut Template) {
        let parameter = Parameter::new(kind).with_description(format!("Output {id} of the stack {}", self.stack));
        template.parameters.insert(id.to_owned(), parameter);
        template.add_stack_import(&StackImport {
            parameter: id.to_owned(),
            stack: self.stack.clone(),
            output: id.to_owned(),
        });
    }

    /// Allows connections from the security groups of the services to the control plane.
    fn allow(
        &self,
        plane_group: &Json,
        stack_name: &str,
        ids: &MeshIds,
        services: &[&EnvoyService],
        template: &mut Template,
        changes: &mut Changes,
    ) {
        let sources = distinct_groups(services.iter().copied());
        for (number, source) in sources.iter().enumerate() {
            let id = format!("{}ControlPlaneIngress{}", ids.stem, number + 1);
            if !allows(template, plane_group, source) {
                let properties = json!({
                    "Description": INGRESS,
                    "GroupId": plane_group,
                    "SourceSecurityGroupId": source,
                    "IpProtocol": "tcp",
                    "FromPort": XDS_PORT,
                    "ToPort": XDS_PORT
                });
                let id = unused(template, &id);
                template
                    .resources
                    .insert(id.clone(), Resource::new(INGRESS_RULE, properties));
                let what = format!(
                    "connections to port {XDS_PORT} from the security group {}",
                    described(source)
                );
                let reason = "Envoys connect to the control plane";
                changes.add((stack_name, &id, INGRESS_RULE), ChangeKind::Added, what, reason);
            }
            let egress = id.replace("Ingress", "Egress");
            add_egress(source, plane_group, &egress, stack_name, template, changes);
        }
    }
}

/// A logical id that the template does not have.
fn unused(template: &Template, id: &str) -> String {
    let mut id = id.to_owned();
    while template.resources.contains_key(&id) {
        id.push('X');
    }
    id
}

/// A security group in words: its logical id, or its value.
fn described(group: &Json) -> String {
    referenced(group).map_or_else(|| cfn::evaluate::render(group), ToOwned::to_owned)
}

/// Whether the group of a control plane allows connections from another group already, by a rule in it or beside it. Two
/// equal rules cannot exist.
fn allows(template: &Template, plane_group: &Json, source: &Json) -> bool {
    let is_rule = |rule: &Json| rule["SourceSecurityGroupId"] == *source && rule["ToPort"] == XDS_PORT;
    let group = referenced(plane_group).and_then(|id| template.resources.get(id));
    let own = group.and_then(|group| group.properties.get("SecurityGroupIngress")?.as_array());
    let mut beside = template.resources.values().filter(|rule| rule.kind == INGRESS_RULE);
    own.into_iter().flatten().any(is_rule)
        || beside.any(|rule| rule.properties["GroupId"] == *plane_group && is_rule(&rule.properties))
}

/// Allows the connections in the group of the Envoys as well, if that group restricts them.
fn add_egress(
    source: &Json,
    plane_group: &Json,
    id: &str,
    stack_name: &str,
    template: &mut Template,
    changes: &mut Changes,
) {
    let rules = referenced(source).and_then(|id| template.resources.get(id));
    let rules = rules.and_then(|group| group.properties.get("SecurityGroupEgress")?.as_array());
    let allows_all = |rule: &Json| rule["IpProtocol"] == "-1" || rule["IpProtocol"] == -1;
    let is_restricted = rules.is_some_and(|rules| {
        !rules
            .iter()
            .any(|rule| allows_all(rule) && rule["CidrIp"] == "0.0.0.0/0")
    });
    let kind = "AWS::EC2::SecurityGroupEgress";
    let properties = json!({
        "Description": INGRESS,
        "GroupId": source,
        "DestinationSecurityGroupId": plane_group,
        "IpProtocol": "tcp",
        "FromPort": XDS_PORT,
        "ToPort": XDS_PORT
    });
    let mut rules = template.resources.values();
    if !is_restricted || rules.any(|rule| rule.kind == kind && rule.properties == properties) {
        return;
    }
    let id = unused(template, id);
    template.resources.insert(id.clone(), Resource::new(kind, properties));
    let what = format!(
        "connections from the security group {} to port {XDS_PORT}",
        described(source)
    );
    let reason = "its security group restricts outbound connections";
    changes.add((stack_name, &id, kind), ChangeKind::Added, what, reason);
}
