//! The start of a service's tasks, for which services that depend on it wait.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::task::StopRequest;

/// A wait of this length is reported.
const SLOW_START: Duration = Duration::from_secs(3);

/// How far the start of a service's tasks is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// This many tasks have not been running yet.
    Starting(u32),
    /// A task failed before it was ever running.
    Failed,
}

/// The start of a service's tasks.
#[derive(Debug)]
pub(super) struct ServiceStart(watch::Sender<Progress>);

impl ServiceStart {
    /// The start of `count` tasks.
    pub(super) fn new(count: u32) -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(Progress::Starting(count))))
    }

    /// Notes that one task is running, or has failed.
    pub(super) fn note(&self, is_running: bool) {
        self.0.send_modify(|progress| {
            *progress = match *progress {
                Progress::Starting(count) if is_running => Progress::Starting(count.saturating_sub(1)),
                _ => Progress::Failed,
            };
        });
    }

    /// Waits until all tasks are running. False if one has failed.
    async fn wait(&self) -> bool {
        let mut progress = self.0.subscribe();
        let ended = progress
            .wait_for(|progress| matches!(progress, Progress::Failed | Progress::Starting(0)))
            .await;
        // The sender is part of this value, so it cannot be dropped meanwhile.
        ended.is_ok_and(|ended| *ended != Progress::Failed)
    }
}

/// Waits until the tasks of all these services are running, or until `stop`. `on_wait` receives the service for which the
/// wait is unusually long.
///
/// # Errors
///
/// If one of them has failed, or on `stop`: the reason, which begins with the task.
pub(super) async fn wait_for_all(
    services: &[(String, Arc<ServiceStart>)],
    task: &str,
    stop: &StopRequest,
    on_wait: impl Fn(&str),
) -> Result<(), String> {
    for (name, start) in services {
        let is_running = async {
            let mut ended = std::pin::pin!(start.wait());
            match tokio::time::timeout(SLOW_START, &mut ended).await {
                Ok(is_running) => is_running,
                Err(_) => {
                    on_wait(name);
                    ended.await
                }
            }
        };
        tokio::select! {
            is_running = is_running => if !is_running {
                return Err(format!("{task}: depends on the service {name}, which has failed"));
            },
            () = stop.requested() => return Err(format!("{task}: stopped while it waited for the service {name}")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_waits_for_all_tasks_of_a_service() {
        let start = ServiceStart::new(2);
        let stop = StopRequest::default();
        let services = [("db".to_owned(), Arc::clone(&start))];
        let mut waiting = std::pin::pin!(wait_for_all(&services, "api/1", &stop, |_| ()));
        start.note(true);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        start.note(true);
        assert_eq!(waiting.await, Ok(()));
        start.note(false);
        let failed = Err("api/1: depends on the service db, which has failed".to_owned());
        assert_eq!(wait_for_all(&services, "api/1", &stop, |_| ()).await, failed);
        let waits = [("db".to_owned(), ServiceStart::new(1))];
        stop.now.cancel();
        let stopped = Err("api/1: stopped while it waited for the service db".to_owned());
        assert_eq!(wait_for_all(&waits, "api/1", &stop, |_| ()).await, stopped);
    }
}
