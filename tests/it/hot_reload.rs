//! Hot reload: changes of a template are applied to the running mesh without failed requests.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::http::{BLUE, Load, body, get};
use crate::run::Run;
use crate::workdir::Workdir;

/// The template of the running example appmesh, in a file.
struct Edited<'r> {
    workdir: &'r Workdir,
    template: Value,
    file: PathBuf,
}

impl<'r> Edited<'r> {
    async fn up(workdir: &'r Workdir) -> (Self, Run<'r>) {
        let synth = workdir.example_named("appmesh", &["synth"]);
        let text = Run::to_end(workdir, synth).await.stdout;
        let file = workdir.file("mesh.template.json", &text);
        let name = file.display().to_string();
        let up = workdir.meshwright(&["up", "--template", &name]);
        let run = Run::up(workdir, up).await;
        let template = serde_json::from_str(&text).expect("a template");
        (
            Self {
                workdir,
                template,
                file,
            },
            run,
        )
    }

    fn properties(&mut self, logical_id: &str) -> &mut Value {
        &mut self.template["Resources"][logical_id]["Properties"]
    }

    /// Sets an environment variable of a service's application container.
    fn set_variable(&mut self, task_definition: &str, variable: &str, value: &str) {
        let properties = self.properties(task_definition);
        let containers = properties["ContainerDefinitions"].as_array_mut().expect("a list");
        let app = containers
            .iter_mut()
            .find(|container| container["Name"] == "app")
            .expect("an application container");
        let variables = app["Environment"].as_array_mut().expect("a list");
        variables.retain(|found| found["Name"] != variable);
        variables.push(json!({"Name": variable, "Value": value}));
    }

