//! Graceful shutdown in the order that ECS requires: deregistration first, then requests in flight.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use stop_signals::StopSignals;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use super::readiness::Readiness;

/// How long a service accepts requests after the stop signal: 5 seconds.
///
/// ECS removes a task from its load balancer's target group and from Cloud Map before it sends SIGTERM (ECS developer guide,
/// task-lifecycle-explanation, DEACTIVATING, read 2026-11-23), but callers notice later: App Mesh's Envoys queried DNS every 5
/// seconds, and a control plane polls Cloud Map about as often. A service that closes its port at once would refuse their calls.
pub const DEFAULT_DEREGISTRATION: Duration = Duration::from_secs(5);

/// How long requests in flight may take after the service stops accepting new ones: 20 seconds.
///
/// Longer than the default timeout of a call ([`DEFAULT_TIMEOUT`](crate::DEFAULT_TIMEOUT), 17 seconds), so that a request that
/// waits for one can finish. Together with [`DEFAULT_DEREGISTRATION`] shorter than the default `stopTimeout` (30 seconds; ECS API
/// reference, ContainerDefinition, read 2026-11-23), after which ECS kills the task, so that the error can be reported.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(20);

/// Stops a service in the order that ECS requires: makes it unready, waits for its deregistration, finishes the requests in
/// flight, and returns. Each step has a time limit.
///
/// ```no_run
/// # async fn example(mesh: mesh_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use mesh_client::server::{Readiness, Shutdown};
///
/// let readiness = Readiness::new(mesh.sidecar().clone());
/// let shutdown = Shutdown::on_signals(&readiness)?;
/// let app = axum::Router::new().route_service("/ready", readiness.endpoint());
/// let listener = tokio::net::TcpListener::bind("0.0.0.0:8080").await?;
/// shutdown
///     .run(|stop| axum::serve(listener, app).with_graceful_shutdown(stop))
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "it intercepts the signals that would end the process, and does nothing until it runs"]
pub struct Shutdown {
    readiness: Readiness,
    source: StopSource,
    deregistration: Duration,
    grace: Duration,
}

/// The source of stop requests.
#[derive(Debug)]
enum StopSource {
    Signals(StopSignals),
    Channel(mpsc::Receiver<&'static str>),
}

struct StopRequest {
    reason: &'static str,
    /// From a terminal: there is no deregistration to wait for.
    is_interactive: bool,
}

impl StopSource {
    /// Waits for the next request. Cancelling it loses none.
    async fn next(&mut self) -> StopRequest {
        match self {
            Self::Signals(signals) => {
                let signal = signals.next().await;
                StopRequest {
                    reason: signal.name(),
                    is_interactive: signal.is_interactive(),
                }
            }
            Self::Channel(requests) => match requests.recv().await {
                Some(reason) => StopRequest {
                    reason,
                    is_interactive: false,
                },
                // All senders are dropped.
                None => std::future::pending().await,
            },
        }
    }
}

impl Shutdown {
    /// Stops on SIGTERM, which ECS sends, and on SIGINT, which a terminal sends for Ctrl-C. On other systems than Unix, stops on
    /// Ctrl-C. From now on these signals no longer end the process.
    ///
    /// After SIGINT it does not wait for [deregistration](Self::deregistration): a service started at a terminal is not
    /// registered. An image for ECS should therefore not have `STOPSIGNAL SIGINT`, which ECS would send instead of SIGTERM (ECS
    /// API reference, StopTask, read 2026-11-23).
    ///
    /// Each further signal ends the current step: first the wait for deregistration, then the requests in flight.
    ///
    /// # Errors
    ///
    /// The signal handlers cannot be installed.
    pub fn on_signals(readiness: &Readiness) -> io::Result<Self> {
        Ok(Self::new(readiness, StopSource::Signals(StopSignals::listen()?)))
    }

    /// Stops on a message from `requests`, which contains a reason for the log. Each further message ends the current step: first
    /// the wait for deregistration, then the requests in flight. Dropping the senders does not stop the service.
    pub fn on_request(readiness: &Readiness, requests: mpsc::Receiver<&'static str>) -> Self {
        Self::new(readiness, StopSource::Channel(requests))
    }

