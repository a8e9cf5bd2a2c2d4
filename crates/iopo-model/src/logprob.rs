//! Log-probabilities of given responses, through [`LogProb`].

use iopo_llm::{LlmError, LogProb, LogProbResponse, Message, Progress, TokenLogps};

use crate::layout::Segment;
use crate::prefill::shared;
use crate::{ChatModel, Layout, ModelError, Targets, workers};

/// A batch closes once it holds this many tokens.
const BATCH_TOKENS: usize = 1024;

/// A prompt and its response as tokens.
struct Sequence {
    prompt: Vec<u32>,
    response: Vec<u32>,
}

impl ChatModel {
    /// Tokenizes prompt and response `index`; refuses a prompt that the model cannot process.
    fn sequence(
        &self,
        index: usize,
        messages: &[Message],
        response: &LogProbResponse<'_>,
    ) -> Result<Sequence, LlmError> {
        let prompt = self.checked_prompt(index, messages)?;
        let mut tokens = self.tokenizer().encode_content(response.text)?;
        if response.ended {
            // A response that was cut off has no end of turn to score.
            tokens.extend(self.end_id());
        }
        if !self.in_context(prompt.len(), tokens.len()) {
            let reason = format!(
                "{} prompt tokens and {} response tokens exceed the context of {} tokens; shorten the prompt or \
                 the response",
                prompt.len(),
                tokens.len(),
                self.decoder().config().max_position_embeddings
            );
            return Err(LlmError::BadRequest { index, reason });
        }
        Ok(Sequence { prompt, response: tokens })
    }

    /// Scores some sequences in one forward pass, which computes common beginnings of prompts once.
    fn score(&self, sequences: &[Sequence]) -> Result<Vec<TokenLogps>, ModelError> {
        let prompts: Vec<&[u32]> = sequences.iter().map(|one| one.prompt.as_slice()).collect();
        let (mut segments, ends) = shared(&prompts);
        let stems = segments.len();
        // The last token of a response predicts nothing, so it is not fed.
        segments.extend(ends.iter().zip(sequences).map(|(&end, Sequence { response, .. })| {
            let fed = response.split_last().map_or(&[][..], |(_, fed)| fed);
            Segment { parent: Some(end), tokens: fed.to_vec() }
        }));
        let layout = Layout::new(segments)?;
        let mut targets = Targets::default();
        for (index, Sequence { response, .. }) in sequences.iter().enumerate() {
            if !response.is_empty() {
                targets.rows.push(layout.last_position(ends[index]));
                let fed = 0..response.len() - 1;
                targets.rows.extend(fed.map(|at| layout.position(stems + index, at)));
                targets.tokens.extend(response);
            }
        }
        let mut logps = self.decoder().response_logps(&layout, &targets)?.into_iter();
        Ok(sequences
            .iter()
            .map(|Sequence { response, .. }| TokenLogps {
                sum: logps.by_ref().take(response.len()).map(f64::from).sum(),
                tokens: response.len() as u32,
            })
            .collect())
    }
}

impl LogProb for ChatModel {
    fn response_logps(
        &self,
        prompts: &[Vec<Message>],
        responses: &[LogProbResponse<'_>],
        progress: &dyn Progress,
    ) -> Result<Vec<TokenLogps>, LlmError> {
        let (mut batches, mut tokens) = (Vec::<Vec<Sequence>>::new(), 0);
        for (index, (messages, response)) in prompts.iter().zip(responses).enumerate() {
            let sequence = self.sequence(index, messages, response)?;
            if batches.is_empty() || tokens >= BATCH_TOKENS {
                batches.push(Vec::new());
                tokens = 0;
            }
            tokens += sequence.prompt.len() + sequence.response.len();
            if let Some(batch) = batches.last_mut() {
                batch.push(sequence);
            }
        }
        let scored = workers::map(&self.decoder().device(), batches, |batch| {
            if progress.cancelled() {
                return Err(ModelError::Cancelled);
            }
            let scored = self.score(&batch)?;
            progress.advance(batch.len() as u64);
            Ok(scored)
        })?;
        Ok(scored.into_iter().flatten().collect())
    }
}
