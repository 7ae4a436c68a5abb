//! `meshwright translate`: the Envoy configuration of a node, validated by a real Envoy.

use rustix::process::Signal;
use serde_json::Value;
use testkit::wait_until;

use crate::run::{Ended, Run};
use crate::workdir::Workdir;

/// A template as AWS CDK writes it, with the virtual node `blue` and the virtual gateway `gw`.
const CDK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/templates/appmesh.cdk.json");

/// Start of a template with a service, which every template needs.
const SERVICE: &str = "
Parameters: {Hostname: {Type: String, Default: web.internal}}
Resources:
  Task: {Type: AWS::ECS::TaskDefinition, Properties: {ContainerDefinitions: [{Name: app, Image: app}]}}
  Service: {Type: AWS::ECS::Service, Properties: {TaskDefinition: !Ref Task, ServiceName: plain}}
";

/// A template with the virtual node `web` in the mesh `demo`; `listener` is added to its listener, `more` to its spec.
fn web(listener: &str, more: &str) -> String {
    format!(
        "{SERVICE}
  Mesh: {{Type: AWS::AppMesh::Mesh, Properties: {{MeshName: demo}}}}
  Web:
    Type: AWS::AppMesh::VirtualNode
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualNodeName: web
      Spec:
        ServiceDiscovery: {{DNS: {{Hostname: !Ref Hostname}}}}
        Listeners:
          - PortMapping: {{Port: 8080, Protocol: http}}
            {listener}
        {more}
"
    )
}

async fn translate(workdir: &Workdir, file: &str, node: &str, more: &[&str]) -> Ended {
    let arguments = ["translate", "--template", file, "--node", node];
    let arguments: Vec<&str> = arguments.iter().chain(more).copied().collect();
    let ended = Run::to_end(workdir, workdir.meshwright(&arguments)).await;
    workdir.assert_nothing_left();
    ended
}

fn names(document: &Value, kind: &str) -> Vec<String> {
    let resources = document["static_resources"][kind].as_array().expect("a list");
    let names = resources
        .iter()
        .map(|resource| resource["name"].as_str().expect("a name").to_owned());
    names.collect()
}

