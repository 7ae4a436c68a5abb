//! Reachability of tasks from the load balancers in front of them: security groups, subnets and availability zones.
//!
//! CloudFormation creates a load balancer whose packets arrive nowhere without an error; ECS then replaces tasks that look
//! unhealthy until the deployment fails. Only certain errors are reported: groups, subnets and lists that the template does
//! not contain may allow everything.

mod network;
mod security_groups;
mod subnets;

use cfn::{Template, Value, ecs, elbv2};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use self::network::Network;
use self::security_groups::{Direction, Groups};
use crate::model::{ServiceView, TemplateModel};

pub(super) fn check(template: &Template, model: &TemplateModel<'_>, diagnostics: &mut Diagnostics) {
    let network = &Network::read(template);
    for (id, load_balancer) in &network.load_balancers {
        subnets::check_load_balancer(network, id, load_balancer, diagnostics);
    }
    for service in model.services() {
        for registration in &service.service.load_balancers {
            let Some(target_group) = &registration.target_group_arn else {
                continue;
            };
            for (id, load_balancer) in load_balancers_of(network, target_group) {
                let entrance = Entrance {
                    id,
                    load_balancer,
                    registration,
                };
                entrance.check_groups(network, &service, diagnostics);
                subnets::check_zones_of_tasks(network, id, load_balancer, &service, diagnostics);
            }
        }
    }
}

/// A load balancer in front of a service.
struct Entrance<'m> {
    id: &'m str,
    load_balancer: &'m elbv2::LoadBalancer,
    registration: &'m ecs::LoadBalancer,
}

impl Entrance<'_> {
    fn check_groups(&self, network: &Network<'_>, service: &ServiceView<'_>, diagnostics: &mut Diagnostics) {
        let Some(Value::Known(port)) = self.registration.container_port else {
            return;
        };
        let configuration = service.service.network_configuration.as_ref();
        let configuration = configuration.and_then(|network| network.awsvpc_configuration.as_ref());
        let tasks = configuration.and_then(|configuration| configuration.security_groups.as_ref());
        // Without groups, both have the VPC's default group, or, a network load balancer, none.
        let (Some(own), Some(tasks)) = (&self.load_balancer.security_groups, tasks) else {
            return;
        };
        let (own, tasks) = (Groups::read(own, network), Groups::read(tasks, network));
        let (id, name) = (self.id, service.logical_id());
        if own.certainly_block(Direction::Egress, port, &tasks, network) {
            diagnostics.add(
                format!("Resources.{id}.Properties.SecurityGroups"),
                format!(
                    "allow no egress to the tasks of `{name}` on TCP port {port}, so that nothing reaches them; add an \
                     egress rule to {own} whose destination is one of {tasks}"
                ),
            );
        }
        if tasks.certainly_block(Direction::Ingress, port, &own, network) {
            diagnostics.add(
                format!("Resources.{name}.Properties.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups"),
                format!(
                    "allow no ingress from the load balancer `{id}` on TCP port {port}, so that nothing reaches the tasks; \
                     add an ingress rule to one of {tasks} whose source is {own}"
                ),
            );
        }
    }
}

/// The load balancers with a listener that forwards to a target group.
fn load_balancers_of<'m>(
    network: &'m Network<'_>,
    target_group: &Value<String>,
) -> Vec<(&'m str, &'m elbv2::LoadBalancer)> {
    let Some((target_group, _)) = network.referenced(target_group) else {
        return Vec::new();
    };
    let by_default = network.listeners.iter().filter(|(id, _)| {
        let actions = network.template().resources[**id].properties.get("DefaultActions");
        actions.is_some_and(|actions| refers_to(actions, target_group))
    });
    let mut listeners: Vec<&str> = by_default.map(|(id, _)| *id).collect();
    for rule in network.template().resources.values() {
        let actions = rule.properties.get("Actions");
        if rule.kind == "AWS::ElasticLoadBalancingV2::ListenerRule"
            && actions.is_some_and(|actions| refers_to(actions, target_group))
            && let Some(Ok(arn)) = rule.properties.get("ListenerArn").map(Value::from_json)
            && let Some((listener, _)) = network.referenced(&arn)
        {
            listeners.push(listener);
        }
    }
    let listeners = listeners.into_iter().filter_map(|id| network.listeners.get(id));
    let ids = listeners.filter_map(|listener| network.referenced(&listener.load_balancer_arn));
    let mut found: Vec<(&str, &elbv2::LoadBalancer)> = Vec::new();
    for (id, _) in ids {
        if let Some((id, load_balancer)) = network.load_balancers.get_key_value(id)
            && found.iter().all(|(other, _)| other != id)
        {
            found.push((*id, load_balancer));
        }
    }
    found
}

/// Whether a value contains a reference to a resource, at any depth.
fn refers_to(json: &Json, logical_id: &str) -> bool {
    let is_reference = matches!(
        Value::<String>::from_json(json),
        Ok(Value::Ref(id) | Value::GetAtt { logical_id: id, .. }) if id == logical_id
    );
    is_reference
        || match json {
            Json::Array(items) => items.iter().any(|item| refers_to(item, logical_id)),
            Json::Object(object) => object.values().any(|value| refers_to(value, logical_id)),
            _ => false,
        }
}
