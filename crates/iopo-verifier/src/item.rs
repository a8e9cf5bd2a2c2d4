//! One item: a response with its instructions or constraints, and the verdicts.

use std::borrow::Cow;

use iopo_constraints::Constraint;
use iopo_constraints::ifbench::{self, Tagger};
use iopo_constraints::ifeval::{self, InstructionError, Mode, Response};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::batch::Choices;
use crate::error::ItemError;
use crate::kwargs::{Kwargs, Params};
use crate::limits::{Limits, MOST_CHECKS, MOST_LEVELS, MOST_VALUES};
use crate::reply::ErrorBody;
use crate::split::Span;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item<'a> {
    #[serde(borrow)]
    response: Cow<'a, str>,
    /// Not needed for a verdict, but part of every row.
    #[serde(default, rename = "prompt")]
    _prompt: IgnoredAny,
    #[serde(default, rename = "key")]
    _key: IgnoredAny,
    benchmark: Option<Benchmark>,
    instruction_id_list: Option<Vec<String>>,
    kwargs: Option<Vec<Kwargs>>,
    constraints: Option<Vec<Listed>>,
}

/// The benchmark whose instructions are looked up. Without one, both are.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Benchmark {
    Ifeval,
    Ifbench,
}

/// A constraint by id and parameters, or as it is in iopo's files, where those are the field `check`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    id: Option<String>,
    params: Option<Params>,
    #[serde(default)]
    check: Checked,
    #[serde(default, rename = "text")]
    _text: IgnoredAny,
    #[serde(default, rename = "type", alias = "constraint_type")]
    _type: IgnoredAny,
    #[serde(default, rename = "dimension")]
    _dimension: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Check {
    id: String,
    params: Option<Params>,
}

/// The field `check` of a row.
#[derive(Default)]
enum Checked {
    #[default]
    Absent,
    ByJudge,
    ByCode(Check),
}

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::ByJudge, Self::ByCode))
    }
}

/// What the checks need besides the item.
pub(crate) struct Setup<'a> {
    pub(crate) choices: Choices,
    pub(crate) limits: &'a Limits,
    pub(crate) tagger: Option<&'a Tagger>,
}

