//! Direct responses of a sidecar, marked as local replies.

use envoy_types::pb::envoy::config::core::v3::data_source::Specifier;
use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{DataSource, HeaderValue, HeaderValueOption};
use envoy_types::pb::envoy::config::route::v3::route::Action;
use envoy_types::pb::envoy::config::route::v3::route_match::PathSpecifier;
use envoy_types::pb::envoy::config::route::v3::{DirectResponseAction, Route, RouteMatch};
use sidecar_contract::{LocalReply, local_reply};

/// Envoy rejects direct responses of more than 4 KiB.
const MAX_LENGTH: usize = 4096;

/// A route with a direct response: status, local-reply header and explanation.
pub(super) fn direct_response(matching: RouteMatch, status: u32, reason: LocalReply, mut explanation: String) -> Route {
    if explanation.len() > MAX_LENGTH {
        let end = (0..=MAX_LENGTH).rfind(|end| explanation.is_char_boundary(*end));
        explanation.truncate(end.unwrap_or(0));
    }
    Route {
        r#match: Some(matching),
        response_headers_to_add: vec![local_reply_header(reason)],
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

/// The header of a local reply.
pub(super) fn local_reply_header(reason: LocalReply) -> HeaderValueOption {
    set_header(local_reply::HEADER, reason.as_str())
}

/// The header of a local reply that has none yet.
pub(super) fn default_local_reply_header(reason: LocalReply) -> HeaderValueOption {
    HeaderValueOption {
        append_action: HeaderAppendAction::AddIfAbsent.into(),
        ..local_reply_header(reason)
    }
}

/// Sets a header, or replaces it.
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
pub(super) fn match_all() -> RouteMatch {
    RouteMatch {
        path_specifier: Some(PathSpecifier::Prefix("/".to_owned())),
        ..Default::default()
    }
}

/// The names that can be called, abbreviated.
pub(super) fn abbreviated(names: &[String]) -> String {
    const MOST: usize = 20;
    match names.len() {
        count if count > MOST => format!("{} and {} more", names[..MOST].join(", "), count - MOST),
        _ => names.join(", "),
    }
}
