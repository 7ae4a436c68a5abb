//! Network access: security groups, load balancers, public addresses, routes to the internet.

use cfn::{Resource, Template};
use serde_json::Value as Json;

use super::render::Renderer;

/// Emits the network statements of a resource.
pub(super) fn statements_of(
    id: &str,
    resource: &Resource,
    renderer: &Renderer<'_>,
    template: &Template,
    emit: &mut dyn FnMut(String),
) {
    let properties = &resource.properties;
    let text = |name: &str| properties.get(name).map(|value| renderer.render(value));
    let group = || plain(&text("GroupId").or_else(|| text("GroupName")).unwrap_or_default());
    match resource.kind.as_str() {
        "AWS::EC2::SecurityGroup" => {
            for rule in rules(properties.get("SecurityGroupIngress")) {
                emit(incoming(id, rule, renderer));
            }
            let egress = rules(properties.get("SecurityGroupEgress"));
            if egress.is_empty() {
                // The default, decided by EC2, which an empty list does not take away (template reference,
                // `AWS::EC2::SecurityGroup`, read 2026-11-23).
                emit(format!("security group `{id}` lets out to 0.0.0.0/0 at all ports"));
            }
            egress.iter().for_each(|rule| emit(outgoing(id, rule, renderer)));
        }
        "AWS::EC2::SecurityGroupIngress" => emit(incoming(&group(), properties, renderer)),
        "AWS::EC2::SecurityGroupEgress" => emit(outgoing(&group(), properties, renderer)),
        "AWS::ElasticLoadBalancingV2::LoadBalancer" | "AWS::ElasticLoadBalancing::LoadBalancer" => {
            if is_public(resource, renderer) {
                emit(format!("load balancer `{id}` has a public address"));
            }
            member_of(
                &format!("load balancer `{id}`"),
                properties.get("SecurityGroups"),
                renderer,
                emit,
            );
        }
        "AWS::ElasticLoadBalancingV2::Listener" => {
            let balancer = plain(&text("LoadBalancerArn").unwrap_or_default());
            // A load balancer outside this template may be public.
            if template
                .resources
                .get(&balancer)
                .is_none_or(|balancer| is_public(balancer, renderer))
            {
                let (protocol, port) = (text("Protocol").unwrap_or_default(), text("Port").unwrap_or_default());
                emit(format!(
                    "internet-facing load balancer `{balancer}` listens on {protocol} port {port}"
                ));
            }
        }
        "AWS::ECS::Service" => {
            let network = properties.pointer("/NetworkConfiguration/AwsvpcConfiguration");
            let network = network.unwrap_or(&Json::Null);
            if network
                .get("AssignPublicIp")
                .is_some_and(|public| renderer.render(public) == "ENABLED")
            {
                emit(format!("tasks of service `{id}` have public addresses"));
            }
            member_of(
                &format!("service `{id}`"),
                network.get("SecurityGroups"),
                renderer,
                emit,
            );
        }
        "AWS::EC2::Subnet" if is_true(properties.get("MapPublicIpOnLaunch")) => {
            emit(format!("instances in subnet `{id}` get public addresses"));
        }
        "AWS::EC2::EIP" => emit(format!("`{id}` is a public address")),
        "AWS::EC2::VPCGatewayAttachment" if properties.get("InternetGatewayId").is_some() => {
            let vpc = plain(&text("VpcId").unwrap_or_default());
            emit(format!("VPC `{vpc}` is connected to the internet"));
        }
        "AWS::EC2::VPCPeeringConnection" => {
            let (own, other) = (text("VpcId").unwrap_or_default(), text("PeerVpcId").unwrap_or_default());
            emit(format!("VPC `{}` is connected to VPC `{}`", plain(&own), plain(&other)));
        }
        "AWS::EC2::Route" => {
            let destination = [
                "DestinationCidrBlock",
                "DestinationIpv6CidrBlock",
                "DestinationPrefixListId",
            ];
            let destination = destination.into_iter().find_map(text).unwrap_or_default();
            let hops = [
                "GatewayId",
                "NatGatewayId",
                "TransitGatewayId",
                "VpcPeeringConnectionId",
                "EgressOnlyInternetGatewayId",
            ];
            if let Some(hop) = hops.into_iter().find_map(text) {
                let table = plain(&text("RouteTableId").unwrap_or_default());
                emit(format!(
                    "route table `{table}` sends {destination} through `{}`",
                    plain(&hop)
                ));
            }
        }
        _ => {}
    }
}

