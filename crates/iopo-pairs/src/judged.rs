//! Chooses the candidates with verdicts of a judge that become groups.

use std::collections::{BTreeMap, BTreeSet};

use iopo_constraints::taxonomy::Dimension;
use iopo_constraints::{Constraint, quality::QualityConfig};
use iopo_core::Counts;
use iopo_core::random::keyed_hash;
use iopo_schema::{Breakdown, ConstraintRow, GroupKind, PreferenceRow, Split, Total, content_id};

use crate::PairsConfig;
use crate::admit::kind_of;
use crate::admit_judged::{JudgedRefusal, JudgedRules, admit_judged};
use crate::balance::Balance;
use crate::change::Change;
use crate::minhash::{SeenSignatures, jaccard, shingles};
use crate::offer::{Changed, Offer, choose};

/// Returns the rows of each task, in the order in which the tasks first occur.
pub(crate) fn by_task(rows: &[PreferenceRow]) -> Vec<(&str, Vec<&PreferenceRow>)> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut tasks: Vec<(&str, Vec<&PreferenceRow>)> = Vec::new();
    for row in rows {
        let place = *places.entry(&row.task_id).or_insert_with(|| {
            tasks.push((&row.task_id, Vec::new()));
            tasks.len() - 1
        });
        tasks[place].1.push(row);
    }
    tasks
}

/// Returns the weight of each facet that the balance of judged groups counts: the dimensions.
pub(crate) fn facets() -> BTreeMap<String, f64> {
    Dimension::ALL.iter().map(|dimension| (dimension.english().to_owned(), 1.0)).collect()
}

/// The distinct answers of a task's candidates.
#[derive(Debug, Default)]
struct Answers<'a> {
    places: BTreeMap<&'a str, usize>,
    runs: Vec<BTreeSet<u64>>,
}

impl<'a> Answers<'a> {
    fn place(&mut self, text: &'a str) -> usize {
        let next = self.runs.len();
        let place = *self.places.entry(text).or_insert(next);
        if place == next {
            self.runs.push(shingles(text));
        }
        place
    }
}

/// The admitted candidates of a task.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// Groups, in the order of choice.
    pub(crate) groups: Vec<PreferenceRow>,
    /// Pairs of an accepted and a worse response, in the order of the candidates.
    pub(crate) pairs: Vec<PreferenceRow>,
}

/// Returns the groups and pairs of one task, each up to the limit of its split. Counts each refused candidate by its reason.
pub(crate) fn judged_groups(
    rows: &[&PreferenceRow],
    split: Split,
    rules: &JudgedRules,
    config: &PairsConfig,
    seen: &mut SeenSignatures,
    balance: &mut Balance<String>,
    counts: &mut Counts,
) -> Judged {
    let Some(first) = rows.first() else { return Judged::default() };
    let admitted: Vec<PreferenceRow> = rows
        .iter()
        .filter_map(|row| {
            if let Some(operation) = row.operation {
                counts.one(Breakdown::Candidates.of(operation));
            }
            let is_same = row.task == first.task && row.input == first.input;
            let made =
                if is_same { admitted(row, split, rules, config) } else { Err("other_task") };
            made.map_err(|reason| counts.one(Breakdown::Dropped.of(reason))).ok()
        })
        .collect();
    let mut answers = Answers::default();
    let pairs: Vec<[usize; 2]> =
        admitted.iter().map(|row| [answers.place(&row.y1), answers.place(&row.y2)]).collect();
    let fresh = seen.insert_fresh(answers.runs.iter());
    let limit = config.max_groups_per_task.get(split);
    let mut pairs_made: Vec<PreferenceRow> = Vec::new();
    let mut offers: Vec<Offer<'_, String>> = Vec::new();
    let mut kept: Vec<&PreferenceRow> = Vec::new();
    let mut numbers: BTreeMap<[usize; 2], usize> = BTreeMap::new();
    for (row, [y1, y2]) in admitted.iter().zip(pairs) {
        let runs = [&answers.runs[y1], &answers.runs[y2]];
        if !(fresh[y1] && fresh[y2]) {
            counts.one(Breakdown::Dropped.of("near_duplicate_across_tasks"));
        } else if jaccard(runs[0], runs[1]) >= config.near_duplicate_threshold {
            counts.one(Breakdown::Dropped.of("trivial_difference"));
        } else if row.is_pair() {
            if pairs_made.len() < limit {
                pairs_made.push(row.clone());
            } else {
                counts.one(Breakdown::Dropped.of("not_chosen"));
            }
        } else if let Some(operation) = row.operation {
            let next = numbers.len();
            let pair = *numbers.entry([y1.min(y2), y1.max(y2)]).or_insert(next);
            let facet = |row: &ConstraintRow| row.dimension.clone();
            let changed = row.removed.iter().chain(&row.added);
            let changed = changed.map(|row| Changed { facet: facet(row), rank: 0, own: true });
            offers.push(Offer {
                operation,
                pair,
                edited: row.has_edit(),
                changed: changed.collect(),
                runs,
                tie: tie(config.seed, &row.id),
            });
            kept.push(row);
        }
    }
    counts.one(Total::Tasks);
    counts.add(Total::Answers, fresh.iter().filter(|fresh| **fresh).count() as u64);
    counts.add(Total::Pairs, numbers.len() as u64);
    let repeated = |counts: &Counts| {
        ["duplicate", "near_duplicate"]
            .map(|name| counts.get(&Breakdown::Dropped.of(name)))
            .iter()
            .sum::<u64>()
    };
    let before = repeated(counts);
    // A task often has one candidate only, which would never be used if its share of full groups had to be reached.
    let all_sided = offers.iter().all(|offer| kind_of(offer.operation) == GroupKind::Sided);
    let relaxed = PairsConfig { min_full_share: 0.0, ..config.clone() };
    let config = if all_sided { &relaxed } else { config };
    let groups = choose(&offers, limit, &facets(), config, balance, counts, |index, _| {
        let row = kept[index];
        Ok((row.clone(), common(row)))
    });
    // Unlike the combinations of answers, candidates cost calls of a model, so those that no limit admits are counted.
    let used = groups.len() as u64 + repeated(counts) - before;
    counts.add(Breakdown::Dropped.of("not_chosen"), offers.len() as u64 - used);
    Judged { groups, pairs: pairs_made }
}

