//! The learning rate of each update.
//!
//! Names and rates are those of transformers: `get_constant_schedule` has no warm-up;
//! `get_constant_schedule_with_warmup`, `get_linear_schedule_with_warmup` and `get_cosine_schedule_with_warmup` start at
//! 0. Burn's composed schedulers hold state and cannot start at 0. These are functions of the step, so resuming needs no
//! state.

use std::f64::consts::PI;

use crate::named::named;

named! {
    /// Course of the learning rate.
    #[derive(Default)]
    pub enum SchedulerType {
        /// Stays at the peak, without a warm-up.
        Constant = "constant",
        /// Rises to the peak and stays there.
        ConstantWithWarmup = "constant_with_warmup",
        /// Rises to the peak and decays linearly to 0.
        Linear = "linear",
        /// Rises to the peak and decays to 0 along half a cosine.
        #[default]
        Cosine = "cosine",
    }
}

impl SchedulerType {
    /// Returns whether the learning rate rises to its peak at the start of a training.
    pub fn has_warmup(self) -> bool {
        match self {
            Self::Constant => false,
            Self::ConstantWithWarmup | Self::Linear | Self::Cosine => true,
        }
    }
}

/// Learning rate of every update of a training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Course of the learning rate.
    pub lr_scheduler_type: SchedulerType,
    /// Learning rate at the end of the warm-up.
    pub peak: f64,
    /// Updates of the warm-up. Ignored by a type without one.
    pub warmup: usize,
    /// Updates of the training.
    pub total: usize,
}

impl Schedule {
    /// Makes a schedule whose warm-up takes the share `ratio` of its updates, rounded up as in transformers. The last update
    /// is never part of the warm-up; otherwise the only update of a one-update training would run at rate 0.
    pub fn with_ratio(
        lr_scheduler_type: SchedulerType,
        peak: f64,
        ratio: f64,
        total: usize,
    ) -> Self {
        let warmup = (total as f64 * ratio).ceil() as usize;
        Self { lr_scheduler_type, peak, warmup: warmup.min(total.saturating_sub(1)), total }
    }

    /// Returns the learning rate of update `step`, counted from 0.
    pub fn rate(&self, step: usize) -> f64 {
        let warmup = if self.lr_scheduler_type.has_warmup() { self.warmup } else { 0 };
        if step < warmup {
            return self.peak * step as f64 / warmup.max(1) as f64;
        }
        let after = self.total.saturating_sub(warmup).max(1) as f64;
        let progress = (step - warmup) as f64 / after;
        match self.lr_scheduler_type {
            SchedulerType::Constant | SchedulerType::ConstantWithWarmup => self.peak,
            SchedulerType::Linear => self.peak * (self.total.saturating_sub(step) as f64 / after),
            SchedulerType::Cosine => self.peak * (0.5 * (1.0 + (PI * progress).cos())).max(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Schedule, SchedulerType};

    #[test]
    fn the_rates_equal_those_of_transformers() {
        // 12 updates, 2 of them warm-up, peak 1e-3: transformers' `get_cosine_schedule_with_warmup`.
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
        follows(SchedulerType::Cosine, expected);
    }

    /// 12 updates, 2 of them warm-up, peak 1e-3.
    fn follows(lr_scheduler_type: SchedulerType, expected: [f64; 12]) {
        let schedule = Schedule { lr_scheduler_type, peak: 1e-3, warmup: 2, total: 12 };
        for (step, expected) in expected.into_iter().enumerate() {
            assert!(
                (schedule.rate(step) - expected).abs() < 1e-15,
                "{lr_scheduler_type:?}, step {step}"
            );
        }
    }

    #[test]
    fn linear_decay_falls_evenly_and_a_constant_rate_stays() {
        // transformers: step / max(1, warmup), then max(0, (total − step) / max(1, total − warmup)).
        follows(
            SchedulerType::Linear,
            [
                0.0, 0.0005, 0.001, 0.0009, 0.0008, 0.0007, 0.0006, 0.0005, 0.0004, 0.0003, 0.0002,
                0.0001,
            ],
        );
        // transformers: step / max(1, warmup), then 1.
        let mut risen = [0.001; 12];
        (risen[0], risen[1]) = (0.0, 0.0005);
        follows(SchedulerType::ConstantWithWarmup, risen);
        // transformers: 1, whatever the warm-up.
        follows(SchedulerType::Constant, [0.001; 12]);
        let linear =
            Schedule { lr_scheduler_type: SchedulerType::Linear, peak: 1.0, warmup: 0, total: 4 };
        assert!((linear.rate(0) - 1.0).abs() + linear.rate(4) + linear.rate(9) < 1e-15);
    }

    #[test]
    fn the_names_are_those_of_transformers() {
        let names: Vec<&str> = SchedulerType::ALL.iter().map(|known| known.name()).collect();
        assert_eq!(names, ["constant", "constant_with_warmup", "linear", "cosine"]);
        let read: SchedulerType =
            serde_json::from_value("constant_with_warmup".into()).expect("a name");
        assert_eq!(read, SchedulerType::ConstantWithWarmup);
    }

    #[test]
    fn the_warm_up_is_rounded_up_and_may_be_absent() {
        assert_eq!(Schedule::with_ratio(SchedulerType::Cosine, 1.0, 0.1, 11).warmup, 2);
        let none = Schedule::with_ratio(SchedulerType::Cosine, 1.0, 0.0, 4);
        assert!((none.rate(0) - 1.0).abs() < 1e-15);
    }
}