#[tokio::test]
async fn the_same_template_gives_the_same_document_with_app_meshs_names() {
    let workdir = Workdir::new();
    let ended = translate(&workdir, CDK, "virtualGateway/gw", &[]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    let again = translate(&workdir, CDK, "mesh/demo/virtualGateway/gw", &[]).await;
    assert_eq!(ended.stdout, again.stdout);

    let document: Value = serde_json::from_str(&ended.stdout).expect("one JSON document");
    assert_eq!(document["node"]["id"], "mesh/demo/virtualGateway/gw");
    assert_eq!(
        names(&document, "listeners"),
        ["lds_egress_0.0.0.0_15001", "lds_ingress_0.0.0.0_8080"]
    );
    assert_eq!(
        names(&document, "clusters"),
        [
            "cds_egress_demo_blue_http_3000",
            "cds_ingress_demo_gw_self_redirect_http_15001"
        ]
    );
    assert!(
        ended.stdout.contains("\"name\": \"rds_ingress_http_8080\""),
        "{ended:?}"
    );

    let intercepted = translate(&workdir, CDK, "virtualNode/blue", &["--wiring", "intercepted"]).await;
    let document = serde_json::from_str(&intercepted.stdout).expect("one JSON document");
    assert_eq!(
        names(&document, "listeners"),
        ["lds_egress_0.0.0.0_15001", "lds_ingress_0.0.0.0_15000"]
    );
}

#[tokio::test]
async fn envoy_accepts_it_in_either_traffic_mode() {
    let workdir = Workdir::new();
    let connect = testkit::golden_path!("serviceconnect.template.json")
        .display()
        .to_string();
    for (file, node) in [
        (CDK, "virtualNode/blue"),
        (CDK, "virtualGateway/gw"),
        (&connect, "service/green"),
    ] {
        for wiring in ["explicit", "intercepted"] {
            let without = translate(&workdir, file, node, &["--wiring", wiring]).await;
            let ended = translate(&workdir, file, node, &["--wiring", wiring, "--validate"]).await;
            assert_eq!(ended.code, Some(0), "{node}, {wiring}: {ended:?}");
            assert_eq!(ended.stdout, without.stdout, "{node}, {wiring}");
            let message = ended.stderr.lines().last().unwrap_or_default();
            assert!(
                message.starts_with("Envoy 1.") && message.ends_with(" accepts this configuration"),
                "{node}, {wiring}: {ended:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_configuration_that_envoy_rejects() {
    let workdir = Workdir::new();
    let missing = workdir.path("missing.pem").display().to_string();
    let tls =
        format!("TLS: {{Mode: STRICT, Certificate: {{File: {{CertificateChain: {missing}, PrivateKey: {missing}}}}}}}");
    let file = workdir.file("mesh.yaml", &web(&tls, "")).display().to_string();
    let ended = translate(&workdir, &file, "web", &["--validate"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    // The rejected configuration is printed nevertheless.
    let document: Value = serde_json::from_str(&ended.stdout).expect("one JSON document");
    assert!(
        document
            .to_string()
            .contains(&format!(r#""private_key":{{"filename":"{missing}"}}"#)),
        "{ended:?}"
    );
    let message = ended
        .stderr
        .split_once(" rejects this configuration:\n")
        .unwrap_or_else(|| panic!("{ended:?}"));
    assert!(message.0.starts_with("error: Envoy 1."), "{ended:?}");
    assert!(message.1.contains(&missing), "{ended:?}");
}

#[tokio::test]
async fn a_validation_writes_no_access_log() {
    let workdir = Workdir::new();
    let log = workdir.path("access.log");
    let logging = format!("Logging: {{AccessLog: {{File: {{Path: {}}}}}}}", log.display());
    let file = workdir.file("mesh.yaml", &web("", &logging)).display().to_string();
    let ended = translate(&workdir, &file, "web", &["--validate"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.contains(&format!("\"path\": \"{}\"", log.display())),
        "{ended:?}"
    );
    assert!(!log.exists(), "Envoy has created the access log");
}

#[tokio::test]
async fn untranslated_parts_are_reported_on_stderr() {
    let workdir = Workdir::new();
    let tls =
        "TLS: {Mode: STRICT, Certificate: {ACM: {CertificateArn: 'arn:aws:acm:eu-west-1:123456789012:certificate/1'}}}";
    let file = workdir.file("mesh.yaml", &web(tls, "")).display().to_string();
    let ended = translate(&workdir, &file, "web", &[]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let document = serde_json::from_str(&ended.stdout).expect("one JSON document");
    assert_eq!(names(&document, "listeners"), ["lds_egress_0.0.0.0_15001"]);
    assert!(ended.stderr.starts_with("not translated: "), "{ended:?}");
    assert!(ended.stderr.contains("AWS Certificate Manager"), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
}

#[tokio::test]
async fn strict_fails_after_printing_the_configuration() {
    let workdir = Workdir::new();
    let backend = "Backends: [{VirtualService: {VirtualServiceName: missing}}]";
    let file = workdir.file("backend.yaml", &web("", backend)).display().to_string();
    let loose = translate(&workdir, &file, "virtualNode/web", &[]).await;
    assert_eq!(loose.code, Some(0), "{loose:?}");
    let strict = translate(&workdir, &file, "virtualNode/web", &["--strict"]).await;
    assert_eq!((strict.code, &strict.stdout), (Some(1), &loose.stdout));
    assert!(strict.stderr.contains("error: --strict: 1 assumed and "), "{strict:?}");
    let file = workdir.file("plain.yaml", &web("", "")).display().to_string();
    let nothing = translate(&workdir, &file, "virtualNode/web", &["--strict"]).await;
    assert_eq!(nothing.code, Some(0), "{nothing:?}");
}

#[tokio::test]
async fn several_templates_and_parameters_work_as_in_up() {
    let workdir = Workdir::new();
    let mesh = "
Parameters: {Mesh: {Type: String}}
Resources: {Mesh: {Type: AWS::AppMesh::Mesh, Properties: {MeshName: !Ref Mesh}}}
Outputs: {Mesh: {Value: !GetAtt Mesh.MeshName, Export: {Name: mesh}}}
";
    let mesh = workdir.file("mesh.yaml", mesh).display().to_string();
    let node = format!(
        "{SERVICE}
  Web:
    Type: AWS::AppMesh::VirtualNode
    Properties:
      MeshName: !ImportValue mesh
      VirtualNodeName: web
      Spec: {{Backends: [{{VirtualService: {{VirtualServiceName: api}}}}]}}
  Api:
    Type: AWS::AppMesh::VirtualNode
    Properties:
      MeshName: !ImportValue mesh
      VirtualNodeName: api
      Spec:
        ServiceDiscovery: {{DNS: {{Hostname: !Ref Hostname}}}}
        Listeners: [{{PortMapping: {{Port: 8080, Protocol: http}}}}]
  Called:
    Type: AWS::AppMesh::VirtualService
    Properties:
      MeshName: !ImportValue mesh
      VirtualServiceName: api
      Spec: {{Provider: {{VirtualNode: {{VirtualNodeName: !GetAtt Api.VirtualNodeName}}}}}}
"
    );
    let node = workdir.file("node.yaml", &node).display().to_string();
    let more = [
        "--template",
        &node,
        "--parameter",
        "Mesh=live",
        "--parameter",
        "Hostname=api.live",
    ];
    let ended = translate(&workdir, &mesh, "mesh/live/virtualNode/web", &more).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    let document: Value = serde_json::from_str(&ended.stdout).expect("one JSON document");
    assert_eq!(names(&document, "clusters"), ["cds_egress_live_api_http_8080"]);
    assert!(ended.stdout.contains("\"address\": \"api.live.\""), "{ended:?}");
}

#[tokio::test]
async fn an_unknown_node_is_an_error_that_names_the_known_ones() {
    let workdir = Workdir::new();
    for name in ["virtualNode/green", "mesh/demo/virtualService/blue.appmesh"] {
        let ended = translate(&workdir, CDK, name, &["--validate"]).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
        assert_eq!(
            ended.stderr,
            format!(
                "error: --node: no node `{name}`; known nodes: mesh/demo/virtualNode/blue, \
                 mesh/demo/virtualGateway/gw\n"
            )
        );
    }

    let two = web("", "")
        + "
  Other: {Type: AWS::AppMesh::Mesh, Properties: {MeshName: other}}
  OtherWeb: {Type: AWS::AppMesh::VirtualNode, Properties: {MeshName: !GetAtt Other.MeshName, VirtualNodeName: web, Spec: {}}}
";
    let two = workdir.file("two.yaml", &two).display().to_string();
    let ended = translate(&workdir, &two, "virtualNode/web", &[]).await;
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (
            Some(2),
            "error: --node: `virtualNode/web` is ambiguous: mesh/demo/virtualNode/web or mesh/other/virtualNode/web\n"
        ),
        "{ended:?}"
    );
}

#[tokio::test]
async fn an_interrupted_validation_leaves_nothing() {
    let workdir = Workdir::new();
    let is_validating = workdir.path("validating");
    // An Envoy that never exits and ignores SIGTERM: it reads from a pipe without a writer.
    let slow = format!(
        "[ \"$1\" = --version ] && echo \"envoy  version: abc/1.40.0/Clean/RELEASE/BoringSSL\" && exit
trap '' HUP INT TERM
mkfifo {0}
read -r never < {0}",
        is_validating.display()
    );
    let envoy = workdir.script("envoy", &slow).await;
    for (signal, name) in [
        (Signal::INT, "SIGINT"),
        (Signal::TERM, "SIGTERM"),
        (Signal::HUP, "SIGHUP"),
    ] {
        let mut command = workdir.meshwright(&[
            "translate",
            "--template",
            CDK,
            "--node",
            "virtualNode/blue",
            "--validate",
        ]);
        command.env("ENVOY_BIN", &envoy);
        let run = Run::start(&workdir, command);
        wait_until("Envoy is validating", async || is_validating.exists()).await;
        run.signal(signal);
        let ended = run.end().await;
        assert_eq!(ended.code, Some(130), "{ended:?}");
        assert_eq!(
            ended.stderr,
            format!("error: interrupted by {name} before Envoy had validated the configuration\n")
        );
        serde_json::from_str::<Value>(&ended.stdout).expect("one JSON document");
        workdir.assert_nothing_left();
        std::fs::remove_file(&is_validating).expect("it is there");
    }
}
