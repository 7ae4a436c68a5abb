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
fn status(replica: &str) -> (String, ReplicaStatus) {
    let status = ReplicaStatus {
        configuration: configuration(1),
        accepted: Some(configuration(1)),
        envoys: 2,
        unsettled: Vec::new(),
        healthy: [("blue".to_owned(), 2), ("green".to_owned(), 0)].into(),
        unlisted: 0,
        calls: None,
        rejections: Vec::new(),
        at: rfc3339(now()),
    };
    (replica.to_owned(), status)
}

fn status_with(replica: &str, change: impl FnOnce(&mut ReplicaStatus)) -> (String, ReplicaStatus) {
    let (replica, mut status) = status(replica);
    change(&mut status);
    (replica, status)
}

#[test]
fn all_replicas_must_serve_it_and_all_envoys_must_have_acked_it() {
    let evaluate = |statuses: &[_]| evaluate(&configuration(1), statuses, &[], now());
    let settled = SyncStatus::Synced { replicas: 2, envoys: 4 };
    assert_eq!(evaluate(&[status("a"), status("b")]), settled);
    let assert_pending = |evaluated: SyncStatus, what: &str| match evaluated {
        SyncStatus::Pending { reason } => assert!(reason.contains(what), "{reason}"),
        other => panic!("{other:?}"),
    };
    let other = status_with("b", |status| status.configuration = configuration(2));
    assert_pending(evaluate(&[status("a"), other]), "replica b does not serve");
    let slow = status_with("b", |status| status.accepted = Some(configuration(2)));
    assert_pending(
        evaluate(&[status("a"), slow]),
        "not all Envoys of replica b have accepted it yet; 2 are connected",
    );
    let none = status_with("b", |status| status.accepted = None);
    assert_pending(evaluate(&[status("a"), none]), "replica b");
}

