//! How numbers lie in a file, and how they become f32.

use half::{bf16, f16};

/// Elements in one block of the quantised types.
const BLOCK: usize = 32;

/// The encoding of a tensor's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    F32,
    F16,
    Bf16,
    /// 32 values a block: f16 scale d, 32 signed bytes q; value = d·q.
    Q8_0,
    /// 32 values a block: f16 scale d, f16 minimum m, 16 bytes of nibbles q; value = d·q + m.
    Q4_1,
}

impl Encoding {
    /// Bytes and elements of the smallest unit.
    pub(crate) fn unit(self) -> (usize, usize) {
        match self {
            Self::F32 => (4, 1),
            Self::F16 | Self::Bf16 => (2, 1),
            Self::Q8_0 => (2 + BLOCK, BLOCK),
            Self::Q4_1 => (4 + BLOCK / 2, BLOCK),
        }
    }

    /// Bytes of `elements` values; `None` where they do not fill whole units or overflow.
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
            Self::F32 => {
                let (words, _) = bytes.as_chunks::<4>();
                out.extend(words.iter().map(|word| f32::from_le_bytes(*word)));
            }
            Self::F16 => {
                let (words, _) = bytes.as_chunks::<2>();
                out.extend(words.iter().map(|word| f16::from_le_bytes(*word).to_f32()));
            }
            Self::Bf16 => {
                let (words, _) = bytes.as_chunks::<2>();
                out.extend(words.iter().map(|word| bf16::from_le_bytes(*word).to_f32()));
            }
            Self::Q8_0 => {
                let (blocks, _) = bytes.as_chunks::<{ 2 + BLOCK }>();
                for block in blocks {
                    let d = f16::from_le_bytes([block[0], block[1]]).to_f32();
                    out.extend(block[2..].iter().map(|q| d * f32::from(q.cast_signed())));
                }
            }
            Self::Q4_1 => {
                let (blocks, _) = bytes.as_chunks::<{ 4 + BLOCK / 2 }>();
                for block in blocks {
                    let d = f16::from_le_bytes([block[0], block[1]]).to_f32();
                    let m = f16::from_le_bytes([block[2], block[3]]).to_f32();
                    out.extend(block[4..].iter().map(|q| d * f32::from(q & 15) + m));
                    out.extend(block[4..].iter().map(|q| d * f32::from(q >> 4) + m));
                }
            }
        }
    }
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
        assert_eq!(Encoding::F32.bytes(u64::MAX / 2), None);
    }
}
