//! Code in the network namespace of another process, without leaving this process.
//!
//! A socket belongs to the namespace in which it was created for its whole life, and can be used from any thread. So it
//! is enough to create it on a thread that has entered the namespace. Such a thread must not start programs through
//! [`crate::launcher`], which would die with the thread. `ip`, which changes links, is started directly and awaited.

use std::io;
use std::sync::mpsc;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

use super::kernel;

/// Runs `work` on a new thread in the network namespace of the process `pid`, and waits for it.
///
/// # Errors
///
/// If the namespace cannot be entered, and errors of `work`.
pub(crate) fn run_in_netns<T: Send>(pid: u32, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            kernel::setns_network(pid)?;
            work()
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// A runtime on a thread in a network namespace. Dropping it ends the thread and its futures.
#[derive(Debug)]
pub(crate) struct NetnsRuntime {
    handle: Handle,
    _stop: DropGuard,
}

impl NetnsRuntime {
    /// Starts a thread in the network namespace of the process `pid`.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started, or the namespace cannot be entered.
    pub(crate) fn start(pid: u32) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let (report, entered) = mpsc::sync_channel(1);
        std::thread::Builder::new().name("netns".to_owned()).spawn(move || {
            let runtime = kernel::setns_network(pid)
                .and_then(|()| Builder::new_current_thread().enable_io().enable_time().build());
            match runtime {
                Err(error) => {
                    // The receiver waits in `start`.
                    let _gone = report.send(Err(error));
                }
                Ok(runtime) => {
                    let _gone = report.send(Ok(runtime.handle().clone()));
                    runtime.block_on(stopped.cancelled());
                    // Does not wait for blocking DNS lookups.
                    runtime.shutdown_background();
                }
            }
        })?;
        let handle = entered
            .recv()
            .map_err(|_| io::Error::other("the network namespace thread ended unexpectedly"))??;
        Ok(Self {
            handle,
            _stop: stop.drop_guard(),
        })
    }

    /// Runs a future on the thread. Cancelling this drops it.
    ///
    /// # Errors
    ///
    /// If the future panicked.
    pub(crate) async fn run<T>(&self, future: impl Future<Output = T> + Send + 'static) -> io::Result<T>
    where
        T: Send + 'static,
    {
        let running = AbortOnDropHandle::new(self.handle.spawn(future));
        running.await.map_err(io::Error::other)
    }
}
