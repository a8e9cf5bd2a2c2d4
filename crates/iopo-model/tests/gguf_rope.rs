//! Rotary scaling of GGUF files, with the meaning that it has in llama.cpp.

use std::fs;

use burn::tensor::Device;
use iopo_model::config::RopeScaling;
use iopo_model::{Checkpoint, Decoder, Layout, ModelError};
use iopo_testing::gguf::{self, File, Tensor, Value};

fn open(change: &dyn Fn(&mut File)) -> Result<Checkpoint, ModelError> {
    let mut file = gguf::valid();
    change(&mut file);
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("model.gguf");
    fs::write(&path, file.bytes()).expect("written");
    Checkpoint::open(&path)
}

fn set<'a>(values: &'a [(&'a str, Value)]) -> impl Fn(&mut File) + 'a {
    move |file| {
        for (key, value) in values {
            file.set(&format!("llama.rope.{key}"), value.clone());
        }
    }
}

#[test]
fn the_factor_is_read_from_both_keys_and_is_linear_without_a_type() {
    let (linear, none) = (Value::text("linear"), Value::text("none"));
    let two = || Some(RopeScaling::Linear { factor: 2.0 });
    for (values, expected) in [
        (vec![], None),
        (vec![("scale_linear", Value::F32(2.0))], two()),
        (vec![("scale_linear", Value::F32(1.0))], None),
        (vec![("scaling.factor", Value::F32(2.0))], two()),
        (vec![("scaling.factor", Value::F32(0.0))], None),
        (vec![("scaling.type", linear.clone()), ("scaling.factor", Value::F32(2.0))], two()),
        (vec![("scaling.type", linear.clone()), ("scale_linear", Value::F32(2.0))], two()),
        (vec![("scaling.type", linear)], None),
        (vec![("scaling.type", none), ("scaling.factor", Value::F32(2.0))], None),
        (vec![("scaling.factor", Value::F32(2.0)), ("scale_linear", Value::F32(4.0))], two()),
        (vec![("scaling.attn_factor", Value::F32(1.0))], None),
    ] {
        let found = open(&set(&values)).expect("opens").config.rope_scaling;
        assert_eq!(found, expected, "{values:?}");
    }
}

#[test]
fn scaling_that_is_not_computed_is_refused_by_name() {
    for (values, word) in [
        (vec![("scaling.type", Value::text("yarn"))], "rope scaling `yarn`"),
        (vec![("scaling.type", Value::text("longrope"))], "rope scaling `longrope`"),
        (vec![("scaling.attn_factor", Value::F32(1.2))], "llama.rope.scaling.attn_factor"),
        (vec![("scaling.yarn_ext_factor", Value::F32(1.0))], "llama.rope.scaling.yarn_ext_factor"),
        (vec![("scaling.attn_factor", Value::F32(f32::NAN))], "llama.rope.scaling.attn_factor"),
        (vec![("scaling.factor", Value::F32(-2.0))], "rope_scaling"),
        (vec![("scaling.factor", Value::F32(f32::NAN))], "rope_scaling"),
        (vec![("scaling.factor", Value::text("2"))], "llama.rope.scaling.factor"),
    ] {
        let error = open(&set(&values)).expect_err(word).to_string();
        assert!(error.contains(word), "{error}");
    }
    let error = open(&|file| {
        file.set("llama.rope.scale_linear", Value::F32(2.0));
        file.tensors.push(Tensor::f32("rope_freqs.weight", &[8], |_| 1.0));
    });
    let error = error.expect_err("two kinds of scaling").to_string();
    assert!(error.contains("rope_freqs.weight"), "{error}");
}

#[test]
fn linear_scaling_changes_what_the_decoder_computes() {
    let hidden = |factor: f32| {
        let mut checkpoint = open(&|file| {
            file.set("llama.rope.scale_linear", Value::F32(factor));
            // Weights that make attention depend on the position.
            for (number, tensor) in file.tensors.iter_mut().enumerate() {
                let shape: Vec<u64> = tensor.dims.iter().rev().copied().collect();
                let middle = if tensor.name.contains("norm") { 1.0 } else { 0.0 };
                *tensor = Tensor::f32(&tensor.name, &shape, |at| {
                    ((at + 1000 * number) as f32 * 0.37).sin().mul_add(0.3, middle)
                });
            }
        })
        .expect("opens");
        let config = checkpoint.config.clone();
        let decoder = Decoder::from_tensors(&config, &Device::flex(), |name, shape| {
            checkpoint.tensor(name, shape)
        });
        let layout = Layout::sequences([vec![0, 3, 1, 2, 1, 3, 0, 2]]).expect("layout");
        let hidden = decoder.expect("a decoder").hidden(&layout).expect("hidden");
        hidden.into_data().try_to_vec::<f32>().expect("values")
    };
    let far =
        |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0f32, f32::max);
    let [plain, one, two] = [0.0, 1.0, 2.0].map(hidden);
    assert!(far(&plain, &one) == 0.0, "a factor of 1 scales nothing");
    assert!(far(&plain, &two) > 1e-3, "{}", far(&plain, &two));
}
