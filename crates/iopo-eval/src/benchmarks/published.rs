//! Published benchmarks as a command line offers them: a name, help texts, facts and modes.

use std::borrow::Cow;
use std::collections::BTreeSet;

use iopo_constraints::Kind;
use serde_json::{Value, json};

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
    /// The constraint kinds in the rows that the model was trained on. If they are known, they alone decide which types are
    /// seen and near. Default: not known.
    pub trained: Option<BTreeSet<Kind>>,
    /// The tagger's table for `words:start_verb` of IFBench, which is not checked without it. Default: none.
    pub tagger: Option<TaggerTable>,
}

impl Setup {
    /// Holds out some kinds.
    pub fn new(held_out: BTreeSet<Kind>) -> Self {
        Self { held_out, ..Self::default() }
    }

    /// Returns the kinds that count as held out and as added when types are divided into seen, near and unseen ones.
    pub(super) fn divide(&self) -> (Cow<'_, BTreeSet<Kind>>, Cow<'_, BTreeSet<Kind>>) {
        match &self.trained {
            None => (Cow::Borrowed(&self.held_out), Cow::Borrowed(&self.added)),
            Some(trained) => {
                let others = Kind::ALL.iter().copied().filter(|kind| !trained.contains(kind));
                (Cow::Owned(others.collect()), Cow::Borrowed(trained))
            }
        }
    }

    /// Notes the kinds in the settings of a benchmark. Settings without added and without trained kinds stay as they were.
    pub(super) fn note_kinds(&self, settings: &mut Value) {
        let ids =
            |kinds: &BTreeSet<Kind>| json!(kinds.iter().map(|kind| kind.id()).collect::<Vec<_>>());
        settings["held_out"] = ids(&self.held_out);
        if !self.added.is_empty() {
            settings["added_kinds"] = ids(&self.added);
        }
        if let Some(trained) = &self.trained {
            settings["trained_kinds"] = ids(trained);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use iopo_constraints::Kind;
    use serde_json::json;

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
    fn kinds_without_a_training_row_are_not_noted_as_held_out() {
        let mut setup = Setup::new([Kind::NoCommas].into());
        let noted = |setup: &Setup| {
            let mut settings = json!({});
            setup.note_kinds(&mut settings);
            settings
        };
        assert_eq!(noted(&setup), json!({ "held_out": ["no_commas"] }));
        setup.added = [Kind::Language].into();
        assert!(!setup.divide().0.contains(&Kind::MaxWords));
        setup.trained = Some([Kind::MinWords].into());
        let (others, trained) = setup.divide();
        assert!(others.contains(&Kind::MaxWords) && others.contains(&Kind::Language));
        assert_eq!(*trained, BTreeSet::from([Kind::MinWords]));
        let expected = json!({
            "held_out": ["no_commas"],
            "added_kinds": ["language"],
            "trained_kinds": ["min_words"],
        });
        assert_eq!(noted(&setup), expected);
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
