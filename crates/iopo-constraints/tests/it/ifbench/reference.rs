//! Paper mode agrees with the labels of the published implementation. Needs files outside the repository.

use std::{collections::BTreeMap, path::Path, sync::LazyLock};

use iopo_constraints::ifbench::{Checker, Instruction, Mode, Response, Tagger, primitives};
use serde::Deserialize;
use serde_json::Value;

use crate::support::{
    ifbench::tagger,
    labeled::{Labeled, folder, rows},
};

/// The agreement on the instances of a file.
#[derive(Default)]
struct Agreement {
    compared: usize,
    /// The instances that need a tagger, without one.
    skipped: usize,
    by_type: BTreeMap<String, usize>,
    /// The instances that differ.
    differing: Vec<String>,
}

fn compare(path: &Path) -> Agreement {
    let tagger = TAGGER.as_ref();
    let mut sum = Agreement::default();
    for row in rows::<Labeled>(path) {
        let response = Response::new(&row.response);
        for (at, id) in row.instruction_id_list.iter().enumerate() {
            let instruction = Instruction::from_parts(id, &row.kwargs[at]).expect("known");
            if instruction.kind().needs_tagger() && tagger.is_none() {
                sum.skipped += 1;
                continue;
            }
            let checker = Checker::new(&instruction, Mode::Paper, tagger).expect("supported");
            let verdict = checker.verdict(&response);
            let variant = verdict.loose_variant.map_or(-1, |at| at as i64);
            let found = (verdict.strict, verdict.loose, variant);
            let expected = (
                row.follow_instruction_list_strict[at],
                row.follow_instruction_list_loose[at],
                row.loose_first_variant[at],
            );
            sum.compared += 1;
            *sum.by_type.entry(id.clone()).or_default() += 1;
            if found != expected {
                let of = format!("{} {id} {:?} {:?}", row.key, row.kwargs[at], row.response);
                sum.differing.push(format!("{found:?}, expected {expected:?}: {of}"));
            }
        }
    }
    sum
}

/// Compares all labels of a file. There are `count` labels, including those of `words:start_verb`.
fn agrees(name: &str, count: usize) -> Agreement {
    let Some(folder) = folder("ifbench") else { return Agreement::default() };
    let sum = compare(&folder.join(name));
    assert_eq!(sum.compared + sum.skipped, count, "an unexpected file");
    assert!(sum.differing.is_empty(), "{}", sum.differing.join("\n"));
    sum
}

#[test]
fn labels_of_constructed_responses_are_equal() {
    let sum = agrees("synthetic_edge.jsonl", 5102);
    if sum.compared > 0 {
        assert_eq!(sum.by_type.len(), if sum.skipped > 0 { 57 } else { 58 }, "every type occurs");
    }
}

#[test]
fn labels_of_sample_responses_are_equal() {
    agrees("labelled/sample_output.jsonl", 334);
}

#[test]
fn labels_of_ifeval_responses_are_equal() {
    agrees("labelled/ifeval_responses.jsonl", 1756);
}

#[derive(Deserialize)]
struct Tokenized {
    text: String,
    tokens: Vec<String>,
    lower: Vec<String>,
}

#[derive(Deserialize)]
struct FirstTag {
    first: Vec<String>,
    tag: String,
}

#[derive(Deserialize)]
struct Syllables {
    words: Vec<String>,
    counts: Vec<usize>,
}

#[derive(Deserialize)]
struct Sentences {
    text: String,
    punkt: Vec<String>,
}

#[derive(Deserialize)]
struct StopWords {
    text: String,
    words: usize,
    stop: usize,
}

#[derive(Deserialize)]
struct Csv {
    delimiter: char,
    text: String,
    rows: Option<Vec<Vec<String>>>,
}

#[derive(Deserialize)]
struct Trigrams {
    text: String,
    reference: String,
    distinct: usize,
    common: usize,
}

static TAGGER: LazyLock<Option<Tagger>> = LazyLock::new(tagger);

/// Reads a row of `primitives.jsonl`.
fn read<T: for<'a> Deserialize<'a>>(row: &Value) -> T {
    serde_json::from_value(row.clone()).expect("a row of this kind")
}

/// Whether a row agrees. `None` for a row of a kind that is not compared.
fn same(row: &Value) -> Option<bool> {
    let text = |name: &str| row[name].as_str().unwrap_or_default();
    Some(match text("kind") {
        "first_tag" => {
            let row: FirstTag = read(row);
            TAGGER.as_ref()?.first_tag(&row.first) == Some(row.tag.as_str())
        }
        "syllables" => {
            let row: Syllables = read(row);
            row.words.iter().map(|word| primitives::syllables(word)).eq(row.counts)
        }
        "emoji_ranges" => {
            let ranges: Vec<(u32, u32)> = read(&row["ranges"]);
            let expected = ranges.iter().flat_map(|range| range.0..=range.1);
            let found = ('\0'..=char::MAX).filter(|c| primitives::is_emoji(*c)).map(u32::from);
            found.eq(expected)
        }
        "not_emoji" => {
            let chars: Vec<u32> = read(&row["chars"]);
            !chars.into_iter().filter_map(char::from_u32).any(primitives::is_emoji)
        }
        "sentences" => {
            let row: Sentences = read(row);
            primitives::sentences(&row.text) == row.punkt
        }
        "tokens" => {
            let row: Tokenized = read(row);
            primitives::tokens(&row.text) == row.tokens
                && primitives::tokens(&row.text.to_lowercase()) == row.lower
        }
        "stopword_list" => {
            let words: Vec<String> = read(&row["words"]);
            words.len() == 153 && words.iter().all(|word| primitives::is_stop_word(word))
        }
        "stopwords" => {
            let row: StopWords = read(row);
            primitives::stop_words(&row.text) == (row.words, row.stop)
        }
        "csv" => {
            let row: Csv = read(row);
            primitives::csv(&row.text, row.delimiter) == row.rows
        }
        "nfkd_ascii" => primitives::to_ascii(text("text")) == text("ascii"),
        "trigrams" => {
            let row: Trigrams = read(row);
            primitives::trigrams(&row.text, &row.reference) == (row.distinct, row.common)
        }
        "indent_lines" => {
            let kept: Vec<String> = read(&row["kept"]);
            primitives::indented_lines(text("text")) == kept
        }
        "pos" => return None,
        kind => panic!("an unknown kind of row: {kind}"),
    })
}

#[test]
fn primitives_are_equal() {
    let Some(folder) = folder("ifbench") else { return };
    let all = rows::<Value>(&folder.join("primitives.jsonl"));
    let mut counts: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for row in &all {
        let kind = row["kind"].as_str().expect("a kind");
        let same = same(row);
        counts.entry(kind).or_default()[same.map_or(2, usize::from)] += 1;
        if same == Some(false) {
            println!("differs: {row}");
        }
    }
    println!("differing, equal, not compared: {counts:?}");
    assert_eq!(counts.len(), 13, "every kind occurs");
    assert!(counts.values().all(|[differing, ..]| *differing == 0), "see the rows that differ");
}
