//! Load balancers, with their listeners, rules and target groups.
//!
//! `actions`, `conditions` and `target_group` read the parts; `targets` reads which ports of a service's tasks are targets.

mod actions;
mod conditions;
mod target_group;
mod targets;

use std::collections::BTreeMap;
use std::time::Duration;

use mesh_infra::Value;
use mesh_infra::cfn::{ResourceType, elbv2};
use mesh_infra::model::{InputResource, TypedResource};
use mesh_model::load_balancer::{
    ForwardedFor, Listener, ListenerProtocol, LoadBalancer, LoadBalancerKind, Rule, TargetGroup, shadowed_rules,
};

use super::limits::check_name;
use super::reader::Reader;
use super::report;
use super::values::known;

pub(super) use self::targets::{TaskPorts, of_service as targets_of_service};

/// The load balancers and target groups of the templates.
#[derive(Default)]
pub(super) struct LoadBalancers {
    pub(super) load_balancers: BTreeMap<String, LoadBalancer>,
    pub(super) target_groups: BTreeMap<String, TargetGroup>,
    /// The numeric health check ports of target groups.
    pub(super) health_check_ports: BTreeMap<String, u16>,
    /// Accepted mistakes, as (path, message).
    pub(super) warnings: Vec<(String, String)>,
}

/// A rule with its place.
struct PlacedRule<'m> {
    /// The priority; none for one that only AWS knows.
    priority: Option<u32>,
    path: &'m str,
    rule: Rule,
}

/// Reads all load balancers. `records` are DNS records, as (name, what it points to).
pub(super) fn read(reader: &mut Reader<'_, '_>, records: &[(String, String)]) -> LoadBalancers {
    let model = reader.model;
    let mut found = LoadBalancers::default();
    for target_group in model.target_groups() {
        reader.report_resource(target_group.resource);
        found.add_target_group(target_group, reader);
    }
    for load_balancer in model.load_balancers() {
        reader.report_resource(load_balancer.resource);
        found.add_load_balancer(load_balancer, reader);
    }
    for listener in model.listeners() {
        reader.report_resource(listener.resource);
        found.add_listener(listener, reader);
    }
    for rule in model.listener_rules() {
        reader.report_resource(rule.resource);
        if listener_of(&rule.value.listener_arn, rule.resource, "its rule is not tried", reader).is_none() {
            // Its actions can still have errors.
            actions::read(&rule.value.actions, &rule.resource.properties_path(), reader);
        }
    }
    for more in model.listener_certificates() {
        reader.report_resource(more.resource);
        found.add_certificates(more, reader);
    }
    for load_balancer in found.load_balancers.values_mut() {
        let own = records.iter().filter(|(_, to)| *to == load_balancer.dns_name);
        load_balancer.aliases.extend(own.map(|(name, _)| name.clone()));
    }
    let without_listener: Vec<String> = found
        .load_balancers
        .values()
        .filter(|load_balancer| load_balancer.listeners.is_empty())
        .map(|load_balancer| load_balancer.name.clone())
        .collect();
    for name in without_listener {
        found.load_balancers.remove(&name);
        reader.mark_not_simulated(name, "load balancer without a listener");
    }
    found
}

impl LoadBalancers {
    fn add_target_group(&mut self, found: TypedResource<'_, elbv2::TargetGroup>, reader: &mut Reader<'_, '_>) {
        let Some(name) = name_of(found.resource, reader) else {
            return;
        };
        let path = found.resource.properties_path();
        if self.target_groups.contains_key(&name) {
            report(
                reader.diagnostics,
                format!("{path}.Name"),
                format!("`{name}` is the name of another target group"),
            );
            return;
        }
        let (target_group, port) = target_group::read(&name, found.value, &path, reader);
        self.health_check_ports.extend(port.map(|port| (name.clone(), port)));
        self.target_groups.insert(name, target_group);
    }

