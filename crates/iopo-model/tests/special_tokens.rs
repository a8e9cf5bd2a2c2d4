//! Special tokens that the files of a tokenizer name, as transformers reads them.

use std::fs;
use std::path::Path;

use iopo_model::{ChatTemplate, ModelConfig, ModelError, Tokenizer, write_chat_files};
use serde_json::{Value, json};

/// Rows of the embedding: one per token of `tokenizer.json`.
const ROWS: usize = 8;

fn added(id: u32, content: &str, special: bool) -> Value {
    json!({
        "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": special,
    })
}

/// Writes a `tokenizer.json` with the letters a to e, `<s>`, `</s>` and `<end>`, the latter no added token.
fn write(dir: &Path, more: &[Value]) {
    let mut tokens = vec![added(5, "<s>", true), added(6, "</s>", true)];
    tokens.extend_from_slice(more);
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": tokens,
        "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": null,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "merges": [],
            "vocab": { "a": 0, "b": 1, "c": 2, "d": 3, "e": 4, "<s>": 5, "</s>": 6, "<end>": 7 },
        },
    });
    fs::write(dir.join("tokenizer.json"), tokenizer.to_string()).expect("written");
}

fn write_json(dir: &Path, name: &str, value: &Value) {
    fs::write(dir.join(name), value.to_string()).expect("written");
}

fn model() -> ModelConfig {
    let config = json!({
        "model_type": "llama", "vocab_size": ROWS, "hidden_size": 8, "intermediate_size": 8,
        "num_hidden_layers": 1, "num_attention_heads": 2, "eos_token_id": 6,
    });
    ModelConfig::from_hf_json(&config, Path::new("config.json")).expect("a model")
}

fn open(config: &Value) -> Result<Tokenizer, ModelError> {
    let dir = tempfile::tempdir().expect("temporary directory");
    write(dir.path(), &[]);
    write_json(dir.path(), "tokenizer_config.json", config);
    Tokenizer::from_dir(dir.path(), &model())
}

#[test]
fn pad_and_bos_tokens_that_are_no_token_or_empty_are_accepted() {
    for (key, token) in
        [("pad_token", "[PAD]"), ("bos_token", "<bos>"), ("pad_token", ""), ("bos_token", "")]
    {
        let tokenizer = open(&json!({ "eos_token": "</s>", key: token })).expect("opens");
        assert_eq!(tokenizer.eos_id(), Some(6));
        assert_eq!(tokenizer.bos_id(), None);
        let bos = (key == "bos_token").then_some(token);
        assert_eq!((tokenizer.bos_token(), tokenizer.pad_token().is_some()), (bos, bos.is_none()));
        assert_eq!(tokenizer.encode("<s>ab</s>").expect("encodes"), [5, 0, 1, 6]);
        if !token.is_empty() {
            // As in transformers, it is a token after all others. The embedding has no row for it.
            let error = tokenizer.encode(&format!("a{token}")).expect_err("no row");
            assert!(
                matches!(&error, ModelError::TokenWithoutRow { token: found, id: 8, rows: ROWS } if found.as_str() == token),
                "{error}"
            );
            assert_eq!(tokenizer.special_in(&format!("a{token}")), Some(token));
        }
    }
}

#[test]
fn an_eos_token_without_a_row_is_refused_and_an_empty_one_is_that_of_the_model() {
    let error = open(&json!({ "eos_token": "<eos>" })).expect_err("no row").to_string();
    assert!(error.contains("eos_token") && error.contains("<eos>"), "{error}");
    let tokenizer = open(&json!({ "eos_token": "" })).expect("opens");
    assert_eq!((tokenizer.eos_id(), tokenizer.eos_token()), (Some(6), Some("")));
}

#[test]
fn a_token_beyond_the_embedding_is_an_error_only_in_a_text_that_has_it() {
    let dir = tempfile::tempdir().expect("temporary directory");
    write(dir.path(), &[added(8, "<sep>", false)]);
    let tokenizer = Tokenizer::from_dir(dir.path(), &model()).expect("opens");
    assert_eq!(tokenizer.vocab_size(), ROWS + 1);
    assert_eq!(tokenizer.encode("ab</s>").expect("encodes"), [0, 1, 6]);
    for error in [tokenizer.encode("a<sep>b"), tokenizer.encode_content("a<sep>b")] {
        let error = error.expect_err("no row");
        let text = error.to_string();
        assert!(["<sep>", "8", "rows"].iter().all(|word| text.contains(word)), "{text}");
        assert!(error.hint().is_some());
    }
    // Negative control: with one row more, the same text is encoded.
    let mut larger = model();
    larger.vocab_size += 1;
    let tokenizer = Tokenizer::from_dir(dir.path(), &larger).expect("opens");
    assert_eq!(tokenizer.encode("a<sep>b").expect("encodes"), [0, 8, 1]);
}

