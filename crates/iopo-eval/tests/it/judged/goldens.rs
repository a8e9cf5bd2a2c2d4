//! Every golden case through whole runs, with a judge and with a file of its answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use iopo_eval::{JudgedBenchmark, JudgedConfig, JudgedMode, JudgedReport, JudgedRun};
use iopo_judge::Language;
use iopo_llm::Silent;
use iopo_schema::Method;
use serde_json::{Value, json};

use super::support::{
    Asked, Files, assert_close, metric, rows, shared, skip, string, trace_item, value,
};

const CASES: [(&str, &str, &str); 3] = [
    ("IF_S", "IF-S", "one constraint"),
    ("IF_M", "IF-M", "several constraints"),
    ("all", "IF", "all"),
];

fn all(_: &mut JudgedConfig) {}

fn trace_files(rows: &[Value]) -> Files {
    let mut data = String::new();
    let (mut responses, mut asked) = (Vec::new(), Vec::new());
    for row in rows {
        let (id, item) = (string(&row["item"]["id"]), &row["item"]);
        let splits = item["constraints_splits"].as_array().expect("a list");
        let constraints: Vec<String> = splits.iter().map(|one| string(one).to_owned()).collect();
        let item = trace_item(id, string(&item["description"]), &constraints);
        data.push_str(&(item.to_string() + "\n"));
        responses.push((id.to_owned(), format!("回复⟦{id}⟧")));
        asked.push(Asked {
            key: id.to_owned(),
            index: 0,
            marks: vec![format!("⟦{id}⟧")],
            answer: string(&row["judge_response"]).to_owned(),
        });
    }
    Files::new(&data, &responses, asked)
}

#[test]
fn trace_has_the_golden_scores_and_totals() {
    let (Some(rows), Some(golden)) = (rows("trace.jsonl"), value("trace_totals.json")) else {
        return;
    };
    let files = trace_files(&rows);
    for mode in [JudgedMode::Paper, JudgedMode::Repaired] {
        let report = files.evaluate((JudgedBenchmark::Trace, mode), all);
        for row in &rows {
            let id = string(&row["item"]["id"]);
            let found: Vec<_> = report.scores.iter().filter(|score| score.key == id).collect();
            if let Some(scores) = row["paper"]["scores"].as_array() {
                let expected: Vec<Option<f64>> = scores.iter().map(Value::as_f64).collect();
                assert_eq!(found.iter().map(|one| one.score).collect::<Vec<_>>(), expected, "{id}");
                let followed = found.iter().all(|one| one.strict == Some(true));
                assert_eq!(Some(followed), row["paper"]["followed"].as_bool(), "{id}");
            } else {
                let reason = row["paper"]["reason"].as_str();
                assert!(found.iter().all(|one| one.error.as_deref() == reason), "{id}");
                assert!(found.iter().all(|one| one.strict.is_none() && one.score.is_none()));
            }
            let raw = row["judge_response"].as_str();
            assert!(found.iter().all(|one| one.raw.as_deref() == raw), "{id}");
        }
        for (name, own, subset) in CASES {
            let golden = &golden["paper"][name];
            let [judged, failed] = metric(&report, own, subset);
            assert_close(judged, &golden["if"], name);
            assert_close(failed, &golden["if_unjudged_fail"], name);
            let [accuracy, _] = metric(&report, "constraint accuracy", subset);
            assert_close(accuracy, &golden["constraint_accuracy"], name);
            assert_close(metric(&report, "mean score", subset)[0], &golden["mean_score"], name);
        }
        assert_eq!(report.unjudged.values().sum::<usize>(), 14);
        assert!(report.refuse_unjudged().is_err());
    }
    let report = files.evaluate((JudgedBenchmark::Trace, JudgedMode::Script), all);
    for (name, _, subset) in CASES {
        let golden = &golden["script"][name];
        assert_close(metric(&report, "share of 10", subset)[0], &golden["share_of_10"], name);
        assert_close(metric(&report, "mean rating", subset)[0], &golden["mean"], name);
    }
}

fn cfbench_files(rows: &[Value]) -> Files {
    let items = rows.iter().enumerate().map(|(at, row)| {
        json!({"idx": at, "prompt": "写", "gold": "", "split": row["split"], "criteria": row["criteria"]})
    });
    let data = Value::Array(items.collect()).to_string();
    let responses: Vec<_> = (0..rows.len()).map(|at| (at.to_string(), format!("⟦{at}⟧"))).collect();
    let asked = rows.iter().enumerate().map(|(at, row)| Asked {
        key: at.to_string(),
        index: 0,
        marks: vec![format!("⟦{at}⟧")],
        answer: string(&row["judge_response"]).to_owned(),
    });
    Files::new(&data, &responses, asked.collect())
}

