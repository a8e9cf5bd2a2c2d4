//! The four accuracies with their intervals.

use std::collections::{BTreeMap, BTreeSet};

use iopo_schema::{ScoreRow, SummaryRow};

use crate::{Bootstrap, EvalError, Observation, Prompt, Statistic};

/// The accuracies over all prompts, by type of instruction, by number of instructions, and over
/// the types that the synthesis asks for (`seen`) and those that it does not (`unseen`).
///
/// A prompt counts in the prompt accuracies if all its instructions were checked, and in those of
/// `seen` or `unseen` if all of them are.
pub fn summarize(
    model: &str,
    prompts: &[Prompt],
    scores: &[ScoreRow],
    bootstrap: Bootstrap,
) -> Result<Vec<SummaryRow>, EvalError> {
    let mut by_key: BTreeMap<&str, Vec<&ScoreRow>> = BTreeMap::new();
    for score in scores {
        by_key.entry(&score.key).or_default().push(score);
    }
    let answers: Vec<Answer<'_>> = prompts
        .iter()
        .map(|prompt| Answer {
            prompt,
            scores: by_key.remove(prompt.key.as_str()).unwrap_or_default(),
        })
        .collect();
    let mut rows = Vec::new();
    for subset in subsets(prompts, scores) {
        for (metric, loose) in [("strict", false), ("loose", true)] {
            let mut add = |of: &str, observed: Vec<Observation>| -> Result<(), EvalError> {
                let estimate = bootstrap.estimate(&observed, Statistic::Ratio)?;
                rows.push(SummaryRow {
                    model: model.to_owned(),
                    baseline: None,
                    metric: format!("{of}_accuracy_{metric}"),
                    subset: subset.name(),
                    value: estimate.value,
                    low: estimate.low,
                    high: estimate.high,
                    n: estimate.n,
                });
                Ok(())
            };
            if !matches!(subset, Subset::Type(_)) {
                add("prompt", answers.iter().map(|one| one.whole(&subset, loose)).collect())?;
            }
            add("instruction", answers.iter().map(|one| one.parts(&subset, loose)).collect())?;
        }
    }
    Ok(rows)
}

/// Which instructions an accuracy is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subset<'a> {
    All,
    Seen,
    Unseen,
    /// Those of prompts with so many.
    Count(usize),
    Type(&'a str),
}

impl Subset<'_> {
    fn name(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Seen => "seen".to_owned(),
            Self::Unseen => "unseen".to_owned(),
            Self::Count(count) => format!("constraints/{count}"),
            Self::Type(id) => format!("kind/{id}"),
        }
    }

    fn holds(&self, score: &ScoreRow, count: usize) -> bool {
        match self {
            Self::All => true,
            Self::Seen => score.seen,
            Self::Unseen => !score.seen,
            Self::Count(wanted) => count == *wanted,
            Self::Type(id) => score.instruction_id == *id,
        }
    }
}

/// The subsets that there is something in, in the order of the table.
fn subsets<'a>(prompts: &[Prompt], scores: &'a [ScoreRow]) -> Vec<Subset<'a>> {
    let counts: BTreeSet<usize> = prompts.iter().map(|prompt| prompt.constraints.len()).collect();
    let types: BTreeSet<&str> = scores.iter().map(|score| score.instruction_id.as_str()).collect();
    let mut subsets = vec![Subset::All, Subset::Seen, Subset::Unseen];
    subsets.extend(counts.into_iter().map(Subset::Count));
    subsets.extend(types.into_iter().map(Subset::Type));
    subsets
}

/// A prompt with the verdicts on its answer.
struct Answer<'a> {
    prompt: &'a Prompt,
    scores: Vec<&'a ScoreRow>,
}

impl Answer<'_> {
    /// The prompt as one observation.
    fn whole(&self, subset: &Subset<'_>, loose: bool) -> Observation {
        let count = self.prompt.constraints.len();
        let counts = count > 0
            && self.scores.len() == count
            && self.scores.iter().all(|score| subset.holds(score, count));
        let followed = counts && self.scores.iter().all(|score| passes(score, loose));
        self.observation(usize::from(followed), usize::from(counts))
    }

    /// Its instructions as one observation.
    fn parts(&self, subset: &Subset<'_>, loose: bool) -> Observation {
        let count = self.prompt.constraints.len();
        let chosen = self.scores.iter().filter(|score| subset.holds(score, count));
        let (followed, all) = chosen.fold((0, 0), |(followed, all), score| {
            (followed + usize::from(passes(score, loose)), all + 1)
        });
        self.observation(followed, all)
    }

    fn observation(&self, num: usize, den: usize) -> Observation {
        Observation::ratio(self.prompt.key.as_str(), "", num as f64, den as f64)
    }
}

fn passes(score: &ScoreRow, loose: bool) -> bool {
    if loose { score.loose.unwrap_or(score.strict) } else { score.strict }
}
