//! Restarts failed tasks, as ECS's service scheduler replaces them.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::event::Event;
use crate::process::TaskFailure;
use crate::run_state::TaskStatus;
use crate::task::{StopRequest, Task};

/// A task that ran at least this long counts as stable, and is restarted at once.
const STABLE_AFTER: Duration = Duration::from_secs(10);
/// Delay before the second consecutive restart; it doubles each time, up to [`MAX_BACKOFF`].
const MIN_BACKOFF: Duration = Duration::from_millis(200);
/// ECS throttles restarts similarly; its steps are not documented.
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// Runs the task until `stop`. `first` receives the result of the first start; if that fails, it is not retried,
/// because the cause is most likely permanent.
pub(crate) async fn keep_running(task: &Task<'_>, stop: &StopRequest, first: oneshot::Sender<Result<(), String>>) {
    let mut first = Some(first);
    let mut backoff = Duration::ZERO;
    loop {
        let beginning = Instant::now();
        let run = task.run(stop, || {
            if let Some(first) = first.take() {
                // The receiver may have been dropped.
                let _gone = first.send(Ok(()));
            }
        });
        let failure = match catch_panic(run).await {
            Ok(()) => {
                task.slot.state().enter(TaskStatus::Stopped);
                emit(
                    task,
                    Event::TaskStopped {
                        task: task.slot.name.clone(),
                    },
                );
                return;
            }
            Err(failure) => failure,
        };
        if let Some(first) = first.take() {
            task.slot.state().enter(TaskStatus::Stopped);
            let _gone = first.send(Err(format!("{}: {failure}", task.slot.name)));
            return;
        }
        if beginning.elapsed() >= STABLE_AFTER {
            backoff = Duration::ZERO;
        }
        task.slot.state().failed(&failure.what);
        task.slot.state().enter(TaskStatus::Pending);
        emit(
            task,
            Event::TaskFailed {
                task: task.slot.name.clone(),
                reason: failure.what,
                log: failure
                    .log
                    .map(|log| format!("{log}\n    full log: {}", log.path.display())),
                again_in: backoff,
            },
        );
        tokio::select! {
            () = stop.requested() => return,
            () = tokio::time::sleep(backoff) => {}
        }
        backoff = (backoff * 2).clamp(MIN_BACKOFF, MAX_BACKOFF);
    }
}

/// Converts a panic into a failure, so that a bug in one task is reported and its slot is used again. The task's
/// processes are dropped with it, and so killed.
async fn catch_panic(run: impl Future<Output = Result<(), TaskFailure>>) -> Result<(), TaskFailure> {
    AssertUnwindSafe(run).catch_unwind().await.unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<&str>().copied();
        let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let message = message.unwrap_or("unknown panic");
        Err(TaskFailure::from(format!(
            "internal error in mesh-local, please report it: {message}"
        )))
    })
}

fn emit(task: &Task<'_>, event: Event) {
    (task.context.on_event)(event);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failure() {
        let run = async { panic!("no slot {}", 7) };
        let failure = catch_panic(run).await.expect_err("it panicked");
        assert_eq!(
            failure.to_string(),
            "internal error in mesh-local, please report it: no slot 7"
        );
    }
}
