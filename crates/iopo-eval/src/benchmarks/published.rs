//! Published benchmarks as a command line offers them: a name, help texts, facts and modes.

use std::collections::BTreeSet;

use iopo_constraints::Kind;

use super::Benchmark;
use super::tagger::TaggerTable;

/// A published benchmark: the texts of its subcommand, what a user should know before running it, and its modes.
#[derive(Debug, Clone, Copy)]
pub struct Published {
    /// Name of the subcommand, and id in the `benchmark` column of `predictions` and `scores`.
    pub id: &'static str,
    /// One line of help.
    pub about: &'static str,
    /// Help for the prompts that a user passes.
    pub data: &'static str,
    /// Where the prompts come from.
    pub source: Source,
    /// Number of prompts, and of what is decided about their responses.
    pub items: &'static str,
    /// Languages of the prompts.
    pub languages: &'static str,
    /// License of the prompts.
    pub license: &'static str,
    /// Requests to a judge for one response to every prompt; 0 if code decides.
    pub judge_calls: usize,
    /// What the judge is asked, and what code decides.
    pub judging: &'static str,
    /// The number that papers and leaderboards report.
    pub headline: &'static str,
    /// Sets of rules, the default first. A benchmark without a choice has one; one without a command has none.
    pub modes: &'static [PublishedMode],
}

impl Published {
    /// Returns whether a model must judge the responses.
    pub const fn is_judged(&self) -> bool {
        self.judge_calls > 0
    }
}

/// Where the prompts of a benchmark come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Hub id of a dataset with one file of prompts.
    Hub(&'static str),
    /// A path inside a public repository, from which the user takes the file.
    Repository(&'static str, &'static str),
}

impl Source {
    /// Returns the hub id if there is one.
    pub const fn hub(&self) -> Option<&'static str> {
        match self {
            Self::Hub(id) => Some(id),
            Self::Repository(..) => None,
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hub(id) => write!(formatter, "hub id {id}, or a copy of its file of prompts"),
            Self::Repository(name, path) => {
                write!(formatter, "path of a copy of {path} from the repository {name}")
            }
        }
    }
}

/// The benchmark under one set of rules.
#[derive(Debug, Clone, Copy)]
pub struct PublishedMode {
    /// Stable name.
    pub id: &'static str,
    /// One line of help.
    pub about: &'static str,
    /// Makes the benchmark.
    pub make: fn(&Setup) -> Box<dyn Benchmark>,
}

/// What a benchmark is made with.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Setup {
    /// The constraint kinds that synthesis held out; they separate seen types from unseen ones. Default: none.
    pub held_out: BTreeSet<Kind>,
    /// The constraint kinds that synthesis drew in addition to the default ones. Default: none.
    pub added: BTreeSet<Kind>,
    /// The tagger's table for `words:start_verb` of IFBench, which is not checked without it. Default: none.
    pub tagger: Option<TaggerTable>,
}

impl Setup {
    /// Holds out some kinds.
    pub fn new(held_out: BTreeSet<Kind>) -> Self {
        Self { held_out, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{PUBLISHED, heldout, published};
    use super::Setup;

    #[test]
    fn ids_are_unique_and_distinct_from_the_held_out_benchmark() {
        let ids: BTreeSet<&str> = PUBLISHED.iter().map(|benchmark| benchmark.id).collect();
        assert_eq!(ids.len(), PUBLISHED.len());
        assert!(!ids.contains(heldout::ID));
        for benchmark in PUBLISHED {
            let modes: BTreeSet<&str> = benchmark.modes.iter().map(|mode| mode.id).collect();
            assert_eq!(modes.len(), benchmark.modes.len(), "{}", benchmark.id);
            assert_eq!(published(benchmark.id).is_some(), !modes.is_empty(), "{}", benchmark.id);
        }
    }

    #[test]
    fn every_mode_makes_a_benchmark_with_its_own_title() {
        for benchmark in PUBLISHED {
            let title =
                |make: fn(&Setup) -> Box<dyn super::Benchmark>| make(&Setup::default()).title();
            let titles: BTreeSet<String> =
                benchmark.modes.iter().map(|mode| title(mode.make)).collect();
            assert_eq!(titles.len(), benchmark.modes.len(), "{}", benchmark.id);
        }
    }
}
