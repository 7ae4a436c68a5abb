//! Canary analysis in an account: real Envoys count errors and latencies, replicas of the control plane publish them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::any;
use mesh_infra::Template;
use serde_json::json;
use testkit::wait_until;
use tokio_util::task::AbortOnDropHandle;

use crate::account::Account;
use crate::blue_green::{EXAMPLE, parameter, register, register_at, replica, weights};
use crate::fleet::{Task, text};
use crate::run::Run;

/// The ports of the example's virtual nodes and gateway, at an address of their own per task.
const NODE_PORT: u16 = 80;
const GATEWAY_PORT: u16 = 9080;

/// The behaviour of the green application: a latency, and whether it fails.
#[derive(Debug, Clone, Default)]
struct Behaviour(Arc<(AtomicU64, AtomicU64)>);

impl Behaviour {
    fn set(&self, milliseconds: u64, status: StatusCode) {
        self.0.0.store(milliseconds, Ordering::Relaxed);
        self.0.1.store(status.as_u16().into(), Ordering::Relaxed);
    }

    fn application(&self) -> Router {
        let behaviour = self.clone();
        Router::new().fallback(any(async move || {
            let milliseconds = behaviour.0.0.load(Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            let status = u16::try_from(behaviour.0.1.load(Ordering::Relaxed)).ok();
            let status = status.and_then(|status| StatusCode::from_u16(status).ok());
            status.unwrap_or(StatusCode::OK)
        }))
    }
}

/// The deployed example with version 1, an Envoy for each task, and an application of each side.
struct Fleet<'a> {
    account: &'a Account,
    template: Template,
    green: Behaviour,
    gateway: Ipv4Addr,
    gateway_task: Task,
    _sides: [Task; 2],
}

/// An address in 127/8 at which the ports are free: tests run at the same time.
fn free_address() -> Ipv4Addr {
    loop {
        let at = Ipv4Addr::new(127, fastrand::u8(1..), fastrand::u8(..), fastrand::u8(1..255));
        let is_free = |port| std::net::TcpListener::bind((at, port)).is_ok();
        if is_free(NODE_PORT) && is_free(GATEWAY_PORT) {
            return at;
        }
    }
}

impl<'a> Fleet<'a> {
    async fn start(account: &'a Account, xds: SocketAddr) -> Self {
        let synthesized = account.succeed(EXAMPLE, &["synth", "--aws"]).await.stdout;
        let template = Template::from_text(&synthesized).expect("a template");
        let (green, good) = (Behaviour::default(), Behaviour::default());
        let side = async |id, application: &Behaviour, at: Ipv4Addr| {
            Task::with_application(&template, id, (at, NODE_PORT), xds, application.application()).await
        };
        let [blue_at, green_at, gateway] = [(); 3].map(|()| free_address());
        let sides = [
            side("BlueTaskDefinition", &good, blue_at).await,
            side("GreenTaskDefinition", &green, green_at).await,
        ];
        register_at(account, "blue", &text(blue_at));
        register_at(account, "green", &text(green_at));
        let gateway_task = Task::start(&template, "GatewayTaskDefinition", gateway, GATEWAY_PORT, xds).await;
        let fleet = Self {
            account,
            template,
            green,
            gateway,
            gateway_task,
            _sides: sides,
        };
        fleet.wait_for_gateway().await;
        fleet
    }

    fn url(&self) -> String {
        format!("http://{}:{GATEWAY_PORT}/split", self.gateway)
    }

    async fn wait_for_gateway(&self) {
        let (url, client) = (self.url(), client());
        wait_until("the gateway routes requests", async || {
            let response = client.get(&url).send().await;
            response.is_ok_and(|response| response.status().is_success())
        })
        .await;
    }

    /// Replaces the Envoy of the gateway: its counters start at zero.
    async fn restart_gateway(&mut self, xds: SocketAddr) {
        self.gateway_task.kill().await;
        self.gateway_task = Task::start(&self.template, "GatewayTaskDefinition", self.gateway, GATEWAY_PORT, xds).await;
        self.wait_for_gateway().await;
    }

    /// Requests to the gateway, 200 a second, until it is dropped. Errors are the other side's.
    fn load(&self) -> AbortOnDropHandle<()> {
        let (url, client) = (self.url(), client());
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                ticks.tick().await;
                let (client, url) = (client.clone(), url.clone());
                tokio::spawn(async move { client.get(url).send().await.map(drop) });
            }
        }))
    }

    /// Deploys a version that must be rolled back. Returns the error.
    async fn roll_back(&self, version: &str, strategy: &str, options: &[&str]) -> String {
        let ended = self.account.run(EXAMPLE, &deploy(version, strategy, options)).await;
        assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
        assert_eq!(weights(self.account), [100, 0], "{}", ended.stderr);
        ended.stderr
    }
}

