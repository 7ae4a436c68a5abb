//! Redirects as Envoy's redirect actions.

use envoy_types::pb::envoy::config::route::v3::RedirectAction;
use envoy_types::pb::envoy::config::route::v3::redirect_action::{
    PathRewriteSpecifier, RedirectResponseCode, SchemeRewriteSpecifier,
};
use envoy_types::pb::envoy::r#type::matcher::v3::{RegexMatchAndSubstitute, RegexMatcher};
use mesh_model::load_balancer::{Redirect, RedirectPart};

use super::routes::Ports;

/// The action of a redirect. `notes` receives the parts that Envoy cannot express.
pub(super) fn action(redirect: &Redirect, rule: &str, ports: &Ports<'_>, notes: &mut Vec<String>) -> RedirectAction {
    let mut unsupported = |part: &str| {
        notes.push(format!(
            "{rule}: the {part} of the redirect has parts of the request that are not supported there, and is that of the \
             request"
        ));
    };
    let is_own_host = redirect.host == [RedirectPart::Host];
    let host = match text(&redirect.host) {
        Some(host) => host,
        None => {
            if !is_own_host {
                unsupported("host");
            }
            String::new()
        }
    };
    // A port of this load balancer is another one here, as seen by its clients.
    let port = redirect
        .port
        .map(|port| if is_own_host { ports.as_seen(port) } else { port });
    let query = text(&redirect.query);
    let strips_query = query.is_some();
    if query.is_none() && redirect.query != [RedirectPart::Query] {
        unsupported("query");
    }
    let query = query.filter(|query| !query.is_empty());
    let path = match (text(&redirect.path), substitution(&redirect.path)) {
        (Some(path), _) => {
            let query = query.map_or_else(String::new, |query| format!("?{query}"));
            Some(PathRewriteSpecifier::PathRedirect(format!("{path}{query}")))
        }
        (None, substitution) => {
            if query.is_some() {
                unsupported("query");
            }
            match substitution {
                Some(same) if same == r"/\1" => None,
                Some(substitution) => Some(PathRewriteSpecifier::RegexRewrite(RegexMatchAndSubstitute {
                    pattern: Some(RegexMatcher {
                        regex: "^/(.*)$".to_owned(),
                        ..Default::default()
                    }),
                    substitution,
                })),
                None => {
                    unsupported("path");
                    None
                }
            }
        }
    };
    let code = if redirect.is_permanent {
        RedirectResponseCode::MovedPermanently
    } else {
        RedirectResponseCode::Found
    };
    RedirectAction {
        host_redirect: host,
        port_redirect: port.map_or(0, u32::from),
        response_code: code.into(),
        strip_query: strips_query,
        scheme_rewrite_specifier: redirect
            .scheme
            .map(|scheme| SchemeRewriteSpecifier::SchemeRedirect(scheme.to_owned())),
        path_rewrite_specifier: path,
    }
}

/// The text of parts that have nothing of the request.
fn text(parts: &[RedirectPart]) -> Option<String> {
    parts
        .iter()
        .map(|part| match part {
            RedirectPart::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

/// The substitution of a path, of which `\1` is all after the first slash. `None` for parts that are not of the path.
fn substitution(parts: &[RedirectPart]) -> Option<String> {
    parts
        .iter()
        .map(|part| match part {
            RedirectPart::Text(text) => Some(text.replace('\\', r"\\")),
            RedirectPart::Path => Some(r"\1".to_owned()),
            _ => None,
        })
        .collect()
}
