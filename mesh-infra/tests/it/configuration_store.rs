//! Control planes that store configurations in a bucket, and agents beside Envoys.

use mesh_infra::{
    App, Cluster, ConfigurationStore, ControlPlane, Listener, Mesh, PrivateDnsNamespace, Secret, Service, Stack,
    Template, VirtualGateway, VirtualNode, Vpc,
};
use serde_json::{Value, json};
use testkit::{assert_golden, golden_path};

use crate::deployable::{Fixture, app, container, node, service};
use crate::proxy::bootstrap;

const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:signing-key-AbCdEf";
const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
                          -----END PUBLIC KEY-----\n";

fn store() -> ConfigurationStore {
    ConfigurationStore::new(Secret::secrets_manager(SECRET), PUBLIC_KEY)
}

/// A mesh whose control plane has a store.
fn fixture(stack: &mut Stack, store: ConfigurationStore) -> Fixture {
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add("Cluster", Cluster::new());
    let namespace = stack.add("Namespace", PrivateDnsNamespace::new("appmesh", &network));
    let control_plane = ControlPlane::new("demo", &cluster, &network, &namespace).with_configuration_store(store);
    let control_plane = stack.add("ControlPlane", control_plane);
    Fixture {
        mesh: stack.add("Mesh", Mesh::new("demo").with_control_plane(&control_plane)),
        control_plane,
        cluster,
        network,
        namespace,
    }
}

/// A service that is a node, and a gateway.
fn template() -> Template {
    let mut stack = Stack::new("mesh");
    let fixture = fixture(&mut stack, store());
    let blue = stack.add("blue", node(&fixture, "blue", 80));
    stack.add("blue", service(&fixture, "blue", app(80)).with_virtual_node(&blue));
    let door = VirtualGateway::new(&fixture.mesh, "door").with_listener(Listener::http(9080));
    let door = stack.add("door", door);
    stack.add(
        "door",
        Service::gateway(&fixture.cluster, &door).with_network(&fixture.network),
    );
    stack.synth().unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

/// The statements of a role.
fn statements<'t>(template: &'t Template, role: &str) -> &'t Value {
    &template.resources[role].properties["Policies"][0]["PolicyDocument"]["Statement"]
}

#[test]
fn the_template_matches_its_golden_file() {
    assert_golden!("configuration_store.json", &template().to_json());
}

#[test]
fn cfn_lint_accepts_it() {
    let mut lint = testkit::python_tools().cfn_lint();
    let file = golden_path!("configuration_store.json");
    let output = lint.arg("--").arg(file).output().expect("cfn-lint starts");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.is_empty(), "{}: {text}", output.status);
}

