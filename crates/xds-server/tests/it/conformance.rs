//! The outlines of the xDS conformance harness (<https://github.com/ii/xds-test-harness>, `features/`, read 2026-12-01), with
//! clients of this crate's own tests.
//!
//! | outline of the harness | test here | types |
//! |---|---|---|
//! | subscribing 1: all resources on a wildcard request | [`a_wildcard_gets_everything`] | CDS, LDS |
//! | subscribing 2: updates of a wildcard | [`a_wildcard_gets_updates`] | CDS, LDS |
//! | subscribing 3: additions to a wildcard | [`a_wildcard_gets_additions`] | CDS, LDS |
//! | subscribing 4: only the named resources | [`names_get_only_these_resources`] | all |
//! | subscribing 5, 6: changes of named resources | [`names_get_their_changes`] | CDS, LDS; RDS, EDS |
//! | subscribing 7, 8: named resources that are created later | [`names_get_what_is_created_later`] | CDS, LDS; RDS, EDS |
//! | subscribing 9: several types on one stream | [`types_share_a_stream`] | CDS and LDS, RDS and EDS |
//! | unsubscribing 1, 2: some of the names | [`unsubscribed_names_get_nothing_more`] | CDS, LDS; RDS, EDS |
//! | unsubscribing 3: all of the names | [`a_client_without_names_gets_nothing`] | all |
//! | unsubscribing 4: several types on one stream | [`types_share_a_stream`] | CDS and LDS, RDS and EDS |
//! | delta 1: one subscription after the other | [`names_may_be_added`] | all |
//! | delta 2: only what has changed | [`names_get_their_changes`] | all |
//! | delta 3: names that do not exist yet | [`names_get_what_is_created_later`] | all |
//! | delta 4: removals | [`removals_are_sent`] | all |
//! | delta 5: one after the other unsubscribed | [`unsubscribed_names_get_nothing_more`] | all |
//! | acknack: ACK, NACK, stale nonces | [`a_nack_is_not_answered_until_something_changes`], [`a_stale_nonce_changes_nothing`] | all |
//!
//! Outlines of one protocol are tested in both, where the other one has the same. "Never responds more than necessary" is
//! [`Client::assert_silent`].

use std::collections::{BTreeMap, BTreeSet};

use xds_server::{Limits, ResourceType, XdsProtocol};

use crate::server::{Client, Response, Server, snapshot, with};

const ALL: [ResourceType; 4] = [
    ResourceType::Cluster,
    ResourceType::Endpoint,
    ResourceType::Listener,
    ResourceType::Route,
];
const WILDCARD: [ResourceType; 2] = [ResourceType::Cluster, ResourceType::Listener];
const BOTH: [XdsProtocol; 2] = [XdsProtocol::Sotw, XdsProtocol::Delta];

fn resources(expected: &[(&str, u32)]) -> BTreeMap<String, u32> {
    expected
        .iter()
        .map(|(name, content)| ((*name).to_owned(), *content))
        .collect()
}

fn names(expected: &[&str]) -> BTreeSet<String> {
    expected.iter().map(|name| (*name).to_owned()).collect()
}

/// A stream to a server with these resources.
struct Case {
    kind: ResourceType,
    protocol: XdsProtocol,
    server: Server,
    client: Client,
}

impl Case {
    async fn each(kinds: &[ResourceType], protocols: &[XdsProtocol], initial: &[(&str, u32)]) -> Vec<Self> {
        let mut cases = Vec::new();
        for kind in kinds {
            for protocol in protocols {
                let server = Server::start(Limits::default(), None).await;
                server.source.set(snapshot(*kind, initial));
                let client = server.client(*protocol, "envoy-1").await;
                cases.push(Self {
                    kind: *kind,
                    protocol: *protocol,
                    server,
                    client,
                });
            }
        }
        cases
    }

    fn set(&self, resources: &[(&str, u32)]) {
        self.server.source.set(snapshot(self.kind, resources));
    }

    async fn subscribe(&mut self, names: &[&str]) {
        self.client.subscribe(self.kind, names).await;
    }

    async fn unsubscribe(&mut self, names: &[&str]) {
        self.client.unsubscribe(self.kind, names).await;
    }

    /// The next response has these resources, and is ACKed.
    async fn expect(&mut self, expected: &[(&str, u32)]) -> Response {
        let response = self.expect_unanswered(expected).await;
        self.client.ack(self.kind).await;
        response
    }

    async fn expect_unanswered(&mut self, expected: &[(&str, u32)]) -> Response {
        let response = self.client.response().await;
        let context = format!("{} {:?}: {response:?}", self.kind, self.protocol);
        assert_eq!(response.kind, self.kind, "{context}");
        assert_eq!(response.resources, resources(expected), "{context}");
        assert!(!response.nonce.is_empty() && !response.version.is_empty(), "{context}");
        response
    }