#[test]
fn an_envoy_that_has_not_acked_is_named_and_can_be_ignored() {
    const SILENT: &str = "mesh/demo/virtualNode/green (task 7f3a)";
    let slow = |names: &[&str]| {
        status_with("b", |status| {
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
    let reject = |status: &mut ReplicaStatus| status.rejections = vec!["x rejects y: z".to_owned()];
    let rejected = SyncStatus::Rejected {
        rejections: vec!["replica b: x rejects y: z".to_owned()],
    };
    assert_eq!(
        evaluate(&configuration(1), &[status("a"), status_with("b", reject)], &[], now()),
        rejected
    );
    let evaluated = evaluate(&configuration(2), &[status_with("b", reject)], &[], now());
    assert!(matches!(evaluated, SyncStatus::Pending { .. }), "{evaluated:?}");
}

#[test]
fn stale_statuses_are_ignored() {
    let at = |seconds: i64| {
        rfc3339((now() - Duration::from_secs(1000)) + Duration::from_secs(u64::try_from(1000 - seconds).expect("near")))
    };
    let old = |age| {
        status_with("old", |status| {
            status.configuration = configuration(2);
            status.at = at(age);
        })
    };
    let evaluate = |statuses: &[_]| evaluate(&configuration(1), statuses, &[], now());
    assert!(matches!(evaluate(&[status("a"), old(90)]), SyncStatus::Pending { .. }));
    assert_eq!(
        evaluate(&[status("a"), old(91)]),
        SyncStatus::Synced { replicas: 1, envoys: 2 }
    );
    assert_eq!(evaluate(&[old(91)]), SyncStatus::NoReports);
    assert_eq!(evaluate(&[]), SyncStatus::NoReports);
    assert_eq!(
        evaluate(&[status_with("a", |status| status.at = "yesterday".to_owned())]),
        SyncStatus::NoReports
    );
    // The clock of a replica may be ahead.
    assert!(matches!(
        evaluate(&[status_with("a", |status| status.at = at(-60))]),
        SyncStatus::Synced { .. }
    ));
}

#[test]
fn the_document_format_is_stable_and_fits_into_a_parameter() {
    let (_, status) = status("a");
    let config_hash = configuration(1);
    let expected = format!(
        r#"{{"configuration":"{config_hash}","accepted":"{config_hash}","envoys":2,"healthy":{{"blue":2,"green":0}},"unlisted":0,"#
    ) + r#""refused":[],"at":"2027-01-15T08:00:00Z"}"#;
    assert_eq!(status.to_json(), expected);
    assert_eq!(
        serde_json::from_str::<ReplicaStatus>(&expected).expect("a document"),
        status
    );
    let (_, long) = status_with("a", |status| {
        status.rejections = truncated(vec!["\"𝒳\n".repeat(1000); 9]);
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
fn virtual_nodes_with_the_fewest_healthy_instances_are_listed() {
    let (_, many) = status_with("a", |status| {
        status.healthy = (0..1000).map(|n| (format!("node \"{n:03}\""), n % 7)).collect();
    });
    let text = many.to_json();
    assert!(
        text.len() <= MAX_PARAMETER && text.len() > MAX_PARAMETER - 30,
        "{}",
        text.len()
    );
    let read: ReplicaStatus = serde_json::from_str(&text).expect("a document");
    assert_eq!(read.healthy.len() + read.unlisted, 1000);
    let of = |count| read.healthy.values().filter(|healthy| **healthy == count).count();
    assert_eq!((of(0), of(2)), (143, 0));
    assert!(read.healthy.iter().all(|(node, count)| many.healthy[node] == *count));
}

#[test]
fn endpoint_health_is_the_minimum_of_all_replicas() {
    let healthy = |statuses: &[_], node| healthy(&configuration(1), statuses, node, now());
    let with_healthy = |count| {
        status_with("b", |status| {
            status.healthy.insert("blue".to_owned(), count);
        })
    };
    assert_eq!(
        healthy(&[status("a"), with_healthy(5)], "blue"),
        EndpointHealth::AtLeast(2)
    );
    assert_eq!(
        healthy(&[status("a"), with_healthy(0)], "blue"),
        EndpointHealth::AtLeast(0)
    );
    assert_eq!(healthy(&[status("a")], "unknown"), EndpointHealth::Unknown);
    // A replica of an older release.
    let silent = status_with("b", |status| status.healthy.clear());
    assert_eq!(healthy(std::slice::from_ref(&silent), "blue"), EndpointHealth::Unknown);
    assert_eq!(healthy(&[status("a"), silent], "blue"), EndpointHealth::AtLeast(2));
    let older = r#"{"configuration":"x","accepted":null,"envoys":0,"refused":[],"at":"2020-01-01T00:00:00Z"}"#;
    let older: ReplicaStatus = serde_json::from_str(older).expect("a document");
    assert!(older.healthy.is_empty());
    let assert_pending = |waiting: EndpointHealth, what: &str| match waiting {
        EndpointHealth::Pending { reason } => assert!(reason.contains(what), "{reason}"),
        other => panic!("{other:?}"),
    };
    let other = status_with("b", |status| status.configuration = configuration(2));
    assert_pending(healthy(&[status("a"), other], "blue"), "replica b does not serve");
    let gone = status_with("b", |status| status.at = "2020-01-01T00:00:00Z".to_owned());
    assert_pending(healthy(&[gone], "blue"), "no replica of the control plane");
}

/// An Envoy that has settled at revision 3.
fn envoy(id: &str) -> NodeStatus {
    NodeStatus {
        id: id.to_owned(),
        task: None,
        zone: None,
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
fn a_mesh_has_settled_once_its_own_envoys_have_at_this_revision_or_later() {
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
    let rejected = progress(vec![node.clone(), node], 3).nacks;
    assert_eq!(rejected, ["mesh/demo/virtualNode/blue rejects rds_x: no"]);
}

#[test]
fn invalid_calls_hide_no_status() {
    let (_, status) = status("a");
    for calls in [
        r#"{"since":1,"limits":[null],"nodes":{}}"#,
        r#"{"since":"x"}"#,
        "[]",
        "null",
    ] {
        let text = status.to_json().replacen('{', &format!(r#"{{"calls":{calls},"#), 1);
        let read: ReplicaStatus = serde_json::from_str(&text).expect("a document");
        assert_eq!(read, status, "{calls}");
    }
}

#[test]
fn calls_that_do_not_fit_are_left_out() {
    let (_, long) = status_with("a", |status| {
        status.calls = Some(CallReport {
            since: 1,
            limits: (1..=3000).map(f64::from).collect(),
            nodes: BTreeMap::new(),
            unlisted: 0,
        });
    });
    let text = long.to_json();
    assert!(text.len() <= MAX_PARAMETER, "{}", text.len());
    let read: ReplicaStatus = serde_json::from_str(&text).expect("a document");
    assert_eq!((read.calls, read.healthy), (None, long.healthy));
}
