//! Random streams that depend on nothing but a seed and the name of what they are for.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The stream of `(seed, names)`: the same on every machine and in every order of calls.
pub(crate) fn stream(seed: u64, names: &[&str]) -> ChaCha8Rng {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    for name in names {
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
    }
    ChaCha8Rng::from_seed(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::stream;

    #[test]
    fn a_stream_depends_on_the_seed_and_on_every_name() {
        let first = |seed, names: &[&str]| stream(seed, names).next_u64();
        assert_eq!(first(1, &["a", "b"]), first(1, &["a", "b"]));
        assert_ne!(first(1, &["a", "b"]), first(2, &["a", "b"]));
        assert_ne!(first(1, &["a", "b"]), first(1, &["ab"]));
    }
}
