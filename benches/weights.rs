//! Time until every Envoy of a running mesh has acknowledged a changed weight, compared with an update without changes.
//! Both are measured in one run, on two services and a gateway with an Envoy each.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use criterion::Criterion;
use mesh_infra::Template;
use mesh_local::{LocalMesh, Network, Plan, StackInput};
use meshwright::self_exec;
use tokio::runtime::Runtime;

/// Template of the mesh.
const TEMPLATE: &str = include_str!("../mesh-infra/tests/golden/appmesh.parameters.json");

/// A weight in the template's parameters, before and after the change.
const BEFORE: &str = r#"\"weight\":50"#;
const AFTER: &str = r#"\"weight\":40"#;

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

fn plan(template: &str) -> Result<Plan, Box<dyn std::error::Error>> {
    let template = Template::from_json(template)?;
    let stack = StackInput {
        name: "appmesh",
        template: &template,
        // The VPC is not simulated; any id is valid.
        parameters: &BTreeMap::from([("NetworkVpcId".to_owned(), "vpc-1".to_owned())]),
    };
    Ok(Plan::new(&[stack], &self_exec::known_images())?)
}

fn measure() -> Result<(), Box<dyn std::error::Error>> {
    let plans = [plan(TEMPLATE)?, plan(&TEMPLATE.replacen(BEFORE, AFTER, 1))?];
    if plans[0].meshes == plans[1].meshes {
        return Err("the two templates have the same weights".into());
    }
    let runtime = Runtime::new()?;
    let mut mesh = runtime.block_on(LocalMesh::start(
        plans[0].clone(),
        Network::Shared,
        self_exec::launcher(),
        |_| {},
    ))?;
    runtime.block_on(mesh.ready())?;

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("update of a running mesh, until every Envoy has acknowledged it");
    for (name, changed) in [("nothing changed", [0, 0]), ("a weight changed", [1, 0])] {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| {
                (0..times)
                    .map(|time| {
                        let plan = &plans[changed[usize::from(time % 2 == 1)]];
                        let applied = runtime.block_on(mesh.apply(plan.clone()));
                        applied.unwrap_or_else(|error| panic!("{error}")).settled_after
                    })
                    .sum::<Duration>()
            });
        });
    }
    group.finish();
    criterion.final_summary();
    runtime.block_on(mesh.shutdown());
    Ok(())
}
