//! Writes token ids and logits of the first chosen sequences of a preferences file, to compare with other libraries:
//! `logits PREFERENCES MODEL OUT [ADAPTER]`. `fixtures/interop/check.py` reads OUT.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use iopo::llm::Message;
use iopo::model::{ChatModel, Dtype, Layout, NamedTensors, device};
use iopo::schema::{PreferenceRow, stream};
use iopo::train::weights;

/// Groups whose two chosen sequences are written.
const GROUPS: usize = 8;

fn main() -> Result<()> {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let (preferences, model, out, adapter) = match args.as_slice() {
        [preferences, model, out] => (preferences, model, out, None),
        [preferences, model, out, adapter] => (preferences, model, out, Some(adapter)),
        _ => bail!("expected PREFERENCES MODEL OUT [ADAPTER]"),
    };
    let first = device::available().first().copied().context("this build has no device")?;
    let chat = ChatModel::load(model, "model", (&device::device(first)?, Dtype::F32), 1)?;
    let decoder = match adapter {
        Some(dir) => weights::load(dir, chat.decoder(), chat.weights_hash())?,
        None => chat.decoder().clone(),
    };
    let batch =
        stream::<PreferenceRow>(preferences)?.next().context("the file has no groups")??;
    let mut tensors = NamedTensors::new();
    let chosen = |row: &PreferenceRow| {
        let second = row.x2.clone().map(|x2| (x2, row.y2.clone()));
        std::iter::once((row.x1.clone(), row.y1.clone())).chain(second)
    };
    for (index, (x, y)) in batch.iter().take(GROUPS).flat_map(chosen).enumerate() {
        let tokens = [chat.encode_prompt(&[Message::user(x)])?, chat.encode_response(&y)?].concat();
        let hidden = decoder.hidden(&Layout::sequences([tokens.clone()])?)?;
        let logits = decoder.logits(&hidden).into_data();
        let logits = logits.try_to_vec::<f32>().map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let shape = vec![tokens.len(), logits.len() / tokens.len()];
        tensors.insert(format!("logits.{index}"), (shape, logits));
        let ids = tokens.iter().map(|token| *token as f32).collect();
        tensors.insert(format!("tokens.{index}"), (vec![tokens.len()], ids));
    }
    std::fs::write(out, weights::to_safetensors(&tensors)?).context("failed to write the logits")
}
