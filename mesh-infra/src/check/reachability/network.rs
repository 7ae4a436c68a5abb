//! Networks and load balancers of a template, by logical id.

use cfn::{Resource, ResourceType, Template, Value, ec2, elbv2};
use indexmap::IndexMap;

/// The readable resources of networks and load balancers. Unreadable ones are reported elsewhere.
#[derive(Debug)]
pub(super) struct Network<'t> {
    template: &'t Template,
    pub(super) subnets: IndexMap<&'t str, ec2::Subnet>,
    pub(super) routes: IndexMap<&'t str, ec2::Route>,
    pub(super) route_table_associations: IndexMap<&'t str, ec2::SubnetRouteTableAssociation>,
    pub(super) load_balancers: IndexMap<&'t str, elbv2::LoadBalancer>,
    pub(super) listeners: IndexMap<&'t str, elbv2::Listener>,
}

impl<'t> Network<'t> {
    pub(super) fn read(template: &'t Template) -> Self {
        Self {
            template,
            subnets: read(template),
            routes: read(template),
            route_table_associations: read(template),
            load_balancers: read(template),
            listeners: read(template),
        }
    }

    pub(super) fn template(&self) -> &'t Template {
        self.template
    }

    /// The resource that a value refers to, by `Ref` or by an attribute.
    pub(super) fn referenced(&self, value: &Value<String>) -> Option<(&'t str, &'t Resource)> {
        let (Value::Ref(logical_id) | Value::GetAtt { logical_id, .. }) = value else {
            return None;
        };
        let (id, resource) = self.template.resources.get_key_value(logical_id)?;
        Some((id.as_str(), resource))
    }
}

fn read<T: ResourceType>(template: &Template) -> IndexMap<&str, T> {
    let resources = template
        .resources
        .iter()
        .filter(|(_, resource)| resource.kind == T::KIND);
    let readable = resources.filter_map(|(id, resource)| Some((id.as_str(), cfn::read(&resource.properties).ok()?)));
    readable.collect()
}
