//! Stopping in the order that ECS needs: first nobody new is sent here, then nobody is cut off.

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

/// For how long a service that was told to stop goes on taking requests: 5 seconds.
///
/// ECS takes a task out of its load balancer's target group and out of Cloud Map before it sends SIGTERM (ECS developer
/// guide, task-lifecycle-explanation, DEACTIVATING, read 2026-11-23), but whoever calls learns of it later: App Mesh's
/// Envoys asked DNS again every 5 seconds, and a control plane that watches Cloud Map does so about as often. A service
/// that closes its port at once refuses the calls that were on their way.
pub const DEFAULT_DEREGISTRATION: Duration = Duration::from_secs(5);

/// For how long requests may go on once no new ones are taken: 20 seconds.
///
/// Longer than a call through the mesh may take by default ([`DEFAULT_TIMEOUT`](crate::DEFAULT_TIMEOUT), 17 seconds), so
/// that what is cut off was not waiting for one. Together with [`DEFAULT_DEREGISTRATION`] shorter than ECS waits by
/// default before it kills a task (`stopTimeout`, 30 seconds; ECS API reference, ContainerDefinition, read 2026-11-23),
/// so that there is time to say so.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(20);

/// Stops a service in the order that ECS needs: says that it is not ready, waits until that is known everywhere,
/// finishes the requests under way, and returns. Each step is bounded.
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
#[must_use = "it catches the signals that would end the process, and does nothing until it runs"]
pub struct Shutdown {
    readiness: Readiness,
    asked: Asked,
    deregistration: Duration,
    grace: Duration,
}

/// Who asks to stop.
#[derive(Debug)]
enum Asked {
    BySignals(StopSignals),
    ByOwner(mpsc::Receiver<&'static str>),
}

/// That someone asks.
struct Request {
    reason: &'static str,
    /// Who asks does so at a terminal, where nobody has to learn of it.
    by_hand: bool,
}

impl Asked {
    /// Waits until someone asks, for the first time or again. Cancelling it loses nothing.
    async fn next(&mut self) -> Request {
        match self {
            Self::BySignals(signals) => {
                let signal = signals.next().await;
                Request {
                    reason: signal.name(),
                    by_hand: signal.is_interactive(),
                }
            }
            Self::ByOwner(asked) => match asked.recv().await {
                Some(reason) => Request { reason, by_hand: false },
                // Nobody is left to ask.
                None => std::future::pending().await,
            },
        }
    }
}

impl Shutdown {
    /// Stops on SIGTERM, which ECS sends, and on SIGINT, which a person sends with Ctrl-C; elsewhere than on Unix on
    /// Ctrl-C. From now on these signals do not end the process any more.
    ///
    /// After SIGINT it does not wait for [deregistration](Self::deregistration): what a person stops at a terminal is
    /// deregistered nowhere. An image for ECS should not say `STOPSIGNAL SIGINT` then, which ECS would send in place of
    /// SIGTERM (ECS API reference, StopTask, read 2026-11-23).
    ///
    /// Each further signal ends the step that is under way: first the wait for deregistration, then the requests in
    /// flight.
    ///
    /// # Errors
    ///
    /// The signals cannot be caught.
    pub fn on_signals(readiness: &Readiness) -> io::Result<Self> {
        Ok(Self::new(readiness, Asked::BySignals(StopSignals::listen()?)))
    }

    /// Stops when `asked` gives a reason: a word for the log. Each further one ends the step that is under way: first the
    /// wait for deregistration, then the requests in flight. When its senders are dropped, nothing asks any more.
    pub fn on_request(readiness: &Readiness, asked: mpsc::Receiver<&'static str>) -> Self {
        Self::new(readiness, Asked::ByOwner(asked))
    }

    fn new(readiness: &Readiness, asked: Asked) -> Self {
        Self {
            readiness: readiness.clone(),
            asked,
            deregistration: DEFAULT_DEREGISTRATION,
            grace: DEFAULT_GRACE,
        }
    }

