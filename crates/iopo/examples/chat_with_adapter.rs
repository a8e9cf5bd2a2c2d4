//! Loads a base model and a LoRA adapter in PEFT's format, and answers one message.
//!
//! ```console
//! $ cargo run -p iopo --example chat_with_adapter -- MODEL ADAPTER "Write a haiku about rain."
//! ```
//!
//! MODEL is a Hugging Face directory or a GGUF file, ADAPTER the directory of a trained method, for instance
//! `runs/smoke/model` and `runs/smoke/train/iopo`.
#![expect(clippy::print_stdout, reason = "an example answers on the terminal")]

use std::path::Path;

use anyhow::{Context, Result, bail};
use iopo::llm::{LanguageModel, Message, Request, Sampling, Silent, complete_all};
use iopo::model::{ChatModel, Dtype, device::device};
use iopo::train::weights;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, adapter, message] = args.as_slice() else {
        bail!("found {} arguments, expected three: MODEL ADAPTER MESSAGE", args.len());
    };

    let cpu = device("flex")?;
    let base = ChatModel::load(Path::new(model), "base", (&cpu, Dtype::F32), 1)
        .with_context(|| format!("failed to load {model}"))?;
    let decoder = weights::load(Path::new(adapter), base.decoder(), base.weights_hash())
        .with_context(|| format!("failed to load the adapter from {adapter}"))?;
    let adapted = base.with_decoder(decoder, "base with adapter");

    let request = Request::new(vec![Message::user(message)], Sampling::greedy(64));
    for model in [&base, &adapted] {
        let completions = complete_all(model, std::slice::from_ref(&request), &Silent)?;
        println!("{}: {}", model.name(), completions[0].text);
    }
    Ok(())
}
