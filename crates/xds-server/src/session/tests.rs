//! A session against a client that behaves like Envoy, under every order of events: what is promised must hold
//! at each step, and in the end the client must have what it was to have.

mod client;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use proptest::prelude::*;

use super::*;
use client::{Client, ClientRequest};

/// A resource whose content is a number, which is all that matters here.
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
    Resource::new(kind, name, &message, references)
}

/// What a snapshot is made of: clusters with the content of each and of its endpoints, and listeners with the
/// contents of each and of its routes, which lead to some of the clusters.
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
            snapshot = snapshot
                .with(resource(
                    ResourceType::Cluster,
                    &name,
                    *cluster,
                    &[(ResourceType::Endpoint, name.clone())],
                ))
                .with(resource(ResourceType::Endpoint, &name, *endpoints, &[]));
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
    let clusters = prop::collection::btree_map(0..4_u8, (0..3_u8, 0..3_u8), 0..4);
    let used = prop::collection::btree_set(0..4_u8, 0..3);
    let listeners = prop::collection::btree_map(0..2_u8, (0..3_u8, 0..3_u8, used), 0..3);
    let plan = (clusters, listeners).prop_map(|(clusters, listeners)| Plan { clusters, listeners });
    prop::collection::vec(plan, 1..5)
}

/// Lets events happen in the order of `choices`, then lets everything come to rest.
fn play(protocol: XdsProtocol, plans: &[Plan], choices: &[u8], refuses: u8, names_culprits: bool) {
    let mut targets: VecDeque<Arc<Snapshot>> = plans.iter().map(Plan::snapshot).collect();
    let mut target = targets.pop_front().expect("at least one plan");
    let mut session = Session::new(protocol, Arc::clone(&target));
    let mut client = Client::new(protocol, refuses, names_culprits);
    let mut wire: VecDeque<Push> = VecDeque::new();
    let mut quiet = 0;
    // Once the choices are used up, every kind of event gets its turn until none has anything left to do.
    let events = choices.iter().copied().chain((0..4_u8).cycle());
    for (step, event) in events.enumerate() {
        assert!(step < 5_000, "it never comes to rest");
        quiet += 1;
        match event {
            0 => {
                if let Some((kind, request)) = client.outbox.pop_front() {
                    match request {
                        ClientRequest::MeshState(request) => session.on_sotw_request(kind, &request),
                        ClientRequest::Delta(request) => session.on_delta_request(kind, &request),
                    };
                    quiet = 0;
                }
            }
            1 => {
                if let Some(push) = session.next_push() {
                    wire.push_back(push);
                    quiet = 0;
                }
            }
            2 => {
                if let Some(push) = wire.pop_front() {
                    client.on_push(&push);
                    quiet = 0;
                }
            }
            4 => {
                // In the state of the world, a client cannot say what it has, and is told everything anew.
                if protocol == XdsProtocol::Delta {
                    session = Session::new(protocol, Arc::clone(&target));
                    wire.clear();
                    client.come_back();
                }
            }
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
    client.check_arrived(&target);
    assert!(session.is_settled(), "the session still waits");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_client_gets_everything_in_order(plans in plans(), choices in prop::collection::vec(0..5_u8, 0..60)) {
        play(XdsProtocol::Delta, &plans, &choices, 0, false);
        play(XdsProtocol::Sotw, &plans, &choices, 0, false);
    }

    #[test]
    fn refusals_hold_up_nothing_else(
        plans in plans(),
        choices in prop::collection::vec(0..5_u8, 0..60),
        refuses in 2..7_u8,
        names_culprits: bool,
    ) {
        play(XdsProtocol::Delta, &plans, &choices, refuses, names_culprits);
        play(XdsProtocol::Sotw, &plans, &choices, refuses, names_culprits);
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

fn accept(session: &mut Session, push: &Push) {
    let request = DeltaRequest {
        answer: Some(Answer {
            nonce: push.nonce.clone(),
            error: None,
        }),
        ..DeltaRequest::default()
    };
    assert_eq!(session.on_delta_request(push.kind, &request), None);
}

#[test]
fn a_subscription_to_nothing_is_answered() {
    let mut session = Session::new(XdsProtocol::Delta, Arc::new(Snapshot::new()));
    session.on_delta_request(ResourceType::Listener, &DeltaRequest::default());
    let push = session.next_push().expect("an empty answer");
    assert!(push.set.is_empty() && push.removed.is_empty());
    session.on_delta_request(ResourceType::Endpoint, &subscribe(&["nowhere"]));
    assert_eq!(session.next_push().expect("an answer").removed, ["nowhere"]);
}

#[test]
fn endpoints_are_told_again_when_their_cluster_changes() {
    let mut session = Session::new(XdsProtocol::Delta, one_cluster(1, 1));
    session.on_delta_request(ResourceType::Cluster, &DeltaRequest::default());
    let cluster = session.next_push().expect("the cluster");
    session.on_delta_request(ResourceType::Endpoint, &subscribe(&["c0"]));
    // The client answers about a cluster only when it has the endpoints.
    let endpoints = session.next_push().expect("the endpoints");
    accept(&mut session, &endpoints);
    accept(&mut session, &cluster);
    assert_eq!(session.next_push(), None);

    session.set_target(one_cluster(2, 1));
    let cluster = session.next_push().expect("the changed cluster");
    let again = session.next_push().expect("the endpoints again");
    assert_eq!((again.kind, &again.set), (ResourceType::Endpoint, &endpoints.set));
    accept(&mut session, &again);
    accept(&mut session, &cluster);
    assert_eq!(session.next_push(), None);
}

#[test]
fn endpoints_on_their_way_while_their_cluster_changes_are_told_once_more() {
    let mut session = Session::new(XdsProtocol::Delta, one_cluster(1, 1));
    session.on_delta_request(ResourceType::Cluster, &DeltaRequest::default());
    let cluster = session.next_push().expect("the cluster");
    session.on_delta_request(ResourceType::Endpoint, &subscribe(&["c0"]));
    let endpoints = session.next_push().expect("the endpoints");
    accept(&mut session, &cluster);

    session.set_target(one_cluster(2, 1));
    let changed = session.next_push().expect("the changed cluster");
    assert_eq!(session.next_push(), None, "one answer at a time");
    accept(&mut session, &endpoints);
    let again = session.next_push().expect("the endpoints again");
    assert_eq!(again.set, endpoints.set);
    accept(&mut session, &again);
    accept(&mut session, &changed);
    assert!(session.is_settled());
}

#[test]
fn a_client_that_comes_back_is_told_only_what_changed_meanwhile() {
    let before = one_cluster(1, 1);
    let brought = |kind| -> Vec<(String, String)> {
        before
            .of_type(kind)
            .map(|resource| (resource.name.clone(), resource.version.clone()))
            .collect()
    };
    let returning = |kind| DeltaRequest {
        initial_versions: brought(kind),
        ..subscribe(if kind == ResourceType::Endpoint {
            &["c0"]
        } else {
            &["*"]
        })
    };
    let mut session = Session::new(XdsProtocol::Delta, one_cluster(1, 2));
    session.on_delta_request(ResourceType::Cluster, &returning(ResourceType::Cluster));
    assert_eq!(session.next_push(), None, "the cluster has not changed");
    session.on_delta_request(ResourceType::Endpoint, &returning(ResourceType::Endpoint));
    assert_eq!(session.next_push().expect("the endpoints").kind, ResourceType::Endpoint);

    // A cluster that changed meanwhile needs its endpoints, though the client says only later that it has them.
    let mut session = Session::new(XdsProtocol::Delta, one_cluster(2, 1));
    session.on_delta_request(ResourceType::Cluster, &returning(ResourceType::Cluster));
    assert_eq!(session.next_push().expect("the cluster").kind, ResourceType::Cluster);
    session.on_delta_request(ResourceType::Endpoint, &returning(ResourceType::Endpoint));
    assert_eq!(session.next_push().expect("the endpoints").kind, ResourceType::Endpoint);
}

#[test]
fn an_answer_to_an_older_push_changes_nothing() {
    let mut session = Session::new(XdsProtocol::Sotw, one_cluster(1, 1));
    session.on_sotw_request(ResourceType::Cluster, &SotwRequest::default());
    let push = session.next_push().expect("the cluster");
    let stale = SotwRequest {
        names: Vec::new(),
        answer: Some(Answer {
            nonce: "cluster-0".to_owned(),
            error: Some("no".to_owned()),
        }),
    };
    assert_eq!(session.on_sotw_request(ResourceType::Cluster, &stale), None);
    assert!(!session.is_settled(), "the push is still to be answered");
    let refusal = SotwRequest {
        answer: Some(Answer {
            nonce: push.nonce,
            error: Some("no".to_owned()),
        }),
        ..stale
    };
    let refusal = session
        .on_sotw_request(ResourceType::Cluster, &refusal)
        .expect("a refusal");
    assert_eq!(refusal.resources, ["c0"]);
    assert_eq!(session.report(ResourceType::Cluster).rejected[0].message, "no");
    assert_eq!(session.next_push(), None, "it is not tried again until it changes");
}

#[test]
fn subscriptions_are_kept_in_the_order_of_types() {
    for (position, kind) in ResourceType::IN_ORDER.iter().copied().enumerate() {
        assert_eq!(index(kind), position);
    }
}
