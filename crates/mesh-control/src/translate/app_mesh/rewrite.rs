//! Host and path rewrites of gateway routes. Source: App Mesh user guide, "Gateway routes", and the configuration of a
//! real gateway (read 2026-11-23).
//!
//! A matched prefix is replaced by `/` by default: with the prefix `/chapter`, `/chapter/1` arrives as `/1`. A prefix
//! is not a path segment, so `/chapter1` arrives as `/1`, too.

use envoy_types::pb::envoy::config::route::v3::RouteAction;
use envoy_types::pb::envoy::config::route::v3::RouteMatch;
use envoy_types::pb::envoy::config::route::v3::route_action::HostRewriteSpecifier;
use envoy_types::pb::envoy::config::route::v3::route_match::PathSpecifier;
use envoy_types::pb::envoy::r#type::matcher::v3::{RegexMatchAndSubstitute, RegexMatcher};
use mesh_model::app_mesh::gateway_route::{
    DefaultRewrite, HostnameRewrite, HttpGatewayRouteMatch, HttpGatewayRouteRewrite, PrefixRewrite,
};

/// The rewrite of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PathChange {
    /// Unchanged.
    None,
    /// Replaces the matched prefix.
    Prefix(String),
    /// Replaces the whole path.
    Whole(String),
}

/// The path rewrite of a gateway route with this match, if any. A match without a path is one of the prefix `/`.
pub(super) fn of_path(matching: &HttpGatewayRouteMatch, rewrite: Option<&HttpGatewayRouteRewrite>) -> PathChange {
    let prefix = match (&matching.path, &matching.prefix) {
        (Some(_), None) => None,
        (_, prefix) => Some(prefix.as_deref().unwrap_or("/")),
    };
    let path = rewrite.and_then(|rewrite| rewrite.path.as_ref()?.exact.as_ref());
    if let Some(whole) = path {
        return PathChange::Whole(whole.clone());
    }
    let wanted = rewrite.and_then(|rewrite| rewrite.prefix.clone()).unwrap_or_default();
    match (prefix, wanted) {
        (None, _) => PathChange::None,
        (Some(_), PrefixRewrite { value: Some(value), .. }) => PathChange::Prefix(value),
        (
            Some(_),
            PrefixRewrite {
                default_prefix: Some(DefaultRewrite::Disabled),
                ..
            },
        ) => PathChange::None,
        (Some("/"), _) => PathChange::None,
        (Some(_), _) => PathChange::Prefix("/".to_owned()),
    }
}

/// The rewritten host, if it differs.
pub(super) fn of_host(service: &str, rewrite: Option<HostnameRewrite>) -> Option<String> {
    let wanted = rewrite.and_then(|rewrite| rewrite.default_target_hostname);
    (wanted != Some(DefaultRewrite::Disabled)).then(|| service.to_owned())
}

/// A match and an action with this rewrite. A replaced prefix becomes two routes, one for what follows a slash and one
/// for the rest: `/chapter/1` must not become `//1`.
pub(super) fn apply(matching: RouteMatch, action: RouteAction, path: PathChange) -> Vec<(RouteMatch, RouteAction)> {
    match path {
        PathChange::None => vec![(matching, action)],
        PathChange::Whole(whole) => {
            let action = RouteAction {
                regex_rewrite: Some(RegexMatchAndSubstitute {
                    pattern: Some(RegexMatcher {
                        regex: "^/.*$".to_owned(),
                        ..Default::default()
                    }),
                    // A backslash before a digit would be a reference to a capture group.
                    substitution: whole.replace('\\', "\\\\"),
                }),
                ..action
            };
            vec![(matching, action)]
        }
        PathChange::Prefix(replacement) => {
            let action = RouteAction {
                prefix_rewrite: replacement,
                ..action
            };
            let with_slash = match &matching.path_specifier {
                Some(PathSpecifier::Prefix(prefix)) if !prefix.ends_with('/') => Some(RouteMatch {
                    path_specifier: Some(PathSpecifier::Prefix(format!("{prefix}/"))),
                    ..matching.clone()
                }),
                _ => None,
            };
            with_slash
                .into_iter()
                .chain([matching])
                .map(|matching| (matching, action.clone()))
                .collect()
        }
    }
}

/// The action with another host.
pub(super) fn with_host(action: RouteAction, host: Option<String>) -> RouteAction {
    RouteAction {
        host_rewrite_specifier: host.map(HostRewriteSpecifier::HostRewriteLiteral),
        ..action
    }
}
