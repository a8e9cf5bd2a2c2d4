//! Relevance: how much likelier a response is given its own task than given another one, under the base model.
//!
//! A response can satisfy every constraint and leave its task. Its log-probability given the plain task is then no higher
//! than given any other task.

use iopo_constraints::render_prompt;
use iopo_llm::{LogProb, Progress, Relevance, RelevanceRequest};
use iopo_schema::{PredictionRow, RelevanceRow, TestPromptRow};

use crate::prediction_logps::response_of;
use crate::{EvalError, TestPrompt};

/// Id of the benchmark of test tasks without constraints.
pub const PLAIN: &str = "plain";

/// The test tasks of a file of prompts, without constraints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainTasks(iopo_llm::PlainTasks);

impl PlainTasks {
    /// Collects the tasks. Each is compared with one of similar length.
    pub fn new(prompts: &[TestPromptRow]) -> Self {
        let none: [&str; 0] = [];
        let plain = |row: &TestPromptRow| render_prompt(&row.task, &none, row.input.as_deref());
        Self(iopo_llm::PlainTasks::new(
            prompts.iter().map(|row| (row.task_id.as_str(), plain(row))),
        ))
    }

    /// Returns the number of tasks.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no task.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the prompts that ask for the tasks without constraints.
    pub fn prompts(&self) -> Vec<TestPrompt> {
        let prompt = |(id, prompt): (&str, &str)| TestPrompt {
            benchmark: PLAIN.to_owned(),
            key: id.to_owned(),
            task_id: id.to_owned(),
            prompt: prompt.to_owned(),
            constraints: Vec::new(),
        };
        self.0.iter().map(prompt).collect()
    }

    /// Computes the relevance of responses to these tasks under `base`. Blank responses are skipped, and all responses if
    /// there is one task only.
    ///
    /// # Errors
    /// Returns an error if a response has another task, the model fails, `progress` cancels or a log-probability is not
    /// finite.
    pub fn relevance(
        &self,
        base: &dyn LogProb,
        predictions: &[PredictionRow],
        progress: &dyn Progress,
    ) -> Result<Vec<RelevanceRow>, EvalError> {
        let (mut asked, mut keys) = (Vec::new(), Vec::new());
        for row in predictions {
            let Some(own) = self.0.prompt(&row.task_id) else {
                return Err(EvalError::Logps {
                    what: format!("the task of `{}`", row.key),
                    expected: "a test task".to_owned(),
                    found: format!("`{}`", row.task_id),
                });
            };
            let Some(other) = self.0.other_prompt(&row.task_id) else { return Ok(Vec::new()) };
            if !row.response.trim().is_empty() {
                asked.push(RelevanceRequest { own, other, response: response_of(row) });
                keys.push(&row.key);
            }
        }
        let found = iopo_llm::relevance(base, &asked, progress)?;
        let row = |(key, found): (&String, Relevance)| RelevanceRow {
            key: key.clone(),
            own: found.own.sum,
            other: found.other.sum,
            tokens: found.own.tokens,
        };
        Ok(keys.into_iter().zip(found).map(row).collect())
    }
}

#[cfg(test)]
mod tests {
    use iopo_llm::{Overlap, Silent};
    use iopo_schema::{PredictionRow, RelevanceRow, TestPromptRow};

    use super::PlainTasks;
    use crate::observe::tests::prediction;

    fn tasks(texts: &[&str]) -> PlainTasks {
        let row = |(index, text): (usize, &&str)| TestPromptRow {
            key: index.to_string(),
            task_id: format!("t{index}"),
            task: (*text).to_owned(),
            input: None,
            prompt: format!("{text}\n1. Use few words."),
            constraints: Vec::new(),
        };
        PlainTasks::new(&texts.iter().enumerate().map(row).collect::<Vec<_>>())
    }

    fn answer(task: &str, response: &str) -> PredictionRow {
        let row = prediction(&format!("{task}: {response}"), &["max_words"]);
        PredictionRow { task_id: task.to_owned(), response: response.to_owned(), ..row }
    }

    #[test]
    fn a_response_to_its_task_is_relevant_and_one_to_another_task_is_not() {
        let tasks = tasks(&["Explain how tea is brewed", "Describe a harbour at night today"]);
        let answers = [
            answer("t0", "tea is brewed"),
            answer("t0", "a harbour at night"),
            answer("t0", "anything else"),
            answer("t1", " \n"),
        ];
        let rows = tasks.relevance(&Overlap, &answers, &Silent).expect("computed");
        let relevance: Vec<f64> = rows.iter().map(RelevanceRow::relevance).collect();
        assert_eq!(rows.len(), 3, "the blank response is skipped");
        assert!((relevance[0] - 0.5).abs() < 1e-12, "{relevance:?}");
        assert!((relevance[1] + 0.5).abs() < 1e-12, "{relevance:?}");
        assert!(relevance[2].abs() < 1e-12, "{relevance:?}");
    }

    #[test]
    fn a_single_task_has_nothing_to_compare_with_and_a_foreign_one_is_refused() {
        let one = tasks(&["Sing"]);
        let answers = [answer("t0", "La")];
        assert!(one.relevance(&Overlap, &answers, &Silent).expect("nothing").is_empty());
        assert!(one.relevance(&Overlap, &[answer("t9", "La")], &Silent).is_err());
    }

    #[test]
    fn plain_prompts_have_no_constraints() {
        let prompts = tasks(&["Sing", "Dance"]).prompts();
        assert_eq!(prompts.len(), 2);
        assert!(prompts.iter().all(|prompt| prompt.constraints.is_empty()));
        assert_eq!(prompts[0].prompt, "Sing");
    }
}
