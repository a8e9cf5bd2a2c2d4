//! Random streams keyed by a seed and names, so that draws do not depend on the order of the work.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::ContentHasher;

/// Hashes a seed and the parts of a key. Keys with other part boundaries differ.
fn key(seed: u64, parts: &[&str]) -> ContentHasher {
    let mut hasher = ContentHasher::new();
    hasher.bytes(seed.to_le_bytes());
    for part in parts {
        hasher.part(part);
    }
    hasher
}

/// Returns the hash of a key. Sorting by it gives a random order in which each item's place depends on its own key.
pub fn keyed_hash(seed: u64, parts: &[&str]) -> [u8; 32] {
    key(seed, parts).digest()
}

/// Returns the random stream for a key. It is the same on every machine and in every order of calls.
pub fn keyed(seed: u64, parts: &[&str]) -> ChaCha8Rng {
    stream(&key(seed, parts))
}

/// Returns a random number for a key.
pub fn keyed_u64(seed: u64, parts: &[&str]) -> u64 {
    key(seed, parts).number()
}

/// Returns the random stream of a hash, for a key that is not a seed followed by [parts](ContentHasher::part).
pub fn stream(hash: &ContentHasher) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(hash.digest())
}

/// Draws an index with a probability in proportion to its weight. Returns `None` if no weight is positive.
pub fn weighted(weights: &[f64], rng: &mut impl Rng) -> Option<usize> {
    let total: f64 = weights.iter().filter(|weight| **weight > 0.0).sum();
    if total <= 0.0 {
        return None;
    }
    let mut left = rng.random::<f64>() * total;
    let mut last = None;
    for (index, &weight) in weights.iter().enumerate() {
        if weight > 0.0 {
            last = Some(index);
            if left < weight {
                return last;
            }
            left -= weight;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::{keyed, keyed_u64, weighted};

    #[test]
    fn keys_with_other_part_boundaries_differ() {
        assert_ne!(keyed_u64(1, &["ab", "c"]), keyed_u64(1, &["a", "bc"]));
        assert_ne!(keyed_u64(1, &["a"]), keyed_u64(2, &["a"]));
        assert_eq!(keyed_u64(1, &["a"]), keyed_u64(1, &["a"]));
    }

    #[test]
    fn an_index_with_weight_zero_is_never_drawn() {
        let mut rng = keyed(3, &[]);
        let drawn: Vec<_> = (0..200).map(|_| weighted(&[0.0, 1.0, 0.0, 2.0], &mut rng)).collect();
        assert!(drawn.iter().all(|index| matches!(index, Some(1 | 3))));
        assert!(drawn.contains(&Some(1)) && drawn.contains(&Some(3)));
        assert_eq!(weighted(&[0.0], &mut rng), None);
        assert_eq!(weighted(&[], &mut rng), None);
    }
}
