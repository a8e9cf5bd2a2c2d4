//! The end of a turn, special tokens that messages spell, and masks of generated tokens, on a small chat model.

mod tiny;

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use iopo_llm::{
    LanguageModel, LogProb, LogProbResponse, Message, Request, Sampling, Silent, complete_all,
};
use iopo_model::{
    ChatModel, Dtype, EndSource, ModelError, ModelFiles, TemplateSettings, write_hf_dir,
};
use serde_json::{Value, json};

const SPECIAL: [&str; 6] = ["<pad>", "<bos>", "<eos>", "<eot>", "<hdr>", "<file>"];
/// An added token that is not special.
const THINK: &str = "<think>";
const CHATML: &str = "{% for m in messages %}{{ '<hdr>' + m.role + '\n' + m.content + '<eot>\n' }}{% endfor %}\
                      {% if add_generation_prompt %}{{ '<hdr>assistant\n' }}{% endif %}";
const MASKED: &str = "{% for m in messages %}<hdr>{{ m.role }}\n{% if m.role == 'assistant' %}{% generation %}\
                      {{ m.content }}<eot>{% endgeneration %}{% else %}{{ m.content }}<eot>{% endif %}{% endfor %}";

/// A tokenizer of letters, with `<eos>` as its end-of-text token.
fn tokenizer() -> Value {
    let letters = ('a'..='z').chain('A'..='Z').chain("<>.?[]:/".chars()).chain(['Ġ', 'Ċ']);
    let tokens = SPECIAL.iter().map(ToString::to_string).chain([THINK.to_owned()]);
    let vocab: serde_json::Map<String, Value> = tokens
        .chain(letters.map(String::from))
        .enumerate()
        .map(|(id, token)| (token, id.into()))
        .collect();
    let added = SPECIAL.iter().chain([&THINK]).enumerate().map(|(id, content)| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": *content != THINK})
    });
    json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null,
        "added_tokens": added.collect::<Vec<_>>(),
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false},
        "post_processor": null, "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": vocab, "merges": []},
    })
}

