//! What can go wrong between a file and a model.

use std::path::{Path, PathBuf};

/// Why a model, its tokenizer or its template could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file could not be opened, read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: "open", "read", "write" …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// This build has no device of that name.
    #[error(
        "no device `{name}` in this build: expected one of {available}; flex, tch, wgpu, vulkan, cuda, rocm and metal \
         can be built in, each by the feature of its name"
    )]
    NoSuchDevice {
        /// What was asked for.
        name: String,
        /// What there is.
        available: String,
    },
    /// The device is built in and does not compute here.
    #[error("`{name}` does not compute here, it needs {needs}: {reason}")]
    Device {
        /// The device.
        name: String,
        /// What it needs.
        needs: &'static str,
        /// What its driver or its library said.
        reason: String,
    },
    /// The path is neither a checkpoint directory nor a `.gguf` file.
    #[error("{} is no model: expected {expected}, got {got}", path.display())]
    NotAModel {
        /// The path.
        path: PathBuf,
        /// What would have been one.
        expected: &'static str,
        /// What it is.
        got: String,
    },
    /// A setting cannot be used.
    #[error(transparent)]
    Setting(#[from] iopo_core::SettingError),
    /// A configuration value is missing, of the wrong type or out of bounds.
    #[error("bad configuration in {}: `{key}` must be {expected}, got {got}", path.display())]
    BadConfig {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What it must be.
        expected: String,
        /// What it is.
        got: String,
    },
    /// The architecture is none that the decoder knows.
    #[error(
        "unknown architecture `{got}` in {}: supported are {supported}",
        path.display()
    )]
    UnknownArchitecture {
        /// The file.
        path: PathBuf,
        /// The architecture that the file names.
        got: String,
        /// The ones that are known.
        supported: &'static str,
    },
    /// The architecture is known, but the model uses a part of it that the decoder lacks.
    #[error("{} needs {feature}, which is not supported: {hint}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it needs.
        feature: String,
        /// What to use instead.
        hint: &'static str,
    },
    /// A safetensors file that breaks its format.
    #[error("bad safetensors file {}: {reason}", path.display())]
    BadSafetensors {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
    /// A GGUF file that breaks its format.
    #[error("bad GGUF file {}: {reason}", path.display())]
    BadGguf {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
    /// A tensor is stored in a type that cannot be decoded.
    #[error(
        "tensor `{tensor}` in {} has type {got}: supported are {supported}",
        path.display()
    )]
    UnsupportedTensorType {
        /// The file.
        path: PathBuf,
        /// The tensor, by its name in the file.
        tensor: String,
        /// Its type.
        got: String,
        /// The types that can be decoded.
        supported: &'static str,
    },
    /// A tensor that the configuration asks for is not in the checkpoint.
    #[error("tensor `{tensor}` is missing from {}", path.display())]
    MissingTensor {
        /// The checkpoint.
        path: PathBuf,
        /// The tensor, by its Hugging Face name.
        tensor: String,
    },
    /// A tensor has another shape than the configuration asks for.
    #[error(
        "tensor `{tensor}` in {} has shape {got:?}, the configuration asks for {expected:?}",
        path.display()
    )]
    ShapeMismatch {
        /// The checkpoint.
        path: PathBuf,
        /// The tensor, by its Hugging Face name.
        tensor: String,
        /// The shape that follows from the configuration.
        expected: Vec<usize>,
        /// The shape in the file.
        got: Vec<usize>,
    },
    /// There is no tokenizer where one was looked for.
    #[error("no tokenizer in {}: expected {expected}", path.display())]
    TokenizerMissing {
        /// Where it was looked for.
        path: PathBuf,
        /// What would have been one.
        expected: &'static str,
    },
    /// A tokenizer that cannot be built.
    #[error("bad tokenizer in {}: {reason}", path.display())]
    BadTokenizer {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
    /// A text could not be turned into tokens, or tokens into text.
    #[error("cannot {action} with the tokenizer: {reason}")]
    Tokenize {
        /// "encode" or "decode".
        action: &'static str,
        /// What happened.
        reason: String,
    },
    /// There is no chat template where one was looked for.
    #[error("no chat template in {}: expected {expected}", path.display())]
    TemplateMissing {
        /// Where it was looked for.
        path: PathBuf,
        /// What would have been one.
        expected: &'static str,
    },
    /// A chat template does not compile, refuses the chat or does not end.
    #[error("the chat template failed: {reason}")]
    Template {
        /// What it said, with the line where one is known.
        reason: String,
    },
    /// Segments that make no tree, or targets outside it.
    #[error("bad layout: {reason}")]
    Layout {
        /// What was expected and what was found.
        reason: String,
    },
    /// An adapter that does not fit the model.
    #[error("bad adapter in {}: {reason}", path.display())]
    BadAdapter {
        /// The adapter's folder or file.
        path: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
    /// Generating text failed.
    #[error("generation failed: {reason}")]
    Generation {
        /// What happened.
        reason: String,
    },
    /// The user asked to stop.
    #[error("stopped on request")]
    Cancelled,
    /// Anything else.
    #[error("{reason}")]
    Other {
        /// What happened.
        reason: String,
    },
}

impl ModelError {
    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    pub(crate) fn config(
        path: &Path,
        key: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        Self::BadConfig {
            path: path.to_owned(),
            key: key.into(),
            expected: expected.into(),
            got: got.into(),
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
