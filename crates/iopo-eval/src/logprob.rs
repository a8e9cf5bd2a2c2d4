//! Log-probabilities of predictions and of test groups, through [`LogProb`].

use std::collections::BTreeMap;

use iopo_llm::{LogProb, LogProbResponse, Message, Progress, TokenLogps};
use iopo_schema::{PredictionRow, PreferenceRow};

use crate::{EvalError, hollow};

/// How likely `model` finds the answers of some predictions, by the predictions' keys. With the base
/// model this is what `perplexity_base` is made of. Empty answers are left out; an answer that met the
/// token limit is not charged for an end that nobody generated.
pub fn answer_logps(
    model: &dyn LogProb,
    predictions: &[PredictionRow],
    progress: &dyn Progress,
) -> Result<BTreeMap<String, TokenLogps>, EvalError> {
    let answered: Vec<&PredictionRow> =
        predictions.iter().filter(|row| !row.response.trim().is_empty()).collect();
    let prompts: Vec<Vec<Message>> =
        answered.iter().map(|row| vec![Message::user(row.prompt.as_str())]).collect();
    let responses: Vec<LogProbResponse<'_>> = answered
        .iter()
        .map(|row| LogProbResponse { text: &row.response, ended: row.finish_reason != hollow::CUT })
        .collect();
    let logps = checked(model, &prompts, &responses, progress, "answers")?;
    Ok(answered.iter().map(|row| row.key.clone()).zip(logps).collect())
}

/// Four sums and four token counts a group, in the order (x1,y1), (x1,y2), (x2,y2), (x2,y1).
///
/// This asks four separate sequences a group, so it serves any [`LogProb`]; the trainer's shared-segment
/// pass gives the same numbers for less and can be used instead.
pub fn group_logps(
    model: &dyn LogProb,
    groups: &[PreferenceRow],
    progress: &dyn Progress,
) -> Result<Vec<[TokenLogps; 4]>, EvalError> {
    let mut prompts = Vec::with_capacity(4 * groups.len());
    let mut responses = Vec::with_capacity(4 * groups.len());
    for group in groups {
        for (x, y) in [
            (&group.x1, &group.y1),
            (&group.x1, &group.y2),
            (&group.x2, &group.y2),
            (&group.x2, &group.y1),
        ] {
            prompts.push(vec![Message::user(x.as_str())]);
            responses.push(LogProbResponse { text: y, ended: true });
        }
    }
    let logps = checked(model, &prompts, &responses, progress, "test groups")?;
    let (fours, _) = logps.as_chunks::<4>();
    Ok(fours.to_vec())
}

/// Asks the model and refuses an impossible answer.
fn checked(
    model: &dyn LogProb,
    prompts: &[Vec<Message>],
    responses: &[LogProbResponse<'_>],
    progress: &dyn Progress,
    what: &str,
) -> Result<Vec<TokenLogps>, EvalError> {
    if responses.is_empty() {
        return Ok(Vec::new());
    }
    progress.start(&format!("log-probabilities of {what}"), responses.len() as u64);
    let logps = model.response_logps(prompts, responses, progress)?;
    progress.finish();
    let wrong =
        |expected: String, got: String| EvalError::Logps { what: what.to_owned(), expected, got };
    if logps.len() != responses.len() {
        return Err(wrong(format!("{} sums", responses.len()), logps.len().to_string()));
    }
    for (index, one) in logps.iter().enumerate() {
        if !one.sum.is_finite() || one.tokens == 0 {
            let got = format!("a sum of {} over {} tokens at {index}", one.sum, one.tokens);
            return Err(wrong("finite sums over at least one token".to_owned(), got));
        }
    }
    Ok(logps)
}

#[cfg(test)]
mod tests {
    use iopo_llm::{LlmError, LogProb, LogProbResponse, Message, Progress, Silent, TokenLogps};

    use super::{answer_logps, checked};
    use crate::observe::tests::prediction;

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
    fn impossible_log_probabilities_are_refused() {
        let ask = |logps| {
            checked(
                &Fixed(logps),
                &[vec![Message::user("x")]],
                &[LogProbResponse { text: "y", ended: true }],
                &Silent,
                "answers",
            )
        };
        assert!(ask(vec![TokenLogps { sum: -3.0, tokens: 2 }]).is_ok());
        assert!(ask(vec![]).is_err());
        assert!(ask(vec![TokenLogps { sum: f64::NAN, tokens: 2 }]).is_err());
        assert!(ask(vec![TokenLogps { sum: -3.0, tokens: 0 }]).is_err());
    }

    /// A token a word, and one for the end of a turn.
    struct Words;

    impl LogProb for Words {
        fn response_logps(
            &self,
            _: &[Vec<Message>],
            responses: &[LogProbResponse<'_>],
            _: &dyn Progress,
        ) -> Result<Vec<TokenLogps>, LlmError> {
            let one = |response: &LogProbResponse<'_>| {
                let words = response.text.split_whitespace().count() + usize::from(response.ended);
                TokenLogps { sum: -(words as f64), tokens: words as u32 }
            };
            Ok(responses.iter().map(one).collect())
        }
    }

    #[test]
    fn an_answer_that_met_the_limit_has_no_end_and_a_blank_one_is_left_out() {
        let mut rows = ["ended", "cut", "blank"].map(|key| prediction(key, &["a"]));
        rows[1].finish_reason = "length".to_owned();
        rows[2].response = " \n".to_owned();
        let logps = answer_logps(&Words, &rows, &Silent).expect("measured");
        assert_eq!(logps["ended"].tokens, 3, "two words and the end");
        assert_eq!(logps["cut"].tokens, 2, "two words");
        assert!(!logps.contains_key("blank"));
    }
}
