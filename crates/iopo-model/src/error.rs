//! The crate's error type.

use std::path::{Path, PathBuf};

use iopo_core::files::Limit;

/// Why a model, its tokenizer or its chat template cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file could not be opened, read or written.
    #[error("failed to {action} {}", path.display())]
    Io {
        /// The operation: "open", "read", "write" …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        source: std::io::Error,
    },
    /// The system refuses to start another thread.
    #[error("failed to start a thread")]
    Threads {
        /// The operating system's error.
        source: std::io::Error,
    },
    /// This build has no device of this name.
    #[error("no device `{name}` in this build: expected one of {available}")]
    NoSuchDevice {
        /// The requested name.
        name: String,
        /// The devices of this build.
        available: String,
    },
    /// The device exists in this build but does not work on this machine.
    #[error("device `{name}` does not work on this machine (it needs {needs}): {reason}")]
    Device {
        /// The device.
        name: String,
        /// The requirements of the device.
        needs: &'static str,
        /// The message of the driver or library.
        reason: String,
    },
    /// The path is neither a checkpoint directory nor a `.gguf` file.
    #[error("{} is not a model: found {found}, expected {expected}", path.display())]
    NotAModel {
        /// The path.
        path: PathBuf,
        /// The expected value.
        expected: &'static str,
        /// The value found.
        found: String,
    },
    /// The repository was cloned without its large files.
    #[error("{} is a Git LFS pointer, expected the file itself", path.display())]
    GitLfsPointer {
        /// The file.
        path: PathBuf,
    },
    /// A setting has a value that is not allowed.
    #[error(transparent)]
    Setting(#[from] iopo_core::SettingError),
    /// A configuration value is missing, has the wrong type or is out of range.
    #[error("invalid configuration in {}: `{key}`: found {found}, expected {expected}", path.display())]
    BadConfig {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// The expected value.
        expected: String,
        /// The value found.
        found: String,
    },
    /// The decoder does not support the architecture.
    #[error(
        "unknown architecture `{found}` in {}: expected one of {supported}",
        path.display()
    )]
    UnknownArchitecture {
        /// The file.
        path: PathBuf,
        /// The architecture named in the file.
        found: String,
        /// The supported architectures.
        supported: &'static str,
    },
    /// The decoder supports the architecture but not a feature that the model uses.
    #[error("{} needs {feature}, which is not supported", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The missing feature.
        feature: String,
        /// An alternative to use.
        hint: &'static str,
    },
    /// A safetensors file is malformed.
    #[error("invalid safetensors file {}: {reason}", path.display())]
    BadSafetensors {
        /// The file.
        path: PathBuf,
        /// The expected value and the value found.
        reason: String,
    },
    /// A GGUF file is malformed.
    #[error("invalid GGUF file {}: {reason}", path.display())]
    BadGguf {
        /// The file.
        path: PathBuf,
        /// The expected value and the value found.
        reason: String,
    },
    /// A tensor is stored in an unsupported type.
    #[error(
        "tensor `{tensor}` in {} has type {found}: expected one of {supported}",
        path.display()
    )]
    UnsupportedTensorType {
        /// The file.
        path: PathBuf,
        /// The tensor, by its name in the file.
        tensor: String,
        /// Its type in the file.
        found: String,
        /// The supported types.
        supported: &'static str,
    },
    /// The checkpoint lacks a tensor of the configured architecture.
    #[error("tensor `{tensor}` is missing from {}", path.display())]
    MissingTensor {
        /// The checkpoint.
        path: PathBuf,
        /// The tensor, by its Hugging Face name.
        tensor: String,
    },
    /// A tensor's shape does not match the configuration.
    #[error(
        "tensor `{tensor}` in {} has shape {found:?}, but the configuration implies {expected:?}",
        path.display()
    )]
    ShapeMismatch {
        /// The checkpoint.
        path: PathBuf,
        /// The tensor, by its Hugging Face name.
        tensor: String,
        /// The shape implied by the configuration.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// No tokenizer was found.
    #[error("no tokenizer in {}: expected {expected}", path.display())]
    TokenizerMissing {
        /// Where one was expected.
        path: PathBuf,
        /// The expected value.
        expected: &'static str,
    },
    /// A tokenizer is malformed.
    #[error("invalid tokenizer in {}: {reason}", path.display())]
    BadTokenizer {
        /// The file.
        path: PathBuf,
        /// The expected value and the value found.
        reason: String,
    },
    /// Tokenizing a text or decoding tokens failed.
    #[error("the tokenizer failed to {action}: {reason}")]
    Tokenize {
        /// "encode", "decode" or "serialize".
        action: &'static str,
        /// The cause.
        reason: String,
    },
    /// A text contains a token for which the model's embedding has no row.
    #[error(
        "the text contains the token `{token}` with id {id}, but the model's embedding has only {rows} rows"
    )]
    TokenWithoutRow {
        /// The token.
        token: String,
        /// Its id.
        id: u32,
        /// The number of rows.
        rows: usize,
    },
    /// No chat template was found.
    #[error("no chat template in {}: expected {expected}", path.display())]
    TemplateMissing {
        /// Where one was expected.
        path: PathBuf,
        /// The expected value.
        expected: &'static str,
    },
    /// A chat template does not compile, rejects the chat or runs too long.
    #[error("the chat template failed: {reason}")]
    Template {
        /// The template's message, with the line if it is known.
        reason: String,
    },
    /// A chat template changes the text of a message, so special tokens in the message cannot be distinguished from those of the
    /// template.
    #[error(
        "cannot apply `eval.escape_special_tokens`: the chat template {found}, expected it to write messages unchanged"
    )]
    EscapedPrompt {
        /// The change that the template makes.
        found: &'static str,
    },
    /// Segments do not form a tree, or a target or token is out of range.
    #[error("invalid layout: {reason}")]
    Layout {
        /// The expected value and the value found.
        reason: String,
    },
    /// An adapter does not fit the model.
    #[error("invalid adapter in {}: {reason}", path.display())]
    BadAdapter {
        /// The adapter's directory or file.
        path: PathBuf,
        /// The expected value and the value found.
        reason: String,
    },
    /// An adapter's initialization changes the base's weights, so the adapter does not fit the base as saved.
    #[error(
        "invalid adapter in {}: `{key}`: found {found}, which moves weights of the base into the adapter, expected an \
         adapter that leaves the base unchanged",
        path.display()
    )]
    RewrittenBase {
        /// The adapter's directory.
        path: PathBuf,
        /// The setting of PEFT.
        key: String,
        /// Its value.
        found: String,
    },
    /// The factors of an adapter do not fit the model.
    #[error("invalid adapter: {reason}")]
    BadFactors {
        /// The expected value and the value found.
        reason: String,
    },
    /// Generating text failed.
    #[error("generation failed: {reason}")]
    Generation {
        /// The cause.
        reason: String,
    },
    /// The user asked to stop.
    #[error("stopped on request")]
    Cancelled,
    /// Anything else.
    #[error("{reason}")]
    Other {
        /// The cause.
        reason: String,
    },
}

