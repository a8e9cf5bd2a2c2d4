//! The products with AVX-512 VNNI, whose instruction adds four products of 8 bits to each of 16 sums.
#![expect(unsafe_code, reason = "a function that needs CPU features is called after a check")]

use std::arch::is_x86_feature_detected;
use std::arch::x86_64::{__m512i, _mm512_dpbusd_epi32, _mm512_set1_epi32, _mm512_setzero_si512};

use super::blocks::{BLOCK, PANEL, Quad};

/// Computes all panels; returns false without computing if the CPU lacks the instruction.
pub(super) fn multiply(
    x: &[[[u8; 4]; PANEL]],
    w: &[[Quad; BLOCK]],
    sums: &mut [[[i32; PANEL]; BLOCK]],
) -> bool {
    let here = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni");
    if here {
        // SAFETY: the CPU has both features.
        unsafe { all(x, w, sums) };
    }
    here
}

#[target_feature(enable = "avx512f,avx512vnni")]
fn all(x: &[[[u8; 4]; PANEL]], w: &[[Quad; BLOCK]], sums: &mut [[[i32; PANEL]; BLOCK]]) {
    let (pairs, last) = sums.as_chunks_mut::<2>();
    let (of_pairs, of_last) = x.split_at(pairs.len() * 2 * w.len());
    for (x, sums) in of_pairs.chunks_exact(2 * w.len()).zip(pairs) {
        let (a, b) = x.split_at(w.len());
        *sums = panels([a, b], w);
    }
    for (x, sums) in of_last.chunks_exact(w.len()).zip(last) {
        [*sums] = panels([x], w);
    }
}

/// Computes `P` panels, with their sums in registers.
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn panels<const P: usize>(
    x: [&[[[u8; 4]; PANEL]]; P],
    w: &[[Quad; BLOCK]],
) -> [[[i32; PANEL]; BLOCK]; P] {
    let x = x.map(|x| &x[..w.len()]);
    let mut sums = [[_mm512_setzero_si512(); BLOCK]; P];
    for (k, w) in w.iter().enumerate() {
        let mut of_panels = [_mm512_setzero_si512(); P];
        for p in 0..P {
            of_panels[p] = pulp::cast::<_, __m512i>(x[p][k]);
        }
        for o in 0..BLOCK {
            let w = _mm512_set1_epi32(i32::from_le_bytes(w[o].map(i8::cast_unsigned)));
            for p in 0..P {
                sums[p][o] = _mm512_dpbusd_epi32(sums[p][o], of_panels[p], w);
            }
        }
    }
    sums.map(|sums| sums.map(pulp::cast))
}
