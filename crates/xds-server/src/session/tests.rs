//! Model test: a session against a client that behaves like Envoy, with events in random order. The invariants must hold at
//! each step, and in the end the client must have every resource of the snapshot.

mod client;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use proptest::prelude::*;

use super::*;
use crate::snapshot::Reference;
use client::{Client, ClientRequest};

/// A resource with a number as its content.
fn resource(kind: ResourceType, name: &str, content: u8, references: &[(ResourceType, String)]) -> Resource {
    let message = RouteConfiguration {
        name: format!("{name}={content}:{references:?}"),
        ..Default::default()
    };
    let references = references
        .iter()
        .map(|(kind, name)| Reference {
            kind: *kind,
            name: name.clone(),
        })
        .collect();
    Resource::with_references(kind, name, &message, references)
}

/// Clusters from this number on are discovered on demand.
const ON_DEMAND: u8 = 3;

/// The content of a snapshot: clusters with the content of each and of its endpoints, and listeners with the content of
/// each and of its routes, and the clusters of these routes.
#[derive(Debug, Clone)]
struct Plan {
    clusters: BTreeMap<u8, (u8, u8)>,
    listeners: BTreeMap<u8, (u8, u8, BTreeSet<u8>)>,
}

impl Plan {
    fn snapshot(&self) -> Arc<Snapshot> {
        let mut snapshot = Snapshot::new();
        for (number, (cluster, endpoints)) in &self.clusters {
            let name = format!("c{number}");
            let references = [(ResourceType::Endpoint, name.clone())];
            let cluster = resource(ResourceType::Cluster, &name, *cluster, &references);
            snapshot = snapshot.with(cluster.on_demand(*number >= ON_DEMAND)).with(resource(
                ResourceType::Endpoint,
                &name,
                *endpoints,
                &[],
            ));
        }
        for (number, (listener, routes, clusters)) in &self.listeners {
            let (name, routes_name) = (format!("l{number}"), format!("r{number}"));
            let used: Vec<_> = clusters
                .iter()
                .filter(|cluster| self.clusters.contains_key(cluster))
                .map(|cluster| (ResourceType::Cluster, format!("c{cluster}")))
                .collect();
            snapshot = snapshot
                .with(resource(
                    ResourceType::Listener,
                    &name,
                    *listener,
                    &[(ResourceType::Route, routes_name.clone())],
                ))
                .with(resource(ResourceType::Route, &routes_name, *routes, &used));
        }
        snapshot.check().expect("plans are consistent");
        Arc::new(snapshot)
    }
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let clusters = prop::collection::btree_map(0..5_u8, (0..3_u8, 0..3_u8), 0..5);
    let used = prop::collection::btree_set(0..5_u8, 0..3);
    let listeners = prop::collection::btree_map(0..2_u8, (0..3_u8, 0..3_u8, used), 0..3);
    let plan = (clusters, listeners).prop_map(|(clusters, listeners)| Plan { clusters, listeners });
    prop::collection::vec(plan, 1..5)
}

/// Plays events in the order of `choices`, then until nothing is left to do.
fn play(protocol: XdsProtocol, plans: &[Plan], choices: &[u8], rejects: u8, names_resources: bool) {
    let mut targets: VecDeque<Arc<Snapshot>> = plans.iter().map(Plan::snapshot).collect();
    let mut target = targets.pop_front().expect("at least one plan");
    let mut session = Session::new(protocol, Arc::clone(&target));
    let mut client = Client::new(protocol, rejects, names_resources);
    let mut in_flight: VecDeque<Push> = VecDeque::new();
    let mut quiet = 0;
    // After the choices, the kinds of events take turns until none has any effect.
    let events = choices.iter().copied().chain((0..4_u8).cycle());
    for (step, event) in events.enumerate() {
        assert!(step < 5_000, "does not settle");
        quiet += 1;
        match event {
            0 => {
                if let Some((kind, request)) = client.outbox.pop_front() {
                    match request {
                        ClientRequest::Sotw(request) => session.on_sotw_request(kind, &request),
                        ClientRequest::Delta(request) => session.on_delta_request(kind, &request),
                    };
                    quiet = 0;
                }
            }
            1 => {
                if let Some(push) = session.next_push() {
                    in_flight.push_back(push);
                    quiet = 0;
                }
            }
            2 => {
                if let Some(push) = in_flight.pop_front() {
                    client.on_push(&push);
                    quiet = 0;
                }
            }
            4 => {
                // SotW has no initial versions: a client that reconnects gets everything anew.
                if protocol == XdsProtocol::Delta {
                    session = Session::new(protocol, Arc::clone(&target));
                    in_flight.clear();
                    client.reconnect();
                }
            }
            5 => client.discover_on_demand(),
            _ => {
                if let Some(next) = targets.pop_front() {
                    target = next;
                    session.set_target(Arc::clone(&target));
                    quiet = 0;
                }
            }
        }
        if quiet > 4 && step > choices.len() + 4 {
            break;
        }
    }
    client.check_synced(&target);
    assert!(session.is_settled(), "the session is not settled");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pushes_are_complete_and_make_before_break(plans in plans(), choices in prop::collection::vec(0..6_u8, 0..60)) {
        play(XdsProtocol::Delta, &plans, &choices, 0, false);
        play(XdsProtocol::Sotw, &plans, &choices, 0, false);
    }

    #[test]
    fn a_nack_blocks_no_other_resource(
        plans in plans(),
        choices in prop::collection::vec(0..6_u8, 0..60),
        rejects in 2..7_u8,
        names_resources: bool,
    ) {
        play(XdsProtocol::Delta, &plans, &choices, rejects, names_resources);
        play(XdsProtocol::Sotw, &plans, &choices, rejects, names_resources);
    }
}

