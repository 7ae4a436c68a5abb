//! The service of the control plane, and Envoys with bootstraps.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc;

use mesh_infra::app_mesh::tls::{ListenerTls, ListenerTlsCertificate, SdsSecret, TlsMode};
use mesh_infra::{AppMeshApi, ControlPlane, Listener, Mesh, Stack, VirtualNode};
use serde_json::json;

use crate::deployable::{app, container, fixture, node, service, template, variable};
use crate::proxy::{bootstrap, evaluated, with_node};

#[test]
fn the_control_plane_is_a_service_of_two_tasks() {
    let template = template();
    template
        .has_resource(
            "AWS::ECS::Service",
            &json!({"ServiceName": "mesh-control", "DesiredCount": 2, "TaskDefinition": {"Ref": "ControlPlaneTaskDefinition"}}),
        )
        .unwrap();
    let container = container(&template, "ControlPlaneTaskDefinition", "mesh-control");
    assert_eq!(
        container["Command"],
        json!([
            "--mesh",
            "demo",
            "--namespace",
            {"Fn::Sub": "appmesh=${Namespace}"},
            "--xds",
            "0.0.0.0:18000",
            "--xds-insecure",
            "--status",
            "127.0.0.1:18001",
            "--publish-status"
        ])
    );
    assert_eq!(
        container["HealthCheck"]["Command"],
        json!(["CMD", "mesh-control", "health"])
    );
    assert_eq!(container["DockerLabels"]["meshwright.role"], "control-plane");
}

#[test]
fn a_control_plane_serves_its_own_mesh() {
    let mut stack = Stack::new("mesh");
    let fixture = fixture(&mut stack);
    let other = ControlPlane::new("other", &fixture.cluster, &fixture.network, &fixture.namespace)
        .with_name("other-control")
        .with_image("team/control:1")
        .with_desired_count(3)
        .with_namespace("legacy");
    let other = stack.add("other", other);
    assert_eq!((other.host().as_str(), other.port()), ("other-control.appmesh", 18000));
    let template = stack.synth().unwrap();
    template
        .has_resource(
            "AWS::ECS::Service",
            &json!({"ServiceName": "other-control", "DesiredCount": 3}),
        )
        .unwrap();
    let properties = template.resources["OtherTaskRole"].properties.to_string();
    let condition = r#"{"StringLike":{"servicediscovery:NamespaceName":["appmesh","*appmesh*","legacy"]}}"#;
    assert!(properties.contains(condition), "{properties}");
    let policies = &template.resources["OtherTaskRole"].properties["Policies"];
    assert_eq!(
        policies[0]["PolicyDocument"]["Statement"][4],
        json!({
            "Effect": "Allow",
            "Action": "servicediscovery:GetNamespace",
            "Resource": {"Fn::GetAtt": ["Namespace", "Arn"]}
        })
    );
    let image = &container(&template, "OtherTaskDefinition", "mesh-control")["Image"];
    assert_eq!(image, "team/control:1");

    stack.add("Second", Mesh::new("second").with_control_plane(&other));
    assert_eq!(
        stack.synth().unwrap_err().to_string(),
        "Resources.SecondMesh: is the mesh `second`, but the control plane `OtherService` is that of the mesh `other`"
    );
}

const KEY_PAIRS: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mesh-keys-AbCdEf";

