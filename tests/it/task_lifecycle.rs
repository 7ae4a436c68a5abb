//! Task lifecycle: start, graceful stop, failures and their messages.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::run::{Run, send};
use crate::template::{changed, container, properties};
use crate::workdir::Workdir;

/// Larger than all buffers on the path together.
const DOWNLOAD: usize = 30_000_000;

/// A server that completes its responses after SIGTERM.
const DOWNLOADS: &str = "
import http.server, os, signal, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header('content-length', '30000000')
        self.end_headers()
        self.wfile.write(bytes(30000000))
server = http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler)
server.daemon_threads = False
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
server.server_close()
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_download_completes_during_shutdown() {
    for (protocol, ending) in [(Some("http"), "port http"), (None, "port http (tcp)")] {
        let workdir = Workdir::new();
        let script = workdir.file("downloads.py", DOWNLOADS);
        let file = changed(&workdir, |template| {
            properties(template, "BlueService")["DesiredCount"] = json!(1);
            let mut port = json!({"Name": "http", "ContainerPort": 8000});
            if let Some(protocol) = protocol {
                port["AppProtocol"] = json!(protocol);
            }
            *container(template, "Blue") = json!({
                "Name": "web",
                "Image": "team/downloads",
                "PortMappings": [port],
                "DockerLabels": {"meshwright.port.8000": "PORT"}
            });
            properties(template, "GreenService")["DesiredCount"] = json!(0);
        });
        let (file, image) = (
            file.display().to_string(),
            format!("team/downloads=python3 {}", script.display()),
        );
        let run = Run::up(
            &workdir,
            workdir.meshwright(&["up", "--template", &file, "--image", &image]),
        )
        .await;
        let printed = run.printed().stdout;
        assert!(
            printed.contains("\n  service green: its desired count is 0, no task runs\n"),
            "{printed}"
        );
        let line = printed
            .lines()
            .find(|line| line.ends_with(&format!("# blue/1, {ending}")));
        let line = line.unwrap_or_else(|| panic!("no {ending} in:\n{printed}")).trim();
        assert_eq!(line.starts_with("curl http://"), protocol.is_some(), "{line}");
        let address = line.trim_start_matches("curl http://");
        let address = address.split(['/', ' ']).next().expect("an address");

        let mut download = TcpStream::connect(address).await.expect("a connection");
        let call = b"GET / HTTP/1.1\r\nhost: blue\r\n\r\n";
        download.write_all(call).await.expect("the request can be sent");
        let mut piece = vec![0; 64 * 1024];
        let mut arrived = download.read(&mut piece).await.expect("a response");
        run.signal(Signal::INT);
        while arrived < DOWNLOAD {
            // Simulates a slow reader.
            tokio::time::sleep(Duration::from_millis(1)).await;
            let more = download.read(&mut piece).await.expect("more of the response");
            assert_ne!(more, 0, "the end after {arrived} bytes ({protocol:?})");
            arrived += more;
        }
        drop(download);
        let ended = run.end().await;
        assert_eq!(ended.code, Some(130), "{ended:?}");
        workdir.assert_nothing_left();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_envoy_that_exits_while_a_container_waits_is_reported() {
    let workdir = Workdir::new();
    let file = changed(&workdir, |template| {
        container(template, "Green")["DependsOn"] = json!([{"ContainerName": "init", "Condition": "COMPLETE"}]);
        let containers = &mut properties(template, "GreenTaskDefinition")["ContainerDefinitions"];
        let init = json!({"Name": "init", "Image": "team/init", "Essential": false});
        containers.as_array_mut().expect("a list").push(init);
    });
    let file = file.display().to_string();
    let up = ["up", "--strict", "--template", &file, "--image", "team/init=sleep 600"];
    let mut run = Run::start(&workdir, workdir.meshwright(&up));
    run.wait_for_lines(1, "green/1: container init started", "").await;
    send(run.pid("green/1: Envoy ready after"), Signal::KILL);
    let ended = run.end().await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .stderr
            .ends_with("error: green/1: its Envoy was killed (SIGKILL)\n"),
        "{ended:?}"
    );
    workdir.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unusual_waits_are_reported() {
    let workdir = Workdir::new();
    let file = changed(&workdir, |template| {
        let green = container(template, "Green");
        green["Image"] = json!("team/idle");
        green.as_object_mut().expect("an object").remove("HealthCheck");
        // It would wait for blue.
        let service = template["Resources"]["GreenService"].as_object_mut();
        service.expect("an object").remove("DependsOn");
        let blue = container(template, "Blue");
        blue["HealthCheck"] = json!({"Command": ["CMD-SHELL", "echo not yet >&2; exit 9"]});
    });
    let file = file.display().to_string();
    let up = ["up", "--template", &file, "--image", "team/idle=sleep 600"];
    let mut run = Run::start(&workdir, workdir.meshwright(&up));
    let port = "green/1: waiting for container app to listen on 127.0.0.1:";
    run.wait_for_lines(1, port, " (container port 3000)").await;
    let check = "blue/2: waiting for the health check of container app: ";
    run.wait_for_lines(1, check, "failed (exit status: 9): not yet").await;
    run.signal(Signal::INT);
    let ended = run.end().await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    workdir.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_waits_for_the_service_that_it_depends_on() {
    let workdir = Workdir::new();
    let file = changed(&workdir, |template| {
        container(template, "Blue")["HealthCheck"] = json!({"Command": ["CMD-SHELL", "exit 9"]});
    });
    let file = file.display().to_string();
    let mut run = Run::start(&workdir, workdir.meshwright(&["up", "--template", &file]));
    run.wait_for_lines(1, "green/1: waiting for the service blue", "").await;
    assert!(!run.printed().stderr.contains("green/1: Envoy ready"));
    run.signal(Signal::INT);
    let ended = run.end().await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    workdir.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_reports_the_log_of_the_failed_run_only() {
    let workdir = Workdir::new();
    let file = changed(&workdir, |template| {
        *container(template, "Green") = json!({"Name": "app", "Image": "team/mortal"});
        let green = properties(template, "GreenService");
        green["ServiceConnectConfiguration"]["Services"] = json!([]);
        green["LoadBalancers"] = json!([]);
    });
    let (file, end) = (file.display().to_string(), workdir.path("end"));
    let end_name = end.display();
    let mortal = format!(
        "team/mortal=sh -c 'echo I am $$; while ! [ -e {end_name} ]; do sleep 0.02; done; rm {end_name}; exit 7'"
    );
    let mut run = Run::up(
        &workdir,
        workdir.meshwright(&["up", "--template", &file, "--image", &mortal]),
    )
    .await;
    for (round, pause) in ["", " in 0.2 s"].into_iter().enumerate() {
        let pid = run.pid("green/1: container app started");
        workdir.file("end", "");
        run.wait_for_lines(round + 2, "green/1: running after", "").await;
        let expected = format!(
            "green/1: container app ended with exit code 7; restarting the task{pause}; last log lines:\n    \
             I am {pid}\n    full log: {}/green-1/app.log\n",
            run.logs()
        );
        let stderr = run.printed().stderr;
        assert!(stderr.contains(&expected), "no `{expected}` in:\n{stderr}");
    }
    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(130));
    workdir.assert_nothing_left();
}
