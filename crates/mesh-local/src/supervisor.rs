//! Keeps one slot occupied: a task that fails is started again, as ECS's scheduler replaces tasks.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::event::Event;
use crate::process::TaskFailure;
use crate::task::Task;

/// A task that lived at least this long was well, and its successor starts at once.
const WELL_AFTER: Duration = Duration::from_secs(10);
/// The pause before the second start in a row; it doubles each time, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// ECS slows restarts down likewise; its steps are not documented.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// ContainerSource the task until told to stop. `first` learns when it is running for the first time; if it fails before,
/// that is not tried again: what never worked does not get better by repetition.
pub(crate) async fn keep_running(
    task: &Task<'_>,
    stop: &CancellationToken,
    first: oneshot::Sender<Result<(), String>>,
) {
    let mut first = Some(first);
    let mut pause = Duration::ZERO;
    loop {
        let beginning = Instant::now();
        let life = task.live(stop, || {
            if let Some(first) = first.take() {
                // Whoever started the mesh may have given up waiting.
                let _gone = first.send(Ok(()));
            }
        });
        let failure = match unless_it_panics(life).await {
            Ok(()) => {
                say(
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
            let _gone = first.send(Err(format!("{}: {failure}", task.slot.name)));
            return;
        }
        if beginning.elapsed() >= WELL_AFTER {
            pause = Duration::ZERO;
        }
        say(
            task,
            Event::TaskFailed {
                task: task.slot.name.clone(),
                reason: failure.what,
                log: failure
                    .log
                    .map(|log| format!("{log}\n    full log: {}", log.path.display())),
                again_in: pause,
            },
        );
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
    }
}

/// A mistake of ours in one task must not leave its slot empty without a word. What the task had started is
/// dropped with it, and so killed.
async fn unless_it_panics(life: impl Future<Output = Result<(), TaskFailure>>) -> Result<(), TaskFailure> {
    AssertUnwindSafe(life).catch_unwind().await.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<&str>().copied();
        let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let words = words.unwrap_or("without a reason");
        Err(TaskFailure::from(format!(
            "the runner itself failed, please report it: {words}"
        )))
    })
}

fn say(task: &Task<'_>, event: Event) {
    (task.shared.on_event)(event);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failure_like_others() {
        let life = async { panic!("no slot {}", 7) };
        let failure = unless_it_panics(life).await.expect_err("it panicked");
        assert_eq!(
            failure.to_string(),
            "the runner itself failed, please report it: no slot 7"
        );
    }
}
