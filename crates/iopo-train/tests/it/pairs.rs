//! Training on pairs: a prompt with a chosen and a rejected response, and no second instruction.

use std::{fs, path::Path};

use iopo_llm::Silent;
use iopo_schema::{PreferenceRow, ResponseSource, TurnRole, TurnRow};
use iopo_train::{
    Encoder, Method, RunSummary, TrainError, TrainSummary, TruncationMode, encode, train,
};

use crate::common::{pairs, rows, settings, template, tokenizer, with_base};

fn trained(
    dir: &Path,
    rows: &[PreferenceRow],
    methods: &[Method],
) -> Result<TrainSummary, TrainError> {
    let mut config = settings();
    config.methods = methods.to_vec();
    with_base(dir, rows, |path, base| train(&config, path, base, &dir.join("out"), &Silent))
}

fn of(summary: &TrainSummary, method: Method) -> &RunSummary {
    summary.runs.iter().find(|run| run.method == method).expect("a run of the method")
}

#[test]
fn every_method_that_reads_one_instruction_trains_on_pairs() {
    let dir = tempfile::tempdir().expect("folder");
    let methods: Vec<Method> =
        Method::ALL.iter().copied().filter(|method| !method.compares_instructions()).collect();
    assert_eq!(methods.len(), 8);
    let made = trained(dir.path(), &pairs(12), &methods).expect("trained");
    assert_eq!(made.runs.len(), methods.len());
    assert!(made.dropped.is_empty() && made.groups == 10, "{made:?}");
    for run in &made.runs {
        assert!(run.loss.is_some_and(f64::is_finite), "{run:?}");
        assert!(run.adapter.join("adapter_model.safetensors").is_file());
    }
}

#[test]
fn a_method_that_compares_instructions_refuses_pairs_before_any_training() {
    for method in [Method::Iopo, Method::IopoNoOutput, Method::IopoThree] {
        let dir = tempfile::tempdir().expect("folder");
        let error = trained(dir.path(), &pairs(12), &[Method::Dpo, method]).expect_err("refused");
        let text = error.to_string();
        for part in ["`train.methods`", method.name(), "two instructions", "sft", "simpo"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(error.is_usage() && error.hint().is_some());
        assert!(!dir.path().join("out").exists());
    }
}

#[test]
fn pairs_beside_groups_are_skipped_by_methods_that_compare_instructions() {
    let dir = tempfile::tempdir().expect("folder");
    let mixed = [rows(12), pairs(12)].concat();
    let made = trained(dir.path(), &mixed, &[Method::Dpo, Method::Iopo]).expect("trained");
    // 10 groups and 10 pairs of the train split, 4 per update.
    assert_eq!((of(&made, Method::Dpo).updates, of(&made, Method::Iopo).updates), (5, 3));
}

#[test]
fn pairs_with_a_worse_answer_are_the_data_of_the_papers_dpo_only() {
    let dir = tempfile::tempdir().expect("folder");
    let mut worse = pairs(6);
    for row in &mut worse {
        row.y2_source = ResponseSource::Worse;
    }
    let mixed = [rows(12), worse.clone()].concat();
    let methods = [Method::Dpo, Method::DpoPaper, Method::Simpo, Method::Iopo];
    let made = trained(dir.path(), &mixed, &methods).expect("trained");
    // 10 groups and 5 pairs of the train split, 4 per update.
    let updates = methods.map(|method| of(&made, method).updates);
    assert_eq!(updates, [3, 2, 3, 3]);
    // Controls: pairs of another origin are data of every method, and worse answers alone too.
    let dir = tempfile::tempdir().expect("folder");
    let mixed = [rows(12), pairs(6)].concat();
    let made = trained(dir.path(), &mixed, &methods[..2]).expect("trained");
    assert_eq!([of(&made, Method::Dpo).updates, of(&made, Method::DpoPaper).updates], [4, 4]);
    let dir = tempfile::tempdir().expect("folder");
    let made = trained(dir.path(), &worse, &methods[..2]).expect("trained");
    assert_eq!([of(&made, Method::Dpo).updates, of(&made, Method::DpoPaper).updates], [2, 2]);
}

#[test]
fn limits_count_the_rows_that_a_method_trains_on() {
    let dir = tempfile::tempdir().expect("folder");
    let mut mixed = [pairs(12), rows(12)].concat();
    // The rows with the smallest ids are selected: pairs.
    for (index, row) in mixed.iter_mut().enumerate() {
        row.id = format!("{index:02}");
    }
    let mut config = settings();
    config.methods = vec![Method::Dpo, Method::Iopo];
    (config.max_train_groups, config.max_eval_groups) = (8, 1);
    (config.grid.learning_rate, config.grid.max_train_groups) = (vec![1e-3], 4);
    let made = with_base(dir.path(), &mixed, |path, base| {
        train(&config, path, base, &dir.path().join("out"), &Silent)
    });
    let made = made.expect("trained");
    // 8 rows each, 4 to an update.
    assert_eq!((of(&made, Method::Dpo).updates, of(&made, Method::Iopo).updates), (2, 2));
    assert!(made.runs.iter().all(|run| run.dev_accuracy.is_some() || run.method == Method::Sft));
}

/// Returns the adapters of a run with a changed text of every pair.
fn adapters(change: impl Fn(&mut PreferenceRow)) -> [Vec<u8>; 2] {
    let dir = tempfile::tempdir().expect("folder");
    let mut rows = pairs(6);
    rows.iter_mut().for_each(change);
    let made = trained(dir.path(), &rows, &[Method::Sft, Method::Dpo]).expect("trained");
    [Method::Sft, Method::Dpo].map(|method| {
        fs::read(of(&made, method).adapter.join("adapter_model.safetensors")).expect("an adapter")
    })
}

#[test]
fn sft_learns_the_chosen_response_only() {
    let [sft, dpo] = adapters(|_| {});
    let [other_sft, other_dpo] = adapters(|row| row.y2.push_str(" Or not."));
    assert!(sft == other_sft, "SFT reads no rejected response");
    assert!(dpo != other_dpo, "DPO reads it");
    let [chosen_sft, _] = adapters(|row| row.y1.push_str(" indeed"));
    assert!(sft != chosen_sft, "SFT reads the chosen response");
}

#[test]
fn the_turns_before_an_instruction_are_in_its_prompt() {
    let dir = tempfile::tempdir().expect("folder");
    let (tokenizer, template) = (tokenizer(dir.path()), template());
    let encoder =
        Encoder::new(&tokenizer, &template, 2048, TruncationMode::Drop).expect("an encoder");
    let mut pair = pairs(1).remove(0);
    let turn = |role, text: &str| TurnRow { role, content: text.to_owned() };
    pair.context = vec![
        turn(TurnRole::System, "Be brief."),
        turn(TurnRole::User, "Sing."),
        turn(TurnRole::Assistant, "La."),
    ];
    pair.x1 = "Louder.".to_owned();
    let made = encode([&pair], &encoder).expect("encoded");
    let chat = "[system] Be brief.\n[user] Sing.\n[assistant] La.\n[user] Louder.\n[assistant] ";
    assert_eq!(made.groups[0].x1, tokenizer.encode(chat).expect("tokens"));
    assert!(made.groups[0].x2.is_empty() && !made.groups[0].has_second_instruction());
    pair.x2 = Some("Lower.".to_owned());
    let made = encode([&pair], &encoder).expect("encoded");
    let chat = chat.replace("Louder", "Lower");
    assert_eq!(made.groups[0].x2, tokenizer.encode(&chat).expect("tokens"));
}
