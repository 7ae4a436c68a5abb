//! Templates as AWS CDK writes them: the migrated ones run as the given ones do, and pass cfn-lint.

use std::collections::BTreeMap;
use std::path::Path;

use app_mesh_migrate::{Change, ChangeKind, Migration, Options, SourceStack, migrate};
use cfn::{Template, ecs};
use mesh_local::{Image, Images, Plan, StackInput};

/// A whole application, as CDK synthesizes it: a weighted route, a gateway, Cloud Map and DNS.
const SHOP: &str = "tests/templates/shop.cdk.json";

/// Templates of the workspace with App Mesh.
const TEMPLATES: [&str; 3] = [
    SHOP,
    "../../tests/templates/appmesh.cdk.json",
    "../mesh-local/src/plan/tests/data/cdk.json",
];

fn template(path: &str) -> Template {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(&path).expect("the template exists");
    Template::from_text(&text).expect("a template")
}

fn migrated(template: &Template) -> Migration {
    let source = SourceStack {
        name: "app".to_owned(),
        template: template.clone(),
        parameters: BTreeMap::new(),
    };
    migrate(&[source], &Options::default()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn plan(template: &Template) -> Plan {
    let parameters = BTreeMap::new();
    let input = StackInput {
        name: "app",
        template,
        parameters: &parameters,
    };
    let images = Images::default().with_stub(Image::new(["demo-service"]), "SERVICE_PORT");
    Plan::new(&[input], &images).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn the_local_runner_reads_the_same_mesh_and_the_same_services() {
    for path in TEMPLATES {
        let given = template(path);
        let migration = migrated(&given);
        // As text, as a file has it.
        let after = Template::from_text(&migration.templates["app"].to_json()).expect("a template");
        let (before, after) = (plan(&given), plan(&after));
        assert!(!before.meshes.is_empty(), "{path}");
        assert_eq!(before.meshes, after.meshes, "{path}");
        let envoys = |plan: &Plan| {
            plan.services
                .iter()
                .map(|service| format!("{:?}", service.membership))
                .collect::<Vec<_>>()
        };
        assert_eq!(envoys(&before), envoys(&after), "{path}");
    }
}

#[test]
fn logical_ids_outside_of_the_mesh_stay() {
    for path in TEMPLATES {
        let given = template(path);
        let migration = migrated(&given);
        let after = &migration.templates["app"];
        let is_removed = |id: &str| {
            let mut changes = migration.changes.iter();
            changes.any(|change| change.logical_id == id && change.kind == ChangeKind::Removed)
        };
        for (id, resource) in &given.resources {
            if is_removed(id) && !after.resources.contains_key(id) {
                assert!(
                    ["AWS::IAM::Policy", "AWS::EC2::VPCEndpoint"].contains(&resource.kind.as_str()),
                    "{path}: {id}"
                );
                continue;
            }
            match cfn::appmesh::kind_of(&resource.kind) {
                // CloudFormation does not change the type of an existing resource.
                Some(_) => assert!(!after.resources.contains_key(id), "{path}: {id}"),
                None => assert_eq!(after.resources[id].kind, resource.kind, "{path}: {id}"),
            }
        }
        assert!(!after.to_json().contains("AWS::AppMesh::"), "{path}");
    }
}

#[test]
fn each_difference_is_a_change_with_a_reason() {
    for path in TEMPLATES {
        let given = template(path);
        let migration = migrated(&given);
        let after = &migration.templates["app"];
        let has = |id: &str| migration.changes.iter().any(|change: &Change| change.logical_id == id);
        for (id, resource) in &given.resources {
            if after.resources.get(id) != Some(resource) {
                assert!(has(id), "{path}: {id}");
            }
        }
        for id in after.resources.keys().filter(|id| !given.resources.contains_key(*id)) {
            let of_mesh_resource = id
                .strip_suffix("Parameter")
                .is_some_and(|id| given.resources.contains_key(id));
            assert!(has(id) || of_mesh_resource, "{path}: {id}");
        }
        assert!(
            migration
                .changes
                .iter()
                .all(|change| !change.reason.is_empty() && !change.what.is_empty())
        );
        assert!(migration.changes.iter().any(|change| change.kind == ChangeKind::Added));
    }
}

#[test]
fn envoys_have_an_image_a_bootstrap_and_a_health_check() {
    for path in TEMPLATES {
        let migration = migrated(&template(path));
        let after = &migration.templates["app"];
        let mut count = 0;
        for (_, task) in after.resources_of::<ecs::TaskDefinition>() {
            for container in task.expect("readable properties").container_definitions {
                let is_envoy = container.docker_labels.get("meshwright.role") == Some(&cfn::Value::from("envoy"));
                if !is_envoy {
                    continue;
                }
                count += 1;
                let command = container
                    .command
                    .as_ref()
                    .and_then(cfn::Value::known_items)
                    .expect("a command");
                let bootstrap: serde_json::Value = serde_json::from_str(command[1]).expect("JSON");
                let host = bootstrap
                    .pointer("/static_resources/clusters/0/load_assignment/endpoints/0/lb_endpoints/0/endpoint");
                let host = host.and_then(|endpoint| endpoint.pointer("/address/socket_address/address"));
                let host = host.and_then(serde_json::Value::as_str).expect("a host");
                assert!(host.starts_with("mesh-control-"), "{path}: {host}");
                assert!(container.image.to_string().contains("meshwright/envoy"), "{path}");
                assert!(container.health_check.is_some(), "{path}");
            }
        }
        assert!(count > 0, "{path}");
    }
}

#[test]
fn cfn_lint_accepts_a_migrated_template() {
    let workdir = testkit::Workdir::new();
    let mut lint = testkit::python_tools().cfn_lint();
    let migration = migrated(&template(SHOP));
    lint.arg(workdir.file("shop.json", &migration.templates["app"].to_json()));
    // The parameter and the rule of CDK's bootstrap are in every template of CDK.
    let output = lint.output().expect("cfn-lint starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