#[test]
fn the_control_plane_writes_and_agents_read() {
    let template = template();
    let command = container(&template, "ControlPlaneTaskDefinition", "mesh-control")["Command"].to_string();
    let url = r#"{"Fn::Sub":"s3://${ControlPlaneConfigurations}/configurations"}"#;
    let options =
        format!(r#""--store",{url},"--signing-key","env:MESHWRIGHT_SIGNING_KEY_PEM","--store-max-age","168h""#);
    assert!(command.contains(&options), "{command}");
    let plane = container(&template, "ControlPlaneTaskDefinition", "mesh-control");
    let expected = json!([{"Name": "MESHWRIGHT_SIGNING_KEY_PEM", "ValueFrom": SECRET}]);
    assert_eq!(plane["Secrets"], expected);
    let execution = statements(&template, "ControlPlaneExecutionRole").to_string();
    assert!(execution.contains(SECRET), "{execution}");

    let objects = json!({"Fn::Sub": "arn:${AWS::Partition}:s3:::${ControlPlaneConfigurations}/configurations/*"});
    let list = json!({
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": {"Fn::Sub": "arn:${AWS::Partition}:s3:::${ControlPlaneConfigurations}"},
        "Condition": {"StringLike": {"s3:prefix": "configurations/*"}}
    });
    let reads = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": objects});
    assert_eq!(statements(&template, "BlueTaskRole"), &json!([reads, list]));
    assert_eq!(statements(&template, "DoorTaskRole"), &json!([reads, list]));
    let writes = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"];
    let of_plane = statements(&template, "ControlPlaneTaskRole")
        .as_array()
        .expect("a list");
    let own = [json!({"Effect": "Allow", "Action": writes, "Resource": objects}), list];
    assert_eq!(of_plane[of_plane.len() - 2..], own);

    for task in ["BlueTaskDefinition", "DoorTaskDefinition"] {
        let agent = container(&template, task, "envoy-agent");
        assert_eq!(
            (&agent["Essential"], &agent["User"]),
            (&json!(false), &json!("1337")),
            "{task}"
        );
        let servers = &bootstrap(&template, task)["dynamic_resources"]["ads_config"]["grpc_services"];
        assert_eq!(servers.as_array().map(Vec::len), Some(2), "{servers}");
        let clusters = bootstrap(&template, task)["static_resources"]["clusters"].to_string();
        assert!(clusters.contains(r#""port_value":18010"#), "{clusters}");
    }
}

#[test]
fn envoy_accepts_the_bootstrap() {
    let template = template();
    let text = bootstrap(&template, "BlueTaskDefinition").to_string();
    let mut envoy = testkit::envoy().command();
    let output = envoy.args(["--mode", "validate", "--config-yaml", &text]).output();
    let output = output.expect("Envoy starts");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
}

#[test]
fn services_of_another_stack_have_agents() {
    let mut network = Stack::new("network");
    let fixture = fixture(&mut network, store().with_max_age_hours(25));
    let mut shop = Stack::new("shop");
    let blue = shop.add("blue", node(&fixture, "blue", 80));
    shop.add("blue", service(&fixture, "blue", app(80)).with_virtual_node(&blue));
    let templates = App::new("demo")
        .with_stack(network)
        .with_stack(shop)
        .synth()
        .unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    let shop = &templates["shop"];
    let url = &container(shop, "BlueTaskDefinition", "envoy-agent")["Command"][1];
    let url = url["Fn::Sub"].as_str().unwrap_or_else(|| panic!("{url}"));
    let parameter = url
        .strip_prefix("s3://${")
        .and_then(|url| url.strip_suffix("}/configurations"));
    let parameter = parameter.unwrap_or_else(|| panic!("{url}"));
    assert!(shop.parameters.contains_key(parameter), "{parameter}");
    let bucket = &templates["network"].resources["ControlPlaneConfigurations"];
    assert_eq!(
        bucket.properties["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"],
        3
    );
    assert_eq!(bucket.deletion_policy, Some(json!("RetainExceptOnCreate")));
}

#[test]
fn what_cannot_be_stored_or_served_is_an_error() {
    let errors = |store: ConfigurationStore| {
        let mut stack = Stack::new("mesh");
        fixture(&mut stack, store);
        stack.synth().expect_err("an error").to_string()
    };
    let swapped = ConfigurationStore::new(Secret::secrets_manager(SECRET), "-----BEGIN PRIVATE KEY-----");
    let expected = "Resources.ControlPlaneConfigurations: has no public key: expected the text of the file that \
                    `mesh-control keygen` writes, which starts with -----BEGIN PUBLIC KEY-----";
    assert_eq!(errors(swapped), expected);
    let none = errors(store().with_max_age_hours(0));
    assert!(none.contains("ConfigurationStore::with_max_age_hours is 0"), "{none}");
    let short = ConfigurationStore::new(Secret::secrets_manager("signing-key"), PUBLIC_KEY);
    let text = errors(short);
    assert!(
        text.contains("Secrets[0].ValueFrom: is `signing-key`; expected"),
        "{text}"
    );

    let mut stack = Stack::new("mesh");
    let fixture = fixture(&mut stack, store());
    let node = VirtualNode::new(&fixture.mesh, "blue").with_listener(Listener::http(18_010));
    let blue = stack.add("blue", node.with_dns_endpoints("blue.appmesh"));
    stack.add("blue", service(&fixture, "blue", app(18_010)).with_virtual_node(&blue));
    let text = stack.synth().expect_err("a conflict").to_string();
    assert!(
        text.contains("`blue` listens on port 18010, which is reserved for Envoy"),
        "{text}"
    );
}
