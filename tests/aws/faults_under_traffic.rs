//! Faults of an account under traffic: requests through real Envoys, which started from the deployed task definitions.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mesh_control::{Addresses, ControlPlane, ServeError};
use mesh_control_aws::{Clients, EndpointPolicy, Options, serve};
use testkit::{Fault, FaultProxy, wait_until};
use tokio_util::task::AbortOnDropHandle;

use crate::account::Account;
use crate::fault_table::{MeasuredFault, Measurement};
use crate::fleet::{SharedPort, Task, loopback};
use crate::mesh::{MESH, config, deploy_stack, register, template};

/// Between two requests.
const PACE: Duration = Duration::from_millis(10);

/// A deployed mesh: `blue` and `green` behind a gateway, with a control plane that reads the account through a proxy.
struct Fleet {
    account: Account,
    proxy: FaultProxy,
    control: ControlPlane,
    port: SharedPort,
    gateway_port: SharedPort,
    _tasks: [Task; 3],
    _serving: AbortOnDropHandle<Result<(), ServeError>>,
}

impl Fleet {
    async fn start() -> Self {
        let account = Account::new();
        let addresses = [2, 3].map(loopback);
        let port = SharedPort::at(&addresses);
        let gateway_port = SharedPort::at(&[Ipv4Addr::LOCALHOST]);
        let first = template(port.number, gateway_port.number, [1, 0]);
        deploy_stack(&config(account.endpoint()).await, &first).await;
        register(&account, "blue", addresses[0]);
        register(&account, "green", addresses[1]);
        let proxy = FaultProxy::start(account.endpoint()).await;
        // The default intervals: they are what is measured.
        let options = Options {
            // Tasks of the tests are on loopback.
            endpoints: EndpointPolicy::within(["127.0.0.0/8".parse().expect("a network")]),
            ..Options::new([MESH])
        };
        let clients = Clients::new(&config(&proxy.url()).await);
        let serving = serve(clients, options, Addresses::default(), std::future::pending()).await;
        let (control, work) = serving.expect("bound listeners");
        let serving = AbortOnDropHandle::new(tokio::spawn(work));
        let xds = control.addresses().xds;
        let tasks = [
            Task::start(&first, "BlueTaskDefinition", addresses[0], port.number, xds).await,
            Task::start(&first, "GreenTaskDefinition", addresses[1], port.number, xds).await,
            Task::start(
                &first,
                "GatewayTaskDefinition",
                Ipv4Addr::LOCALHOST,
                gateway_port.number,
                xds,
            )
            .await,
        ];
        let fleet = Self {
            account,
            proxy,
            control,
            port,
            gateway_port,
            _tasks: tasks,
            _serving: serving,
        };
        wait_until("the gateway routes requests", async || fleet.response().await.is_some()).await;
        fleet
    }

    fn gateway(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.gateway_port.number))
    }

    /// The application that responds; `None` for a failed request.
    async fn response(&self) -> Option<String> {
        response(&client(), self.gateway()).await
    }

    /// Deploys the route with these weights, past the proxy.
    async fn deploy(&self, weights: [u32; 2]) {
        let config = config(self.account.endpoint()).await;
        let template = template(self.port.number, self.gateway_port.number, weights);
        deploy_stack(&config, &template).await;
    }

    /// Injects a fault into the calls of the control plane, changes the route, and measures from the end of the fault until
    /// requests follow the route.
    async fn change_route_during(&self, fault: Fault, weights: [u32; 2], expected: &str) -> Duration {
        self.proxy.inject(&[], fault);
        wait_until("the control plane reports the fault", async || {
            let sources = self.control.status().sources;
            sources.iter().any(|source| source.error.is_some())
        })
        .await;
        self.deploy(weights).await;
        assert_ne!(
            self.response().await.as_deref(),
            Some(expected),
            "the route is served without being read"
        );
        self.proxy.heal();
        let healed = Instant::now();
        wait_until("requests follow the route", async || {
            self.response().await.as_deref() == Some(expected)
        })
        .await;
        healed.elapsed()
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

async fn response(client: &reqwest::Client, gateway: SocketAddr) -> Option<String> {
    let response = client.get(format!("http://{gateway}/")).send().await.ok()?;
    let response = response.error_for_status().ok()?;
    response.text().await.ok()
}

/// Requests at a steady pace, counted.
struct Traffic {
    counts: Arc<Counts>,
    work: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Counts {
    all: AtomicUsize,
    failed: AtomicUsize,
}

impl Traffic {
    fn start(gateway: SocketAddr) -> Self {
        let counts = Arc::new(Counts::default());
        let counted = Arc::clone(&counts);
        let work = tokio::spawn(async move {
            let client = client();
            let mut pace = tokio::time::interval(PACE);
            loop {
                pace.tick().await;
                let is_failed = response(&client, gateway).await.is_none();
                counted.all.fetch_add(1, Ordering::Relaxed);
                if is_failed {
                    counted.failed.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self {
            counts,
            work: AbortOnDropHandle::new(work),
        }
    }

    /// Waits for this many more requests.
    async fn wait_for(&self, more: usize) {
        let before = self.counts.all.load(Ordering::Relaxed);
        wait_until("requests are made", async || {
            self.counts.all.load(Ordering::Relaxed) >= before + more
        })
        .await;
    }

    /// Stops. Returns failed and all requests.
    fn stop(self) -> (usize, usize) {
        drop(self.work);
        let read = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        (read(&self.counts.failed), read(&self.counts.all))
    }
}

async fn outage(fault: Fault, measured: MeasuredFault) {
    let fleet = Fleet::start().await;
    let traffic = Traffic::start(fleet.gateway());
    traffic.wait_for(20).await;
    let recovered = fleet.change_route_during(fault, [0, 1], "GreenTaskDefinition").await;
    traffic.wait_for(20).await;
    let requests = traffic.stop();
    assert_eq!(requests.0, 0, "no request fails");
    let measurement = Measurement {
        fault: measured,
        recovered,
        requests: Some(requests),
    };
    // Markers are read every second, all parameters after that; the rest is for a busy machine.
    measurement.record(Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_that_changes_while_aws_is_unavailable_follows_its_end() {
    outage(Fault::Unavailable, MeasuredFault::UnavailableSources).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_that_changes_while_aws_throttles_follows_its_end() {
    outage(Fault::Throttle, MeasuredFault::ThrottledSources).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_that_changes_while_aws_is_silent_follows_its_end() {
    outage(Fault::Hang, MeasuredFault::SilentSources).await;
}
