//! The messages of the control plane that the reference server sends again.

use bytes::Bytes;
use prost::Message;

use crate::scenario::Scenario;

/// Messages by scenario.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Recording {
    #[prost(message, repeated, tag = "1")]
    pub(crate) sent: Vec<Sent>,
}

/// One message to one node.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Sent {
    #[prost(string, tag = "1")]
    pub(crate) scenario: String,
    #[prost(string, tag = "2")]
    pub(crate) type_url: String,
    /// The message in its gRPC frame.
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) frame: Bytes,
}

impl Recording {
    /// The messages of a scenario.
    pub(crate) fn of(&self, scenario: Scenario) -> impl Iterator<Item = &Sent> {
        let label = scenario.label();
        self.sent.iter().filter(move |sent| sent.scenario == label)
    }
}
