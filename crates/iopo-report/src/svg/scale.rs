//! Maps data to coordinates and places ticks at round numbers.

/// A linear axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) start: f64,
    pub(crate) end: f64,
}

impl Scale {
    pub(crate) fn place(&self, value: f64) -> f64 {
        self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)
    }

    /// Returns about `wanted` ticks inside the axis, and their distance.
    pub(crate) fn ticks(&self, wanted: usize) -> (Vec<f64>, f64) {
        let step = nice_step((self.high - self.low) / wanted.max(1) as f64);
        let first = (self.low / step - 1e-6).ceil();
        let last = (self.high / step + 1e-6).floor();
        let count = (last - first).clamp(0.0, 100.0) as usize;
        ((0..=count).map(|index| (first + index as f64) * step).collect(), step)
    }
}

/// Returns 1, 2 or 5 times a power of ten, at least `step`.
fn nice_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= step * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

/// Returns the range of the finite values with a margin; it is never empty.
pub(crate) fn range(values: impl Iterator<Item = f64>, margin: f64) -> Option<(f64, f64)> {
    let finite = values.filter(|value| value.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low > high {
        return None;
    }
    let width = high - low;
    if width <= f64::EPSILON * high.abs().max(low.abs()) {
        let half = if high == 0.0 { 1.0 } else { high.abs() * 0.5 };
        return Some((low - half, high + half));
    }
    Some((low - margin * width, high + margin * width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let scale = Scale { low: 0.0, high: 0.93, start: 0.0, end: 100.0 };
        let (ticks, step) = scale.ticks(4);
        assert!((step - 0.5).abs() < 1e-12, "{step}");
        assert_eq!(ticks.len(), 2);
        let scale = Scale { low: -7.0, high: 12.0, start: 0.0, end: 100.0 };
        assert_eq!(scale.ticks(5).0, [-5.0, 0.0, 5.0, 10.0]);
    }

    #[test]
    fn a_range_is_never_empty() {
        assert_eq!(range([f64::NAN, f64::INFINITY].into_iter(), 0.1), None);
        assert_eq!(range([2.0, 2.0].into_iter(), 0.1), Some((1.0, 3.0)));
        assert_eq!(range([0.0].into_iter(), 0.1), Some((-1.0, 1.0)));
        assert_eq!(range([0.0, 10.0].into_iter(), 0.1), Some((-1.0, 11.0)));
    }
}
