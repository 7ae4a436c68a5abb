//! Call reports of replicas, and their sums.

use std::time::Duration;

use mesh_model::app_mesh::{RouteSpec, Topology, VirtualNodeSpec, topology::VirtualRouter};
use serde_json::json;

use super::*;
use crate::config_hash::ConfigHash;
use crate::sync_status::rfc3339;

const LIMITS: [f64; 3] = [0.5, 5.0, 25.0];

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// A report with the calls to `blue` and `green`.
fn report(since: u64, blue: NodeCalls, green: NodeCalls) -> CallReport {
    CallReport {
        since,
        limits: LIMITS.to_vec(),
        nodes: [("blue".to_owned(), blue), ("green".to_owned(), green)].into(),
        unlisted: 0,
    }
}

/// The status of a replica with this report, published `age` ago.
fn status(replica: &str, calls: Option<CallReport>, age: Duration) -> (String, ReplicaStatus) {
    let status = ReplicaStatus {
        configuration: ConfigHash::of(&[]),
        accepted: None,
        envoys: 0,
        unsettled: Vec::new(),
        healthy: BTreeMap::new(),
        unlisted: 0,
        calls,
        rejections: Vec::new(),
        at: rfc3339(now() - age),
    };
    (replica.to_owned(), status)
}

fn calls(ended: u64, failed: u64, responses: &[u64]) -> NodeCalls {
    NodeCalls(ended, failed, responses.to_vec())
}

/// The calls to `green` in these statuses.
fn green(statuses: &[(String, ReplicaStatus)]) -> NodeStatistics {
    match reported(statuses, &["green"], now()) {
        ReportedCalls::Counted(mut statistics) => statistics.remove(0),
        other => panic!("{other:?}"),
    }
}

fn unavailable(statuses: &[(String, ReplicaStatus)], node: &str) -> String {
    match reported(statuses, &["blue", node], now()) {
        ReportedCalls::Unavailable { reason } => reason,
        other => panic!("{other:?}"),
    }
}

fn fresh(replica: &str, since: u64, green: NodeCalls) -> (String, ReplicaStatus) {
    status(replica, Some(report(since, calls(0, 0, &[]), green)), Duration::ZERO)
}

#[test]
fn the_calls_of_all_replicas_are_added() {
    let before = green(&[fresh("a", 1, calls(10, 1, &[10])), fresh("b", 2, calls(0, 0, &[]))]);
    let now = green(&[
        fresh("a", 1, calls(30, 2, &[20, 10])),
        fresh("b", 2, calls(5, 5, &[0, 0, 5])),
    ]);
    let since = now.since(&before);
    let expected = Counts {
        ended: 25,
        failed: 6,
        within: vec![(0.5, 10), (5.0, 20), (25.0, 25)],
    };
    assert_eq!(since, expected);
}

#[test]
fn a_restarted_replica_counts_from_zero_and_a_removed_one_not() {
    let before = green(&[fresh("a", 1, calls(10, 10, &[10])), fresh("b", 2, calls(50, 0, &[50]))]);
    // More calls than before, since another start.
    let later = 1_800_000_000_001;
    let now = green(&[fresh("a", later, calls(20, 0, &[20]))]);
    let since = now.since(&before);
    assert_eq!((since.ended, since.failed), (20, 0));
    assert_eq!(now.since(&now).ended, 0);
}

#[test]
fn calls_of_a_replica_from_before_the_baseline_do_not_count() {
    let old = 1_800_000_000_000;
    let second = Duration::from_secs(1);
    let stale = status(
        "b",
        Some(report(1, calls(0, 0, &[]), calls(900, 900, &[900]))),
        FRESH_FOR + second,
    );
    let mut baseline = green(&[fresh("a", 2, calls(10, 0, &[10])), stale]);
    // Replica b is back with the same start.
    let back = green(&[
        fresh("a", 2, calls(30, 0, &[30])),
        fresh("b", 1, calls(950, 940, &[950])),
    ]);
    let since = back.since(&baseline);
    assert_eq!((since.ended, since.failed), (20, 0));
    // Its further calls count.
    baseline.add_missing(&back);
    let later = [
        fresh("a", 2, calls(30, 0, &[30])),
        fresh("b", 1, calls(960, 945, &[960])),
        fresh("c", old + 1, calls(7, 1, &[7])),
    ];
    let since = green(&later).since(&baseline);
    assert_eq!((since.ended, since.failed), (37, 6), "and those of a new replica");
    // A second read does not move the baseline.
    baseline.add_missing(&green(&later));
    assert_eq!(green(&later).since(&baseline).ended, 37);
}