    /// The change of some resources: SotW has everything subscribed for clusters and listeners, and otherwise what changed.
    async fn expect_change(&mut self, all: &[(&str, u32)], changed: &[(&str, u32)]) -> Response {
        let has_all = self.protocol == XdsProtocol::Sotw && self.kind.is_wildcard_type();
        self.expect(if has_all { all } else { changed }).await
    }

    async fn assert_silent(&mut self) {
        self.client.assert_silent(self.kind).await;
    }
}

#[tokio::test]
async fn a_wildcard_gets_everything() {
    let all = [("a", 1), ("b", 1), ("c", 1)];
    for mut case in Case::each(&WILDCARD, &BOTH, &all).await {
        case.subscribe(&[]).await;
        case.expect(&all).await;
        case.assert_silent().await;
        // The explicit form.
        let mut explicit = case.server.client(case.protocol, "envoy-2").await;
        explicit.subscribe(case.kind, &["*"]).await;
        assert_eq!(explicit.response().await.resources, resources(&all));
    }
}

#[tokio::test]
async fn a_wildcard_gets_updates() {
    for mut case in Case::each(&WILDCARD, &BOTH, &[("a", 1), ("b", 1), ("c", 1)]).await {
        case.subscribe(&[]).await;
        let before = case.expect(&[("a", 1), ("b", 1), ("c", 1)]).await;
        let after = [("a", 2), ("b", 1), ("c", 1)];
        case.set(&after);
        let response = case.expect_change(&after, &[("a", 2)]).await;
        assert_ne!((response.version, response.nonce), (before.version, before.nonce));
        case.assert_silent().await;
    }
}

#[tokio::test]
async fn a_wildcard_gets_additions() {
    for mut case in Case::each(&WILDCARD, &BOTH, &[("a", 1), ("b", 1)]).await {
        case.subscribe(&[]).await;
        case.expect(&[("a", 1), ("b", 1)]).await;
        let after = [("a", 1), ("b", 1), ("d", 2)];
        case.set(&after);
        case.expect_change(&after, &[("d", 2)]).await;
        case.assert_silent().await;
    }
}

#[tokio::test]
async fn names_get_only_these_resources() {
    for mut case in Case::each(&ALL, &BOTH, &[("a", 1), ("b", 1), ("c", 1), ("d", 1)]).await {
        case.subscribe(&["b", "d"]).await;
        case.expect(&[("b", 1), ("d", 1)]).await;
        case.assert_silent().await;
    }
}

#[tokio::test]
async fn names_get_their_changes() {
    for mut case in Case::each(&ALL, &BOTH, &[("a", 1), ("b", 1), ("c", 1), ("d", 1)]).await {
        case.subscribe(&["b", "d"]).await;
        case.expect(&[("b", 1), ("d", 1)]).await;
        case.set(&[("a", 1), ("b", 2), ("c", 1), ("d", 1)]);
        case.expect_change(&[("b", 2), ("d", 1)], &[("b", 2)]).await;
        case.set(&[("a", 2), ("b", 2), ("c", 1), ("d", 1)]);
        case.assert_silent().await;
    }
}

#[tokio::test]
async fn names_get_what_is_created_later() {
    for mut case in Case::each(&ALL, &BOTH, &[("a", 1), ("b", 1)]).await {
        case.subscribe(&["a", "z"]).await;
        let response = case.expect(&[("a", 1)]).await;
        if case.protocol == XdsProtocol::Delta {
            assert_eq!(
                response.removed,
                names(&["z"]),
                "the client learns that it does not exist"
            );
        }
        case.set(&[("a", 1), ("b", 1), ("z", 2)]);
        case.expect_change(&[("a", 1), ("z", 2)], &[("z", 2)]).await;
        case.assert_silent().await;
    }
}

#[tokio::test]
async fn types_share_a_stream() {
    let pairs = [
        (ResourceType::Cluster, ResourceType::Listener),
        (ResourceType::Route, ResourceType::Endpoint),
    ];
    for protocol in BOTH {
        for (first, second) in pairs {
            let server = Server::start(Limits::default(), None).await;
            let both = |content| {
                let names = ["a", "b", "c"];
                let one = names
                    .iter()
                    .fold(snapshot(first, &[]), |all, name| with(all, first, name, content));
                names.iter().fold(one, |all, name| with(all, second, name, 1))
            };
            server.source.set(both(1));
            let mut client = server.client(protocol, "envoy-1").await;
            for kind in [first, second] {
                client.subscribe(kind, &["b"]).await;
                let response = client.response().await;
                assert_eq!((response.kind, response.resources), (kind, resources(&[("b", 1)])));
                client.ack(kind).await;
            }
            server.source.set(both(2));
            let response = client.response().await;
            assert_eq!((response.kind, response.resources), (first, resources(&[("b", 2)])));
            client.ack(first).await;
            // One stream, one node.
            assert_eq!(server.board.nodes().len(), 1);
            server
                .board
                .wait_until(|nodes| nodes.iter().all(|node| node.settled))
                .await;
        }
    }
}

