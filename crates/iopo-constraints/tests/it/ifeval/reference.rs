//! Paper mode agrees with the labels of the published implementation. Needs files outside the repository.

use std::{collections::BTreeMap, path::Path};

use iopo_constraints::ifeval::{Checker, Instruction, Mode, Response, primitives};
use serde::Deserialize;

use crate::support::labeled::{Labeled, folder, models, rows};

/// The agreement on the instances of one file or one type.
#[derive(Default)]
struct Agreement {
    compared: usize,
    strict: usize,
    loose: usize,
    variant: usize,
    flagged: usize,
    /// The instances that differ.
    differing: Vec<String>,
}

impl Agreement {
    fn row(&self, name: &str) -> String {
        let Self { compared, strict, loose, variant, flagged, .. } = self;
        format!("{name:60} {compared:6} {strict:6} {loose:6} {variant:7} {flagged:7}")
    }

    fn is_whole(&self) -> bool {
        [self.strict, self.loose, self.variant] == [self.compared; 3]
    }
}

const HEADER: &str = "compared, strict equal, loose equal, first variant equal, flagged";

/// Compares the labels of a file, by type.
fn compare(path: &Path, by_type: &mut BTreeMap<String, Agreement>) -> Agreement {
    let mut sum = Agreement::default();
    for row in rows::<Labeled>(path) {
        let response = Response::new(&row.response);
        for (at, id) in row.instruction_id_list.iter().enumerate() {
            let instruction = Instruction::from_parts(id, &row.kwargs[at]).expect("known");
            let checker = Checker::new(&instruction, Mode::Paper).expect("plain keywords");
            let entry = by_type.entry(id.clone()).or_default();
            if row.random_letter[at] || row.langdetect_seed_dependent[at] {
                entry.flagged += 1;
                sum.flagged += 1;
                continue;
            }
            let verdict = checker.verdict(&response);
            let variant = verdict.loose_variant.map_or(-1, |at| at as i64);
            let strict = verdict.strict == row.follow_instruction_list_strict[at];
            let loose = verdict.loose == row.follow_instruction_list_loose[at];
            let same = variant == row.loose_first_variant[at];
            for counts in [entry, &mut sum] {
                counts.compared += 1;
                counts.strict += usize::from(strict);
                counts.loose += usize::from(loose);
                counts.variant += usize::from(same);
            }
            if !(strict && loose && same) {
                let variant = row.loose_first_variant[at];
                let of = format!("{} {id} {:?} {:?}", row.key, row.kwargs[at], row.response);
                sum.differing.push(format!("{verdict:?}, first variant {variant}: {of}"));
            }
        }
    }
    sum
}

#[test]
fn labels_of_nine_models_are_equal() {
    let Some(folder) = folder("ifeval") else { return };
    let mut by_type = BTreeMap::new();
    let mut table = vec![HEADER.to_owned()];
    let mut differing = Vec::new();
    for path in models(&folder) {
        let agreement = compare(&path, &mut by_type);
        assert!(agreement.compared > 800, "{}: an unexpected file", path.display());
        assert_eq!(agreement.is_whole(), agreement.differing.is_empty());
        differing.extend(agreement.differing.iter().cloned());
        table.push(agreement.row(&path.file_name().unwrap_or_default().to_string_lossy()));
    }
    table.extend(by_type.iter().map(|(id, agreement)| agreement.row(id)));
    println!("{}", table.join("\n"));
    assert_eq!(by_type.len(), 25, "every type occurs");
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn labels_of_constructed_responses_are_equal() {
    let Some(folder) = folder("ifeval") else { return };
    let mut by_type = BTreeMap::new();
    let agreement = compare(&folder.join("synthetic_edge.jsonl"), &mut by_type);
    println!("{HEADER}\n{}", agreement.row("synthetic_edge.jsonl"));
    assert!(agreement.compared > 2000, "an unexpected file");
    assert!(agreement.is_whole(), "{}", agreement.differing.join("\n"));
}

/// Counts of one text.
#[derive(Deserialize)]
struct Primitive {
    text: String,
    /// `EXC` when there is nothing to detect.
    langdetect_seed0: String,
    n_sentences: usize,
    n_words: usize,
    n_tokens: usize,
    n_capital_words: usize,
    isupper: bool,
    islower: bool,
}

#[test]
fn primitive_counts_are_equal() {
    let Some(folder) = folder("ifeval") else { return };
    let mut differing = BTreeMap::from_iter(
        ["sentences", "words", "tokens", "capitals", "isupper", "islower", "language"]
            .map(|name| (name, 0)),
    );
    let all = rows::<Primitive>(&folder.join("primitives.jsonl"));
    for row in &all {
        let mut differ = |name, found: &dyn std::fmt::Debug, expected: &dyn std::fmt::Debug| {
            let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
            if found != expected {
                *differing.entry(name).or_default() += 1;
                println!("differs: {name} {found} for {expected} in {:?}", row.text);
            }
        };
        differ("sentences", &primitives::sentence_count(&row.text), &row.n_sentences);
        differ("words", &primitives::word_count(&row.text), &row.n_words);
        differ("tokens", &primitives::tokens(&row.text).len(), &row.n_tokens);
        differ("capitals", &primitives::capital_word_count(&row.text), &row.n_capital_words);
        differ("isupper", &primitives::is_upper(&row.text), &row.isupper);
        differ("islower", &primitives::is_lower(&row.text), &row.islower);
        let language = primitives::language(&row.text).unwrap_or_else(|| "EXC".to_owned());
        differ("language", &language, &row.langdetect_seed0);
    }
    println!("{} texts, differing: {differing:?}", all.len());
    assert!(differing.values().all(|&count| count == 0), "see the texts that differ above");
}
