//! Being told to stop, from another thread: what is done here blocks its own, and can take minutes.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A handle by which somebody else ends [`Envoy::locate_until`](crate::Envoy::locate_until) early. All clones are
/// the same stop, which happens once and cannot be taken back.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    stopped: Mutex<bool>,
    /// Told of a stop, and of everything else that somebody in [`Stop::wait`] may be waiting for.
    changed: Condvar,
    /// See [`Stop::never`].
    never: bool,
}

impl Stop {
    /// A stop that has not happened.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// For callers that cannot stop what they ask for.
    ///
    /// Nobody would end their child processes, if not the terminal's Ctrl-C: these have to stay where it finds them.
    pub(crate) fn never() -> Self {
        Self(Arc::new(Inner {
            never: true,
            ..Inner::default()
        }))
    }

    /// Stops. Waits for nothing, so that async code and destructors may call it: who is being stopped still needs
    /// some milliseconds to end its child processes and to clean up.
    pub fn stop(&self) {
        *self.stopped() = true;
        self.0.changed.notify_all();
    }

    /// True once it has happened.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.stopped()
    }

    /// A value that stops when it is dropped: in a future, it makes cancelling that stop the thread which works
    /// for it.
    #[must_use = "it stops at once when it is not kept"]
    pub fn on_drop(&self) -> StopOnDrop {
        StopOnDrop(self.clone())
    }

    /// True if nobody can make it happen.
    pub(crate) fn is_never(&self) -> bool {
        self.0.never
    }

    /// Has everyone in [`Stop::wait`] look again at what they are waiting for.
    pub(crate) fn nudge(&self) {
        // The lock is what makes it reach somebody who has looked and is about to sleep.
        let _looking = self.stopped();
        self.0.changed.notify_all();
    }

    /// Waits for a [nudge](Self::nudge) after which `done` holds, but not beyond the deadline or a stop.
    pub(crate) fn wait(&self, deadline: Option<Instant>, mut done: impl FnMut() -> bool) -> Waited {
        let mut stopped = self.stopped();
        loop {
            if done() {
                return Waited::Done;
            }
            if *stopped {
                return Waited::Stopped;
            }
            let changed = &self.0.changed;
            stopped = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => changed.wait(stopped).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return Waited::TooLong,
                Some(left) => {
                    let woken = changed.wait_timeout(stopped, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    fn stopped(&self) -> MutexGuard<'_, bool> {
        // A flag cannot be left half set.
        self.0.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stops when it is dropped. Made by [`Stop::on_drop`].
#[derive(Debug)]
pub struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// How waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    Done,
    Stopped,
    TooLong,
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_stop_reaches_every_clone_and_everyone_who_waits() {
        let stop = Stop::new();
        let clone = stop.clone();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| stop.wait(None, || false));
            let guard = clone.on_drop();
            assert!(!stop.is_stopped());
            drop(guard);
            assert_eq!(waiting.join().unwrap(), Waited::Stopped);
        });
        assert!(stop.is_stopped());
        assert_eq!(stop.wait(None, || true), Waited::Done, "what is there is not lost");
    }

    #[test]
    fn waiting_ends_by_a_nudge_or_at_the_deadline() {
        let stop = Stop::never();
        let (sender, receiver) = std::sync::mpsc::channel();
        thread::scope(|scope| {
            let waiting = scope.spawn({
                let stop = stop.clone();
                move || stop.wait(None, || receiver.try_recv().is_ok())
            });
            sender.send(()).unwrap();
            stop.nudge();
            assert_eq!(waiting.join().unwrap(), Waited::Done);
        });
        assert_eq!(stop.wait(Some(Instant::now()), || false), Waited::TooLong);
    }
}
