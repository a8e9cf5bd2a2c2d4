//! The weights of the tiny model: random, except for the constant that carries the token frequencies.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, TensorView};

use super::{HEADS, HIDDEN, INTERMEDIATE, KV_HEADS, LAYERS, Vocabulary};

/// Value of the first hidden dimension of every embedding, large enough to survive the layers.
const CARRIER: f32 = 4.0;

/// Returns `model.safetensors` in f32.
pub(super) fn safetensors(vocabulary: &Vocabulary) -> Result<Vec<u8>, SafeTensorError> {
    let mut tensors = BTreeMap::new();
    let mut rng = ChaCha8Rng::seed_from_u64(135);
    let vocab = vocabulary.len();
    let mut embed = random(&mut rng, vocab * HIDDEN, 0.5);
    // Wide enough that responses depend on the prompt. Otherwise the margins of a group would cancel under any loss.
    let mut head = random(&mut rng, vocab * HIDDEN, 0.15);
    for (id, frequency) in vocabulary.frequencies().into_iter().enumerate() {
        embed[id * HIDDEN] = CARRIER;
        head[id * HIDDEN] = frequency.ln() / carried();
    }
    tensors.insert("model.embed_tokens.weight".to_owned(), (vec![vocab, HIDDEN], embed));
    tensors.insert("lm_head.weight".to_owned(), (vec![vocab, HIDDEN], head));
    tensors.insert("model.norm.weight".to_owned(), (vec![HIDDEN], vec![1.0; HIDDEN]));
    let kv = HIDDEN / HEADS * KV_HEADS;
    for layer in 0..LAYERS {
        let mut put = |name: &str, out: usize, width: usize| {
            let mut values = random(&mut rng, out * width, 0.3);
            // Weights that read or write the carrier would dominate all others, so they are 0.
            values.iter_mut().step_by(width).for_each(|value| *value = 0.0);
            if out == HIDDEN {
                values[..width].fill(0.0);
            }
            tensors
                .insert(format!("model.layers.{layer}.{name}.weight"), (vec![out, width], values));
        };
        put("self_attn.q_proj", HIDDEN, HIDDEN);
        put("self_attn.k_proj", kv, HIDDEN);
        put("self_attn.v_proj", kv, HIDDEN);
        put("self_attn.o_proj", HIDDEN, HIDDEN);
        put("mlp.gate_proj", INTERMEDIATE, HIDDEN);
        put("mlp.up_proj", INTERMEDIATE, HIDDEN);
        put("mlp.down_proj", HIDDEN, INTERMEDIATE);
        for norm in ["input_layernorm", "post_attention_layernorm"] {
            tensors.insert(
                format!("model.layers.{layer}.{norm}.weight"),
                (vec![HIDDEN], vec![1.0; HIDDEN]),
            );
        }
    }
    serialize(&tensors)
}

/// Returns the value of the carrier after the last norm, which divides by the root mean square of a row. A row holds the
/// carrier and `HIDDEN - 1` uniform values in ±0.5, whose variance is 1/12.
fn carried() -> f32 {
    let mean_square = (CARRIER * CARRIER + (HIDDEN - 1) as f32 / 12.0) / HIDDEN as f32;
    CARRIER / mean_square.sqrt()
}

fn random(rng: &mut ChaCha8Rng, len: usize, scale: f32) -> Vec<f32> {
    (0..len).map(|_| rng.random_range(-scale..scale)).collect()
}

fn serialize(
    tensors: &BTreeMap<String, (Vec<usize>, Vec<f32>)>,
) -> Result<Vec<u8>, SafeTensorError> {
    let bytes: BTreeMap<&str, (&[usize], Vec<u8>)> = tensors
        .iter()
        .map(|(name, (shape, values))| {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (name.as_str(), (shape.as_slice(), bytes))
        })
        .collect();
    let views = bytes
        .iter()
        .map(|(name, (shape, bytes))| {
            Ok((*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes)?))
        })
        .collect::<Result<BTreeMap<_, _>, SafeTensorError>>()?;
    safetensors::serialize(views, None)
}