#[test]
fn special_tokens_come_from_the_special_tokens_map_too() {
    let dir = tempfile::tempdir().expect("temporary directory");
    write(dir.path(), &[]);
    let open = || Tokenizer::from_dir(dir.path(), &model()).expect("opens");
    assert_eq!(open().eos_token(), Some("</s>"), "the model's configuration");
    assert_eq!(open().special_in("a<end>"), None);

    let map = json!({ "eos_token": { "content": "<end>", "lstrip": false }, "bos_token": "<s>" });
    write_json(dir.path(), "special_tokens_map.json", &map);
    let tokenizer = open();
    assert_eq!((tokenizer.eos_token(), tokenizer.eos_id()), (Some("<end>"), Some(7)));
    assert_eq!(tokenizer.bos_id(), Some(5));
    // A named token is a special token, even if `tokenizer.json` does not say so.
    assert_eq!(tokenizer.special_in("a<end>"), Some("<end>"));
    assert_eq!(tokenizer.encode("a<end>").expect("encodes"), [0, 7]);

    write_json(dir.path(), "tokenizer_config.json", &json!({ "eos_token": "</s>" }));
    assert_eq!(open().eos_token(), Some("<end>"));
    let listed = json!({ "eos_token": "</s>", "added_tokens_decoder": { "4": {"content": "e"} } });
    write_json(dir.path(), "tokenizer_config.json", &listed);
    assert_eq!(open().eos_token(), Some("</s>"));
    let lists = json!({ "eos_token": "</s>", "additional_special_tokens": ["<end>", "<s>"] });
    fs::remove_file(dir.path().join("special_tokens_map.json")).expect("removed");
    write_json(dir.path(), "tokenizer_config.json", &lists);
    assert_eq!(open().special_in("a<end>"), Some("<end>"));
    write_json(dir.path(), "tokenizer_config.json", &json!(["</s>"]));
    let error = Tokenizer::from_dir(dir.path(), &model()).expect_err("no object").to_string();
    assert!(error.contains("tokenizer_config.json"), "{error}");
}

#[test]
fn a_named_token_is_special_whatever_its_own_entry_says() {
    let entry = json!({ "7": { "content": "<end>", "special": false } });
    let opened = |config: Value| open(&config).expect("opens").special_in("a<end>").is_some();
    assert!(opened(json!({ "eos_token": "<end>", "added_tokens_decoder": entry.clone() })));
    // Negative control: a token that no key names.
    assert!(!opened(json!({ "eos_token": "</s>", "added_tokens_decoder": entry })));
}

#[test]
fn a_copy_keeps_the_settings_of_the_original_files() {
    let dir = tempfile::tempdir().expect("temporary directory");
    write(dir.path(), &[]);
    let config = json!({
        "bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false}, "pad_token": "[PAD]",
        "padding_side": "left", "model_max_length": 512, "additional_special_tokens": ["<end>"],
        "clean_up_tokenization_spaces": true, "add_bos_token": true, "chat_template": "old",
    });
    let generation = json!({ "eos_token_id": [6, 7], "do_sample": true, "temperature": 0.6 });
    let map = json!({ "pad_token": "[PAD]" });
    write_json(dir.path(), "tokenizer_config.json", &config);
    write_json(dir.path(), "generation_config.json", &generation);
    write_json(dir.path(), "special_tokens_map.json", &map);
    let tokenizer = Tokenizer::from_dir(dir.path(), &model()).expect("opens");
    let template = ChatTemplate::new("{{ bos_token }}", None, None).expect("compiles");

    let copy = tempfile::tempdir().expect("temporary directory");
    write_chat_files(copy.path(), &tokenizer, &template, &model()).expect("written");
    let read = |name: &str| -> Value {
        let text = fs::read_to_string(copy.path().join(name)).expect(name);
        serde_json::from_str(&text).expect("JSON")
    };
    let mut expected = config;
    expected["chat_template"] = json!("{{ bos_token }}");
    assert_eq!(read("tokenizer_config.json"), expected);
    assert_eq!(read("generation_config.json"), generation);
    assert_eq!(read("special_tokens_map.json"), map);
    let again = Tokenizer::from_dir(copy.path(), &model()).expect("opens");
    assert_eq!(again.hash().expect("hashed"), tokenizer.hash().expect("hashed"));
    for text in ["<s>ab</s>", "a<end>b"] {
        assert_eq!(again.encode(text).expect("a"), tokenizer.encode(text).expect("b"));
    }
}
