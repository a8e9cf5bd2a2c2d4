//! The products of a block of weights with every panel of inputs.

/// Four neighboring values of a row, which one instruction multiplies.
pub(super) type Quad = [i8; 4];

/// Rows of weights per block.
pub(super) const BLOCK: usize = 8;
/// Rows of inputs per panel.
pub(super) const PANEL: usize = 16;

/// Computes `sums[p][o][r] = Σ x[p][·][r] · w[·][o]` for each panel `[inner / 4, PANEL]` and a block `[inner / 4, BLOCK]`.
///
/// # Panics
/// Panics if the panels do not have the length of the block.
#[inline(always)]
pub(super) fn multiply(x: &[[[u8; 4]; PANEL]], w: &[Quad], sums: &mut [[[i32; PANEL]; BLOCK]]) {
    let w = w.as_chunks::<BLOCK>().0;
    assert!(x.len() == sums.len() * w.len(), "{} of {} by {}", x.len(), sums.len(), w.len());
    #[cfg(all(target_arch = "x86_64", feature = "x86-v4"))]
    if super::vnni::multiply(x, w, sums) {
        return;
    }
    for (x, sums) in x.chunks_exact(w.len()).zip(sums) {
        plain(x, w, sums);
    }
}

/// Computes one panel without special instructions.
#[inline(always)]
pub(super) fn plain(x: &[[[u8; 4]; PANEL]], w: &[[Quad; BLOCK]], sums: &mut [[i32; PANEL]; BLOCK]) {
    *sums = [[0; PANEL]; BLOCK];
    for (x, w) in x.iter().zip(w) {
        for (sums, w) in sums.iter_mut().zip(w) {
            for (sum, x) in sums.iter_mut().zip(x) {
                for (x, w) in x.iter().zip(w) {
                    *sum += i32::from(*x) * i32::from(*w);
                }
            }
        }
    }
}
