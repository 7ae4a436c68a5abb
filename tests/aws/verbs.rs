//! Deploy, outputs, diff and destroy, for each example.

use serde_json::Value;

use crate::account::Account;

/// An example is deployed, found to be deployed, opened to somebody, and destroyed to nothing.
async fn comes_and_goes(example: &str, resources: &[(&str, usize)]) {
    let account = Account::new();
    let before = account.counted();
    let absent = account.succeed(example, &["diff"]).await.stdout;
    assert!(
        absent.starts_with(&format!("Stack {example}: not deployed, everything would be created\n")),
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
        again.stderr.ends_with(&format!("{example}: nothing to do\n")),
        "{}",
        again.stderr
    );
    assert_eq!(again.stdout, deployed.stdout);
    let same = account.succeed(example, &["diff", "--exit-code"]).await.stdout;
    assert_eq!(same, format!("Stack {example}: nothing would change\n"));

    let allow = ["--allow-ip", "203.0.113.7/32"];
    let opened = account.succeed(example, &[&["diff"], &allow[..]].concat()).await.stdout;
    let lets_in = "+ security group `EntranceLoadBalancerSecurityGroup` lets 203.0.113.7/32 in at TCP port 80";
    assert!(opened.contains(lets_in), "{opened}");
    let asked = account.run(example, &[&["deploy"], &allow[..]].concat()).await;
    assert_eq!(asked.code, Some(1));
    assert!(
        asked.stderr.contains("nothing was done; --yes says that it is wanted"),
        "{}",
        asked.stderr
    );
    account
        .succeed(example, &[&["deploy", "--yes"], &allow[..]].concat())
        .await;
    // What somebody gave the stack stays until they give it something else.
    let same = account.succeed(example, &["diff", "--exit-code"]).await.stdout;
    assert_eq!(same, format!("Stack {example}: nothing would change\n"));

    let asked = account.run(example, &["destroy"]).await;
    assert_eq!(asked.code, Some(1));
    assert!(
        asked
            .stderr
            .contains(&format!("This deletes stack {example} in eu-west-1")),
        "{}",
        asked.stderr
    );
    let destroyed = account.succeed(example, &["destroy", "--yes"]).await;
    assert!(
        destroyed.stderr.ends_with(&format!("{example}: deleted\n")),
        "{}",
        destroyed.stderr
    );
    assert_eq!(account.counted(), before, "nothing is left");
    let again = account.succeed(example, &["destroy", "--yes"]).await;
    assert!(again.stderr.contains("there was nothing to delete"), "{}", again.stderr);
    account.room.assert_nothing_left();
}

#[tokio::test]
async fn serviceconnect_is_deployed_and_destroyed_to_nothing() {
    comes_and_goes(
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
async fn appmesh_is_deployed_and_destroyed_to_nothing() {
    comes_and_goes(
        "appmesh",
        &[
            ("stacks", 1),
            ("parameters", 12),
            ("namespaces", 1),
            ("load balancers", 1),
            ("subnets", 2),
        ],
    )
    .await;
}
