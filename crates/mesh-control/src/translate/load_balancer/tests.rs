//! Route matches of conditions, as regular expressions.

use envoy_types::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier;
use envoy_types::pb::envoy::config::route::v3::route_match::PathSpecifier;
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use mesh_model::load_balancer::{Condition, FixedResponse, LoadBalancerKind, Pattern, QueryParameter, Rule};

use super::*;
use crate::node::MeshwrightMetadata;

fn wildcard(text: &str) -> Pattern {
    Pattern::Wildcard(text.to_owned())
}

/// The regular expressions of a condition, that of the path first.
fn regexes(condition: Condition) -> Vec<String> {
    let matching = conditions::route_match(&[condition]);
    let path = match matching.path_specifier {
        Some(PathSpecifier::SafeRegex(matcher)) => Some(matcher.regex),
        _ => None,
    };
    let headers = matching.headers.into_iter().filter_map(|header| {
        let Some(HeaderMatchSpecifier::StringMatch(matcher)) = header.header_match_specifier else {
            return None;
        };
        match matcher.match_pattern {
            Some(MatchPattern::SafeRegex(matcher)) => Some(matcher.regex),
            _ => None,
        }
    });
    path.into_iter().chain(headers).collect()
}

#[test]
fn conditions_are_regular_expressions() {
    let query = |key: Option<&str>, value: &str| {
        Condition::Query(vec![QueryParameter {
            key: key.map(str::to_owned),
            value: value.to_owned(),
        }])
    };
    for (condition, expected) in [
        (
            Condition::Path(vec![wildcard("/api/*"), wildcard("/v?")]),
            r"(?:\/api\/.*|\/v.)",
        ),
        (
            Condition::Host(vec![wildcard("*.shop.test")]),
            r"(?i)(?:(?:.*\.shop\.test))(?::[0-9]+)?",
        ),
        (Condition::Method(vec!["GET".to_owned(), "HEAD".to_owned()]), "GET|HEAD"),
        (
            query(Some("version"), "v*"),
            r"(?i)[^?]*\?(?:.*&)?(?:version=v[^&]*)(?:&.*)?",
        ),
        (query(None, "x"), r"(?i)[^?]*\?(?:.*&)?(?:(?:[^&=]*=)?x)(?:&.*)?"),
    ] {
        assert_eq!(regexes(condition.clone()), [expected], "{condition:?}");
    }
}

#[test]
fn a_listener_without_a_certificate_is_not_served() {
    let mut load_balancer = LoadBalancer::new("shop", LoadBalancerKind::Application, "shop.test");
    let listener = Listener {
        protocol: ListenerProtocol::Https,
        certificates: vec!["arn:a".to_owned()],
        rules: vec![Rule {
            name: "rule".to_owned(),
            conditions: Vec::new(),
            action: Action::FixedResponse(FixedResponse {
                status: 200,
                content_type: None,
                body: String::new(),
            }),
        }],
        default_action: Action::Forward(mesh_model::load_balancer::Forward::to("gone")),
    };
    load_balancer.listeners.insert(443, listener);
    let state = MeshState {
        load_balancers: [("shop".to_owned(), load_balancer)].into(),
        ..MeshState::default()
    };
    let metadata = NodeMetadata {
        listener_ports: [(ingress_listener("443"), 40_000)].into(),
        extension: MeshwrightMetadata::default(),
    };
    let translation = super::load_balancer(&state, "shop", &metadata).expect("a load balancer");
    assert_eq!(
        translation.notes,
        [
            "port 443 is not served: there is no certificate for arn:a",
            "target group `gone` does not exist, and has no targets",
        ]
    );
    assert_eq!(super::load_balancer(&state, "other", &metadata), None);
}
