//! Verdicts in memory: prompts and responses in, verdicts out.

use iopo_constraints::ifbench::{IfbenchPrompt, Mode, PromptInstruction};
use serde_json::{Value, json};

use crate::support::ifbench::verb_tagger;

fn prompt(instructions: &[(&str, Value)]) -> IfbenchPrompt {
    let made = instructions.iter().map(|(id, kwargs)| {
        PromptInstruction::new(*id, kwargs.as_object().expect("an object").clone())
    });
    IfbenchPrompt {
        key: "1".to_owned(),
        prompt: "Describe tea.".to_owned(),
        instructions: made.collect::<Result<_, _>>().expect("valid instructions"),
    }
}

#[test]
fn each_instruction_gets_a_verdict_in_order() {
    let prompt = prompt(&[
        ("format:no_whitespace", json!({"N": null})),
        ("punctuation:no_comma", json!({})),
        ("words:start_verb", json!({})),
        ("format:output_template", json!({})),
        ("count:numbers", json!({"N": 0})),
    ]);
    let tagger = verb_tagger();
    for mode in Mode::ALL {
        for (tagger, verb) in [(None, None), (Some(&tagger), Some((true, true)))] {
            let verdicts = prompt.verdicts("Sure:\nTea.", mode, tagger).expect("verdicts");
            let decided: Vec<_> = verdicts
                .iter()
                .map(|one| one.map(|verdict| (verdict.strict, verdict.loose)))
                .collect();
            let expected =
                [Some((false, true)), None, verb, Some((false, false)), Some((true, true))];
            assert_eq!(decided, expected, "{mode}");
        }
    }
}

#[test]
fn variants_without_asterisks_prove_no_bullets_in_repaired_mode() {
    let prompt = prompt(&[("format:sub-bullets", json!({}))]);
    for (mode, loose) in [(Mode::Paper, true), (Mode::Repaired, false)] {
        let verdicts = prompt.verdicts("* tea\n* milk", mode, None).expect("verdicts");
        assert_eq!(verdicts[0].map(|one| (one.strict, one.loose)), Some((false, loose)), "{mode}");
    }
}
