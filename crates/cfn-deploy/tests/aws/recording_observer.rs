//! An observer that records events and waits for them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cfn_deploy::{Event, Observer, Progress};
use tokio::sync::watch;

/// Timeout for events, which MiniStack creates within a moment.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Events received so far.
#[derive(Debug, Clone)]
pub(crate) struct RecordingObserver {
    recorded: Arc<Mutex<Recorded>>,
    changed: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Recorded {
    events: Vec<(Event, Progress)>,
    messages: Vec<String>,
}

impl RecordingObserver {
    pub(crate) fn new() -> Self {
        Self {
            recorded: Arc::default(),
            changed: watch::channel(0).0,
        }
    }

    /// The events, one line each: "CREATE_COMPLETE Greeting".
    pub(crate) fn lines(&self) -> Vec<String> {
        let recorded = self.recorded.lock().unwrap();
        let line = |(event, _): &(Event, Progress)| format!("{} {}", event.status, event.logical_id);
        recorded.events.iter().map(line).collect()
    }

    /// The progress with the last event.
    pub(crate) fn last_progress(&self) -> Progress {
        self.recorded
            .lock()
            .unwrap()
            .events
            .last()
            .map(|(_, progress)| *progress)
            .unwrap_or_default()
    }

    /// The ids of the events.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.recorded
            .lock()
            .unwrap()
            .events
            .iter()
            .map(|(event, _)| event.id.clone())
            .collect()
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        self.recorded.lock().unwrap().messages.clone()
    }

    /// Waits for an event whose line has this ending. MiniStack reports new resources of an update as updated.
    pub(crate) async fn wait_for(&self, line: &str) {
        let mut changed = self.changed.subscribe();
        let recorded = changed.wait_for(|_| self.lines().iter().any(|recorded| recorded.ends_with(line)));
        tokio::time::timeout(TIMEOUT, recorded).await.expect(line).unwrap();
    }
}

impl Observer for RecordingObserver {
    fn event(&mut self, event: &Event, progress: Progress) {
        self.recorded.lock().unwrap().events.push((event.clone(), progress));
        self.changed.send_modify(|count| *count += 1);
    }

    fn note(&mut self, note: &str) {
        self.recorded.lock().unwrap().messages.push(note.to_owned());
    }
}
