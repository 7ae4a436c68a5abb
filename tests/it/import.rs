//! `meshwright import`: a mesh from dumps of the AWS CLI and from templates, as a template, as Rust source and as dumps.

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

#[tokio::test]
async fn dumps_become_one_list_of_dumps() {
    let workdir = Workdir::new();
    let tags = json!([{"key": "stage", "value": "test"}]);
    let mesh = json!({"mesh": {"meshName": "demo", "spec": {}, "tags": tags}});
    let dump = workdir.file("mesh.json", &mesh.to_string()).display().to_string();
    let list = workdir.path("list.json").display().to_string();
    let import = |arguments: &[&str]| {
        let arguments = [&["import"], arguments].concat();
        Run::to_end(&workdir, workdir.meshwright(&arguments))
    };
    let ended = import(&[&dump, "--to", "dumps", "--output", &list]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = import(&[&list, "--to", "dumps"]).await;
    let written: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(written, json!([mesh]));

    let ended = import(&["--to", "dumps"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("no source"), "{ended:?}");
}

/// With the feature, the tests for AWS call a server.
#[cfg(not(feature = "aws"))]
#[tokio::test]
async fn without_the_feature_the_remedy_is_printed() {
    let workdir = Workdir::new();
    let state = workdir.path("mesh.state").display().to_string();
    for arguments in [
        &["import", "--endpoint-url", "http://127.0.0.1:1", "--to", "dumps"][..],
        &["serve", "--api", "127.0.0.1:0", "--dynamodb", "meshes"],
        &["serve", "--api", "127.0.0.1:0", "--state", &state, "--cloud-map"],
        &["serve", "--state", &state, "--keys", "secretsmanager:mesh-keys"],
    ] {
        let ended = Run::to_end(&workdir, workdir.meshwright(arguments)).await;
        assert_eq!(ended.code, Some(1), "{arguments:?}: {ended:?}");
        assert!(
            ended.stderr.contains("this command requires the feature `aws`"),
            "{ended:?}"
        );
        assert!(ended.stderr.contains("cargo run --features aws"), "{ended:?}");
    }
}

#[tokio::test]
async fn sources_that_cannot_be_read_are_named() {
    let workdir = Workdir::new();
    for directory in ["mixed", "broken", "state", "none"] {
        std::fs::create_dir(workdir.path(directory)).expect("a new directory");
    }
    let mesh = json!({"mesh": {"meshName": "demo", "spec": {}}}).to_string();
    workdir.file("mixed/a.json", &mesh);
    workdir.file("mixed/z.json", "");
    workdir.file("broken/a.json", &mesh);
    workdir.file("broken/z.json", "{\"mesh\": ");
    workdir.file("state/terraform.tfstate", "{}");
    let empty_state = workdir.file("empty.tfstate", r#"{"version": 4, "resources": []}"#);
    let written = workdir.file("written.rs", "// edited").display().to_string();
    let mesh = workdir.file("mesh.json", &mesh).display().to_string();
    let at = |name: &str| workdir.path(name).display().to_string();
    for (arguments, code, expected) in [
        (vec![at("mixed")], 1, "mixed/z.json is empty"),
        (vec![at("broken")], 1, "broken/z.json is not JSON: "),
        (
            vec![at("state")],
            2,
            "state contains no file with the ending .json; name the file instead, such as ",
        ),
        (
            vec![at("none")],
            2,
            "none contains no file with the ending .json; give another",
        ),
        (vec![empty_state.display().to_string()], 2, "contains no mesh resource"),
        (
            vec![mesh, "--output".to_owned(), written.clone()],
            1,
            "written.rs exists; choose another",
        ),
    ] {
        let mut all = vec!["import", "--to", "rust"];
        all.extend(arguments.iter().map(String::as_str));
        let ended = Run::to_end(&workdir, workdir.meshwright(&all)).await;
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{arguments:?}: {ended:?}");
    }
    assert_eq!(std::fs::read_to_string(written).expect("the file"), "// edited");
}

#[tokio::test]
async fn errors_are_at_the_place_in_the_source_and_defaults_are_notes() {
    let workdir = Workdir::new();
    let backend = json!({"virtual_service": [{"virtual_service_name": "z.local"}]});
    let node = json!({"mesh_name": "demo", "name": "n", "spec": [{"backend": [backend]}]});
    let resource = |kind: &str, name: &str, attributes: &serde_json::Value| json!({"mode": "managed", "type": kind, "name": name, "instances": [{"attributes": attributes}]});
    let state = json!({"version": 4, "resources": [
        resource("aws_appmesh_mesh", "demo", &json!({"name": "demo"})),
        resource("aws_appmesh_virtual_node", "n", &node),
    ]});
    let state = workdir.file("tf.json", &state.to_string()).display().to_string();
    let import = workdir.meshwright(&["import", &state, "--to", "parameters"]);
    let ended = Run::to_end(&workdir, import).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let expected =
        "tf.json: aws_appmesh_virtual_node.n: has a backend that does not exist: virtual service `z.local`; add it to";
    assert!(ended.stderr.contains(expected), "{ended:?}");

    let template = json!({
        "Parameters": {"Name": {"Type": "String", "Default": "demo"}},
        "Resources": {"Mesh": {"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": {"Ref": "Name"}}}}
    });
    let template = workdir.file("shop.json", &template.to_string()).display().to_string();
    for (more, is_noted) in [(&[][..], true), (&["--parameter", "Name=other"], false)] {
        let arguments = [&["import", &template, "--to", "parameters"], more].concat();
        let ended = Run::to_end(&workdir, workdir.meshwright(&arguments)).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let note = "note: shop.Parameters.Name: has the default `demo` in Mesh, ";
        assert_eq!(ended.stderr.contains(note), is_noted, "{ended:?}");
    }
}
