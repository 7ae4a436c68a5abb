//! Resources read as layer-1 structs, each once.

use cfn::{ResourceType, Template, Value, appmesh, ec2, ecs, elbv2, iam, logs, servicediscovery, ssm};
use indexmap::IndexMap;
use sidecar_contract::Diagnostics;

/// Readable resources by type and logical id. A resource with an error or with an unresolved structure is absent.
#[derive(Debug)]
pub(super) struct TypedResources<'t> {
    pub(super) clusters: IndexMap<&'t str, ecs::Cluster>,
    pub(super) services: IndexMap<&'t str, ecs::Service>,
    pub(super) task_definitions: IndexMap<&'t str, ecs::TaskDefinition>,
    pub(super) private_dns_namespaces: IndexMap<&'t str, servicediscovery::PrivateDnsNamespace>,
    /// `None` if one of them cannot be read.
    pub(super) discovery_services: Option<IndexMap<&'t str, servicediscovery::Service>>,
    pub(super) ssm_parameters: IndexMap<&'t str, ssm::Parameter>,
    /// The names of Cloud Map namespaces of all kinds.
    pub(super) namespace_names: IndexMap<&'t str, Value<String>>,
    pub(super) errors: Diagnostics,
}

impl<'t> TypedResources<'t> {
    pub(super) fn read(template: &'t Template) -> Self {
        let mut reader = Reader {
            template,
            errors: Diagnostics::new(),
        };
        reader.validate::<servicediscovery::HttpNamespace>();
        let private_dns_namespaces = reader.read();
        let (discovery_services, is_complete) = reader.read_checked();
        let ssm_parameters = reader.read();
        reader.validate::<appmesh::Mesh>();
        reader.validate::<appmesh::VirtualNode>();
        reader.validate::<appmesh::VirtualRouter>();
        reader.validate::<appmesh::Route>();
        reader.validate::<appmesh::VirtualService>();
        reader.validate::<appmesh::VirtualGateway>();
        reader.validate::<appmesh::GatewayRoute>();
        reader.validate::<ec2::Vpc>();
        reader.validate::<ec2::Subnet>();
        reader.validate::<ec2::VpcGatewayAttachment>();
        reader.validate::<ec2::RouteTable>();
        reader.validate::<ec2::Route>();
        reader.validate::<ec2::SubnetRouteTableAssociation>();
        reader.validate::<ec2::SecurityGroup>();
        reader.validate::<iam::Role>();
        reader.validate::<logs::LogGroup>();
        reader.validate::<elbv2::LoadBalancer>();
        reader.validate::<elbv2::TargetGroup>();
        reader.validate::<elbv2::Listener>();
        Self {
            clusters: reader.read(),
            task_definitions: reader.read(),
            services: reader.read(),
            private_dns_namespaces,
            discovery_services: is_complete.then_some(discovery_services),
            ssm_parameters,
            namespace_names: namespace_names(template),
            errors: reader.errors,
        }
    }
}

struct Reader<'t> {
    template: &'t Template,
    errors: Diagnostics,
}

impl<'t> Reader<'t> {
    fn read<T: ResourceType>(&mut self) -> IndexMap<&'t str, T> {
        self.read_checked().0
    }

    fn validate<T: ResourceType>(&mut self) {
        drop(self.read::<T>());
    }

    /// All readable resources of a type, and whether these are all resources of the type.
    fn read_checked<T: ResourceType>(&mut self) -> (IndexMap<&'t str, T>, bool) {
        let mut readable = IndexMap::new();
        let mut is_complete = true;
        for (id, resource) in &self.template.resources {
            if resource.kind != T::KIND {
                continue;
            }
            match cfn::read(&resource.properties) {
                Ok(value) => drop(readable.insert(id.as_str(), value)),
                Err(_) => {
                    is_complete = false;
                    let (_, errors) = cfn::read_all::<T>(&resource.properties);
                    // An unresolved value may fit once it is evaluated.
                    for error in errors.into_iter().filter(|error| !error.is_unresolved()) {
                        self.errors
                            .extend([error.into_diagnostic(&format!("Resources.{id}.Properties"))]);
                    }
                }
            }
        }
        (readable, is_complete)
    }
}

/// The kinds of namespace differ in their other properties.
fn namespace_names(template: &Template) -> IndexMap<&str, Value<String>> {
    let resources = template.resources.iter();
    let namespaces = resources.filter(|(_, resource)| {
        resource.kind.starts_with("AWS::ServiceDiscovery::") && resource.kind.ends_with("Namespace")
    });
    let names = namespaces.filter_map(|(id, resource)| {
        let name = Value::from_json(resource.properties.get("Name")?).ok()?;
        Some((id.as_str(), name))
    });
    names.collect()
}
