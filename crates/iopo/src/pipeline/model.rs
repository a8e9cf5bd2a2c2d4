//! The base model of a run, and the models that training makes of it.

use std::io;
use std::path::{Path, PathBuf};

use iopo_eval::TaggerTable;
use iopo_llm::LanguageModel;
use iopo_model::{ChatModel, Dtype, ModelError, TemplateSettings, device};
use iopo_train::{Base, TrainError, weights};

use super::{PipelineError, paths};
use crate::config::PipelineConfig;
use crate::tiny;

/// Folder of the tiny random model in the directory of a run.
pub(super) const TINY_FOLDER: &str = "model";
/// Folder of the stored answers in the directory of a run.
const ANSWERS_FOLDER: &str = "answers";
/// Characters of a weight hash that a model's name shows.
const SHOWN_HASH: usize = 12;

/// Loads the base model of a pipeline.
///
/// Implemented by [`LocalModels`], which loads the model that the configuration names, and by [`BaseModel`], a model that is
/// already loaded. Implement it to get models from elsewhere.
pub trait ModelSource {
    /// Loads the model. `scratch` is a directory for files that must be created for it.
    ///
    /// # Errors
    /// Returns [`PipelineError::Source`] for errors of the implementation.
    fn load(&self, config: &PipelineConfig, scratch: &Path) -> Result<BaseModel, PipelineError>;

    /// Returns the folder of the stored answers of writers and judges, if `llm.store` is empty. By default, it is in `scratch`,
    /// so that runs share no answers.
    ///
    /// # Errors
    /// Returns [`PipelineError::Source`] for errors of the implementation.
    fn answers(&self, scratch: &Path) -> Result<PathBuf, PipelineError> {
        Ok(scratch.join(ANSWERS_FOLDER))
    }

    /// Finds the prompt file of a benchmark. By default, `data` must be a path.
    ///
    /// # Errors
    /// Returns [`PipelineError::NoData`] if there is no such file, and [`PipelineError::Source`] for errors of the
    /// implementation.
    fn data(&self, data: &str) -> Result<PathBuf, PipelineError> {
        let path = PathBuf::from(data);
        if path.exists() { Ok(path) } else { Err(PipelineError::NoData { data: data.to_owned() }) }
    }

    /// Returns the table of the tagger for IFBench, without which `words:start_verb` has no verdict. By default, there is none.
    ///
    /// # Errors
    /// Returns [`PipelineError::Eval`] if the table cannot be read, and [`PipelineError::Source`] for errors of the
    /// implementation.
    fn tagger(&self) -> Result<Option<TaggerTable>, PipelineError> {
        Ok(None)
    }
}

/// Loads the model of the configuration from a path, or creates a tiny random model for the name `tiny`.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalModels;

impl ModelSource for LocalModels {
    fn load(&self, config: &PipelineConfig, scratch: &Path) -> Result<BaseModel, PipelineError> {
        let found = Checkpoint::find(&config.model, scratch)
            .map_err(PipelineError::io("create the tiny model in", scratch))?;
        let missing = || PipelineError::NoModel { model: config.model.clone() };
        let found = found.ok_or_else(missing)?;
        let base = found.load(&config.device, config.dtype, config.generation_batch)?;
        let settings = config.template_settings().map_err(ModelError::from)?;
        Ok(base.with_template_settings(settings)?)
    }
}

/// Opens the weight files of the base model; `None` if the configuration names no model at a path.
pub(super) fn weight_files(config: &PipelineConfig) -> Option<iopo_model::Checkpoint> {
    let path = Path::new(&config.model);
    if !path.exists() {
        return None;
    }
    iopo_model::Checkpoint::open(path).ok()
}

/// Model files on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// A Hugging Face directory or a `.gguf` file.
    pub path: PathBuf,
    /// Name that files record: the public name if there is one, never a path.
    pub name: String,
    /// Where other programs find the model: its hub id or its absolute path.
    pub location: String,
}

