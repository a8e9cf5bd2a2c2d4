//! A model on this machine: it answers chats and knows how likely a response is.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use iopo_eval::{LogProb, TokenLogps};
use iopo_llm::{Completion, LanguageModel, LlmError, Message, Progress, Request};
use iopo_model::{
    ChatTemplate, Decoder, Layout, ModelError, ModelFiles, Prompt, Targets, Tokenizer,
};
use iopo_train::Base;

/// Flat tokens that are scored together.
const SCORED_TOKENS: usize = 2048;
/// Characters of a weight hash that go into a model's name.
const SHOWN_HASH: usize = 12;

/// A decoder with the files that make chats out of tokens.
#[derive(Debug, Clone)]
pub(crate) struct Local {
    name: String,
    decoder: Decoder,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// The checkpoint's name.
    base: String,
    weights_hash: String,
    tokenizer: Tokenizer,
    template: ChatTemplate,
    stop: Vec<u32>,
    batch: usize,
}

impl Local {
    /// Loads a checkpoint onto a device; `batch` sequences are generated together.
    pub(crate) fn load(path: &Path, base: &str, device: &str, batch: usize) -> Result<Self> {
        let device = iopo_model::device::device(device)?;
        let (mut checkpoint, tokenizer, template) = ModelFiles::open(path)?;
        let weights_hash = checkpoint.weights_hash()?;
        let config = checkpoint.config.clone();
        let decoder =
            Decoder::from_tensors(&config, &device, |name, shape| checkpoint.tensor(name, shape))?;
        let mut stop = config.eos_token_ids.clone();
        stop.extend(tokenizer.eos_id().filter(|id| !config.eos_token_ids.contains(id)));
        let base = base.to_owned();
        let name = format!("{base}@{}", short(&weights_hash));
        let batch = batch.max(1);
        let shared = Shared { base, weights_hash, tokenizer, template, stop, batch };
        Ok(Self { name, decoder, shared: Arc::new(shared) })
    }

    /// The same with what a method learned, from its directory under `train/`.
    pub(crate) fn trained(&self, dir: &Path, method: &str) -> Result<Self> {
        let decoder = iopo_train::weights::load(dir, &self.decoder, &self.shared.weights_hash)
            .with_context(|| {
                format!("failed to load what {method} learned from {}", dir.display())
            })?;
        let hash = iopo_train::weights::hash(&iopo_train::weights::trained_tensors(&decoder)?);
        let name = format!("{}+{method}@{}", self.name, short(&hash));
        Ok(Self { name, decoder, shared: Arc::clone(&self.shared) })
    }

