//! Full fine-tuning writes a complete model directory.

use crate::common::{rows, settings, with_base};
use iopo_llm::{Message, Silent};
use iopo_model::{ChatModel, Dtype, Layout, Targets};
use iopo_train::{Method, train, weights};

#[test]
fn a_fully_trained_model_opens_as_a_hugging_face_directory_with_the_same_logps() {
    let folder = tempfile::tempdir().expect("a folder");
    with_base(folder.path(), &rows(8), |preferences, base| {
        let mut config = settings();
        (config.use_peft, config.methods) = (false, vec![Method::Sft, Method::Iopo]);
        let out = folder.path().join("train");
        let summary = train(&config, preferences, base, &out, &Silent).expect("trained");
        for run in &summary.runs {
            let device = base.decoder.device();
            let opened =
                ChatModel::load(&run.adapter, "again", (&device, Dtype::F32), 1).expect("opens");

            // The template and the tokenizer give the same tokens for a chat.
            let chat = [Message::user("Say something in CAPITALS.")];
            let rendered = base.template.render(&chat, true).expect("rendered");
            let tokens = base.tokenizer.encode(&rendered).expect("encoded");
            assert_eq!(opened.encode_prompt(&chat).expect("encoded"), tokens);
            assert_eq!(opened.tokenizer().hash().expect("a"), base.tokenizer.hash().expect("b"));
            assert_eq!(opened.template().hash(), base.template.hash());
            assert_eq!(opened.tokenizer().eos_token(), Some("<eos>"));

            // The weights give the same logps, bit for bit, and other ones than the base.
            let trained = weights::load(&run.adapter, base.decoder, base.weights_hash);
            let layout = Layout::sequences([tokens.clone()]).expect("a layout");
            let rows = (0..tokens.len() - 1).map(|at| layout.position(0, at)).collect();
            let targets = Targets { rows, tokens: tokens[1..].to_vec() };
            let [found, wanted, before] = [opened.decoder(), &trained.expect("fits"), base.decoder]
                .map(|decoder| {
                    let logps = decoder.response_logps(&layout, &targets).expect("scored");
                    logps.into_iter().map(f32::to_bits).collect::<Vec<u32>>()
                });
            assert_eq!(found, wanted);
            assert_ne!(found, before);

            for name in ["tokenizer_config.json", "chat_template.jinja"] {
                let text = std::fs::read_to_string(run.adapter.join(name)).expect("written");
                assert!(text.contains("message"), "{name}: {text}");
            }
        }
    });
}
