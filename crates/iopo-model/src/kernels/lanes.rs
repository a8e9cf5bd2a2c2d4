//! Sums and maxima over a fixed number of lanes, so that results do not depend on the machine's vector width; and the share
//! of a buffer per thread task.

const LANES: usize = 16;

/// Values per thread task.
pub(super) const PIECE: usize = 1 << 15;

/// Folds each lane, then the lanes and the rest.
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

/// Sums `with(a, b)` over two rows of the same length, in the same lanes.
#[inline(always)]
pub(super) fn add_up(left: &[f32], right: &[f32], with: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let (left, right) = (left.chunks_exact(LANES), right.chunks_exact(LANES));
    let rest = left.remainder().iter().zip(right.remainder());
    let rest = rest.fold(0.0, |sum, (a, b)| sum + with(*a, *b));
    for (left, right) in left.zip(right) {
        for ((lane, a), b) in lanes.iter_mut().zip(left).zip(right) {
            *lane += with(*a, *b);
        }
    }
    lanes.iter().fold(rest, |sum, lane| sum + lane)
}

/// Returns the rows of a given width per thread task.
pub(super) fn rows_of_a_piece(width: usize) -> usize {
    (PIECE / width.max(1)).max(1)
}
