//! Near duplicates by MinHash LSH: similarity of 3-grams, and compact signatures of earlier texts.
//!
//! The 3-grams are those of words. In a script without spaces between words, such as Chinese, they are those of characters.

use std::collections::{BTreeSet, HashSet};

use iopo_core::text::tokens;

/// Bands per signature. Each takes 8 bytes.
const BANDS: usize = 3;
/// Minima per band. With three, texts with a similarity of 0.8 share a band in 9 of 10 cases, and texts with a
/// similarity of 0.1 in 3 of 1000.
const ROWS: usize = 3;
/// Texts with fewer 3-grams are too short to be detected as near duplicates.
const LEAST_RUNS: usize = 8;

/// Returns the hashes of the 3-grams of [`tokens`] of a text, or the hash of the whole text if it has fewer than three
/// tokens.
pub fn shingles(text: &str) -> BTreeSet<u64> {
    let tokens = tokens(text);
    tokens.windows(tokens.len().clamp(1, 3)).map(|run| hash(run.join(" ").as_bytes(), 0)).collect()
}

/// Returns the Jaccard similarity of two sets of 3-grams; 1 for two texts without tokens.
pub fn jaccard(one: &BTreeSet<u64>, other: &BTreeSet<u64>) -> f64 {
    let shared = one.intersection(other).count();
    let all = one.len() + other.len() - shared;
    if all == 0 { 1.0 } else { shared as f64 / all as f64 }
}

/// The `MinHash` signatures of the texts of earlier tasks. They take at most 32 bytes per text, 24 of which are its
/// bands; a hash set alone would take 31 to 62 bytes.
#[derive(Debug, Default)]
pub struct SeenSignatures {
    sorted: Vec<u64>,
    /// The latest bands, until they are merged into `sorted`.
    recent: HashSet<u64>,
}

/// Except at the beginning, `recent` holds at most one in this many of all bands.
const RECENT: usize = 24;
const FIRST_FEW: usize = 1 << 10;

impl SeenSignatures {
    /// Returns the bands of a text's signature; none for short texts.
    pub fn bands(runs: &BTreeSet<u64>) -> Vec<u64> {
        if runs.len() < LEAST_RUNS {
            return Vec::new();
        }
        let minimum = |slot: usize| {
            runs.iter().map(|run| hash(&run.to_le_bytes(), slot as u64 + 1)).min().unwrap_or(0)
        };
        let band = |band: usize| {
            let rows = (0..ROWS).flat_map(|row| minimum(band * ROWS + row).to_le_bytes());
            hash(&rows.collect::<Vec<u8>>(), 1000 + band as u64)
        };
        (0..BANDS).map(band).collect()
    }

    /// Tells whether a text with this signature was probably inserted before.
    pub fn contains(&self, bands: &[u64]) -> bool {
        bands
            .iter()
            .any(|band| self.recent.contains(band) || self.sorted.binary_search(band).is_ok())
    }

    /// Tells for each text of a task whether no text of an earlier task is nearly the same, and inserts those.
    pub(crate) fn insert_fresh<'a>(
        &mut self,
        texts: impl Iterator<Item = &'a BTreeSet<u64>>,
    ) -> Vec<bool> {
        let bands: Vec<Vec<u64>> = texts.map(Self::bands).collect();
        let fresh: Vec<bool> = bands.iter().map(|bands| !self.contains(bands)).collect();
        for (bands, fresh) in bands.iter().zip(&fresh) {
            if *fresh {
                self.insert(bands);
            }
        }
        fresh
    }

    /// Inserts a signature.
    pub fn insert(&mut self, bands: &[u64]) {
        self.recent.extend(bands);
        if self.recent.len() >= FIRST_FEW.max(self.sorted.len() / RECENT) {
            self.sorted.reserve_exact(self.recent.len());
            self.sorted.extend(self.recent.drain());
            self.sorted.sort_unstable();
            self.sorted.dedup();
        }
    }
}

