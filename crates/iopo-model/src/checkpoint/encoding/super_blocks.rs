//! Super-blocks of 256 values (k-quants): an f16 scale of the block and integer scales of its parts.

use super::half_at;

/// Values of a super-block.
pub(super) const LEN: usize = 256;
/// Values per scale in `Q4_K` and `Q5_K`.
const PART: usize = 32;
/// Bytes of the eight six-bit scales and minima of `Q4_K` and `Q5_K`.
const SCALES: usize = 12;

/// Bytes of a super-block: d, m, scales, four-bit quants.
pub(super) const Q4_K: usize = 4 + SCALES + LEN / 2;
/// Bytes of a super-block: d, m, scales, fifth bits, four-bit quants.
pub(super) const Q5_K: usize = 4 + SCALES + LEN / 8 + LEN / 2;
/// Bytes of a super-block: low four bits, upper two bits, a signed scale per 16 values, d.
pub(super) const Q6_K: usize = LEN / 2 + LEN / 4 + LEN / 16 + 2;

/// Decodes `Q4_K`: value = (d·scale)·q − (m·minimum).
pub(super) fn q4_k(block: &[u8; Q4_K], out: &mut Vec<f32>) {
    let (head, halves) = block.split_at(4 + SCALES);
    for part in 0..LEN / PART {
        let (scale, minimum) = scale_and_minimum(head, part);
        out.extend(part_of(halves, part).map(|q| scale * f32::from(q) - minimum));
    }
}

/// Decodes `Q5_K`: as `Q4_K` with a fifth bit. Bit p of fifth-bit byte i belongs to value i of part p.
pub(super) fn q5_k(block: &[u8; Q5_K], out: &mut Vec<f32>) {
    let (head, rest) = block.split_at(4 + SCALES);
    let (fifths, halves) = rest.split_at(PART);
    for part in 0..LEN / PART {
        let (scale, minimum) = scale_and_minimum(head, part);
        let quants = part_of(halves, part).zip(fifths).map(|(q, bits)| q | (bits >> part & 1) << 4);
        out.extend(quants.map(|q| scale * f32::from(q) - minimum));
    }
}

/// Decodes `Q6_K`: value = (d·scale)·(q − 32).
///
/// Each half of the block has four runs of 32 values. Their low four bits are the low halves of the first 32 bytes, the low
/// halves of the second 32 bytes, then the high halves of both. Their upper two bits are in 32 further bytes: run r uses the
/// r-th pair of bits of each byte.
pub(super) fn q6_k(block: &[u8; Q6_K], out: &mut Vec<f32>) {
    let (halves, rest) = block.split_at(LEN / 2);
    let (uppers, rest) = rest.split_at(LEN / 4);
    let d = half_at(rest, LEN / 16);
    for at in 0..LEN {
        let (half, run, i) = (at / 128, at / 32 % 4, at % 32);
        let low = halves[64 * half + 32 * (run % 2) + i] >> (4 * (run / 2)) & 15;
        let high = uppers[32 * half + i] >> (2 * run) & 3;
        let scale = d * f32::from(rest[at / 16].cast_signed());
        out.push(scale * (f32::from(low | high << 4) - 32.0));
    }
}

/// Returns the quants of a part: parts 2n and 2n + 1 are the low and high halves of the n-th 32 bytes.
fn part_of(halves: &[u8], part: usize) -> impl Iterator<Item = u8> {
    halves[PART * (part / 2)..][..PART].iter().map(move |byte| byte >> (4 * (part % 2)) & 15)
}

/// Returns d·scale and m·minimum of a part.
///
/// Twelve bytes follow d and m. The low six bits of the first four bytes are scales 0 to 3, those of the next four bytes are
/// minima 0 to 3. The last four bytes hold the low four bits of scales and minima 4 to 7; their upper two bits are the upper
/// two bits of the first eight bytes.
fn scale_and_minimum(head: &[u8], part: usize) -> (f32, f32) {
    let bytes = &head[4..];
    let (scale, minimum) = if part < 4 {
        (bytes[part] & 63, bytes[part + 4] & 63)
    } else {
        let (low, first, second) = (bytes[part + 4], bytes[part - 4], bytes[part]);
        (low & 15 | first >> 6 << 4, low >> 4 | second >> 6 << 4)
    };
    (half_at(head, 0) * f32::from(scale), half_at(head, 2) * f32::from(minimum))
}
