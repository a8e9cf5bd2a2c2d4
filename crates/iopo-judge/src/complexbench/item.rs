//! Items of ComplexBench.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::Rule;
use crate::data::{Checks, records};
use crate::error::{DataError, Place};
use crate::{Language, Mode};

const NAME: &str = "ComplexBench";

/// A yes-no question about a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The id within the item.
    pub point_id: i64,
    /// The question in Chinese.
    pub question: String,
    /// The question in English.
    pub question_en: String,
    /// The rule that is applied to the extracted part. None for a question to the judge.
    pub rule: Option<Rule>,
    /// The dimensions of the constraint.
    pub dimensions: Vec<String>,
    /// How the constraint is composed with others.
    pub compositions: Vec<String>,
    /// The positions in the item of the questions that this one depends on.
    pub dependencies: Vec<usize>,
}

/// An item: an instruction with questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Unique id.
    pub main_id: i64,
    /// The group of items that differ only in the branch to select. Empty if there is none.
    pub group: String,
    /// The instruction in Chinese.
    pub instruction: String,
    /// The instruction in English.
    pub instruction_en: String,
    /// The task type.
    pub task_type: String,
    /// The kinds of composition.
    pub compositions: Vec<String>,
    /// The category, such as `Selection_2`.
    pub category: String,
    /// The questions, in order.
    pub questions: Vec<Question>,
}

#[derive(Deserialize)]
struct Row {
    main_id: i64,
    #[serde(default)]
    group: Value,
    instruction: String,
    #[serde(default)]
    instruction_en: Option<String>,
    task_types: String,
    #[serde(default)]
    composition_types: Vec<String>,
    category: String,
    scoring_questions: Vec<Point>,
}

#[derive(Deserialize)]
struct Point {
    #[serde(rename = "point_id")]
    id: i64,
    question: String,
    #[serde(default)]
    question_en: Option<String>,
    #[serde(default)]
    rule: Option<String>,
    #[serde(default)]
    constraint_dimensions: Vec<String>,
    #[serde(default)]
    composition_types: Vec<String>,
    #[serde(default)]
    dep: Vec<i64>,
}

/// Parses the published file, of which the texts of one language are used. `repaired` refuses rules without a known meaning;
/// `paper` counts them as the published code does.
///
/// # Errors
/// Returns an error if the file is malformed, an id occurs twice, an item lacks a text of the language, or the questions of an
/// item depend on unknown ones or on themselves.
pub fn parse(mode: Mode, language: Language, text: &str) -> Result<Vec<Item>, DataError> {
    let mut checks = Checks::new(NAME);
    let mut items = Vec::new();
    for (place, row) in records::<Row>(NAME, text)? {
        checks.key(place, &row.main_id.to_string())?;
        checks.parts(place, "questions", row.scoring_questions.len())?;
        let [instruction, question] = match language {
            Language::English => ["instruction_en", "question_en"],
            Language::Chinese => ["instruction", "question"],
        };
        let absent = |text: Option<&str>| text.is_none_or(|text| text.trim().is_empty());
        let missing = |field: &str, what: &str| {
            let id = language.id();
            checks.bad(place, format!("found no `{field}`{what}, expected the text in `{id}`"))
        };
        let in_language = |chinese, english| match language {
            Language::English => english,
            Language::Chinese => Some(chinese),
        };
        if absent(in_language(row.instruction.as_str(), row.instruction_en.as_deref())) {
            return Err(missing(instruction, ""));
        }
        for point in &row.scoring_questions {
            if absent(in_language(point.question.as_str(), point.question_en.as_deref())) {
                return Err(missing(question, &format!(" of question {}", point.id)));
            }
        }
        items.push(Item {
            main_id: row.main_id,
            group: match row.group {
                Value::String(text) => text,
                Value::Null => String::new(),
                other => other.to_string(),
            },
            instruction: row.instruction,
            instruction_en: row.instruction_en.unwrap_or_default(),
            task_type: row.task_types,
            compositions: row.composition_types,
            category: row.category,
            questions: questions(&checks, place, mode, row.scoring_questions)?,
        });
    }
    Ok(items)
}

