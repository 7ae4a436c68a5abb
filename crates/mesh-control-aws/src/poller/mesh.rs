//! Polls the revision markers of a mesh, and all of its parameters.

use std::time::Instant;

use tokio::sync::Notify;

use super::{Poller, log, pause};
use crate::parameters;

impl Poller {
    /// Polls the parameters of a mesh, and its revision markers. Never ends.
    pub(crate) async fn poll_mesh(&self, mesh: &str) {
        // Markers first: parameters that are read after them are at least as new.
        let (wake, failed) = (Notify::new(), Notify::new());
        self.read_markers(mesh, &wake).await;
        tokio::join!(
            self.poll_markers(mesh, &wake, &failed),
            self.poll_parameters(mesh, &wake, &failed)
        );
    }

    /// Polls the revision markers. A failed read of all parameters shortens the interval.
    async fn poll_markers(&self, mesh: &str, wake: &Notify, failed: &Notify) {
        loop {
            let interval = || {
                let interval = self.polled.state().marker_interval(mesh, Instant::now());
                interval.unwrap_or(self.intervals.longest)
            };
            tokio::select! {
                () = pause(interval()) => {}
                () = failed.notified() => pause(interval()).await,
            }
            self.read_markers(mesh, wake).await;
        }
    }

    /// Reads the revision markers of a mesh, and wakes [`Poller::poll_parameters`] if they ask for it.
    async fn read_markers(&self, mesh: &str, wake: &Notify) {
        let read = parameters::markers_in_time(&self.clients.parameters, mesh).await;
        if self.polled.state().on_markers(mesh, &read, Instant::now()) {
            wake.notify_one();
        }
    }

    async fn poll_parameters(&self, mesh: &str, wake: &Notify, failed: &Notify) {
        loop {
            self.wait_until_due(mesh, wake).await;
            self.polled.state().on_parameters_start(mesh, Instant::now());
            let reading = parameters::of_mesh(&self.clients.parameters, mesh);
            let reading = tokio::select! {
                reading = reading => reading,
                // Parameter Store responds again: a request from before may wait until its timeout.
                () = self.recovered(mesh, wake) => continue,
            };
            let is_back = {
                let mut state = self.polled.state();
                let is_read = reading.is_ok();
                let had_failed = state.is_mesh_failing(mesh);
                log(state.on_parameters(mesh, reading, Instant::now()));
                is_read && had_failed
            };
            self.apply();
            if self.polled.state().is_mesh_failing(mesh) {
                failed.notify_one();
            }
            if is_back {
                // An outage of one service is often one of the other, or of the network.
                self.polled.state().retry_services();
                self.wake.notify_one();
            }
        }
    }

    /// Waits until all parameters of a mesh are to be read.
    async fn wait_until_due(&self, mesh: &str, wake: &Notify) {
        let luck = fastrand::f64();
        loop {
            let now = Instant::now();
            let due = self.polled.state().parameters_due(mesh, luck, now);
            let Some(remaining) = due
                .and_then(|due| due.checked_duration_since(now))
                .filter(|left| !left.is_zero())
            else {
                return;
            };
            tokio::select! {
                () = tokio::time::sleep(remaining) => {}
                () = wake.notified() => {}
            }
        }
    }

    /// Waits until a read that began before an outage is to be repeated.
    async fn recovered(&self, mesh: &str, wake: &Notify) {
        loop {
            wake.notified().await;
            if self.polled.state().is_reread_wanted(mesh) {
                return;
            }
        }
    }
}