    fn add_load_balancer(&mut self, found: TypedResource<'_, elbv2::LoadBalancer>, reader: &mut Reader<'_, '_>) {
        let Some(name) = name_of(found.resource, reader) else {
            return;
        };
        let path = found.resource.properties_path();
        let kind = found.value.kind.as_ref().and_then(known);
        let kind = match kind.as_deref() {
            None | Some("application") => LoadBalancerKind::Application,
            Some("network") => LoadBalancerKind::Network,
            Some(other) => {
                reader.mark_not_simulated(found.resource.qualified_id(), &format!("{other} load balancer"));
                return;
            }
        };
        if self.load_balancers.contains_key(&name) {
            report(
                reader.diagnostics,
                format!("{path}.Name"),
                format!("`{name}` is the name of another load balancer"),
            );
            return;
        }
        // Its identifiers are its ARN and its host name.
        let dns_name = found.resource.identifiers.last().cloned().unwrap_or_default();
        let mut load_balancer = LoadBalancer::new(name.clone(), kind, dns_name);
        for (index, attribute) in found.value.load_balancer_attributes.iter().enumerate() {
            let (Some(key), Some(value)) = (known(&attribute.key), known(&attribute.value)) else {
                continue;
            };
            let path = format!("{path}.LoadBalancerAttributes[{index}]");
            match key.as_str() {
                "idle_timeout.timeout_seconds" => match value.parse() {
                    Ok(seconds) => load_balancer.idle_timeout = Duration::from_secs(seconds),
                    Err(_) => report(
                        reader.diagnostics,
                        format!("{path}.Value"),
                        format!("is `{value}`; allowed is a number of seconds"),
                    ),
                },
                "routing.http.xff_header_processing.mode" => match value.as_str() {
                    "append" => load_balancer.forwarded_for = ForwardedFor::Append,
                    "preserve" => load_balancer.forwarded_for = ForwardedFor::Preserve,
                    "remove" => load_balancer.forwarded_for = ForwardedFor::Remove,
                    other => report(
                        reader.diagnostics,
                        format!("{path}.Value"),
                        format!("is `{other}`; allowed are append, preserve and remove"),
                    ),
                },
                key if is_without_effect(key) => {}
                key => reader.mark_not_simulated(path, &format!("attribute {key}")),
            }
        }
        self.load_balancers.insert(name, load_balancer);
    }

    fn add_listener(&mut self, found: TypedResource<'_, elbv2::Listener>, reader: &mut Reader<'_, '_>) {
        let path = found.resource.properties_path();
        let properties = found.value;
        let arn = &properties.load_balancer_arn;
        let load_balancer = reader.model.referenced_as(arn, elbv2::LoadBalancer::KIND);
        let name = load_balancer.and_then(|load_balancer| load_balancer.name.clone());
        let default_action = actions::read(&properties.default_actions, &format!("{path}.DefaultActions"), reader);
        if name.is_none() {
            reader.mark_not_simulated(
                found.resource.qualified_id(),
                "its load balancer is in none of the given templates",
            );
        }
        let Some(name) = name.filter(|name| self.load_balancers.contains_key(name)) else {
            return;
        };
        let rules = self.rules_of(found, reader);
        let protocol = properties.protocol.as_ref().and_then(known);
        let protocol = match protocol.as_deref() {
            Some("HTTP") => ListenerProtocol::Http,
            Some("HTTPS") => ListenerProtocol::Https,
            Some("TCP") => ListenerProtocol::Tcp,
            Some("TCP_UDP") => {
                reader.mark_not_simulated(format!("{path}.Protocol"), "UDP of the listener: TCP is served");
                ListenerProtocol::Tcp
            }
            Some("TLS") => ListenerProtocol::Tls,
            Some(other) => {
                reader.mark_not_simulated(found.resource.qualified_id(), &format!("listener of {other}"));
                return;
            }
            None => {
                report(reader.diagnostics, format!("{path}.Protocol"), "is missing");
                return;
            }
        };
        let port = properties.port.as_ref().and_then(Value::known).copied();
        let Some(port) = port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0) else {
            report(
                reader.diagnostics,
                format!("{path}.Port"),
                "is missing; allowed is 1 to 65535",
            );
            return;
        };
        let certificates: Vec<String> = certificate_arns(&properties.certificates).collect();
        let has_tls = matches!(protocol, ListenerProtocol::Https | ListenerProtocol::Tls);
        if has_tls && certificates.is_empty() {
            report(
                reader.diagnostics,
                format!("{path}.Certificates"),
                "is missing, for TLS",
            );
            return;
        }
        let Some(default_action) = default_action else { return };
        let listener = Listener {
            protocol,
            certificates,
            rules,
            default_action,
        };
        let Some(load_balancer) = self.load_balancers.get_mut(&name) else {
            return;
        };
        if load_balancer.listeners.contains_key(&port) {
            report(
                reader.diagnostics,
                format!("{path}.Port"),
                format!("{port} is the port of another listener of the same load balancer"),
            );
            return;
        }
        load_balancer.listeners.insert(port, listener);
    }

    /// The rules of a listener in the order in which they are tried.
    fn rules_of(&mut self, listener: TypedResource<'_, elbv2::Listener>, reader: &mut Reader<'_, '_>) -> Vec<Rule> {
        let model = reader.model;
        let mut placed: Vec<PlacedRule<'_>> = Vec::new();
        for rule in model.listener_rules() {
            let of = model.referenced_as(&rule.value.listener_arn, elbv2::Listener::KIND);
            if of.is_none_or(|of| of.path != listener.resource.path) {
                continue;
            }
            reader.report_resource(rule.resource);
            let path = rule.resource.properties_path();
            let conditions = conditions::read(&rule.value.conditions, &format!("{path}.Conditions"), reader);
            let action = actions::read(&rule.value.actions, &format!("{path}.Actions"), reader);
            let priority = rule.value.priority.known().copied();
            if priority.is_none() {
                reader.assume(
                    format!("{path}.Priority"),
                    "is known only on AWS; the rule is tried after those with a priority",
                );
            }
            if let Some(priority) = priority
                && let Some(other) = placed.iter().find(|other| other.priority == Some(priority))
            {
                report(
                    reader.diagnostics,
                    format!("{path}.Priority"),
                    format!("{priority} is the priority of {} on the same listener", other.path),
                );
            }
            if let (Some(conditions), Some(action)) = (conditions, action) {
                placed.push(PlacedRule {
                    priority,
                    path: &rule.resource.path,
                    rule: Rule {
                        name: rule.resource.qualified_id(),
                        conditions,
                        action,
                    },
                });
            }
        }
        // Stable: rules without a priority keep the order of the template.
        placed.sort_by_key(|rule| rule.priority.unwrap_or(u32::MAX));
        let (paths, rules): (Vec<&str>, Vec<Rule>) = placed.into_iter().map(|rule| (rule.path, rule.rule)).unzip();
        for (shadowed, by) in shadowed_rules(&rules) {
            let message = format!(
                "never matches: {}, which is tried first, matches all of its requests",
                paths[by]
            );
            self.warnings
                .push((format!("{}.Properties.Conditions", paths[shadowed]), message));
        }
        rules
    }

    fn add_certificates(&mut self, found: TypedResource<'_, elbv2::ListenerCertificate>, reader: &mut Reader<'_, '_>) {
        let note = "its certificates are not used";
        let Some(listener) = listener_of(&found.value.listener_arn, found.resource, note, reader) else {
            return;
        };
        let model = reader.model;
        let typed = model.listeners().find(|other| other.resource.path == listener.path);
        let Some(typed) = typed.map(|typed| typed.value) else {
            return;
        };
        let load_balancer = model.referenced_as(&typed.load_balancer_arn, elbv2::LoadBalancer::KIND);
        let name = load_balancer.and_then(|load_balancer| load_balancer.name.as_deref());
        let port = typed.port.as_ref().and_then(|port| u16::try_from(*port.known()?).ok());
        let (Some(name), Some(port)) = (name, port) else { return };
        let known = self.load_balancers.get_mut(name);
        if let Some(listener) = known.and_then(|known| known.listeners.get_mut(&port)) {
            listener
                .certificates
                .extend(certificate_arns(&found.value.certificates));
        }
    }
}

