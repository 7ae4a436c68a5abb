//! Playing a version that is not well: which of its greetings fail.

use std::sync::atomic::{AtomicU64, Ordering};

/// Lets so many of a hundred fail, spread as evenly as can be: a test that counts them finds them, and not their chance.
#[derive(Debug)]
pub(crate) struct FaultInjection {
    percent: u8,
    asked: AtomicU64,
}

impl FaultInjection {
    pub(crate) fn new(percent: u8) -> Self {
        Self {
            percent,
            asked: AtomicU64::new(0),
        }
    }

    /// Whether the next one fails.
    pub(crate) fn next(&self) -> bool {
        let before = self.asked.fetch_add(1, Ordering::Relaxed) % 100;
        let failed = |asked: u64| asked * u64::from(self.percent) / 100;
        failed(before + 1) > failed(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_kept_and_spread() {
        for percent in [0, 1, 20, 33, 100] {
            let failing = FaultInjection::new(percent);
            let failed: Vec<bool> = (0..300).map(|_| failing.next()).collect();
            for hundred in failed.chunks(100) {
                let count = hundred.iter().filter(|failed| **failed).count();
                assert_eq!(count, usize::from(percent));
            }
        }
        let failing = FaultInjection::new(20);
        let ten: Vec<bool> = (0..10).map(|_| failing.next()).collect();
        assert_eq!(ten.iter().filter(|failed| **failed).count(), 2, "{ten:?}");
    }
}