#[test]
fn app_meshs_api_is_over_a_table_of_the_stack() {
    let mut stack = Stack::new("mesh");
    let fixture = fixture(&mut stack);
    let api = AppMeshApi::new(KEY_PAIRS).with_mesh("shop");
    let plane = ControlPlane::of_app_mesh_api(api, &fixture.cluster, &fixture.network, &fixture.namespace);
    let plane = stack.add("api", plane.with_name("api"));
    assert_eq!(plane.api_url().as_deref(), Some("http://api.appmesh:18002"));
    assert_eq!((plane.mesh(), fixture.control_plane.api_url()), (None, None));
    let template = stack.synth().unwrap_or_else(|errors| panic!("{errors}"));
    let table = &template.resources["ApiMeshes"];
    assert_eq!(table.kind, "AWS::DynamoDB::Table");
    assert_eq!(table.properties["BillingMode"], "PAY_PER_REQUEST");
    let recovery = json!({"PointInTimeRecoveryEnabled": true});
    assert_eq!(table.properties["PointInTimeRecoverySpecification"], recovery);
    assert_eq!(table.deletion_policy, Some(json!("RetainExceptOnCreate")));
    let container = container(&template, "ApiTaskDefinition", "mesh-control");
    let command = container["Command"].as_array().expect("a command");
    assert!(!command.contains(&json!("--mesh")), "{command:?}");
    let keys = format!("secretsmanager:{KEY_PAIRS}");
    let expected = [
        json!("--dynamodb"),
        json!({"Ref": "ApiMeshes"}),
        json!("--api"),
        json!("0.0.0.0:18002"),
        json!("--keys"),
        json!(keys),
        json!("--account"),
        json!({"Ref": "AWS::AccountId"}),
    ];
    assert_eq!(command[command.len() - expected.len()..], expected);
    let policy = &template.resources["ApiTaskRole"].properties["Policies"][0]["PolicyDocument"]["Statement"];
    let statements = policy.as_array().expect("statements");
    let of = |action: &str| {
        let has_action = |statement: &&serde_json::Value| statement["Action"].to_string().contains(action);
        let statement = statements.iter().find(has_action);
        &statement.unwrap_or_else(|| panic!("no {action} in {policy}"))["Resource"]
    };
    assert_eq!(of("dynamodb:UpdateItem"), &json!({"Fn::GetAtt": ["ApiMeshes", "Arn"]}));
    assert_eq!(of("secretsmanager:GetSecretValue"), KEY_PAIRS);
    let parameter = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/meshwright/shop";
    assert_eq!(of("ssm:PutParameter"), &json!({"Fn::Sub": parameter}));
    assert!(!policy.to_string().contains("meshwright-status"), "{policy}");
}