    fn new(readiness: &Readiness, source: StopSource) -> Self {
        Self {
            readiness: readiness.clone(),
            source,
            deregistration: DEFAULT_DEREGISTRATION,
            grace: DEFAULT_GRACE,
        }
    }

    /// Sets how long the service accepts requests while its deregistration propagates. Default: [`DEFAULT_DEREGISTRATION`].
    ///
    /// Zero if no caller knows the service when the signal comes; longer than the record's TTL if callers resolve the service by
    /// DNS. Together with [`grace`](Self::grace) it must be shorter than the container's `stopTimeout`.
    pub fn deregistration(mut self, wait: Duration) -> Self {
        self.deregistration = wait;
        self
    }

    /// Sets how long requests in flight may take after the service stops accepting new ones. Default: [`DEFAULT_GRACE`].
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Runs the server that `serve` returns until it has stopped. The argument of `serve` is a future that resolves when no more
    /// requests should be accepted: the argument of axum's `with_graceful_shutdown`.
    ///
    /// Cancelling it drops the server.
    ///
    /// # Errors
    ///
    /// The server failed, or requests did not finish in time or before another stop request.
    pub async fn run<S>(mut self, serve: impl FnOnce(Stop) -> S) -> Result<(), ShutdownError>
    where
        S: IntoFuture<Output = io::Result<()>>,
    {
        let (sender, stop) = oneshot::channel();
        let mut serving = pin!(serve(Stop(stop)).into_future());
        let StopRequest { reason, is_interactive } = tokio::select! {
            result = &mut serving => return result.map_err(ShutdownError::Serve),
            request = self.source.next() => request,
        };

        self.readiness.stop();
        if !is_interactive && !self.deregistration.is_zero() {
            let wait = self.deregistration;
            tracing::info!(
                reason,
                ?wait,
                "stopping: waiting for deregistration, still accepting requests"
            );
            tokio::select! {
                result = &mut serving => return result.map_err(ShutdownError::Serve),
                again = self.source.next() => {
                    tracing::info!(reason = again.reason, "second stop request: not waiting for deregistration");
                }
                () = sleep(wait) => {}
            }
        }

        tracing::info!(reason, "stopping: finishing requests in flight");
        // The receiver is dropped if the server has already ended.
        let _ = sender.send(());
        tokio::select! {
            // A finished server has precedence over the other branches.
            biased;
            result = &mut serving => result.map_err(ShutdownError::Serve),
            again = self.source.next() => Err(ShutdownError::Interrupted(again.reason)),
            () = sleep(self.grace) => Err(ShutdownError::GracePeriod(self.grace)),
        }
    }
}

/// Resolves when no more requests should be accepted. From [`Shutdown::run`].
#[derive(Debug)]
pub struct Stop(oneshot::Receiver<()>);

impl Future for Stop {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // The sender is dropped only together with the server.
        Pin::new(&mut self.0).poll(context).map(|_| ())
    }
}

/// Why a service did not stop gracefully.
#[derive(Debug)]
#[non_exhaustive]
pub enum ShutdownError {
    /// The server failed.
    Serve(io::Error),
    /// Requests in flight did not finish within this grace period.
    GracePeriod(Duration),
    /// Requests in flight had not finished when another stop request came, with this reason.
    Interrupted(&'static str),
}

impl fmt::Display for ShutdownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serve(_) => f.write_str("the server failed"),
            Self::GracePeriod(grace) => write!(f, "requests in flight did not finish within {grace:?}"),
            Self::Interrupted(reason) => write!(
                f,
                "requests in flight did not finish before another stop request ({reason})"
            ),
        }
    }
}

impl std::error::Error for ShutdownError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Serve(error) => Some(error),
            Self::GracePeriod(_) | Self::Interrupted(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_shorter_than_the_stop_timeout() {
        let stop_timeout = Duration::from_secs(30);
        assert!(DEFAULT_DEREGISTRATION + DEFAULT_GRACE < stop_timeout);
        assert!(DEFAULT_GRACE > crate::DEFAULT_TIMEOUT);
    }
}
