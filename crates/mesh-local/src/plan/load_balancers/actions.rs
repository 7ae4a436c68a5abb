//! Actions of listeners and rules.

use std::time::Duration;

use mesh_infra::Value;
use mesh_infra::cfn::{ResourceType, elbv2};
use mesh_model::load_balancer::{Action, FixedResponse, Forward, Redirect, RedirectPart};

use super::super::reader::Reader;
use super::super::report;
use super::super::values::known;

/// The last action in order. Those before it authenticate the caller, and are listed as not simulated. `None` without a
/// usable one, which was reported.
pub(super) fn read(actions: &[elbv2::Action], path: &str, reader: &mut Reader<'_, '_>) -> Option<Action> {
    let mut ordered: Vec<(usize, &elbv2::Action)> = actions.iter().enumerate().collect();
    let order = |action: &elbv2::Action| {
        action
            .order
            .as_ref()
            .and_then(Value::known)
            .copied()
            .unwrap_or(u32::MAX)
    };
    ordered.sort_by_key(|(_, action)| order(action));
    let mut last = None;
    for (index, action) in ordered {
        let path = format!("{path}[{index}]");
        let Some(kind) = known(&action.kind) else { continue };
        match kind.as_str() {
            "forward" => last = forward(action, &path, reader).map(Action::Forward),
            "redirect" => last = redirect(action, &path, reader).map(Action::Redirect),
            "fixed-response" => last = fixed_response(action, &path, reader).map(Action::FixedResponse),
            "authenticate-cognito" | "authenticate-oidc" | "jwt-validation" => {
                reader.mark_not_simulated(path, &format!("action {kind}: every caller passes"));
            }
            other => report(
                reader.diagnostics,
                format!("{path}.Type"),
                format!(
                    "is `{other}`; allowed are forward, redirect, fixed-response, authenticate-oidc, \
                     authenticate-cognito and jwt-validation"
                ),
            ),
        }
    }
    if last.is_none() {
        report(
            reader.diagnostics,
            path,
            "has no action that ends a request: forward, redirect or fixed-response",
        );
    }
    last
}

fn forward(action: &elbv2::Action, path: &str, reader: &mut Reader<'_, '_>) -> Option<Forward> {
    let mut forward = Forward::default();
    let config = action.forward_config.as_ref();
    let tuples = config.map_or(&[][..], |config| &config.target_groups);
    for (index, tuple) in tuples.iter().enumerate() {
        let path = format!("{path}.ForwardConfig.TargetGroups[{index}]");
        let weight = tuple.weight.as_ref().and_then(Value::known).copied();
        if weight.is_some_and(|weight| weight > 999) {
            report(reader.diagnostics, format!("{path}.Weight"), "is above 999");
        }
        let arn = tuple.target_group_arn.as_ref();
        let path = format!("{path}.TargetGroupArn");
        let Some(arn) = arn else {
            report(reader.diagnostics, path, "is missing");
            continue;
        };
        forward
            .target_groups
            .extend(target_group(arn, &path, reader).map(|name| (name, weight.unwrap_or(1))));
    }
    if tuples.is_empty() {
        let path = format!("{path}.TargetGroupArn");
        let Some(arn) = &action.target_group_arn else {
            report(reader.diagnostics, path, "is missing, for `forward`");
            return None;
        };
        forward
            .target_groups
            .extend(target_group(arn, &path, reader).map(|name| (name, 1)));
    }
    let stickiness = config.and_then(|config| config.target_group_stickiness_config.as_ref());
    let is_sticky = stickiness.is_some_and(|sticky| sticky.enabled.as_ref().and_then(Value::known) == Some(&true));
    let seconds = stickiness.and_then(|sticky| sticky.duration_seconds.as_ref()?.known().copied());
    forward.stickiness = is_sticky.then(|| Duration::from_secs(seconds.unwrap_or(3600).into()));
    Some(forward)
}

/// The name of a target group. One that no given template has has no targets.
fn target_group(arn: &Value<String>, path: &str, reader: &mut Reader<'_, '_>) -> Option<String> {
    if let Some(found) = reader.model.referenced_as(arn, elbv2::TargetGroup::KIND) {
        return found.name.clone();
    }
    let arn = known(arn)?;
    reader.assume(
        path,
        format!("the target group `{arn}` is in none of the given templates, and has no targets here"),
    );
    Some(arn)
}

fn redirect(action: &elbv2::Action, path: &str, reader: &mut Reader<'_, '_>) -> Option<Redirect> {
    let path = format!("{path}.RedirectConfig");
    let Some(config) = &action.redirect_config else {
        report(reader.diagnostics, path, "is missing, for `redirect`");
        return None;
    };
    let part = |given: &Option<Value<String>>, default: &str| {
        let text = given.as_ref().and_then(known);
        RedirectPart::parse(text.as_deref().unwrap_or(default))
    };
    let protocol = config.protocol.as_ref().and_then(known);
    let scheme = match protocol.as_deref() {
        Some("HTTP") => Some("http"),
        Some("HTTPS") => Some("https"),
        None | Some("#{protocol}") => None,
        Some(other) => {
            report(
                reader.diagnostics,
                format!("{path}.Protocol"),
                format!("is `{other}`; allowed are HTTP, HTTPS and #{{protocol}}"),
            );
            None
        }
    };
    let port = config.port.as_ref().and_then(known);
    let port = match port.as_deref() {
        None | Some("#{port}") => None,
        Some(text) => text.parse().map_or_else(
            |_| {
                let message = format!("is `{text}`; allowed is 1 to 65535, or #{{port}}");
                report(reader.diagnostics, format!("{path}.Port"), message);
                None
            },
            Some,
        ),
    };
    Some(Redirect {
        is_permanent: known(&config.status_code).is_none_or(|code| code == "HTTP_301"),
        scheme,
        host: part(&config.host, "#{host}"),
        port,
        path: part(&config.path, "/#{path}"),
        query: part(&config.query, "#{query}"),
    })
}

fn fixed_response(action: &elbv2::Action, path: &str, reader: &mut Reader<'_, '_>) -> Option<FixedResponse> {
    let path = format!("{path}.FixedResponseConfig");
    let Some(config) = &action.fixed_response_config else {
        report(reader.diagnostics, path, "is missing, for `fixed-response`");
        return None;
    };
    let status = known(&config.status_code)?;
    let is_allowed = |status: &u16| matches!(status / 100, 2 | 4 | 5);
    let Some(status) = status.parse().ok().filter(is_allowed) else {
        report(
            reader.diagnostics,
            format!("{path}.StatusCode"),
            format!("is `{status}`; allowed are 2XX, 4XX and 5XX"),
        );
        return None;
    };
    let body = config.message_body.as_ref().and_then(known).unwrap_or_default();
    if body.len() > 1024 {
        let message = format!("has {} bytes; at most 1024 are allowed", body.len());
        report(reader.diagnostics, format!("{path}.MessageBody"), message);
        return None;
    }
    Some(FixedResponse {
        status,
        content_type: config.content_type.as_ref().and_then(known),
        body,
    })
}
