//! Relevance: how much likelier a response is given its own task than given another one, under the base model.
//!
//! A response can satisfy every constraint and leave its task. Its log-probability given the plain task is then no higher
//! than given any other task.

use std::collections::BTreeMap;

use iopo_constraints::render_prompt;
use iopo_llm::{LogProb, Progress, TokenLogps};
use iopo_schema::{PredictionRow, RelevanceRow, TestPromptRow};

use crate::prediction_logps::logps_given;
use crate::{EvalError, TestPrompt};

/// Id of the benchmark of test tasks without constraints.
pub const PLAIN: &str = "plain";

/// The test tasks of a file of prompts, without constraints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainTasks {
    /// The prompt of each task, and the task of similar length that it is compared with.
    tasks: BTreeMap<String, (String, Option<String>)>,
}

impl PlainTasks {
    /// Collects the tasks. Each is compared with the next longer one, and the longest with the one before it.
    pub fn new(prompts: &[TestPromptRow]) -> Self {
        let none: [&str; 0] = [];
        let plain: BTreeMap<&str, String> = prompts
            .iter()
            .map(|row| {
                (row.task_id.as_str(), render_prompt(&row.task, &none, row.input.as_deref()))
            })
            .collect();
        let mut by_length: Vec<(usize, &str)> =
            plain.iter().map(|(id, prompt)| (prompt.chars().count(), *id)).collect();
        by_length.sort_unstable();
        let other = |at: usize| {
            let neighbor = if at + 1 < by_length.len() { Some(at + 1) } else { at.checked_sub(1) };
            neighbor.map(|at| by_length[at].1.to_owned())
        };
        let task = |(at, (_, id)): (usize, &(usize, &str))| {
            ((*id).to_owned(), (plain[id].clone(), other(at)))
        };
        Self { tasks: by_length.iter().enumerate().map(task).collect() }
    }

    /// Returns the number of tasks.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there is no task.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Returns the prompts that ask for the tasks without constraints.
    pub fn prompts(&self) -> Vec<TestPrompt> {
        let prompt = |(id, (prompt, _)): (&String, &(String, Option<String>))| TestPrompt {
            benchmark: PLAIN.to_owned(),
            key: id.clone(),
            task_id: id.clone(),
            prompt: prompt.clone(),
            constraints: Vec::new(),
        };
        self.tasks.iter().map(prompt).collect()
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
        let mut asked = Vec::with_capacity(predictions.len());
        for row in predictions {
            let Some((own, other)) = self.tasks.get(&row.task_id) else {
                return Err(EvalError::Logps {
                    what: format!("the task of `{}`", row.key),
                    expected: "a test task".to_owned(),
                    found: format!("`{}`", row.task_id),
                });
            };
            let other = other.as_ref().and_then(|id| self.tasks.get(id));
            let Some((other, _)) = other else { return Ok(Vec::new()) };
            asked.push((row, own.as_str(), other.as_str()));
        }
        let own = asked.iter().map(|(row, own, _)| (*row, *own));
        let own = logps_given(base, own, progress)?;
        let other = asked.iter().map(|(row, _, other)| (*row, *other));
        let other = logps_given(base, other, progress)?;
        let row = |((key, own), (_, other)): ((String, TokenLogps), (String, TokenLogps))| {
            RelevanceRow { key, own: own.sum, other: other.sum, tokens: own.tokens }
        };
        Ok(own.into_iter().zip(other).map(row).collect())
    }
}

#[cfg(test)]
mod tests {
    use iopo_llm::{LlmError, LogProb, LogProbResponse, Message, Progress, Silent, TokenLogps};
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

    /// A word of the response costs one nat, and half of it if the prompt has the word.
    struct Overlap;

    impl LogProb for Overlap {
        fn response_logps(
            &self,
            prompts: &[Vec<Message>],
            responses: &[LogProbResponse<'_>],
            _: &dyn Progress,
        ) -> Result<Vec<TokenLogps>, LlmError> {
            let one = |(prompt, response): (&Vec<Message>, &LogProbResponse<'_>)| {
                let cost = |word: &str| if prompt[0].content.contains(word) { 0.5 } else { 1.0 };
                let words: Vec<&str> = response.text.split_whitespace().collect();
                TokenLogps {
                    sum: -words.iter().map(|word| cost(word)).sum::<f64>(),
                    tokens: words.len() as u32,
                }
            };
            Ok(prompts.iter().zip(responses).map(one).collect())
        }
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
        // "a" is in both tasks.
        assert!((relevance[1] + 0.5 * 3.0 / 4.0).abs() < 1e-12, "{relevance:?}");
        assert!(relevance[2].abs() < 1e-12, "{relevance:?}");
    }

    #[test]
    fn a_task_is_compared_with_one_of_similar_length() {
        let tasks = tasks(&["Sing a very long song about tea", "Sing", "Sing a song"]);
        let other = |id: &str| tasks.tasks[id].1.clone().expect("three tasks");
        assert_eq!([other("t1"), other("t2"), other("t0")], ["t2", "t0", "t2"]);
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
