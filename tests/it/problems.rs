//! What `up` says of a mesh in which not everything works.

use serde_json::json;

use crate::http::{BLUE, GREEN, body};
use crate::run::Run;
use crate::template::{changed, container};
use crate::workdir::Workdir;

const HEADING: &str = "not everything works, ";

/// Starts a mesh in which not everything works, and waits until `problem` is printed.
async fn up<'w>(workdir: &'w Workdir, arguments: &[&str], problem: &str) -> Run<'w> {
    let mut run = Run::start(workdir, workdir.meshwright(&[&["up"], arguments].concat()));
    run.wait_for("problems", |printed| {
        let (_, problems) = printed.stderr.split_once(HEADING).unwrap_or_default();
        problems.contains(problem) && printed.stdout.contains("Ctrl-C stops everything")
    })
    .await;
    assert!(!run.printed().stderr.contains("everything is running"));
    run
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_cannot_start_is_named_and_the_others_run() {
    let workdir = Workdir::new();
    let broken = |template: &mut serde_json::Value| {
        let green = container(template, "Green");
        green["Image"] = json!("team/app:1");
        // It runs a program of the image.
        green.as_object_mut().expect("an object").remove("HealthCheck");
    };
    let file = changed(&workdir, broken).display().to_string();
    let database = workdir.path("database").display().to_string();
    let image = format!(
        "team/app=sh -c 'test -e {database} || {{ echo no database; exit 3; }}; exec {} __demo-service'",
        env!("CARGO_BIN_EXE_meshwright")
    );
    let arguments = ["--template", &file, "--image", &image];
    let mut run = up(&workdir, &arguments, "starts them again\n").await;
    let printed = run.printed();
    let expected = "s after the start:\n  green/1: container app ended with exit code 3; last log lines:\n      no database\n  \
                    service green: none of its tasks is running; a change of its template starts them again\n";
    assert!(printed.stderr.contains(expected), "{}", printed.stderr);
    assert!(!printed.stdout.contains("green/1"), "{}", printed.stdout);
    assert_eq!(body(&run.url("# blue/1, port http")).await, BLUE);

    // Written in two steps, as some editors do: nothing is said of the first one.
    workdir.file("database", "");
    let whole = std::fs::read_to_string(&file).expect("the file");
    std::fs::write(&file, "").expect("the file");
    std::fs::write(&file, &whole[..whole.len() / 2]).expect("the file");
    std::fs::write(&file, format!("{whole}\n")).expect("the file");
    run.wait_for("the change", |printed| {
        printed.stderr.contains("template changed: applied") && printed.stdout.contains("# green/2, port http")
    })
    .await;
    let printed = run.printed().stderr;
    assert!(!printed.contains("not applied"), "{printed}");
    assert_eq!(printed.matches("not everything works").count(), 1, "{printed}");
    assert_eq!(body(&run.url("# green/2, port http")).await, GREEN);

    // A file that stays half-written is an error.
    std::fs::write(&file, &whole[..whole.len() / 2]).expect("the file");
    run.wait_for("the error", |printed| {
        printed.stderr.contains("template changed, not applied: ")
            && printed.stderr.contains("the template is not JSON")
    })
    .await;
    run.stop().await;
}

/// A mesh with a virtual gateway, and a service that is a virtual node of it.
const GATEWAY: &str = "
Resources:
  Mesh: {Type: AWS::AppMesh::Mesh, Properties: {MeshName: shop}}
  Gateway: {Type: AWS::AppMesh::VirtualGateway, Properties: {MeshName: shop, VirtualGatewayName: door, Spec: {Listeners: [{PortMapping: {Port: 9080, Protocol: http}}]}}}
  Node: {Type: AWS::AppMesh::VirtualNode, Properties: {MeshName: shop, VirtualNodeName: web, Spec: {Listeners: [{PortMapping: {Port: 8080, Protocol: http}}TLS], ServiceDiscovery: {DNS: {Hostname: web.local}}}}}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - {Name: web, Image: example/web, PortMappings: [{ContainerPort: 8080}]}
        - {Name: envoy, Image: aws-appmesh-envoy, Environment: [{Name: APPMESH_RESOURCE_ARN, Value: mesh/shop/virtualNode/web}]}
  Web: {Type: AWS::ECS::Service, Properties: {ServiceName: web, TaskDefinition: !Ref Task}}
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_without_a_task_is_named() {
    let workdir = Workdir::new();
    let file = workdir
        .file("mesh.yaml", &GATEWAY.replace("TLS", ""))
        .display()
        .to_string();
    let expected = "\n  mesh/shop/virtualGateway/door: no task has its Envoy, so nothing listens on its ports; ";
    let run = up(&workdir, &["--stub", "--template", &file], expected).await;
    run.stop().await;

    let strict = workdir.meshwright(&["up", "--strict", "--stub", "--template", &file]);
    let ended = Run::to_end(&workdir, strict).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    assert!(
        ended.stderr.ends_with("error: --strict: not everything works\n"),
        "{ended:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_envoy_rejects_is_named() {
    let workdir = Workdir::new();
    let certificate = workdir
        .file("certificate.pem", "not a certificate")
        .display()
        .to_string();
    let tls = format!(
        ", TLS: {{Mode: STRICT, Certificate: {{File: {{CertificateChain: {certificate}, PrivateKey: {certificate}}}}}}}"
    );
    // Within the braces of the listener.
    let text = GATEWAY.replace("}}TLS]", &format!("}}{tls}}}]"));
    let file = workdir.file("mesh.yaml", &text).display().to_string();
    let run = up(
        &workdir,
        &["--stub", "--template", &file],
        "  web/1: its Envoy rejects `",
    )
    .await;
    let printed = run.printed().stderr;
    let line = printed
        .lines()
        .find(|line| line.starts_with("  web/1: its Envoy rejects `"));
    let line = line.unwrap_or_else(|| panic!("no NACK in\n{printed}"));
    assert!(line.contains("(NACK): ") && line.contains(&certificate), "{line}");
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_is_never_sent_is_named() {
    let workdir = Workdir::new();
    let tls = ", TLS: {Mode: STRICT, Certificate: {SDS: {SecretName: web-certificate}}}";
    let socket = workdir.path("sds.sock").display().to_string();
    let variables = format!("virtualNode/web}}, {{Name: APPMESH_SDS_SOCKET_PATH, Value: {socket}}}]");
    let text = GATEWAY
        .replace("}}TLS]", &format!("}}{tls}}}]"))
        .replace("virtualNode/web}]", &variables);
    let file = workdir.file("mesh.yaml", &text).display().to_string();
    let expected = "\n  web/1: the secret discovery service has not sent `web-certificate` to its Envoy: ";
    let run = up(&workdir, &["--stub", "--template", &file], expected).await;
    run.stop().await;
}