impl Checkpoint {
    /// Finds a model by its path, or creates the tiny random model in `scratch` for the name `tiny`.
    ///
    /// Returns `None` if there is no such path.
    ///
    /// # Errors
    /// Returns the operating system's error if the tiny model cannot be written.
    pub fn find(model: &str, scratch: &Path) -> io::Result<Option<Self>> {
        let path = Path::new(model);
        if path.exists() {
            let name = path
                .canonicalize()
                .ok()
                .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
            let name = name.unwrap_or_else(|| "model".to_owned());
            return Ok(Some(Self::local(path, name)));
        }
        if model.eq_ignore_ascii_case(tiny::NAME) {
            let path = tiny::create(&scratch.join(TINY_FOLDER))?;
            return Ok(Some(Self::local(&path, tiny::NAME.to_owned())));
        }
        Ok(None)
    }

    fn local(path: &Path, name: String) -> Self {
        let location = paths::existing(path).unwrap_or_else(|| path.to_owned());
        Self { path: path.to_owned(), name, location: location.to_string_lossy().into_owned() }
    }

    /// Returns the files in `path` of a model on the hub.
    pub fn of_hub(id: impl Into<String>, path: PathBuf) -> Self {
        let name = id.into();
        Self { path, location: name.clone(), name }
    }

    /// Loads the model onto a device, `auto` for the first of this build, `cpu` for the first on the CPU. Each worker
    /// generates at most `batch` sequences together.
    ///
    /// # Errors
    /// Returns an error if the device does not work, a file is missing or malformed, or the architecture is not supported.
    pub fn load(&self, device: &str, dtype: Dtype, batch: usize) -> Result<BaseModel, ModelError> {
        let name = device::resolve(device)?;
        let device = device::device(&name.to_string())?;
        let chat = ChatModel::load(&self.path, &self.name, (&device, dtype), batch)?;
        let base = BaseModel::new(self.name.as_str(), name.backend(), &chat);
        Ok(base.with_location(self.location.as_str()))
    }
}

/// A loaded chat model and the public name of its checkpoint.
#[derive(Debug, Clone)]
pub struct BaseModel {
    name: String,
    location: String,
    device: String,
    chat: ChatModel,
}

impl BaseModel {
    /// Takes a loaded model, the public name of its checkpoint and the name of its device.
    ///
    /// The model is renamed: its name gets the weight hash and the type of the weights, because it identifies responses and
    /// log-probabilities.
    pub fn new(name: impl Into<String>, device: impl Into<String>, chat: &ChatModel) -> Self {
        let name = name.into();
        let dtype = chat.decoder().dtype();
        let narrow = if dtype == Dtype::F32 { "" } else { dtype.name() };
        let full = format!("{name}@{}{narrow}", short(chat.weights_hash()));
        let chat = chat.with_decoder(chat.decoder().clone(), &full);
        Self { chat, location: name.clone(), name, device: device.into() }
    }

    /// Sets the hub id or the absolute path of the checkpoint, with which PEFT finds the base of an adapter. Default: the
    /// public name.
    #[must_use]
    pub fn with_location(self, location: impl Into<String>) -> Self {
        Self { location: location.into(), ..self }
    }

    /// Declares that only adapters of the model will be trained ([`Decoder::frozen`](iopo_model::Decoder::frozen)).
    #[must_use]
    pub fn frozen(self) -> Self {
        let decoder = self.chat.decoder().clone().frozen();
        Self { chat: self.chat.with_decoder(decoder, &self.chat.name()), ..self }
    }

    /// Returns the model with other settings of its chat template.
    ///
    /// # Errors
    /// Returns an error if the setting `eos_token` is not a token of the model.
    pub fn with_template_settings(self, settings: TemplateSettings) -> Result<Self, ModelError> {
        Ok(Self { chat: self.chat.with_template_settings(settings)?, ..self })
    }

