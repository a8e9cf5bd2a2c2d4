//! The comparison of a judge with code.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use iopo_schema::content_hash::{read_json, write_json};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::JudgeCheckConfig;
use super::items::CheckItem;
use crate::EvalError;
use crate::bootstrap::{Bootstrap, Observation, Statistic};

/// A share with its interval, by a bootstrap over the texts that responses are made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// The share; absent if nothing was counted.
    pub value: Option<f64>,
    /// Lower end of the interval.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
    /// Verdicts behind it.
    pub n: usize,
}

impl Rate {
    /// Formats the share in per cent with its interval and count.
    fn text(self) -> String {
        let percent = |value: Option<f64>| value.map(|value| format!("{:.1}", 100.0 * value));
        match (percent(self.value), percent(self.low), percent(self.high)) {
            (Some(value), Some(low), Some(high)) => {
                format!("{value} % [{low}, {high}] of {}", self.n)
            }
            (Some(value), _, _) => format!("{value} % of {}", self.n),
            (None, _, _) => "–".to_owned(),
        }
    }

    /// Formats the share in per cent with its interval and count, for a column.
    fn cell(self) -> String {
        let percent = |value: Option<f64>| value.map(|value| format!("{:.0}", 100.0 * value));
        match (percent(self.value), percent(self.low), percent(self.high)) {
            (Some(value), Some(low), Some(high)) => {
                format!("{value} [{low}, {high}] of {}", self.n)
            }
            (Some(value), _, _) => format!("{value} of {}", self.n),
            (None, _, _) => "–".to_owned(),
        }
    }
}

/// The verdicts of a judge on one kind of constraint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct KindCheck {
    /// Share of verdicts that equal those of code.
    pub accuracy: Rate,
    /// Share of violated constraints that the judge passes.
    pub false_passes: Rate,
    /// Share of satisfied constraints that the judge fails.
    pub false_fails: Rate,
}

/// How far a judge agrees with code and with itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgeCheck {
    /// The judge.
    pub judge: String,
    /// What differs between judges with different answers.
    pub fingerprint: String,
    /// Name of the endpoint, with a hash of its address; absent for a judge of this process.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Hash of the template.
    pub template: String,
    /// The settings.
    pub config: JudgeCheckConfig,
    /// Constraints in total.
    pub constraints: usize,
    /// Share of them that hold, the accuracy of a judge that passes everything.
    pub holding: Rate,
    /// Constraints without a verdict. They count in no rate.
    pub unjudged: usize,
    /// Constraints without a verdict, by reason.
    #[serde(default)]
    pub reasons: BTreeMap<String, usize>,
    /// Over all kinds.
    pub all: KindCheck,
    /// Share of verdicts that change when the judge is asked again.
    pub flips_when_repeated: Rate,
    /// Share of verdicts that change when the constraints are reversed.
    pub flips_when_reversed: Rate,
    /// By kind.
    pub by_kind: BTreeMap<String, KindCheck>,
}

/// What was asked.
pub(super) struct About {
    pub(super) judge: String,
    pub(super) fingerprint: String,
    pub(super) endpoint: Option<String>,
    pub(super) template: String,
    pub(super) config: JudgeCheckConfig,
    /// Constraints without a verdict when asked first, by reason.
    pub(super) reasons: BTreeMap<String, usize>,
}

/// The two verdicts on one constraint.
struct Pair<'a> {
    text: &'a str,
    kind: &'static str,
    holds: bool,
    judged: Option<bool>,
}

/// Compares the verdicts of three passes with those of code and with each other.
pub(super) fn compare(
    items: &[CheckItem],
    [first, repeated, reversed]: [Vec<&[Option<bool>]>; 3],
    about: About,
    bootstrap: Bootstrap,
) -> Result<JudgeCheck, EvalError> {
    let pairs: Vec<Pair<'_>> = items
        .iter()
        .zip(&first)
        .flat_map(|(item, verdicts)| {
            item.constraints.iter().zip(*verdicts).map(|(known, judged)| Pair {
                text: &item.text,
                kind: known.constraint.kind().id(),
                holds: known.holds,
                judged: *judged,
            })
        })
        .collect();
    let rate = |counted: &mut dyn Iterator<Item = (&str, bool)>| rate(counted, bootstrap);
    let of_kind = |kind: Option<&str>| -> Result<KindCheck, EvalError> {
        let own = || pairs.iter().filter(|pair| kind.is_none_or(|kind| kind == pair.kind));
        let judged = || own().filter_map(|pair| Some((pair, pair.judged?)));
        let wrong = |holds: bool| {
            judged()
                .filter(move |(pair, _)| pair.holds == holds)
                .map(|(pair, judged)| (pair.text, judged != pair.holds))
        };
        Ok(KindCheck {
            accuracy: rate(&mut judged().map(|(pair, judged)| (pair.text, judged == pair.holds)))?,
            false_passes: rate(&mut wrong(false))?,
            false_fails: rate(&mut wrong(true))?,
        })
    };
    let flips = |other: &[&[Option<bool>]]| {
        let both = items.iter().zip(first.iter().zip(other)).flat_map(|(item, (one, other))| {
            let pairs = one.iter().zip(*other);
            pairs.filter_map(|(one, other)| Some((item.text.as_str(), (*one)? != (*other)?)))
        });
        rate(&mut both.collect::<Vec<_>>().into_iter())
    };
    let mut by_kind = BTreeMap::new();
    for pair in &pairs {
        if !by_kind.contains_key(pair.kind) {
            by_kind.insert(pair.kind.to_owned(), of_kind(Some(pair.kind))?);
        }
    }
    Ok(JudgeCheck {
        judge: about.judge,
        fingerprint: about.fingerprint,
        endpoint: about.endpoint,
        template: about.template,
        config: about.config,
        constraints: pairs.len(),
        holding: rate(&mut pairs.iter().map(|pair| (pair.text, pair.holds)))?,
        unjudged: pairs.iter().filter(|pair| pair.judged.is_none()).count(),
        reasons: about.reasons,
        all: of_kind(None)?,
        flips_when_repeated: flips(&repeated)?,
        flips_when_reversed: flips(&reversed)?,
        by_kind,
    })
}

