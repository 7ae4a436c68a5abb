//! Published ports: addresses that stay while tasks are replaced.

use serde_json::json;

use crate::http::{BLUE, Load, body};
use crate::run::Run;
use crate::template::{changed, container};
use crate::workdir::Workdir;

/// A port that is free. Another program may take it before the mesh does.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").port()
}

async fn a_published_port_stays_while_tasks_are_replaced(network: &str) {
    let workdir = Workdir::new();
    let file = changed(&workdir, |_| {});
    let port = free_port();
    let publish = format!("blue={port}");
    let name = file.display().to_string();
    let arguments = ["up", "--network", network, "--template", &name, "--publish", &publish];
    let mut run = Run::up(&workdir, workdir.meshwright(&arguments)).await;
    let url = format!("http://127.0.0.1:{port}/");
    assert!(
        run.printed()
            .stdout
            .contains(&format!("  curl {url}    # service blue, port "))
    );
    assert_eq!(body(&url).await, BLUE);
    let load = Load::start(&url, BLUE);
    let replaced = changed(&workdir, |template| {
        let container = container(template, "Blue");
        let variables = container["Environment"].as_array_mut().expect("variables");
        variables.push(json!({"Name": "REPLACED", "Value": "1"}));
    });
    if replaced != file {
        std::fs::rename(replaced, &file).expect("the workdir can be written to");
    }
    run.wait_for_lines(1, "template changed: applied", "stopped blue/1")
        .await;
    assert_eq!(body(&url).await, BLUE);
    let counters = load.stop().await;
    assert!(counters.calls > 0 && counters.failures.is_empty(), "{counters:#?}");
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_published_port_stays_in_the_shared_network() {
    a_published_port_stays_while_tasks_are_replaced("shared").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_published_port_stays_with_network_namespaces() {
    a_published_port_stays_while_tasks_are_replaced("namespaces").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ports_that_cannot_be_published_are_named() {
    let workdir = Workdir::new();
    let file = changed(&workdir, |_| {}).display().to_string();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = listener.local_addr().expect("bound").port();
    for (publish, code, expected) in [
        (
            "blu=80",
            1,
            "--publish blu: is neither a service nor a load balancer; did you mean `blue`?",
        ),
        ("blue:1=80", 1, "--publish blue: has no port 1; it has "),
        ("blue=x", 2, "`x` is no port; allowed is 1 to 65535"),
    ] {
        let ended = Run::to_end(
            &workdir,
            workdir.meshwright(&["up", "--template", &file, "--publish", publish]),
        )
        .await;
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains(expected), "{ended:?}");
    }
    let publish = format!("blue={taken}");
    let ended = Run::to_end(
        &workdir,
        workdir.meshwright(&["up", "--template", &file, "--publish", &publish]),
    )
    .await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains(&format!("port {taken} of 127.0.0.1 is in use")),
        "{ended:?}"
    );
    workdir.assert_nothing_left();
}
