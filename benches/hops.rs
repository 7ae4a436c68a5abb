//! Cost of a hop through Envoy: a service called directly, through its own Envoy, and from another service through both of
//! their Envoys.
//!
//! All three are measured in one run on one mesh, so that their ratios are comparable between machines.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::ExitCode;

use criterion::Criterion;
use mesh_infra::Template;
use mesh_local::{LocalMesh, Network, Plan, StackInput};
use meshwright::self_exec;
use tokio::runtime::Runtime;

/// Template of the Service Connect example.
const TEMPLATE: &str = include_str!("../tests/golden/serviceconnect.template.json");

fn main() -> ExitCode {
    if let Some(code) = self_exec::run() {
        return code;
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), Box<dyn std::error::Error>> {
    let template = Template::from_json(TEMPLATE)?;
    let stack = StackInput {
        name: "serviceconnect",
        template: &template,
        parameters: &BTreeMap::new(),
    };
    let plan = Plan::new(&[stack], &self_exec::known_images())?;
    let runtime = Runtime::new()?;
    let mut mesh = runtime.block_on(LocalMesh::start(plan, Network::Shared, self_exec::launcher(), |_| {}))?;
    runtime.block_on(mesh.ready())?;
    let green = mesh.address_of("green", None).ok_or("green has an Envoy")?;
    let application = {
        let mut green = mesh.tasks().filter(|task| task.task.starts_with("green/"));
        let listening = green.find_map(|task| task.applications.first().copied());
        listening.ok_or("green listens")?
    };

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("GET over one connection");
    for (name, address, path) in [
        ("directly", application, "/"),
        ("through its Envoy", green, "/"),
        (
            "through its Envoy, and from there through two more to blue",
            green,
            "/downstream/blue.serviceconnect",
        ),
    ] {
        let client = reqwest::Client::builder().no_proxy().build()?;
        group.bench_function(name, |bencher| {
            bencher.iter(|| runtime.block_on(get(&client, address, path)));
        });
    }
    group.finish();
    criterion.final_summary();
    runtime.block_on(mesh.shutdown());
    Ok(())
}

async fn get(client: &reqwest::Client, address: SocketAddr, path: &str) -> usize {
    let response = client.get(format!("http://{address}{path}")).send().await;
    let response = response
        .and_then(reqwest::Response::error_for_status)
        .expect("a successful response");
    response.bytes().await.expect("a body").len()
}
