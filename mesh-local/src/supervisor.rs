//! Keeps one slot occupied: a task that fails is started again, as ECS's scheduler replaces tasks.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::event::Event;
use crate::task::Task;

/// A task that lived at least this long was well, and its successor starts at once.
const WELL_AFTER: Duration = Duration::from_secs(10);
/// The pause before the second start in a row; it doubles each time, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// ECS slows restarts down likewise; its steps are not documented.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Runs the task until told to stop. `first` learns when it is running for the first time; if it fails before,
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
        let end = task
            .live(stop, || {
                if let Some(first) = first.take() {
                    // Whoever started the mesh may have given up waiting.
                    let _gone = first.send(Ok(()));
                }
            })
            .await;
        let reason = match end {
            Ok(()) => {
                say(
                    task,
                    Event::TaskStopped {
                        task: task.slot.name.clone(),
                    },
                );
                return;
            }
            Err(reason) => reason,
        };
        if let Some(first) = first.take() {
            let _gone = first.send(Err(format!("{}: {reason}", task.slot.name)));
            return;
        }
        if beginning.elapsed() >= WELL_AFTER {
            pause = Duration::ZERO;
        }
        say(
            task,
            Event::TaskFailed {
                task: task.slot.name.clone(),
                reason,
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

fn say(task: &Task<'_>, event: Event) {
    (task.shared.on_event)(event);
}