    /// Returns the model with another treatment of messages that spell a special token: they are encoded as plain text if
    /// `escape` is set, and refused otherwise.
    #[must_use]
    pub fn with_escaped_special_tokens(&self, escape: bool) -> Self {
        Self { chat: self.chat.with_escaped_special_tokens(escape), ..self.clone() }
    }

    /// Returns the public name of the checkpoint.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name of the device that computes.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Returns the model. Its own name includes the weight hash.
    pub fn chat(&self) -> &ChatModel {
        &self.chat
    }

    /// Loads the result of a training run from its directory under `train/`.
    ///
    /// # Errors
    /// Returns an error if the directory does not hold a model that was trained from this base.
    pub fn trained(&self, dir: &Path, method: &str) -> Result<ChatModel, TrainError> {
        let decoder = weights::load(dir, self.chat.decoder(), self.chat.weights_hash())?;
        let hash = weights::hash(&weights::trained_tensors(&decoder)?);
        let name = format!("{}+{method}@{}", self.chat.name(), short(&hash));
        Ok(self.chat.with_decoder(decoder, &name))
    }

    /// Returns the model that training starts from.
    pub fn base(&self) -> Base<'_> {
        Base {
            name: &self.name,
            location: &self.location,
            weights_hash: self.chat.weights_hash(),
            decoder: self.chat.decoder(),
            tokenizer: self.chat.tokenizer(),
            template: self.chat.template(),
        }
    }
}

impl ModelSource for BaseModel {
    fn load(&self, _: &PipelineConfig, _: &Path) -> Result<BaseModel, PipelineError> {
        Ok(self.clone())
    }
}

fn short(hash: &str) -> &str {
    hash.get(..SHOWN_HASH).unwrap_or(hash)
}

#[cfg(test)]
mod tests {
    use iopo_llm::{
        FailureClass, LanguageModel, LlmError, LogProb, LogProbResponse, Message, Request,
        Sampling, Silent, complete_all,
    };

    use iopo_model::{ChatModel, Dtype, TemplateSettings};

    use super::Checkpoint;

    fn tiny() -> ChatModel {
        let dir = tempfile::tempdir().expect("temporary directory");
        let found = Checkpoint::find("tiny", dir.path()).expect("created").expect("found");
        found.load("auto", Dtype::F32, 3).expect("loads").chat
    }

