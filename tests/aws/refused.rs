//! What an account refuses, and what is wrong before it is asked: one message with the offender in it.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::json;
use socket2::{Domain, Socket, Type};

use crate::account::Account;
use crate::run::Run;

/// The message of a run that fails with this exit code.
async fn refused(account: &Account, code: i32, arguments: &[&str], unset: &[&str], set: &[(&str, &str)]) -> String {
    let mut command = account.example("serviceconnect", arguments);
    for variable in unset {
        command.env_remove(variable);
    }
    command.envs(set.iter().copied());
    let ended = Run::to_end(&account.room, command).await;
    assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.stderr);
    assert_eq!(ended.stdout, "");
    let start = ended
        .stderr
        .find("error: ")
        .unwrap_or_else(|| panic!("{}", ended.stderr));
    ended.stderr[start..].trim_end().to_owned()
}

#[tokio::test]
async fn what_keeps_calls_from_being_made_is_said_with_its_remedy() {
    let account = Account::new();
    let nobody = refused(&account, 1, &["deploy"], &["AWS_ACCESS_KEY_ID"], &[]).await;
    assert!(
        nobody.contains("there are no AWS credentials; set AWS_PROFILE"),
        "{nobody}"
    );
    let nowhere = refused(&account, 1, &["deploy"], &["AWS_REGION"], &[]).await;
    assert_eq!(
        nowhere,
        "error: no AWS region is configured; set AWS_REGION, or `region` for the profile in ~/.aws/config"
    );
    // A port of loopback that is bound and not listened on.
    let held = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    held.bind(&anywhere.into()).expect("a port");
    let port = held
        .local_addr()
        .ok()
        .and_then(|at| at.as_socket())
        .expect("an address")
        .port();
    let url = format!("http://127.0.0.1:{port}");
    let unreachable = refused(&account, 1, &["diff", "--endpoint-url", &url], &[], &[]).await;
    assert!(
        unreachable.contains(&url) && unreachable.contains("cannot be reached"),
        "{unreachable}"
    );
    // Whatever keys the environment has: who names a profile means it.
    let profile = refused(&account, 1, &["diff", "--profile", "nobody"], &[], &[]).await;
    assert!(profile.contains("nobody"), "{profile}");
}

#[tokio::test]
async fn what_is_wrong_with_the_command_line_is_said_before_any_call() {
    let account = Account::new();
    for (code, arguments, expected) in [
        (
            1,
            &["deploy", "nosuch"][..],
            "there is no stack `nosuch`; there are serviceconnect",
        ),
        (
            1,
            &["deploy", "--parameter", "Stage=1"],
            "there is no parameter `Stage`; there are AllowedCidr",
        ),
        (2, &["deploy", "--parameter", "Stage"], "expected NAME=VALUE"),
        (
            2,
            &["deploy", "--allow-ip", "10.1.1.1/8"],
            "is one address in the network 10.0.0.0/8",
        ),
        (
            2,
            &["deploy", "--allow-ip", "everybody"],
            "expected addresses such as 203.0.113.7/32",
        ),
        (
            2,
            &["deploy", "--allow-ip", "10.0.0.0/8", "--allow-my-ip"],
            "cannot be used with",
        ),
        (2, &["deploy", "--template-url", "s3://bucket/key"], "expected https://"),
        (1, &["outputs"], "stack `serviceconnect` is not deployed in eu-west-1"),
    ] {
        let message = refused(&account, code, arguments, &[], &[]).await;
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}

#[tokio::test]
async fn a_stack_that_cannot_be_created_says_why_and_how_to_go_on() {
    let account = Account::new();
    // A mesh of the same name, of somebody else.
    let theirs = json!({"Name": "/meshwright/demo", "Type": "String", "Value": "{}"});
    account.call("ssm", "put_parameter", &theirs);
    let before = account.counted();
    let failed = account.run("appmesh", &["deploy", "--yes"]).await;
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    let start = failed.stderr.find("error: ").expect("a message");
    let message = &failed.stderr[start..];
    for expected in ["AWS::SSM::Parameter", "Mesh", "already exists", "ROLLBACK_COMPLETE"] {
        assert!(message.contains(expected), "{expected} in {message}");
    }
    let again = account.run("appmesh", &["deploy", "--yes"]).await;
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("destroy it"), "the way out: {}", again.stderr);
    account.succeed("appmesh", &["destroy", "--yes"]).await;
    assert_eq!(account.counted(), before);
    account.call("ssm", "delete_parameter", &json!({"Name": "/meshwright/demo"}));
    account.succeed("appmesh", &["deploy", "--yes"]).await;
}