#[derive(Serialize)]
struct Scored {
    reward: Option<f64>,
    verdicts: Vec<Option<Verdict>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Verdict {
    Instruction { strict: bool, loose: bool, loose_variant: Option<usize> },
    Constraint { satisfied: bool, evidence: String },
}

#[derive(Serialize)]
struct Failed {
    reward: Option<f64>,
    error: ErrorBody,
}

/// Checks an item. Returns its result as JSON. Gives up between two checks when `late` returns true.
pub(crate) fn check(text: &str, span: &Span, setup: &Setup<'_>, late: impl Fn() -> bool) -> String {
    match scored(text, span, setup, late) {
        Ok(scored) => serde_json::to_string(&scored).unwrap_or_default(),
        Err(error) => failed(&error),
    }
}

/// The result of an item without verdicts, as JSON.
pub(crate) fn failed(error: &ItemError) -> String {
    serde_json::to_string(&Failed { reward: None, error: error.into() }).unwrap_or_default()
}

fn scored(
    text: &str,
    span: &Span,
    setup: &Setup<'_>,
    late: impl Fn() -> bool,
) -> Result<Scored, ItemError> {
    if span.levels > MOST_LEVELS {
        return Err(invalid(format!(
            "found more than {MOST_LEVELS} levels of nesting, expected fewer"
        )));
    }
    if span.values > MOST_VALUES {
        return Err(invalid(format!("found more than {MOST_VALUES} values, expected fewer")));
    }
    let item: Item<'_> =
        serde_json::from_str(text).map_err(|error| invalid(without_place(&error.to_string())))?;
    let (found, most) = (item.response.len(), setup.limits.max_response_size);
    if found > most {
        return Err(ItemError::TooLong { found, most });
    }
    let verdicts = match (item.instruction_id_list, item.constraints) {
        (Some(_), Some(_)) => {
            let found = "both `instruction_id_list` and `constraints`";
            return Err(invalid(format!("found {found}, expected one of them")));
        }
        (None, Some(constraints)) => of_constraints(&item.response, constraints, late)?,
        (ids, None) => {
            let (ids, kwargs) = (ids.unwrap_or_default(), item.kwargs.unwrap_or_default());
            of_instructions(&item.response, item.benchmark, &ids, kwargs, setup, late)?
        }
    };
    Ok(Scored { reward: reward(&verdicts, setup.choices), verdicts })
}

/// The share of the verdicts that are positive, or all or nothing; `None` without verdicts.
fn reward(verdicts: &[Option<Verdict>], choices: Choices) -> Option<f64> {
    let positive = |verdict: &Verdict| match verdict {
        Verdict::Instruction { strict, loose, .. } => {
            if choices.loose {
                *loose
            } else {
                *strict
            }
        }
        Verdict::Constraint { satisfied, .. } => *satisfied,
    };
    let all = verdicts.iter().flatten().count();
    let followed = verdicts.iter().flatten().filter(|verdict| positive(verdict)).count();
    match (all, choices.every) {
        (0, _) => None,
        (_, true) => Some(f64::from(u8::from(followed == all))),
        (_, false) => Some(followed as f64 / all as f64),
    }
}

fn of_constraints(
    response: &str,
    constraints: Vec<Listed>,
    late: impl Fn() -> bool,
) -> Result<Vec<Option<Verdict>>, ItemError> {
    count("constraints", constraints.len())?;
    let verdict = |(at, listed): (usize, Listed)| {
        let Some(constraint) = constraint(at, listed)? else { return Ok(None) };
        if late() {
            return Err(given_up());
        }
        let iopo_constraints::Verdict { satisfied, evidence } = constraint.check(response);
        Ok(Some(Verdict::Constraint { satisfied, evidence }))
    };
    constraints.into_iter().enumerate().map(verdict).collect()
}

/// Creates a constraint; `None` for one that only a judge can decide.
fn constraint(at: usize, listed: Listed) -> Result<Option<Constraint>, ItemError> {
    // Columns of a dataset have every field in each row, with null for those that a row lacks.
    let (id, params) = match (listed.id, listed.check) {
        (Some(_), Checked::ByCode(_)) => {
            let found = "found `id` and `check`, expected one of them";
            return Err(invalid(format!("`constraints[{at}]`: {found}")));
        }
        (Some(id), _) => (id, listed.params),
        (None, Checked::ByCode(check)) => (check.id, check.params),
        (None, Checked::ByJudge) => return Ok(None),
        (None, Checked::Absent) => {
            return Err(invalid(format!("`constraints[{at}]`: missing `id`")));
        }
    };
    let params = params.map_or("{}".to_owned(), |params| params.0);
    Ok(Some(Constraint::from_parts(&id, &params)?))
}

fn of_instructions(
    response: &str,
    benchmark: Option<Benchmark>,
    ids: &[String],
    kwargs: Vec<Kwargs>,
    setup: &Setup<'_>,
    late: impl Fn() -> bool,
) -> Result<Vec<Option<Verdict>>, ItemError> {
    count("instruction_id_list", ids.len())?;
    if kwargs.len() != ids.len() {
        let expected = format!("{}, as many as `instruction_id_list`", ids.len());
        return Err(invalid(format!(
            "`kwargs`: found {} items, expected {expected}",
            kwargs.len()
        )));
    }
    let response = Response::new(response);
    // Each checker is dropped after its verdict, because it may contain large patterns.
    let verdict = |(id, kwargs): (&String, Kwargs)| {
        if late() {
            return Err(given_up());
        }
        match checked(benchmark, id, &kwargs.0, &response, setup) {
            Ok(verdict) => Ok(Some(verdict)),
            Err(
                InstructionError::UnknownInstruction { .. } | InstructionError::MissingTable { .. },
            ) if setup.choices.skip_unsupported => Ok(None),
            Err(error) => Err(error.into()),
        }
    };
    ids.iter().zip(kwargs).map(verdict).collect()
}

/// The error of an id that neither benchmark has, where IFEval has `known` ids.
fn in_neither(error: InstructionError, known: usize) -> InstructionError {
    match error {
        InstructionError::UnknownInstruction { id, known: others, .. } => {
            let (known, benchmark) = (known + others, "IFEval and IFBench");
            InstructionError::UnknownInstruction { id, known, benchmark }
        }
        other => other,
    }
}

fn checked(
    benchmark: Option<Benchmark>,
    id: &str,
    kwargs: &Map<String, Value>,
    response: &Response<'_>,
    setup: &Setup<'_>,
) -> Result<Verdict, InstructionError> {
    let mode: Mode = setup.choices.mode;
    let of_ifbench = || {
        let instruction = ifbench::Instruction::from_parts(id, kwargs)?;
        Ok(ifbench::Checker::new(&instruction, mode, setup.tagger)?.verdict(response))
    };
    let verdict = if benchmark == Some(Benchmark::Ifbench) {
        of_ifbench()?
    } else {
        match ifeval::Instruction::from_parts(id, kwargs) {
            Err(InstructionError::UnknownInstruction { known, .. }) if benchmark.is_none() => {
                of_ifbench().map_err(|error| in_neither(error, known))?
            }
            instruction => ifeval::Checker::new(&instruction?, mode)?.verdict(response),
        }
    };
    let ifeval::InstructionVerdict { strict, loose, loose_variant, .. } = verdict;
    Ok(Verdict::Instruction { strict, loose, loose_variant })
}

fn count(name: &str, found: usize) -> Result<(), ItemError> {
    if found <= MOST_CHECKS {
        return Ok(());
    }
    Err(invalid(format!("`{name}`: found {found}, expected at most {MOST_CHECKS}")))
}

/// The error of an item that nobody waits for anymore. The reply has the one with the time limit.
fn given_up() -> ItemError {
    ItemError::Timeout { seconds: String::new() }
}

fn invalid(reason: String) -> ItemError {
    ItemError::Invalid { reason }
}

/// Removes the place from an error of the parser, because lines and columns count from the start of the item.
pub(crate) fn without_place(text: &str) -> String {
    let cut = text.rfind(" at line ").map_or(text, |at| &text[..at]);
    let shown: String = cut.chars().take(200).collect();
    if shown.len() < cut.len() { shown + "…" } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split::Scanner;

    fn result_of(text: &str, choices: Choices, limits: &Limits) -> Value {
        let span = Scanner::new(text, 0).value();
        let setup = Setup { choices, limits, tagger: None };
        serde_json::from_str(&check(text, &span, &setup, || false)).expect("JSON")
    }

    fn choices() -> Choices {
        Choices::default()
    }

    fn result(text: &str) -> Value {
        result_of(text, choices(), &Limits::default())
    }

    #[test]
    fn the_reward_follows_the_settings() {
        let both = r#"{"response": "Sure, here it is:\nTea 1 2", "prompt": "p", "key": 3,
            "instruction_id_list": ["punctuation:no_comma", "count:numbers"],
            "kwargs": [{"num_words": null}, {"N": 2.0}]}"#;
        let limits = Limits::default();
        for (settings, expected) in [
            (choices(), 0.5),
            (Choices { loose: true, ..choices() }, 1.0),
            (Choices { every: true, ..choices() }, 0.0),
            (Choices { loose: true, every: true, ..choices() }, 1.0),
        ] {
            assert_eq!(result_of(both, settings, &limits)["reward"], expected, "{settings:?}");
        }
        let verdicts = &result(both)["verdicts"];
        let comma = serde_json::json!({"strict": false, "loose": true, "loose_variant": 2});
        assert_eq!(verdicts[0], comma);
        assert_eq!(verdicts[1]["strict"], true);
    }