    #[test]
    fn a_checkpoint_is_a_path_or_the_tiny_model() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let file = dir.path().join("a.gguf");
        std::fs::write(&file, b"x").expect("written");
        let find = |model: &str| Checkpoint::find(model, dir.path()).expect("no failure");
        let found = find(file.to_str().expect("UTF-8")).expect("found");
        assert_eq!((&found.path, found.name.as_str()), (&file, "a.gguf"));
        assert_eq!(std::path::Path::new(&found.location), file);
        let tiny = find("tiny").expect("found");
        assert_eq!((&tiny.path, tiny.name.as_str()), (&dir.path().join("model"), "tiny"));
        assert_eq!(std::path::Path::new(&tiny.location), tiny.path);
        let hub = Checkpoint::of_hub("org/name", file);
        assert_eq!((hub.name.as_str(), hub.location.as_str()), ("org/name", "org/name"));
        assert_eq!(find("no-such-model"), None);
    }

    #[test]
    fn a_fingerprint_tells_templates_and_ends_of_an_answer_apart() {
        let model = tiny();
        let fingerprint = |model: &ChatModel| model.fingerprint().expect("a fingerprint");
        assert_eq!(fingerprint(&model), fingerprint(&tiny()), "the same content");
        let settings = TemplateSettings {
            eos_token: Some("<|im_start|>".to_owned()),
            ..TemplateSettings::default()
        };
        let other = model.with_template_settings(settings).expect("a token");
        assert_eq!(other.name(), model.name());
        assert_ne!(fingerprint(&other), fingerprint(&model));
        let renamed = model.with_decoder(model.decoder().clone(), "trained");
        assert_ne!(fingerprint(&renamed), fingerprint(&model), "other weights have another name");
    }

    fn request(text: &str, seed: u64) -> Request {
        let sampling = Sampling::greedy(24).with_temperature(0.8).with_top_p(0.95).with_seed(seed);
        Request::new(vec![Message::user(text)], sampling)
    }

    #[test]
    fn the_tiny_model_answers_in_words_and_each_request_has_its_random_seed() {
        let model = tiny();
        let requests: Vec<Request> = (0..7).map(|seed| request("Write a line.", seed)).collect();
        let all = complete_all(&model, &requests, &Silent).expect("answers");
        let alone = complete_all(&model, &requests[4..5], &Silent).expect("answers");
        assert_eq!(all[4].text, alone[0].text);
        assert!(
            all.iter().any(|answer| answer.text != all[0].text),
            "different seeds, different texts"
        );
        let text: String = all.iter().map(|answer| answer.text.as_str()).collect();
        assert!(text.is_ascii() && text.contains(' '), "{text:?}");
    }

    #[test]
    fn a_response_has_the_same_logps_alone_and_in_a_batch() {
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
        assert_eq!(all[2].tokens, 1, "an empty response has an end token");
        let cut = LogProbResponse { ended: false, ..responses[1] };
        let cut = model.response_logps(&prompts[1..2], &[cut], &Silent).expect("scored")[0];
        assert_eq!(cut.tokens + 1, all[1].tokens, "a cut response has no end token");
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
        let greedy = Request::new(prompts[0].clone(), Sampling::greedy(24));
        let text = &complete_all(&model, &[greedy], &Silent).expect("answers")[0].text;
        assert!(!text.trim().is_empty(), "{text:?}");
    }

    #[test]
    fn a_long_request_does_not_fit_the_context() {
        let model = tiny();
        let request = |text: &str, max_new_tokens| {
            Request::new(vec![Message::user(text)], Sampling::greedy(max_new_tokens))
        };
        assert!(model.fits(&request("short", 24)).expect("encoded"));
        assert!(!model.fits(&request(&"long ".repeat(600), 2000)).expect("encoded"));
    }

    #[test]
    fn a_request_that_does_not_fit_the_context_is_refused_by_its_index() {
        let mut requests = [request("short", 0), request(&"long ".repeat(600), 0)];
        requests[1].sampling.max_new_tokens = 2000;
        let model = tiny();
        let outcomes = model.complete(&requests, &Silent).expect("outcomes");
        assert!(outcomes[0].is_ok(), "the other request is completed");
        let failure = outcomes[1].as_ref().expect_err("too long");
        assert_eq!(failure.class, FailureClass::TooLong, "{failure}");
        let prompts = requests.map(|request| request.messages);
        let long = "long ".repeat(4000);
        let responses = ["short", &long].map(|text| LogProbResponse { text, ended: true });
        let error = model.response_logps(&prompts, &responses, &Silent).expect_err("too long");
        assert!(matches!(error, LlmError::BadRequest { index: 1, .. }), "{error}");
    }

    #[test]
    fn a_special_token_in_a_message_is_refused_by_every_method() {
        let model = tiny();
        let special = model.tokenizer().eos_token().expect("the tiny model has one").to_owned();
        let bad = request(&format!("a {special} b"), 0);
        let responses = [LogProbResponse { text: "a", ended: true }; 2];
        let prompts = [request("a", 0).messages, bad.messages.clone()];
        for (index, error) in [
            (0, model.fits(&bad).map(drop)),
            (1, model.response_logps(&prompts, &responses, &Silent).map(drop)),
        ] {
            let error = error.expect_err("refused");
            assert!(
                matches!(&error, LlmError::SpecialToken { index: at, token } if *at == index && *token == special),
                "{error}"
            );
        }
        let outcomes = model.complete(&[request("a", 0), bad], &Silent).expect("outcomes");
        let failure = outcomes[1].as_ref().expect_err("refused");
        assert!(outcomes[0].is_ok() && failure.reason.contains(&special), "{failure}");
    }
}
