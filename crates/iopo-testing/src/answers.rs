//! Answers of a scripted model that differ like natural ones: in length, lists, tone and words.

use std::path::Path;

use iopo_core::random::keyed;
use iopo_llm::Request;
use rand::RngExt;

/// The nouns of the answers and tasks.
pub const WORDS: &[&str] = &[
    "amber", "basket", "candle", "dinner", "engine", "forest", "garden", "harbour", "island",
    "jacket", "kettle", "ladder", "meadow", "needle", "orange", "pepper", "quarry", "ribbon",
    "saddle", "timber", "valley", "window", "yellow", "anchor", "bottle", "copper", "desert",
    "finger", "gravel", "hammer", "insect", "jungle", "kitten", "lemon", "market", "nectar",
    "oyster", "pillow", "rocket", "silver", "tunnel", "velvet", "walnut", "butter", "cotton",
    "summer", "winter", "letter", "mirror", "river", "stone", "paper", "music", "bridge",
];
const GLUE: &[&str] =
    &["the", "a", "with", "near", "under", "and", "beside", "for", "from", "into", "you", "we"];

/// Returns an answer that depends on the seed of the request only.
pub fn natural(request: &Request) -> String {
    let mut rng = keyed(request.sampling.seed, &["scripted"]);
    let mut sentence = |short: bool| {
        let length = if short { rng.random_range(4..8) } else { rng.random_range(8..17) };
        let mut text = String::new();
        for place in 0..length {
            let list = if place % 2 == 0 { GLUE } else { WORDS };
            let word = list[rng.random_range(0..list.len())];
            if place == 0 {
                text.push_str(&word[..1].to_uppercase());
                text.push_str(&word[1..]);
            } else {
                text.push_str(if place == 5 && rng.random_bool(0.4) { ", " } else { " " });
                text.push_str(word);
            }
        }
        text
    };
    let style = request.sampling.seed % 6;
    let lines: Vec<String> =
        (0..3 + request.sampling.seed / 7 % 4).map(|_| sentence(matches!(style, 1 | 3))).collect();
    match style {
        0 => format!("{}.", lines.join(". ")),
        1 => format!("- {}", lines.join("\n- ")),
        2 => format!("{}! Do you agree?", lines.join("! ")),
        3 => {
            let items: Vec<String> =
                lines.iter().enumerate().map(|(i, line)| format!("{}. {line}.", i + 1)).collect();
            items.join("\n")
        }
        4 => format!("# {}\n\n{}.", lines[0], lines[1..].join(".\n\n")),
        _ => format!("{}.", lines[0]),
    }
}

/// Writes `count` tasks as JSON lines and returns their ids.
pub fn write_tasks(path: &Path, count: usize) -> Vec<String> {
    let ids: Vec<String> = (0..count).map(|i| format!("seed-{i:03}")).collect();
    let lines: Vec<String> = ids
        .iter()
        .enumerate()
        .map(|(i, id)| {
            let input = if i % 4 == 0 { r#", "input": "A short text."}"# } else { "}" };
            let topic = WORDS[i % WORDS.len()];
            format!(r#"{{"id": "{id}", "task": "Write about the {topic} number {i}."{input}"#)
        })
        .collect();
    std::fs::write(path, lines.join("\n")).expect("temporary folder");
    ids
}
