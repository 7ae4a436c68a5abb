//! What the status pages say of the stored configurations.

use std::sync::Arc;
use std::time::SystemTime;

use config_store::StoredSource;
use mesh_control::{ReadinessSource, SourceStatus};

/// One source for each node that has asked.
#[derive(Debug)]
pub(crate) struct AgentStatus {
    source: Arc<StoredSource>,
}

impl AgentStatus {
    pub(crate) fn new(source: Arc<StoredSource>) -> Self {
        Self { source }
    }
}

impl ReadinessSource for AgentStatus {
    fn sources(&self) -> Vec<SourceStatus> {
        let now = SystemTime::now();
        let age = |at: SystemTime| now.duration_since(at).unwrap_or_default().as_secs();
        let served = self.source.served().into_iter();
        served
            .map(|(node, served)| {
                let rejected: Vec<String> = served.rejected.iter().map(ToString::to_string).collect();
                let is_rejected = served.accepted.is_none();
                SourceStatus {
                    name: format!("stored configuration of {node}"),
                    last_success_seconds_ago: served.accepted.map(age),
                    failing_for_seconds: is_rejected.then(|| age(served.at)),
                    error: is_rejected.then(|| match rejected.as_slice() {
                        [] => "there is none".to_owned(),
                        rejected => rejected.join("; "),
                    }),
                    notes: if is_rejected { Vec::new() } else { rejected },
                }
            })
            .collect()
    }

    /// An agent is as useful without a configuration as it can be: its Envoy is not healthier without it.
    fn is_ready(&self) -> Result<(), String> {
        Ok(())
    }
}
