//! Target groups, with the defaults of Elastic Load Balancing.
//!
//! Source of the defaults: API reference of Elastic Load Balancing, `CreateTargetGroup` and `TargetGroupAttribute` (read
//! 2026-12-01).

use std::time::Duration;

use mesh_infra::Value;
use mesh_infra::cfn::elbv2;
use mesh_model::load_balancer::{Algorithm, Probe, TargetGroup, TargetHealthCheck, TargetProtocol, TargetStickiness};

use super::super::reader::Reader;
use super::super::report;
use super::super::values::{known, seconds};

/// The load balancer's own cookie.
const LOAD_BALANCER_COOKIE: &str = "AWSALB";
/// The load balancer's cookie beside that of an application.
const APPLICATION_COOKIE: &str = "AWSALBAPP-0";
/// The lifetime of both, unless configured.
const COOKIE_SECONDS: u64 = 86_400;

/// The target group, and the port of its health checks if it is not that of the targets.
pub(super) fn read(
    name: &str,
    properties: &elbv2::TargetGroup,
    path: &str,
    reader: &mut Reader<'_, '_>,
) -> (TargetGroup, Option<u16>) {
    let protocol = properties.protocol.as_ref().and_then(known);
    let version = properties.protocol_version.as_ref().and_then(known);
    let target_type = properties.target_type.as_ref().and_then(known);
    if let Some(kind @ ("lambda" | "alb")) = target_type.as_deref() {
        reader.mark_not_simulated(format!("{path}.TargetType"), &format!("targets of the type {kind}"));
    }
    if properties.targets.is_some() {
        reader.mark_not_simulated(format!("{path}.Targets"), "targets that are not tasks");
    }
    let is_http = matches!(protocol.as_deref(), Some("HTTP" | "HTTPS"));
    let target_protocol = match (is_http, version.as_deref()) {
        (false, _) => TargetProtocol::Tcp,
        (true, Some("HTTP2")) => TargetProtocol::Http2,
        (true, Some("GRPC")) => TargetProtocol::Grpc,
        (true, _) => TargetProtocol::Http1,
    };
    if let Some(datagrams @ ("UDP" | "QUIC" | "GENEVE")) = protocol.as_deref() {
        reader.mark_not_simulated(format!("{path}.Protocol"), &format!("targets of {datagrams}"));
    }
    let mut target_group = TargetGroup::new(name, target_protocol);
    target_group.has_tls = matches!(protocol.as_deref(), Some("HTTPS" | "TLS"));
    target_group.health_check = health_check(properties, target_protocol, path, reader);
    attributes(&mut target_group, properties, path, reader);
    (target_group, health_check_port(properties, path, reader))
}

fn health_check(
    properties: &elbv2::TargetGroup,
    protocol: TargetProtocol,
    path: &str,
    reader: &mut Reader<'_, '_>,
) -> Option<TargetHealthCheck> {
    if properties.health_check_enabled.as_ref().and_then(Value::known) == Some(&false) {
        return None;
    }
    let own = properties.protocol.as_ref().and_then(known).unwrap_or_default();
    let default = if protocol == TargetProtocol::Tcp {
        "TCP"
    } else {
        own.as_str()
    };
    let checked = properties.health_check_protocol.as_ref().and_then(known);
    let checked = checked.as_deref().unwrap_or(default);
    let has_tls = own == "HTTPS" || own == "TLS";
    if checked == "HTTPS" && !has_tls || checked == "HTTP" && has_tls {
        reader.mark_not_simulated(
            format!("{path}.HealthCheckProtocol"),
            &format!("health checks of {checked} beside targets of {own}: they are as the targets' own protocol"),
        );
    }
    let is_tcp = !matches!(checked, "HTTP" | "HTTPS");
    let codes = properties
        .matcher
        .as_ref()
        .and_then(|matcher| matcher.http_code.as_ref());
    let default_codes = match protocol {
        TargetProtocol::Tcp => "200-399",
        TargetProtocol::Http1 | TargetProtocol::Http2 | TargetProtocol::Grpc => "200",
    };
    let codes = codes.and_then(known).unwrap_or_else(|| default_codes.to_owned());
    let default_path = if protocol == TargetProtocol::Grpc {
        "/AWS.ALB/healthcheck"
    } else {
        "/"
    };
    let probe = if is_tcp {
        Probe::Tcp
    } else {
        Probe::Http {
            path: properties
                .health_check_path
                .as_ref()
                .and_then(known)
                .unwrap_or_else(|| default_path.to_owned()),
            codes: parse_codes(&codes).unwrap_or_else(|| {
                report(
                    reader.diagnostics,
                    format!("{path}.Matcher.HttpCode"),
                    format!("is `{codes}`; allowed are codes from 200 to 599, such as 200,302 or 200-399"),
                );
                vec![(200, 200)]
            }),
        }
    };
    let count = |value: Option<&Value<u32>>, default: u32| value.and_then(Value::known).copied().unwrap_or(default);
    let timeout = match checked {
        "HTTP" if protocol == TargetProtocol::Tcp => 6,
        "HTTP" | "HTTPS" if protocol != TargetProtocol::Tcp => 5,
        _ => 10,
    };
    Some(TargetHealthCheck {
        probe,
        interval: seconds(properties.health_check_interval_seconds.as_ref(), 30),
        timeout: seconds(properties.health_check_timeout_seconds.as_ref(), timeout),
        healthy_threshold: count(properties.healthy_threshold_count.as_ref(), 5),
        unhealthy_threshold: count(properties.unhealthy_threshold_count.as_ref(), 2),
    })
}

