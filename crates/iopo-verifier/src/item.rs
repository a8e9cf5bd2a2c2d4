//! One item: a response with its instructions or constraints, and the verdicts.

use iopo_constraints::benchmark::Checker;
use iopo_constraints::ifbench::Tagger;
use iopo_constraints::ifeval::{InstructionError, InstructionVerdict, Response};
use iopo_constraints::listed::{self, ListedError};
use iopo_constraints::strict_json::{self, Fault, Reader};
use serde::Serialize;
use serde_json::Value;

use crate::batch::Choices;
use crate::error::ItemError;
use crate::fields::{self, Checks};
use crate::limits::{Limits, MOST_LEVELS, MOST_LISTED, MOST_TEXT, MOST_VALUES};
use crate::reply::ErrorBody;
use crate::split::Span;

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
    // The values of parameters that are text count, too.
    let mut reader = Reader::new(strict_json::Limits {
        levels: MOST_LEVELS,
        values: MOST_VALUES,
        listed: MOST_LISTED,
        text: MOST_TEXT,
    });
    let item = fields::read(text, &mut reader).map_err(|fault| refused(&fault))?;
    let (found, most) = (item.response.len(), setup.limits.max_response_size);
    if found > most {
        return Err(ItemError::TooLong { found, most });
    }
    let response = &item.response;
    let verdicts = match item.checks {
        Checks::Constraints(rows) => of_constraints(response, rows, &mut reader, late)?,
        Checks::Instructions(benchmark, parts) => {
            let response = Response::new(response);
            // Each checker is dropped after its verdict, because it may contain large patterns.
            let verdict = |(id, kwargs): (String, _)| {
                if late() {
                    return Err(given_up());
                }
                let mode = setup.choices.mode;
                match Checker::new(benchmark, &id, &kwargs, mode, setup.tagger) {
                    Ok(checker) => Ok(Some(checker.verdict(&response).into())),
                    Err(error) if setup.choices.skip_unsupported && is_unsupported(&error) => {
                        Ok(None)
                    }
                    Err(error) => Err(error.into()),
                }
            };
            parts.into_iter().map(verdict).collect::<Result<_, _>>()?
        }
    };
    Ok(Scored { reward: reward(&verdicts, setup.choices), verdicts })
}

impl From<InstructionVerdict> for Verdict {
    fn from(verdict: InstructionVerdict) -> Self {
        let InstructionVerdict { strict, loose, loose_variant, .. } = verdict;
        Self::Instruction { strict, loose, loose_variant }
    }
}

/// Whether an instruction has no check.
fn is_unsupported(error: &InstructionError) -> bool {
    matches!(
        error,
        InstructionError::UnknownInstruction { .. } | InstructionError::MissingTable { .. }
    )
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
    rows: Vec<Value>,
    reader: &mut Reader,
    late: impl Fn() -> bool,
) -> Result<Vec<Option<Verdict>>, ItemError> {
    let verdict = |(at, row): (usize, Value)| {
        let constraint = match listed::constraint(row, &format!("constraints[{at}]"), reader) {
            Ok(Some(constraint)) => constraint,
            Ok(None) => return Ok(None),
            Err(ListedError::Row(fault)) => return Err(refused(&fault)),
            Err(ListedError::Constraint(error)) => return Err(error.into()),
            Err(other) => return Err(invalid(other.to_string())),
        };
        if late() {
            return Err(given_up());
        }
        let iopo_constraints::Verdict { satisfied, evidence } = constraint.check(response);
        Ok(Some(Verdict::Constraint { satisfied, evidence }))
    };
    rows.into_iter().enumerate().map(verdict).collect()
}

/// The error of an item that nobody waits for anymore. The reply has the one with the time limit.
fn given_up() -> ItemError {
    ItemError::Timeout { seconds: String::new() }
}

fn refused(fault: &Fault) -> ItemError {
    invalid(without_place(&fault.to_string()))
}

fn invalid(reason: String) -> ItemError {
    ItemError::Invalid { reason }
}