/// The default scheme, decided by Elastic Load Balancing, is `internet-facing` (template reference,
/// `AWS::ElasticLoadBalancingV2::LoadBalancer`, read 2026-11-23).
fn is_public(balancer: &Resource, renderer: &Renderer<'_>) -> bool {
    let scheme = balancer.properties.get("Scheme");
    scheme.is_none_or(|scheme| renderer.render(scheme) != "internal")
}

fn is_true(value: Option<&Json>) -> bool {
    matches!(value, Some(Json::Bool(true))) || value.and_then(Json::as_str) == Some("true")
}

fn rules(value: Option<&Json>) -> Vec<&Json> {
    match value {
        Some(Json::Array(rules)) => rules.iter().collect(),
        Some(rule) => vec![rule],
        None => Vec::new(),
    }
}

/// `${Web.GroupId}` and `${Web}` as `Web`: both mean the security group.
fn plain(name: &str) -> String {
    let name = name.trim_start_matches("${").trim_end_matches('}');
    name.trim_end_matches(".GroupId").to_owned()
}

fn member_of(who: &str, groups: Option<&Json>, renderer: &Renderer<'_>, emit: &mut dyn FnMut(String)) {
    for group in renderer.render_each(groups) {
        emit(format!("{who} is in security group `{}`", plain(&group)));
    }
}

fn incoming(group: &str, rule: &Json, renderer: &Renderer<'_>) -> String {
    let sources = [
        "CidrIp",
        "CidrIpv6",
        "SourceSecurityGroupId",
        "SourceSecurityGroupName",
        "SourcePrefixListId",
    ];
    format!(
        "security group `{group}` lets {} in at {}",
        peer(rule, &sources, renderer),
        ports(rule, renderer)
    )
}

fn outgoing(group: &str, rule: &Json, renderer: &Renderer<'_>) -> String {
    let targets = [
        "CidrIp",
        "CidrIpv6",
        "DestinationSecurityGroupId",
        "DestinationPrefixListId",
    ];
    format!(
        "security group `{group}` lets out to {} at {}",
        peer(rule, &targets, renderer),
        ports(rule, renderer)
    )
}

fn peer(rule: &Json, properties: &[&str], renderer: &Renderer<'_>) -> String {
    let found = properties.iter().find_map(|name| Some((name, rule.get(name)?)));
    match found {
        Some((name, value)) if name.contains("Group") => format!("security group `{}`", plain(&renderer.render(value))),
        Some((_, value)) => renderer.render(value),
        None => renderer.render(rule),
    }
}

/// "TCP port 80", "TCP ports 80 to 90", "all ports".
fn ports(rule: &Json, renderer: &Renderer<'_>) -> String {
    let text = |name: &str| rule.get(name).map(|value| renderer.render(value));
    let protocol = match text("IpProtocol").as_deref() {
        Some("-1") | None => return "all ports".to_owned(),
        Some("6") => "TCP".to_owned(),
        Some("17") => "UDP".to_owned(),
        Some(protocol) => protocol.to_uppercase(),
    };
    match (text("FromPort"), text("ToPort")) {
        (Some(from), Some(to)) if from == to => format!("{protocol} port {from}"),
        (Some(from), Some(to)) if !(from == "0" && to == "65535") => format!("{protocol} ports {from} to {to}"),
        _ => format!("all {protocol} ports"),
    }
}
