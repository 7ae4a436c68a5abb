//! Listens for the signals that stop a process: SIGTERM, SIGINT and, on request, SIGHUP.
//!
//! One handler for every program of the workspace, so that all of them stop on the same signals. What follows a signal is
//! up to the program. On systems other than Unix only Ctrl-C is received.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals within this time of the first are duplicates of it: `timeout`, for instance, signals its child and then the
/// child's process group. A second Ctrl-C from a person comes later.
const DUPLICATE_WITHIN: Duration = Duration::from_millis(500);

/// A signal that stops the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopSignal {
    /// SIGTERM, from an orchestrator or service manager.
    Terminate,
    /// SIGINT, from Ctrl-C in a terminal.
    Interrupt,
    /// SIGHUP, from a terminal that was closed.
    Hangup,
}

impl StopSignal {
    /// The name of the signal: `SIGTERM`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt if cfg!(unix) => "SIGINT",
            Self::Interrupt => "Ctrl-C",
            Self::Hangup => "SIGHUP",
        }
    }

    /// Whether the signal came from a terminal and not from an orchestrator.
    #[must_use]
    pub fn is_interactive(self) -> bool {
        !matches!(self, Self::Terminate)
    }
}

impl fmt::Display for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A listener for stop signals. Signals are received from its creation on, whether or not [`next`](Self::next) is polled,
/// and no longer end the process.
#[derive(Debug)]
pub struct StopSignals {
    #[cfg(unix)]
    terminate: Signal,
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    hangup: Option<Signal>,
    first: Option<Instant>,
}

impl StopSignals {
    /// Listens for SIGTERM and SIGINT. Must be called on a Tokio runtime.
    ///
    /// # Errors
    ///
    /// If a signal handler cannot be installed.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate())?,
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt())?,
            #[cfg(unix)]
            hangup: None,
            first: None,
        })
    }

    /// Listens for SIGHUP as well, for programs that run in a terminal. Must be called on a Tokio runtime.
    ///
    /// # Errors
    ///
    /// As for [`listen`](Self::listen).
    pub fn for_terminal() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            hangup: Some(signal(SignalKind::hangup())?),
            ..Self::listen()?
        })
    }

    /// Waits for the next signal. Cancel-safe: no signal is lost.
    #[cfg(unix)]
    pub async fn next(&mut self) -> StopSignal {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => StopSignal::Terminate,
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = hangup => StopSignal::Hangup,
        }
    }

    /// Waits for Ctrl-C.
    #[cfg(not(unix))]
    pub async fn next(&mut self) -> StopSignal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        StopSignal::Interrupt
    }

    /// Waits for the next signal that is not a duplicate: signals within half a second of the first are dropped.
    /// Cancel-safe as [`next`](Self::next).
    pub async fn next_distinct(&mut self) -> StopSignal {
        loop {
            let signal = self.next().await;
            match self.first {
                Some(first) if first.elapsed() < DUPLICATE_WITHIN => {}
                Some(_) => return signal,
                None => {
                    self.first = Some(Instant::now());
                    return signal;
                }
            }
        }
    }
}

/// The README's example, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