#[test]
fn cfbench_has_the_golden_marks_and_totals() {
    let (Some(rows), Some(golden)) = (rows("cfbench.jsonl"), value("cfbench_totals.json")) else {
        return;
    };
    let files = cfbench_files(&rows);
    let paper = files.evaluate((JudgedBenchmark::CfBench, JudgedMode::Paper), all);
    let repaired = files.evaluate((JudgedBenchmark::CfBench, JudgedMode::Repaired), all);
    for (at, row) in rows.iter().enumerate() {
        let key = at.to_string();
        let of = |report: &JudgedReport| -> Vec<(Option<bool>, Option<String>)> {
            let rows = report.scores.iter().filter(|score| score.key == key);
            rows.map(|score| (score.strict, score.error.clone())).collect()
        };
        let raises = row["paper"].get("raises").is_some();
        let error = raises.then(|| "reference_raises".to_owned());
        assert!(of(&paper).iter().all(|(_, found)| *found == error), "{row}");
        let golden = &row["repaired"];
        for (place, (found, error)) in of(&repaired).into_iter().enumerate() {
            match golden["verdicts"].as_array() {
                Some(marks) => assert_eq!(found, Some(marks[place] == 1), "{row}"),
                None => assert_eq!(error.as_deref(), golden["reason"].as_str(), "{row}"),
            }
        }
    }
    for (suffix, subset) in [("_easy", "easy"), ("_hard", "hard"), ("", "all")] {
        for name in ["CSR", "ISR", "PSR"] {
            let expected = &golden["paper_unrounded"][format!("{name}{suffix}")];
            assert_close(metric(&paper, name, subset)[0], expected, name);
            let expected = &golden["repaired"][subset];
            let [judged, failed] = metric(&repaired, name, subset);
            assert_close(judged, &expected[name], name);
            assert_close(failed, &expected[format!("{name}_unjudged_fail")], name);
        }
    }
}

/// The released files of CFBench's repository: `data/cfbench_data.json` and `output/judge/*.json`.
#[test]
fn cfbench_has_the_published_metrics_of_its_released_files() {
    let own = std::env::var_os("IOPO_CFBENCH").map(std::path::PathBuf::from);
    let root = own.unwrap_or_else(|| shared().join("cfbench"));
    let data = root.join("data/cfbench_data.json");
    if !data.is_file() {
        let what = format!(
            "{} is absent; set IOPO_CFBENCH to a copy of CFBench's repository",
            data.display()
        );
        return skip(&what);
    }
    let files = fs::read_dir(root.join("output/judge")).expect("a directory");
    let mut items = 0;
    for file in files.map(|entry| entry.expect("an entry").path()) {
        let text = fs::read_to_string(&file).expect("a readable file");
        let rows: Vec<Value> = serde_json::from_str(&text).expect("an array");
        let out = tempfile::tempdir().expect("a directory");
        let mut config = JudgedConfig::new(&data, out.path());
        config.judged = Some(file.clone());
        config.partial = true;
        for mode in [JudgedMode::Paper, JudgedMode::Repaired] {
            let run = JudgedRun::prepare(JudgedBenchmark::CfBench, mode, &config, &Silent);
            let report = run.expect("a run").read_judged().expect("a report");
            assert_eq!((report.questions, report.unjudged.len()), (rows.len(), 0));
            if mode == JudgedMode::Repaired {
                continue;
            }
            for name in ["CSR", "ISR", "PSR"] {
                let one = |row: &Value| row["judge_metric"][name].as_f64().expect("a number");
                let mean = rows.iter().map(one).sum::<f64>() / rows.len() as f64;
                assert_close(metric(&report, name, "all")[0], &json!(mean), name);
            }
        }
        items += rows.len();
    }
    assert!(items > 0, "no judge files in {}", root.display());
}

