//! TLS and task roles on the xDS port.

use mesh_infra::{
    Cluster, ControlPlane, Mesh, PrivateDnsNamespace, Secret, Service, Stack, TaskDefinition, Template, Vpc, XdsAccess,
};
use serde_json::json;
use testkit::{assert_golden, golden_path};

use crate::deployable::{Fixture, app, container, node};
use crate::proxy::bootstrap;

const CERTIFICATE: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:xds-certificate-AbCdEf";
const KEY: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:xds-key-AbCdEf";
const ROLE: &str = "arn:aws:iam::123456789012:role/blue";
const BLUE: &str = "mesh/demo/virtualNode/blue";

/// The text of a CA certificate.
fn ca() -> String {
    let made = rcgen::generate_simple_self_signed(["mesh-control.appmesh".to_owned()]);
    made.expect("a certificate").cert.pem()
}

fn access(ca: &str) -> XdsAccess {
    XdsAccess::new(Secret::secrets_manager(CERTIFICATE), Secret::secrets_manager(KEY), ca)
}

/// A stack with the service `blue`, whose task has this role.
fn stack(access: XdsAccess, role: Option<&str>) -> Stack {
    let mut stack = Stack::new("mesh");
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add("Cluster", Cluster::new());
    let namespace = stack.add("Namespace", PrivateDnsNamespace::new("appmesh", &network));
    let control_plane = ControlPlane::new("demo", &cluster, &network, &namespace).with_xds_access(access);
    let control_plane = stack.add("ControlPlane", control_plane);
    let fixture = Fixture {
        mesh: stack.add("Mesh", Mesh::new("demo").with_control_plane(&control_plane)),
        control_plane,
        cluster,
        network,
        namespace,
    };
    let blue = stack.add("blue", node(&fixture, "blue", 80));
    let task = TaskDefinition::new(app(80));
    let task = role.into_iter().fold(task, TaskDefinition::with_task_role_arn);
    let service = Service::new(&fixture.cluster, task)
        .with_name("blue")
        .with_network(&fixture.network)
        .with_service_discovery(&fixture.namespace);
    stack.add("blue", service.with_virtual_node(&blue));
    stack
}

fn template(ca: &str) -> Template {
    let stack = stack(access(ca).with_role(ROLE, BLUE), Some(ROLE));
    stack.synth().unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

#[test]
fn the_template_matches_its_golden_file() {
    let template = template("-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n");
    assert_golden!("xds_access.json", &template.to_json());
}

#[test]
fn cfn_lint_accepts_it() {
    let mut lint = testkit::python_tools().cfn_lint();
    let file = golden_path!("xds_access.json");
    let output = lint.arg("--").arg(file).output().expect("cfn-lint starts");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.is_empty(), "{}: {text}", output.status);
}

#[test]
fn envoys_prove_their_role_over_tls() {
    let template = template(&ca());
    let plane = container(&template, "ControlPlaneTaskDefinition", "mesh-control");
    let command = plane["Command"].to_string();
    assert!(!command.contains("--xds-insecure"), "{command}");
    let allowed = format!(r#""--xds-roles","mesh-control.appmesh","--xds-allow","{ROLE}={BLUE}""#);
    assert!(command.contains(&allowed), "{command}");
    let secrets = [
        json!({"Name": "MESHWRIGHT_TLS_CERTIFICATE_PEM", "ValueFrom": CERTIFICATE}),
        json!({"Name": "MESHWRIGHT_TLS_KEY_PEM", "ValueFrom": KEY}),
    ];
    assert_eq!(plane["Secrets"], json!(secrets));

    let token = container(&template, "BlueTaskDefinition", "xds-token");
    let expected = [
        "role-token",
        "--name",
        "mesh-control.appmesh",
        "--output",
        "/run/xds/token.json",
    ];
    assert_eq!(token["Command"], json!(expected));
    let envoy = container(&template, "BlueTaskDefinition", "envoy");
    assert_eq!(envoy["User"], token["User"]);
    let mount =
        |read_only: bool| json!([{"SourceVolume": "xds-token", "ContainerPath": "/run/xds", "ReadOnly": read_only}]);
    assert_eq!(
        (&envoy["MountPoints"], &token["MountPoints"]),
        (&mount(true), &mount(false))
    );
    assert_eq!(
        envoy["DependsOn"],
        json!([{"ContainerName": "xds-token", "Condition": "START"}])
    );

    let text = bootstrap(&template, "BlueTaskDefinition").to_string();
    assert!(text.contains(r#""sni":"mesh-control.appmesh""#), "{text}");
    let workdir = testkit::Workdir::new();
    let file = workdir.file("token.json", &envoy_bootstrap::token_secret("token"));
    let text = text.replace("/run/xds/token.json", &file.display().to_string());
    let mut envoy = testkit::envoy().command();
    let output = envoy.args(["--mode", "validate", "--config-yaml", &text]).output();
    let output = output.expect("Envoy starts");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
}

#[test]
fn nodes_and_tasks_without_a_role_are_errors() {
    let pem = "-----BEGIN CERTIFICATE-----";
    let errors = |access: XdsAccess, role| stack(access, role).synth().expect_err("an error").to_string();
    let none = errors(access(pem), Some(ROLE));
    assert!(
        none.contains("`mesh/demo/virtualNode/blue`, as which no role may act; add XdsAccess::with_role"),
        "{none}"
    );
    let other = errors(access(pem).with_role(ROLE, "mesh/demo/virtualNode/green"), Some(ROLE));
    assert!(other.contains("as which no role may act"), "{other}");
    let no_role = errors(access(pem).with_role(ROLE, "mesh/demo/*"), None);
    assert!(no_role.contains("no role to prove"), "{no_role}");
    let no_node = errors(access(pem).with_role(ROLE, "blue").with_role(ROLE, BLUE), Some(ROLE));
    assert!(
        no_node.contains("to act as `blue`; expected mesh/MESH/virtualNode/NAME"),
        "{no_node}"
    );
    let no_ca = errors(access("").with_role(ROLE, BLUE), Some(ROLE));
    assert!(no_ca.contains("has no CA certificates"), "{no_ca}");
}
