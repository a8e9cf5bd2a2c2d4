//! Rows and files lead to the stored answers that they were made of.

use std::cell::RefCell;
use std::collections::BTreeSet;

use iopo_llm::{AnsweredBy, LanguageModel, LlmError, Outcome, Progress, Request, Silent};
use iopo_schema::header;
use iopo_synth::SynthConfig;
use iopo_synth::trace::{TraceModels, trace};
use serde_json::Value;

use crate::world::{Model, Replace, TASKS, config, responses, said};

/// Two models of one role. A request has the key of its seed, and an odd seed goes to the second model.
struct Two<'a> {
    model: Model<'a>,
    keys: RefCell<BTreeSet<String>>,
}

fn origin(request: &Request) -> AnsweredBy {
    let seed = request.sampling.seed;
    let model = if seed % 2 == 1 { "b@odd" } else { "a@even" };
    AnsweredBy { model: model.to_owned(), key: Some(format!("key-{seed}")) }
}

impl LanguageModel for Two<'_> {
    fn name(&self) -> String {
        "a@even+b@odd".to_owned()
    }

    fn complete(
        &self,
        requests: &[Request],
        progress: &dyn Progress,
    ) -> Result<Vec<Outcome>, LlmError> {
        let keys = requests.iter().filter_map(|request| origin(request).key);
        self.keys.borrow_mut().extend(keys);
        self.model.complete(requests, progress)
    }

    fn answered_by(&self, request: &Request) -> Result<AnsweredBy, LlmError> {
        Ok(origin(request))
    }
}

/// Runs the recipe in a directory, and returns the keys of all requests.
fn run(dir: &std::path::Path, replace: &Replace<'_>) -> BTreeSet<String> {
    let path = dir.join("tasks.jsonl");
    std::fs::write(&path, TASKS).expect("written");
    let model = Two { model: Model::new(replace), keys: RefCell::default() };
    let models = TraceModels { writer: &model, judge: &model };
    let synth = SynthConfig::default();
    trace(&path, &dir.join("out"), models, &synth, &config(|_| ()), &Silent).expect("a run");
    model.keys.into_inner()
}

#[test]
fn a_response_names_its_model_its_request_and_its_templates() {
    let dir = tempfile::tempdir().expect("a directory");
    let keys = run(dir.path(), &|_, _| None);
    let file = header(&dir.path().join("out/responses.parquet")).expect("a header");
    let templates = file.provenance.config["templates"].as_object().expect("templates").clone();
    let named = |hash: &Value| {
        let found = templates.iter().find(|(_, one)| *one == hash);
        found.map(|(name, _)| name.clone()).expect("a template of the file's header")
    };
    let (mut models, mut rated) = (BTreeSet::new(), 0);
    for row in responses(dir.path()) {
        models.insert(row.generator.clone());
        let sampling: Value = serde_json::from_str(&row.sampling).expect("JSON");
        assert!(keys.contains(sampling["request"].as_str().expect("a key")), "{sampling}");
        let seed = sampling["seed"].as_u64().expect("a seed");
        assert_eq!(row.generator, if seed % 2 == 1 { "b@odd" } else { "a@even" });
        let used: Vec<String> =
            sampling["templates"].as_array().expect("templates").iter().map(named).collect();
        let stage = sampling["stage"].as_str().expect("a stage");
        let expected = if stage == "worse" { "worse." } else { "response" };
        assert!(used.len() == 1 && used[0].starts_with(expected), "{stage}: {used:?}");
        if let Some(rating) = sampling.get("rating") {
            rated += 1;
            assert!(keys.contains(rating["request"].as_str().expect("a key")), "{rating}");
            assert!(named(&rating["templates"][0]).starts_with("rating."), "{rating}");
            assert!(["a@even", "b@odd"].contains(&rating["model"].as_str().expect("a model")));
        }
    }
    assert_eq!(models.into_iter().collect::<Vec<_>>(), ["a@even", "b@odd"]);
    assert!(rated > 5, "{rated}");
}

#[test]
fn the_headers_have_a_hash_of_the_answers() {
    let answers = |replace: &Replace<'_>| {
        let dir = tempfile::tempdir().expect("a directory");
        run(dir.path(), replace);
        let of = |name: &str| {
            let file = header(&dir.path().join("out").join(name)).expect("a header");
            file.answers.expect("a hash of the answers")
        };
        ["instructions.parquet", "responses.parquet", "candidates.parquet"].map(of)
    };
    let first = answers(&|_, _| None);
    assert_eq!(answers(&|_, _| None), first, "the same answers");
    // Another word of the judge that no row keeps.
    let other = answers(&|stage, _| {
        let text = r#"{"explanation": "nothing is missing", "complete": true}"#;
        (stage == "trace_complete").then(|| said(text))
    });
    for (other, first) in other.iter().zip(&first) {
        assert_ne!(other, first);
    }
}