fn followbench_files(rows: &[&Value]) -> Files {
    let mut by_file: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let (mut responses, mut asked) = (Vec::new(), Vec::new());
    for (at, row) in rows.iter().enumerate() {
        let item = &row["row"];
        let mut own = item.clone();
        if row["lang"] == "zh" {
            // The instructions of the goldens are in English.
            own["instruction"] = json!(format!("请回答：{}", string(&item["instruction"])));
        }
        by_file.entry(string(&row["file"])).or_default().push(own);
        if item["level"] == 0 {
            continue;
        }
        let key = format!(
            "{}/{}/{}/{}",
            string(&row["lang"]),
            string(&item["category"]),
            item["example_id"],
            item["level"]
        );
        let response = match row["decided_by"].as_str() {
            Some("judge") => format!("⟦{at}⟧"),
            _ => string(&row["generation"]).to_owned(),
        };
        responses.push((key.clone(), response));
        if let Some(answer) = row["judge_response"].as_str() {
            let (marks, answer) = (vec![format!("⟦{at}⟧")], answer.to_owned());
            asked.push(Asked { key, index: 0, marks, answer });
        }
    }
    let mut files = Files::new("", &responses, asked);
    files.data = files.dir.path().join("data");
    fs::create_dir(&files.data).expect("created");
    for (name, rows) in by_file {
        let path = files.data.join(format!("{name}_constraints.json"));
        fs::write(path, json!(rows).to_string()).expect("written");
    }
    files
}

#[test]
fn followbench_has_the_golden_tables() {
    let (Some(rows), Some(golden)) =
        (rows("followbench_run.jsonl"), value("followbench_totals.json"))
    else {
        return;
    };
    for language in [Language::English, Language::Chinese] {
        let sign = if language == Language::Chinese { "%" } else { "" };
        let own: Vec<&Value> = rows.iter().filter(|row| row["lang"] == language.id()).collect();
        let files = followbench_files(&own);
        let speak = |config: &mut JudgedConfig| config.language = Some(language);
        let report = files.evaluate((JudgedBenchmark::FollowBench, JudgedMode::Paper), speak);
        for (category, table) in golden[language.id()].as_object().expect("types") {
            for (name, cells) in [("HSR", &table["hsr"]), ("SSR", &table["ssr"])] {
                for (at, cell) in cells.as_array().into_iter().flatten().enumerate() {
                    let subset = format!("{category}, level {}", at + 1);
                    let found = metric(&report, name, &subset)[0].expect("a rate");
                    assert_eq!(format!("{:.2}{sign}", 100.0 * found), string(cell), "{subset}");
                }
            }
            let csl = metric(&report, "CSL", category)[0].expect("a level");
            assert_eq!(format!("{csl:.1}"), string(&table["csl"]), "{category}");
        }
        let repaired = files.evaluate((JudgedBenchmark::FollowBench, JudgedMode::Repaired), speak);
        // The goldens read the judge's answers as `repaired` does, and decide rules as published.
        let mixed =
            Verdicts::of(&repaired, Method::Judge).with(&Verdicts::of(&report, Method::Code));
        let own_rules = Verdicts::of(&repaired, Method::Code);
        let differing = own_rules.differing(&Verdicts::of(&report, Method::Code));
        assert_eq!(differing, REPAIRED_RULES[usize::from(language == Language::Chinese)]);
        let categories = golden["repaired"][language.id()].as_object().expect("types");
        assert_eq!(categories.len(), 4);
        for (category, golden) in categories {
            let agrees = !differing.iter().any(|key| key.contains(&format!("/{category}/")));
            let has_rules =
                own.iter().any(|row| row["file"] == *category && row["decided_by"] == "rule");
            for (name, key) in [("HSR", "hsr"), ("SSR", "ssr")] {
                if golden.get(key).is_none() {
                    continue;
                }
                for level in 0..5 {
                    let subset = format!("{category}, level {}", level + 1);
                    let expected =
                        [&golden[key][level], &golden[format!("{key}_unjudged_fail")][level]];
                    let found = mixed.rates(category, level + 1, name == "SSR");
                    for (found, expected) in found.into_iter().zip(expected) {
                        assert_close(Some(found), expected, &subset);
                    }
                    // Where both readings of the rules agree, the metrics of the run are the golden ones, but for the soft rate:
                    // `repaired` gives a rule the share of its conditions that hold, and the published code 0 or 1.
                    if agrees && (name == "HSR" || !has_rules) {
                        let found = metric(&repaired, name, &subset);
                        for (found, expected) in found.into_iter().zip(expected) {
                            assert_close(found, expected, &subset);
                        }
                    }
                }
            }
            let expected = &golden["csl_unjudged_fail"];
            assert_close(Some(mixed.levels(category)), expected, category);
            if agrees {
                assert_close(metric(&repaired, "CSL", category)[1], expected, category);
            }
        }
    }
}

