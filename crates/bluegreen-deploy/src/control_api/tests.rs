//! Server and client of the control API, without a mesh.

use std::os::unix::fs::PermissionsExt as _;

use mesh_local::NodeStatistics;
use mesh_model::app_mesh::Kind;
use tempfile::TempDir;

use super::*;

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// A server that handles each command with `handle`, and a client of it.
async fn serve(
    directory: &TempDir,
    handle: impl Fn(Command) -> Result<String, CommandError> + Send + 'static,
) -> (ControlClient, AbortOnDropHandle<()>) {
    let socket = directory.path().join("mesh.sock");
    let mut server = ControlServer::open(&socket).await.expect("the socket is free");
    let serving = tokio::spawn(async move {
        loop {
            let (command, reply) = server.next().await;
            // The client may have disconnected.
            let _ = reply.send(handle(command));
        }
    });
    let client = ControlClient::new(&socket).expect("a client");
    (client, AbortOnDropHandle::new(serving))
}

#[tokio::test]
async fn commands_arrive_unchanged() {
    let directory = directory();
    let (client, _serving) = serve(&directory, |command| match command {
        Command::PutTemplate { request: 1, text } if text == "{\"a\": 1}" => Ok(r#"{"settled":true}"#.to_owned()),
        Command::PutParameter {
            request: 2,
            name,
            value,
        } if name == "/a b/ü" && value == "50 : 50" => Ok(r#"{"settled":false}"#.to_owned()),
        Command::GetStatistics(node) if node.to_string() == "mesh/m/virtualNode/n" => {
            Ok(r#"{"gateway/1":{"ended":1,"failed":0,"within":[]}}"#.to_owned())
        }
        other => Err(CommandError::Rejected(format!("{other:?}"))),
    })
    .await;
    let applied = client.put_template(1, "{\"a\": 1}".to_owned()).await;
    assert_eq!(applied, Ok(Applied::settled()));
    let applied = client.put_parameter(2, "/a b/ü", "50 : 50".to_owned()).await;
    assert_eq!(applied, Ok(Applied::default()));
    let node = ResourcePath::new("m", Kind::VirtualNode, "n");
    assert_ne!(client.statistics(&node).await, Ok(NodeStatistics::default()));
}

#[tokio::test]
async fn rejected_and_retryable_errors_are_distinguished() {
    let directory = directory();
    let (client, serving) = serve(&directory, |command| match command {
        Command::PutTemplate { .. } => Err(CommandError::Rejected("it never started".to_owned())),
        Command::PutParameter { .. } => Ok("no document".to_owned()),
        _ => Err(CommandError::Retryable("an Envoy is starting".to_owned())),
    })
    .await;
    let rejected = client.put_template(1, String::new()).await;
    assert_eq!(rejected, Err(CommandError::Rejected("it never started".to_owned())));
    let invalid = client.put_parameter(1, "a", String::new()).await;
    assert!(
        matches!(&invalid, Err(CommandError::Rejected(reason)) if reason.starts_with("invalid response of the mesh: ")),
        "{invalid:?}"
    );
    let node = ResourcePath::new("m", Kind::VirtualNode, "n");
    let retryable = client.statistics(&node).await;
    assert_eq!(
        retryable,
        Err(CommandError::Retryable("an Envoy is starting".to_owned()))
    );

    // Without a server, the error says what to do and can be retried.
    drop(serving);
    let put = async || client.put_template(2, String::new()).await;
    let hint = "start it in another terminal";
    while !matches!(&put().await, Err(CommandError::Retryable(reason)) if reason.contains(hint)) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn commands_to_a_stopping_mesh_can_be_retried() {
    let directory = directory();
    let socket = directory.path().join("mesh.sock");
    let mut server = ControlServer::open(&socket).await.expect("the socket is free");
    let client = ControlClient::new(&socket).expect("a client");
    let put = tokio::spawn(async move { client.put_template(1, String::new()).await });
    let (_command, reply) = server.next().await;
    drop(reply);
    let expected = CommandError::Retryable("the mesh is stopping".to_owned());
    assert_eq!(put.await.expect("it does not panic"), Err(expected));
}

#[tokio::test]
async fn socket_belongs_to_one_process_and_one_user() {
    let directory = directory();
    let socket = directory.path().join("mesh.sock");
    // A killed process leaves its socket file.
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("the directory is writable"));
    let server = ControlServer::open(&socket).await.expect("the socket is free");
    let mode = socket.metadata().expect("it exists").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let second = ControlServer::open(&socket).await.expect_err("it is in use");
    assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
    let expected = "the application is already running, in another terminal";
    assert_eq!(second.to_string(), expected);
    drop(server);
    assert!(!socket.exists());
    ControlServer::open(&socket).await.expect("it is free again");
}
