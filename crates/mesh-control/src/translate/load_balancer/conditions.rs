//! Conditions of rules as route matches.
//!
//! A route match has one path, and headers and query parameters that must all match; alternatives are regular
//! expressions. Query parameters are matched in the request target, because a key may be any.

use envoy_types::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier;
use envoy_types::pb::envoy::config::route::v3::route_match::PathSpecifier;
use envoy_types::pb::envoy::config::route::v3::{HeaderMatcher, RouteMatch};
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use envoy_types::pb::envoy::r#type::matcher::v3::{RegexMatcher, StringMatcher};
use mesh_model::load_balancer::{Condition, Pattern, QueryParameter, wildcard_regex};

/// The match for all of these conditions. Conditions on source addresses are left to filter chains.
pub(super) fn route_match(conditions: &[Condition]) -> RouteMatch {
    let mut path = None;
    let mut headers = Vec::new();
    for condition in conditions {
        match condition {
            Condition::Path(patterns) => path = Some(alternatives(patterns)),
            Condition::Host(patterns) => {
                let hosts = alternatives(patterns);
                headers.push(header(":authority", format!("(?i)(?:{hosts})(?::[0-9]+)?")));
            }
            Condition::Header { name, values } => headers.push(header(name, format!("(?i){}", alternatives(values)))),
            Condition::Method(methods) => {
                let methods: Vec<String> = methods.iter().map(|method| wildcard_regex_of_text(method)).collect();
                headers.push(header(":method", methods.join("|")));
            }
            Condition::Query(parameters) => headers.push(header(":path", query_regex(parameters))),
            Condition::SourceIp(_) => {}
        }
    }
    RouteMatch {
        path_specifier: Some(match path {
            Some(regex) => PathSpecifier::SafeRegex(matcher(regex)),
            None => PathSpecifier::Prefix("/".to_owned()),
        }),
        headers,
        ..Default::default()
    }
}

/// Matches requests with this cookie, among others.
pub(super) fn cookie(name: &str, value: &str) -> HeaderMatcher {
    let value = wildcard_regex_of_text(value);
    header("cookie", format!(r"(?:.*[;,] *)?{name}={value}(?:[;,].*)?"))
}

/// The expression of one of several patterns.
fn alternatives(patterns: &[Pattern]) -> String {
    let patterns: Vec<String> = patterns.iter().map(Pattern::to_regex).collect();
    format!("(?:{})", patterns.join("|"))
}

/// A request target with one of these query parameters.
fn query_regex(parameters: &[QueryParameter]) -> String {
    let parameters: Vec<String> = parameters.iter().map(query_parameter).collect();
    let alternatives = parameters.join("|");
    // `.` does not match line feeds, which no request target has.
    format!(r"(?i)[^?]*\?(?:.*&)?(?:{alternatives})(?:&.*)?")
}

fn query_parameter(parameter: &QueryParameter) -> String {
    let value = wildcard_regex(&parameter.value, "[^&]", true);
    match &parameter.key {
        Some(key) => format!("{}={value}", wildcard_regex(key, "[^&=]", true)),
        // A value without a key, or with any.
        None => format!("(?:[^&=]*=)?{value}"),
    }
}

/// A text without wildcards.
fn wildcard_regex_of_text(text: &str) -> String {
    let escaped: String = text.chars().flat_map(|character| ['\\', character]).collect();
    wildcard_regex(&escaped, ".", true)
}

fn header(name: &str, regex: String) -> HeaderMatcher {
    HeaderMatcher {
        name: name.to_ascii_lowercase(),
        header_match_specifier: Some(HeaderMatchSpecifier::StringMatch(StringMatcher {
            match_pattern: Some(MatchPattern::SafeRegex(matcher(regex))),
            ..Default::default()
        })),
        ..Default::default()
    }
}

fn matcher(regex: String) -> RegexMatcher {
    RegexMatcher {
        regex,
        ..Default::default()
    }
}
