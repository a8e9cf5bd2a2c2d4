//! Published benchmarks as a command line offers them: a name, a help text and modes.

use std::collections::BTreeSet;

use iopo_constraints::Kind;

use super::Benchmark;

/// A published benchmark: the texts of its subcommand, and its modes.
#[derive(Debug, Clone, Copy)]
pub struct Published {
    /// Name of the subcommand, and id in the `benchmark` column of `predictions` and `scores`.
    pub id: &'static str,
    /// One line of help.
    pub about: &'static str,
    /// Help for the prompts that a user passes.
    pub data: &'static str,
    /// Hub id of the dataset with the prompts.
    pub dataset: &'static str,
    /// Sets of rules, the default first. A benchmark without a choice has one.
    pub modes: &'static [PublishedMode],
}

/// The benchmark under one set of rules.
#[derive(Debug, Clone, Copy)]
pub struct PublishedMode {
    /// Stable name.
    pub id: &'static str,
    /// One line of help.
    pub about: &'static str,
    /// Makes the benchmark. The constraint kinds are those that the synthesis held out; they separate seen types from
    /// unseen ones.
    pub make: fn(BTreeSet<Kind>) -> Box<dyn Benchmark>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{PUBLISHED, heldout};

    #[test]
    fn ids_are_unique_and_every_benchmark_has_a_mode() {
        let ids: BTreeSet<&str> = PUBLISHED.iter().map(|benchmark| benchmark.id).collect();
        assert_eq!(ids.len(), PUBLISHED.len());
        assert!(!ids.contains(heldout::ID));
        for benchmark in PUBLISHED {
            let modes: BTreeSet<&str> = benchmark.modes.iter().map(|mode| mode.id).collect();
            assert!(!modes.is_empty() && modes.len() == benchmark.modes.len(), "{}", benchmark.id);
        }
    }

    #[test]
    fn every_mode_makes_a_benchmark_with_its_own_title() {
        for benchmark in PUBLISHED {
            let title = |make: fn(_) -> Box<dyn super::Benchmark>| make(BTreeSet::new()).title();
            let titles: BTreeSet<String> =
                benchmark.modes.iter().map(|mode| title(mode.make)).collect();
            assert_eq!(titles.len(), benchmark.modes.len(), "{}", benchmark.id);
        }
    }
}
