//! Rolls out version 2 of an application, on a target that prints each operation instead of performing it.
//!
//! ```text
//! cargo run -p bluegreen-deploy --example dry_run -- canary:10%,2s
//! ```

use std::error::Error;

use bluegreen_deploy::{
    Application, Applied, CommandError, DeploymentTarget, RolloutController, RouteParameter, Sides, Version,
};
use bluegreen_state::{Deployment, Event, MemoryStore, Request};
use mesh_infra::app_mesh::{Kind, Protocol, ResourcePath};
use mesh_infra::{HttpRoute, Listener, Mesh, Stack, Template, VirtualNode, VirtualRouter};
use mesh_local::NodeStatistics;

struct DryRun<'a>(&'a MemoryStore);

impl<'a> DeploymentTarget for DryRun<'a> {
    type Store = &'a MemoryStore;

    fn store(&self) -> Self::Store {
        self.0
    }

    async fn apply_template(&self, _: Request<'_, Version>, template: &Template) -> Result<Applied, CommandError> {
        println!(
            "  apply the template: {}",
            template.description.as_deref().unwrap_or_default()
        );
        Ok(Applied::settled())
    }

    async fn set_weights(&self, _: Request<'_, Version>, routes: Vec<RouteParameter>) -> Result<Applied, CommandError> {
        for RouteParameter { name, value } in routes {
            println!("  put the parameter {name}: {value}");
        }
        Ok(Applied::settled())
    }

    async fn statistics(&self, _: &ResourcePath) -> Result<NodeStatistics, CommandError> {
        Ok(NodeStatistics::default())
    }
}

/// The virtual nodes of both sides, and the route between them. A real stack also has an ECS service for each side.
fn describe(sides: &Sides) -> Stack {
    let mut stack = Stack::new("shop").with_description(format!("blue {}, green {}", sides.blue(), sides.green()));
    let mesh = stack.add("Mesh", Mesh::new("shop"));
    let router = VirtualRouter::new(&mesh, "split").with_listener(80, Protocol::Http);
    let router = stack.add("Split", router);
    let mut route = HttpRoute::new(&router, "sides").with_prefix("/");
    for (name, weight) in ["blue", "green"].into_iter().zip(sides.weights()) {
        let node = VirtualNode::new(&mesh, name).with_listener(Listener::http(80));
        let node = stack.add(name, node.with_dns_endpoints(format!("{name}.shop")));
        route = route.with_target(&node, weight);
    }
    stack.add("Sides", route);
    stack
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let strategy = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "canary:10%,2s".to_owned())
        .parse()?;
    let store = MemoryStore::new();
    Deployment::create(&store, 1).await?;

    let node = |name| ResourcePath::new("shop", Kind::VirtualNode, name);
    let route = ResourcePath::within("shop", "split", Kind::Route, "sides");
    let application = Application::new("shop", [node("blue"), node("green")], route, describe);
    let controller = RolloutController::new(&application, DryRun(&store), |line| println!("{line}"));
    let deploy = |controller| Event::Deploy {
        version: 2,
        strategy,
        controller,
    };
    Ok(controller.run_command(deploy).await?)
}
