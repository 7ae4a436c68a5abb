//! The signals that ask a process to stop.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A signal that asks to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct StopSignal {
    pub(super) name: &'static str,
    /// It comes from a person at a terminal, not from an orchestrator.
    pub(super) by_hand: bool,
}

impl StopSignal {
    #[cfg(unix)]
    const TERMINATE: Self = Self {
        name: "SIGTERM",
        by_hand: false,
    };
    const INTERRUPT: Self = Self {
        name: if cfg!(unix) { "SIGINT" } else { "Ctrl-C" },
        by_hand: true,
    };
}

/// Catches the signals from the moment it exists, so that none is lost before someone waits for it.
#[cfg(unix)]
#[derive(Debug)]
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

#[cfg(unix)]
impl StopSignals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next of them and says which it was. Cancelling it loses none.
    pub(super) async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.terminate.recv() => StopSignal::TERMINATE,
            _ = self.interrupt.recv() => StopSignal::INTERRUPT,
        }
    }
}

/// Elsewhere only the keyboard asks.
#[cfg(not(unix))]
#[derive(Debug)]
pub(super) struct StopSignals;

#[cfg(not(unix))]
impl StopSignals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    /// Waits for Ctrl-C.
    pub(super) async fn next(&mut self) -> StopSignal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        StopSignal::INTERRUPT
    }
}
