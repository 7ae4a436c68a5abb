//! Work done inside the network of a process without leaving this program.
//!
//! A socket belongs to the network in which it was made for as long as it lives, and can be used from anywhere. So
//! it is enough to make it on a thread that has entered the network. Such a thread starts no programs through
//! [`crate::launcher`]: the kernel would kill them along with it. `ip`, which changes the links there, is started
//! without, and waited for.

use std::io;
use std::sync::mpsc;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

use super::kernel;

/// Does `work` on a thread of its own inside the network of the process `pid`, and waits for it.
///
/// # Errors
///
/// If the network cannot be entered, and those of the work.
pub(crate) fn run_in_netns<T: Send>(pid: u32, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            kernel::setns_network(pid)?;
            work()
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// A thread inside a network that futures can be run on. It ends when this is dropped, and what runs on it with it.
#[derive(Debug)]
pub(crate) struct NetnsRuntime {
    handle: Handle,
    _stop: DropGuard,
}

impl NetnsRuntime {
    /// Starts a thread inside the network of the process `pid`.
    ///
    /// # Errors
    ///
    /// If there is no thread to be had, or the network cannot be entered.
    pub(crate) fn start(pid: u32) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let (report, entered) = mpsc::sync_channel(1);
        std::thread::Builder::new()
            .name("inside-mesh".to_owned())
            .spawn(move || {
                let runtime = kernel::setns_network(pid)
                    .and_then(|()| Builder::new_current_thread().enable_io().enable_time().build());
                match runtime {
                    Err(error) => {
                        // Whoever started this waits for it.
                        let _gone = report.send(Err(error));
                    }
                    Ok(runtime) => {
                        let _gone = report.send(Ok(runtime.handle().clone()));
                        runtime.block_on(stopped.cancelled());
                        // A name that is being looked up is not waited for.
                        runtime.shutdown_background();
                    }
                }
            })?;
        let handle = entered
            .recv()
            .map_err(|_| io::Error::other("the thread inside the network ended at once"))??;
        Ok(Self {
            handle,
            _stop: stop.drop_guard(),
        })
    }

    /// ContainerSource a future there. Cancelling this drops it.
    ///
    /// # Errors
    ///
    /// If it panicked.
    pub(crate) async fn run<T>(&self, future: impl Future<Output = T> + Send + 'static) -> io::Result<T>
    where
        T: Send + 'static,
    {
        let running = AbortOnDropHandle::new(self.handle.spawn(future));
        running.await.map_err(io::Error::other)
    }
}
