//! Numbers out of turns.

use crate::turns::Turns;
use crate::variant::{VARIANTS, Variant};
use crate::worker::Turn;

/// In the order of [`VARIANTS`].
pub(crate) struct Results(Vec<Numbers>);

/// What a call costs one way. Times in microseconds.
pub(crate) struct Numbers {
    pub(crate) variant: Variant,
    /// Of calls made alone.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// With several under way.
    pub(crate) per_second: f64,
    /// The CPU time of the calling process.
    pub(crate) cpu: f64,
    pub(crate) allocations: f64,
    pub(crate) bytes: f64,
    /// The median of each sitting.
    medians: Vec<f64>,
}

/// How the medians of two variants compare: over all, and where they were closest and furthest in one sitting.
pub(crate) struct Ratio {
    pub(crate) lowest: f64,
    pub(crate) over_all: f64,
    pub(crate) highest: f64,
}

impl Results {
    /// `rounds`: how many turns are a sitting.
    pub(crate) fn of(turns: &Turns, rounds: usize) -> Self {
        Self(
            VARIANTS
                .iter()
                .zip(turns)
                .map(|(variant, turns)| Numbers::of(*variant, turns, rounds))
                .collect(),
        )
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Numbers> {
        self.0.iter()
    }

    pub(crate) fn get(&self, variant: Variant) -> &Numbers {
        &self.0[variant.index()]
    }

    /// The medians of one variant over those of another.
    pub(crate) fn ratio(&self, variant: Variant, reference: Variant) -> Ratio {
        let (ours, theirs) = (&self.get(variant).medians, &self.get(reference).medians);
        let ratios = || ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs);
        Ratio {
            lowest: ratios().fold(f64::INFINITY, f64::min),
            over_all: self.get(variant).p50 / self.get(reference).p50,
            highest: ratios().fold(0.0, f64::max),
        }
    }
}

impl Numbers {
    fn of(variant: Variant, turns: &[Turn], rounds: usize) -> Self {
        let sum = |of: fn(&Turn) -> f64| turns.iter().map(of).sum::<f64>();
        let calls = sum(|turn| turn.spent.calls as f64);
        let alone = alone(turns);
        let sittings = turns.chunks(rounds);
        Self {
            variant,
            p50: at(&alone, 0.5),
            p99: at(&alone, 0.99),
            per_second: sum(|turn| turn.together as f64) / sum(|turn| turn.took.as_secs_f64()),
            cpu: sum(|turn| turn.spent.cpu.as_secs_f64()) * 1e6 / calls,
            allocations: sum(|turn| turn.spent.allocations as f64) / calls,
            bytes: sum(|turn| turn.spent.bytes as f64) / calls,
            medians: sittings.map(|turns| at(&self::alone(turns), 0.5)).collect(),
        }
    }
}

/// How long each call took that was made alone, sorted.
fn alone(turns: &[Turn]) -> Vec<f64> {
    let nanoseconds = turns.iter().flat_map(|turn| &turn.alone);
    let mut sorted: Vec<f64> = nanoseconds.map(|nanoseconds| *nanoseconds as f64 / 1e3).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// The value of sorted ones below which this share of them is.
fn at(sorted: &[f64], share: f64) -> f64 {
    let index = (share * sorted.len() as f64) as usize;
    sorted.get(index).or(sorted.last()).copied().unwrap_or(f64::NAN)
}
