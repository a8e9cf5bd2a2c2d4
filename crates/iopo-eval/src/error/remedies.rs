//! Remedies of an evaluation's errors, and whose fault they are.

use std::collections::BTreeMap;

use iopo_judge::Unjudged;
use iopo_llm::FailureClass;
use serde_json::Value;

use super::EvalError;
use crate::score::NO_RESPONSE;

impl EvalError {
    /// Returns a remedy, if one is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Cancelled => "run the same command again to resume",
            Self::BenchmarkInTraining { .. } => {
                "remove the tasks and run synthesis again, or evaluate on another benchmark; eval.contamination sets the measure"
            }
            Self::TestTasksInTraining { .. } => {
                "remove these tasks from the training data or from the test tasks; eval.contamination sets the measure"
            }
            Self::InputPreferencesInTraining { .. } => {
                "remove these rows or set `train.input_preference_weight` to 0, and train again; eval.contamination sets the measure"
            }
            Self::TooLong { .. } => "lower the limit of new tokens",
            Self::SpecialToken { .. } => {
                "set `eval.escape_special_tokens` to read it as plain text, or remove the prompt"
            }
            Self::OtherBenchmark { .. } => {
                "pass the predictions of the evaluated benchmark, or evaluate the other one"
            }
            Self::OtherResponses { .. } => "choose another output directory, or delete this one",
            Self::NoTestTasks => "raise pairs.test_tasks",
            Self::TaskInTwoSplits { .. } => "build the pairs again, which splits by task",
            Self::PromptInTraining { .. } | Self::TaskInTraining { .. } => {
                "remove one of the two tasks"
            }
            Self::HeldOutKindSeen { .. } => {
                "remove it from the held-out list, or run synthesis and pairs again with that list"
            }
            Self::NothingHeldOut { .. } => {
                "hold out rows when you import, or set `eval.tasks` to test tasks or `eval.prompts` to a file with prompts"
            }
            Self::NoTestPrompts { .. } => "set `eval.prompts` to a file with prompts",
            Self::SeenAndHeldOut { .. } => "name the kind either as seen or as held out",
            Self::NoConstraints { .. } => "build the prompts again",
            Self::NoRuns { .. } => "pass its predictions and scores",
            Self::KeysDiffer { .. } => "evaluate both on the same prompts",
            Self::StaleScores { .. } => "score these predictions again",
            Self::Unjudged { reasons, .. } => return Some(after_unjudged(reasons)),
            Self::OtherLanguage { other, .. } => {
                return Some(format!("set the language to `{other}`, or pass the other items"));
            }
            Self::AnswerWithoutIndex { .. } => {
                "add `index`, the `point_id` of the question, to every answer"
            }
            Self::UnmatchedAnswers { .. } => {
                "compare `key` and `index` with the items, or skip such answers"
            }
            Self::FailedRequests { classes, .. } => return Some(after_failures(classes)),
            Self::NoCheck { lacks_table: true, .. } => "pass the table",
            Self::NoCheck { .. } => "pass the prompts of this benchmark, or evaluate another one",
            Self::Judge { source } => return source.hint().map(str::to_owned),
            Self::Setting(error) => return error.hint.clone(),
            Self::Schema(error) => return error.hint(),
            Self::Prompts { source, .. } => return source.hint(),
            Self::Instruction { source, .. } => return source.hint(),
            Self::UnknownConstraint { source, .. } => return source.hint(),
            Self::Model(_)
            | Self::Folder { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Json { .. }
            | Self::Source { .. }
            | Self::JudgedData { .. }
            | Self::NoPrompts { .. }
            | Self::Response { .. }
            | Self::ResponseConflict { .. }
            | Self::UnmatchedResponses { .. }
            | Self::Unanswered { .. }
            | Self::Unpaired { .. }
            | Self::Uncheckable { .. }
            | Self::Outcomes { .. }
            | Self::TruthTable { .. }
            | Self::DuplicateKey { .. }
            | Self::Logps { .. }
            | Self::Observation { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// Returns whether the cause is what the caller passed in (settings, prompts, responses, paths) rather than a failure.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Setting(_)
            | Self::Prompts { .. }
            | Self::NoPrompts { .. }
            | Self::BenchmarkInTraining { .. }
            | Self::TestTasksInTraining { .. }
            | Self::InputPreferencesInTraining { .. }
            | Self::TooLong { .. }
            | Self::SpecialToken { .. }
            | Self::Response { .. }
            | Self::ResponseConflict { .. }
            | Self::OtherLanguage { .. }
            | Self::UnmatchedAnswers { .. }
            | Self::AnswerWithoutIndex { .. }
            | Self::UnmatchedResponses { .. }
            | Self::OtherBenchmark { .. }
            | Self::NoCheck { .. }
            | Self::Unanswered { .. }
            | Self::Unpaired { .. }
            | Self::NothingHeldOut { .. }
            | Self::JudgedData { .. }
            | Self::OtherResponses { .. } => true,
            Self::Schema(_)
            | Self::Model(_)
            | Self::Judge { .. }
            | Self::Unjudged { .. }
            | Self::FailedRequests { .. }
            | Self::Cancelled
            | Self::Folder { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Json { .. }
            | Self::Source { .. }
            | Self::Instruction { .. }
            | Self::NoTestTasks
            | Self::NoTestPrompts { .. }
            | Self::SeenAndHeldOut { .. }
            | Self::TaskInTraining { .. }
            | Self::TaskInTwoSplits { .. }
            | Self::PromptInTraining { .. }
            | Self::HeldOutKindSeen { .. }
            | Self::Uncheckable { .. }
            | Self::UnknownConstraint { .. }
            | Self::NoConstraints { .. }
            | Self::Outcomes { .. }
            | Self::TruthTable { .. }
            | Self::NoRuns { .. }
            | Self::DuplicateKey { .. }
            | Self::KeysDiffer { .. }
            | Self::StaleScores { .. }
            | Self::Logps { .. }
            | Self::Observation { .. } => false,
        }
    }
}

/// Returns what to do about missing verdicts, by their reasons.
fn after_unjudged(reasons: &BTreeMap<String, usize>) -> String {
    let absent = Unjudged::NoAnswer.id();
    let is_failed = |reason: &str| {
        reason.starts_with(NO_RESPONSE)
            || reason.strip_prefix(absent).is_some_and(|rest| rest.starts_with(':'))
    };
    let has = |is_of: &dyn Fn(&str) -> bool| reasons.keys().any(|reason| is_of(reason));
    let mut steps = vec!["all files are written"];
    if has(&|reason| reason == absent) {
        steps.push("the file of answers lacks some: add them, or leave out their items");
    }
    if has(&is_failed) {
        steps.push("run the same command again to retry failed requests");
    }
    if has(&|reason| reason != absent && !is_failed(reason)) {
        steps.push("choose a stronger judge");
    }
    steps.join("; ")
}

/// Returns what to do about failed requests. The store keeps permanent failures, so only the others are sent again.
fn after_failures(classes: &BTreeMap<String, usize>) -> String {
    let is_permanent = |name: &str| {
        let class = serde_json::from_value::<FailureClass>(Value::String(name.to_owned()));
        class.is_ok_and(FailureClass::is_permanent)
    };
    let (stored, temporary): (Vec<&str>, Vec<&str>) =
        classes.keys().map(String::as_str).partition(|name| is_permanent(name));
    let mut steps = vec!["all files are written".to_owned()];
    if !temporary.is_empty() {
        let names = temporary.join(", ");
        steps.push(format!("run the same command again to retry {names}"));
    }
    if !stored.is_empty() {
        let names = stored.join(", ");
        steps.push(format!("set `llm.retry_failed = true` to retry stored failures ({names})"));
    }
    steps.join("; ")
}
