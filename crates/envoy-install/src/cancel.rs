//! Cancellation of blocking work from another thread.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Cancels [`Envoy::locate_cancellable`](crate::Envoy::locate_cancellable). All clones share one flag, which is set
/// once and never cleared.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    cancelled: Mutex<bool>,
    /// Notified of a cancellation and by [`Cancel::notify`].
    changed: Condvar,
    /// See [`Cancel::never`].
    never: bool,
}

impl Cancel {
    /// A flag that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// For callers that do not cancel.
    ///
    /// Child processes then stay in the process group of their parent, because only the terminal's Ctrl-C ends them.
    #[must_use]
    pub fn never() -> Self {
        Self(Arc::new(Inner {
            never: true,
            ..Inner::default()
        }))
    }

    /// Sets the flag and returns at once, so async code and destructors may call it. The cancelled thread needs some
    /// milliseconds to end its child processes and to clean up.
    pub fn cancel(&self) {
        *self.cancelled() = true;
        self.0.changed.notify_all();
    }

    /// True once the flag is set.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.cancelled()
    }

    /// A guard that cancels when it is dropped: held by a future, it cancels the thread that works for the future.
    #[must_use = "dropping the guard cancels at once"]
    pub fn cancel_on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(self.clone())
    }

    /// True if it was made by [`Cancel::never`].
    pub(crate) fn is_never(&self) -> bool {
        self.0.never
    }

    /// Makes each thread in [`Cancel::wait`] evaluate its condition again.
    pub(crate) fn notify(&self) {
        // The lock makes it reach a thread that has evaluated its condition and is about to sleep.
        let _guard = self.cancelled();
        self.0.changed.notify_all();
    }

    /// Waits until `done` holds after a [notification](Self::notify), until the deadline or until a cancellation.
    pub(crate) fn wait(&self, deadline: Option<Instant>, mut done: impl FnMut() -> bool) -> Waited {
        let mut cancelled = self.cancelled();
        loop {
            if done() {
                return Waited::Done;
            }
            if *cancelled {
                return Waited::Cancelled;
            }
            let changed = &self.0.changed;
            cancelled = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => changed.wait(cancelled).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return Waited::TimedOut,
                Some(left) => {
                    let woken = changed.wait_timeout(cancelled, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    fn cancelled(&self) -> MutexGuard<'_, bool> {
        // A flag cannot be left half set.
        self.0.cancelled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Cancels when it is dropped. Made by [`Cancel::cancel_on_drop`].
#[derive(Debug)]
pub struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Result of [`Cancel::wait`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    Done,
    Cancelled,
    TimedOut,
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn cancellation_reaches_every_clone_and_every_waiting_thread() {
        let cancel = Cancel::new();
        let clone = cancel.clone();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| cancel.wait(None, || false));
            let guard = clone.cancel_on_drop();
            assert!(!cancel.is_cancelled());
            drop(guard);
            assert_eq!(waiting.join().unwrap(), Waited::Cancelled);
        });
        assert!(cancel.is_cancelled());
        assert_eq!(
            cancel.wait(None, || true),
            Waited::Done,
            "a finished result is not lost"
        );
    }

    #[test]
    fn waiting_ends_after_a_notification_or_at_the_deadline() {
        let cancel = Cancel::never();
        let (sender, receiver) = std::sync::mpsc::channel();
        thread::scope(|scope| {
            let waiting = scope.spawn({
                let cancel = cancel.clone();
                move || cancel.wait(None, || receiver.try_recv().is_ok())
            });
            sender.send(()).unwrap();
            cancel.notify();
            assert_eq!(waiting.join().unwrap(), Waited::Done);
        });
        assert_eq!(cancel.wait(Some(Instant::now()), || false), Waited::TimedOut);
    }
}