/// Computes a share, with an interval over texts. Edited versions of a text are not independent.
fn rate(
    counted: &mut dyn Iterator<Item = (&str, bool)>,
    bootstrap: Bootstrap,
) -> Result<Rate, EvalError> {
    let mut by_text: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    let mut n = 0;
    for (text, counts) in counted {
        let entry = by_text.entry(text).or_default();
        entry.0 += f64::from(counts);
        entry.1 += 1.0;
        n += 1;
    }
    let rows: Vec<Observation> = by_text
        .into_iter()
        .map(|(text, (num, den))| Observation::ratio(text, "", num, den))
        .collect();
    let estimate = bootstrap.estimate(&rows, Statistic::Ratio)?;
    let finite = |value: f64| value.is_finite().then_some(value);
    let [value, low, high] = [estimate.value, estimate.low, estimate.high].map(finite);
    Ok(Rate { value, low, high, n })
}

impl JudgeCheck {
    /// Reads the result of an earlier check.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, or differs from its hash.
    pub fn read(path: &Path) -> Result<Self, EvalError> {
        Ok(read_json(path)?)
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), EvalError> {
        Ok(write_json(path, self)?)
    }

    /// Returns the line that stands beside the table of a judged benchmark. `same_template` says whether the benchmark's judge was
    /// asked with the template of the check.
    pub(in crate::judged) fn line(&self, same_template: bool) -> String {
        let mut line = format!(
            "{}; false passes {}, false fails {}",
            self.all.accuracy.text(),
            self.all.false_passes.text(),
            self.all.false_fails.text()
        );
        if self.unjudged > 0 {
            let _ = write!(line, "; {}", self.missing(" without a verdict"));
        }
        if !same_template {
            line.push_str("; measured with the English TRACE prompt");
        }
        line
    }

    /// Formats the number of constraints without a verdict, what it counts, and the reasons.
    fn missing(&self, what: &str) -> String {
        let count = format!("{} of {}{what}", self.unjudged, self.constraints);
        if self.reasons.is_empty() {
            return count;
        }
        format!("{count} ({})", crate::error::classified(&self.reasons))
    }

    /// Returns the numbers that the metrics of a judged benchmark carry.
    pub(in crate::judged) fn summary(&self) -> Json {
        json!({
            "template": self.template,
            "constraints": self.constraints,
            "unjudged": self.unjudged,
            "reasons": self.reasons,
            "all": self.all,
            "flips_when_repeated": self.flips_when_repeated,
            "flips_when_reversed": self.flips_when_reversed,
        })
    }

    /// Formats the flips of a judge that is asked again. A model of this process that decodes greedily repeats itself.
    fn repeated(&self) -> String {
        if self.endpoint.is_none() && self.config.temperature <= 0.0 {
            return "not measured (greedy)".to_owned();
        }
        self.flips_when_repeated.text()
    }

    /// Renders the result as a table.
    pub fn table(&self) -> String {
        let mut out = format!(
            "{} on {} constraints that code decides, temperature {}\n\n",
            self.judge, self.constraints, self.config.temperature
        );
        let mut row = |name: &str, text: String| {
            let _ = writeln!(out, "{name:42} {text}");
        };
        row("accuracy", self.all.accuracy.text());
        row("constraints that hold", self.holding.text());
        row("false passes", self.all.false_passes.text());
        row("false fails", self.all.false_fails.text());
        row("flips when asked again", self.repeated());
        row("flips in reversed order", self.flips_when_reversed.text());
        row("constraints without a verdict", self.missing(""));
        out.push('\n');
        let mut line = |kind: &str, cells: [String; 3]| {
            let [accuracy, passes, fails] = cells;
            let _ = writeln!(out, "{kind:28} {accuracy:22} {passes:22} {fails}");
        };
        line("per cent", ["accuracy", "false passes", "false fails"].map(str::to_owned));
        for (kind, check) in &self.by_kind {
            let KindCheck { accuracy, false_passes, false_fails } = check;
            line(kind, [accuracy, false_passes, false_fails].map(|rate| rate.cell()));
        }
        out.trim_end().to_owned()
    }
}
