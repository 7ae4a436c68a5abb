//! Every failure with its label, its question and its sentence, in one table.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use sidecar_contract::MeshSuffixes;

use super::*;
use crate::resolver::{ResolveError, ResolveErrorKind};

type Question = (&'static str, fn(&Error) -> bool);

const QUESTIONS: [Question; 18] = [
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
    ("is_expired", Error::is_expired),
    ("is_interrupted", Error::is_interrupted),
    ("is_request_body", Error::is_request_body),
    ("is_status", Error::is_status),
    ("is_body", Error::is_body),
    ("is_decode", Error::is_decode),
];

fn error(kind: Kind) -> Error {
    Error::new(Some("blue.appmesh"), kind)
}

fn fault(fault: LocalReply, status: StatusCode, words: &str) -> Error {
    Error::local_reply_from("blue.appmesh", fault, status, SanitisedText::new(words.as_bytes()))
}

fn tried() -> Vec<String> {
    ["one", "two"].map(str::to_owned).into()
}

fn nowhere(why: ResolveErrorKind, advise: bool) -> Error {
    Error::name("blue.appmesh", &ResolveError { why, tried: tried() }, advise)
}

/// The error, its label, the questions it says yes to, its sentence.
fn table() -> Vec<(Error, &'static str, &'static str, &'static str)> {
    let sidecar = SocketAddr::from(([127, 0, 0, 1], 15001));
    let outside = Error::outside_mesh(
        "example.com".to_owned(),
        &MeshSuffixes::from_list("serviceconnect,appmesh"),
    );
    let other = Error::unknown_local_reply(
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
            "`example.com` is outside the mesh, whose names end in `appmesh` or `serviceconnect`",
        ),
        (
            Error::expired("blue.appmesh"),
            "expired",
            "is_timeout is_expired",
            "`blue.appmesh` was not called: the deadline had passed already",
        ),
        (
            nowhere(ResolveErrorKind::NoSuchName, true),
            "name_not_found",
            "is_name_not_found",
            "`blue.appmesh` leads nowhere: DNS has no such name; without a sidecar it needs a record in a private DNS \
             zone or an entry in the hosts file; with one, set MESHWRIGHT_EGRESS (tried: one; two)",
        ),
        (
            nowhere(ResolveErrorKind::NoAddress, false),
            "name_not_found",
            "is_name_not_found",
            "`blue.appmesh` leads nowhere: DNS has the name without an address (tried: one; two)",
        ),
        (
            nowhere(ResolveErrorKind::NoAnswer, false),
            "name_lookup",
            "is_name_lookup_failed",
            "`blue.appmesh` leads nowhere yet: it could not be looked up (tried: one; two)",
        ),
        (
            nowhere(
                ResolveErrorKind::Rejected {
                    address: [169, 254, 169, 254].into(),
                    why: "link-local",
                },
                true,
            ),
            "address_refused",
            "is_address_refused",
            "`blue.appmesh` leads to 169.254.169.254, which is never connected to: it is link-local (tried: one; two)",
        ),
        (
            Error::not_connected("blue.appmesh", tried(), false, None),
            "connect",
            "is_connect",
            "`blue.appmesh` was not called: no connection came about (tried: one; two)",
        ),
        (
            Error::not_connected("blue.appmesh", tried(), true, None),
            "connect",
            "is_connect",
            "`blue.appmesh` was not called: no connection came about, as happens when the sidecar is not running \
             (tried: one; two)",
        ),
        (
            error(Kind::SidecarUnreachable(sidecar)),
            "sidecar_unreachable",
            "is_sidecar_unreachable",
            "the sidecar at 127.0.0.1:15001 is not reachable, so `blue.appmesh` was not called",
        ),
        (
            fault(LocalReply::UnknownService, StatusCode::NOT_FOUND, "known are a and b\n"),
            "unknown_service",
            "is_unknown_service",
            "no service `blue.appmesh` in this mesh: known are a and b",
        ),
        (
            fault(LocalReply::NoRoute, StatusCode::NOT_FOUND, ""),
            "no_route",
            "is_no_route",
            "no route of `blue.appmesh` is for such a request",
        ),
        (
            fault(
                LocalReply::NoHealthyEndpoint,
                StatusCode::SERVICE_UNAVAILABLE,
                "no healthy upstream",
            ),
            "no_healthy_endpoint",
            "is_no_healthy_endpoint",
            "no healthy endpoint of `blue.appmesh`: no healthy upstream",
        ),
        (
            fault(
                LocalReply::Unreachable,
                StatusCode::SERVICE_UNAVAILABLE,
                "connection refused",
            ),
            "unreachable",
            "is_unreachable",
            "the mesh could not reach `blue.appmesh`: connection refused",
        ),
        (
            fault(LocalReply::TimedOut, StatusCode::GATEWAY_TIMEOUT, ""),
            "timeout",
            "is_timeout",
            "`blue.appmesh` did not answer within the time that the mesh allows",
        ),
        (
            other,
            "other_fault",
            "",
            "the sidecar answered 503 Service Unavailable in place of `blue.appmesh`, for a reason that this version \
             does not know: too-busy",
        ),
        (
            error(Kind::NoAnswer(Duration::from_secs(17))),
            "timeout",
            "is_timeout",
            "`blue.appmesh` did not answer within 17s",
        ),
        (
            error(Kind::NoEnd(Duration::from_millis(1500))),
            "timeout",
            "is_timeout",
            "`blue.appmesh` began to answer, but did not end within 1.5s",
        ),
        (
            error(Kind::Interrupted(Peer::Sidecar(sidecar))),
            "interrupted",
            "is_interrupted",
            "the connection to the sidecar at 127.0.0.1:15001 broke before `blue.appmesh` answered",
        ),
        (
            error(Kind::Interrupted(Peer::Address(sidecar))),
            "interrupted",
            "is_interrupted",
            "the connection to 127.0.0.1:15001 broke before `blue.appmesh` answered",
        ),
        (
            error(Kind::RequestBody),
            "request_body",
            "is_request_body",
            "the call to `blue.appmesh` broke off: its own body did",
        ),
        (
            Error::status_of("blue.appmesh", StatusCode::NOT_FOUND),
            "status",
            "is_status",
            "`blue.appmesh` answered 404 Not Found",
        ),
        (
            error(Kind::Body),
            "body",
            "is_body",
            "the answer of `blue.appmesh` broke off",
        ),
        (
            error(Kind::Decode),
            "decode",
            "is_decode",
            "the answer of `blue.appmesh` is not the JSON that was asked for",
        ),
    ]
}

#[test]
fn every_failure_has_a_label_a_question_and_a_sentence() {
    for (error, label, question, sentence) in table() {
        assert_eq!(error.to_string(), sentence);
        assert_eq!(error.label(), label, "{sentence}");
        let answers: Vec<&str> = QUESTIONS
            .iter()
            .filter(|(_, ask)| ask(&error))
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(answers.join(" "), question, "{sentence}");
        if let Some(service) = error.service() {
            assert!(sentence.contains(service), "{sentence}");
        }
    }
}

#[test]
fn the_set_of_labels_is_closed() {
    let used: BTreeSet<&str> = table().iter().map(|(error, ..)| error.label()).collect();
    assert_eq!(used, BTreeSet::from(Error::LABELS));
}

#[test]
fn only_answers_have_a_status() {
    let statuses: Vec<u16> = table()
        .iter()
        .filter_map(|(error, ..)| error.status())
        .map(|status| status.as_u16())
        .collect();
    assert_eq!(statuses, [404, 404, 503, 503, 504, 503, 404]);
    assert_eq!(
        fault(LocalReply::TimedOut, StatusCode::GATEWAY_TIMEOUT, "").local_reply(),
        Some(LocalReply::TimedOut)
    );
}
