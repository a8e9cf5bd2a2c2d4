//! A response on its way through the stages.

use std::collections::BTreeSet;

use iopo_constraints::Kind;
use iopo_core::random::keyed;
use iopo_judge::Language;
use iopo_schema::{ConstraintRow, VerdictRow, content_id};
use rand::RngExt;

use super::config::FipoConfig;
use super::evidence::{Stated, holding, violated};
use super::refusal::FipoRefusal;
use super::source::FipoSeed;
use crate::trace::ask::Mark;

/// How the worse instruction is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WorseOrder {
    /// A weaker model, which gets the plain order.
    Plain,
    /// With vague requirements.
    Vague,
    /// With a requirement that the response violates.
    Other(Stated),
}

impl WorseOrder {
    /// Returns the name in counters.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Vague => "vague",
            Self::Other(_) => "other",
        }
    }
}

/// A rewrite of the task.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rewrite {
    /// The new instruction, without the input.
    pub(crate) instruction: String,
    /// Its requirements.
    pub(crate) constraints: Vec<ConstraintRow>,
    /// The name of the model that wrote it.
    pub(crate) model: String,
}

/// What is known for a group besides the rewrites.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pair {
    /// The requirements of the worse rewrite that the better one lacks.
    pub(crate) added: Vec<ConstraintRow>,
    /// The verdicts on the first response: by the better rewrite, then by `added`.
    pub(crate) y1: Vec<VerdictRow>,
    /// The second response.
    pub(crate) y2: String,
    /// The request behind it.
    pub(crate) mark: Mark,
    /// The verdicts on it, in the same order.
    pub(crate) y2_verdicts: Vec<VerdictRow>,
    /// The requests for the ratings of the first and the second response, if the judge was asked.
    pub(crate) ratings: [Option<Mark>; 2],
}

/// A response with everything that the stages have made of it.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    pub(crate) seed: &'a FipoSeed,
    pub(crate) id: String,
    pub(crate) language: Language,
    /// The ordinary response, if the meta prompt shows it.
    pub(crate) naive: Option<&'a str>,
    /// Whether the meta prompt shows the response.
    pub(crate) shows_reference: bool,
    /// Sentences that hold in the response.
    pub(crate) offered: Vec<Stated>,
    pub(crate) order: WorseOrder,
    pub(crate) better: Option<Rewrite>,
    pub(crate) worse: Option<Rewrite>,
    /// The judge's verdicts: the better one first, then the worse one first.
    pub(crate) decisions: [Option<VerdictRow>; 2],
    pub(crate) margin: Option<f64>,
    pub(crate) pair: Pair,
    /// Why there is no preference.
    pub(crate) dropped: Option<FipoRefusal>,
    /// Why there is no group.
    pub(crate) ungrouped: Option<FipoRefusal>,
    /// Hash of all requests and answers so far.
    pub(crate) answers: String,
}

impl<'a> Item<'a> {
    /// Draws the modules of the meta prompt and the order of the worse rewrite.
    pub(crate) fn new(
        seed: &'a FipoSeed,
        language: Language,
        has_weaker_model: bool,
        held_out: &BTreeSet<Kind>,
        random_seed: u64,
        config: &FipoConfig,
    ) -> Self {
        let id = seed.id();
        let mut rng = keyed(random_seed, &["fipo", "modules", &id]);
        let combination = rng.random_range(0..4_u32);
        let offered = holding(seed, language, held_out, random_seed, config.offered);
        let wants_other = rng.random::<f64>() < config.other_share;
        let order = if has_weaker_model {
            WorseOrder::Plain
        } else if wants_other {
            violated(seed, &offered, language, held_out, random_seed)
                .map_or(WorseOrder::Vague, WorseOrder::Other)
        } else {
            WorseOrder::Vague
        };
        Self {
            seed,
            id,
            language,
            naive: seed.naive.as_deref().filter(|_| combination & 1 == 1),
            shows_reference: combination & 2 == 2,
            offered,
            order,
            better: None,
            worse: None,
            decisions: [None, None],
            margin: None,
            pair: Pair::default(),
            dropped: None,
            ungrouped: None,
            answers: String::new(),
        }
    }

    /// Returns the name of the optional modules in counters.
    pub(crate) const fn modules(&self) -> &'static str {
        match (self.naive.is_some(), self.shows_reference) {
            (false, false) => "neither",
            (true, false) => "naive",
            (false, true) => "reference",
            (true, true) => "both",
        }
    }

    /// Whether the next stage concerns the item.
    pub(crate) fn is_open(&self, for_group: bool) -> bool {
        self.dropped.is_none() && !(for_group && self.ungrouped.is_some())
    }

    /// Adds the requests and answers behind a result.
    pub(crate) fn mark(&mut self, mark: &Mark) {
        self.answers = content_id(&[&self.answers, &mark.answers]);
    }

    /// Returns the requirements of a group: those of the better rewrite, then those that only the worse one has.
    pub(crate) fn union(&self) -> Vec<ConstraintRow> {
        let better = self.better.iter().flat_map(|rewrite| rewrite.constraints.iter());
        better.chain(&self.pair.added).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_combinations_of_modules_are_equally_likely() {
        let config = FipoConfig::default();
        let mut found = std::collections::BTreeMap::new();
        for number in 0..800 {
            let seed = FipoSeed {
                task_id: number.to_string(),
                task: "Describe a street.".into(),
                y: "It is wet.".into(),
                naive: Some("Street.".into()),
                ..FipoSeed::default()
            };
            let none = BTreeSet::new();
            let item = Item::new(&seed, Language::English, true, &none, 1, &config);
            *found.entry(item.modules()).or_insert(0) += 1;
        }
        assert_eq!(found.len(), 4);
        assert!(found.values().all(|count| (150..=250).contains(count)), "{found:?}");
    }
}
