//! A corpus of templates as people have them: each set is judged, brought up and called.
//!
//! `tests/corpus` has one folder per set; the expected judgements are in `tests/golden/corpus`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::Value;
use testkit::assert_golden;

use crate::http::{body, get};
use crate::run::{Ended, Run};
use crate::workdir::Workdir;

/// A set of templates, and the options that it needs.
struct Set {
    name: &'static str,
    templates: &'static [&'static str],
    options: &'static [&'static str],
}

const SETS: [Set; 7] = [
    Set {
        name: "copilot",
        templates: &["env.yaml", "front.stack.yaml", "orders.stack.yaml"],
        options: &[
            "--stack-name",
            "env.yaml=shop-test",
            "--parameters",
            "front=front.params.json",
            "--parameters",
            "orders=orders.params.json",
        ],
    },
    Set {
        name: "cdk",
        templates: &["Network.template.json", "Shop.template.json"],
        options: &["--region", "eu-west-1"],
    },
    Set {
        name: "shop",
        templates: &["data.yaml", "shop.yaml"],
        options: &["--value", "s3://shop-settings/web.env=COLOUR=green"],
    },
    Set {
        name: "nested",
        templates: &["root.yaml"],
        options: &[],
    },
    Set {
        name: "mutual-tls",
        templates: &["gateway.yaml", "keys.yaml", "mesh.yaml"],
        options: &[],
    },
    Set {
        name: "loops",
        templates: &["loops.yaml"],
        options: &[],
    },
    Set {
        name: "mesh-only",
        templates: &["mesh.yaml"],
        options: &[],
    },
];

/// The number of templates in the corpus, nested ones included.
const TEMPLATES: usize = 15;

fn folder(set: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(set)
}

/// The set of this name.
fn set(name: &str) -> &'static Set {
    let set = SETS.iter().find(|set| set.name == name);
    set.unwrap_or_else(|| panic!("no set {name}"))
}

impl Set {
    /// Runs the program in the set's folder.
    fn command(&self, workdir: &Workdir, verb: &[&str], templates: &[&str], more: &[&str]) -> tokio::process::Command {
        let templates = templates.iter().flat_map(|template| ["--template", template]);
        let arguments: Vec<&str> = verb
            .iter()
            .copied()
            .chain(["--stub"])
            .chain(templates)
            .chain(self.options.iter().copied())
            .chain(more.iter().copied())
            .collect();
        let mut command = workdir.meshwright(&arguments);
        command.current_dir(folder(self.name));
        command
    }

    async fn check(&self, workdir: &Workdir, more: &[&str]) -> Ended {
        Run::to_end(workdir, self.command(workdir, &["check"], &["."], more)).await
    }

    async fn up<'w>(&self, workdir: &'w Workdir, more: &[&str]) -> Run<'w> {
        Run::up(
            workdir,
            self.command(workdir, &["up", "--strict"], self.templates, more),
        )
        .await
    }
}

