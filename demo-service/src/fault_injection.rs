//! Fault injection: which of the service's own responses fail.

use std::sync::atomic::{AtomicU64, Ordering};

/// Fails a fixed share of requests, spread evenly, so that tests can count on it.
#[derive(Debug)]
pub(crate) struct FaultInjection {
    percent: u8,
    requests: AtomicU64,
}

impl FaultInjection {
    pub(crate) fn new(percent: u8) -> Self {
        Self {
            percent,
            requests: AtomicU64::new(0),
        }
    }

    /// Whether the next request fails.
    pub(crate) fn fails_next(&self) -> bool {
        let before = self.requests.fetch_add(1, Ordering::Relaxed) % 100;
        let failed = |requests: u64| requests * u64::from(self.percent) / 100;
        failed(before + 1) > failed(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_exact_and_evenly_spread() {
        for percent in [0, 1, 20, 33, 100] {
            let faults = FaultInjection::new(percent);
            let failed: Vec<bool> = (0..300).map(|_| faults.fails_next()).collect();
            for hundred in failed.chunks(100) {
                let count = hundred.iter().filter(|failed| **failed).count();
                assert_eq!(count, usize::from(percent));
            }
        }
        let faults = FaultInjection::new(20);
        let ten: Vec<bool> = (0..10).map(|_| faults.fails_next()).collect();
        assert_eq!(ten.iter().filter(|failed| **failed).count(), 2, "{ten:?}");
    }
}