fn hash(bytes: &[u8], salt: u64) -> u64 {
    // FNV-1a with a final mix gives the same hash on every machine.
    let mut state = 0xcbf2_9ce4_8422_2325_u64 ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for byte in bytes {
        state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    state ^= state >> 30;
    state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state ^= state >> 27;
    state = state.wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::{SeenSignatures, hash, jaccard, shingles};

    const TEXT: &str = "The kettle sings on the stove while the rain falls on the old town and \
                        nobody minds, because the tea is nearly ready and the bread is warm.";

    #[test]
    fn similarity_is_one_for_the_same_words_and_zero_for_other_words() {
        let other = "Compilers turn source code into machine code in several separate passes.";
        assert!((jaccard(&shingles(TEXT), &shingles(&TEXT.to_uppercase())) - 1.0).abs() < 1e-12);
        assert!(jaccard(&shingles(TEXT), &shingles(other)) < 1e-12);
        assert!((jaccard(&shingles(""), &shingles("...")) - 1.0).abs() < 1e-12);
        assert!(jaccard(&shingles("yes"), &shingles("no")) < 1e-12);
    }

    /// A Chinese answer, the same with one word replaced, and an answer to another task.
    const CHINESE: [&str; 3] = [
        "清晨的雨落在青石板路上，行人撑着雨伞慢慢走过街角的茶馆，屋檐下的水珠一滴一滴落进水缸里，老板娘正在门口擦桌子。",
        "清晨的雨落在青石板路上，行人撑着雨伞慢慢走过街角的茶馆，屋檐下的水珠一滴一滴落进水缸里，老板娘正在门口擦窗户。",
        "编译器先把源代码变成语法树，再检查类型，最后生成机器码；每一步都可以单独测试，因此错误很容易定位。",
    ];

    #[test]
    fn near_duplicates_are_found_in_chinese() {
        let runs = CHINESE.map(shingles);
        let similar = jaccard(&runs[0], &runs[1]);
        assert!(similar > 0.85 && similar < 1.0, "{similar}");
        assert!(jaccard(&runs[0], &runs[2]) < 0.02);
        let mut seen = SeenSignatures::default();
        seen.insert(&SeenSignatures::bands(&runs[0]));
        assert!(seen.contains(&SeenSignatures::bands(&runs[1])));
        assert!(!seen.contains(&SeenSignatures::bands(&runs[2])));
    }

    #[test]
    fn texts_with_spaces_have_the_3_grams_of_their_words() {
        let words: Vec<String> = iopo_core::text::words(TEXT).map(str::to_lowercase).collect();
        let expected: std::collections::BTreeSet<u64> =
            words.windows(3).map(|run| hash(run.join(" ").as_bytes(), 0)).collect();
        assert_eq!(shingles(TEXT), expected);
        // These files were written with the same hashes before.
        assert_eq!(hash(b"the kettle sings", 0), 0x8013_d766_0e96_0e70);
    }

    #[test]
    fn signatures_take_at_most_32_bytes_per_text() {
        let (mut seen, texts) = (SeenSignatures::default(), 100_000usize);
        let bands = |text: usize| [0, 1, 2].map(|band| hash(&text.to_le_bytes(), band));
        let mut most = 0f64;
        for text in 0..texts {
            seen.insert(&bands(text));
            if text >= 20_000 {
                // A hash table has a value and a byte per slot and fills at most seven eighths of its slots.
                let recent = (seen.recent.capacity() * 8 / 7).next_power_of_two() * 9;
                most = most.max((seen.sorted.capacity() * 8 + recent) as f64 / (text + 1) as f64);
            }
        }
        assert!((24.0..=32.0).contains(&most), "{most} bytes per text");
        assert!((0..texts).all(|text| seen.contains(&bands(text))));
        assert!((texts..texts + 1000).all(|text| !seen.contains(&bands(text))));
    }

    #[test]
    fn a_repeated_text_is_recognized_unless_it_is_short() {
        let mut seen = SeenSignatures::default();
        seen.insert(&SeenSignatures::bands(&shingles(TEXT)));
        assert!(seen.contains(&SeenSignatures::bands(&shingles(TEXT))));
        let other = "Compilers turn source code into machine code in several separate passes.";
        assert!(!seen.contains(&SeenSignatures::bands(&shingles(other))));
        assert!(SeenSignatures::bands(&shingles("Short and sweet.")).is_empty());
    }
}
