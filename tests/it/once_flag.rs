//! `--once`: start, smoke test, results, stop.

use crate::http::{FETCHED, GREEN};
use crate::run::Run;
use crate::trace_timeline;
use crate::workdir::Workdir;

/// The path of a request that ends at this task of blue.
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

    // Each call is printed as status, time and path, and on the next line the document.
    let lines: Vec<&str> = stdout.lines().map(str::trim).collect();
    let calls: Vec<(&str, &str)> = lines
        .windows(2)
        .filter(|pair| pair[0].starts_with("200 in "))
        .map(|pair| (pair[0].split_once(": ").expect("a path").1, pair[1]))
        .collect();
    let [own, once, in_turn @ ..] = calls.as_slice() else {
        panic!("{stdout}");
    };
    assert_eq!(*own, ("you → envoy of green/1 → green/1", GREEN));
    let (blue_1, blue_2) = (path_to("blue/1"), path_to("blue/2"));
    assert!(once.0 == blue_1 || once.0 == blue_2, "{stdout}");
    assert_eq!(once.1, FETCHED);

    assert_eq!(in_turn.len(), 4, "{stdout}");
    assert!(in_turn.iter().all(|(_, document)| *document == FETCHED), "{stdout}");
    for pair in in_turn.windows(2) {
        let mut tasks = [pair[0].0, pair[1].0];
        tasks.sort_unstable();
        assert_eq!(tasks, [blue_1.as_str(), blue_2.as_str()], "{stdout}");
    }
    // The last of the longest is drawn.
    let (call, picture) = trace_timeline::read(stdout);
    let blue = if in_turn[3].0 == blue_1 { "blue/1" } else { "blue/2" };
    let envoys: Vec<(&str, &str)> = trace_timeline::envoys(&picture)
        .into_iter()
        .map(|line| (line.place.as_str(), line.what.as_str()))
        .collect();
    assert_eq!(call, 3, "{stdout}");
    let of_blue = format!("envoy of {blue}");
    assert_eq!(
        envoys,
        [
            ("envoy of green/1", "GET /downstream/blue.serviceconnect"),
            ("envoy of green/1", "→ GET blue.serviceconnect/"),
            (of_blue.as_str(), "GET /"),
        ],
        "{stdout}"
    );
    // What lies between them are the services' own spans: of a request that came, and of the call that it made.
    let places: Vec<&str> = picture.iter().map(|line| line.place.as_str()).collect();
    assert_eq!(
        places,
        [
            "envoy of green/1",
            "green/1",
            "green/1",
            "envoy of green/1",
            &of_blue,
            blue
        ],
        "{stdout}"
    );
    let asked = picture.last().map(|line| line.what.as_str());
    assert_eq!(asked, Some("GET /"), "named after its route: {stdout}");
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
            "all tasks are running, ".to_owned(),
            format!("{task}: stopped"),
        ];
        let positions: Vec<usize> = in_order.iter().map(|text| position(text)).collect();
        assert!(positions.is_sorted(), "{stderr}");
    }
    assert!(!stderr.contains("error"), "{stderr}");
}
