//! diff, deploy, outputs and destroy for each example.

use serde_json::Value;

use crate::account::Account;

/// Deploys an example, deploys it again, opens it to an address and destroys it.
async fn deploy_and_destroy(example: &str, resources: &[(&str, usize)]) {
    let account = Account::new();
    let before = account.counted();
    let absent = account.succeed(example, &["diff"]).await.stdout;
    assert!(
        absent.starts_with(&format!(
            "Stack {example}: not deployed, all resources would be created\n"
        )),
        "{absent}"
    );
    let differs = account.run(example, &["diff", "--exit-code"]).await;
    assert_eq!(differs.code, Some(3), "{}", differs.stderr);
    assert_eq!(account.counted(), before, "diff leaves nothing behind");

    let deployed = account.succeed(example, &["deploy", "--yes"]).await;
    assert!(
        deployed.stderr.contains(&format!("\n{example}: done\n")),
        "{}",
        deployed.stderr
    );
    let url = format!("{example}.EntranceUrl = http://");
    assert!(deployed.stdout.starts_with(&url), "{}", deployed.stdout);
    let during = account.counted();
    for (kind, count) in resources {
        assert_eq!(during[*kind] - before[*kind], *count, "{kind}");
    }

    let outputs = account.succeed(example, &["outputs", "--json"]).await.stdout;
    let outputs: Value = serde_json::from_str(&outputs).expect("JSON");
    let url = outputs[example]["EntranceUrl"].as_str().expect("a URL");
    assert!(url.starts_with("http://") && deployed.stdout.contains(url), "{url}");

    let again = account.succeed(example, &["deploy"]).await;
    assert!(
        again.stderr.ends_with(&format!("{example}: no changes\n")),
        "{}",
        again.stderr
    );
    assert_eq!(again.stdout, deployed.stdout);
    let same = account.succeed(example, &["diff", "--exit-code"]).await.stdout;
    assert_eq!(same, format!("Stack {example}: no changes\n"));

    let allow = ["--allow-ip", "203.0.113.7/32"];
    let opened = account.succeed(example, &[&["diff"], &allow[..]].concat()).await.stdout;
    let lets_in = "+ security group `EntranceLoadBalancerSecurityGroup` lets 203.0.113.7/32 in at TCP port 80";
    assert!(opened.contains(lets_in), "{opened}");
    let unconfirmed = account.run(example, &[&["deploy"], &allow[..]].concat()).await;
    assert_eq!(unconfirmed.code, Some(1));
    assert!(
        unconfirmed.stderr.contains("use --yes to confirm"),
        "{}",
        unconfirmed.stderr
    );
    account
        .succeed(example, &[&["deploy", "--yes"], &allow[..]].concat())
        .await;
    // The addresses of a command replace all that were allowed before.
    let other = "198.51.100.0/24";
    let two = [&allow[..], &["--allow-ip", other]].concat();
    account
        .succeed(example, &[&["deploy", "--yes"], &two[..]].concat())
        .await;
    let closed = account.succeed(example, &[&["diff"], &allow[..]].concat()).await.stdout;
    let lets_other_in = format!("- security group `EntranceLoadBalancerSecurityGroup` lets {other} in at TCP port 80");
    assert!(closed.contains(&lets_other_in), "{closed}");
    assert!(!closed.contains(&lets_in[1..]), "{closed}");
    // A parameter keeps its deployed value by default.
    let same = account.succeed(example, &["diff", "--exit-code"]).await.stdout;
    assert_eq!(same, format!("Stack {example}: no changes\n"));

    let unconfirmed = account.run(example, &["destroy"]).await;
    assert_eq!(unconfirmed.code, Some(1));
    assert!(
        unconfirmed
            .stderr
            .contains(&format!("This deletes stack {example} in eu-west-1")),
        "{}",
        unconfirmed.stderr
    );
    let destroyed = account.succeed(example, &["destroy", "--yes"]).await;
    assert!(
        destroyed.stderr.ends_with(&format!("{example}: deleted\n")),
        "{}",
        destroyed.stderr
    );
    assert_eq!(account.counted(), before, "nothing is left");
    let again = account.succeed(example, &["destroy", "--yes"]).await;
    assert!(again.stderr.contains("nothing to delete"), "{}", again.stderr);
    account.workdir.assert_nothing_left();
}

#[tokio::test]
async fn serviceconnect_is_deployed_and_destroyed_without_leftovers() {
    deploy_and_destroy(
        "serviceconnect",
        &[
            ("stacks", 1),
            ("clusters", 1),
            ("namespaces", 1),
            ("load balancers", 1),
            ("subnets", 2),
        ],
    )
    .await;
}

#[tokio::test]
async fn appmesh_is_deployed_and_destroyed_without_leftovers() {
    deploy_and_destroy(
        "appmesh",
        &[
            ("stacks", 1),
            ("parameters", 13),
            ("namespaces", 1),
            ("load balancers", 1),
            ("subnets", 2),
        ],
    )
    .await;
}
