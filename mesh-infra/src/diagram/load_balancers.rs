//! Load balancers in a diagram: from the internet to the services behind them.

use std::collections::BTreeMap;

use cfn::{ResourceType, StringList, Value, elbv2};
use serde_json::Value as Json;

use super::mermaid::{Arrow, Flowchart, Shape};
use crate::model::{ServiceView, TemplateModel};

/// The key of the node of all clients outside.
const INTERNET: &str = "Internet";

/// Draws load balancers, and arrows from the internet through them to services, each with the requests that take it.
pub(super) fn draw(model: &TemplateModel<'_>, services: &[ServiceView<'_>], chart: &mut Flowchart) {
    let services = services_by_target_group(model, services);
    for load_balancer in model.load_balancers() {
        let id = load_balancer.resource.logical_id;
        let is_own = |arn: &Value<String>| {
            let found = model.referenced_as(arn, elbv2::LoadBalancer::KIND);
            found.is_some_and(|found| found.path == load_balancer.resource.path)
        };
        let listeners: Vec<_> = model
            .listeners()
            .filter(|listener| is_own(&listener.value.load_balancer_arn))
            .collect();
        let ports: Vec<String> = listeners.iter().map(|listener| port(listener.value)).collect();
        let kind = text(load_balancer.value.kind.as_ref(), "application");
        let label = [format!("{kind} load balancer"), id.to_owned()];
        let is_internal = text(load_balancer.value.scheme.as_ref(), "internet-facing") == "internal";
        chart.node(id, Shape::Trapezoid, &label);
        if !is_internal {
            chart.node(INTERNET, Shape::Stadium, &["internet".to_owned()]);
            chart.edge(INTERNET, Arrow::Thin, &ports.join(", "), id);
        }
        let mut arrows: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for listener in &listeners {
            let prefix = match listeners.as_slice() {
                [_] => String::new(),
                _ => format!("{} ", port(listener.value)),
            };
            let rules = model.listener_rules().filter(|rule| {
                let of = model.referenced_as(&rule.value.listener_arn, elbv2::Listener::KIND);
                of.is_some_and(|of| of.path == listener.resource.path)
            });
            let rules = rules.map(|rule| (conditions(&rule.value.conditions), &rule.value.actions));
            let default = ("all".to_owned(), &listener.value.default_actions);
            for (requests, actions) in rules.chain([default]) {
                for (arn, share) in targets(actions) {
                    let target_group = model.referenced_as(arn, elbv2::TargetGroup::KIND);
                    let behind = target_group.and_then(|found| services.get(found.path.as_str()));
                    for service in behind.into_iter().flatten().copied() {
                        let requests = format!("{prefix}{requests}{share}");
                        arrows.entry(service).or_default().push(requests);
                    }
                }
            }
        }
        for (service, requests) in arrows {
            chart.edge(id, Arrow::Thin, &requests.join(", "), service);
        }
    }
}

/// The services that register their tasks in each target group, by its path.
fn services_by_target_group<'m>(
    model: &'m TemplateModel<'_>,
    services: &[ServiceView<'m>],
) -> BTreeMap<&'m str, Vec<&'m str>> {
    let mut by_target_group: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for service in services {
        for target in &service.service.load_balancers {
            let arn = target.target_group_arn.as_ref();
            let found = arn.and_then(|arn| model.referenced_as(arn, elbv2::TargetGroup::KIND));
            if let Some(found) = found {
                by_target_group
                    .entry(&found.path)
                    .or_default()
                    .push(service.logical_id());
            }
        }
    }
    by_target_group
}

fn port(listener: &elbv2::Listener) -> String {
    let protocol = text(listener.protocol.as_ref(), "").to_ascii_lowercase();
    match &listener.port {
        Some(port) => format!("{protocol} {port}"),
        None => protocol,
    }
}

/// The target groups of actions, each with its share of the requests.
fn targets(actions: &[elbv2::Action]) -> Vec<(&Value<String>, String)> {
    let mut targets = Vec::new();
    for action in actions {
        let tuples = action
            .forward_config
            .as_ref()
            .map_or(&[][..], |config| &config.target_groups);
        let weight = |tuple: &elbv2::TargetGroupTuple| match &tuple.weight {
            None => Some(1),
            Some(weight) => weight.known().copied(),
        };
        let total: Option<u32> = tuples.iter().map(weight).sum();
        for tuple in tuples {
            let share = match (tuples.len(), weight(tuple), total) {
                (0 | 1, _, _) => String::new(),
                (_, Some(weight), Some(total)) => format!(" ({weight} of {total})"),
                _ => " (a share)".to_owned(),
            };
            targets.extend(tuple.target_group_arn.as_ref().map(|arn| (arn, share)));
        }
        if tuples.is_empty() {
            targets.extend(action.target_group_arn.as_ref().map(|arn| (arn, String::new())));
        }
    }
    targets
}

/// The requests that a rule matches, in short.
fn conditions(conditions: &[elbv2::RuleCondition]) -> String {
    let mut parts = Vec::new();
    let mut others = 0;
    for condition in conditions {
        let config = match text(condition.field.as_ref(), "").as_str() {
            "path-pattern" => condition.path_pattern_config.as_ref(),
            "host-header" => condition.host_header_config.as_ref(),
            _ => {
                others += 1;
                continue;
            }
        };
        let values = config.map_or(&condition.values, |config| &config.values);
        parts.push(list(values.as_ref()));
    }
    let requests = if parts.is_empty() {
        "all".to_owned()
    } else {
        parts.join(" ")
    };
    match others {
        0 => requests,
        1 => format!("{requests} on a condition"),
        several => format!("{requests} on {several} conditions"),
    }
}

/// The texts of a list, which the schema does not describe.
fn list(values: Option<&Json>) -> String {
    let Some(json) = values else {
        return "all".to_owned();
    };
    match StringList::from_json(json) {
        Ok(Value::Known(values)) => {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            values.join(" or ")
        }
        _ => json.to_string(),
    }
}

fn text(value: Option<&Value<String>>, default: &str) -> String {
    value.map_or_else(|| default.to_owned(), ToString::to_string)
}
