//! Sums and maxima in a fixed number of lanes: the same bits whatever the machine's vectors hold.

const LANES: usize = 16;

/// Folds lane by lane, then the lanes and the rest.
#[inline(always)]
pub(super) fn fold(values: &[f32], start: f32, with: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [start; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = with(*lane, *value);
        }
    }
    let mut folded = start;
    for value in lanes.iter().chain(rest) {
        folded = with(folded, *value);
    }
    folded
}
