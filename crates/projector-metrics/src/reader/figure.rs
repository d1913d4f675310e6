//! Figures: what facts make, put together from any number of quarters of an hour.

use crate::definition::Kind;
use crate::row::{GroupRow, SketchRow};
use crate::sketch;

/// The figure of a metric over some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Figure {
    /// How many; 0 is a figure too.
    Sum(u64),
    /// `None`: nothing was measured, so there is no figure.
    Duration(Option<DurationFigure>),
    /// `None`: nobody is in the cohort, so there is no figure.
    Share(Option<ShareFigure>),
    /// How many there are at the end of the stretch.
    Gauge(i64),
}

/// A distribution of durations that were measured at least once. Number and mean are exact, the quantiles within
/// [`RELATIVE_ERROR_DIVISOR`](crate::RELATIVE_ERROR_DIVISOR).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DurationFigure {
    pub n: u64,
    /// The durations added up.
    pub sum_ms: u64,
    /// Arithmetic mean, rounded.
    pub mean_ms: u64,
    pub p50_ms: u64,
    pub p90_ms: u64,
    pub p99_ms: u64,
}

/// A part of a cohort that has somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareFigure {
    /// How many are in the cohort.
    pub n: u64,
    /// How many of them it is about.
    pub count: u64,
}

/// The product's bands of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ShareBand {
    /// Below 5 %.
    Under5,
    /// From 5 to 15 %, both included.
    From5To15,
    /// Above 15 %.
    Over15,
}

impl ShareFigure {
    /// In hundredths of a per cent, rounded down.
    pub const fn basis_points(&self) -> u64 {
        self.count.saturating_mul(10_000) / self.n
    }

    /// By the exact share, not by a rounded one.
    pub const fn band(&self) -> ShareBand {
        let hundredfold = self.count.saturating_mul(100);
        if hundredfold < self.n.saturating_mul(5) {
            ShareBand::Under5
        } else if hundredfold <= self.n.saturating_mul(15) {
            ShareBand::From5To15
        } else {
            ShareBand::Over15
        }
    }
}

/// Facts while they are put together.
#[derive(Clone, Debug, Default)]
pub(super) struct Sum {
    n: u64,
    total: i64,
    sketch: SketchRow,
}

impl Sum {
    pub(super) fn add(&mut self, group: &GroupRow) {
        self.n += group.n;
        self.total = self.total.saturating_add(group.sum);
        if let Some(measured) = &group.sketch {
            sketch::merge(&mut self.sketch, measured);
        }
    }

    pub(super) fn figure(&self, kind: Kind) -> Figure {
        let sum = u64::try_from(self.total).unwrap_or(0);
        match kind {
            Kind::Sum => Figure::Sum(sum),
            Kind::Gauge => Figure::Gauge(self.total),
            Kind::Share => Figure::Share((self.n > 0).then_some(ShareFigure { n: self.n, count: sum })),
            Kind::Duration => Figure::Duration(self.duration(sum)),
        }
    }

    fn duration(&self, sum: u64) -> Option<DurationFigure> {
        Some(DurationFigure {
            n: self.n,
            sum_ms: sum,
            mean_ms: sum.saturating_add(self.n / 2).checked_div(self.n)?,
            p50_ms: sketch::quantile(&self.sketch, 500)?,
            p90_ms: sketch::quantile(&self.sketch, 900)?,
            p99_ms: sketch::quantile(&self.sketch, 990)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_of_the_exact_share() {
        let band = |count, n| ShareFigure { n, count }.band();
        assert_eq!([band(0, 1), band(49, 1000), band(4_999_999, 100_000_000)], [ShareBand::Under5; 3]);
        assert_eq!([band(5, 100), band(1, 10), band(15, 100), band(3, 20)], [ShareBand::From5To15; 4]);
        assert_eq!([band(151, 1000), band(1, 6), band(1, 1)], [ShareBand::Over15; 3]);
    }

    #[test]
    fn nothing_is_undefined_except_where_nothing_is_nought() {
        let nothing = Sum::default();
        let figures = Kind::ALL.map(|kind| nothing.figure(kind));
        assert_eq!(figures, [Figure::Sum(0), Figure::Duration(None), Figure::Share(None), Figure::Gauge(0)]);
    }
}
