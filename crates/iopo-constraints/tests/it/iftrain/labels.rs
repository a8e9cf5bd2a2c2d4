//! Responses that a person has labeled, and the labels of the published checks.

use std::collections::BTreeMap;

use iopo_constraints::{CountedResponse, iftrain};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::support::labeled::{self, Labeled};

/// A response with the verdict of a person who reads the sentence of the constraint.
#[derive(Deserialize)]
struct Label {
    id: String,
    kwargs: Map<String, Value>,
    response: String,
    follows: bool,
    why: String,
}

/// A published label that a reader does not share.
#[derive(Deserialize)]
struct Difference {
    key: String,
    id: String,
    follows: bool,
    why: String,
}

fn lines<T: for<'a> Deserialize<'a>>(text: &str) -> Vec<T> {
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn a_person_would_decide_the_same() {
    let labels: Vec<Label> = lines(include_str!("../../data/iftrain_labels.jsonl"));
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for Label { id, kwargs, response, follows, why } in &labels {
        let constraint = iftrain::constraint(id, kwargs).expect(id);
        let verdict = constraint.check(response);
        assert_eq!(verdict.satisfied, *follows, "{id} {response:?}, {why}: {}", verdict.evidence);
        assert_eq!(CountedResponse::new(response).satisfies(&constraint), *follows, "{id}");
        let count = counts.entry(id).or_default();
        count.0 += usize::from(*follows);
        count.1 += usize::from(!follows);
    }
    assert_eq!(counts.len(), iftrain::KINDS.len());
    for (id, (good, bad)) in counts {
        assert!(good >= 2 && bad >= 2 && good + bad >= 6, "{id}: {good} and {bad}");
    }
}

/// Published labels of the 19 constraints, and those whose keyword is not one word of letters.
const PUBLISHED: (usize, usize) = (1121, 199);

#[test]
fn published_labels_agree_but_for_the_listed_ones() {
    let Some(folder) = labeled::folder("ifbench") else {
        eprintln!("skipped: the labels of IFTrain are absent");
        return;
    };
    let differences: Vec<Difference> = lines(include_str!("../../data/iftrain_differences.jsonl"));
    let listed: BTreeMap<&str, &Difference> =
        differences.iter().map(|difference| (difference.key.as_str(), difference)).collect();
    let (mut all, mut refused, mut found) = (0, 0, 0);
    for row in labeled::rows::<Labeled>(&folder.join("iftrain_edge.jsonl")) {
        let id = row.instruction_id_list[0].as_str();
        if !iftrain::KINDS.iter().any(|(known, _)| *known == id) {
            continue;
        }
        all += 1;
        let Ok(constraint) = iftrain::constraint(id, &row.kwargs[0]) else {
            refused += 1;
            continue;
        };
        let verdict = constraint.check(&row.response);
        let published = row.follow_instruction_list_strict[0];
        let key = row.key.as_str().expect("a key");
        match listed.get(key) {
            Some(difference) => {
                assert!(!difference.why.is_empty() && difference.id == id, "{key}");
                assert_eq!(verdict.satisfied, difference.follows, "{key}: {}", verdict.evidence);
                assert_ne!(verdict.satisfied, published, "{key} is not a difference");
                found += 1;
            }
            None => assert_eq!(verdict.satisfied, published, "{key} {id}: {}", verdict.evidence),
        }
    }
    assert_eq!(found, differences.len());
    assert_eq!((all, refused), PUBLISHED);
}