/// Returns the row of a candidate that becomes a group, or the reason why there is none.
fn admitted(
    row: &PreferenceRow,
    split: Split,
    rules: &JudgedRules,
    config: &PairsConfig,
) -> Result<PreferenceRow, &'static str> {
    let proof = admit_judged(row, rules).map_err(JudgedRefusal::name)?;
    let is_disabled = match row.operation {
        Some(operation) => config.operation_weight(operation) <= 0.0,
        None => !config.judged.worse_answers,
    };
    if is_disabled {
        return Err("operation_disabled");
    }
    // The worse response of a pair may fail in any way.
    let answers = is_answer(&row.y1, &row.x1_constraints, &config.quality)
        && (row.is_pair() || is_answer(&row.y2, &row.x2_constraints, &config.quality));
    if !answers {
        return Err("no_answer");
    }
    let texts =
        [row.x1.as_str(), &row.y1].into_iter().chain(row.x2.as_deref()).chain([row.y2.as_str()]);
    let id = content_id(&texts.collect::<Vec<_>>());
    Ok(PreferenceRow { id, split, proof, ..row.clone() })
}

/// Whether a response counts as an answer: it neither loops nor repeats the sentence of a constraint with a check. A
/// constraint without a check can ask for a short response, so only a list of checks tells whether one is too short.
fn is_answer(response: &str, asked: &[ConstraintRow], quality: &QualityConfig) -> bool {
    let checks: Vec<(Constraint, &str)> =
        asked.iter().filter_map(|row| Some((row.constraint()?.ok()?, row.text.as_str()))).collect();
    let sentences = checks.iter().map(|(check, text)| (check, *text));
    let is_thin = checks.len() == asked.len()
        && quality.is_thin(response, checks.iter().map(|(check, _)| check));
    !quality.is_echo(response, sentences) && !quality.is_loop(response) && !is_thin
}

/// Returns the dimensions of the constraints that x1 and x2 share.
fn common(row: &PreferenceRow) -> Vec<String> {
    let change = row.operation.and_then(|operation| Change::of(row, operation));
    let shared = change.map(|change| change.shared).unwrap_or_default();
    shared.iter().map(|(index, _)| row.x1_constraints[*index].dimension.clone()).collect()
}

fn tie(seed: u64, id: &str) -> u32 {
    let [a, b, c, d, ..] = keyed_hash(seed, &["candidate", id]);
    u32::from_le_bytes([a, b, c, d])
}