/// Items whose rules `repaired` decides otherwise than the published code, English and Chinese.
const REPAIRED_RULES: [&[&str]; 2] = [&[], &[]];

/// The verdicts on the constraints of each item; a rule gives one. `None` without a verdict.
struct Verdicts(BTreeMap<String, Vec<Option<bool>>>);

impl Verdicts {
    /// Takes the verdicts of a report that a judge or code gave.
    fn of(report: &JudgedReport, method: Method) -> Self {
        let mut by_key: BTreeMap<String, Vec<Option<bool>>> = BTreeMap::new();
        for score in report.scores.iter().filter(|score| score.method == method) {
            by_key.entry(score.key.clone()).or_default().push(score.strict);
        }
        Self(by_key)
    }

    fn with(mut self, other: &Self) -> Self {
        self.0.extend(other.0.clone());
        self
    }

    /// The items with other verdicts.
    fn differing(&self, other: &Self) -> Vec<&str> {
        let both = self.0.iter().filter(|(key, verdicts)| other.0.get(*key) != Some(verdicts));
        both.map(|(key, _)| key.as_str()).collect()
    }

    /// The verdicts on the items of a type at a level.
    fn at(&self, category: &str, level: usize) -> impl Iterator<Item = &[Option<bool>]> {
        let wanted = move |key: &str| {
            let mut parts = key.split('/').skip(1);
            parts.next() == Some(category) && parts.nth(1) == Some(level.to_string().as_str())
        };
        self.0.iter().filter(move |(key, _)| wanted(key)).map(|(_, verdicts)| verdicts.as_slice())
    }

    /// The share of items that hold, or of constraints in them, over judged items and with unjudged ones as failed.
    fn rates(&self, category: &str, level: usize, soft: bool) -> [f64; 2] {
        let share = |verdicts: &[Option<bool>]| -> Option<f64> {
            let known: Option<Vec<bool>> = verdicts.iter().copied().collect();
            let (known, all) = (known?, verdicts.len() as f64);
            let held = known.iter().filter(|held| **held).count() as f64;
            Some(if soft { held / all } else { f64::from(u8::from(held >= all)) })
        };
        let shares: Vec<Option<f64>> = self.at(category, level).map(share).collect();
        let sum: f64 = shares.iter().flatten().sum();
        [sum / shares.iter().flatten().count() as f64, sum / shares.len() as f64]
    }

    /// The mean number of leading levels that hold, with unjudged items as failed.
    fn levels(&self, category: &str) -> f64 {
        let groups = self.at(category, 1).count();
        let keys: BTreeSet<&str> =
            self.0.keys().map(|key| key.rsplit_once('/').expect("a level").0).collect();
        let keys = keys.into_iter().filter(|key| key.split('/').nth(1) == Some(category));
        let holds = |key: &str, level: &usize| {
            self.0[&format!("{key}/{level}")].iter().all(|one| *one == Some(true))
        };
        let leading: usize =
            keys.map(|key| (1..=5).take_while(|level| holds(key, level)).count()).sum();
        leading as f64 / groups as f64
    }
}

fn complexbench_files(rows: &[Value]) -> Files {
    let data: Vec<&Value> = rows.iter().map(|row| &row["item"]).collect();
    let (mut responses, mut asked) = (Vec::new(), Vec::new());
    for row in rows {
        let key = row["item"]["main_id"].to_string();
        responses.push((key.clone(), string(&row["output"]).to_owned()));
        let questions = row["item"]["scoring_questions"].as_array().expect("a list");
        for (question, answer) in questions.iter().zip(row["answers"].as_array().expect("a list")) {
            let marks = [&row["item"]["instruction"], &question["question"]];
            asked.push(Asked {
                key: key.clone(),
                index: question["point_id"].as_i64().expect("an id"),
                marks: marks.map(|mark| format!("\n{}\n", string(mark))).into(),
                answer: string(answer).to_owned(),
            });
        }
    }
    Files::new(&json!(data).to_string(), &responses, asked)
}

