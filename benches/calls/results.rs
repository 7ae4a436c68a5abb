//! Statistics of the samples.

use crate::protocol::Sample;
use crate::rounds::Samples;
use crate::variant::{VARIANTS, Variant};

/// Statistics of all variants, in the order of [`VARIANTS`].
pub(crate) struct Results(Vec<Statistics>);

/// Cost of a call with one variant. Times in microseconds.
pub(crate) struct Statistics {
    pub(crate) variant: Variant,
    /// Of sequential calls.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Of concurrent calls.
    pub(crate) per_second: f64,
    /// The CPU time of the calling process.
    pub(crate) cpu: f64,
    pub(crate) allocations: f64,
    pub(crate) bytes: f64,
    /// The median of each run.
    medians: Vec<f64>,
}

/// Ratio of two variants' medians: over all runs, and the lowest and highest of single runs.
pub(crate) struct Ratio {
    pub(crate) lowest: f64,
    pub(crate) overall: f64,
    pub(crate) highest: f64,
}

impl Results {
    /// Computes the statistics of runs with `rounds` samples each.
    pub(crate) fn new(samples: &Samples, rounds: usize) -> Self {
        Self(
            VARIANTS
                .iter()
                .zip(samples)
                .map(|(variant, samples)| Statistics::new(*variant, samples, rounds))
                .collect(),
        )
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Statistics> {
        self.0.iter()
    }

    pub(crate) fn get(&self, variant: Variant) -> &Statistics {
        &self.0[variant.index()]
    }

    /// Ratio of a variant's medians to those of its baseline.
    pub(crate) fn ratio(&self, variant: Variant, baseline: Variant) -> Ratio {
        let (ours, theirs) = (&self.get(variant).medians, &self.get(baseline).medians);
        let ratios = || ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs);
        Ratio {
            lowest: ratios().fold(f64::INFINITY, f64::min),
            overall: self.get(variant).p50 / self.get(baseline).p50,
            highest: ratios().fold(0.0, f64::max),
        }
    }
}

impl Statistics {
    fn new(variant: Variant, samples: &[Sample], rounds: usize) -> Self {
        let sum = |value: fn(&Sample) -> f64| samples.iter().map(value).sum::<f64>();
        let calls = sum(|sample| sample.usage.calls as f64);
        let latencies = sorted_latencies(samples);
        let runs = samples.chunks(rounds);
        Self {
            variant,
            p50: percentile(&latencies, 0.5),
            p99: percentile(&latencies, 0.99),
            per_second: sum(|sample| sample.concurrent_calls as f64) / sum(|sample| sample.elapsed.as_secs_f64()),
            cpu: sum(|sample| sample.usage.cpu.as_secs_f64()) * 1e6 / calls,
            allocations: sum(|sample| sample.usage.allocations as f64) / calls,
            bytes: sum(|sample| sample.usage.bytes as f64) / calls,
            medians: runs
                .map(|samples| percentile(&sorted_latencies(samples), 0.5))
                .collect(),
        }
    }
}

/// Latencies of the sequential calls, in ascending order.
fn sorted_latencies(samples: &[Sample]) -> Vec<f64> {
    let nanoseconds = samples.iter().flat_map(|sample| &sample.latencies);
    let mut sorted: Vec<f64> = nanoseconds.map(|nanoseconds| *nanoseconds as f64 / 1e3).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// The value below which a share of the sorted values lies.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let index = (share * sorted.len() as f64) as usize;
    sorted.get(index).or(sorted.last()).copied().unwrap_or(f64::NAN)
}
