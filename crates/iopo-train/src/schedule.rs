//! The learning rate: linear warm-up, then half a cosine.
//!
//! The numbers are those of transformers' `get_cosine_schedule_with_warmup`, whose first update has
//! the rate 0. Burn's composed schedulers cannot start at 0 and carry a state of their own; this is
//! a function of the step, so that a resumed run needs none.

use std::f64::consts::PI;

/// Warm-up, peak and length of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// The rate at the end of the warm-up.
    pub peak: f64,
    /// Updates of the warm-up.
    pub warmup: usize,
    /// Updates in all.
    pub total: usize,
}

impl Schedule {
    /// A schedule whose warm-up is `ratio` of its updates, rounded up as in transformers, but never all of them:
    /// a run of one update would otherwise train nothing.
    pub fn with_ratio(peak: f64, ratio: f64, total: usize) -> Self {
        let warmup = (total as f64 * ratio).ceil() as usize;
        Self { peak, warmup: warmup.min(total.saturating_sub(1)), total }
    }

    /// The rate of update `step`, counted from 0.
    pub fn rate(&self, step: usize) -> f64 {
        if step < self.warmup {
            return self.peak * step as f64 / self.warmup.max(1) as f64;
        }
        let done = (step - self.warmup) as f64;
        let progress = done / self.total.saturating_sub(self.warmup).max(1) as f64;
        self.peak * (0.5 * (1.0 + (PI * progress).cos())).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn the_rates_are_those_of_transformers() {
        // 12 updates, 2 of them warm-up, peak 1e-3: from `get_cosine_schedule_with_warmup`.
        let expected = [
            0.0,
            0.0005,
            0.001,
            0.000_975_528_258_147_576_8,
            0.000_904_508_497_187_473_7,
            0.000_793_892_626_146_236_6,
            0.000_654_508_497_187_473_7,
            0.0005,
            0.000_345_491_502_812_526_3,
            0.000_206_107_373_853_763_5,
            9.549_150_281_252_633e-5,
            2.447_174_185_242_323_5e-5,
        ];
        let schedule = Schedule { peak: 1e-3, warmup: 2, total: 12 };
        for (step, expected) in expected.into_iter().enumerate() {
            assert!((schedule.rate(step) - expected).abs() < 1e-15, "step {step}");
        }
    }

    #[test]
    fn the_warm_up_is_rounded_up_and_may_be_absent() {
        assert_eq!(Schedule::with_ratio(1.0, 0.1, 11).warmup, 2);
        let none = Schedule::with_ratio(1.0, 0.0, 4);
        assert!((none.rate(0) - 1.0).abs() < 1e-15);
    }
}
