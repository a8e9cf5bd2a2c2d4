//! Lookups do not train the pad token's row of the embedding, as in transformers.

use std::path::Path;

use iopo_model::{Activations, Checkpoint, Decoder, Layout, ModelError, Targets, device::device};

const PAD: u32 = 5;
const EMBEDDING: &str = "model.embed_tokens.weight";

/// Returns the gradient of an untied embedding, row by row, for a sequence of tokens.
fn rows(pad: Option<u32>, tokens: &[u32]) -> Vec<Vec<f32>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/tiny");
    let mut checkpoint = Checkpoint::open(&root.join("tiny-llama-untied")).expect("a checkpoint");
    let mut config = checkpoint.config.clone();
    config.pad_token_id = pad;
    let device = device("flex").expect("the default device");
    let decoder =
        Decoder::from_tensors(&config, &device, |name, shape| checkpoint.tensor(name, shape))
            .expect("a decoder");
    let layout = Layout::sequences([tokens.to_vec()]).expect("a layout");
    let last = tokens.len() - 1;
    let targets = Targets { rows: vec![last - 1, last], tokens: vec![7, 11] };
    let (_, grads) = decoder
        .response_logps_and_grads::<ModelError>(&layout, &targets, Activations::Kept, |logps| {
            Ok(vec![1.0; logps.len()])
        })
        .expect("gradients");
    let (shape, values) = &decoder.named_gradients(&grads).expect("names")[EMBEDDING];
    values.chunks_exact(shape[1]).map(<[f32]>::to_vec).collect()
}

fn is_zero(row: &[f32]) -> bool {
    row.iter().all(|value| *value == 0.0)
}

#[test]
fn lookups_of_the_pad_token_give_its_row_no_gradient() {
    let tokens = [1, PAD, 9, PAD, 12];
    let (with, without) = (rows(Some(PAD), &tokens), rows(None, &tokens));
    for (token, (with, without)) in (0u32..).zip(with.iter().zip(&without)) {
        let looked_up = tokens.contains(&token);
        assert_eq!(is_zero(without), !looked_up, "{token} without a pad token");
        if token == PAD {
            assert!(is_zero(with), "the pad token");
        } else {
            assert_eq!(with, without, "{token}");
        }
    }
}

#[test]
fn a_sequence_of_pad_tokens_gives_no_gradient() {
    assert!(rows(Some(PAD), &[PAD; 4]).iter().all(|row| is_zero(row)));
}