    /// What training starts from.
    pub(crate) fn base(&self) -> Base<'_> {
        Base {
            name: &self.shared.base,
            weights_hash: &self.shared.weights_hash,
            decoder: &self.decoder,
            tokenizer: &self.shared.tokenizer,
            template: &self.shared.template,
        }
    }

    fn render(&self, messages: &[Message]) -> Result<Vec<u32>, ModelError> {
        self.shared.tokenizer.encode(&self.shared.template.render(messages, true)?)
    }

    /// One request as tokens; it and its answer must fit the context.
    fn prompt(&self, index: usize, request: &Request) -> Result<Prompt, LlmError> {
        let refuse = |reason| LlmError::BadRequest { index, reason };
        let tokens = self.render(&request.messages).map_err(|error| refuse(error.to_string()))?;
        let (needed, limit) = (
            tokens.len() + request.sampling.max_new_tokens,
            self.decoder.config().max_position_embeddings,
        );
        if needed > limit {
            return Err(refuse(format!(
                "{} tokens and an answer of {} do not fit the context of {limit}: shorten the input or lower \
                 max_new_tokens",
                tokens.len(),
                request.sampling.max_new_tokens
            )));
        }
        Ok(Prompt { tokens, sampling: request.sampling.clone() })
    }

    /// Prompt and response as tokens, tokenised apart, the end of the turn being part of the response.
    fn scored(
        &self,
        messages: &[Message],
        response: &str,
    ) -> Result<(Vec<u32>, Vec<u32>), ModelError> {
        let tokenizer = &self.shared.tokenizer;
        let mut tokens = tokenizer.encode_content(response)?;
        let end = tokenizer.eos_id().or(self.shared.stop.first().copied());
        tokens.extend(end);
        Ok((self.render(messages)?, tokens))
    }

    /// Sums of some sequences, laid side by side.
    fn sums(&self, sequences: &[(Vec<u32>, Vec<u32>)]) -> Result<Vec<TokenLogps>, ModelError> {
        // The last token of a response predicts nothing and is not fed.
        let fed = sequences.iter().map(|(prompt, response)| {
            [prompt.as_slice(), response.split_last().map_or(&[][..], |(_, fed)| fed)].concat()
        });
        let layout = Layout::sequences(fed)?;
        let mut targets = Targets::default();
        for (segment, (prompt, response)) in sequences.iter().enumerate() {
            let first = prompt.len().saturating_sub(1);
            targets.rows.extend((0..response.len()).map(|at| layout.position(segment, first + at)));
            targets.tokens.extend(response);
        }
        let logps = self.decoder.response_logps(&layout, &targets)?;
        let mut logps = logps.into_iter();
        Ok(sequences
            .iter()
            .map(|(_, response)| TokenLogps {
                sum: logps.by_ref().take(response.len()).map(f64::from).sum(),
                tokens: response.len() as u32,
            })
            .collect())
    }
}

impl LanguageModel for Local {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn complete(
        &self,
        requests: &[Request],
        progress: &dyn Progress,
    ) -> Result<Vec<Completion>, LlmError> {
        let prompts =
            requests.iter().enumerate().map(|(index, request)| self.prompt(index, request));
        let prompts = prompts.collect::<Result<Vec<_>, _>>()?;
        // Prompts of like length go together. Each row draws from its own stream, so the order changes no text
        // but for rounding, and it is the same whenever the same requests come.
        let mut order: Vec<usize> = (0..prompts.len()).collect();
        order.sort_by_key(|&index| (prompts[index].tokens.len(), index));
        let mut completions: Vec<Option<Completion>> = vec![None; requests.len()];
        for members in order.chunks(self.shared.batch) {
            let batch: Vec<Prompt> = members.iter().map(|&index| prompts[index].clone()).collect();
            let generated =
                self.decoder.generate(&batch, &self.shared.stop, progress).map_err(llm)?;
            for (&index, made) in members.iter().zip(generated) {
                completions[index] = Some(Completion {
                    text: self.shared.tokenizer.decode(&made.tokens, true).map_err(llm)?,
                    finish_reason: made.finish_reason,
                    prompt_tokens: prompts[index].tokens.len(),
                    completion_tokens: made.count,
                });
            }
        }
        Ok(completions.into_iter().flatten().collect())
    }
}

impl LogProb for Local {
    fn response_logps(
        &self,
        prompts: &[Vec<Message>],
        responses: &[String],
        progress: &dyn Progress,
    ) -> Result<Vec<TokenLogps>, LlmError> {
        let mut sums = Vec::with_capacity(responses.len());
        let (mut batch, mut tokens) = (Vec::new(), 0);
        for (messages, response) in prompts.iter().zip(responses) {
            let sequence = self.scored(messages, response).map_err(llm)?;
            tokens += sequence.0.len() + sequence.1.len();
            batch.push(sequence);
            if tokens >= SCORED_TOKENS || sums.len() + batch.len() == responses.len() {
                if progress.cancelled() {
                    return Err(LlmError::Cancelled);
                }
                sums.extend(self.sums(&batch).map_err(llm)?);
                progress.advance(batch.len() as u64);
                batch.clear();
                tokens = 0;
            }
        }
        Ok(sums)
    }
}

