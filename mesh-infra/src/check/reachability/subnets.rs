//! Subnets of load balancers and tasks: routes to the internet, and availability zones.
//!
//! Sources: Elastic Load Balancing user guides, "Availability Zones for your load balancer" and "Subnets for your load
//! balancer" (read 2026-11-30).

use std::collections::BTreeSet;

use cfn::{ResourceType, StringList, Value, ec2, elbv2};
use serde_json::json;
use sidecar_contract::Diagnostics;

use super::network::Network;
use crate::model::ServiceView;

/// Subnets in different zones that an application load balancer needs.
const APPLICATION_ZONES: usize = 2;

pub(super) fn check_load_balancer(
    network: &Network<'_>,
    id: &str,
    load_balancer: &elbv2::LoadBalancer,
    diagnostics: &mut Diagnostics,
) {
    let Some(Value::Known(subnets)) = &load_balancer.subnets else {
        return;
    };
    let path = format!("Resources.{id}.Properties.Subnets");
    if may_be(&load_balancer.scheme, "internet-facing") {
        for (index, subnet) in subnets.iter().enumerate() {
            if let Some((subnet, _)) = subnet_of(network, subnet)
                && is_certainly_private(network, subnet)
            {
                diagnostics.add(
                    format!("{path}[{index}]"),
                    format!(
                        "is `{subnet}`, which has no route to an internet gateway; an internet-facing load balancer needs \
                         public subnets: use those, or the scheme internal"
                    ),
                );
            }
        }
    }
    let zones: Vec<Option<Zone>> = subnets.iter().map(|subnet| Zone::of(network, subnet)).collect();
    let distinct: BTreeSet<&Zone> = zones.iter().flatten().collect();
    let unknown = zones.iter().filter(|zone| zone.is_none()).count();
    let has_expression = subnets.iter().any(|subnet| matches!(subnet, Value::Function { .. }));
    if may_be(&load_balancer.kind, "application") && !has_expression && distinct.len() + unknown < APPLICATION_ZONES {
        diagnostics.add(
            path,
            format!(
                "are in one availability zone; an application load balancer needs subnets in at least \
                 {APPLICATION_ZONES}"
            ),
        );
    } else if distinct.len() + unknown < zones.len() {
        diagnostics.add(
            path,
            "have several in one availability zone; a load balancer has at most one subnet in each",
        );
    }
}

/// Reports subnets of tasks in zones that the load balancer does not have: it sends nothing to these.
pub(super) fn check_zones_of_tasks(
    network: &Network<'_>,
    id: &str,
    load_balancer: &elbv2::LoadBalancer,
    service: &ServiceView<'_>,
    diagnostics: &mut Diagnostics,
) {
    let zones_of = |subnets: &Option<StringList>| -> Option<Vec<Zone>> {
        let subnets = subnets.as_ref()?.known()?;
        subnets.iter().map(|subnet| Zone::of(network, subnet)).collect()
    };
    let network = service.service.network_configuration.as_ref();
    let Some(network) = network.and_then(|network| network.awsvpc_configuration.as_ref()) else {
        return;
    };
    let (Some(own), Some(tasks)) = (zones_of(&load_balancer.subnets), zones_of(&network.subnets)) else {
        return;
    };
    // A zone by name and a zone by index may be the same.
    let mut forms = own.iter().chain(&tasks).map(|zone| zone.is_named);
    let is_comparable = forms.next().is_some_and(|first| forms.all(|form| form == first));
    for (index, zone) in tasks.iter().enumerate() {
        if is_comparable && !own.contains(zone) {
            let name = service.logical_id();
            diagnostics.add(
                format!("Resources.{name}.Properties.NetworkConfiguration.AwsvpcConfiguration.Subnets[{index}]"),
                format!(
                    "is in an availability zone in which the load balancer `{id}` has no subnet, so that it sends nothing \
                     to tasks there; add a subnet of this zone to the load balancer"
                ),
            );
        }
    }
}

/// Whether a property has this value: both `application` and `internet-facing` are defaults.
fn may_be(property: &Option<Value<String>>, default: &str) -> bool {
    property.as_ref().is_none_or(|value| *value == Value::from(default))
}

fn subnet_of<'m>(network: &'m Network<'_>, subnet: &Value<String>) -> Option<(&'m str, &'m ec2::Subnet)> {
    let (id, _) = network.referenced(subnet)?;
    let (id, subnet) = network.subnets.get_key_value(id)?;
    Some((*id, subnet))
}

/// An availability zone, by name or by its index in the region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Zone {
    is_named: bool,
    text: String,
}

impl Zone {
    /// The zone of a subnet in the template.
    fn of(network: &Network<'_>, subnet: &Value<String>) -> Option<Self> {
        let (_, subnet) = subnet_of(network, subnet)?;
        match subnet.availability_zone.as_ref()? {
            Value::Known(name) => Some(Self {
                is_named: true,
                text: name.clone(),
            }),
            Value::Function { name, argument } if name == "Fn::Select" => {
                // A reference in the index, or another region, makes zones incomparable.
                let index = argument.get(0)?;
                let index = index.as_u64().or_else(|| index.as_str()?.parse().ok())?;
                let region = argument.get(1)?.get("Fn::GetAZs")?;
                let is_own = *region == json!("") || *region == json!({"Ref": "AWS::Region"});
                is_own.then(|| Self {
                    is_named: false,
                    text: index.to_string(),
                })
            }
            _ => None,
        }
    }
}

/// Whether a subnet of the template has a route table without a route to an internet gateway.
fn is_certainly_private(network: &Network<'_>, subnet: &str) -> bool {
    let is_own = |value: &Value<String>, kind: &str| network.referenced(value).filter(|(_, own)| own.kind == kind);
    let associations = || network.route_table_associations.values();
    let is_expression = |value: &Value<String>| matches!(value, Value::Function { .. });
    // An expression may evaluate to this subnet, or to its table.
    if associations().any(|association| is_expression(&association.subnet_id))
        || network
            .routes
            .values()
            .any(|route| is_expression(&route.route_table_id))
    {
        return false;
    }
    let association = associations().find(|association| {
        let subnet_id = network.referenced(&association.subnet_id);
        subnet_id.is_some_and(|(id, _)| id == subnet)
    });
    let Some(association) = association else {
        // The main table of a VPC in the template has only the local route.
        return is_own(&network.subnets[subnet].vpc_id, ec2::Vpc::KIND).is_some();
    };
    let Some((table, _)) = is_own(&association.route_table_id, ec2::RouteTable::KIND) else {
        return false;
    };
    let mut routes = network.routes.values().filter(|route| {
        let id = network.referenced(&route.route_table_id);
        id.is_some_and(|(id, _)| id == table)
    });
    // Another expression may be an internet gateway, and an endpoint that of a firewall in front of one.
    let may_be_internet = |route: &ec2::Route| match &route.gateway_id {
        Some(Value::Known(id)) => id.starts_with("igw-"),
        Some(_) => true,
        None => route.other.contains_key("VpcEndpointId"),
    };
    !routes.any(may_be_internet)
}
