//! Encodings of values in files, and their conversion to f32.

mod blocks;
mod super_blocks;

use half::{bf16, f16};

/// The encoding of a tensor's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    F32,
    F16,
    Bf16,
    Q8_0,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q4K,
    Q5K,
    Q6K,
}

impl Encoding {
    /// Names of the encodings of GGUF files, for messages.
    pub(crate) const GGUF: &'static str =
        "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K";

    /// Returns the encoding with a GGUF type number.
    pub(crate) fn from_gguf(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            6 => Self::Q5_0,
            7 => Self::Q5_1,
            8 => Self::Q8_0,
            12 => Self::Q4K,
            13 => Self::Q5K,
            14 => Self::Q6K,
            30 => Self::Bf16,
            _ => return None,
        })
    }

    /// Returns the name used in files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::Q8_0 => "Q8_0",
            Self::Q4_0 => "Q4_0",
            Self::Q4_1 => "Q4_1",
            Self::Q5_0 => "Q5_0",
            Self::Q5_1 => "Q5_1",
            Self::Q4K => "Q4_K",
            Self::Q5K => "Q5_K",
            Self::Q6K => "Q6_K",
        }
    }

    /// Returns bytes and elements of the smallest unit.
    pub(crate) fn unit(self) -> (usize, usize) {
        match self {
            Self::F32 => (4, 1),
            Self::F16 | Self::Bf16 => (2, 1),
            Self::Q8_0 => (blocks::Q8_0, blocks::LEN),
            Self::Q4_0 => (blocks::Q4_0, blocks::LEN),
            Self::Q4_1 => (blocks::Q4_1, blocks::LEN),
            Self::Q5_0 => (blocks::Q5_0, blocks::LEN),
            Self::Q5_1 => (blocks::Q5_1, blocks::LEN),
            Self::Q4K => (super_blocks::Q4_K, super_blocks::LEN),
            Self::Q5K => (super_blocks::Q5_K, super_blocks::LEN),
            Self::Q6K => (super_blocks::Q6_K, super_blocks::LEN),
        }
    }

    /// Returns the bytes of `elements` values; `None` if they do not fill whole units or the size overflows.
    pub(crate) fn bytes(self, elements: u64) -> Option<u64> {
        let (bytes, per) = self.unit();
        if !elements.is_multiple_of(per as u64) {
            return None;
        }
        (elements / per as u64).checked_mul(bytes as u64)
    }

    /// Appends the values of `bytes`, a whole number of units.
    pub(crate) fn decode(self, bytes: &[u8], out: &mut Vec<f32>) {
        match self {
            Self::F32 => each(bytes, |word| out.push(f32::from_le_bytes(*word))),
            Self::F16 => each(bytes, |word| out.push(f16::from_le_bytes(*word).to_f32())),
            Self::Bf16 => each(bytes, |word| out.push(bf16::from_le_bytes(*word).to_f32())),
            Self::Q8_0 => each(bytes, |block| blocks::q8_0(block, out)),
            Self::Q4_0 => each(bytes, |block| blocks::q4_0(block, out)),
            Self::Q4_1 => each(bytes, |block| blocks::q4_1(block, out)),
            Self::Q5_0 => each(bytes, |block| blocks::q5_0(block, out)),
            Self::Q5_1 => each(bytes, |block| blocks::q5_1(block, out)),
            Self::Q4K => each(bytes, |block| super_blocks::q4_k(block, out)),
            Self::Q5K => each(bytes, |block| super_blocks::q5_k(block, out)),
            Self::Q6K => each(bytes, |block| super_blocks::q6_k(block, out)),
        }
    }
}

/// Visits the units of `bytes`.
fn each<const N: usize>(bytes: &[u8], visit: impl FnMut(&[u8; N])) {
    bytes.as_chunks().0.iter().for_each(visit);
}

/// Reads the f16 at `at`.
fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "decoding is exact")]
mod tests {
    use super::*;

    fn decoded(encoding: Encoding, bytes: &[u8]) -> Vec<f32> {
        let mut out = Vec::new();
        encoding.decode(bytes, &mut out);
        out
    }

    #[test]
    fn plain_types_decode_by_hand_computed_values() {
        assert_eq!(decoded(Encoding::F32, &[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]), [1.0, -2.0]);
        // f16: 0x3c00 = 1, 0xc100 = -2.5, 0x0001 = 2^-24.
        let halves = decoded(Encoding::F16, &[0x00, 0x3c, 0x00, 0xc1, 0x01, 0x00]);
        assert_eq!(halves, [1.0, -2.5, 2f32.powi(-24)]);
        // bf16: the upper half of an f32.
        assert_eq!(decoded(Encoding::Bf16, &[0x80, 0x3f, 0x20, 0xc0]), [1.0, -2.5]);
    }

    #[test]
    fn q8_0_is_scale_times_signed_byte() {
        // d = 0x3800 = 0.5; q = 0, 1, -1, 127, -128, then 5.
        let mut block = vec![0x00, 0x38, 0, 1, 255, 127, 128];
        block.resize(34, 5);
        let values = decoded(Encoding::Q8_0, &block);
        assert_eq!(values.len(), 32);
        assert_eq!(values[..6], [0.0, 0.5, -0.5, 63.5, -64.0, 2.5]);
        assert_eq!(values[31], 2.5);
    }

    #[test]
    fn q4_1_has_low_nibbles_first_then_high_ones() {
        // d = 0x3400 = 0.25, m = 0xbc00 = -1; bytes 0x10, 0x21 … : low i, high i + 1.
        let mut block = vec![0x00, 0x34, 0x00, 0xbc];
        block.extend((0..16u8).map(|i| (((i + 1) & 15) << 4) | i));
        let values = decoded(Encoding::Q4_1, &block);
        assert_eq!(values.len(), 32);
        for i in 0..16 {
            assert_eq!(values[i], 0.25 * i as f32 - 1.0);
            assert_eq!(values[16 + i], 0.25 * ((i + 1) % 16) as f32 - 1.0);
        }
        // Two blocks follow each other.
        let twice = [block.clone(), block].concat();
        assert_eq!(decoded(Encoding::Q4_1, &twice), [values.clone(), values].concat());
    }

    #[test]
    fn sizes_count_whole_units_and_do_not_overflow() {
        assert_eq!(Encoding::Q4_1.bytes(64), Some(40));
        assert_eq!(Encoding::Q8_0.bytes(33), None);
        assert_eq!(Encoding::Q6K.bytes(512), Some(420));
        assert_eq!(Encoding::Q4K.bytes(128), None);
        assert_eq!(Encoding::F32.bytes(u64::MAX / 2), None);
    }
}
