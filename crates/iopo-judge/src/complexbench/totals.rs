//! Metrics of ComplexBench.

use std::collections::BTreeMap;

use super::coherence::{Coherence, Group, coherence};
use super::{Item, PointVerdict};
use crate::Mean;

/// Metrics of ComplexBench, unrounded, over final verdicts.
///
/// `overall` and the tables of items count the published code's 2 as failed; `by_group`, `by_label` and the coherence count
/// it as met.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals {
    /// Decomposed requirements following ratio: the share of questions that are met. The headline.
    pub overall: Mean,
    /// By category, such as `Selection_2`.
    pub by_category: BTreeMap<String, Mean>,
    /// By the first part of the category.
    pub by_kind: BTreeMap<String, Mean>,
    /// By task type.
    pub by_task: BTreeMap<String, Mean>,
    /// By the sorted kinds of composition of the item.
    pub by_composition: BTreeMap<String, Mean>,
    /// By group of dimensions and by kind of composition of the question.
    pub by_group: BTreeMap<String, Mean>,
    /// By dimension and by kind of composition of the question.
    pub by_label: BTreeMap<String, Mean>,
    /// Groups whose items select one branch.
    pub single: Coherence,
    /// Groups whose items select branches within branches.
    pub multiple: Coherence,
}

/// The group of a dimension.
pub fn dimension_group(dimension: &str) -> Option<&'static str> {
    Some(match dimension {
        "Word Matching" | "Keywords" => "Lexical",
        "JSON Format" | "Markdown Format" | "Bullets Format" | "Length" | "Start with"
        | "End with" | "Punctuation" | "Template" => "Structure",
        "Language Style" | "Personalization" | "Topic" | "Sentiment" => "Semantic",
        "Helpfulness" | "Target Language" | "Supportiveness" | "Consistency" | "Factuality" => {
            "Utility"
        }
        _ => return None,
    })
}

/// Computes the metrics from the final verdicts of every item, as [`rely`](super::rely) returns them.
pub fn totals<'a>(
    judged: impl IntoIterator<Item = (&'a Item, &'a [Option<PointVerdict>])>,
) -> Totals {
    let mut totals = Totals::default();
    let mut groups: BTreeMap<&str, Group<'a>> = BTreeMap::new();
    for (item, verdicts) in judged {
        let mut compositions = item.compositions.clone();
        compositions.sort();
        let compositions = compositions.join("_");
        let kind = item.category.split('_').next().unwrap_or_default();
        for (at, question) in item.questions.iter().enumerate() {
            let verdict = verdicts.get(at).copied().flatten();
            let strict = verdict.map(|one| f64::from(one == PointVerdict::Yes));
            let lenient = verdict.map(|one| f64::from(one != PointVerdict::No));
            totals.overall.add(strict);
            add(&mut totals.by_category, &item.category, strict);
            add(&mut totals.by_kind, kind, strict);
            add(&mut totals.by_task, &item.task_type, strict);
            add(&mut totals.by_composition, &compositions, strict);
            for label in question.dimensions.iter().chain(&question.compositions) {
                add(&mut totals.by_label, label, lenient);
            }
            let groups = question.dimensions.iter().filter_map(|one| dimension_group(one));
            for group in groups.chain(question.compositions.iter().map(String::as_str)) {
                add(&mut totals.by_group, group, lenient);
            }
        }
        if !item.group.is_empty() {
            groups.entry(&item.group).or_default().push((item, verdicts));
        }
    }
    [totals.single, totals.multiple] = coherence(groups.values());
    totals
}

fn add(table: &mut BTreeMap<String, Mean>, key: &str, value: Option<f64>) {
    table.entry(key.to_owned()).or_default().add(value);
}
