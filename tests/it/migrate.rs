//! `meshwright migrate`: a stack of CDK that was written for App Mesh runs as before.

use rustix::process::Signal;
use testkit::wait_until;

use crate::http::body;
use crate::run::Run;
use crate::workdir::Workdir;

/// As CDK synthesizes it: `door`, a gateway, calls `front`; `prices` divides calls between `blue` and `green`.
const SHOP: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/crates/app-mesh-migrate/tests/templates/shop.cdk.json"
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migrated_stack_runs() {
    let workdir = Workdir::new();
    let output = workdir.path("migrated").display().to_string();
    let migrate = workdir.meshwright(&["migrate", "--template", SHOP, "--output", &output]);
    let ended = Run::to_end(&workdir, migrate).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{ended:?}");
    for line in [
        "~ shop/BlueNode2D8B (AWS::AppMesh::VirtualNode): parameter /meshwright/ShopMesh7D8A6C1F/virtualNode/blue",
        "- shop/VpcAppMeshEndpoint77E1 (AWS::EC2::VPCEndpoint): ",
        "+ shop/ShopMesh7D8A6C1FMeshControlService (AWS::ECS::Service): ",
    ] {
        assert!(ended.stderr.contains(line), "no `{line}` in {ended:?}");
    }

    let file = format!("{output}/shop.json");
    let run = Run::up(&workdir, workdir.meshwright(&["up", "--template", &file, "--stub"])).await;
    let gateway = run.url("port 8080");
    // The gateway calls `front`, and its Envoy divides the calls to `prices`.
    let url = format!("{gateway}downstream/prices.shop.local");
    let fetched = |service: &str| {
        let response = format!(r#"{{"message":"ok","service":"{service}","version":"unknown"}}"#);
        format!(r#"{{"message":"fetched!","service":"front","response":{response}}}"#)
    };
    for service in ["blue", "green"] {
        wait_until("both targets receive calls", async || {
            body(&url).await == fetched(service)
        })
        .await;
    }
    run.signal(Signal::INT);
    let ended = run.end().await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    workdir.assert_nothing_left();
}

#[tokio::test]
async fn a_yaml_template_stays_yaml() {
    let workdir = Workdir::new();
    let mesh = "# The mesh of the shop\nResources:\n  Mesh:\n    Type: AWS::AppMesh::Mesh\n    Properties: {MeshName: shop}\n\
                Outputs:\n  Arn: {Value: !Ref Mesh}\n";
    let mesh = workdir.file("mesh.yaml", mesh).display().to_string();
    let migrate = |more: &[&str]| {
        let arguments = [&["migrate", "--template", &mesh], more].concat();
        Run::to_end(&workdir, workdir.meshwright(&arguments))
    };
    let ended = migrate(&[]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended
            .stdout
            .contains("\n  MeshParameter:\n    Type: AWS::SSM::Parameter\n"),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("Name: /meshwright/shop\n"), "{ended:?}");
    let ended = migrate(&["--format", "json"]).await;
    assert!(ended.stdout.starts_with('{'), "{ended:?}");
    let output = workdir.path("migrated").display().to_string();
    let ended = migrate(&["--output", &output]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{ended:?}");
    let file = format!("{output}/mesh.yaml");
    let checked = Run::to_end(&workdir, workdir.meshwright(&["diagram", "--template", &file])).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[tokio::test]
async fn options_that_do_not_fit_are_usage_errors() {
    let workdir = Workdir::new();
    let copy = workdir.file("shop.json", &std::fs::read_to_string(SHOP).expect("the template"));
    let copy = copy.display().to_string();
    let here = workdir.path("").display().to_string();
    for (arguments, expected) in [
        (
            vec!["migrate", "--template", SHOP, "--template", &copy],
            "--output DIR is required for several templates",
        ),
        (
            vec!["migrate", "--template", &copy, "--output", &here],
            "is one of the given templates; choose another --output",
        ),
        (
            vec!["migrate", "--template", SHOP, "--output", &copy],
            "shop.json is a file; give a directory",
        ),
        (
            vec!["migrate", "--template", SHOP, "--control-plane", "a b"],
            "expected the name of a stack, or HOST:PORT",
        ),
    ] {
        let ended = Run::to_end(&workdir, workdir.meshwright(&arguments)).await;
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{arguments:?}: {ended:?}");
    }
}

#[tokio::test]
async fn a_comparison_lists_features_with_their_sources() {
    let workdir = Workdir::new();
    let compare = workdir.meshwright(&["migrate", "--template", SHOP, "--compare"]);
    let ended = Run::to_end(&workdir, compare).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    let row = "| retry policy | mesh/ShopMesh7D8A6C1F/virtualRouter/prices/route/all | limited: two retries";
    assert!(ended.stdout.contains(row), "{ended:?}");
}

#[tokio::test]
async fn without_features_and_without_meshes_a_sentence_says_so() {
    let workdir = Workdir::new();
    let mesh = r#"{"Resources": {"Mesh": {"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": "demo",
        "Spec": {"EgressFilter": {"Type": "ALLOW_ALL"}}}}}}"#;
    let mesh = workdir.file("mesh.json", mesh).display().to_string();
    let none = r#"{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}"#;
    let none = workdir.file("none.json", none).display().to_string();
    for (template, stdout, stderr) in [
        (&mesh, "The meshes use none of the features that are compared.\n", ""),
        (
            &none,
            "",
            "nothing to compare: the templates contain no App Mesh resources\n",
        ),
    ] {
        let compare = workdir.meshwright(&["migrate", "--template", template, "--compare"]);
        let ended = Run::to_end(&workdir, compare).await;
        assert_eq!(
            (ended.code, ended.stdout.as_str(), ended.stderr.as_str()),
            (Some(0), stdout, stderr),
            "{ended:?}"
        );
    }
}

#[tokio::test]
async fn what_was_migrated_has_nothing_to_migrate() {
    let workdir = Workdir::new();
    let [first, second] = ["first", "second"].map(|name| workdir.path(name).display().to_string());
    for (template, output, expected) in [
        (SHOP, &first, "control plane of the mesh ShopMesh7D8A6C1F"),
        (&format!("{first}/shop.json"), &second, "nothing to migrate: "),
    ] {
        let migrate = workdir.meshwright(&["migrate", "--template", template, "--output", output]);
        let ended = Run::to_end(&workdir, migrate).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stderr.contains(expected), "{ended:?}");
    }
    let read = |directory: &str| std::fs::read_to_string(format!("{directory}/shop.json")).expect("a template");
    assert_eq!(read(&first), read(&second));
}
