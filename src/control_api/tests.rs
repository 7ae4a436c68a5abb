//! Both ends of the socket, without a mesh in between.

use std::os::unix::fs::PermissionsExt as _;

use mesh_local::NodeStatistics;
use mesh_model::app_mesh::Kind;
use tempfile::TempDir;

use super::client::{Applied, ControlClient};
use super::*;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A mesh that answers each wish with what `answer` says of it, and the program that asks.
async fn asked(
    folder: &TempDir,
    answer: impl Fn(Command) -> Result<String, CommandError> + Send + 'static,
) -> (ControlClient, AbortOnDropHandle<()>) {
    let socket = folder.path().join("mesh.sock");
    let mut control = ControlServer::open(&socket).await.expect("it is free");
    let answering = tokio::spawn(async move {
        loop {
            let (wish, reply) = control.next().await;
            // Whoever asked may be gone.
            let _gone = reply.send(answer(wish));
        }
    });
    let running = ControlClient::at(&socket).expect("a client");
    (running, AbortOnDropHandle::new(answering))
}

#[tokio::test]
async fn what_is_asked_comes_through_as_it_was_said() {
    let folder = folder();
    let (running, _answering) = asked(&folder, |wish| match wish {
        Command::Template { request: 1, text } if text == "{\"a\": 1}" => Ok(r#"{"settled":true}"#.to_owned()),
        Command::Parameter {
            request: 2,
            name,
            value,
        } if name == "/a b/ü" && value == "50 : 50" => Ok(r#"{"settled":false}"#.to_owned()),
        Command::Statistics(node) if node.to_string() == "mesh/m/virtualNode/n" => {
            Ok(r#"{"gateway/1":{"ended":1,"failed":0,"within":[]}}"#.to_owned())
        }
        other => Err(CommandError::Rejected(format!("{other:?}"))),
    })
    .await;
    let made = running.put_template(1, "{\"a\": 1}".to_owned()).await;
    assert_eq!(made, Ok(Applied { settled: true }));
    let made = running.put_parameter(2, "/a b/ü", "50 : 50".to_owned()).await;
    assert_eq!(made, Ok(Applied { settled: false }));
    let node = ResourcePath::new("m", Kind::VirtualNode, "n");
    assert_ne!(running.statistics(&node).await, Ok(NodeStatistics::default()));
}

#[tokio::test]
async fn refusals_are_told_from_what_is_to_be_asked_again() {
    let folder = folder();
    let (running, answering) = asked(&folder, |wish| match wish {
        Command::Template { .. } => Err(CommandError::Rejected("it never started".to_owned())),
        Command::Parameter { .. } => Ok("no document".to_owned()),
        _ => Err(CommandError::Retryable("an Envoy is being started".to_owned())),
    })
    .await;
    let refused = running.put_template(1, String::new()).await;
    assert_eq!(refused, Err(CommandError::Rejected("it never started".to_owned())));
    let Err(CommandError::Rejected(what)) = running.put_parameter(1, "a", String::new()).await else {
        panic!("an answer that is not understood was taken for one");
    };
    assert!(what.starts_with("no document is not understood: "), "{what}");
    let node = ResourcePath::new("m", Kind::VirtualNode, "n");
    let not_now = running.statistics(&node).await;
    assert_eq!(
        not_now,
        Err(CommandError::Retryable("an Envoy is being started".to_owned()))
    );

    // Whoever asks while nothing runs is told what to do, and may ask again.
    drop(answering);
    let not_there = async || running.put_template(2, String::new()).await;
    while !matches!(&not_there().await, Err(CommandError::Retryable(why)) if why.contains("start it in another terminal"))
    {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_mesh_that_is_being_stopped_is_to_be_asked_again() {
    let folder = folder();
    let socket = folder.path().join("mesh.sock");
    let mut control = ControlServer::open(&socket).await.expect("it is free");
    let running = ControlClient::at(&socket).expect("a client");
    let asking = tokio::spawn(async move { running.put_template(1, String::new()).await });
    let (_wish, reply) = control.next().await;
    drop(reply);
    let expected = CommandError::Retryable("the mesh is being stopped".to_owned());
    assert_eq!(asking.await.expect("it does not panic"), Err(expected));
}

#[tokio::test]
async fn a_socket_is_one_programs_and_one_users() {
    let folder = folder();
    let socket = folder.path().join("mesh.sock");
    // A program that was killed has left its file.
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("the folder is ours"));
    let control = ControlServer::open(&socket).await.expect("nobody has it");
    let mode = socket.metadata().expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let second = ControlServer::open(&socket).await.expect_err("it is in use");
    assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
    assert_eq!(second.to_string(), "it is running already, in another terminal");
    drop(control);
    assert!(!socket.exists());
    ControlServer::open(&socket).await.expect("it is free again");
}