    fn save(&self) {
        // Atomically, as editors do: a partly written file is not a template.
        let new = self.workdir.file("new", &self.template.to_string());
        std::fs::rename(new, &self.file).expect("the workdir can be written to");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_service_is_replaced_without_failed_requests() {
    let workdir = Workdir::new();
    let (mut edited, mut run) = Edited::up(&workdir).await;
    let gateway = run.url("# gateway/1, port 9080");
    // The responses of blue stay the same.
    let load = Load::start(&format!("{gateway}green/downstream/blue.appmesh"), crate::http::FETCHED);
    edited.set_variable("BlueTaskDefinition", "RUST_LOG", "warn");
    edited.properties("BlueService")["DesiredCount"] = json!(2);
    edited.save();
    let applied = "template changed: applied, every Envoy has responded (ACK or NACK) after ";
    run.wait_for_lines(1, applied, "; started blue/2, blue/3; stopped blue/1")
        .await;
    edited.properties("BlueService")["DesiredCount"] = json!(1);
    edited.save();
    run.wait_for_lines(1, applied, "; stopped blue/3").await;
    let counters = load.stop().await;
    assert!(counters.calls > 0 && counters.failures.is_empty(), "{counters:#?}");
    assert_eq!(body(&format!("{gateway}blue")).await, BLUE);

    edited.set_variable("GreenTaskDefinition", "SERVICE_VERSION", "2");
    edited.save();
    run.wait_for_lines(1, applied, "; started green/2; stopped green/1")
        .await;
    let green = r#"{"message":"ok","service":"green","version":"2"}"#;
    assert_eq!(body(&format!("{gateway}green")).await, green);
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_with_failing_tasks_is_not_applied() {
    let workdir = Workdir::new();
    let (mut edited, mut run) = Edited::up(&workdir).await;
    let gateway = run.url("# gateway/1, port 9080");
    let load = Load::start(&format!("{gateway}blue"), BLUE);
    edited.set_variable("BlueTaskDefinition", "SERVICE_DOWNSTREAM_PORTS", "none");
    // The same template changes the path of blue, which must not be applied alone.
    let route = &mut edited.template["Resources"]["BlueGatewayRoute"];
    *route = serde_json::from_str(&route.to_string().replace("/blue\\\"", "/bleu\\\"")).expect("it was JSON");
    edited.save();
    run.wait_for_lines(1, "template changed, not applied: blue/2: ", "")
        .await;
    let counters = load.stop().await;
    assert!(counters.calls > 0 && counters.failures.is_empty(), "{counters:#?}");
    let stderr = run.printed().stderr;
    assert!(
        stderr.contains("SERVICE_DOWNSTREAM_PORTS"),
        "the end of the log names the reason:\n{stderr}"
    );
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_and_its_routes_are_added_and_removed() {
    let workdir = Workdir::new();
    let (mut edited, mut run) = Edited::up(&workdir).await;
    let gateway = run.url("# gateway/1, port 9080");
    let before = edited.template.clone();
    // A copy of blue under another name.
    for (logical_id, resource) in before["Resources"].as_object().expect("an object") {
        if let Some(rest) = logical_id.strip_prefix("Blue") {
            let text = resource.to_string().replace("Blue", "Teal").replace("blue", "teal");
            let copy = serde_json::from_str(&text).expect("it was JSON");
            edited.template["Resources"][format!("Teal{rest}")] = copy;
        }
    }
    edited.save();
    run.wait_for_lines(1, "template changed: ", "; started teal/1").await;
    let teal = r#"{"message":"ok","service":"teal","version":"unknown"}"#;
    assert_eq!(body(&format!("{gateway}teal")).await, teal);

    edited.template = before;
    edited.save();
    run.wait_for_lines(1, "template changed: ", "; stopped teal/1").await;
    let (status, _) = get(&format!("{gateway}teal")).await.expect("a response");
    assert_eq!(status, 404);
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_changes_its_port_under_load() {
    let workdir = Workdir::new();
    let (mut edited, mut run) = Edited::up(&workdir).await;
    let gateway = run.url("# gateway/1, port 9080");
    let load = Load::start(&format!("{gateway}blue"), BLUE);
    for (logical_id, from, to) in [
        ("BlueTaskDefinition", "\"ContainerPort\":80", "\"ContainerPort\":8080"),
        ("BlueTaskDefinition", "meshwright.port.80", "meshwright.port.8080"),
        ("BlueVirtualNode", "\\\"port\\\":80", "\\\"port\\\":8080"),
    ] {
        let resource = &mut edited.template["Resources"][logical_id];
        let text = resource.to_string();
        assert!(text.contains(from), "{from} in {text}");
        *resource = serde_json::from_str(&text.replace(from, to)).expect("it was JSON");
    }
    // Targets are called at the router's port by default.
    let halves = &mut edited.template["Resources"]["HalvesRoute"];
    let text = halves.to_string().replace(
        "\\\"virtualNode\\\":\\\"blue\\\"",
        "\\\"virtualNode\\\":\\\"blue\\\",\\\"port\\\":8080",
    );
    *halves = serde_json::from_str(&text).expect("it was JSON");
    edited.save();
    run.wait_for_lines(1, "template changed: ", "; started blue/2; stopped blue/1")
        .await;
    let counters = load.stop().await;
    assert!(counters.calls > 0 && counters.failures.is_empty(), "{counters:#?}");
    assert_eq!(body(&format!("{gateway}blue")).await, BLUE);
    assert_eq!(
        body(&format!("{gateway}green/downstream/blue.appmesh")).await,
        crate::http::FETCHED
    );
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_backend_is_ready_before_its_callers() {
    let workdir = Workdir::new();
    let (mut edited, mut run) = Edited::up(&workdir).await;
    let gateway = run.url("# gateway/1, port 9080");
    let node = &mut edited.template["Resources"]["GreenVirtualNode"];
    let text = node.to_string();
    let backend = r#"{\"virtualService\":{\"virtualServiceName\":\"blue.appmesh\"}}"#;
    assert!(text.contains(backend), "{text}");
    let more = format!("{backend},{}", backend.replace("blue", "split"));
    *node = serde_json::from_str(&text.replace(backend, &more)).expect("it was JSON");
    // The new tasks are healthy only if they can call it.
    let check = json!({"Command": ["CMD-SHELL", "python3 -c \"import os, urllib.request as r; \
        r.urlopen(r.Request('http://' + os.environ['MESHWRIGHT_EGRESS'], headers={'Host': 'split.appmesh'}))\""]});
    let containers = edited.properties("GreenTaskDefinition")["ContainerDefinitions"].as_array_mut();
    let mut containers = containers.expect("a list").iter_mut();
    let app = containers
        .find(|container| container["Name"] == "app")
        .expect("an application container");
    app["HealthCheck"] = check;
    edited.save();
    run.wait_for_lines(1, "template changed: ", "; started green/2; stopped green/1")
        .await;
    let (status, _) = get(&format!("{gateway}green/downstream/split.appmesh"))
        .await
        .expect("a response");
    assert_eq!(status, 200);
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_connect_endpoint_is_renamed_under_load() {
    let workdir = Workdir::new();
    let text = Run::to_end(&workdir, workdir.example(&["synth"])).await.stdout;
    let file = workdir.file("connect.template.json", &text);
    let name = file.display().to_string();
    let mut run = Run::up(&workdir, workdir.meshwright(&["up", "--template", &name])).await;
    let green = run.url("# green/1, port http");
    let load = Load::start(&format!("{green}downstream/blue.serviceconnect"), crate::http::FETCHED);
    // Clients call the same name.
    let mut template: Value = serde_json::from_str(&text).expect("a template");
    let service = &mut template["Resources"]["BlueService"]["Properties"]["ServiceConnectConfiguration"]["Services"][0];
    service["DiscoveryName"] = json!("azure");
    service["ClientAliases"][0]["DnsName"] = json!("blue.serviceconnect");
    let new = workdir.file("new", &template.to_string());
    std::fs::rename(new, &file).expect("the workdir can be written to");
    run.wait_for_lines(
        1,
        "template changed: ",
        "; started blue/3, blue/4; stopped blue/1, blue/2",
    )
    .await;
    let counters = load.stop().await;
    assert!(counters.calls > 0 && counters.failures.is_empty(), "{counters:#?}");
    assert_eq!(
        body(&format!("{green}downstream/blue.serviceconnect")).await,
        crate::http::FETCHED
    );
    run.stop().await;
}
