//! The same mesh comes out, whichever way it went in.

use std::collections::BTreeMap;

use app_mesh_client::{ApiClient, Extra};
use app_mesh_migrate::{JsonText, Meshes, SourceStack, read_dumps, read_templates, to_dumps, to_template};
use cfn::Template;
use mesh_infra::MeshEncoding;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use crate::meshes::meshes;
use crate::server;

/// Whatever is on the server from the mesh before is changed or deleted.
#[test]
fn a_mesh_passes_the_api_and_dumps_unchanged() {
    let runtime = Runtime::new().expect("a runtime");
    let client = runtime.block_on(server::start(false));
    let config = Config {
        cases: 32,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&meshes(), |meshes| {
            let through = |meshes: &Meshes| runtime.block_on(through_api(&client, meshes));
            let dumped = through_dumps(&meshes);
            prop_assert_eq!(&dumped.resources, &meshes.resources, "dumps");
            let read = through(&dumped);
            prop_assert_eq!(&read.resources, &meshes.resources, "dumps, API");
            let read = through_dumps(&read);
            prop_assert_eq!(&read.resources, &meshes.resources, "dumps, API, dumps");
            let template =
                to_template(&read, "demo", MeshEncoding::AppMesh).unwrap_or_else(|errors| panic!("{errors}"));
            let read = through_template(template);
            prop_assert_eq!(
                &through(&read).resources,
                &meshes.resources,
                "dumps, API, template, API"
            );
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}

async fn through_api(client: &ApiClient, meshes: &Meshes) -> Meshes {
    let written = client.write(meshes, Extra::Delete, |_, _| {}).await;
    written.unwrap_or_else(|error| panic!("{error}"));
    let again = client
        .write(meshes, Extra::Delete, |_, _| {})
        .await
        .expect("the same again");
    assert_eq!(again.unchanged, meshes.resources.len(), "{again:?}");
    let read = client.read(&["demo".to_owned()]).await;
    read.unwrap_or_else(|error| panic!("{error}")).meshes
}

fn through_dumps(meshes: &Meshes) -> Meshes {
    let dumps = JsonText {
        location: "dumps".to_owned(),
        text: to_dumps(meshes),
    };
    read_dumps(&[dumps]).unwrap_or_else(|errors| panic!("{errors}"))
}

fn through_template(template: Template) -> Meshes {
    let source = SourceStack {
        name: "demo".to_owned(),
        template,
        parameters: BTreeMap::new(),
    };
    read_templates(&[source]).unwrap_or_else(|errors| panic!("{errors}"))
}
