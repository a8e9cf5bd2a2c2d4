//! Instructions and responses like those of synthesis, with varied answers.

use std::collections::BTreeSet;

use iopo_constraints::{Constraint, Kind, compatible, render_prompt};
use iopo_schema::{
    ConstraintRow, InstructionRow, PerSequence, PreferenceRow, ResponseRow, ResponseSource,
    VerdictRow, content_id,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const WORDS: &[&str] = &[
    "amber", "basket", "candle", "dinner", "engine", "forest", "garden", "harbour", "island",
    "jacket", "kettle", "ladder", "meadow", "needle", "orange", "pepper", "quarry", "ribbon",
    "saddle", "timber", "valley", "window", "yellow", "anchor", "bottle", "copper", "desert",
    "finger", "gravel", "hammer", "insect", "jungle", "kitten", "lemon", "market", "nectar",
];
const GLUE: &[&str] = &["the", "a", "with", "near", "under", "and", "for", "from", "you", "we"];

/// Returns the tasks of instructions.
pub(crate) fn task_ids(instructions: &[InstructionRow]) -> BTreeSet<String> {
    instructions.iter().map(|row| row.task_id.clone()).collect()
}

/// Returns an answer in one of six styles.
pub(crate) fn natural(style: usize, rng: &mut ChaCha8Rng) -> String {
    let mut sentence = || {
        let length = if style == 1 { 5 } else { rng.random_range(7..15) };
        let words: Vec<&str> = (0..length)
            .map(|place| {
                let list = if place % 2 == 0 { GLUE } else { WORDS };
                list[rng.random_range(0..list.len())]
            })
            .collect();
        let text = words.join(" ");
        text[..1].to_uppercase() + &text[1..]
    };
    let lines: Vec<String> = (0..4).map(|_| sentence()).collect();
    match style % 6 {
        0 => format!("{}.", lines.join(". ")),
        1 => format!("- {}", lines.join("\n- ")),
        2 => format!("{}! Do you agree?", lines.join("! ")),
        3 => format!("1. {}.\n2. {}.\n3. {}.", lines[0], lines[1], lines[2]),
        4 => format!("# {}\n\n{}.\n\n{}.", lines[0], lines[1], lines[2]),
        _ => format!("{}, as {}.", lines[0], lines[1].to_lowercase()),
    }
}

/// Returns rows for `tasks` tasks with `answers` answers each. Every tenth response is marked as edited.
pub(crate) fn rows(tasks: usize, answers: usize) -> (Vec<InstructionRow>, Vec<ResponseRow>) {
    let (mut instructions, mut responses) = (Vec::new(), Vec::new());
    for seed in 0..tasks {
        for answer in 0..answers {
            let edited = (seed * answers + answer) % 10 == 9;
            let mut rng = ChaCha8Rng::seed_from_u64((seed * 100 + answer) as u64);
            let text = natural(seed + answer, &mut rng);
            let holding: Vec<Constraint> = Kind::ALL
                .iter()
                .filter(|kind| kind.is_drawn())
                .flat_map(|kind| kind.back_translate(&text))
                .collect();
            let chosen = compatible(&holding, 2, &mut rng);
            let task = format!("Write about the {} number {seed}.", WORDS[seed % WORDS.len()]);
            let input = (seed % 5 == 0).then(|| "A short text.".to_owned());
            let constraints: Vec<ConstraintRow> =
                chosen.iter().map(|c| ConstraintRow::from_constraint(c, 0)).collect();
            let texts: Vec<&str> = constraints.iter().map(|c| c.text.as_str()).collect();
            let prompt = render_prompt(&task, &texts, input.as_deref());
            let task_id = format!("seed-{seed:03}");
            let id = content_id(&["instruction", &task_id, &prompt]);
            responses.push(ResponseRow {
                id: content_id(&["response", &id, &text]),
                instruction_id: id.clone(),
                task_id: task_id.clone(),
                verdicts: VerdictRow::check_all(&chosen, &text),
                text,
                accepted: true,
                source: if edited {
                    ResponseSource::Edited
                } else {
                    ResponseSource::BackTranslated
                },
                original: edited.then(|| "before".to_owned()),
                error: None,
                generator: "scripted".to_owned(),
                sampling: "{}".to_owned(),
            });
            let language = "en".to_owned();
            instructions.push(InstructionRow {
                id,
                task_id,
                task,
                input,
                constraints,
                prompt,
                language,
            });
        }
    }
    (instructions, responses)
}

/// Computes the truth table with the checkers only.
pub(crate) fn cells(group: &PreferenceRow) -> PerSequence<bool> {
    let follows = |rows: &[ConstraintRow], text: &str| {
        rows.iter().all(|row| {
            let constraint = row.constraint().expect("checkable").expect("readable");
            constraint.check(text).satisfied
        })
    };
    PerSequence {
        x1y1: follows(&group.x1_constraints, &group.y1),
        x1y2: follows(&group.x1_constraints, &group.y2),
        x2y1: follows(&group.x2_constraints, &group.y1),
        x2y2: follows(&group.x2_constraints, &group.y2),
    }
}