/// Fails unless one text was printed before the other: services start in the order of `DependsOn`.
#[track_caller]
fn assert_order(run: &Run<'_>, first: &str, second: &str) {
    let printed = run.printed().stderr;
    let position = |text: &str| {
        printed
            .find(text)
            .unwrap_or_else(|| panic!("no `{text}` in\n{printed}"))
    };
    assert!(position(first) < position(second), "{printed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_set_is_judged_as_expected() {
    let workdir = Workdir::new();
    let mut judged = 0;
    let start = Instant::now();
    for set in &SETS {
        let ended = set.check(&workdir, &[]).await;
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (Some(0), ""),
            "{}: {ended:?}",
            set.name
        );
        assert_golden!(&format!("corpus/{}.txt", set.name), &ended.stdout);
        let wide = ended.stdout.lines().take_while(|line| !line.is_empty());
        let wide = wide.filter(|line| line.chars().count() > 80).count();
        assert_eq!(wide, 0, "{}", ended.stdout);
        let json = set.check(&workdir, &["--json"]).await;
        let document: Value = serde_json::from_str(&json.stdout).expect("JSON");
        let templates = document["templates"].as_array().expect("a list");
        assert!(
            templates.iter().all(|template| template["canRun"] == true),
            "{document:#}"
        );
        judged += templates.len();
    }
    assert_eq!(judged, TEMPLATES);
    println!(
        "{judged} templates judged twice in {:.2} s",
        start.elapsed().as_secs_f64()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_with_an_environment_stack_runs() {
    let workdir = Workdir::new();
    let run = set("copilot").up(&workdir, &[]).await;
    // Without a protocol of its own, a port is TCP.
    for service in ["front", "orders"] {
        let hint = format!("    # {service}/1, port target (tcp)");
        let printed = run.printed().stdout;
        let address = printed.lines().find_map(|line| line.trim_start().strip_suffix(&hint));
        let address = address.unwrap_or_else(|| panic!("no `{hint}` in\n{printed}"));
        let expected = format!(r#"{{"message":"ok","service":"{service}","version":"unknown"}}"#);
        assert_eq!(body(&format!("http://{address}/")).await, expected);
    }
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stacks_of_the_cdk_run_in_their_order() {
    let workdir = Workdir::new();
    let run = set("cdk").up(&workdir, &[]).await;
    let web = run.url("# web/2, port web");
    assert_eq!(
        body(&format!("{web}downstream/catalogue.shop.internal")).await,
        r#"{"message":"fetched!","service":"web","response":{"message":"ok","service":"catalogue","version":"unknown"}}"#
    );
    assert_order(&run, "catalogue/1: running after", "web/1: Envoy ready after");
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_with_secrets_and_autoscaling_runs() {
    let workdir = Workdir::new();
    let secrets = [
        "--value",
        "secretsmanager:shop-token={\"value\": \"hush-hush\"}",
        "--value",
        "secretsmanager:shop-db=swordfish",
    ];
    let run = set("shop").up(&workdir, &secrets).await;
    for service in ["web/2", "api/1"] {
        let url = run.url(&format!("# {service}, without an Envoy"));
        let name = service.split('/').next().unwrap_or_default();
        let expected = format!(r#"{{"message":"ok","service":"{name}","version":"unknown"}}"#);
        assert_eq!(body(&url).await, expected);
    }
    let printed = run.printed();
    for text in [&printed.stdout, &printed.stderr] {
        assert!(!text.contains("hush-hush") && !text.contains("swordfish"), "{text}");
    }
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nested_stacks_run() {
    let workdir = Workdir::new();
    let run = set("nested").up(&workdir, &[]).await;
    let front = run.url("# front/1, port http");
    // All tasks of a nested stack run before those of one that depends on it.
    for back in ["back/1: running after", "back/2: running after"] {
        assert_order(&run, back, "front/1: Envoy ready after");
    }
    let through_front = format!("{front}downstream/back:80");
    assert_eq!(
        body(&through_front).await,
        r#"{"message":"fetched!","service":"front","response":{"message":"ok","service":"back","version":"unknown"}}"#
    );
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_of_a_loop_run() {
    let workdir = Workdir::new();
    let run = set("loops").up(&workdir, &[]).await;
    let gamma = run.url("# gamma/1, port http");
    assert_eq!(
        body(&format!("{gamma}downstream/beta.loops")).await,
        r#"{"message":"fetched!","service":"gamma","response":{"message":"ok","service":"beta","version":"unknown"}}"#
    );
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mesh_with_mutual_tls_runs() {
    let workdir = Workdir::new();
    let certificates = workdir.path("certificates");
    issue(&certificates, &["keys", "door"]);
    let parameter = format!("Certificates={}", certificates.display());
    let options = ["--parameter", &parameter];
    let run = set("mutual-tls").up(&workdir, &options).await;
    assert_eq!(
        body(&run.url("# door/1, port 9080")).await,
        r#"{"message":"ok","service":"keys","version":"unknown"}"#
    );
    // Without a certificate, and without TLS, the node itself answers no call.
    let node = run.url("# keys/1, port 8443");
    assert!(get(&node).await.is_err());
    run.stop().await;

    // A certificate that Envoy cannot read: `up` says so, and goes on unless everything has to work.
    std::fs::write(certificates.join("keys.pem"), "not a certificate").expect("a file");
    let set = set("mutual-tls");
    let strict = set.command(&workdir, &["up", "--strict"], set.templates, &options);
    let ended = Run::to_end(&workdir, strict).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("keys/1: its Envoy rejects `"), "{ended:?}");
    assert!(
        ended.stderr.ends_with("error: --strict: not everything works\n"),
        "{ended:?}"
    );
    assert!(!ended.stderr.contains("everything is running"), "{ended:?}");
    workdir.assert_nothing_left();
}

/// Writes an authority, and a certificate with its key for each name, `NAME.vault.local`.
fn issue(folder: &Path, names: &[&str]) {
    std::fs::create_dir(folder).expect("a new folder");
    let write = |name: String, text: String| std::fs::write(folder.join(name), text).expect("a file");
    let key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new(Vec::new()).expect("no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(DnType::CommonName, "authority of the vault");
    write(
        "ca.pem".to_owned(),
        authority.self_signed(&key).expect("a certificate").pem(),
    );
    let issuer = Issuer::new(authority, key);
    for name in names {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![format!("{name}.vault.local")]).expect("a name");
        write(
            format!("{name}.pem"),
            params.signed_by(&key, &issuer).expect("a certificate").pem(),
        );
        write(format!("{name}.key"), key.serialize_pem());
    }
}
