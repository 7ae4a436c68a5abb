//! All failures with their labels, predicates and messages, in one table.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use sidecar_contract::MeshSuffixes;

use super::*;
use crate::resolver::{ResolveError, ResolveErrorKind};

type Predicate = (&'static str, fn(&Error) -> bool);

const PREDICATES: &[Predicate] = &[
    ("is_builder", Error::is_builder),
    ("is_outside_mesh", Error::is_outside_mesh),
    ("is_name_not_found", Error::is_name_not_found),
    ("is_name_lookup_failed", Error::is_name_lookup_failed),
    ("is_address_refused", Error::is_address_refused),
    ("is_connect", Error::is_connect),
    ("is_sidecar_unreachable", Error::is_sidecar_unreachable),
    ("is_unknown_service", Error::is_unknown_service),
    ("is_no_route", Error::is_no_route),
    ("is_no_healthy_endpoint", Error::is_no_healthy_endpoint),
    ("is_unreachable", Error::is_unreachable),
    ("is_timeout", Error::is_timeout),
    ("is_rejected_by_sidecar", Error::is_rejected_by_sidecar),
    ("is_expired", Error::is_expired),
    ("is_interrupted", Error::is_interrupted),
    ("is_request_body", Error::is_request_body),
    ("is_status", Error::is_status),
    ("is_body", Error::is_body),
    ("is_decode", Error::is_decode),
    ("is_retryable", Error::is_retryable),
];

fn error(kind: Kind) -> Error {
    Error::new(Some("blue.appmesh"), kind)
}

fn local_reply(reason: LocalReply, status: StatusCode, body: &str) -> Error {
    Error::from_local_reply("blue.appmesh", reason, status, SanitisedText::new(body.as_bytes()))
}

fn attempts() -> Vec<String> {
    ["one", "two"].map(str::to_owned).into()
}

fn unresolved(kind: ResolveErrorKind, with_hint: bool) -> Error {
    let error = ResolveError {
        kind,
        attempts: attempts(),
    };
    Error::resolve("blue.appmesh", &error, with_hint)
}

/// The error, its label, the predicates that are true, its message.
fn table() -> Vec<(Error, &'static str, &'static str, &'static str)> {
    let sidecar = SocketAddr::from(([127, 0, 0, 1], 15001));
    let outside = Error::outside_mesh(
        "example.com".to_owned(),
        &MeshSuffixes::from_list("serviceconnect,appmesh"),
    );
    let unknown = Error::unknown_local_reply(
        "blue.appmesh",
        SanitisedText::new(b"too-busy"),
        StatusCode::SERVICE_UNAVAILABLE,
        SanitisedText::new(b""),
    );
    vec![
        (
            Error::builder(None, "`blue` is not a URL"),
            "builder",
            "is_builder",
            "the call was not sent: `blue` is not a URL",
        ),
        (
            error(Kind::Builder("no".to_owned())),
            "builder",
            "is_builder",
            "the call to `blue.appmesh` was not sent: no",
        ),
        (
            outside,
            "outside_mesh",
            "is_outside_mesh",
            "`example.com` is outside the mesh; allowed are names that end in `appmesh` or `serviceconnect`",
        ),
        (
            Error::expired("blue.appmesh"),
            "expired",
            "is_timeout is_expired",
            "`blue.appmesh` was not called: its deadline had already passed",
        ),
        (
            unresolved(ResolveErrorKind::NoSuchName, true),
            "name_not_found",
            "is_name_not_found",
            "`blue.appmesh` does not resolve: no such name in DNS; without a sidecar, add a record to a private DNS zone \
             or an entry to the hosts file; with a sidecar, set MESHWRIGHT_EGRESS (tried: one; two)",
        ),
        (
            unresolved(ResolveErrorKind::NoAddress, false),
            "name_not_found",
            "is_name_not_found",
            "`blue.appmesh` does not resolve: the name has no address in DNS (tried: one; two)",
        ),
        (
            unresolved(ResolveErrorKind::NoAnswer, false),
            "name_lookup",
            "is_name_lookup_failed is_retryable",
            "`blue.appmesh` could not be resolved: the DNS lookup failed (tried: one; two)",
        ),
        (
            unresolved(
                ResolveErrorKind::Rejected {
                    address: [169, 254, 169, 254].into(),
                    reason: "link-local",
                },
                true,
            ),
            "address_refused",
            "is_address_refused",
            "`blue.appmesh` resolves to 169.254.169.254, which is not allowed: it is link-local (tried: one; two)",
        ),
        (
            Error::not_connected("blue.appmesh", attempts(), false, None),
            "connect",
            "is_connect is_retryable",
            "`blue.appmesh` was not called: no connection could be established (tried: one; two)",
        ),
        (
            Error::not_connected("blue.appmesh", attempts(), true, None),
            "connect",
            "is_connect is_retryable",
            "`blue.appmesh` was not called: no connection could be established; the sidecar may not be running (tried: \
             one; two)",
        ),
        (
            error(Kind::SidecarUnreachable(sidecar)),
            "sidecar_unreachable",
            "is_sidecar_unreachable is_retryable",
            "the sidecar at 127.0.0.1:15001 is not reachable, so `blue.appmesh` was not called",
        ),
        (
            local_reply(LocalReply::UnknownService, StatusCode::NOT_FOUND, "known are a and b\n"),
            "unknown_service",
            "is_unknown_service",
            "no service `blue.appmesh` in this mesh: known are a and b",
        ),
        (
            local_reply(LocalReply::NoRoute, StatusCode::NOT_FOUND, ""),
            "no_route",
            "is_no_route",
            "no route of `blue.appmesh` matches the request",
        ),
        (
            local_reply(
                LocalReply::NoHealthyEndpoint,
                StatusCode::SERVICE_UNAVAILABLE,
                "no healthy upstream",
            ),
            "no_healthy_endpoint",
            "is_no_healthy_endpoint is_retryable",
            "no healthy endpoint of `blue.appmesh`: no healthy upstream",
        ),
        (
            local_reply(
                LocalReply::Unreachable,
                StatusCode::SERVICE_UNAVAILABLE,
                "connection refused",
            ),
            "unreachable",
            "is_unreachable",
            "the mesh could not reach `blue.appmesh`: connection refused",
        ),
        (
            local_reply(LocalReply::TimedOut, StatusCode::GATEWAY_TIMEOUT, ""),
            "timeout",
            "is_timeout",
            "`blue.appmesh` did not respond within the mesh's timeout",
        ),
        (
            local_reply(
                LocalReply::HeadersTooLarge,
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "",
            ),
            "headers_too_large",
            "is_rejected_by_sidecar",
            "the sidecar rejected the call to `blue.appmesh`: its headers are larger, or more, than the mesh allows",
        ),
        (
            local_reply(LocalReply::Rejected, StatusCode::BAD_REQUEST, "Bad Request"),
            "rejected",
            "is_rejected_by_sidecar",
            "the sidecar rejected the call to `blue.appmesh` with 400 Bad Request: Bad Request",
        ),
        (
            local_reply(LocalReply::Failed, StatusCode::SERVICE_UNAVAILABLE, "envoy overloaded"),
            "sidecar_failed",
            "",
            "the sidecar failed with 503 Service Unavailable in place of `blue.appmesh`: envoy overloaded",
        ),
        (
            unknown,
            "other_fault",
            "",
            "the sidecar replied 503 Service Unavailable in place of `blue.appmesh`, for a reason unknown to this \
             version: too-busy",
        ),
        (
            error(Kind::NoResponse(Duration::from_secs(17))),
            "timeout",
            "is_timeout",
            "`blue.appmesh` did not respond within 17s",
        ),
        (
            error(Kind::IncompleteResponse(Duration::from_millis(1500))),
            "timeout",
            "is_timeout",
            "the response of `blue.appmesh` was not complete within 1.5s",
        ),
        (
            error(Kind::Interrupted(Peer::Sidecar(sidecar))),
            "interrupted",
            "is_interrupted",
            "the connection to the sidecar at 127.0.0.1:15001 broke before `blue.appmesh` responded",
        ),
        (
            error(Kind::Interrupted(Peer::Address(sidecar))),
            "interrupted",
            "is_interrupted",
            "the connection to 127.0.0.1:15001 broke before `blue.appmesh` responded",
        ),
        (
            error(Kind::RequestBody),
            "request_body",
            "is_request_body",
            "the call to `blue.appmesh` was aborted: its request body failed",
        ),
        (
            Error::from_status("blue.appmesh", StatusCode::NOT_FOUND),
            "status",
            "is_status",
            "`blue.appmesh` responded with 404 Not Found",
        ),
        (
            error(Kind::Body),
            "body",
            "is_body",
            "the connection broke within the response of `blue.appmesh`",
        ),
        (
            error(Kind::Decode),
            "decode",
            "is_decode",
            "the response of `blue.appmesh` is not JSON of the expected shape",
        ),
    ]
}

#[test]
fn every_failure_has_a_label_predicates_and_a_message() {
    for (error, label, predicates, message) in table() {
        assert_eq!(error.to_string(), message);
        assert_eq!(error.label(), label, "{message}");
        let actual: Vec<&str> = PREDICATES
            .iter()
            .filter(|(_, predicate)| predicate(&error))
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(actual.join(" "), predicates, "{message}");
        if let Some(service) = error.service() {
            assert!(message.contains(service), "{message}");
        }
    }
}

#[test]
fn all_labels_are_listed() {
    let used: BTreeSet<&str> = table().iter().map(|(error, ..)| error.label()).collect();
    assert_eq!(used, Error::LABELS.iter().copied().collect());
}

#[test]
fn errors_of_responses_have_a_status() {
    let statuses: Vec<u16> = table()
        .iter()
        .filter_map(|(error, ..)| error.status())
        .map(|status| status.as_u16())
        .collect();
    assert_eq!(statuses, [404, 404, 503, 503, 504, 431, 400, 503, 503, 404]);
    assert_eq!(
        local_reply(LocalReply::TimedOut, StatusCode::GATEWAY_TIMEOUT, "").local_reply(),
        Some(LocalReply::TimedOut)
    );
}
