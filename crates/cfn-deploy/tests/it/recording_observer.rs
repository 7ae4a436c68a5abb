//! An observer that records events and waits for them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cfn_deploy::{Event, Observer, Progress};
use tokio::sync::watch;

/// How long to wait for something that takes MiniStack a moment.
const PATIENCE: Duration = Duration::from_secs(60);

/// Events received so far.
#[derive(Debug, Clone)]
pub(crate) struct Notes {
    told: Arc<Mutex<Told>>,
    changed: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Told {
    events: Vec<(Event, Progress)>,
    notes: Vec<String>,
}

impl Notes {
    pub(crate) fn new() -> Self {
        Self {
            told: Arc::default(),
            changed: watch::channel(0).0,
        }
    }

    /// What happened, one line each: "CREATE_COMPLETE Greeting".
    pub(crate) fn lines(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        let line = |(event, _): &(Event, Progress)| format!("{} {}", event.status, event.logical_id);
        told.events.iter().map(line).collect()
    }

    /// How far it was at the end.
    pub(crate) fn last_progress(&self) -> Progress {
        self.told
            .lock()
            .unwrap()
            .events
            .last()
            .map(|(_, progress)| *progress)
            .unwrap_or_default()
    }

    /// The events' own ids.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.told
            .lock()
            .unwrap()
            .events
            .iter()
            .map(|(event, _)| event.id.clone())
            .collect()
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        self.told.lock().unwrap().notes.clone()
    }

    /// Waits until an event with this line ending was received. MiniStack updates what an update creates.
    pub(crate) async fn until(&self, line: &str) {
        let mut changed = self.changed.subscribe();
        let told = changed.wait_for(|_| self.lines().iter().any(|told| told.ends_with(line)));
        tokio::time::timeout(PATIENCE, told).await.expect(line).unwrap();
    }
}

impl Observer for Notes {
    fn event(&mut self, event: &Event, progress: Progress) {
        self.told.lock().unwrap().events.push((event.clone(), progress));
        self.changed.send_modify(|count| *count += 1);
    }

    fn note(&mut self, note: &str) {
        self.told.lock().unwrap().notes.push(note.to_owned());
    }
}
