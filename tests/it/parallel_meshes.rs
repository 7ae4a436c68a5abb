//! Two meshes on one machine do not know of each other.

use rustix::process::Signal;

use crate::http::{FETCHED, Load, answers};
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
    assert!(answers(&urls[0], FETCHED).await && answers(&urls[1], FETCHED).await);

    let load = Load::start(&urls[1], FETCHED);
    first.signal(Signal::INT);
    let ended = first.end().await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    rooms[0].assert_nothing_left();

    assert!(answers(&urls[1], FETCHED).await);
    let tally = load.stop().await;
    assert!(tally.calls > 0 && tally.failures.is_empty(), "{tally:#?}");
    assert!(!second.printed().stderr.contains("restarting the task"));
    second.signal(Signal::INT);
    let ended = second.end().await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    rooms[1].assert_nothing_left();
}
