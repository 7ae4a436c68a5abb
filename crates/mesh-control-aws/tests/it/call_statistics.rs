//! Calls that real Envoys count, in the status of replicas.

use mesh_control::{Counts, NodeStatistics};
use mesh_control_aws::{ReportedCalls, SyncReader};

use super::account::Account;
use super::task_set::{Poller, ROUTE, TaskSet, TestMesh, route};
use crate::harness::{Behaviour, eventually};

/// The calls to both sides; `Err` while they are unavailable.
async fn read(sync_reader: &SyncReader) -> Result<[NodeStatistics; 2], String> {
    match sync_reader.calls(&["blue", "green"]).await.expect("a response") {
        ReportedCalls::Counted(statistics) => Ok(statistics.try_into().expect("two sides")),
        ReportedCalls::Unavailable { reason } => Err(reason),
    }
}

/// Waits until the published calls are those that the applications got: none of blue failed, and all of green.
async fn wait_for_all(sync_reader: &SyncReader, task_set: &TaskSet) {
    let got = [0, 1].map(|index: usize| task_set.tasks[index].application.requests() as u64);
    eventually(&format!("{got:?} calls are published"), async || {
        let none = NodeStatistics::default();
        let [blue, green] = read(sync_reader).await?.map(|calls| calls.since(&none));
        let responses = |counts: &Counts| counts.within.last().map_or(0, |(_, count)| *count);
        let is_complete = [blue.ended, green.ended] == got && [&blue, &green].map(responses) == got;
        match is_complete && (blue.failed, green.failed) == (0, got[1]) {
            true => Ok(()),
            false => Err(format!("{blue:?} {green:?}")),
        }
    })
    .await;
}

#[tokio::test]
async fn calls_of_envoys_are_published_across_restarts_of_envoys_and_replicas() {
    let account = Account::open().await;
    let test_mesh = TestMesh::open(&account).await;
    account.write(ROUTE, &route(1, 1)).await;
    let sync_reader = SyncReader::new(&account.config, "demo");
    let reason = read(&sync_reader).await.expect_err("no replica");
    assert!(
        reason.starts_with("no replica of the control plane has reported"),
        "{reason}"
    );

    let first = Poller::publishing(&account.config, Some("first")).await;
    let mut task_set = test_mesh.task_set_with(first.xds(), Behaviour::Status(500)).await;
    let calls = async |task_set: &TaskSet| {
        task_set.wait_for_response_from("blue").await;
        for _ in 0..30 {
            task_set.get().await;
        }
    };
    calls(&task_set).await;
    wait_for_all(&sync_reader, &task_set).await;

    // The counters of a new Envoy start at zero.
    task_set.restart_caller(first.xds()).await;
    calls(&task_set).await;
    wait_for_all(&sync_reader, &task_set).await;

    // A killed replica leaves its status, which counts for 90 s.
    drop(first);
    let second = Poller::publishing(&account.config, Some("second")).await;
    second.wait_until_healthy().await;
    task_set.restart_caller(second.xds()).await;
    calls(&task_set).await;
    wait_for_all(&sync_reader, &task_set).await;

    let names = sync_reader.calls(&["caller"]).await.expect("a response");
    let ReportedCalls::Unavailable { reason } = names else {
        panic!("{names:?}");
    };
    assert!(reason.contains("reports no calls to virtual node caller"), "{reason}");
}
