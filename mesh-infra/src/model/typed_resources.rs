//! Resources read as layer-1 structs, each once.

use cfn::{ResourceType, Value, applicationautoscaling, appmesh, ec2, ecs, elbv2, iam, logs, servicediscovery, ssm};
use indexmap::IndexMap;
use sidecar_contract::Diagnostic;

use super::input::{InputResource, InputScope, is_namespace};

/// A resource and its properties as a layer-1 struct.
#[derive(Debug)]
#[non_exhaustive]
pub struct TypedResource<'m, T> {
    /// The resource.
    pub resource: &'m InputResource<'m>,
    /// Its properties.
    pub value: &'m T,
}

impl<'m, T> TypedResource<'m, T> {
    pub(super) fn new(resource: &'m InputResource<'m>, value: &'m T) -> Self {
        Self { resource, value }
    }
}

impl<T> Clone for TypedResource<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for TypedResource<'_, T> {}

/// Readable resources of a type, by their position in the input.
///
/// In [`InputScope::OneTemplate`], a resource with an error or with an unresolved structure is absent, because a rule
/// that it breaks may be a consequence. In [`InputScope::AllStacks`], its readable rest is present.
pub(super) type Typed<T> = IndexMap<usize, T>;

#[derive(Debug)]
pub(super) struct TypedResources {
    pub(super) clusters: Typed<ecs::Cluster>,
    pub(super) services: Typed<ecs::Service>,
    pub(super) task_definitions: Typed<ecs::TaskDefinition>,
    pub(super) private_dns_namespaces: Typed<servicediscovery::PrivateDnsNamespace>,
    pub(super) discovery_services: Typed<servicediscovery::Service>,
    /// Whether each of them could be read.
    pub(super) are_discovery_services_complete: bool,
    pub(super) ssm_parameters: Typed<ssm::Parameter>,
    pub(super) load_balancers: Typed<elbv2::LoadBalancer>,
    pub(super) listeners: Typed<elbv2::Listener>,
    pub(super) listener_rules: Typed<elbv2::ListenerRule>,
    pub(super) listener_certificates: Typed<elbv2::ListenerCertificate>,
    pub(super) target_groups: Typed<elbv2::TargetGroup>,
    /// The names of Cloud Map namespaces of all kinds.
    pub(super) namespace_names: IndexMap<usize, Value<String>>,
    /// Errors of properties, each after the position of its resource.
    pub(super) errors: Vec<(usize, Diagnostic)>,
}

impl TypedResources {
    pub(super) fn read(resources: &[InputResource<'_>], scope: InputScope) -> Self {
        let mut reader = Reader {
            resources,
            scope,
            errors: Vec::new(),
        };
        reader.validate::<servicediscovery::HttpNamespace>();
        let private_dns_namespaces = reader.read();
        let (discovery_services, are_discovery_services_complete) = reader.read_checked();
        let ssm_parameters = reader.read();
        reader.validate::<appmesh::Mesh>();
        reader.validate::<appmesh::VirtualNode>();
        reader.validate::<appmesh::VirtualRouter>();
        reader.validate::<appmesh::Route>();
        reader.validate::<appmesh::VirtualService>();
        reader.validate::<appmesh::VirtualGateway>();
        reader.validate::<appmesh::GatewayRoute>();
        reader.validate::<ec2::Vpc>();
        reader.validate::<ec2::VpcGatewayAttachment>();
        reader.validate::<ec2::RouteTable>();
        reader.validate::<ec2::SecurityGroup>();
        reader.validate::<ec2::VpcCidrBlock>();
        reader.validate::<ec2::Eip>();
        reader.validate::<ec2::NatGateway>();
        reader.validate::<ec2::VpcEndpoint>();
        reader.validate::<applicationautoscaling::ScalableTarget>();
        reader.validate::<applicationautoscaling::ScalingPolicy>();
        reader.validate::<ec2::Subnet>();
        reader.validate::<ec2::Route>();
        reader.validate::<ec2::SubnetRouteTableAssociation>();
        let load_balancers = reader.read();
        let listeners = reader.read();
        let listener_rules = reader.read();
        let listener_certificates = reader.read();
        reader.validate::<iam::Role>();
        reader.validate::<logs::LogGroup>();
        let target_groups = reader.read();
        Self {
            load_balancers,
            listeners,
            listener_rules,
            listener_certificates,
            target_groups,
            clusters: reader.read(),
            task_definitions: reader.read(),
            services: reader.read(),
            private_dns_namespaces,
            discovery_services,
            are_discovery_services_complete,
            ssm_parameters,
            namespace_names: namespace_names(resources),
            errors: reader.errors,
        }
    }
}

struct Reader<'r, 't> {
    resources: &'r [InputResource<'t>],
    scope: InputScope,
    errors: Vec<(usize, Diagnostic)>,
}

impl Reader<'_, '_> {
    fn read<T: ResourceType>(&mut self) -> Typed<T> {
        self.read_checked().0
    }

    fn validate<T: ResourceType>(&mut self) {
        drop(self.read::<T>());
    }

    /// All readable resources of a type, and whether these are all resources of the type without an error.
    fn read_checked<T: ResourceType>(&mut self) -> (Typed<T>, bool) {
        let mut readable = IndexMap::new();
        let mut is_complete = true;
        for (position, resource) in self.resources.iter().enumerate() {
            if resource.kind() != T::KIND {
                continue;
            }
            let (value, errors) = cfn::read_all::<T>(&resource.properties);
            let is_whole = errors.is_empty();
            is_complete &= is_whole;
            // An unresolved value may fit once it is evaluated, or was reported by its evaluation.
            for error in errors.into_iter().filter(|error| !error.is_unresolved()) {
                let diagnostic = error.into_diagnostic(&resource.properties_path());
                self.errors.push((position, diagnostic));
            }
            if let Some(value) = value.filter(|_| is_whole || self.scope == InputScope::AllStacks) {
                readable.insert(position, value);
            }
        }
        (readable, is_complete)
    }
}

/// The kinds of namespace differ in their other properties.
fn namespace_names(resources: &[InputResource<'_>]) -> IndexMap<usize, Value<String>> {
    let namespaces = resources.iter().enumerate();
    let namespaces = namespaces.filter(|(_, resource)| is_namespace(resource));
    let names = namespaces.filter_map(|(position, resource)| {
        let name = Value::from_json(resource.properties.get("Name")?).ok()?;
        Some((position, name))
    });
    names.collect()
}
