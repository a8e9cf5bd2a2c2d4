//! The base model of a run, and the models that training makes of it.

use std::path::Path;

use anyhow::{Context, Result};
use iopo_llm::LanguageModel;
use iopo_model::{ChatModel, Dtype};
use iopo_train::Base;

/// Characters of a weight hash that a model's name shows.
const SHOWN_HASH: usize = 12;

/// A chat model and the public name of its checkpoint.
#[derive(Debug, Clone)]
pub(crate) struct BaseModel {
    /// Public name of the checkpoint, as adapters record it.
    pub(crate) name: String,
    /// The model. Its own name includes the weight hash, and identifies responses and log-probabilities.
    pub(crate) chat: ChatModel,
}

impl BaseModel {
    /// Loads a checkpoint onto a device; each worker generates at most `batch` sequences together.
    pub(crate) fn load(
        path: &Path,
        name: &str,
        (device, dtype): (&str, Dtype),
        batch: usize,
    ) -> Result<Self> {
        let device = iopo_model::device::device(device)?;
        let chat = ChatModel::load(path, name, (&device, dtype), batch)?;
        let narrow = if dtype == Dtype::F32 { "" } else { dtype.name() };
        let full = format!("{name}@{}{narrow}", short(chat.weights_hash()));
        let chat = chat.with_decoder(chat.decoder().clone(), &full);
        Ok(Self { name: name.to_owned(), chat })
    }

    /// Loads the result of a training run from its directory under `train/`.
    pub(crate) fn trained(&self, dir: &Path, method: &str) -> Result<ChatModel> {
        let decoder = iopo_train::weights::load(dir, self.chat.decoder(), self.chat.weights_hash())
            .with_context(|| format!("failed to load {method} from {}", dir.display()))?;
        let hash = iopo_train::weights::hash(&iopo_train::weights::trained_tensors(&decoder)?);
        let name = format!("{}+{method}@{}", self.chat.name(), short(&hash));
        Ok(self.chat.with_decoder(decoder, &name))
    }

    /// Returns the model that training starts from.
    pub(crate) fn base(&self) -> Base<'_> {
        Base {
            name: &self.name,
            weights_hash: self.chat.weights_hash(),
            decoder: self.chat.decoder(),
            tokenizer: self.chat.tokenizer(),
            template: self.chat.template(),
        }
    }
}

fn short(hash: &str) -> &str {
    hash.get(..SHOWN_HASH).unwrap_or(hash)
}

#[cfg(test)]
mod tests {
    use iopo_llm::{
        LanguageModel, LlmError, LogProb, LogProbResponse, Message, Request, Sampling, Silent,
    };

    use iopo_model::{ChatModel, Dtype};

    use super::BaseModel;
    use crate::tiny;

    fn tiny() -> ChatModel {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = tiny::make(&dir.path().join("model")).expect("made");
        BaseModel::load(&path, "tiny", ("flex", Dtype::F32), 3).expect("loads").chat
    }

    fn request(text: &str, seed: u64) -> Request {
        let sampling = Sampling::greedy(24).with_temperature(0.8).with_top_p(0.95).with_seed(seed);
        Request { messages: vec![Message::user(text)], sampling }
    }

    #[test]
    fn the_tiny_model_answers_in_words_and_each_request_has_its_seed() {
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
        let responses = ["a", "of the day.", "", "x y z", "and"]
            .map(|text| LogProbResponse { text, ended: true });
        let all = model.response_logps(&prompts, &responses, &Silent).expect("scored");
        for (index, sum) in all.iter().enumerate() {
            let alone =
                model.response_logps(&prompts[index..=index], &responses[index..=index], &Silent);
            let alone = alone.expect("scored")[0];
            assert_eq!(alone.tokens, sum.tokens);
            assert!((alone.sum - sum.sum).abs() < 1e-3, "{} {}", alone.sum, sum.sum);
        }
        assert!(model.response_logps(&[], &[], &Silent).expect("nothing to do").is_empty());
        assert_eq!(all[2].tokens, 1, "an empty response still ends its turn");
        let cut = LogProbResponse { ended: false, ..responses[1] };
        let cut = model.response_logps(&prompts[1..2], &[cut], &Silent).expect("scored")[0];
        assert_eq!(cut.tokens + 1, all[1].tokens, "a cut response is not charged for an end");
        assert!(cut.sum > all[1].sum, "{} {}", cut.sum, all[1].sum);
    }

    #[test]
    fn the_tiny_model_depends_on_its_prompt_and_answers_greedily() {
        let model = tiny();
        let prompts = ["Write a line.", "List 3 towns\n1. use no commas"];
        let prompts = prompts.map(|prompt| vec![Message::user(prompt)]);
        let responses = [LogProbResponse { text: "and of the day.", ended: true }; 2];
        let sums = model.response_logps(&prompts, &responses, &Silent).expect("scored");
        assert!((sums[0].sum - sums[1].sum).abs() > 0.1, "{} {}", sums[0].sum, sums[1].sum);
        let greedy = Request { messages: prompts[0].clone(), sampling: Sampling::greedy(24) };
        let text = &model.complete(&[greedy], &Silent).expect("answers")[0].text;
        assert!(!text.trim().is_empty(), "{text:?}");
    }

    #[test]
    fn a_request_fits_the_context_or_not() {
        let model = tiny();
        let request = |text: &str, max_new_tokens| Request {
            messages: vec![Message::user(text)],
            sampling: Sampling::greedy(max_new_tokens),
        };
        assert!(model.fits(&request("short", 24)).expect("encoded"));
        assert!(!model.fits(&request(&"long ".repeat(600), 2000)).expect("encoded"));
    }

    #[test]
    fn a_request_that_does_not_fit_the_context_is_refused_by_its_index() {
        let mut requests = vec![request("short", 0), request(&"long ".repeat(600), 0)];
        requests[1].sampling.max_new_tokens = 2000;
        let error = tiny().complete(&requests, &Silent).expect_err("too long");
        assert!(matches!(error, LlmError::BadRequest { index: 1, .. }), "{error}");
    }
}