/// The listener that a rule or a certificate belongs to. `note` says what follows if it is in none of the templates.
fn listener_of<'m>(
    arn: &Value<String>,
    resource: &InputResource<'_>,
    note: &str,
    reader: &mut Reader<'m, '_>,
) -> Option<&'m InputResource<'m>> {
    let listener = reader.model.referenced_as(arn, elbv2::Listener::KIND);
    if listener.is_none() {
        let what = format!("its listener is in none of the given templates: {note}");
        reader.mark_not_simulated(resource.qualified_id(), &what);
    }
    listener
}

fn certificate_arns(certificates: &[elbv2::Certificate]) -> impl Iterator<Item = String> {
    certificates
        .iter()
        .filter_map(|certificate| known(certificate.certificate_arn.as_ref()?))
}

/// The name of a load balancer or target group, which is part of local file names. `None` if it is not valid.
fn name_of(resource: &InputResource<'_>, reader: &mut Reader<'_, '_>) -> Option<String> {
    let name = resource.name.clone().unwrap_or_default();
    let before = reader.diagnostics.iter().count();
    check_name(
        &name,
        format!("{}.Name", resource.properties_path()),
        reader.diagnostics,
    );
    (reader.diagnostics.iter().count() == before).then_some(name)
}

/// Whether an attribute of load balancers has no effect on one machine: zones, logs, protection, and mitigations that
/// Envoy has by itself.
fn is_without_effect(key: &str) -> bool {
    const KEYS: [&str; 13] = [
        "client_keep_alive.seconds",
        "deletion_protection.enabled",
        "dns_record.client_routing_policy",
        "ipv6.deny_all_igw_traffic",
        "load_balancing.cross_zone.enabled",
        "routing.http.desync_mitigation_mode",
        "routing.http.drop_invalid_header_fields.enabled",
        "routing.http.preserve_host_header.enabled",
        "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
        "routing.http.xff_client_port.enabled",
        "routing.http2.enabled",
        "zonal_shift.config.enabled",
        "waf.fail_open.enabled",
    ];
    const PREFIXES: [&str; 3] = ["access_logs.", "connection_logs.", "health_check_logs."];
    KEYS.contains(&key) || PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}
