//! A stream whose client has sent its node: its session, and what it has subscribed to.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use tonic::Status;

use crate::limits::{Counted, Limits, UnknownNames};
use crate::node::Node;
use crate::proto::Request;
use crate::session::Session;
use crate::snapshot::{ResourceType, Snapshot};
use crate::source::{Configured, Source, SourceError, View};
use crate::status::StreamStatus;

/// A stream whose client has sent its node.
pub(super) struct Open {
    pub(super) node: Node,
    pub(super) task: Option<String>,
    pub(super) zone: Option<String>,
    pub(super) notes: Vec<String>,
    /// Whether the board has task, zone and notes as they are.
    pub(super) is_described: bool,
    pub(super) view: Option<Box<dyn View>>,
    /// The latest change that the session knows.
    pub(super) followed: u64,
    pub(super) session: Session,
    /// The first change that the client has not ACKed or NACKed as a whole.
    pub(super) changed: Option<Instant>,
    /// The latest snapshot that the client has accepted.
    pub(super) accepted: Option<Arc<Snapshot>>,
    /// The names that the snapshot does not have, by type.
    pub(super) unknown: [usize; 4],
    pub(super) unknown_names: UnknownNames,
    pub(super) _counted: (Counted<Arc<str>>, Option<Counted<IpAddr>>),
}

impl Open {
    pub(super) fn configure(&self, source: &dyn Source) -> Result<Configured, SourceError> {
        match &self.view {
            Some(view) => view.configure(),
            None => source.configure(&self.node),
        }
    }

    /// Checks how many names the request adds.
    pub(super) fn check_count<R: Request>(
        &self,
        request: &R,
        kind: ResourceType,
        limits: &Limits,
    ) -> Result<(), Status> {
        let added = request.names();
        if added == 0 {
            return Ok(());
        }
        let names = added + self.session.names(kind);
        // A SotW request names everything again.
        let unknown = names.saturating_sub(2 * self.session.target_len(kind));
        if unknown > limits.unknown_names {
            let maximum = names - unknown + limits.unknown_names;
            return Err(Status::resource_exhausted(format!(
                "subscribes to {names} {kind} names; at most {maximum} are allowed"
            )));
        }
        let others = self.unknown.iter().sum::<usize>() - self.unknown[kind.index()];
        let total = self.unknown_names.total_with(others + unknown);
        let maximum = limits.total_unknown_names;
        if unknown > 0 && total > maximum {
            return Err(Status::resource_exhausted(format!(
                "all nodes together subscribe to {total} names that do not exist; at most {maximum} are allowed"
            )));
        }
        Ok(())
    }

    pub(super) fn count_unknown_names(&mut self, kind: ResourceType) {
        self.unknown[kind.index()] = self.session.names(kind).saturating_sub(self.session.target_len(kind));
        self.unknown_names.set(self.unknown.iter().sum());
    }

    pub(super) fn report(&mut self, status: &mut StreamStatus) {
        status.progress.followed = self.followed;
        if !std::mem::replace(&mut self.is_described, true) {
            status.task = self.task.as_deref().map(Arc::from);
            status.zone = self.zone.as_deref().map(Arc::from);
            status.notes = self.notes.as_slice().into();
        }
        status.settled = self.session.is_settled();
        for (report, kind) in status.types.iter_mut().zip(ResourceType::IN_ORDER.iter().copied()) {
            *report = self.session.report(kind);
        }
    }
}
