//! Kinds that decide as a check of IFBench does, found by their verdicts on the same texts.

use std::collections::{BTreeMap, BTreeSet};

use iopo_constraints::ifbench::{Checker, Instruction, InstructionKind, Mode};
use iopo_constraints::{Constraint, Kind};
use serde::Deserialize;
use serde_json::{Map, Number, Value};

use crate::checks;
use crate::support::constraints::draws;
use crate::support::ifbench::verb_tagger;

/// The share of the texts that follow at least one of two checks and that have to follow both, for the checks to be equal.
const SAME: f64 = 0.95;

/// The fewest texts that have to follow both.
const FEWEST: usize = 3;

#[derive(Deserialize)]
struct Item {
    id: String,
    kwargs: Map<String, Value>,
}

#[derive(Deserialize)]
struct Texts {
    texts: Vec<String>,
}

/// A type of IFBench with the names of its arguments.
struct Type {
    id: String,
    numbers: Vec<String>,
    strings: Vec<String>,
}

fn types() -> Vec<Type> {
    let items: Vec<Item> =
        serde_json::from_str(include_str!("../../data/ifbench_instructions.json")).expect("a list");
    let mut types: BTreeMap<String, Type> = BTreeMap::new();
    for Item { id, kwargs } in items {
        let named = |wanted: fn(&Value) -> bool| {
            kwargs.iter().filter(|(_, value)| wanted(value)).map(|(name, _)| name.clone()).collect()
        };
        let found = Type {
            id: id.clone(),
            numbers: named(Value::is_number),
            strings: named(Value::is_string),
        };
        types.entry(id).or_insert(found);
    }
    types.into_values().collect()
}

/// All orders of a list of at most three values.
fn orders<T: Clone>(values: &[T]) -> Vec<Vec<T>> {
    if values.len() < 2 {
        return vec![values.to_vec()];
    }
    let mut found = Vec::new();
    for at in 0..values.len() {
        let mut rest = values.to_vec();
        let first = rest.remove(at);
        found.extend(orders(&rest).into_iter().map(|order| [vec![first.clone()], order].concat()));
    }
    found
}

/// The instructions of a type with the parameters of a constraint as arguments, in every order.
fn instructions(one: &Type, params: &Map<String, Value>) -> Vec<Instruction> {
    let numbers: Vec<Number> = params.values().filter_map(Value::as_number).cloned().collect();
    let strings: Vec<&str> = params.values().filter_map(Value::as_str).collect();
    let free = one.numbers.is_empty() && one.strings.is_empty();
    if !free && (numbers.len() != one.numbers.len() || strings.len() != one.strings.len()) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for numbers in if free { vec![Vec::new()] } else { orders(&numbers) } {
        for strings in if free { vec![Vec::new()] } else { orders(&strings) } {
            let mut kwargs = Map::new();
            for (name, number) in one.numbers.iter().zip(&numbers) {
                kwargs.insert(name.clone(), Value::Number(number.clone()));
            }
            for (name, string) in one.strings.iter().zip(&strings) {
                kwargs.insert(name.clone(), Value::String((*string).to_owned()));
            }
            found.extend(Instruction::from_parts(&one.id, &kwargs).ok());
        }
    }
    found
}

/// Answers, their beginnings, each sentence on a line of its own, and the texts of other tests.
fn texts() -> Vec<String> {
    #[derive(Deserialize)]
    struct Answer {
        answer: String,
    }
    #[derive(Deserialize)]
    struct Label {
        response: String,
    }
    let answers: Vec<Answer> =
        serde_json::from_str(include_str!("../../../data/answers.json")).expect("answers");
    let mut found: BTreeSet<String> = BTreeSet::new();
    for Answer { answer } in &answers {
        let ends = answer.match_indices(". ").map(|(at, _)| at + 1).take(6);
        found.extend(ends.map(|end| answer[..end].to_owned()));
        found.insert(answer.replace(". ", ".\n"));
        found.insert(answer.replace(". ", ".\n\n"));
        found.insert(answer.clone());
        found.extend(variants(answer));
    }
    let clauses = [
        "我每天早上喝一杯绿茶",
        "它很好喝",
        "也对身体有益",
        "你可以先把水烧开再放茶叶",
        "不要太烫",
    ];
    for (first, count) in (0..5).flat_map(|first| (1..=8).map(move |count| (first, count))) {
        let clauses = clauses.iter().cycle().skip(first).take(count);
        found.insert(clauses.flat_map(|clause| [*clause, "。"]).collect());
    }
    // The same word many times, and Japanese words at equal distances.
    for count in 2..80 {
        found.insert("tea ".repeat(count));
        let words = (1..60).map(|at| if at % count == 0 { "お茶 " } else { "tea " });
        found.insert(words.collect());
    }
    let labels = include_str!("../../data/iftrain_labels.jsonl").lines();
    let label = |line| serde_json::from_str::<Label>(line).expect("a label").response;
    found.extend(labels.map(label));
    let cases = checks::CASES.iter().flat_map(|(_, _, good, bad)| [*good, *bad]);
    found.extend(cases.map(str::to_owned));
    let made: Texts =
        serde_json::from_str(include_str!("../../data/ifbench_labels.json")).expect("texts");
    found.extend(made.texts);
    found.into_iter().filter(|text| !text.trim().is_empty()).collect()
}

