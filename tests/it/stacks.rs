//! Apps of several stacks on one machine.

use crate::run::Run;
use crate::workdir::Workdir;

const STACKS: [&str; 4] = ["network", "services-1", "services-2", "entrance"];

#[tokio::test]
async fn an_app_of_several_stacks_runs_as_one() {
    let workdir = Workdir::new();
    let ended = Run::to_end(&workdir, workdir.example_named("largemesh", &["--once"])).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    workdir.assert_nothing_left();
}

#[tokio::test]
async fn a_number_of_services_that_is_none_is_an_error() {
    let workdir = Workdir::new();
    let mut command = workdir.example_named("largemesh", &["synth", "network"]);
    command.env("MESH_SERVICES", "abc");
    let ended = Run::to_end(&workdir, command).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert_eq!(ended.stderr, "error: MESH_SERVICES=abc is not a number of services\n");
}

#[tokio::test]
async fn templates_of_several_stacks_are_read_together() {
    let workdir = Workdir::new();
    let mut arguments = vec!["check".to_owned()];
    for stack in STACKS {
        let ended = Run::to_end(&workdir, workdir.example_named("largemesh", &["synth", stack])).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
        let file = workdir.file(&format!("{stack}.json"), &ended.stdout);
        arguments.extend(["--template".to_owned(), file.display().to_string()]);
    }
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let checked = Run::to_end(&workdir, workdir.meshwright(&words)).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    for index in 0..4 {
        assert!(
            checked.stdout.contains(&format!("service-{index}")),
            "{}",
            checked.stdout
        );
    }
    // Without the stack that has the cluster, its value is missing.
    let alone = Run::to_end(&workdir, workdir.meshwright(&[&words[..1], &words[3..]].concat())).await;
    assert_eq!(alone.code, Some(1), "{alone:?}");
    assert!(
        alone.stderr.contains("Parameters.NetworkCluster: needs a value"),
        "{}",
        alone.stderr
    );
    workdir.assert_nothing_left();
}
