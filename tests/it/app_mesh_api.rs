//! `up --api`: App Mesh's API over a mesh that runs here.

use std::collections::BTreeSet;

use rustix::process::Signal;
use serde_json::{Value, json};
use testkit::wait_until;

use crate::api_client::{ApiClient, exported, names, route_spec};
use crate::http::{BLUE, GREEN, Load, body};
use crate::run::Run;
use crate::workdir::Workdir;

const ROUTE: &str = "/meshes/demo/virtualRouter/split/routes/halves";

/// The example appmesh with the API.
async fn up(workdir: &Workdir) -> (Run<'_>, ApiClient) {
    let run = Run::up(workdir, workdir.example_named("appmesh", &["--api"])).await;
    let stdout = run.printed().stdout;
    assert!(exported(&stdout, "APPMESH_XDS_ENDPOINT").is_some(), "{stdout}");
    (run, ApiClient::from_output(&stdout))
}

async fn stop(run: Run<'_>, workdir: &Workdir) {
    run.signal(Signal::INT);
    let ended = run.end().await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(!ended.stderr.contains("error"), "{ended:?}");
    workdir.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mesh_of_the_template_is_in_the_api_and_changes_reach_the_envoys() {
    let workdir = Workdir::new();
    let (run, api) = up(&workdir).await;
    let meshes = api.get("/meshes").await;
    assert_eq!(names(&meshes["meshes"], "meshName"), ["demo"]);
    for (path, list, key, expected) in [
        (
            "virtualNodes",
            "virtualNodes",
            "virtualNodeName",
            &["blue", "green"][..],
        ),
        ("virtualRouters", "virtualRouters", "virtualRouterName", &["split"]),
        ("virtualRouter/split/routes", "routes", "routeName", &["halves"]),
        (
            "virtualServices",
            "virtualServices",
            "virtualServiceName",
            &["blue.appmesh", "green.appmesh", "split.appmesh"],
        ),
        ("virtualGateways", "virtualGateways", "virtualGatewayName", &["gateway"]),
        (
            "virtualGateway/gateway/gatewayRoutes",
            "gatewayRoutes",
            "gatewayRouteName",
            &["blue", "green", "split"],
        ),
    ] {
        let found = api.get(&format!("/meshes/demo/{path}")).await;
        assert_eq!(names(&found[list], key), expected, "{path}");
    }
    let route = api.get(ROUTE).await;
    assert_eq!(route["metadata"]["version"], 1);
    assert_eq!(
        route["metadata"]["arn"],
        "arn:aws:appmesh:local:000000000000:mesh/demo/virtualRouter/split/route/halves"
    );

    let split = format!("{}split", run.url("# gateway/1, port 9080"));
    for expected in [BLUE, GREEN] {
        wait_until("both targets receive calls", async || body(&split).await == expected).await;
    }
    let updated = api.set_weights(ROUTE, &[("blue", 0), ("green", 100)]).await;
    assert_eq!(updated["metadata"]["version"], 2);
    only(&split, GREEN).await;
    // The same by the AWS CLI, with the variables as they are printed.
    let spec = route_spec(&[("blue", 100), ("green", 0)]).to_string();
    let names = [
        "--mesh-name",
        "demo",
        "--virtual-router-name",
        "split",
        "--route-name",
        "halves",
    ];
    let arguments = [&["appmesh", "update-route"], &names[..], &["--spec", &spec]].concat();
    let updated: Value = serde_json::from_str(&aws_cli(&run, &arguments).await).expect("JSON");
    assert_eq!(updated["route"]["metadata"]["version"], 3);
    only(&split, BLUE).await;

    // A new resource: the gateway gets another route.
    let target = json!({"virtualService": {"virtualServiceName": "green.appmesh"}});
    api.put(
        "/meshes/demo/virtualGateway/gateway/gatewayRoutes",
        json!({"gatewayRouteName": "new", "spec": {"httpRoute": {"match": {"prefix": "/new"}, "action": {"target": target}}}}),
    )
    .await;
    let new = format!("{}new", run.url("# gateway/1, port 9080"));
    wait_until("the new route is in effect", async || {
        body_or_error(&new).await == GREEN
    })
    .await;
    stop(run, &workdir).await;
}

/// Each change moves a weight or adds and removes a route, while calls pass.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_succeed_during_a_thousand_changes() {
    let workdir = Workdir::new();
    let (run, api) = up(&workdir).await;
    let split = format!("{}blue", run.url("# gateway/1, port 9080"));
    let load = Load::start(&split, BLUE);
    let router = "/meshes/demo/virtualRouter/split/routes";
    for change in 0..250_u32 {
        api.set_weights(ROUTE, &[("blue", change % 101), ("green", 100 - change % 101)])
            .await;
        let spec = route_spec(&[("green", 1)]);
        let name = format!("extra-{}", change % 3);
        api.put(router, json!({"routeName": name, "spec": spec})).await;
        let node = json!({"spec": {
            "listeners": [{"portMapping": {"port": 80, "protocol": "http"}}],
            "serviceDiscovery": {"dns": {"hostname": "blue.appmesh", "responseType": "ENDPOINTS"}},
            "backends": [
                {"virtualService": {"virtualServiceName": "green.appmesh"}},
                {"virtualService": {"virtualServiceName": if change % 2 == 0 { "split.appmesh" } else { "blue.appmesh" }}},
            ],
        }});
        api.put("/meshes/demo/virtualNodes/blue", node).await;
        api.call("DELETE", &format!("{router}/{name}"), None).await;
    }
    // The last change is in effect.
    api.set_weights(ROUTE, &[("blue", 100), ("green", 0)]).await;
    only(&format!("{}split", run.url("# gateway/1, port 9080")), BLUE).await;
    let counters = load.stop().await;
    assert!(counters.calls > 100, "{counters:?}");
    assert!(counters.failures.is_empty(), "{counters:?}");
    assert_eq!(api.get(ROUTE).await["metadata"]["version"], 252);
    stop(run, &workdir).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mesh_resources_of_a_changed_template_are_named_and_everything_else_is_applied() {
    let workdir = Workdir::new();
    let synth = workdir.example_named("appmesh", &["synth"]);
    let mut template: Value = serde_json::from_str(&Run::to_end(&workdir, synth).await.stdout).expect("a template");
    let file = workdir.file("mesh.template.json", &template.to_string());
    let name = file.display().to_string();
    let mut run = Run::up(&workdir, workdir.meshwright(&["up", "--template", &name, "--api"])).await;
    let api = ApiClient::from_output(&run.printed().stdout);
    api.set_weights(ROUTE, &[("blue", 0), ("green", 100)]).await;
    let split = format!("{}split", run.url("# gateway/1, port 9080"));
    only(&split, GREEN).await;

    let save = |template: &Value| {
        let new = workdir.file("new", &template.to_string());
        std::fs::rename(new, &file).expect("the workdir can be written to");
    };
    let (logical_id, _) = resources(&template)
        .into_iter()
        .find(|(_, name)| name == "/meshwright/demo/virtualRouter/split/route/halves")
        .expect("the route");
    let value = &mut template["Resources"][&logical_id]["Properties"]["Value"];
    *value = json!(value.as_str().expect("a text").replacen("50", "40", 1));
    template["Resources"]["BlueService"]["Properties"]["DesiredCount"] = json!(2);
    save(&template);
    // The service is scaled, and the weights stay those of the API.
    run.wait_for_lines(1, "template changed: applied", "; started blue/2; not applied: mesh/demo/virtualRouter/split/route/halves, which the API has served since the start (--api): change them there, or restart without --api")
        .await;
    only(&split, GREEN).await;
    stop(run, &workdir).await;
}

#[tokio::test]
async fn the_api_is_served_on_loopback_only() {
    let workdir = Workdir::new();
    let ended = Run::to_end(&workdir, workdir.example_named("appmesh", &["--api", "0.0.0.0:0"])).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("cannot serve the API at 0.0.0.0:0"), "{ended:?}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    let ended = Run::to_end(&workdir, workdir.example_named("appmesh", &["--api", &address])).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let message = format!("cannot listen on {address} for the API; choose another with --api: ");
    assert!(ended.stderr.contains(&message), "{ended:?}");
    workdir.assert_nothing_left();
}

/// The logical ids and names of the parameters.
fn resources(template: &Value) -> BTreeSet<(String, String)> {
    let resources = template["Resources"].as_object().expect("resources").iter();
    let names =
        resources.filter_map(|(id, resource)| Some((id.clone(), resource["Properties"]["Name"].as_str()?.to_owned())));
    names.collect()
}

/// The output of the AWS CLI with the variables that `up` prints.
async fn aws_cli(run: &Run<'_>, arguments: &[&str]) -> String {
    let stdout = run.printed().stdout;
    let endpoint = exported(&stdout, "AWS_ENDPOINT_URL_APP_MESH").expect("an endpoint");
    let hint = stdout.lines().find(|line| line.contains("any credentials will do"));
    let variables = hint
        .expect("a hint")
        .split_whitespace()
        .filter_map(|word| word.split_once('='));
    let mut command = testkit::python_tools().script("aws");
    command
        .args(arguments)
        .envs(variables)
        .env("AWS_ENDPOINT_URL_APP_MESH", endpoint)
        // Nothing of the developer's account.
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("NO_PROXY", "*");
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.expect("no panic").expect("the AWS CLI starts");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).expect("text")
}

async fn body_or_error(url: &str) -> String {
    crate::http::get(url).await.map_or_else(|error| error, |(_, body)| body)
}

/// Waits until twenty calls in a row get this response.
async fn only(url: &str, expected: &str) {
    wait_until(&format!("{url} responds with {expected} only"), async || {
        for _ in 0..20 {
            if body_or_error(url).await != expected {
                return false;
            }
        }
        true
    })
    .await;
}