#[test]
fn a_stack_has_no_mesh_of_the_api() {
    let mut stack = Stack::new("mesh");
    let fixture = fixture(&mut stack);
    let api = AppMeshApi::new(KEY_PAIRS);
    let plane = ControlPlane::of_app_mesh_api(api.clone(), &fixture.cluster, &fixture.network, &fixture.namespace);
    let plane = stack.add("api", plane.with_name("api"));
    stack.add("Second", Mesh::new("second").with_control_plane(&plane));
    assert_eq!(
        stack.synth().unwrap_err().to_string(),
        "Resources.SecondMesh: is the mesh `second`, but the control plane `ApiService` is that of App Mesh's API, and reads no \
         mesh of a stack"
    );
    let mut stack = Stack::new("both");
    let fixture = self::fixture(&mut stack);
    let plane = ControlPlane::new("second", &fixture.cluster, &fixture.network, &fixture.namespace);
    let plane = stack.add("both", plane.with_name("both").with_app_mesh_api(api));
    stack.add("Second", Mesh::new("second").with_control_plane(&plane));
    let template = stack.synth().unwrap_or_else(|errors| panic!("{errors}"));
    let command = container(&template, "BothTaskDefinition", "mesh-control")["Command"].to_string();
    assert!(
        command.starts_with(r#"["--mesh","second""#) && command.contains("--dynamodb"),
        "{command}"
    );
}

#[test]
fn its_role_must_allow_the_namespaces_of_virtual_nodes() {
    let stack = |namespace: Option<&str>| {
        let mut stack = Stack::new("mesh");
        let fixture = fixture(&mut stack);
        let control_plane =
            ControlPlane::new("own", &fixture.cluster, &fixture.network, &fixture.namespace).with_name("own");
        let control_plane = match namespace {
            Some(namespace) => control_plane.with_namespace(namespace),
            None => control_plane,
        };
        let control_plane = stack.add("own", control_plane);
        let mesh = stack.add("own", Mesh::new("own").with_control_plane(&control_plane));
        let node = VirtualNode::new(&mesh, "old").with_listener(Listener::http(80));
        stack.add("old", node.with_cloud_map_discovery("legacy", "old"));
        stack
    };
    assert_eq!(stack(Some("legacy")).synth().map(|_| ()), Ok(()));
    assert_eq!(
        stack(None).synth().unwrap_err().to_string(),
        "Resources.OwnTaskRole.Properties.Policies: do not allow the namespace `legacy`, where the control plane looks \
         for virtual node `old`; add ControlPlane::with_namespace"
    );
}

#[test]
fn envoy_takes_certificates_from_the_sds_socket() {
    let stack = |socket: Option<&str>| {
        let mut stack = Stack::new("mesh");
        let fixture = fixture(&mut stack);
        let certificate = ListenerTlsCertificate::Sds(SdsSecret {
            secret_name: "blue".to_owned(),
        });
        let tls = ListenerTls {
            mode: TlsMode::Strict,
            certificate,
            validation: None,
        };
        let blue = VirtualNode::new(&fixture.mesh, "blue")
            .with_listener(Listener::http(80).with_tls(tls))
            .with_dns_endpoints("blue.appmesh");
        let blue = stack.add("blue", blue);
        let service = service(&fixture, "blue", app(80)).with_virtual_node(&blue);
        stack.add(
            "blue",
            match socket {
                Some(socket) => service.with_sds_socket(socket),
                None => service,
            },
        );
        stack
    };
    let template = stack(Some("/sds/sock")).synth().unwrap();
    let envoy = container(&template, "BlueTaskDefinition", "envoy");
    assert_eq!(variable(envoy, "APPMESH_SDS_SOCKET_PATH"), Some("/sds/sock"));
    let clusters = bootstrap(&template, "BlueTaskDefinition")["static_resources"]["clusters"].to_string();
    assert!(clusters.contains(r#"{"pipe":{"path":"/sds/sock"}}"#), "{clusters}");
    assert_eq!(
        stack(None).synth().unwrap_err().to_string(),
        "Resources.BlueTaskDefinition.Properties.ContainerDefinitions[1].Command[1]: has no secret discovery service, from which virtual node `blue` takes certificates; set it by \
         Service::with_sds_socket"
    );
}

#[test]
fn envoy_accepts_each_bootstrap() {
    let envoy = testkit::envoy();
    let intercepted = with_node(app(80), |fixture| node(fixture, "blue", 80), true)
        .synth()
        .unwrap();
    let explicit = template();
    for (template, task) in [
        (&explicit, "BlueTaskDefinition"),
        (&explicit, "DoorTaskDefinition"),
        (&intercepted, "BlueTaskDefinition"),
    ] {
        let command = evaluated(template, &container(template, task, "envoy")["Command"]);
        let command = command.as_array().expect("a list");
        let output_text = command.iter().map(|word| word.as_str().expect("a string"));
        let output = envoy
            .command()
            .args(["--mode", "validate"])
            .args(output_text)
            .output()
            .expect("Envoy starts");
        let output_text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{task}: {output_text}");
    }
}

/// Responds to one request, and sends the request to the receiver.
fn respond_once(status: &'static str) -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (sender, requests) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        // The shell writes line by line.
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut more = [0; 1024];
            let length = connection.read(&mut more).expect("a request");
            assert!(length > 0, "the request has an end");
            request.extend_from_slice(&more[..length]);
        }
        let response = format!("HTTP/1.1 {status}\r\ncontent-length: 5\r\nconnection: close\r\n\r\nstate");
        connection.write_all(response.as_bytes()).expect("a response");
        // The receiver may be gone.
        let _gone = sender.send(String::from_utf8_lossy(&request).into_owned());
    });
    (port, requests)
}

#[test]
fn the_readiness_check_needs_only_a_shell() {
    let template = template();
    let check = &container(&template, "BlueTaskDefinition", "envoy")["HealthCheck"]["Command"];
    let check = evaluated(&template, check);
    assert_eq!(
        (&check[0], &check[1], &check[2]),
        (&json!("CMD"), &json!("bash"), &json!("-c"))
    );
    let line = check[3].as_str().expect("a string");
    let is_healthy = |port: u16| {
        let line = line.replace("/9901", &format!("/{port}"));
        let output = Command::new("bash").args(["-c", &line]).output().expect("bash starts");
        output.status.success()
    };
    for (status, expected) in [("200 OK", true), ("503 Service Unavailable", false)] {
        let (port, requests) = respond_once(status);
        assert_eq!(is_healthy(port), expected, "{status}");
        assert!(
            requests
                .recv()
                .expect("a request")
                .starts_with("GET /ready HTTP/1.1\r\n")
        );
    }
    let closed_port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    assert!(!is_healthy(closed_port.expect("an address").port()));
}
