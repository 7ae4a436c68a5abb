//! `--once`: start, smoke test, results, stop.

use crate::http::{FETCHED, GREEN};
use crate::run::Run;
use crate::trace_timeline;
use crate::workdir::Workdir;

/// The path of a request to a task of blue.
fn path_to(task: &str) -> String {
    format!("you → envoy of green/1 → green/1 → envoy of green/1 → envoy of {task} → {task}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_smoke_test_reaches_both_tasks_through_two_envoys() {
    let workdir = Workdir::new();
    let ended = Run::to_end(&workdir, workdir.example(&["--once"])).await;
    let stdout = &ended.stdout;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    workdir.assert_nothing_left();

    // Each call is printed as a line with status, time and path, and a line with the document.
    let lines: Vec<&str> = stdout.lines().map(str::trim).collect();
    let calls: Vec<(&str, &str)> = lines
        .windows(2)
        .filter(|pair| pair[0].starts_with("200 in "))
        .map(|pair| (pair[0].split_once(": ").expect("a path").1, pair[1]))
        .collect();
    let [own, first, round_robin @ ..] = calls.as_slice() else {
        panic!("{stdout}");
    };
    assert_eq!(*own, ("you → envoy of green/1 → green/1", GREEN));
    let (blue_1, blue_2) = (path_to("blue/1"), path_to("blue/2"));
    assert!(first.0 == blue_1 || first.0 == blue_2, "{stdout}");
    assert_eq!(first.1, FETCHED);

    assert_eq!(round_robin.len(), 4, "{stdout}");
    assert!(round_robin.iter().all(|(_, document)| *document == FETCHED), "{stdout}");
    for pair in round_robin.windows(2) {
        let mut tasks = [pair[0].0, pair[1].0];
        tasks.sort_unstable();
        assert_eq!(tasks, [blue_1.as_str(), blue_2.as_str()], "{stdout}");
    }
    // The timeline is that of the last among the longest calls.
    let (call, timeline) = trace_timeline::parse(stdout);
    let blue = if round_robin[3].0 == blue_1 { "blue/1" } else { "blue/2" };
    let envoys: Vec<(&str, &str)> = trace_timeline::envoys(&timeline)
        .into_iter()
        .map(|line| (line.component.as_str(), line.name.as_str()))
        .collect();
    assert_eq!(call, 3, "{stdout}");
    let blue_envoy = format!("envoy of {blue}");
    assert_eq!(
        envoys,
        [
            ("envoy of green/1", "GET /downstream/blue.serviceconnect"),
            ("envoy of green/1", "→ GET blue.serviceconnect/"),
            (blue_envoy.as_str(), "GET /"),
        ],
        "{stdout}"
    );
    // The services' server and client spans are between them.
    let components: Vec<&str> = timeline.iter().map(|line| line.component.as_str()).collect();
    assert_eq!(
        components,
        [
            "envoy of green/1",
            "green/1",
            "green/1",
            "envoy of green/1",
            &blue_envoy,
            blue
        ],
        "{stdout}"
    );
    let last = timeline.last().map(|line| line.name.as_str());
    assert_eq!(last, Some("GET /"), "named after its route: {stdout}");
    assert!(
        stdout.contains("\nThe first response through two services arrived "),
        "{stdout}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_is_on_stderr_and_in_order() {
    let workdir = Workdir::new();
    let ended = Run::to_end(&workdir, workdir.example(&["--once"])).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let stderr = &ended.stderr;
    let position = |text: &str| stderr.find(text).unwrap_or_else(|| panic!("no `{text}` in:\n{stderr}"));
    assert!(stderr.starts_with("Envoy 1."), "{stderr}");
    for task in ["blue/1", "blue/2", "green/1"] {
        let in_order = [
            "control plane at 127.0.0.1:".to_owned(),
            format!("{task}: Envoy ready after "),
            format!("{task}: container app started (pid "),
            format!("{task}: running after "),
            "everything is running, ".to_owned(),
            format!("{task}: stopped"),
        ];
        let positions: Vec<usize> = in_order.iter().map(|text| position(text)).collect();
        assert!(positions.is_sorted(), "{stderr}");
    }
    assert!(!stderr.contains("error"), "{stderr}");
}
