//! A branch-free exponential function that compilers can vectorize.

/// `1.5 · 2²³`: adding it rounds a small number to an integer and stores that integer in the lowest bits.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts, the first with few bits, so that its multiples are exact.
const LN2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

/// Computes `eˣ` with a relative error below 2⁻²²; results are limited to 1.6e-38 … 1.7e38.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN2[1], n.mul_add(-LN2[0], x));
    // Taylor's polynomial of degree 7 on |r| ≤ ln 2 / 2: its remainder is 5e-9.
    let mut p = 1.0 / 5040.0;
    for c in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = r.mul_add(p, c);
    }
    // 2ⁿ: puts n into the bits of the exponent.
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    p * power
}

/// Computes `1 / (1 + e⁻ˣ)`.
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[cfg(test)]
mod tests {
    use super::{exp, sigmoid};

    #[test]
    fn exp_matches_the_standard_library() {
        for step in -86_900..87_900 {
            let x = step as f32 / 1000.0;
            let want = f64::from(x).exp();
            assert!((f64::from(exp(x)) / want - 1.0).abs() < 2.4e-7, "{x}");
        }
        assert!((exp(0.0) - 1.0).abs() < 1e-9);
        assert!(exp(-1e30) < 1e-37 && exp(1e30) > 1e38 && exp(1e30) < f32::INFINITY);
        assert!(exp(f32::NAN).is_nan());
        assert!((sigmoid(100.0) - 1.0).abs() < 1e-9 && sigmoid(-100.0) < 1e-37);
    }
}
