//! Verdicts in memory: prompts and responses in, verdicts out.

use iopo_constraints::ifeval::{IfevalPrompt, InstructionError, Mode, PromptInstruction};
use serde_json::{Value, json};

fn prompt(instructions: &[(&str, Value)]) -> Result<IfevalPrompt, InstructionError> {
    let made = instructions.iter().map(|(id, kwargs)| {
        PromptInstruction::new(*id, kwargs.as_object().expect("an object").clone())
    });
    Ok(IfevalPrompt {
        key: "1".to_owned(),
        prompt: "Describe tea.".to_owned(),
        instructions: made.collect::<Result<_, _>>()?,
    })
}

#[test]
fn each_instruction_gets_a_verdict_in_order() {
    let prompt = prompt(&[
        ("punctuation:no_comma", json!({"num_words": null})),
        ("count:numbers", json!({"N": 3})),
        ("detectable_format:title", json!({})),
        ("startend:end_checker", json!({"end_phrase": "warm."})),
    ])
    .expect("valid instructions");
    for mode in Mode::ALL {
        let verdicts = prompt.verdicts("Sure, here it is:\nTea is warm.", mode).expect("verdicts");
        let decided: Vec<_> =
            verdicts.iter().map(|one| one.map(|verdict| (verdict.strict, verdict.loose))).collect();
        assert_eq!(
            decided,
            [Some((false, true)), None, Some((false, false)), Some((true, true))],
            "{mode}"
        );
    }
}

#[test]
fn unknown_arguments_and_unsupported_patterns_are_errors() {
    let error = prompt(&[("punctuation:no_comma", json!({"count": 1}))]).unwrap_err();
    assert!(matches!(error, InstructionError::ForeignParameter { .. }), "{error}");
    let prompt =
        prompt(&[("keywords:existence", json!({"keywords": ["[ab]+"]}))]).expect("a text to find");
    let error = prompt.verdicts("ab", Mode::Paper).unwrap_err();
    assert!(matches!(error, InstructionError::UnsupportedPattern { .. }), "{error}");
    assert!(prompt.verdicts("ab", Mode::Repaired).is_ok());
}
