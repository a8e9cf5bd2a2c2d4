//! Texts and constraints for the property tests.

use iopo_constraints::{Constraint, Kind};
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

/// Pieces of everyday responses, and pieces at the limit of a check.
const PIECES: &[&str] = &[
    "Tea is a warm drink that many people like.",
    "Here are some important tips for you:",
    "In short, it doesn't matter!",
    "I hope this helps.",
    "What do you think?",
    "What do you think? Is there anything else I can help with?",
    "Dear friend,",
    "Dear [Name],",
    "As a teacher, I would say this.",
    "Best regards,\nAlex",
    "Best regards,",
    "Alex",
    "- tea",
    "- **Green tea**: good for the heart",
    "* milk",
    "• sugar",
    "1. Boil the water.",
    "2. Add the tea (2 spoons).",
    "3) Wait, then drink.",
    "Step 1: Boil water.",
    "Step 2: Pour.",
    "# A heading",
    "**A bold title**",
    "Title: Tea",
    "<<Tea time>>",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "***",
    "Section 1",
    "Section 2",
    "{\"tea\": 1, \"milk\": [2, -5]}",
    "```json\n{\"a\": 1}\n```",
    "Topic: tea",
    "Summary: it is hot",
    "P.S. Bring milk.",
    "Bonjour! Hola.",
    "\"Really?\" he asked.",
    "\"",
    "NASA and the U.S. drink TEA.",
    "the cook's tea isn't bad, e.g. dr. lee's",
    "Preparation is essential.",
    "An extraordinarily long explanation of internationalization.",
    "It cost 1,000 dollars in 2020.",
    "Wait... what?!",
    "你好。茶！好吗？",
    "一、买茶\n（二）买奶\n3、买糖",
    "我说：茶……很好!你呢",
    "# 引言\n茶是一种饮料。\n结论：很好",
    "```python\nx = 1.25  # one\n```",
    "[1, 2.5]",
    "<b>tea</b> <u>x</u> *y* $a=b$ https://x.y",
    "步骤1：烧水\n第二步，泡茶\n① 喝茶",
    "摘要：茶很好。",
    "Tea is good (Smith, 2020) [1].",
    "References\n[1] Lu, Y. (2020). Tea.",
    "ǅ ﬃ İstanbul ß Σας 𝐀𝐁 Ⅳ",
    "cafe\u{301} e\u{301}\u{200d}x",
    "«quoted» „so“ ’tis",
    "[Tea] [is] [hot].",
    "<<Tea is>> <<hot now>>",
    "* * *",
    "Tea is a cup of tea.",
];

/// Everyday and hostile texts.
pub(crate) fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => "\\PC{0,12}",
        1 => "[a-zA-Z0-9 .,!?\"'()*#\\[\\]{}<>|:\n-]{0,24}",
    ];
    let gap = prop::sample::select(vec![" ", " ", "\n", "\n\n", "\r\n", "", "\u{a0}", "。"]);
    let built = prop::collection::vec((piece, gap), 0..9)
        .prop_map(|parts| parts.into_iter().flat_map(|(p, g)| [p, g.to_owned()]).collect());
    prop_oneof![
        6 => built.clone(),
        2 => uniform(),
        1 => built.clone().prop_map(|text: String| text.to_lowercase()),
        1 => built.prop_map(|text: String| text.to_uppercase()),
        1 => any::<String>(),
        1 => "\\PC{0,80}",
    ]
}

/// Texts of equal lines, for which the bounds on lines and parts are tight.
fn uniform() -> impl Strategy<Value = String> {
    let sorts = [
        "- tea",
        "* tea",
        "{n}. tea",
        "{n}) tea",
        "Step {n}: tea",
        "Section {n}",
        "# Tea",
        "Topic: tea",
        "Tea is hot.",
        "Tea is hot.\n",
        "tea\n***",
        "TEA",
        "**tea**",
        "Why?",
        "| a |\n|---|",
        "Topic: **tea**",
        "Tea.\n\nP.S. Milk.",
    ];
    (prop::sample::select(sorts.to_vec()), 1..7_usize, any::<bool>()).prop_map(
        |(sort, count, ended)| {
            let lines = (1..=count).map(|n| sort.replace("{n}", &n.to_string()));
            let text = lines.collect::<Vec<_>>().join("\n");
            if ended { format!("{text}\nend") } else { text }
        },
    )
}

/// The constraint of a kind with these parameters.
pub(crate) fn constraint(id: &str, params: &str) -> Constraint {
    Constraint::from_parts(id, params).expect("valid parameters")
}

/// A constraint of each kind with random parameters.
pub(crate) fn draws(seed: u64, task: &str) -> Vec<Constraint> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Kind::ALL.iter().map(|kind| kind.draw(task, &mut rng)).collect()
}

/// Random constraints of each kind, all constraints that a text satisfies, and their revisions.
pub(crate) fn constraints(seed: u64, text: &str) -> Vec<Constraint> {
    let mut found = draws(seed, "Write about green tea and healthy milk.");
    found.extend(Kind::ALL.iter().flat_map(|kind| kind.back_translate(text)));
    let revisions: Vec<Constraint> = found.iter().flat_map(Constraint::revisions).collect();
    found.extend(revisions);
    found
}