#[tokio::test]
async fn names_may_be_added() {
    for mut case in Case::each(&ALL, &BOTH, &[("a", 1), ("b", 1), ("c", 1)]).await {
        case.subscribe(&["a"]).await;
        case.expect(&[("a", 1)]).await;
        case.subscribe(&["b"]).await;
        case.expect_change(&[("a", 1), ("b", 1)], &[("b", 1)]).await;
        case.assert_silent().await;
    }
}

#[tokio::test]
async fn unsubscribed_names_get_nothing_more() {
    for mut case in Case::each(&ALL, &BOTH, &[("a", 1), ("b", 1), ("c", 1)]).await {
        case.subscribe(&["a", "b"]).await;
        case.expect(&[("a", 1), ("b", 1)]).await;
        case.unsubscribe(&["b"]).await;
        case.assert_silent().await;
        case.set(&[("a", 1), ("b", 2), ("c", 1)]);
        case.assert_silent().await;
        case.set(&[("a", 2), ("b", 2), ("c", 1)]);
        case.expect(&[("a", 2)]).await;
        // And again.
        case.subscribe(&["b"]).await;
        case.expect_change(&[("a", 2), ("b", 2)], &[("b", 2)]).await;
        case.assert_silent().await;
    }
}

#[tokio::test]
async fn a_client_without_names_gets_nothing() {
    for mut case in Case::each(&ALL, &BOTH, &[("a", 1), ("b", 1), ("c", 1)]).await {
        case.subscribe(&["a", "b"]).await;
        case.expect(&[("a", 1), ("b", 1)]).await;
        // An empty list is a wildcard only on the first request.
        case.unsubscribe(&["a", "b"]).await;
        case.assert_silent().await;
        case.set(&[("a", 2), ("b", 2), ("c", 2)]);
        case.assert_silent().await;
    }
}

#[tokio::test]
async fn removals_are_sent() {
    for mut case in Case::each(&ALL, &[XdsProtocol::Delta], &[("a", 1), ("b", 1)]).await {
        case.subscribe(&["a", "b"]).await;
        case.expect(&[("a", 1), ("b", 1)]).await;
        case.set(&[("a", 1)]);
        let response = case.expect(&[]).await;
        assert_eq!(response.removed, names(&["b"]));
        case.set(&[("a", 1), ("b", 2)]);
        let response = case.expect(&[("b", 2)]).await;
        assert_eq!(response.removed, names(&[]));
        case.assert_silent().await;
    }
    // SotW has removals of clusters and listeners only: what a complete response leaves out.
    for mut case in Case::each(&WILDCARD, &[XdsProtocol::Sotw], &[("a", 1), ("b", 1)]).await {
        case.subscribe(&["a", "b"]).await;
        case.expect(&[("a", 1), ("b", 1)]).await;
        case.set(&[("a", 1)]);
        case.expect(&[("a", 1)]).await;
        case.set(&[("a", 1), ("b", 2)]);
        case.expect(&[("a", 1), ("b", 2)]).await;
        case.assert_silent().await;
    }
}

#[tokio::test]
async fn a_nack_is_not_answered_until_something_changes() {
    for mut case in Case::each(&ALL, &BOTH, &[("a", 1)]).await {
        case.subscribe(&["a"]).await;
        case.expect_unanswered(&[("a", 1)]).await;
        case.client.nack(case.kind, "a is not accepted").await;
        case.assert_silent().await;
        let rejected = case.server.board.nodes()[0].rejected().next().cloned();
        assert_eq!(rejected.expect("a rejected resource").message, "a is not accepted");
        case.set(&[("a", 2)]);
        case.expect(&[("a", 2)]).await;
        case.assert_silent().await;
    }
}

#[tokio::test]
async fn a_stale_nonce_changes_nothing() {
    for mut case in Case::each(&ALL, &BOTH, &[("a", 1)]).await {
        case.subscribe(&["a"]).await;
        let first = case.expect(&[("a", 1)]).await;
        case.set(&[("a", 2)]);
        case.expect_unanswered(&[("a", 2)]).await;
        case.client.nack_stale(case.kind, &first.nonce).await;
        case.client.ack(case.kind).await;
        case.assert_silent().await;
        assert_eq!(
            case.server.board.nodes()[0].rejected().count(),
            0,
            "the NACK was of another response"
        );
        case.server.board.wait_until(|nodes| nodes[0].settled).await;
    }
}
