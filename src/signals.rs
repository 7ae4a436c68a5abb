//! The signals that ask this program to stop.

use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// A signal this soon after the first is the same wish once more: `timeout` for instance signals its child and then
/// its child's whole group. Nobody presses Ctrl-C twice that quickly to mean something else by the second.
const SAME_WISH: Duration = Duration::from_millis(500);

/// The signals by which a terminal, a person or a service manager asks a program to stop.
pub(crate) struct Signals {
    streams: [(Signal, &'static str); 3],
    first: Option<Instant>,
}

impl Signals {
    pub(crate) fn new() -> Result<Self, String> {
        let listen = |kind, name| {
            signal(kind)
                .map(|signal| (signal, name))
                .map_err(|error| format!("cannot listen for {name}: {error}"))
        };
        let streams = [
            listen(SignalKind::interrupt(), "SIGINT")?,
            listen(SignalKind::terminate(), "SIGTERM")?,
            listen(SignalKind::hangup(), "SIGHUP")?,
        ];
        Ok(Self { streams, first: None })
    }

    /// The name of the next one to come that is a wish of its own.
    pub(crate) async fn next(&mut self) -> &'static str {
        let [interrupt, terminate, hangup] = &mut self.streams;
        loop {
            let name = tokio::select! {
                _ = interrupt.0.recv() => interrupt.1,
                _ = terminate.0.recv() => terminate.1,
                _ = hangup.0.recv() => hangup.1,
            };
            match self.first {
                Some(first) if first.elapsed() < SAME_WISH => {}
                Some(_) => return name,
                None => {
                    self.first = Some(Instant::now());
                    return name;
                }
            }
        }
    }
}