    #[test]
    fn an_instruction_without_a_check_is_an_error_or_skipped() {
        let text = r#"{"response": "Brew tea", "benchmark": "ifbench", "kwargs": [{}, {}, {}],
            "instruction_id_list": ["words:start_verb", "punctuation:no_comma", "words:vowel"]}"#;
        let error = &result(text)["error"];
        assert_eq!(error["type"], "InstructionError");
        assert!(error["message"].as_str().is_some_and(|text| text.contains("start_verb")));
        let skipped = Choices { skip_unsupported: true, ..choices() };
        let found = result_of(text, skipped, &Limits::default());
        assert!(found["verdicts"][0].is_null() && found["verdicts"][1].is_null(), "{found}");
        assert_eq!(found["reward"], 1.0);
    }

    #[test]
    fn constraints_come_in_every_form_of_a_dataset() {
        for form in [
            r#"{"id": "max_words", "params": {"n": 2, "word": null}}"#,
            r#"{"id": "max_words", "params": "{\"n\":2}"}"#,
            r#"{"text": "t", "type": "x", "dimension": "y", "check": {"id": "max_words", "params": "{\"n\":2}"}}"#,
            r#"{"text": "t", "constraint_type": "x", "dimension": "y", "check": {"id": "max_words", "params": "{\"n\":2}"}}"#,
        ] {
            let text = format!(
                r#"{{"response": "tea, tea tea", "constraints": [{form}, {{"text": "Be kind.", "check": null}}, {{"id": "no_commas"}}]}}"#
            );
            let found = result(&text);
            assert_eq!(found["reward"], 0.0, "{found}");
            assert_eq!(found["verdicts"][0]["evidence"], "3 words, at most 2 asked");
            assert!(found["verdicts"][1].is_null(), "{found}");
        }
    }

    #[test]
    fn an_item_without_checks_has_no_reward() {
        for text in [
            r#"{"response": "a"}"#,
            r#"{"response": "a", "constraints": []}"#,
            r#"{"response": "a", "instruction_id_list": null, "kwargs": null, "constraints": null}"#,
        ] {
            assert_eq!(result(text), serde_json::json!({"reward": null, "verdicts": []}), "{text}");
        }
    }

    #[test]
    fn a_wrong_item_is_refused_by_what_is_wrong() {
        let deep =
            format!(r#"{{"response": "a", "kwargs": {}{}}}"#, "[".repeat(40), "]".repeat(40));
        let wide = format!(r#"{{"response": "a", "kwargs": [{}0]}}"#, "0,".repeat(20_000));
        let many = format!(
            r#"{{"response": "a", "constraints": [{}0]}}"#,
            r#"{"id": "no_commas"},"#.repeat(64)
        );
        let many = many.replace(",0]", r#",{"id": "no_commas"}]"#);
        for (text, kind, expected) in [
            ("3", "InvalidItem", "invalid type: integer `3`"),
            ("{}", "InvalidItem", "missing field `response`"),
            (r#"{"response": null}"#, "InvalidItem", "invalid type: null"),
            (r#"{"response": "a", "response": "b"}"#, "InvalidItem", "duplicate field `response`"),
            (r#"{"response": "a", "ids": []}"#, "InvalidItem", "unknown field `ids`"),
            (
                r#"{"response": "a", "benchmark": "trace"}"#,
                "InvalidItem",
                "unknown variant `trace`",
            ),
            (
                r#"{"response": "a", "instruction_id_list": [], "constraints": []}"#,
                "InvalidItem",
                "found both",
            ),
            (
                r#"{"response": "a", "instruction_id_list": ["x"]}"#,
                "InvalidItem",
                "`kwargs`: found 0 items",
            ),
            (
                r#"{"response": "a", "constraints": [{}]}"#,
                "InvalidItem",
                "`constraints[0]`: missing `id`",
            ),
            (
                r#"{"response": "a", "instruction_id_list": ["x"], "kwargs": [{}]}"#,
                "InstructionError",
                "unknown instruction `x`, expected one of the 83 ids of IFEval and IFBench",
            ),
            (
                r#"{"response": "a", "benchmark": "ifeval", "instruction_id_list": ["count:numbers"], "kwargs": [{}]}"#,
                "InstructionError",
                "unknown instruction `count:numbers`, expected one of the 25 ids of IFEval",
            ),
            (
                r#"{"response": "a", "constraints": [{"id": "x"}]}"#,
                "ConstraintError",
                "unknown constraint kind `x`",
            ),
            (
                r#"{"response": "a", "constraints": [{"id": "max_words", "params": {"n": -1}}]}"#,
                "ConstraintError",
                "unreadable parameters",
            ),
            (
                r#"{"response": "a", "constraints": [{"id": "max_words", "params": {"n": 1e999}}]}"#,
                "InvalidItem",
                "number out of range",
            ),
            (&deep, "InvalidItem", "found more than 32 levels"),
            (&wide, "InvalidItem", "found more than 10000 values"),
            (&many, "InvalidItem", "`constraints`: found 65, expected at most 64"),
        ] {
            let found = result(text);
            let message = found["error"]["message"].as_str().unwrap_or_default();
            assert!(message.starts_with(expected), "{text:.80}: {found}");
            assert_eq!(found["error"]["type"], kind, "{text:.80}");
            assert!(found["reward"].is_null() && !message.contains(" at line "), "{found}");
        }
    }

    #[test]
    fn a_long_response_is_refused() {
        let limits = Limits { max_response_size: 3, ..Limits::default() };
        let found = |text| result_of(text, choices(), &limits);
        assert!(found(r#"{"response": "\u0061bc"}"#)["error"].is_null());
        assert_eq!(found(r#"{"response": "abé"}"#)["error"]["type"], "ResponseTooLong");
    }
}
