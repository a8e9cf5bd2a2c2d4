//! Parameters that only IFBench has.

use crate::ifeval::{InstructionError, params::Params};

/// A share in percent: finite, not negative. Published values exceed 100 by up to 3.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Percentage(f64);

// The value is never NaN.
impl Eq for Percentage {}

impl Percentage {
    /// Returns a share in percent. `None` if the number is negative or not finite.
    pub fn new(percent: f64) -> Option<Self> {
        (percent.is_finite() && percent >= 0.0).then_some(Self(percent))
    }

    /// The share in percent.
    pub fn percent(self) -> f64 {
        self.0
    }
}

impl Params<'_> {
    /// A share in percent.
    pub(crate) fn percentage(
        &mut self,
        name: &'static str,
    ) -> Result<Percentage, InstructionError> {
        let value = self.value(name)?;
        value
            .as_f64()
            .and_then(Percentage::new)
            .ok_or_else(|| self.bad(name, "a number that is not negative", &value.to_string()))
    }
}
