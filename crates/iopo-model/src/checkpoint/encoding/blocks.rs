//! Blocks of 32 values: an f16 scale d, in some types an f16 minimum m, and the quants q.
//!
//! Each byte holds two four-bit quants: byte i has value i in its low half and value 16 + i in its high half. The fifth bits
//! are stored separately: bit i of a little-endian u32 belongs to value i. For types `_0`, value = d·(q − half the range);
//! for types `_1`, value = d·q + m.

use super::half_at;

/// Values of a block.
pub(super) const LEN: usize = 32;

/// Bytes of a block: d, signed bytes.
pub(super) const Q8_0: usize = 2 + LEN;
/// Bytes of a block: d, four-bit quants.
pub(super) const Q4_0: usize = 2 + LEN / 2;
/// Bytes of a block: d, m, four-bit quants.
pub(super) const Q4_1: usize = 4 + LEN / 2;
/// Bytes of a block: d, fifth bits, four-bit quants.
pub(super) const Q5_0: usize = 2 + 4 + LEN / 2;
/// Bytes of a block: d, m, fifth bits, four-bit quants.
pub(super) const Q5_1: usize = 4 + 4 + LEN / 2;

pub(super) fn q8_0(block: &[u8; Q8_0], out: &mut Vec<f32>) {
    let d = half_at(block, 0);
    out.extend(block[2..].iter().map(|q| d * f32::from(q.cast_signed())));
}

pub(super) fn q4_0(block: &[u8; Q4_0], out: &mut Vec<f32>) {
    let d = half_at(block, 0);
    out.extend(four_bits(&block[2..]).map(|q| d * (f32::from(q) - 8.0)));
}

pub(super) fn q4_1(block: &[u8; Q4_1], out: &mut Vec<f32>) {
    let (d, m) = (half_at(block, 0), half_at(block, 2));
    out.extend(four_bits(&block[4..]).map(|q| d * f32::from(q) + m));
}

pub(super) fn q5_0(block: &[u8; Q5_0], out: &mut Vec<f32>) {
    let d = half_at(block, 0);
    out.extend(five_bits(&block[2..]).map(|q| d * (f32::from(q) - 16.0)));
}

pub(super) fn q5_1(block: &[u8; Q5_1], out: &mut Vec<f32>) {
    let (d, m) = (half_at(block, 0), half_at(block, 2));
    out.extend(five_bits(&block[4..]).map(|q| d * f32::from(q) + m));
}

/// Returns the low halves of all bytes, then the high halves.
fn four_bits(halves: &[u8]) -> impl Iterator<Item = u8> {
    halves.iter().map(|q| q & 15).chain(halves.iter().map(|q| q >> 4))
}

/// Returns five-bit quants from their fifth bits, followed by their low four bits.
fn five_bits(bytes: &[u8]) -> impl Iterator<Item = u8> {
    let (bits, halves) = bytes.split_at(4);
    four_bits(halves).enumerate().map(|(i, q)| q | (bits[i / 8] >> (i % 8) & 1) << 4)
}