fn questions(
    checks: &Checks,
    place: Place,
    mode: Mode,
    points: Vec<Point>,
) -> Result<Vec<Question>, DataError> {
    let mut places = BTreeMap::new();
    for (at, point) in points.iter().enumerate() {
        if places.insert(point.id, at).is_some() {
            return Err(checks.bad(place, format!("question {} occurs twice", point.id)));
        }
    }
    let mut questions = Vec::with_capacity(points.len());
    for point in points {
        let id = point.id;
        let dependency = |dep: &i64| {
            let reason = || format!("question {id} depends on {dep}, which does not exist");
            places.get(dep).copied().ok_or_else(|| checks.bad(place, reason()))
        };
        let rule = point.rule.filter(|rule| !rule.trim().is_empty()).map(|rule| Rule::new(&rule));
        if let Some(rule) = rule.as_ref().filter(|rule| mode == Mode::Repaired && !rule.is_known())
        {
            return Err(checks.bad(place, format!("unknown rule `{rule}` of question {id}")));
        }
        questions.push(Question {
            point_id: id,
            question: point.question,
            question_en: point.question_en.unwrap_or_default(),
            rule,
            dimensions: point.constraint_dimensions,
            compositions: point.composition_types,
            dependencies: point.dep.iter().map(dependency).collect::<Result<_, _>>()?,
        });
    }
    if is_cyclic(&questions) {
        return Err(checks.bad(place, "questions depend on themselves"));
    }
    Ok(questions)
}

/// Whether the dependencies have a cycle: some questions remain after those without open dependencies are removed repeatedly.
fn is_cyclic(questions: &[Question]) -> bool {
    let mut closed = vec![false; questions.len()];
    loop {
        let ready = |at: usize| {
            !closed[at] && questions[at].dependencies.iter().all(|&dependency| closed[dependency])
        };
        let Some(next) = (0..questions.len()).find(|&at| ready(at)) else {
            return closed.contains(&false);
        };
        closed[next] = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(dependencies: [&str; 2], rule: &str) -> String {
        let [first, second] = dependencies;
        format!(
            r#"[{{"main_id": 0, "group": "g", "instruction": "写", "task_types": "t", "category": "And_1",
            "scoring_questions": [{{"point_id": 5, "question": "?", "rule": null, "dep": [{first}]}},
            {{"point_id": 6, "question": "?", "rule": "{rule}", "dep": [{second}]}}]}}]"#
        )
    }

    #[test]
    fn dependencies_become_places() {
        let items =
            parse(Mode::Repaired, Language::Chinese, &item(["", "5"], "model_length:[1,2]"))
                .expect("an item");
        assert_eq!(items[0].questions[1].dependencies, [0]);
    }

    #[test]
    fn contradictions_are_data_errors() {
        for (dependencies, reason) in [
            (["6", "5"], "depend on themselves"),
            (["5", ""], "depend on themselves"),
            (["7", ""], "depends on 7"),
        ] {
            let error = parse(Mode::Paper, Language::Chinese, &item(dependencies, "length:[1,2]"))
                .expect_err("a bad item");
            assert!(error.to_string().contains(reason), "{error}");
        }
        let error = parse(Mode::Repaired, Language::Chinese, &item(["", ""], "color:[1]"))
            .expect_err("a rule");
        assert!(error.to_string().ends_with("unknown rule `color:[1]` of question 6"), "{error}");
        assert!(parse(Mode::Paper, Language::Chinese, &item(["", ""], "color:[1]")).is_ok());
    }

    #[test]
    fn a_text_that_the_language_needs_is_not_missing() {
        let chinese = item(["", ""], "length:[1,2]");
        let english = chinese
            .replace("\"写\"", "\"写\", \"instruction_en\": \"Write.\"")
            .replace("\"question\"", "\"question_en\": \"Good?\", \"question\"");
        for (language, text, reason) in [
            (Language::English, &chinese, "found no `instruction_en`, expected the text in `en`"),
            (
                Language::English,
                &english.replacen("Good?", " ", 1),
                "no `question_en` of question 5",
            ),
            (Language::English, &english.replace("Write.", ""), "no `instruction_en`"),
            (
                Language::Chinese,
                &english.replacen("\"?\"", "\"\"", 1),
                "no `question` of question 5",
            ),
        ] {
            let error = parse(Mode::Paper, language, text).expect_err("a missing text");
            assert!(error.to_string().contains(reason), "{error}");
        }
        for language in [Language::English, Language::Chinese] {
            assert!(parse(Mode::Paper, language, &english).is_ok());
        }
    }
}