impl ModelError {
    /// Returns a remedy, if one is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoSuchDevice { .. } => {
                let features: Vec<&str> = crate::device::backends().collect();
                return Some(format!("build with one of the features {}", features.join(", ")));
            }
            Self::GitLfsPointer { .. } => {
                "run `git lfs pull` in its repository, or download the file again"
            }
            Self::RewrittenBase { key, .. } if key.ends_with("_config") => {
                return Some(format!(
                    "if the adapter was converted to fit this base, or this base is the one that the initialization \
                     saved, set `{key}` to null in adapter_config.json"
                ));
            }
            Self::RewrittenBase { found, .. } if found.to_lowercase().contains("loftq") => {
                "merge the adapter with PEFT into the base that LoftQ produced, and pass the merged model"
            }
            Self::RewrittenBase { .. } => {
                "convert the adapter with PEFT (`save_pretrained` with `path_initial_model_for_weight_conversion`), or merge it \
                 with PEFT and pass the merged model"
            }
            Self::TokenWithoutRow { .. } => {
                "remove this text from the data; if the chat template writes the token, use the tokenizer of this model"
            }
            Self::EscapedPrompt { .. } => {
                "remove the prompts that contain a special token, or use a chat template that does not slice, measure or \
                 escape messages"
            }
            Self::Unsupported { hint, .. } => *hint,
            Self::Setting(error) => return error.hint.clone(),
            Self::Threads { source } => Limit::of(source).unwrap_or(Limit::Threads).hint(),
            Self::Io { .. }
            | Self::Device { .. }
            | Self::NotAModel { .. }
            | Self::BadConfig { .. }
            | Self::UnknownArchitecture { .. }
            | Self::BadSafetensors { .. }
            | Self::BadGguf { .. }
            | Self::UnsupportedTensorType { .. }
            | Self::MissingTensor { .. }
            | Self::ShapeMismatch { .. }
            | Self::TokenizerMissing { .. }
            | Self::BadTokenizer { .. }
            | Self::Tokenize { .. }
            | Self::TemplateMissing { .. }
            | Self::Template { .. }
            | Self::Layout { .. }
            | Self::BadAdapter { .. }
            | Self::BadFactors { .. }
            | Self::Generation { .. }
            | Self::Cancelled
            | Self::Other { .. } => return None,
        };
        Some(hint.to_owned())
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    pub(crate) fn config(
        path: &Path,
        key: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::BadConfig {
            path: path.to_owned(),
            key: key.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    pub(crate) fn unsupported(path: &Path, feature: impl Into<String>, hint: &'static str) -> Self {
        Self::Unsupported { path: path.to_owned(), feature: feature.into(), hint }
    }

    pub(crate) fn safetensors(path: &Path, reason: impl Into<String>) -> Self {
        Self::BadSafetensors { path: path.to_owned(), reason: reason.into() }
    }

    pub(crate) fn gguf(path: &Path, reason: impl Into<String>) -> Self {
        Self::BadGguf { path: path.to_owned(), reason: reason.into() }
    }

    pub(crate) fn tokenizer(path: &Path, reason: impl Into<String>) -> Self {
        Self::BadTokenizer { path: path.to_owned(), reason: reason.into() }
    }
}