/// An answer with other marks at the ends of its sentences, and with lines that are indented more and more.
fn variants(answer: &str) -> Vec<String> {
    let mut marks = [". ", ". ", "? "].into_iter().cycle();
    let balanced = answer.split(". ").flat_map(|part| [part, marks.next().unwrap_or_default()]);
    let mut found = vec![
        answer.replace('.', "!"),
        answer.replace(". ", "? "),
        answer.replace(". ", "! ").replacen("! ", "? ", 1),
        balanced.collect(),
    ];
    for count in 2..10 {
        let lines = answer.split(". ").take(count).enumerate();
        let indented: Vec<String> =
            lines.map(|(at, part)| format!("{}{part}", " ".repeat(at))).collect();
        found.push(indented.join("\n"));
    }
    found
}

/// Constraints of every kind that some of the texts satisfy: drawn ones, and those that texts suggest.
fn constraints(texts: &[String]) -> BTreeMap<Kind, Vec<Constraint>> {
    let mut found: BTreeMap<Kind, Vec<Constraint>> = BTreeMap::new();
    let mut keep = |constraint: Constraint| {
        let kept = found.entry(constraint.kind()).or_default();
        let holding = || texts.iter().filter(|text| constraint.check(text).satisfied).count();
        if kept.len() < 12 && !kept.contains(&constraint) && holding() >= FEWEST {
            kept.push(constraint);
        }
    };
    for seed in 0..3 {
        draws(seed, "Explain green tea.").into_iter().for_each(&mut keep);
    }
    for text in texts.iter().step_by(7) {
        for kind in Kind::ALL {
            kind.back_translate(text).into_iter().take(2).for_each(&mut keep);
        }
    }
    found
}

/// The texts that follow.
fn following(texts: &[String], follows: impl Fn(&str) -> bool) -> BTreeSet<usize> {
    (0..texts.len()).filter(|at| follows(&texts[*at])).collect()
}

/// Whether two checks decide alike: on the texts that follow one of them, and on those that violate one of them.
fn is_same(one: &BTreeSet<usize>, other: &BTreeSet<usize>, texts: usize) -> bool {
    let shared = one.intersection(other).count();
    let either = one.union(other).count();
    let alike =
        |shared: usize, either: usize| shared >= FEWEST && shared as f64 >= SAME * either as f64;
    alike(shared, either) && alike(texts - either, texts - shared)
}

#[test]
fn the_kinds_equal_to_a_check_of_ifbench_are_the_declared_ones() {
    let (texts, types, tagger) = (texts(), types(), verb_tagger());
    assert_eq!(types.len(), InstructionKind::ALL.len());
    let mut cache: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    let mut equal = BTreeSet::new();
    let found = constraints(&texts);
    for (kind, constraints) in &found {
        // The types that decide alike, with the number of constraints for which they do.
        let mut alike: BTreeMap<InstructionKind, usize> = BTreeMap::new();
        for constraint in constraints {
            let own = following(&texts, |text| constraint.check(text).satisfied);
            let params: Map<String, Value> =
                serde_json::from_str(&constraint.params_json()).expect("parameters");
            let mut same = BTreeSet::new();
            for instruction in types.iter().flat_map(|one| instructions(one, &params)) {
                for mode in Mode::ALL {
                    let key = format!("{instruction:?} {mode}");
                    let other = cache.entry(key).or_insert_with(|| {
                        let checker = Checker::new(&instruction, mode, Some(&tagger));
                        let checker = checker.expect("a tagger is given");
                        following(&texts, |text| checker.strict(text))
                    });
                    if is_same(&own, other, texts.len()) {
                        same.insert(instruction.kind());
                    }
                }
            }
            for one in same {
                *alike.entry(one).or_default() += 1;
            }
        }
        let mostly = alike.into_iter().filter(|(_, count)| count * 2 > constraints.len());
        equal.extend(mostly.map(|(one, _)| (*kind, one)));
    }
    let declared: BTreeSet<(Kind, InstructionKind)> = InstructionKind::ALL
        .iter()
        .flat_map(|one| one.kinds().iter().map(|kind| (*kind, *one)))
        .collect();
    assert_eq!(equal, declared);
    // The control: kinds that are equal to a check are found by their verdicts.
    assert!(equal.contains(&(Kind::WordRange, InstructionKind::WordRange)));
    let missing: Vec<&Kind> = Kind::ALL.iter().filter(|kind| !found.contains_key(kind)).collect();
    assert!(missing.len() <= 12, "not compared: {missing:?}");
    for (kind, near) in [
        (Kind::SameEnds, InstructionKind::ParagraphLastFirst),
        (Kind::NoConsecutiveInitials, InstructionKind::NoConsecutive),
    ] {
        assert!(found.contains_key(&kind) && near.near_kinds().contains(&kind), "{kind}");
    }
}
