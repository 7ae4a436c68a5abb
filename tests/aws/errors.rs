//! Errors of AWS and of the command line: one message that names the cause.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::json;
use socket2::{Domain, Socket, Type};

use crate::account::Account;
use crate::run::Run;

/// The error message of a run that fails with this exit code.
async fn failure(account: &Account, code: i32, arguments: &[&str], unset: &[&str], set: &[(&str, &str)]) -> String {
    let mut command = account.example("serviceconnect", arguments);
    for variable in unset {
        command.env_remove(variable);
    }
    command.envs(set.iter().copied());
    let ended = Run::to_end(&account.workdir, command).await;
    assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.stderr);
    assert_eq!(ended.stdout, "");
    let start = ended
        .stderr
        .find("error: ")
        .unwrap_or_else(|| panic!("{}", ended.stderr));
    ended.stderr[start..].trim_end().to_owned()
}

#[tokio::test]
async fn connection_errors_name_a_remedy() {
    let account = Account::new();
    let no_credentials = failure(&account, 1, &["deploy"], &["AWS_ACCESS_KEY_ID"], &[]).await;
    assert!(
        no_credentials.contains("there are no AWS credentials; set AWS_PROFILE"),
        "{no_credentials}"
    );
    let no_region = failure(&account, 1, &["deploy"], &["AWS_REGION"], &[]).await;
    assert_eq!(
        no_region,
        "error: no AWS region is configured; set AWS_REGION, or `region` for the profile in ~/.aws/config"
    );
    // A port that is bound but does not listen.
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
    let unreachable = failure(&account, 1, &["diff", "--endpoint-url", &url], &[], &[]).await;
    assert!(
        unreachable.contains(&url) && unreachable.contains("cannot be reached"),
        "{unreachable}"
    );
    // An explicit profile takes precedence over keys in the environment.
    let profile = failure(&account, 1, &["diff", "--profile", "missing"], &[], &[]).await;
    assert!(profile.contains("profile `missing` has no credentials"), "{profile}");
}

#[tokio::test]
async fn usage_errors_are_reported_before_any_call() {
    let account = Account::new();
    for (code, arguments, expected) in [
        (
            2,
            &["deploy", "nosuch"][..],
            "unknown stack `nosuch`; the app has serviceconnect",
        ),
        (
            2,
            &["deploy", "--parameter", "Stage=1"],
            "unknown parameter `Stage`; the templates have AllowedCidr, AllowedCidr2, AllowedCidr3, AllowedPrefixList",
        ),
        (2, &["deploy", "--parameter", "Stage"], "expected NAME=VALUE"),
        (
            2,
            &["deploy", "--allow-ip", "10.1.1.1/8"],
            "has host bits; use 10.0.0.0/8 for the network",
        ),
        (
            2,
            &["deploy", "--allow-ip", "any"],
            "expected an IPv4 CIDR block such as 203.0.113.7/32",
        ),
        (
            2,
            &["deploy", "--allow-ip", "10.0.0.0/8", "--allow-ip", "2001:db8::/56"],
            "no load balancer of the app has IPv6 addresses, so 2001:db8::/56 cannot be allowed",
        ),
        (
            2,
            &["deploy", "--allow-ip", "10.0.0.0/8", "--parameter", "AllowedCidr2="],
            "--parameter AllowedCidr2 and --allow-ip or --allow-my-ip set the same parameter",
        ),
        (
            2,
            &["deploy", "--allow-ip", "10.0.0.0/8", "--allow-my-ip"],
            "cannot be used with",
        ),
        (2, &["deploy", "--template-url", "s3://bucket/key"], "expected https://"),
        (
            2,
            &["deploy", "--template-bucket", "s3://bucket"],
            "expected the name of a bucket, without s3://",
        ),
        (1, &["outputs"], "stack `serviceconnect` is not deployed in eu-west-1"),
    ] {
        let message = failure(&account, code, arguments, &[], &[]).await;
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}

#[tokio::test]
async fn a_failed_creation_names_its_root_cause_and_the_next_step() {
    let account = Account::new();
    // An existing mesh of the same name.
    let existing = json!({"Name": "/meshwright/demo", "Type": "String", "Value": "{}"});
    account.call("ssm", "put_parameter", &existing);
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
    assert!(again.stderr.contains("destroy it"), "no next step: {}", again.stderr);
    account.succeed("appmesh", &["destroy", "--yes"]).await;
    assert_eq!(account.counted(), before);
    account.call("ssm", "delete_parameter", &json!({"Name": "/meshwright/demo"}));
    account.succeed("appmesh", &["deploy", "--yes"]).await;
}
