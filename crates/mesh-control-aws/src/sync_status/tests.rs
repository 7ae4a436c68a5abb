//! Replica statuses, and the sync status of all.

use super::*;
use crate::parameter::Parameter;
use mesh_control::{RejectedResource, TypeReport, XdsProtocol};

fn configuration(version: i64) -> ConfigHash {
    ConfigHash::of(&[Parameter::text("/meshwright/demo", version, "{}")])
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// The status of a replica that serves version 1, with ACKs of all Envoys.
fn said(copy: &str) -> (String, ReplicaStatus) {
    let said = ReplicaStatus {
        configuration: configuration(1),
        accepted: Some(configuration(1)),
        envoys: 2,
        unsettled: Vec::new(),
        healthy: [("blue".to_owned(), 2), ("green".to_owned(), 0)].into(),
        unlisted: 0,
        rejections: Vec::new(),
        at: rfc3339(now()),
    };
    (copy.to_owned(), said)
}

fn but(copy: &str, change: impl FnOnce(&mut ReplicaStatus)) -> (String, ReplicaStatus) {
    let (copy, mut said) = said(copy);
    change(&mut said);
    (copy, said)
}

#[test]
fn all_replicas_must_serve_it_and_all_envoys_must_have_acked_it() {
    let evaluate = |said: &[_]| evaluate(&configuration(1), said, &[], now());
    let settled = SyncStatus::Synced { replicas: 2, envoys: 4 };
    assert_eq!(evaluate(&[said("a"), said("b")]), settled);
    let waits_for = |evaluated: SyncStatus, what: &str| match evaluated {
        SyncStatus::Pending { reason } => assert!(reason.contains(what), "{reason}"),
        other => panic!("{other:?}"),
    };
    let other = but("b", |said| said.configuration = configuration(2));
    waits_for(evaluate(&[said("a"), other]), "replica b does not serve");
    let slow = but("b", |said| said.accepted = Some(configuration(2)));
    waits_for(
        evaluate(&[said("a"), slow]),
        "not all Envoys of replica b have accepted it yet; 2 are connected",
    );
    let none = but("b", |said| said.accepted = None);
    waits_for(evaluate(&[said("a"), none]), "replica b");
}

#[test]
fn an_envoy_that_has_not_acked_is_named_and_can_be_ignored() {
    const SILENT: &str = "mesh/demo/virtualNode/green (task 7f3a)";
    let slow = |names: &[&str]| {
        but("b", |status| {
            status.accepted = None;
            status.unsettled = names.iter().map(|name| (*name).to_owned()).collect();
        })
    };
    let evaluate = |status: (String, ReplicaStatus), ignored: &[&str]| {
        let ignored: Vec<String> = ignored.iter().map(|name| (*name).to_owned()).collect();
        evaluate(&configuration(1), &[status], &ignored, now())
    };
    let reason = format!("of 2 Envoys of replica b, these have not accepted it yet: {SILENT}");
    assert_eq!(evaluate(slow(&[SILENT]), &[]), SyncStatus::Pending { reason });
    for name in ["7f3a", "mesh/demo/virtualNode/green"] {
        let synced = SyncStatus::Synced { replicas: 1, envoys: 2 };
        assert_eq!(evaluate(slow(&[SILENT]), &[name]), synced, "{name}");
        let other = evaluate(slow(&[SILENT, "mesh/demo/virtualNode/blue (task 1)"]), &[name]);
        assert!(matches!(other, SyncStatus::Pending { .. }), "{name}: {other:?}");
    }
    let unknown = evaluate(slow(&[]), &["7f3a"]);
    assert!(matches!(unknown, SyncStatus::Pending { .. }), "{unknown:?}");
}

#[test]
fn rejections_of_the_current_configuration_only_are_reported() {
    let refuse = |said: &mut ReplicaStatus| said.rejections = vec!["x rejects y: z".to_owned()];
    let refused = SyncStatus::Rejected {
        rejections: vec!["replica b: x rejects y: z".to_owned()],
    };
    assert_eq!(
        evaluate(&configuration(1), &[said("a"), but("b", refuse)], &[], now()),
        refused
    );
    let evaluated = evaluate(&configuration(2), &[but("b", refuse)], &[], now());
    assert!(matches!(evaluated, SyncStatus::Pending { .. }), "{evaluated:?}");
}

#[test]
fn a_copy_that_has_not_spoken_for_long_is_not_waited_for() {
    let at = |seconds: i64| {
        rfc3339((now() - Duration::from_secs(1000)) + Duration::from_secs(u64::try_from(1000 - seconds).expect("near")))
    };
    let old = |age| {
        but("old", |said| {
            said.configuration = configuration(2);
            said.at = at(age);
        })
    };
    let evaluate = |said: &[_]| evaluate(&configuration(1), said, &[], now());
    assert!(matches!(evaluate(&[said("a"), old(90)]), SyncStatus::Pending { .. }));
    assert_eq!(
        evaluate(&[said("a"), old(91)]),
        SyncStatus::Synced { replicas: 1, envoys: 2 }
    );
    assert_eq!(evaluate(&[old(91)]), SyncStatus::NoReports);
    assert_eq!(evaluate(&[]), SyncStatus::NoReports);
    assert_eq!(
        evaluate(&[but("a", |said| said.at = "yesterday".to_owned())]),
        SyncStatus::NoReports
    );
    // The clock of a replica may be ahead.
    assert!(matches!(
        evaluate(&[but("a", |said| said.at = at(-60))]),
        SyncStatus::Synced { .. }
    ));
}

#[test]
fn the_document_is_what_deploy_tools_read_and_fits_into_a_parameter() {
    let (_, word) = said("a");
    let config_hash = configuration(1);
    let expected = format!(
        r#"{{"configuration":"{config_hash}","accepted":"{config_hash}","envoys":2,"healthy":{{"blue":2,"green":0}},"unlisted":0,"#
    ) + r#""refused":[],"at":"2027-01-15T08:00:00Z"}"#;
    assert_eq!(word.to_json(), expected);
    assert_eq!(
        serde_json::from_str::<ReplicaStatus>(&expected).expect("a document"),
        word
    );
    let (_, long) = but("a", |said| {
        said.rejections = truncated(vec!["\"𝒳\n".repeat(1000); 9]);
    });
    assert_eq!(long.rejections.len(), MAX_REJECTIONS + 1);
    assert_eq!(long.rejections[MAX_REJECTIONS], "and 4 more");
    let text = long.to_json();
    assert!(
        text.len() <= MAX_PARAMETER && text.len() > MAX_PARAMETER / 2,
        "{}",
        text.len()
    );
    serde_json::from_str::<ReplicaStatus>(&text).expect("a document");
}

#[test]
fn of_many_virtual_nodes_those_with_the_fewest_healthy_instances_are_told_of() {
    let (_, many) = but("a", |said| {
        said.healthy = (0..1000).map(|n| (format!("node \"{n:03}\""), n % 7)).collect();
    });
    let text = many.to_json();
    assert!(
        text.len() <= MAX_PARAMETER && text.len() > MAX_PARAMETER - 30,
        "{}",
        text.len()
    );
    let told: ReplicaStatus = serde_json::from_str(&text).expect("a document");
    assert_eq!(told.healthy.len() + told.unlisted, 1000);
    let of = |count| told.healthy.values().filter(|told| **told == count).count();
    assert_eq!((of(0), of(2)), (143, 0));
    assert!(told.healthy.iter().all(|(node, count)| many.healthy[node] == *count));
}

#[test]
fn endpoint_health_is_the_minimum_of_all_replicas() {
    let healthy = |said: &[_], node| healthy(&configuration(1), said, node, now());
    let knows = |count| {
        but("b", |said| {
            said.healthy.insert("blue".to_owned(), count);
        })
    };
    assert_eq!(healthy(&[said("a"), knows(5)], "blue"), EndpointHealth::AtLeast(2));
    assert_eq!(healthy(&[said("a"), knows(0)], "blue"), EndpointHealth::AtLeast(0));
    assert_eq!(healthy(&[said("a")], "elsewhere"), EndpointHealth::Unknown);
    // A replica of an older release.
    let silent = but("b", |said| said.healthy.clear());
    assert_eq!(healthy(std::slice::from_ref(&silent), "blue"), EndpointHealth::Unknown);
    assert_eq!(healthy(&[said("a"), silent], "blue"), EndpointHealth::AtLeast(2));
    let former = r#"{"configuration":"x","accepted":null,"envoys":0,"refused":[],"at":"2020-01-01T00:00:00Z"}"#;
    let former: ReplicaStatus = serde_json::from_str(former).expect("a document");
    assert!(former.healthy.is_empty());
    let waits_for = |waiting: EndpointHealth, what: &str| match waiting {
        EndpointHealth::Pending { reason } => assert!(reason.contains(what), "{reason}"),
        other => panic!("{other:?}"),
    };
    let other = but("b", |said| said.configuration = configuration(2));
    waits_for(healthy(&[said("a"), other], "blue"), "replica b does not serve");
    let gone = but("b", |said| said.at = "2020-01-01T00:00:00Z".to_owned());
    waits_for(healthy(&[gone], "blue"), "no replica of the control plane");
}

/// An Envoy that has settled at revision 3.
fn envoy(id: &str) -> NodeStatus {
    NodeStatus {
        id: id.to_owned(),
        task: None,
        protocol: XdsProtocol::Delta,
        revision: 3,
        settled: true,
        notes: vec![],
        clusters: TypeReport::default(),
        endpoints: TypeReport::default(),
        listeners: TypeReport::default(),
        routes: TypeReport::default(),
    }
}

fn progress(nodes: Vec<NodeStatus>, revision: u64) -> EnvoyProgress {
    EnvoyProgress::of(&nodes, "demo", revision)
}

#[test]
fn a_mesh_has_settled_when_all_of_its_own_envoys_have_at_this_revision_or_later() {
    let ours = || envoy("mesh/demo/virtualNode/blue");
    let by_arn = || envoy("arn:aws:appmesh:eu-west-1:123456789012:mesh/demo/virtualGateway/door");
    let busy = |node: NodeStatus| NodeStatus { settled: false, ..node };
    let settled = |nodes, revision| progress(nodes, revision).unsettled.is_empty();
    assert!(settled(vec![], 3));
    assert!(settled(vec![ours(), by_arn()], 3));
    assert!(settled(vec![ours(), by_arn()], 2));
    assert!(!settled(vec![ours(), by_arn()], 4));
    assert!(!settled(vec![ours(), busy(by_arn())], 3));
    let others = vec![
        ours(),
        busy(envoy("mesh/other/virtualNode/blue")),
        busy(envoy("nonsense")),
    ];
    assert_eq!(progress(others, 3).envoys, 1);
    assert!(settled(vec![ours(), busy(envoy("mesh/other/virtualNode/blue"))], 3));
}

#[test]
fn equal_nacks_of_a_node_are_reported_once() {
    let mut node = envoy("mesh/demo/virtualNode/blue");
    node.routes.rejected = vec![RejectedResource {
        name: "rds_x".to_owned(),
        version: "1".to_owned(),
        message: "no".to_owned(),
    }];
    let refused = progress(vec![node.clone(), node], 3).nacks;
    assert_eq!(refused, ["mesh/demo/virtualNode/blue rejects rds_x: no"]);
}