    /// For how long to go on taking requests while everybody learns that none should come. Default:
    /// [`DEFAULT_DEREGISTRATION`].
    ///
    /// Zero where nobody is sent here once the signal comes. Longer where callers resolve the service by DNS: they come
    /// for as long as the record's TTL. Together with [`grace`](Self::grace) it has to fit into the container's
    /// `stopTimeout`.
    pub fn deregistration(mut self, wait: Duration) -> Self {
        self.deregistration = wait;
        self
    }

    /// For how long requests may go on once no new ones are taken. Default: [`DEFAULT_GRACE`].
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Runs what `serve` makes until it is asked to stop and has done so. `serve` gets a future that resolves when no
    /// new request is to be taken: the argument of axum's `with_graceful_shutdown`.
    ///
    /// Cancelling it drops the server.
    ///
    /// # Errors
    ///
    /// Serving failed, or requests did not finish in time or before it was asked once more.
    pub async fn run<S>(mut self, serve: impl FnOnce(Stop) -> S) -> Result<(), ShutdownError>
    where
        S: IntoFuture<Output = io::Result<()>>,
    {
        let (tell, told) = oneshot::channel();
        let mut serving = pin!(serve(Stop(told)).into_future());
        let Request { reason, by_hand } = tokio::select! {
            result = &mut serving => return result.map_err(ShutdownError::Serve),
            request = self.asked.next() => request,
        };

        self.readiness.stop();
        if !by_hand && !self.deregistration.is_zero() {
            let wait = self.deregistration;
            tracing::info!(reason, ?wait, "stopping; requests are taken until everybody knows");
            tokio::select! {
                result = &mut serving => return result.map_err(ShutdownError::Serve),
                again = self.asked.next() => {
                    tracing::info!(reason = again.reason, "asked again: not waiting any longer");
                }
                () = sleep(wait) => {}
            }
        }

        tracing::info!(reason, "stopping; requests in flight finish");
        // Nobody is told if serving has ended by itself.
        let _ = tell.send(());
        tokio::select! {
            // First, so that nothing is given up that has finished.
            biased;
            result = &mut serving => result.map_err(ShutdownError::Serve),
            again = self.asked.next() => Err(ShutdownError::AskedAgain(again.reason)),
            () = sleep(self.grace) => Err(ShutdownError::GaveUp(self.grace)),
        }
    }
}

/// Resolves when no new request is to be taken. From [`Shutdown::run`].
#[derive(Debug)]
pub struct Stop(oneshot::Receiver<()>);

impl Future for Stop {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // Whoever would tell is gone only if nobody runs the server any more.
        Pin::new(&mut self.0).poll(context).map(|_| ())
    }
}

/// Why a service did not stop well.
#[derive(Debug)]
#[non_exhaustive]
pub enum ShutdownError {
    /// Serving failed.
    Serve(io::Error),
    /// Requests in flight did not finish within this time.
    GaveUp(Duration),
    /// Requests in flight had not finished when someone asked once more, for this reason.
    AskedAgain(&'static str),
}

impl fmt::Display for ShutdownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serve(_) => f.write_str("serving failed"),
            Self::GaveUp(grace) => write!(f, "gave up after {grace:?}: requests in flight did not finish"),
            Self::AskedAgain(reason) => write!(
                f,
                "gave up when asked again ({reason}): requests in flight did not finish"
            ),
        }
    }
}

impl std::error::Error for ShutdownError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Serve(error) => Some(error),
            Self::GaveUp(_) | Self::AskedAgain(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_fit_into_the_time_that_ecs_gives() {
        let stop_timeout = Duration::from_secs(30);
        assert!(DEFAULT_DEREGISTRATION + DEFAULT_GRACE < stop_timeout);
        assert!(DEFAULT_GRACE > crate::DEFAULT_TIMEOUT);
    }
}
