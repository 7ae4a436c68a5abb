//! App Mesh: the example, and foreign templates with App Mesh's resources.

use rustix::process::Signal;
use serde_json::{Value, json};
use testkit::wait_until;

use crate::http::{BLUE, FETCHED, GREEN, body, get};
use crate::run::Run;
use crate::trace_timeline;
use crate::workdir::Workdir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_smoke_test_takes_every_path_through_the_mesh() {
    let workdir = Workdir::new();
    let ended = Run::to_end(&workdir, workdir.example_named("appmesh", &["--once"])).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    workdir.assert_nothing_left();
    for expected in [
        "you → envoy of green/1 → green/1 → envoy of green/1 → envoy of blue/1 → blue/1\n",
        "you → envoy of gateway/1 → envoy of blue/1 → blue/1\n",
        "you → envoy of gateway/1 → envoy of green/1 → green/1 → envoy of green/1 → envoy of blue/1 → blue/1\n",
        "virtual node green has the backends blue.appmesh, and the mesh drops all other calls",
    ] {
        assert!(ended.stdout.contains(expected), "no `{expected}` in {ended:?}");
    }
    let counts = ended.stdout.lines().find(|line| line.trim().starts_with("blue: "));
    let counts: u32 = counts
        .into_iter()
        .flat_map(|line| line.split(|c: char| !c.is_ascii_digit()))
        .filter_map(|digits| digits.parse::<u32>().ok())
        .sum();
    assert_eq!(counts, 20, "{ended:?}");
    let (call, timeline) = trace_timeline::parse(&ended.stdout);
    let envoys = trace_timeline::envoys(&timeline);
    let components: Vec<&str> = envoys.iter().map(|line| line.component.as_str()).collect();
    let [gateway_ingress, gateway_egress, to_first, from_first, to_blue] = components.as_slice() else {
        panic!("{ended:?}");
    };
    assert_eq!(
        (call, *gateway_ingress, *gateway_egress),
        (7, "envoy of gateway/1", "envoy of gateway/1")
    );
    assert!(to_first == from_first && ["envoy of blue/1", "envoy of green/1"].contains(to_first));
    assert_eq!(*to_blue, "envoy of blue/1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_weight_reaches_a_running_mesh() {
    let workdir = Workdir::new();
    let synth = workdir.example_named("appmesh", &["synth", "--mesh", "app-mesh"]);
    let mut template: Value = serde_json::from_str(&Run::to_end(&workdir, synth).await.stdout).expect("a template");
    // As in a foreign template: an image that is not on this machine, and no port variable.
    for container in containers(&mut template) {
        if container["Name"] == "app" {
            container["Image"] = json!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:7");
            container["DockerLabels"] = json!({});
            container["HealthCheck"] = json!({"Command": ["CMD-SHELL", "curl -f http://localhost:3000/ || exit 1"]});
        }
    }
    let file = workdir.file("mesh.template.json", &template.to_string());
    let name = file.display().to_string();
    let up = workdir.meshwright(&["up", "--template", &name, "--stub"]);
    let mut run = Run::up(&workdir, up).await;
    let gateway = run.url("# gateway/1, port 9080");
    let split = format!("{gateway}split");
    assert_eq!(body(&format!("{gateway}blue")).await, BLUE);
    assert_eq!(body(&format!("{gateway}green")).await, GREEN);
    wait_until("both targets receive calls", async || body(&split).await == GREEN).await;
    wait_until("both targets receive calls", async || body(&split).await == BLUE).await;
    assert_eq!(body(&format!("{gateway}green/downstream/blue.appmesh")).await, FETCHED);

    std::fs::write(&file, "{").expect("the workdir can be written to");
    run.wait_for_lines(1, "template changed, not applied", name.as_str())
        .await;

    let route = resource(&mut template, "AWS::AppMesh::Route");
    let targets = &mut route["Properties"]["Spec"]["HttpRoute"]["Action"]["WeightedTargets"];
    targets[0]["Weight"] = json!(0);
    std::fs::write(&file, template.to_string()).expect("the workdir can be written to");
    run.wait_for_lines(
        1,
        "template changed: applied, every Envoy has responded (ACK or NACK) after ",
        " ms",
    )
    .await;
    for _ in 0..30 {
        assert_eq!(body(&split).await, GREEN);
    }
    // Requests without a matching route get a local reply of the gateway.
    let (status, message) = get(&format!("{gateway}other")).await.expect("a response");
    assert_eq!(status, 404);
    assert_eq!(
        message,
        "no gateway route of virtual gateway gateway matches this request"
    );

    run.signal(Signal::INT);
    let ended = run.end().await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    workdir.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_inconsistencies_of_a_mesh_are_reported() {
    let workdir = Workdir::new();
    let synth = workdir.example_named("appmesh", &["synth", "--mesh", "app-mesh"]);
    let mut template: Value = serde_json::from_str(&Run::to_end(&workdir, synth).await.stdout).expect("a template");
    let route = resource(&mut template, "AWS::AppMesh::Route");
    let spec = &mut route["Properties"]["Spec"]["HttpRoute"];
    spec["Action"]["WeightedTargets"][0]["Weight"] = json!(101);
    spec["Match"]["Method"] = json!("FETCH");
    let name = workdir.file("mesh.json", &template.to_string()).display().to_string();
    let ended = Run::to_end(&workdir, workdir.meshwright(&["check", "--template", &name])).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for expected in [
        "Properties.Spec.HttpRoute.Match.Method",
        "FETCH",
        "Properties.Spec.HttpRoute.Action.WeightedTargets[0].Weight",
        "101",
    ] {
        assert!(ended.stderr.contains(expected), "no `{expected}` in {ended:?}");
    }
}

/// The template has what AWS CDK synthesises: hashes in logical ids, joined ARNs, a proxy configuration, AWS's own image of
/// Envoy, and rules and conditions that are ignored locally.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_of_cdk_runs_unchanged() {
    let workdir = Workdir::new();
    let name = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/templates/appmesh.cdk.json");
    let run = Run::up(&workdir, workdir.meshwright(&["up", "--template", name, "--stub"])).await;
    let gateway = run.url("# appmesh-GwService/1, port 8080");
    let service = r#"{"message":"ok","service":"appmesh-BlueService","version":"unknown"}"#;
    assert_eq!(body(&gateway).await, service);
    for listed in [
        "Vpc8378EB38 (AWS::EC2::VPC)",
        "BlueTaskRole (AWS::IAM::Role)",
        "BlueLog (AWS::Logs::LogGroup)",
    ] {
        let line = format!("not simulated: {listed}\n");
        assert!(run.printed().stderr.contains(&line), "no `{line}`");
    }
    run.signal(Signal::INT);
    let ended = run.end().await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    workdir.assert_nothing_left();
}

/// The first resource of this type.
fn resource<'t>(template: &'t mut Value, kind: &str) -> &'t mut Value {
    let resources = template["Resources"].as_object_mut().expect("resources");
    let found = resources.values_mut().find(|resource| resource["Type"] == kind);
    found.unwrap_or_else(|| panic!("no {kind}"))
}

fn containers(template: &mut Value) -> impl Iterator<Item = &mut Value> {
    let resources = template["Resources"].as_object_mut().expect("resources");
    resources
        .values_mut()
        .filter(|resource| resource["Type"] == "AWS::ECS::TaskDefinition")
        .flat_map(|resource| {
            let containers = &mut resource["Properties"]["ContainerDefinitions"];
            containers.as_array_mut().expect("containers")
        })
}
