//! Checks, edits and revises constraints of every kind on arbitrary text. The part before the first NUL is the word or phrase of
//! constraints, the rest is the response.

#![no_main]

use std::sync::LazyLock;

use iopo_constraints::{
    Constraint, CountedResponse, Kind, from_proposal, from_text, from_text_in_task, iftrain,
    quality,
};
use libfuzzer_sys::fuzz_target;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

/// Two constraints of each kind with random parameters.
static DRAWN: LazyLock<Vec<Constraint>> = LazyLock::new(|| {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut drawn = Vec::new();
    for _ in 0..2 {
        drawn.extend(Kind::ALL.iter().map(|kind| kind.draw("Explain green tea.", &mut rng)));
    }
    drawn
});

/// Constraints with parameters from the input, as far as they are in range.
fn varied(word: &str) -> Vec<Constraint> {
    let params = [
        json!({ "word": word }),
        json!({ "word": word, "n": 2 }),
        json!({ "word": word, "sentence": 1, "position": 2 }),
        json!({ "first": word, "second": "tea" }),
        json!({ "phrase": word }),
        json!({ "phrases": [word, "tea"] }),
        json!({ "name": word }),
        json!({ "role": word }),
        json!({ "key": word }),
        json!({ "title": word }),
        json!({ "keys": [word] }),
        json!({ "names": [word] }),
        json!({ "columns": [word] }),
    ];
    let params = params.map(|params| params.to_string());
    let mut found = Vec::new();
    for kind in Kind::ALL {
        found.extend(params.iter().filter_map(|params| Constraint::from_parts(kind.id(), params).ok()));
    }
    found
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let (word, text) = text.split_once('\0').unwrap_or(("tea", &text));
    let counted = CountedResponse::new(text);
    for constraint in DRAWN.iter().chain(&varied(word)) {
        let verdict = constraint.check(text);
        assert_eq!(counted.satisfies(constraint), verdict.satisfied, "{constraint:?}");
        if let Some(edited) = constraint.edit(text) {
            assert!(constraint.check(&edited).satisfied, "{constraint:?}");
        }
        for revision in constraint.revisions() {
            assert!(!(verdict.satisfied && revision.check(text).satisfied), "{constraint:?} {revision:?}");
        }
    }
    for kind in Kind::ALL {
        for found in kind.back_translate_counted(&counted) {
            assert!(found.check(text).satisfied, "{found:?}");
        }
    }
    // Texts of constraints are untrusted too.
    let read = from_text(text);
    let in_task = from_text_in_task(text, word);
    if let (Some(read), Some(in_task)) = (read, in_task) {
        assert_eq!(read, in_task);
    }
    let _ = from_proposal(text, "max_words", r#"{"n":5}"#);
    let _ = (quality::repetition(text), quality::distinct_words(text));
    for (id, _) in iftrain::KINDS {
        let kwargs = json!({"keyword": word, "keyword1": word, "keyword2": "tea", "first_word": word, "last_word": word, "N": 2, "n": 1, "m": 1, "n_sent": 1, "n_words": 2, "frequency": 2, "relation": "at least"});
        let Some(kwargs) = kwargs.as_object() else { continue };
        if let Ok(constraint) = iftrain::constraint(id, kwargs) {
            let _ = constraint.check(text);
        }
    }
});
