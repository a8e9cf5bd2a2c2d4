//! Rows to check, and their results without a server.

use std::fs;
use std::path::{Path, PathBuf};
use std::slice::from_ref;

use iopo_constraints::ifbench::{self, Mode};
use iopo_constraints::{Constraint, ifeval};
use serde_json::{Map, Value, json};

/// An item with the result that a server must send for it.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) item: Value,
    pub(crate) response: String,
    check: Check,
}

#[derive(Debug, Clone)]
enum Check {
    Ifeval(Vec<(String, Map<String, Value>)>),
    Ifbench(Vec<(String, Map<String, Value>)>),
    Constraint(Constraint),
}

impl Row {
    fn instructions(
        benchmark: &str,
        response: &str,
        ids: &[String],
        kwargs: &[Map<String, Value>],
    ) -> Self {
        let item = json!({
            "benchmark": benchmark, "response": response, "instruction_id_list": ids, "kwargs": kwargs,
        });
        let parts = ids.iter().cloned().zip(kwargs.iter().cloned()).collect();
        let check =
            if benchmark == "ifeval" { Check::Ifeval(parts) } else { Check::Ifbench(parts) };
        Self { item, response: response.to_owned(), check }
    }

    fn constraint(response: &str, constraint: Constraint) -> Self {
        let params: Value = serde_json::from_str(&constraint.params_json()).expect("JSON");
        let listed = json!([{"id": constraint.kind().id(), "params": params}]);
        let item = json!({"response": response, "constraints": listed});
        Self { item, response: response.to_owned(), check: Check::Constraint(constraint) }
    }

    /// The row with another response in its item, but with the results of its own.
    pub(crate) fn with_item(&self, response: &str) -> Self {
        let mut row = self.clone();
        row.item["response"] = json!(response);
        row
    }

    /// The result with the verdicts of the library for a response, with instructions without a check skipped.
    pub(crate) fn result(&self, response: &str, mode: Mode) -> Value {
        let verdicts = match &self.check {
            Check::Ifeval(parts) => {
                let prompt = ifeval::IfevalPrompt {
                    key: "1".to_owned(),
                    prompt: String::new(),
                    instructions: parts
                        .iter()
                        .map(|(id, kwargs)| {
                            ifeval::PromptInstruction::new(id, kwargs.clone())
                                .expect("an instruction")
                        })
                        .collect(),
                };
                prompt.verdicts(response, mode).expect("verdicts")
            }
            Check::Ifbench(parts) => {
                let prompt = ifbench::IfbenchPrompt {
                    key: "1".to_owned(),
                    prompt: String::new(),
                    instructions: parts
                        .iter()
                        .map(|(id, kwargs)| {
                            ifbench::PromptInstruction::new(id, kwargs.clone())
                                .expect("an instruction")
                        })
                        .collect(),
                };
                prompt.verdicts(response, mode, None).expect("verdicts")
            }
            Check::Constraint(constraint) => {
                let verdict = constraint.check(response);
                let reward = if verdict.satisfied { 1.0 } else { 0.0 };
                let verdicts =
                    json!([{"satisfied": verdict.satisfied, "evidence": verdict.evidence}]);
                return json!({"reward": reward, "verdicts": verdicts});
            }
        };
        let known: Vec<_> = verdicts.iter().flatten().collect();
        let followed = known.iter().filter(|verdict| verdict.strict).count();
        let reward = (!known.is_empty()).then(|| followed as f64 / known.len() as f64);
        let verdicts: Vec<Value> = verdicts
            .iter()
            .map(|verdict| {
                verdict.map_or(Value::Null, |verdict| {
                    json!({"strict": verdict.strict, "loose": verdict.loose, "loose_variant": verdict.loose_variant})
                })
            })
            .collect();
        json!({"reward": reward, "verdicts": verdicts})
    }
}

/// The body of a request for rows.
pub(crate) fn body(rows: &[Row], mode: Mode) -> String {
    let items: Vec<&Value> = rows.iter().map(|row| &row.item).collect();
    json!({"mode": mode.id(), "skip_unsupported": true, "items": items}).to_string()
}

/// The body of the reply to it, byte for byte.
pub(crate) fn reply(rows: &[Row], mode: Mode) -> String {
    let results: Vec<Value> = rows.iter().map(|row| row.result(&row.response, mode)).collect();
    json!({"mode": mode.id(), "results": results}).to_string()
}

/// Every instruction of IFEval and IFBench and a constraint of most kinds, each with several texts.
pub(crate) fn fixtures() -> Vec<Row> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../iopo-constraints/tests/data");
    let read = |name: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(data.join(name)).expect("a fixture"))
            .expect("JSON")
    };
    let labels = read("ifbench_labels.json");
    let texts: Vec<&str> =
        labels["texts"].as_array().expect("texts").iter().filter_map(Value::as_str).collect();
    let mut rows = Vec::new();
    for (benchmark, file) in
        [("ifeval", "instructions.json"), ("ifbench", "ifbench_instructions.json")]
    {
        for (at, one) in read(file).as_array().expect("instructions").iter().enumerate() {
            let id = one["id"].as_str().expect("an id").to_owned();
            let kwargs = one["kwargs"].as_object().expect("kwargs").clone();
            for text in texts.iter().cycle().skip(at * 7).take(6) {
                rows.push(Row::instructions(benchmark, text, from_ref(&id), from_ref(&kwargs)));
            }
        }
    }
    for (at, kind) in iopo_constraints::Kind::ALL.iter().enumerate() {
        let text = texts[at % texts.len()];
        for constraint in kind.back_translate(text).into_iter().take(2) {
            let revised = constraint.revisions().into_iter().take(1);
            rows.extend(revised.map(|revised| Row::constraint(text, revised)));
            rows.push(Row::constraint(text, constraint));
        }
    }
    rows
}

/// Labeled responses of models, which are not part of the repository: every `step`th one.
pub(crate) fn labeled(step: usize) -> Option<Vec<Row>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let mut rows = Vec::new();
    for benchmark in ["ifeval", "ifbench"] {
        let mut files: Vec<PathBuf> = fs::read_dir(data.join(benchmark).join("labelled"))
            .ok()?
            .map(|entry| entry.expect("an entry").path())
            .collect();
        files.sort();
        for file in files
            .iter()
            .filter(|file| benchmark == "ifeval" || file.ends_with("sample_output.jsonl"))
        {
            let text = fs::read_to_string(file).expect("a file");
            for line in text.lines().step_by(step) {
                let row: Value = serde_json::from_str(line).expect("a row");
                let ids: Vec<String> =
                    serde_json::from_value(row["instruction_id_list"].clone()).expect("ids");
                let kwargs: Vec<Map<String, Value>> =
                    serde_json::from_value(row["kwargs"].clone()).expect("kwargs");
                let response = row["response"].as_str().expect("a response");
                rows.push(Row::instructions(benchmark, response, &ids, &kwargs));
            }
        }
    }
    Some(rows)
}