fn deploy<'a>(version: &'a str, strategy: &'a str, options: &[&'a str]) -> Vec<&'a str> {
    let deploy = ["deploy", "--aws", "--version", version, "--strategy", strategy];
    [&deploy[..], options].concat()
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unhealthy_versions_are_rolled_back_and_a_healthy_one_is_promoted() {
    let account = Account::new();
    account
        .succeed(EXAMPLE, &["deploy", "--aws", "--version", "1", "--yes"])
        .await;
    let (control, _replica) = replica(&account, "only".to_owned()).await;
    let fleet = Fleet::start(&account, control.addresses().xds).await;

    let inconclusive = ["--inconclusive", "roll-back", "--min-requests", "5"];
    let error = fleet.roll_back("2", "canary:50%,1s", &inconclusive).await;
    let expected = "the analysis of green 2 at 50% is inconclusive: it had 0 requests, fewer than 5";
    assert!(error.contains(expected), "{error}");

    let _load = fleet.load();
    fleet.green.set(0, StatusCode::INTERNAL_SERVER_ERROR);
    let error = fleet.roll_back("2", "canary:50%,1h", &[]).await;
    assert!(
        error.contains("of its requests failed, 0.0% on the other side"),
        "{error}"
    );

    fleet.green.set(600, StatusCode::OK);
    let error = fleet.roll_back("3", "canary:50%,1h", &[]).await;
    assert!(
        error.contains("its p90 latency is ") && error.contains(" ms on the other side"),
        "{error}"
    );

    fleet.green.set(0, StatusCode::OK);
    let deployed = account.succeed(EXAMPLE, &deploy("4", "canary:50%,1s", &[])).await;
    assert!(
        deployed.stdout.contains("blue 1 at 0%, green 4 at 100%, 4 SUCCESSFUL"),
        "{}",
        deployed.stdout
    );
    assert_eq!(weights(&account), [0, 100]);
}

/// A number in the calls to green that a replica has published: 0 for completed, 1 for failed ones.
fn published(account: &Account, replica: &str, index: usize) -> u64 {
    let status = parameter(account, &format!("/meshwright-status/bluegreen/{replica}"));
    let calls = &status["calls"]["nodes"]["green"];
    calls[index].as_u64().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarted_envoys_and_killed_replicas_give_no_false_verdict() {
    let account = Account::new();
    account
        .succeed(EXAMPLE, &["deploy", "--aws", "--version", "1", "--yes"])
        .await;
    let (first, first_work) = replica(&account, "first".to_owned()).await;
    let (second, _second_work) = replica(&account, "second".to_owned()).await;
    let mut fleet = Fleet::start(&account, first.addresses().xds).await;
    // Requests before the rollout must not count.
    fleet.green.set(0, StatusCode::INTERNAL_SERVER_ERROR);
    let _load = fleet.load();
    wait_until("failures are published", async || published(&account, "first", 1) > 100).await;

    let arguments = deploy("2", "steps:50%+1h,100%", &[]);
    let mut run = Run::start(&account.workdir, account.example(EXAMPLE, &arguments));
    let without_green = "blue 1 at 100%, green 2 at 0%, ";
    run.wait_for(without_green, |printed| printed.stdout.contains(without_green))
        .await;
    fleet.green.set(0, StatusCode::OK);
    let canary = "blue 1 at 50%, green 2 at 50%, POST_";
    run.wait_for(canary, |printed| printed.stdout.contains(canary)).await;

    fleet.restart_gateway(second.addresses().xds).await;
    drop((first, first_work));
    wait_until("the other replica counts", async || {
        published(&account, "second", 0) > 100
    })
    .await;
    let calls = published(&account, "second", 0);
    wait_until("it counts more", async || {
        published(&account, "second", 0) > calls + 100
    })
    .await;
    assert_eq!(weights(&account), [50, 50], "{}", run.printed().stdout);

    // The verdict still works.
    fleet.green.set(0, StatusCode::INTERNAL_SERVER_ERROR);
    let failed = "of its requests failed, 0.0% on the other side";
    run.wait_for(failed, |printed| printed.stdout.contains(failed)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_that_is_too_old_is_inconclusive() {
    let account = Account::new();
    account
        .succeed(EXAMPLE, &["deploy", "--aws", "--version", "1", "--yes"])
        .await;
    for side in ["blue", "green"] {
        register(&account, side);
    }
    let (_control, work) = replica(&account, "only".to_owned()).await;
    let arguments = deploy("2", "canary:50%,30s", &[]);
    let mut run = Run::start(&account.workdir, account.example(EXAMPLE, &arguments));
    let canary = "blue 1 at 50%, green 2 at 50%, POST_";
    run.wait_for(canary, |printed| printed.stdout.contains(canary)).await;
    drop(work);
    let name = "/meshwright-status/bluegreen/only";
    let mut status = parameter(&account, name);
    status["at"] = "2026-01-01T00:00:00Z".into();
    // More than enough requests, none of which failed.
    status["calls"]["nodes"]["green"] = json!([1000, 0, []]);
    let put = json!({"Name": name, "Value": status.to_string(), "Type": "String", "Overwrite": true});
    account.call("ssm", "put_parameter", &put);
    let waiting = "waiting: the analysis of green 2 at 50% is inconclusive: its statistics are not available: no replica \
                   of the control plane has reported its status within 90 s";
    run.wait_for(waiting, |printed| printed.stdout.contains(waiting)).await;
    assert_eq!(weights(&account), [50, 50]);
}
