//! Blocks of 32 values: an f16 scale d, in some types an f16 minimum m, and the quants q.
//!
//! Four-bit quants lie two to a byte: byte i has value i in its low half and value 16 + i in its high half. A fifth
//! bit lies apart, that of value i as bit i of a little-endian u32. Types `_0` are centred, value = d·(q − half the
//! range); types `_1` are not, value = d·q + m.

use super::half_at;

/// Values of a block.
pub(super) const LEN: usize = 32;

/// Bytes of a block: d, signed bytes.
pub(super) const Q8_0: usize = 2 + LEN;
/// Bytes of a block: d, halves of bytes.
pub(super) const Q4_0: usize = 2 + LEN / 2;
/// Bytes of a block: d, m, halves of bytes.
pub(super) const Q4_1: usize = 4 + LEN / 2;
/// Bytes of a block: d, fifth bits, halves of bytes.
pub(super) const Q5_0: usize = 2 + 4 + LEN / 2;
/// Bytes of a block: d, m, fifth bits, halves of bytes.
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

/// All low halves, then all high ones.
fn four_bits(halves: &[u8]) -> impl Iterator<Item = u8> {
    halves.iter().map(|q| q & 15).chain(halves.iter().map(|q| q >> 4))
}

/// The same behind their fifth bits.
fn five_bits(bytes: &[u8]) -> impl Iterator<Item = u8> {
    let (bits, halves) = bytes.split_at(4);
    four_bits(halves).enumerate().map(|(i, q)| q | (bits[i / 8] >> (i % 8) & 1) << 4)
}
