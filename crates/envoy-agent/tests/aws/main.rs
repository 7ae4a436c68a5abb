//! The agent with the real Envoy and a store in S3, on MiniStack.

/// Envoys, upstreams and load, shared with the tests of `mesh-control`.
#[path = "../../../mesh-control/tests/it/harness"]
mod harness {
    #![allow(dead_code, reason = "shared with the tests of mesh-control")]
    #![allow(unused_imports, reason = "shared with the tests of mesh-control")]

    mod envoy;
    mod load;
    mod mesh;
    mod port;
    mod task;
    mod upstream;

    pub(crate) use envoy::{Envoy, program};
    pub(crate) use load::Load;
    pub(crate) use mesh::{Mesh, endpoint, node_id};
    pub(crate) use port::ReservedPort;
    pub(crate) use task::Task;
    pub(crate) use testkit::eventually;
    pub(crate) use upstream::{Behaviour, Upstream};
}

#[path = "../it/fixture.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod fixture;

use aws_sdk_s3::config::{Credentials, Region, SharedCredentialsProvider};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use config_store::{Bucket, Storage as _};
use mesh_control::{MeshState, XdsProtocol};
use mesh_model::service_connect::AppProtocol;
use testkit::Server;

use crate::fixture::{Site, StorePlace};
use crate::harness::{Behaviour, Load, Upstream, endpoint, eventually};

const ACCOUNT: &str = "400000000000";
const REGION: &str = "eu-west-1";

/// The AWS settings of one client.
async fn config(server: &Server) -> aws_config::SdkConfig {
    let client = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    let credentials = Credentials::new(ACCOUNT, "secret", None, None, "tests");
    aws_config::defaults(aws_config::BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(server.address())
        .http_client(client.build_https())
        .load()
        .await
}

/// Creates a bucket.
async fn create_bucket(server: &Server, name: &str) {
    let config = aws_sdk_s3::config::Builder::from(&config(server).await).force_path_style(true);
    let location = aws_sdk_s3::types::CreateBucketConfiguration::builder()
        .location_constraint(aws_sdk_s3::types::BucketLocationConstraint::EuWest1);
    let creation = aws_sdk_s3::Client::from_conf(config.build())
        .create_bucket()
        .bucket(name);
    let creation = creation.create_bucket_configuration(location.build());
    creation.send().await.expect("a bucket");
}

#[tokio::test]
async fn an_envoy_starts_from_a_bucket() {
    let server = Server::ministack(testkit::python_tools()).unwrap_or_else(|error| panic!("{error}"));
    create_bucket(&server, "fleet").await;
    let open = async || {
        let place = "s3://fleet/mesh/shop".parse().expect("a place");
        Bucket::new(&config(&server).await, place).expect("a thread")
    };
    let variables = [
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", ACCOUNT),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ENDPOINT_URL", server.address()),
    ];
    let site = Site::new(XdsProtocol::Delta).with_store(StorePlace {
        store: open().await.into(),
        option: "s3://fleet/mesh/shop".to_owned(),
        variables: variables.map(|(name, value)| (name, value.to_owned())).into(),
    });
    let blue = Upstream::start("blue", Behaviour::Name).await;
    let control = site.control_plane(MeshState::default()).await;
    control.mesh.create_namespace(&[endpoint("blue", AppProtocol::Http)]);
    control.mesh.add_ecs_service("green");
    control.mesh.set_endpoints("blue", &[blue.address]);
    let first = site.start_envoy().await;
    let bucket = open().await;
    eventually("the configuration is in the bucket", async || {
        match bucket.list("views").map_err(|error| error.to_string())?.as_slice() {
            [] => Err("no manifest".to_owned()),
            _ => Ok(()),
        }
    })
    .await;
    let state = control.mesh.mesh_state();
    drop(control);
    drop(first);
    let _agent = site.start_agent().await;
    let second = site.start_envoy().await;
    let load = Load::on(site.egress(), "blue.serviceconnect").await;
    load.wait_for_responses(20).await;
    let status = site.agent_page("status").await.expect("the status");
    assert!(status.contains("stored configuration, accepted"), "{status}");
    let control = site.control_plane(state).await;
    control.mesh.wait_for_nodes(1).await;
    load.stop_without_failures().await;

    drop(second);

    // Without S3 either, an Envoy that starts waits, and the agent has the reason.
    drop(control);
    server.terminate().expect("MiniStack exits");
    let _third = site.spawn_envoy();
    eventually("the reason is on the status page", async || {
        let status = site.agent_page("status").await?;
        let expected = "s3://fleet/mesh/shop/views/";
        if status.contains(expected) && status.contains("dispatch failure") {
            Ok(())
        } else {
            Err(status)
        }
    })
    .await;
}
