//! The log of the control planes of this process, warnings and errors.

use std::io;
use std::sync::{Mutex, Once, PoisonError};

/// The log of all concurrent tests: a test finds its own lines by a unique name. Separate logs would lose lines,
/// because tracing's interest cache is shared by all threads of the process.
pub(super) struct Log(Mutex<Vec<u8>>);

impl Log {
    /// The log, from the first call on.
    pub(super) fn of_this_process() -> &'static Self {
        static LOG: Log = Log(Mutex::new(Vec::new()));
        static WRITTEN: Once = Once::new();
        WRITTEN.call_once(|| {
            let subscriber = tracing_subscriber::fmt()
                .with_max_level(tracing::Level::WARN)
                .with_ansi(false)
                .with_writer(|| &LOG)
                .finish();
            tracing::subscriber::set_global_default(subscriber).expect("the only subscriber");
        });
        &LOG
    }

    /// The warnings with `part`. They may contain line breaks, as Envoy's messages do.
    pub(super) fn warnings_with(&self, part: &str) -> Vec<String> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let log = String::from_utf8_lossy(&bytes);
        let warnings = log.split(" WARN ").filter(|warning| warning.contains(part));
        warnings.map(str::to_owned).collect()
    }
}

impl io::Write for &Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