#[test]
fn complexbench_has_the_golden_tables() {
    let (Some(rows), Some(golden)) =
        (rows("complexbench_run.jsonl"), value("complexbench_totals.json"))
    else {
        return;
    };
    let files = complexbench_files(&rows);
    let paper = files.evaluate((JudgedBenchmark::ComplexBench, JudgedMode::Paper), all);
    let verdicts = |report: &JudgedReport, key: &str| -> Value {
        let own = report.scores.iter().filter(|score| score.key == key);
        own.map(|score| score.strict.map_or(Value::Null, Value::Bool)).collect()
    };
    for row in &rows {
        // 2 is no verdict; the headline counts it as not met.
        let golden = row["paper"]["point_judges_rely"].as_array().expect("a list");
        let golden: Value = golden
            .iter()
            .map(|one| if *one == 2 { Value::Bool(false) } else { one.clone() })
            .collect();
        assert_eq!(verdicts(&paper, &row["item"]["main_id"].to_string()), golden, "{row}");
    }
    let expected = &golden["paper"];
    assert_close(metric(&paper, "DRFR", "all")[0], &expected["overall_drfr"], "DRFR");
    for (name, table) in [
        ("DRFR", "categorized_drfr"),
        ("DRFR by kind", "categorized_avg_drfr"),
        ("DRFR by task", "task_types_drfr"),
        ("DRFR by composition", "nested_methods_drfr"),
        ("accuracy by group", "constraint_types_and_composition_types_acc"),
        ("accuracy", "each_constraint_dimensions_and_composition_types_acc"),
    ] {
        for (subset, value) in expected[table].as_object().expect("a table") {
            // The published key has a different spelling.
            let subset = if subset == "Utillity" { "Utility" } else { subset };
            assert_close(metric(&paper, name, subset)[0], value, subset);
        }
    }
    for (subset, key, drop) in [
        ("one selection", "single", "single_relative_drop"),
        ("nested", "multiple", "miltiple_relative_drop"),
    ] {
        let of = |name| metric(&paper, name, subset)[0];
        assert_close(of("items met"), &expected[format!("{key}_origin_test")], subset);
        assert_close(of("groups met"), &expected[format!("{key}_coherent_test")], subset);
        assert_close(of("relative drop"), &expected[drop], subset);
    }

    // `repaired` refuses a file with an unknown rule, so its item is left out here.
    assert!(golden["repaired"]["undecided"].as_u64().is_some_and(|undecided| undecided > 0));
    let is_odd = |row: &Value| row["item"].to_string().contains("odd_rule");
    let known: Vec<Value> = rows.iter().filter(|row| !is_odd(row)).cloned().collect();
    assert_eq!(known.len() + 1, rows.len());
    let files = complexbench_files(&known);
    let report = files.evaluate((JudgedBenchmark::ComplexBench, JudgedMode::Repaired), all);
    let mut means = [0.0; 3];
    for row in &known {
        let key = row["item"]["main_id"].to_string();
        let golden = &row["repaired"]["point_judges_rely"];
        assert_eq!(&verdicts(&report, &key), golden, "{row}");
        for verdict in golden.as_array().expect("a list") {
            means[0] += f64::from(*verdict == true);
            means[1] += f64::from(!verdict.is_null());
            means[2] += 1.0;
        }
    }
    let [judged, failed] = metric(&report, "DRFR", "all");
    assert_close(judged, &json!(means[0] / means[1]), "DRFR");
    assert_close(failed, &json!(means[0] / means[2]), "DRFR");
    // With the verdicts on that item, which `iopo-judge` compares, the totals are the golden ones.
    let odd = rows.iter().find(|row| is_odd(row)).expect("the item");
    for verdict in odd["repaired"]["point_judges_rely"].as_array().expect("a list") {
        means[0] += f64::from(*verdict == true);
        means[1] += f64::from(!verdict.is_null());
        means[2] += 1.0;
    }
    assert_close(Some(means[2]), &golden["repaired"]["points"], "points");
    assert_close(Some(means[2] - means[1]), &golden["repaired"]["undecided"], "undecided");
    assert_close(Some(means[0] / means[1]), &golden["repaired"]["drfr"], "DRFR");
    assert_close(Some(means[0] / means[2]), &golden["repaired"]["drfr_undecided_fail"], "DRFR");
    let all_rows = complexbench_files(&rows);
    let config = all_rows.config("refused");
    let refused =
        JudgedRun::prepare(JudgedBenchmark::ComplexBench, JudgedMode::Repaired, &config, &Silent);
    let error = refused.err().expect("an unknown rule");
    assert!(
        std::error::Error::source(&error).is_some_and(|one| one.to_string().contains("odd_rule"))
    );
}