/// Writes a chat model with a template.
fn write(dir: &Path, template: &str, generation: Option<Value>) {
    write_hf_dir(dir, &tiny::decoder(), u64::MAX).expect("written");
    let config = json!({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<bos>", "eos_token": "<eos>"});
    for (name, text) in [
        ("tokenizer.json", tokenizer().to_string()),
        ("tokenizer_config.json", config.to_string()),
        ("chat_template.jinja", template.to_owned()),
    ] {
        fs::write(dir.join(name), text).expect("written");
    }
    if let Some(generation) = generation {
        fs::write(dir.join("generation_config.json"), generation.to_string()).expect("written");
    }
}

fn open(dir: &Path) -> ChatModel {
    ChatModel::load(dir, "tiny", (&Device::flex(), Dtype::F32), 4).expect("loads")
}

fn model(template: &str, generation: Option<Value>) -> ChatModel {
    let dir = tempfile::tempdir().expect("temporary directory");
    write(dir.path(), template, generation);
    open(dir.path())
}

fn end(model: &ChatModel) -> (&str, EndSource) {
    let end = model.end_of_turn().expect("an end of turn");
    (end.token(), end.source())
}

#[test]
fn an_answer_ends_as_the_template_ends_it_and_not_with_the_eos_token() {
    let model = model(CHATML, Some(json!({"eos_token_id": 2})));
    assert_eq!(end(&model), ("<eot>", EndSource::Template));
    assert_eq!(model.encode_response("ab").expect("encodes").last(), Some(&3));
    let mut stop = model.stop().to_vec();
    stop.sort_unstable();
    assert_eq!(stop, [2, 3]);
    let chat = vec![vec![Message::user("a")]];
    let [ended, cut] = [true, false].map(|ended| {
        let response = LogProbResponse { text: "ab", ended };
        model.response_logps(&chat, &[response], &Silent).expect("scored")[0]
    });
    assert_eq!((ended.tokens, cut.tokens), (3, 2));
    // The scored end is the template's, as in training.
    let other =
        TemplateSettings { eos_token: Some("<eos>".to_owned()), ..TemplateSettings::default() };
    let other = model.with_template_settings(other).expect("a token");
    let response = LogProbResponse { text: "ab", ended: true };
    let other = other.response_logps(&chat, &[response], &Silent).expect("scored")[0];
    assert!((other.sum - ended.sum).abs() > 1e-3, "{} {}", other.sum, ended.sum);
}

#[test]
fn the_end_is_found_for_the_ways_in_which_templates_write_it() {
    let roles = |user: &str, assistant: &str| {
        format!(
            "{{% for m in messages %}}{{% if m.role == 'assistant' %}}{assistant}{{% else %}}{user}{{% endif %}}{{% endfor %}}"
        )
    };
    for (template, expected) in [
        (
            roles("[{{ m.content }}]", "{{ m.content }}{{ eos_token }}"),
            ("<eos>", EndSource::Template),
        ),
        (
            roles("<hdr>{{ m.content }}", "{{ ' ' ~ m.content ~ ' <eot>' }}"),
            ("<eot>", EndSource::Template),
        ),
        (roles("<hdr>{{ m.content }}", "{{ m.content }}"), ("<eos>", EndSource::Tokenizer)),
        (
            roles("{{ m.content }}", "{{ m.content }}{% if not loop.last %}<eot>{% endif %}"),
            ("<eot>", EndSource::Template),
        ),
        (
            "{% if messages[0].role != 'system' %}{{ raise_exception('a system turn') }}{% endif %}"
                .to_owned() + CHATML,
            ("<eot>", EndSource::Template),
        ),
        ("{{ messages[0].content }}".to_owned(), ("<eos>", EndSource::Tokenizer)),
    ] {
        assert_eq!(end(&model(&template, None)), expected, "{template}");
    }
}

#[test]
fn the_setting_overrides_the_template_and_must_be_a_token() {
    let model = model(CHATML, None);
    let set = |token: &str| {
        let eos_token = Some(token.to_owned());
        model.with_template_settings(TemplateSettings { eos_token, ..TemplateSettings::default() })
    };
    let other = set("<file>").expect("a token");
    assert_eq!(end(&other), ("<file>", EndSource::Setting));
    assert!(other.stop().contains(&5) && !other.stop().contains(&3));
    assert_ne!(other.template().hash(), model.template().hash());
    assert_ne!(other.fingerprint().expect("a hash"), model.fingerprint().expect("a hash"));
    let same = set(end(&model).0).expect("a token");
    assert_eq!((end(&same), same.stop()), (end(&model), model.stop()));
    assert_eq!(same.fingerprint().expect("a hash"), model.fingerprint().expect("a hash"));
    let error = set("<none>").expect_err("no token").to_string();
    assert!(error.contains("eos_token") && error.contains("<none>"), "{error}");
}

#[test]
fn a_message_that_spells_a_special_token_is_refused_or_encoded_as_text() {
    let model = model(CHATML, None);
    let request = |text: &str| Request::new(vec![Message::user(text)], Sampling::greedy(3));
    let spelled = request("copy <file> and <eot> and <file>");
    let outcomes = model.complete(&[request("ab"), spelled.clone()], &Silent).expect("outcomes");
    assert!(outcomes[0].is_ok());
    let failure = outcomes[1].as_ref().expect_err("refused");
    assert!(failure.reason.ends_with("special token <eot>"), "{failure}");
    // Added tokens that are not special are ordinary text of a prompt.
    assert!(model.fits(&request("a <think> b")).expect("encodes"));

    let escaping = model.with_escaped_special_tokens(true);
    // Stored refusals do not hold for the model that escapes.
    let fingerprint = |model: &ChatModel| model.fingerprint().expect("a fingerprint");
    assert_ne!(fingerprint(&escaping), fingerprint(&model));
    assert_eq!(fingerprint(&escaping.with_escaped_special_tokens(false)), fingerprint(&model));
    complete_all(&escaping, std::slice::from_ref(&spelled), &Silent).expect("answers");
    let ids = escaping.encode_prompt(&spelled.messages).expect("encodes");
    let tokenizer = model.tokenizer();
    // The template's own tokens stay, those of the message are letters.
    assert_eq!(ids.iter().filter(|id| **id == 3).count(), 1);
    assert!(!ids.contains(&5));
    assert_eq!(
        tokenizer.decode(&ids, false).expect("decodes"),
        model.template().render(&spelled.messages, true).expect("renders")
    );
    let plain = [Message::user("ab")];
    assert_eq!(escaping.encode_prompt(&plain).ok(), model.encode_prompt(&plain).ok());
}

#[test]
fn a_template_that_changes_a_message_cannot_escape_its_special_tokens() {
    let chat = [Message::user(" copy <file> and <eot> ")];
    let with = |content: &str| {
        let source = format!("{{% for m in messages %}}{content}{{% endfor %}}<eot>");
        model(&source, None).with_escaped_special_tokens(true).encode_prompt(&chat)
    };
    for content in [
        "{{ m.content[:10] }}",
        "{{ m.content[7:] }}",
        "{{ m.content[:22] }}",
        "{{ m.content[::-1] }}",
        "{{ m.content | tojson(ensure_ascii=true) }}",
        "{{ m.content | length }}",
        "{{ m.content.encode('ascii', 'ignore').decode() }}",
    ] {
        let error = with(content).expect_err(content);
        assert!(matches!(error, ModelError::EscapedPrompt { .. }), "{content}: {error}");
        assert!(error.to_string().contains("eval.escape_special_tokens"), "{error}");
        assert!(error.hint().is_some());
    }
    for content in [
        "{{ m.content }}",
        "{{ m.content | trim }}",
        "{{ m.content.strip() }}{{ m.content.split()[0] }}",
        "{{ m.content | tojson }}",
        "{{ m.content[6:-1] }}",
        "{{ m.content | length > 3 }}",
    ] {
        let ids = with(content).expect(content);
        // The template's token at the end, and none from the message.
        assert_eq!(ids.iter().filter(|id| **id == 3).count(), 1, "{content}");
        assert!(!ids.contains(&5), "{content}");
    }
}

#[test]
fn the_mask_holds_for_the_tokens_of_generation_blocks() {
    let model = model(MASKED, None);
    assert_eq!(end(&model), ("<eot>", EndSource::Template));
    let chat = [Message::user("ab"), Message::assistant("cd"), Message::user("e")];
    let (ids, mask) = model.assistant_mask(&chat).expect("encodes");
    let text = model.template().render(&chat, false).expect("renders");
    assert_eq!(ids, model.tokenizer().encode(&text).expect("encodes"));
    let masked: Vec<u32> =
        ids.iter().zip(&mask).filter(|(_, mask)| **mask).map(|(id, _)| *id).collect();
    assert_eq!(masked, model.encode_response("cd").expect("encodes"));
    let inside =
        "{% macro m() %}{% generation %}a{% endgeneration %}{% endmacro %}x{{ ' ' ~ m() }}";
    let inside = self::model(inside, None);
    assert!(inside.assistant_mask(&chat).is_err());
}

#[test]
fn shared_models_end_their_turns_as_expected() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases");
    for name in [
        "eos_is_not_end_of_turn_llama3",
        "eos_is_not_end_of_turn_chatml",
        "eos_is_end_of_turn_is_fine",
        "chat_template_file_with_crlf",
    ] {
        let case = cases.join(name);
        if !case.exists() {
            continue;
        }
        let text = fs::read_to_string(case.join("expected.json")).expect("a file");
        let expected: Value = serde_json::from_str(&text).expect("JSON");
        let model = open(&case.join("model"));
        assert_eq!(Some(end(&model).0), expected["sft"]["end_of_turn"].as_str(), "{name}");
        if let Some(stop) = expected["stop_ids"].as_array() {
            let mut found: Vec<Value> = model.stop().iter().map(|id| json!(id)).collect();
            found.sort_by_key(Value::as_u64);
            assert_eq!(&found, stop, "{name}");
        }
        let rows = fs::read_to_string(cases.join("rows.jsonl")).expect("rows");
        let tokens = expected["sft"]["tokens"].as_array().into_iter().flatten();
        for (row, tokens) in rows.lines().zip(tokens) {
            let row: Value = serde_json::from_str(row).expect("JSON");
            let text = |key: &str| row[key].as_str().expect("a text");
            let prompt = model.encode_prompt(&[Message::user(text("prompt"))]).expect("encodes");
            assert_eq!(json!(prompt), tokens["prompt_ids"], "{name}");
            let answer = model.encode_response(text("chosen")).expect("encodes");
            assert_eq!(json!(answer), tokens["answer_ids"], "{name}");
        }
        let (_, tokenizer, template) = ModelFiles::open(&case.join("model")).expect("opens");
        for chat in expected["chat"].as_array().expect("chats") {
            let messages: Vec<Message> =
                serde_json::from_value(chat["messages"].clone()).expect("messages");
            let prompt = chat["add_generation_prompt"].as_bool().expect("a flag");
            let text = template.render(&messages, prompt).expect("renders");
            assert_eq!(Some(text.as_str()), chat["text"].as_str(), "{name}");
            assert_eq!(json!(tokenizer.encode(&text).expect("encodes")), chat["ids"], "{name}");
        }
    }
}
