//! Answers that a sidecar gives in place of the service that was called, marked as its own.

use envoy_types::pb::envoy::config::core::v3::data_source::Specifier;
use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{DataSource, HeaderValue, HeaderValueOption};
use envoy_types::pb::envoy::config::route::v3::route::Action;
use envoy_types::pb::envoy::config::route::v3::route_match::PathSpecifier;
use envoy_types::pb::envoy::config::route::v3::{DirectResponseAction, Route, RouteMatch};
use sidecar_contract::{LocalReply, local_reply};

/// Envoy refuses direct responses beyond 4 KiB.
const LONGEST: usize = 4096;

/// Answers whatever matches with a status, a mark and an explanation.
pub(super) fn answer(matching: RouteMatch, status: u32, fault: LocalReply, mut explanation: String) -> Route {
    if explanation.len() > LONGEST {
        let end = (0..=LONGEST).rfind(|end| explanation.is_char_boundary(*end));
        explanation.truncate(end.unwrap_or(0));
    }
    Route {
        r#match: Some(matching),
        response_headers_to_add: vec![mark(fault)],
        action: Some(Action::DirectResponse(DirectResponseAction {
            status,
            body: Some(DataSource {
                specifier: Some(Specifier::InlineString(explanation)),
                ..Default::default()
            }),
            ..Default::default()
        })),
        ..Default::default()
    }
}

/// The header by which a sidecar marks an answer as its own.
pub(super) fn mark(fault: LocalReply) -> HeaderValueOption {
    set_header(local_reply::HEADER, fault.as_str())
}

/// Sets a header, whatever it was before.
pub(super) fn set_header(name: &str, value: &str) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue {
            key: name.to_owned(),
            value: value.to_owned(),
            ..Default::default()
        }),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
        ..Default::default()
    }
}

/// Matches every request.
pub(super) fn every_path() -> RouteMatch {
    RouteMatch {
        path_specifier: Some(PathSpecifier::Prefix("/".to_owned())),
        ..Default::default()
    }
}

/// The names that can be called, for whoever called another: not more than somebody reads.
pub(super) fn some_of(names: &[String]) -> String {
    const MOST: usize = 20;
    match names.len() {
        count if count > MOST => format!("{} and {} more", names[..MOST].join(", "), count - MOST),
        _ => names.join(", "),
    }
}
