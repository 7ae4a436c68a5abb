//! Options and messages of the program.

use std::fs;

use mesh_control::XdsProtocol;

use crate::fixture::Site;

/// Runs the program to its end, and returns what it wrote to standard error.
async fn message(options: &[&str]) -> (Option<i32>, String) {
    let output = Site::agent_command()
        .args(options)
        .output()
        .await
        .expect("the program runs");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[tokio::test]
async fn bad_input_is_named() {
    let site = Site::new(XdsProtocol::Delta);
    let missing = site.path().join("missing.pem").display().to_string();
    let no_key = site.path().join("no-key.pem").display().to_string();
    fs::write(&no_key, "no key").expect("a file");
    let public = site.path().join("public.pem").display().to_string();
    let store = site.store().display().to_string();
    let common = ["--node-id", "n", "--control-plane", "localhost:1", "--store", &store];
    for (options, code, expected) in [
        (
            vec!["--public-key", &missing],
            1,
            format!("error: cannot read key file {missing}: No such file"),
        ),
        (
            vec!["--public-key", &no_key],
            1,
            format!("error: key file {no_key} has no Ed25519 public key in PEM"),
        ),
        (
            vec!["--public-key", &public, "--xds", "0.0.0.0:0"],
            1,
            "error: --xds 0.0.0.0:0: the agent is for the Envoy beside it and listens on loopback only".to_owned(),
        ),
        (
            vec!["--public-key", "env:NO_KEY"],
            1,
            "error: environment variable NO_KEY has no key: it is not set".to_owned(),
        ),
        (
            vec!["--public-key", &public, "--max-age", "soon"],
            2,
            "invalid value 'soon'".to_owned(),
        ),
    ] {
        let options: Vec<&str> = common.iter().copied().chain(options).collect();
        let (actual, text) = message(&options).await;
        assert!(
            actual == Some(code) && text.contains(&expected),
            "{options:?}: {actual:?} {text}"
        );
    }
    // A build with S3 would look for the account.
    if cfg!(not(feature = "s3")) {
        let bucket = [
            "--store",
            "s3://a-bucket/p",
            "--node-id",
            "n",
            "--control-plane",
            "localhost:1",
        ];
        let (code, text) = message(&[&bucket[..], &["--public-key", &public]].concat()).await;
        let expected =
            "error: cannot use s3://a-bucket/p: this envoy-agent was built without S3; build it with --features s3";
        assert!(code == Some(1) && text.contains(expected), "{text}");
    }
    let (code, text) = message(&["--store", "s3://A_bucket"]).await;
    assert!(
        code == Some(2) && text.contains("`A_bucket` is no bucket name"),
        "{text}"
    );
    let (code, text) = message(&[
        "--control-plane",
        "localhost:1",
        "--store",
        &store,
        "--public-key",
        &public,
    ])
    .await;
    assert!(code == Some(2) && text.contains("--node-id"), "{text}");
}