/// The ranges of `200,302` or `200-399`.
fn parse_codes(text: &str) -> Option<Vec<(u16, u16)>> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        (200..=599).contains(&first).then_some(())?;
        (first <= last && last <= 599).then_some((first, last))
    };
    text.split(',').map(range).collect()
}

fn health_check_port(properties: &elbv2::TargetGroup, path: &str, reader: &mut Reader<'_, '_>) -> Option<u16> {
    let port = properties.health_check_port.as_ref().and_then(known)?;
    if port == "traffic-port" {
        return None;
    }
    let number = port.parse().ok().filter(|port| *port > 0);
    if number.is_none() {
        report(
            reader.diagnostics,
            format!("{path}.HealthCheckPort"),
            format!("is `{port}`; allowed is 1 to 65535, or traffic-port"),
        );
    }
    number
}

fn attributes(
    target_group: &mut TargetGroup,
    properties: &elbv2::TargetGroup,
    path: &str,
    reader: &mut Reader<'_, '_>,
) {
    let (mut is_sticky, mut kind, mut application_cookie) = (false, None, None);
    let (mut own_seconds, mut application_seconds) = (COOKIE_SECONDS, COOKIE_SECONDS);
    for (index, attribute) in properties.target_group_attributes.iter().enumerate() {
        let (Some(key), Some(value)) = (known(&attribute.key), known(&attribute.value)) else {
            continue;
        };
        let path = format!("{path}.TargetGroupAttributes[{index}]");
        let mut number = || -> u64 {
            value.parse().unwrap_or_else(|_| {
                let message = format!("is `{value}`; allowed is a number of seconds");
                report(reader.diagnostics, format!("{path}.Value"), message);
                0
            })
        };
        match key.as_str() {
            "deregistration_delay.timeout_seconds" => {
                target_group.deregistration_delay = Duration::from_secs(number());
            }
            "stickiness.enabled" => is_sticky = value == "true",
            "stickiness.type" => kind = Some(value),
            "stickiness.lb_cookie.duration_seconds" => own_seconds = number(),
            "stickiness.app_cookie.duration_seconds" => application_seconds = number(),
            "stickiness.app_cookie.cookie_name" => application_cookie = Some((path, value)),
            "slow_start.duration_seconds" => {
                let seconds = number();
                if seconds == 0 || (30..=900).contains(&seconds) {
                    target_group.slow_start = (seconds > 0).then(|| Duration::from_secs(seconds));
                } else {
                    let message = format!("is `{value}`; allowed is 30 to 900, or 0 for none");
                    report(reader.diagnostics, format!("{path}.Value"), message);
                }
            }
            "load_balancing.algorithm.type" => {
                target_group.algorithm = match value.as_str() {
                    "least_outstanding_requests" => Algorithm::LeastOutstandingRequests,
                    "round_robin" => Algorithm::RoundRobin,
                    other => {
                        reader.mark_not_simulated(path, &format!("algorithm {other}: targets are selected in turn"));
                        Algorithm::RoundRobin
                    }
                }
            }
            key if is_without_effect(key) => {}
            key => reader.mark_not_simulated(path, &format!("attribute {key}")),
        }
    }
    if !is_sticky {
        return;
    }
    target_group.stickiness = match kind.as_deref() {
        Some("app_cookie") => {
            if let Some((path, cookie)) = application_cookie {
                let note = format!(
                    "a client stays at a target from its first response on, whether that sets the cookie `{cookie}` or not"
                );
                reader.assume(path, note);
            }
            Some(TargetStickiness {
                cookie: APPLICATION_COOKIE,
                duration: Some(Duration::from_secs(application_seconds)),
            })
        }
        None | Some("lb_cookie") => Some(TargetStickiness {
            cookie: LOAD_BALANCER_COOKIE,
            duration: Some(Duration::from_secs(own_seconds)),
        }),
        Some(other) => {
            let path = format!("{path}.TargetGroupAttributes");
            reader.mark_not_simulated(path, &format!("stickiness by {other}"));
            None
        }
    };
}

/// Whether an attribute of target groups has no effect on one machine: zones, and what holds when targets fail on AWS.
fn is_without_effect(key: &str) -> bool {
    const KEYS: [&str; 4] = [
        "deregistration_delay.connection_termination.enabled",
        "load_balancing.algorithm.anomaly_mitigation",
        "load_balancing.cross_zone.enabled",
        "preserve_client_ip.enabled",
    ];
    const PREFIXES: [&str; 2] = ["target_group_health.", "target_health_state."];
    KEYS.contains(&key) || PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_single_or_ranges() {
        assert_eq!(parse_codes("200"), Some(vec![(200, 200)]));
        assert_eq!(parse_codes("200,301-302"), Some(vec![(200, 200), (301, 302)]));
        for wrong in ["", "20", "300-200", "a", "200;201"] {
            assert_eq!(parse_codes(wrong), None, "{wrong}");
        }
    }
}
