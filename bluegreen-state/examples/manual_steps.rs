//! Drives the state machine step by step, without a controller: prints each state and its effects.
//!
//! ```text
//! cargo run -p bluegreen-state --example manual_steps
//! ```

use bluegreen_state::{Deployment, Effect, Event, MemoryStore, Timestamp};
use pollster::block_on;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = MemoryStore::new();
    let mut deployment = block_on(Deployment::create(&store, "v1".to_owned()))?;
    let mut now = Timestamp::from_millis(0);
    let mut event = Event::Deploy {
        version: "v2".to_owned(),
        strategy: "canary:10%,30s".parse()?,
        controller: "example".to_owned(),
    };
    loop {
        // The next state is stored before its effects are carried out.
        let effects = block_on(deployment.apply(event, now))?;
        println!("{}", deployment.state());
        for effect in &effects {
            println!("    {effect}");
        }
        // Every request succeeds immediately, and time passes when there is nothing else to do.
        event = match effects.into_iter().next() {
            Some(Effect::Update { request, .. } | Effect::CheckReady { request, .. }) => Event::Ready { request },
            Some(Effect::SetWeights { request, .. }) => Event::WeightsApplied { request },
            Some(Effect::RunHook { request, .. }) => Event::HookSucceeded { request },
            Some(Effect::ScheduleTick { at }) => {
                now = at;
                Event::Tick
            }
            Some(Effect::Rejected { reason }) => return Err(reason.into()),
            Some(Effect::Finished { outcome }) => match outcome.status.reason() {
                None => return Ok(()),
                Some(reason) => return Err(format!("{} {}: {reason}", outcome.version, outcome.status.as_str()).into()),
            },
            None => return Ok(()),
        };
    }
}
