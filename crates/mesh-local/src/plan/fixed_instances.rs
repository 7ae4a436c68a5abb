//! Instances that no task registers: `AWS::ServiceDiscovery::Instance`, and names of this machine's hosts file.

use std::collections::BTreeMap;
use std::net::IpAddr;

use mesh_infra::Value;
use mesh_infra::cfn::is_unknown;
use mesh_infra::model::InputResource;
use mesh_model::app_mesh::virtual_node::ServiceDiscovery;
use serde_json::Value as Json;

use super::cloud_map::CloudMap;
use super::parts::{FixedInstance, FixedInstanceName};
use super::reader::Reader;
use super::report;
use crate::network::Network;

/// The type of an instance in a template.
pub(super) const KIND: &str = "AWS::ServiceDiscovery::Instance";
/// The attributes with an address. Source: Cloud Map API reference, `RegisterInstance` (read 2026-12-01).
const ADDRESSES: [&str; 2] = ["AWS_INSTANCE_IPV4", "AWS_INSTANCE_IPV6"];
/// The attribute with another name.
pub(crate) const CNAME: &str = "AWS_INSTANCE_CNAME";

/// Reads the instances of Cloud Map.
pub(super) fn of_cloud_map(cloud_map: &CloudMap<'_>, reader: &mut Reader<'_, '_>) -> Vec<FixedInstance> {
    let resources: Vec<_> = reader.all_of(KIND).collect();
    let mut instances = Vec::new();
    for resource in resources {
        reader.report_resource(resource);
        instances.extend(instance(resource, cloud_map, reader));
    }
    instances
}

fn instance(
    resource: &InputResource<'_>,
    cloud_map: &CloudMap<'_>,
    reader: &mut Reader<'_, '_>,
) -> Option<FixedInstance> {
    let path = resource.properties_path();
    let Some(id) = resource.properties.get("ServiceId") else {
        report(reader.diagnostics, format!("{path}.ServiceId"), "is missing");
        return None;
    };
    let id = Value::<String>::from_json(id).ok()?;
    let Some(service) = cloud_map.service_of(&id) else {
        if let Some(known) = id.known() {
            let note = format!(
                "the Cloud Map service `{known}` is in none of the given templates: nothing finds the instance"
            );
            reader.assume(format!("{path}.ServiceId"), note);
        }
        return None;
    };
    let Some(Json::Object(given)) = resource.properties.get("InstanceAttributes") else {
        report(reader.diagnostics, format!("{path}.InstanceAttributes"), "is missing");
        return None;
    };
    let mut attributes = BTreeMap::new();
    let mut addresses = Vec::new();
    for (name, value) in given {
        // An unknown value was reported.
        let Some(value) = value.as_str().map(str::to_owned).or_else(|| number(value)) else {
            continue;
        };
        if ADDRESSES.contains(&name.as_str()) {
            match value.parse::<IpAddr>() {
                Ok(address) => addresses.push(address),
                Err(_) => {
                    let path = format!("{path}.InstanceAttributes.{name}");
                    report(
                        reader.diagnostics,
                        path,
                        format!("is `{value}`; expected an IP address"),
                    );
                }
            }
        }
        attributes.insert(name.clone(), value);
    }
    if addresses.is_empty() && !attributes.contains_key(CNAME) && !given.values().any(is_unknown) {
        let note = format!("has none of {}: nothing finds the instance", ADDRESSES.join(", "));
        reader.assume(format!("{path}.InstanceAttributes"), note);
    }
    let own = resource.properties.get("InstanceId").and_then(Json::as_str);
    Some(FixedInstance {
        id: own.unwrap_or(resource.logical_id).to_owned(),
        at: FixedInstanceName::CloudMap(service.clone()),
        addresses,
        attributes,
    })
}

fn number(value: &Json) -> Option<String> {
    value.as_number().map(ToString::to_string)
}

/// The names of the hosts file that virtual nodes have as their host names, in the shared network. Envoy asks a DNS server
/// alone; a program of this machine finds them.
pub(super) fn of_hosts_file(
    cloud_map: &CloudMap<'_>,
    hosts: &BTreeMap<String, Vec<IpAddr>>,
    reader: &Reader<'_, '_>,
) -> Vec<FixedInstance> {
    if reader.network != Network::Shared {
        return Vec::new();
    }
    let known: Vec<String> = cloud_map.hostnames().collect();
    let mut found = BTreeMap::new();
    for node in reader
        .model
        .topologies()
        .values()
        .flat_map(|mesh| mesh.virtual_nodes.values())
    {
        if let Some(ServiceDiscovery::Dns(dns)) = &node.service_discovery
            && !known.contains(&dns.hostname)
            && let Some(addresses) = hosts.get(&dns.hostname.to_ascii_lowercase())
        {
            found.insert(dns.hostname.clone(), addresses.clone());
        }
    }
    let instance = |(name, addresses): (String, Vec<IpAddr>)| FixedInstance {
        id: format!("hosts:{name}"),
        at: FixedInstanceName::Host(name),
        addresses,
        attributes: BTreeMap::new(),
    };
    found.into_iter().map(instance).collect()
}