#[test]
fn stale_and_missing_reports_are_unavailable() {
    let stale = |age| {
        let report = report(1, calls(0, 0, &[]), calls(9, 0, &[]));
        status("a", Some(report), age)
    };
    assert!(
        unavailable(&[], "green").starts_with("no replica of the control plane has reported its status within 90 s")
    );
    let second = Duration::from_secs(1);
    assert!(unavailable(&[stale(FRESH_FOR + second)], "green").starts_with("no replica"));
    green(&[stale(FRESH_FOR)]);
    // The others count.
    let since = green(&[stale(FRESH_FOR + second), fresh("b", 2, calls(4, 0, &[]))]).since(&NodeStatistics::default());
    assert_eq!(since.ended, 4);

    let old = [fresh("a", 1, calls(0, 0, &[])), status("b", None, Duration::ZERO)];
    let reason = unavailable(&old, "green");
    assert_eq!(
        reason,
        "replica b of the control plane reports no valid calls: it is of another release, or its status has no room for them"
    );
    let reason = unavailable(&[fresh("a", 1, calls(0, 0, &[]))], "red");
    assert!(reason.contains("reports no calls to virtual node red"), "{reason}");
}

/// A mesh with routes between pairs of virtual nodes, and calls to each.
fn many(pairs: usize) -> (SplitNodes, CallStatistics) {
    let mut mesh = Topology {
        name: "demo".to_owned(),
        ..Topology::default()
    };
    let mut router = VirtualRouter::default();
    for pair in 0..pairs {
        let target = |side: &str| json!({"virtualNode": format!("{side}-{pair:02}"), "weight": 1});
        let targets = [target("blue"), target("green")];
        let route = json!({"httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": targets}}});
        let route: RouteSpec = serde_json::from_value(route).expect("a route");
        for target in route.targets() {
            let node = json!({"listeners": [{"portMapping": {"port": 80, "protocol": "http"}}]});
            let node: VirtualNodeSpec = serde_json::from_value(node).expect("a node");
            mesh.virtual_nodes.insert(target.virtual_node.clone(), node);
        }
        router.routes.insert(format!("{pair}"), route);
    }
    mesh.virtual_routers.insert("router".to_owned(), router);
    let (split, statistics) = (SplitNodes::of(&mesh), CallStatistics::default());
    statistics.watch(split.clusters());
    (split, statistics)
}

#[test]
fn a_report_of_a_large_mesh_is_cut() {
    let (split, statistics) = many(2);
    let report = CallReport::of(&split, &statistics, 7);
    assert_eq!((report.nodes.len(), report.unlisted, report.since), (4, 0, 7));

    let (split, statistics) = many(200);
    let report = CallReport::of(&split, &statistics, 7);
    assert_eq!(report.nodes.len() + report.unlisted, 400);
    assert!(
        report.length() <= MAX_LENGTH && report.length() > MAX_LENGTH - 100,
        "{}",
        report.length()
    );
    let statuses = [status("a", Some(report), Duration::ZERO)];
    let reason = match reported(&statuses, &["green-99"], now()) {
        ReportedCalls::Unavailable { reason } => reason,
        other => panic!("{other:?}"),
    };
    assert!(
        reason.starts_with("the calls to virtual node green-99 are not reported"),
        "{reason}"
    );
    // The parameter has room for it and a long list of Envoys.
    let mut status = statuses[0].1.clone();
    status.unsettled = vec!["e".repeat(300); 6];
    status.rejections = vec!["r".repeat(300); 6];
    assert!(status.to_json().len() <= 4096);
    let read: ReplicaStatus = serde_json::from_str(&status.to_json()).expect("JSON");
    assert_eq!(read.unsettled.len(), 6);
}

#[test]
fn a_report_has_the_documented_form() {
    let report = report(
        1_800_000_000_000,
        calls(1200, 0, &[300, 900]),
        calls(130, 7, &[0, 100, 30]),
    );
    let expected = r#"{"since":1800000000000,"limits":[0.5,5.0,25.0],"nodes":{"blue":[1200,0,[300,900]],"green":[130,7,[0,100,30]]}}"#;
    assert_eq!(serde_json::to_string(&report).expect("JSON"), expected);
    let counts = report.counts("green").expect("counts");
    assert_eq!(counts.within, [(0.5, 0), (5.0, 100), (25.0, 130)]);
    assert_eq!(NodeCalls::of(&counts), report.nodes["green"]);
}