fn one_cluster(cluster: u8, endpoints: u8) -> Arc<Snapshot> {
    Plan {
        clusters: BTreeMap::from([(0, (cluster, endpoints))]),
        listeners: BTreeMap::new(),
    }
    .snapshot()
}

fn subscribe(names: &[&str]) -> DeltaRequest {
    DeltaRequest {
        subscribe: names.iter().map(|name| (*name).to_owned()).collect(),
        ..DeltaRequest::default()
    }
}

fn ack(session: &mut Session, push: &Push) {
    let request = DeltaRequest {
        ack: Some(Ack {
            nonce: push.nonce.clone(),
            error: None,
        }),
        ..DeltaRequest::default()
    };
    assert_eq!(session.on_delta_request(push.kind, &request), None);
}

#[test]
fn a_subscription_without_resources_gets_a_response() {
    let mut session = Session::new(XdsProtocol::Delta, Arc::new(Snapshot::new()));
    session.on_delta_request(ResourceType::Listener, &DeltaRequest::default());
    let push = session.next_push().expect("an empty response");
    assert!(push.set.is_empty() && push.removed.is_empty());
    session.on_delta_request(ResourceType::Endpoint, &subscribe(&["missing"]));
    assert_eq!(session.next_push().expect("a response").removed, ["missing".into()]);
}

#[test]
fn endpoints_are_resent_when_their_cluster_changes() {
    let mut session = Session::new(XdsProtocol::Delta, one_cluster(1, 1));
    session.on_delta_request(ResourceType::Cluster, &DeltaRequest::default());
    let cluster = session.next_push().expect("the cluster");
    session.on_delta_request(ResourceType::Endpoint, &subscribe(&["c0"]));
    // The client ACKs a cluster only once it has the endpoints.
    let endpoints = session.next_push().expect("the endpoints");
    ack(&mut session, &endpoints);
    ack(&mut session, &cluster);
    assert_eq!(session.next_push(), None);

    session.set_target(one_cluster(2, 1));
    let cluster = session.next_push().expect("the changed cluster");
    let resent = session.next_push().expect("the endpoints, resent");
    assert_eq!((resent.kind, &resent.set), (ResourceType::Endpoint, &endpoints.set));
    ack(&mut session, &resent);
    ack(&mut session, &cluster);
    assert_eq!(session.next_push(), None);
}

#[test]
fn endpoints_in_flight_while_their_cluster_changes_are_resent() {
    let mut session = Session::new(XdsProtocol::Delta, one_cluster(1, 1));
    session.on_delta_request(ResourceType::Cluster, &DeltaRequest::default());
    let cluster = session.next_push().expect("the cluster");
    session.on_delta_request(ResourceType::Endpoint, &subscribe(&["c0"]));
    let endpoints = session.next_push().expect("the endpoints");
    ack(&mut session, &cluster);

    session.set_target(one_cluster(2, 1));
    let changed = session.next_push().expect("the changed cluster");
    assert_eq!(session.next_push(), None, "one response in flight per type");
    ack(&mut session, &endpoints);
    let resent = session.next_push().expect("the endpoints, resent");
    assert_eq!(resent.set, endpoints.set);
    ack(&mut session, &resent);
    ack(&mut session, &changed);
    assert!(session.is_settled());
}

