//! Computes the log-probabilities of predictions.

use std::collections::BTreeMap;

use iopo_llm::{LogProb, LogProbResponse, Message, Progress, TokenLogps, response_logps_all};
use iopo_schema::{PredictionRow, ResponseEnd};

use crate::EvalError;

/// Computes the log-probabilities of predictions under `model`, by key. Blank responses are skipped.
///
/// Under the base model this gives `perplexity_base`.
///
/// # Errors
/// Returns an error if the model fails, `progress` cancels or a log-probability is not finite.
pub fn response_logps(
    model: &dyn LogProb,
    predictions: &[PredictionRow],
    progress: &dyn Progress,
) -> Result<BTreeMap<String, TokenLogps>, EvalError> {
    let asked: Vec<&PredictionRow> =
        predictions.iter().filter(|row| !row.response.trim().is_empty()).collect();
    if asked.is_empty() {
        return Ok(BTreeMap::new());
    }
    let prompts: Vec<Vec<Message>> =
        asked.iter().map(|row| vec![Message::user(row.prompt.as_str())]).collect();
    let responses: Vec<LogProbResponse<'_>> = asked.iter().map(|row| response_of(row)).collect();
    let logps = response_logps_all(model, &prompts, &responses, progress)?;
    Ok(asked.iter().map(|row| row.key.clone()).zip(logps).collect())
}

/// Returns the response to score. A response that the token limit cut has no end.
pub(crate) fn response_of(row: &PredictionRow) -> LogProbResponse<'_> {
    let ended = match row.finish_reason {
        ResponseEnd::Stop | ResponseEnd::Given => true,
        ResponseEnd::Length | ResponseEnd::Failed => false,
    };
    LogProbResponse { text: &row.response, ended }
}

#[cfg(test)]
mod tests {
    use iopo_llm::{LlmError, LogProb, LogProbResponse, Message, Progress, Silent, TokenLogps};
    use iopo_schema::ResponseEnd;

    use super::response_logps;
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
    fn impossible_log_probabilities_are_errors() {
        let rows = [prediction("p", &["a"])];
        let compute = |logps| response_logps(&Fixed(logps), &rows, &Silent);
        assert!(compute(vec![TokenLogps { sum: -3.0, tokens: 2 }]).is_ok());
        assert!(compute(vec![]).is_err());
        assert!(compute(vec![TokenLogps { sum: f64::NAN, tokens: 2 }]).is_err());
        assert!(compute(vec![TokenLogps { sum: -3.0, tokens: 0 }]).is_err());
    }

    /// One token per word, and one for the end of a turn.
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
    fn a_cut_response_has_no_end_and_a_blank_one_is_skipped() {
        let mut rows = ["ended", "cut", "blank"].map(|key| prediction(key, &["a"]));
        rows[1].finish_reason = ResponseEnd::Length;
        rows[2].response = " \n".to_owned();
        let logps = response_logps(&Words, &rows, &Silent).expect("computed");
        assert_eq!(logps["ended"].tokens, 3, "two words and the end");
        assert_eq!(logps["cut"].tokens, 2, "two words");
        assert!(!logps.contains_key("blank"));
    }
}
