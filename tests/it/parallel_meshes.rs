//! Isolation of two meshes on one machine.

use rustix::process::Signal;

use crate::http::{FETCHED, Load, responds_with};
use crate::run::Run;
use crate::workdir::Workdir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_meshes_run_in_parallel() {
    let rooms = [Workdir::new(), Workdir::new()];
    let (first, second) = tokio::join!(
        Run::up(&rooms[0], rooms[0].example(&[])),
        Run::up(&rooms[1], rooms[1].example(&[]))
    );
    let urls = [&first, &second].map(|run| run.url("/downstream/blue.serviceconnect"));
    assert_ne!(urls[0], urls[1]);
    assert!(responds_with(&urls[0], FETCHED).await && responds_with(&urls[1], FETCHED).await);

    let load = Load::start(&urls[1], FETCHED);
    first.signal(Signal::INT);
    let ended = first.end().await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    rooms[0].assert_nothing_left();

    assert!(responds_with(&urls[1], FETCHED).await);
    let counters = load.stop().await;
    assert!(counters.calls > 0 && counters.failures.is_empty(), "{counters:#?}");
    assert!(!second.printed().stderr.contains("restarting the task"));
    second.signal(Signal::INT);
    let ended = second.end().await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    rooms[1].assert_nothing_left();
}
