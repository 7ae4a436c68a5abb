//! Key pairs in Secrets Manager.

use app_mesh_api::auth::read_secret;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_secretsmanager::primitives::Blob;
use testkit::Server;

const SECRET: &str = "WlV0VkXkqDxw5YuS8tQSt7TUdbvHFQyJ8TmYFVg3";

#[tokio::test(flavor = "multi_thread")]
async fn key_pairs_are_read_from_a_secret() {
    let start = || Server::ministack(testkit::python_tools());
    let emulator = tokio::task::spawn_blocking(start)
        .await
        .unwrap()
        .expect("MiniStack starts");
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(emulator.address())
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    let client = Client::from_conf(config.build());
    let document = format!(r#"{{"keys":[{{"accessKeyId":"A","secretAccessKey":"{SECRET}","access":"read-only"}}]}}"#);
    let put = |name: &str| client.create_secret().name(name);
    put("keys").secret_string(&document).send().await.unwrap();
    put("broken")
        .secret_string(format!("{document}]"))
        .send()
        .await
        .unwrap();
    put("binary")
        .secret_binary(Blob::new(document.as_bytes()))
        .send()
        .await
        .unwrap();

    let pairs = read_secret(&client, "keys").await.unwrap();
    assert_eq!(pairs.pairs().len(), 1);
    assert_eq!(pairs.pairs()[0].key.id(), "A");
    for (name, expected) in [
        ("broken", "the secret broken is not a valid list of key pairs"),
        ("binary", "the secret binary is binary"),
        ("none", "cannot read the secret none"),
    ] {
        let message = read_secret(&client, name).await.unwrap_err().to_string();
        assert!(
            message.contains(expected) && !message.contains(SECRET),
            "{name}: {message}"
        );
    }
}
