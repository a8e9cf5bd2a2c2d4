//! Relevance: how much likelier a response is given its own task than given another one.
//!
//! A response can satisfy every constraint and leave its task. Its log-probability given the plain task is then no higher
//! than given any other task.

use std::collections::BTreeMap;

use crate::{
    LlmError, LogProb, LogProbResponse, Message, Progress, TokenLogps, response_logps_all,
};

/// Tasks without constraints, each with another one of similar length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainTasks {
    /// The prompt of each task, and the task that it is compared with.
    tasks: BTreeMap<String, (String, Option<String>)>,
}

impl PlainTasks {
    /// Collects tasks by id, with their prompts. Each is compared with the next longer one, and the longest with the one
    /// before it.
    pub fn new<'a>(tasks: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let plain: BTreeMap<&str, String> = tasks.into_iter().collect();
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

    /// Returns whether there is no task.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Iterates over ids and prompts, sorted by id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tasks.iter().map(|(id, (prompt, _))| (id.as_str(), prompt.as_str()))
    }

    /// Returns the prompt of a task.
    pub fn prompt(&self, id: &str) -> Option<&str> {
        self.tasks.get(id).map(|(prompt, _)| prompt.as_str())
    }

    /// Returns the prompt of the task that a task is compared with. Returns `None` if the task is unknown or the only one.
    pub fn other_prompt(&self, id: &str) -> Option<&str> {
        let (_, other) = self.tasks.get(id)?;
        self.prompt(other.as_deref()?)
    }
}

/// A response and the prompts that it is scored after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelevanceRequest<'a> {
    /// The prompt of the response's own task.
    pub own: &'a str,
    /// The prompt of another task.
    pub other: &'a str,
    /// The response.
    pub response: LogProbResponse<'a>,
}

/// The log-probabilities of a response after two prompts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Relevance {
    /// After the prompt of its own task.
    pub own: TokenLogps,
    /// After the prompt of another task.
    pub other: TokenLogps,
}

/// Scores each response after its own prompt and after the other one.
///
/// Advances `progress` by two per response.
///
/// # Errors
/// Returns the errors of [`response_logps_all`].
pub fn relevance(
    model: &dyn LogProb,
    asked: &[RelevanceRequest<'_>],
    progress: &dyn Progress,
) -> Result<Vec<Relevance>, LlmError> {
    let responses: Vec<LogProbResponse<'_>> = asked.iter().map(|one| one.response).collect();
    let score = |prompt: fn(&RelevanceRequest<'_>) -> String| {
        let prompts: Vec<Vec<Message>> =
            asked.iter().map(|one| vec![Message::user(prompt(one))]).collect();
        response_logps_all(model, &prompts, &responses, progress)
    };
    let own = score(|one| one.own.to_owned())?;
    let other = score(|one| one.other.to_owned())?;
    Ok(own.into_iter().zip(other).map(|(own, other)| Relevance { own, other }).collect())
}

#[cfg(test)]
mod tests {
    use super::{PlainTasks, RelevanceRequest, relevance};
    use crate::scripted::Overlap;
    use crate::{LlmError, LogProb, LogProbResponse, Message, Progress, Silent, TokenLogps};

    fn request<'a>(own: &'a str, other: &'a str, text: &'a str) -> RelevanceRequest<'a> {
        RelevanceRequest { own, other, response: LogProbResponse { text, ended: true } }
    }

    #[test]
    fn a_response_is_likelier_given_the_task_that_it_is_about() {
        let (tea, rain) = ("Explain how tea is brewed", "Describe the rain");
        let asked = [request(tea, rain, "tea is brewed"), request(tea, rain, "the rain")];
        let found = relevance(&Overlap, &asked, &Silent).expect("scored");
        assert!(found[0].own.sum > found[0].other.sum);
        assert!(found[1].own.sum < found[1].other.sum);
        assert_eq!(found[0].own.tokens, 3);
    }

    /// Returns the same log-probabilities for every call.
    struct Fixed(Vec<TokenLogps>);

    impl LogProb for Fixed {
        fn response_logps(
            &self,
            _: &[Vec<Message>],
            _: &[LogProbResponse<'_>],
            _: &dyn Progress,
        ) -> Result<Vec<TokenLogps>, LlmError> {
            Ok(self.0.clone())
        }
    }

    #[test]
    fn impossible_log_probabilities_are_errors() {
        let score = |logps| relevance(&Fixed(logps), &[request("a", "b", "c")], &Silent);
        assert!(score(vec![TokenLogps { sum: -3.0, tokens: 2 }]).is_ok());
        assert!(score(vec![]).is_err());
        assert!(score(vec![TokenLogps { sum: f64::NAN, tokens: 2 }]).is_err());
        assert!(score(vec![TokenLogps { sum: -3.0, tokens: 0 }]).is_err());
    }

    #[test]
    fn a_task_is_compared_with_one_of_similar_length() {
        let tasks = [("a", "Sing a very long song"), ("b", "Sing"), ("c", "Sing a song")];
        let tasks = PlainTasks::new(tasks.map(|(id, prompt)| (id, prompt.to_owned())));
        assert_eq!(tasks.other_prompt("b"), Some("Sing a song"));
        assert_eq!(tasks.other_prompt("c"), Some("Sing a very long song"));
        assert_eq!(tasks.other_prompt("a"), Some("Sing a song"));
        let one = PlainTasks::new([("a", "Sing".to_owned())]);
        assert_eq!((one.prompt("a"), one.other_prompt("a")), (Some("Sing"), None));
    }
}
