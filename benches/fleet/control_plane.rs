//! The control plane as a server process.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use mesh_control::{Addresses, ControlPlane};

use crate::AnyError;
use crate::process::{ServerCommand, commands, raise_file_limit, report};
use crate::scenario::Scenario;
use crate::shape::Size;

/// Time between two changes of a scenario.
const STEP: Duration = Duration::from_millis(1);

pub(crate) fn serve(size: Size, address: SocketAddr, after: &[Scenario]) -> Result<(), AnyError> {
    raise_file_limit()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let mut state = size.mesh_state()?;
    for scenario in after {
        for change in size.changes(*scenario) {
            change(&mut state);
        }
    }
    let addresses = Addresses {
        xds: address,
        status: (Ipv4Addr::LOCALHOST, 0).into(),
    };
    let builder = ControlPlane::builder().mesh_state(state).addresses(addresses);
    let (control, serving) = runtime.block_on(builder.bind())?;
    runtime.spawn(async move {
        if let Err(error) = serving.await {
            eprintln!("error: {error}");
        }
    });
    let address = control.addresses().xds;
    report(address)?;
    for command in commands() {
        match command? {
            ServerCommand::Settle { nodes } => runtime.block_on(control.settled(nodes)),
            ServerCommand::Run { scenario, nodes, .. } => runtime.block_on(async {
                let mut steps = tokio::time::interval(STEP);
                for change in size.changes(scenario) {
                    steps.tick().await;
                    control.update(change);
                }
                control.settled(nodes).await;
            }),
        }
        report(address)?;
    }
    Ok(())
}