#[test]
fn a_reconnecting_client_gets_only_what_changed_meanwhile() {
    let before = one_cluster(1, 1);
    let initial_versions = |kind| -> Vec<(String, String)> {
        before
            .of_type(kind)
            .map(|resource| (resource.name().to_owned(), resource.version().to_owned()))
            .collect()
    };
    let reconnect = |kind| DeltaRequest {
        initial_versions: initial_versions(kind),
        ..subscribe(if kind == ResourceType::Endpoint {
            &["c0"]
        } else {
            &["*"]
        })
    };
    let mut session = Session::new(XdsProtocol::Delta, one_cluster(1, 2));
    session.on_delta_request(ResourceType::Cluster, &reconnect(ResourceType::Cluster));
    assert_eq!(session.next_push(), None, "the cluster has not changed");
    session.on_delta_request(ResourceType::Endpoint, &reconnect(ResourceType::Endpoint));
    assert_eq!(session.next_push().expect("the endpoints").kind, ResourceType::Endpoint);

    // A cluster that changed meanwhile needs its endpoints, although the client sends their versions only later.
    let mut session = Session::new(XdsProtocol::Delta, one_cluster(2, 1));
    session.on_delta_request(ResourceType::Cluster, &reconnect(ResourceType::Cluster));
    assert_eq!(session.next_push().expect("the cluster").kind, ResourceType::Cluster);
    session.on_delta_request(ResourceType::Endpoint, &reconnect(ResourceType::Endpoint));
    assert_eq!(session.next_push().expect("the endpoints").kind, ResourceType::Endpoint);
}

#[test]
fn an_ack_of_an_older_push_has_no_effect() {
    let mut session = Session::new(XdsProtocol::Sotw, one_cluster(1, 1));
    session.on_sotw_request(ResourceType::Cluster, &SotwRequest::default());
    let push = session.next_push().expect("the cluster");
    let stale = SotwRequest {
        names: Vec::new(),
        ack: Some(Ack {
            nonce: "cluster-0".to_owned(),
            error: Some("no".to_owned()),
        }),
    };
    assert_eq!(session.on_sotw_request(ResourceType::Cluster, &stale), None);
    assert!(!session.is_settled(), "the push is still in flight");
    let nack = SotwRequest {
        ack: Some(Ack {
            nonce: push.nonce,
            error: Some("no".to_owned()),
        }),
        ..stale
    };
    let nack = session.on_sotw_request(ResourceType::Cluster, &nack).expect("a NACK");
    assert_eq!(nack.resources, ["c0"]);
    assert_eq!(session.report(ResourceType::Cluster).rejected[0].message, "no");
    assert_eq!(session.next_push(), None, "it is not pushed again until it changes");
}

#[test]
fn types_are_indexed_in_their_order() {
    for (position, kind) in ResourceType::IN_ORDER.iter().copied().enumerate() {
        assert_eq!(kind.index(), position);
    }
}

#[test]
fn a_cluster_on_demand_is_sent_once_it_is_subscribed_to_by_name() {
    let plan = |content| Plan {
        clusters: BTreeMap::from([(0, (1, 1)), (ON_DEMAND, (content, 1))]),
        listeners: BTreeMap::new(),
    };
    let on_demand = format!("c{ON_DEMAND}");
    let mut session = Session::new(XdsProtocol::Delta, plan(1).snapshot());
    session.on_delta_request(ResourceType::Cluster, &DeltaRequest::default());
    let push = session.next_push().expect("all other clusters");
    assert_eq!(
        push.set.iter().map(|cluster| cluster.name()).collect::<Vec<_>>(),
        ["c0"]
    );
    ack(&mut session, &push);
    session.set_target(plan(2).snapshot());
    assert_eq!(session.next_push(), None, "the client does not have it");

    session.on_delta_request(ResourceType::Cluster, &subscribe(&[&on_demand]));
    let push = session.next_push().expect("the cluster");
    assert_eq!(
        push.set.iter().map(|cluster| cluster.name()).collect::<Vec<_>>(),
        [&on_demand]
    );
    ack(&mut session, &push);
    session.set_target(plan(3).snapshot());
    assert_eq!(session.next_push().expect("its change").set.len(), 1);

    let mut sotw = Session::new(XdsProtocol::Sotw, plan(1).snapshot());
    sotw.on_sotw_request(ResourceType::Cluster, &SotwRequest::default());
    assert_eq!(sotw.next_push().expect("all clusters").resources.len(), 2);
}