/// Removes the place from an error of the parser, because lines and columns count from the start of the item.
fn without_place(text: &str) -> String {
    let cut = text.rfind(" at line ").map_or(text, |at| &text[..at]);
    let shown: String = cut.chars().take(300).collect();
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
    fn rows_of_datasets_are_read_or_refused() {
        let table = include_str!("../../iopo-constraints/tests/data/listed.json");
        let table: Value = serde_json::from_str(table).expect("JSON");
        for case in table["rows"].as_array().expect("rows") {
            let item =
                serde_json::json!({"response": table["response"], "constraints": [case["row"]]});
            let found = result(&item.to_string());
            let Some(expected) = case["error"].as_str() else {
                assert_eq!(found["verdicts"][0]["satisfied"], case["satisfied"], "{case}: {found}");
                continue;
            };
            let message = found["error"]["message"].as_str().unwrap_or_default();
            assert!(message.contains(expected), "{case}: {found}");
            if found["error"]["type"] == "InvalidItem" {
                let place =
                    format!("`constraints[0]{}`: ", case["at"].as_str().unwrap_or_default());
                assert!(message.starts_with(&place), "{case}: {found}");
            }
        }
    }

    #[test]
    fn a_repeated_key_within_parts_gives_no_verdict() {
        let text = r#"{"response": "one two three four", "constraints": [{"id": "all_of", "params": {"parts": [
            {"id": "max_words", "params": {"n": 3, "n": 400}}, {"id": "no_commas", "params": {}}]}}]}"#;
        let found = result(text);
        let place = r#"`constraints[0]["params"]["parts"][0]["params"]["n"]`"#;
        assert_eq!(found["error"]["message"], format!("{place}: found twice, expected once"));
        assert_eq!(result(&text.replace(", \"n\": 400", ""))["reward"], 0.0);
    }

    #[test]
    fn items_and_constraints_are_no_lists() {
        for (text, expected) in [
            (
                r#"["one, two", null, null, null, null, null, [{"id": "no_commas"}]]"#,
                "found a list, expected an object",
            ),
            (
                r#"{"response": "a", "constraints": [["no_commas"]]}"#,
                "`constraints[0]`: found a list",
            ),
            (
                r#"{"response": "a", "constraints": [{"check": ["no_commas", {}]}]}"#,
                "`constraints[0][\"check\"]`: found a list",
            ),
        ] {
            let found = result(text);
            assert_eq!(found["error"]["type"], "InvalidItem", "{found}");
            assert!(
                found["error"]["message"].as_str().is_some_and(|text| text.starts_with(expected)),
                "{found}"
            );
        }
    }

    #[test]
    fn parameters_in_a_text_count_for_the_limits_of_the_item() {
        let item = |params: &str, count: usize| {
            let row = serde_json::json!({"id": "no_commas", "params": params});
            result(
                &serde_json::json!({"response": "a", "constraints": vec![row; count]}).to_string(),
            )
        };
        let message =
            |found: Value| found["error"]["message"].as_str().unwrap_or_default().to_owned();
        let deep = format!("{{\"n\": {}{}}}", "[".repeat(40), "]".repeat(40));
        assert!(
            message(item(&deep, 1)).contains("found more than 32 levels"),
            "{}",
            item(&deep, 1)
        );
        let wide = format!("{{\"n\": [[{}0]]}}", "0,".repeat(20_000));
        assert!(message(item(&wide, 1)).contains("found more than 10000 values"));
        let null = format!(
            "{{{}}}",
            (0..300).map(|at| format!("\"{at}\":null")).collect::<Vec<_>>().join(",")
        );
        assert_eq!(item(&null, 1)["reward"], 1.0);
        assert!(message(item(&null, 40)).contains("found more than 10000 values"));
        let long = format!("{{\"n\": \"{}\"}}", "x".repeat(MOST_TEXT));
        assert!(message(item(&long, 1)).contains("arguments of more than 262144 bytes"));
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
            ("3", "InvalidItem", "found a number, expected an object with `response`"),
            ("{}", "InvalidItem", "`response`: missing"),
            (r#"{"response": null}"#, "InvalidItem", "`response`: found null, expected a string"),
            (r#"{"response": "a", "response": "b"}"#, "InvalidItem", "`response`: found twice"),
            (
                r#"{"response": "a", "ids": []}"#,
                "InvalidItem",
                "unknown field \"ids\", expected one of response, prompt,",
            ),
            (
                r#"{"response": "a", "benchmark": "trace"}"#,
                "InvalidItem",
                "`benchmark`: found \"trace\", expected \"ifeval\" or \"ifbench\"",
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
                "`constraints[0][\"params\"][\"n\"]`: number out of range",
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