fn llm(error: ModelError) -> LlmError {
    match error {
        ModelError::Cancelled => LlmError::Cancelled,
        error => LlmError::Failed { reason: error.to_string() },
    }
}

fn short(hash: &str) -> &str {
    hash.get(..SHOWN_HASH).unwrap_or(hash)
}

#[cfg(test)]
mod tests {
    use iopo_eval::LogProb;
    use iopo_llm::{LanguageModel, LlmError, Message, Request, Sampling, Silent};

    use super::Local;
    use crate::tiny;

    fn tiny() -> Local {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = tiny::make(&dir.path().join("model")).expect("made");
        Local::load(&path, "tiny", "flex", 3).expect("loads")
    }

    fn request(text: &str, seed: u64) -> Request {
        let sampling =
            Sampling { max_new_tokens: 24, temperature: 0.8, top_p: 0.95, top_k: 0, seed };
        Request { messages: vec![Message::user(text)], sampling }
    }

    #[test]
    fn the_tiny_model_answers_in_words_each_row_by_its_own_seed() {
        let model = tiny();
        let requests: Vec<Request> = (0..7).map(|seed| request("Write a line.", seed)).collect();
        let all = model.complete(&requests, &Silent).expect("answers");
        let alone = model.complete(&requests[4..5], &Silent).expect("answers");
        assert_eq!(all[4].text, alone[0].text);
        assert!(
            all.iter().any(|answer| answer.text != all[0].text),
            "different seeds, different texts"
        );
        let text: String = all.iter().map(|answer| answer.text.as_str()).collect();
        assert!(text.is_ascii() && text.contains(' '), "{text:?}");
    }

    #[test]
    fn a_response_costs_the_same_alone_and_beside_others() {
        let model = tiny();
        let prompts: Vec<Vec<Message>> =
            (0..5).map(|n| vec![Message::user("word ".repeat(n))]).collect();
        let responses: Vec<String> =
            ["a", "of the day.", "", "x y z", "and"].map(str::to_owned).into();
        let all = model.response_logps(&prompts, &responses, &Silent).expect("scored");
        for (index, sum) in all.iter().enumerate() {
            let alone =
                model.response_logps(&prompts[index..=index], &responses[index..=index], &Silent);
            let alone = alone.expect("scored")[0];
            assert_eq!(alone.tokens, sum.tokens);
            assert!((alone.sum - sum.sum).abs() < 1e-3, "{} {}", alone.sum, sum.sum);
        }
        assert_eq!(all[2].tokens, 1, "an empty response still ends its turn");
    }

    #[test]
    fn the_tiny_model_is_not_blind_to_its_prompt_and_its_greedy_answers_are_not_blank() {
        let model = tiny();
        let prompts = ["Write a line.", "List 3 towns\n1. use no commas"];
        let prompts = prompts.map(|prompt| vec![Message::user(prompt)]);
        let responses = ["and of the day.".to_owned(), "and of the day.".to_owned()];
        let sums = model.response_logps(&prompts, &responses, &Silent).expect("scored");
        assert!((sums[0].sum - sums[1].sum).abs() > 0.1, "{} {}", sums[0].sum, sums[1].sum);
        let greedy = Request { messages: prompts[0].clone(), sampling: Sampling::greedy(24) };
        let text = &model.complete(&[greedy], &Silent).expect("answers")[0].text;
        assert!(!text.trim().is_empty(), "{text:?}");
    }

    #[test]
    fn a_request_that_does_not_fit_the_context_is_refused_by_its_index() {
        let mut requests = vec![request("short", 0), request(&"long ".repeat(600), 0)];
        requests[1].sampling.max_new_tokens = 2000;
        let error = tiny().complete(&requests, &Silent).expect_err("too long");
        assert!(matches!(error, LlmError::BadRequest { index: 1, .. }), "{error}");
    }
}
