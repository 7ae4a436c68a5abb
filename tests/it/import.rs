//! `meshwright import`: a mesh from dumps of the AWS CLI and from templates, as a template and as Rust source.

use serde_json::json;

use crate::run::Run;
use crate::workdir::Workdir;

#[tokio::test]
async fn dumps_become_a_template_and_rust_source() {
    let workdir = Workdir::new();
    std::fs::create_dir(workdir.path("dumps")).expect("a new directory");
    let mesh = json!({"mesh": {"meshName": "demo", "spec": {}, "status": {"status": "ACTIVE"}}});
    workdir.file("dumps/mesh.json", &mesh.to_string());
    let discovery = json!({"dns": {"hostname": "blue.local", "responseType": "ENDPOINTS"}});
    let listener = json!({"portMapping": {"port": 80, "protocol": "http"}});
    let node = json!({"meshName": "demo", "virtualNodeName": "blue",
                      "spec": {"listeners": [listener], "serviceDiscovery": discovery}});
    workdir.file("dumps/blue.json", &node.to_string());
    let dumps = workdir.path("dumps").display().to_string();

    let import = |to: &'static str| Run::to_end(&workdir, workdir.meshwright(&["import", &dumps, "--to", to]));
    let ended = import("parameters").await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("/meshwright/demo/virtualNode/blue"), "{ended:?}");
    assert_eq!(ended.stderr, "2 mesh resources imported\n");

    let ended = import("rust").await;
    let statement = r#"VirtualNode::new(&mesh_demo, "blue")"#;
    assert!(ended.stdout.contains(statement), "{ended:?}");
    assert!(
        ended.stdout.contains(r#".with_dns_endpoints("blue.local")"#),
        "{ended:?}"
    );

    workdir.file(
        "dumps/list.json",
        &json!({"meshes": [{"meshName": "other"}]}).to_string(),
    );
    let ended = import("rust").await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("lists the mesh `other`, of which there is no dump"),
        "{ended:?}"
    );
}
