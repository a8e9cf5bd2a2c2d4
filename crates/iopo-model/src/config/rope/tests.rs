//! Rotary settings as transformers 4 and 5 write them.

use std::path::Path;

use serde_json::{Value, json};

use super::{Llama3Scaling, RopeScaling};
use crate::config::{Architecture, ModelConfig};

/// Reads theta and scaling of a configuration with these rotary settings.
fn read(rotary: Value) -> Result<(f64, Option<RopeScaling>), String> {
    let mut config = json!({
        "model_type": "llama", "vocab_size": 304, "hidden_size": 64, "intermediate_size": 96,
        "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 512,
    });
    if let (Some(config), Value::Object(rotary)) = (config.as_object_mut(), rotary) {
        config.extend(rotary);
    }
    let config = ModelConfig::from_hf_json(&config, Path::new("config.json"));
    let config = config.map_err(|error| error.to_string())?;
    assert_eq!(config.architecture, Architecture::Llama);
    Ok((config.rope_theta, config.rope_scaling))
}

fn llama3(original: usize) -> RopeScaling {
    RopeScaling::Llama3(Llama3Scaling {
        factor: 8.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_position_embeddings: original,
    })
}

#[test]
fn every_place_of_transformers_4_and_5_is_read() {
    let linear = Some(RopeScaling::Linear { factor: 2.0 });
    let slow = json!({
        "rope_type": "llama3", "factor": 8, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    });
    // Made with transformers 5.24.
    for (rotary, expected) in [
        (json!({}), (1e4, None)),
        (json!({"rope_theta": 5e5, "rope_scaling": null}), (5e5, None)),
        (json!({"rope_scaling": {"rope_type": "default", "rope_theta": 5e5}}), (5e5, None)),
        (json!({"rope_theta": 1e4, "rope_parameters": {"rope_theta": 5e5}}), (5e5, None)),
        (json!({"rope_theta": 1e4, "rope_scaling": {"rope_theta": 5e5}}), (5e5, None)),
        (json!({"rope_scaling": {"type": "linear", "factor": 2}}), (1e4, linear)),
        (json!({"rope_scaling": {"type": "linear", "factor": 1.0}}), (1e4, None)),
        (json!({"rope_scaling": {"factor": 1.0}}), (1e4, None)),
        (
            json!({
                "rope_theta": 5e5,
                "rope_parameters": {"rope_type": "default", "rope_theta": 5e5},
                "rope_scaling": {"rope_type": "linear", "factor": 2.0},
            }),
            (5e5, linear),
        ),
        (
            json!({
                "rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 5e5},
                "rope_scaling": {},
            }),
            (5e5, linear),
        ),
        (json!({"rope_theta": 5e5, "rope_scaling": slow}), (5e5, Some(llama3(512)))),
        (
            json!({"original_max_position_embeddings": 64, "rope_scaling": slow}),
            (1e4, Some(llama3(64))),
        ),
    ] {
        assert_eq!(read(rotary.clone()), Ok(expected), "{rotary}");
    }
}

#[test]
fn settings_that_contradict_each_other_or_are_not_computed_are_refused_by_name() {
    let linear = json!({"rope_type": "linear", "factor": 2.0});
    for (rotary, words) in [
        // transformers drops this theta.
        (
            json!({"rope_parameters": {"rope_theta": 5e5}, "rope_scaling": linear}),
            ["rope_parameters.rope_theta", "10000"],
        ),
        (
            json!({"rope_parameters": linear, "rope_scaling": {"rope_type": "default"}}),
            ["rope_parameters", "rope_scaling"],
        ),
        (
            json!({"rope_scaling": {"rope_type": "default", "type": "linear", "factor": 2.0}}),
            ["rope_scaling.type", "default"],
        ),
        (json!({"rope_scaling": {"factor": 2.0}}), ["rope_scaling.rope_type", "factor"]),
        (json!({"rope_scaling": {"type": "linear"}}), ["rope_scaling.factor", "nothing"]),
        (json!({"rope_scaling": {"type": "linear", "factor": 0}}), ["rope_scaling", "above 0"]),
        (json!({"rope_parameters": {"type": "yarn", "factor": 4.0}}), ["rope scaling", "yarn"]),
        (
            json!({"rope_scaling": {"rope_type": "dynamic", "factor": 4.0}}),
            ["rope scaling", "dynamic"],
        ),
        (
            json!({"rope_parameters": {"full_attention": {"rope_theta": 5e5}}}),
            ["rope_parameters", "full_attention"],
        ),
        (
            json!({"rope_parameters": {"rope_theta": 1e4, "partial_rotary_factor": 0.5}}),
            ["rope_parameters.partial_rotary_factor", "0.5"],
        ),
        (
            json!({
                "original_max_position_embeddings": 64,
                "rope_scaling": {
                    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                    "high_freq_factor": 4.0, "original_max_position_embeddings": 128,
                },
            }),
            ["rope_scaling.original_max_position_embeddings", "64"],
        ),
        (json!({"rope_scaling": {"rope_theta": "much"}}), ["rope_scaling.rope_theta", "much"]),
    ] {
        let error = read(rotary.clone()).expect_err("refused");
        assert!(words.iter().all(|word| error.contains(word)), "{rotary}: {error}");
    }
}

#[test]
fn llama3_scaling_keeps_fast_frequencies_and_divides_slow_ones() {
    let scaling = llama3(8192);
    assert!((scaling.divisor(1.0) - 1.0).abs() < 1e-12);
    assert!((scaling.divisor(1e-6) - 8.0).abs() < 1e-12);
    let middle = scaling.divisor(2.0 * std::f64::consts::PI / 4096.0);
    assert!(middle > 1.0 && middle < 8.0);
}
