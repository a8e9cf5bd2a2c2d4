//! Files of answers that do not fit the items, and items that do not fit the settings.

use std::cell::RefCell;
use std::fs;

use iopo_eval::judged::JudgedConfig;
use iopo_eval::{EvalError, JudgedBenchmark, JudgedMode, JudgedReport, JudgedRun};
use iopo_judge::Language;
use iopo_llm::{Progress, Request, Scripted, Silent};
use serde_json::{Value, json};

use super::support::{Asked, Files, metric, trace};

const TEN: &str = "Fine Grained Score: [10]";
const TRACE: (JudgedBenchmark, JudgedMode) = (JudgedBenchmark::Trace, JudgedMode::Repaired);
const COMPLEXBENCH: (JudgedBenchmark, JudgedMode) =
    (JudgedBenchmark::ComplexBench, JudgedMode::Repaired);
const FOLLOWBENCH: (JudgedBenchmark, JudgedMode) =
    (JudgedBenchmark::FollowBench, JudgedMode::Repaired);

/// Keeps all notes.
#[derive(Default)]
struct Notes(std::sync::Mutex<Vec<String>>);

impl Progress for Notes {
    fn note(&self, text: &str) {
        self.0.lock().expect("a lock").push(text.to_owned());
    }
}

/// Reads the verdicts of these answers.
fn read(
    files: &Files,
    (benchmark, mode): (JudgedBenchmark, JudgedMode),
    answers: &[Value],
    change: impl Fn(&mut JudgedConfig),
) -> Result<JudgedReport, EvalError> {
    let path = files.dir.path().join("judged.jsonl");
    let lines: String = answers.iter().map(|line| line.to_string() + "\n").collect();
    fs::write(&path, lines).expect("written");
    let mut config = files.config("read");
    config.judged = Some(path);
    change(&mut config);
    JudgedRun::prepare(benchmark, mode, &config, &Silent)?.read_judged()
}

fn partial(config: &mut JudgedConfig) {
    config.partial = true;
}

#[test]
fn answers_to_no_question_are_refused_or_skipped() {
    let files = trace(&[TEN; 2]);
    let of = |key: usize, index: i64| json!({"key": key, "index": index, "answer": TEN});
    let own = [of(0, 0), of(1, 0)];
    assert_eq!(read(&files, TRACE, &own, |_| {}).expect("a report").questions, 2);
    for (foreign, place) in [(of(9, 0), "key `9`, index 0"), (of(1, 1), "key `1`, index 1")] {
        let more = [&own[..], std::slice::from_ref(&foreign)].concat();
        let error = read(&files, TRACE, &more, |_| {}).expect_err("an unknown question");
        let text =
            format!("found answers to 1 question that the items do not have (first: {place})");
        assert!(error.to_string().ends_with(&text) && error.is_usage(), "{error}");
        let report = read(&files, TRACE, &more, partial).expect("skipped");
        assert_eq!((report.questions, report.unjudged.len()), (2, 0));
        let kept = fs::read_to_string(files.dir.path().join("read/judge_answers.jsonl"));
        assert_eq!(kept.expect("answers").lines().count(), 2);
    }
    // A limit makes no answer foreign.
    let report = read(&files, TRACE, &own, |config| config.limit = Some(1)).expect("a report");
    assert_eq!(report.questions, 1);
}

#[test]
fn items_without_an_answer_are_unjudged_and_the_hint_names_the_file() {
    let files = trace(&[TEN; 2]);
    let hint = |report: JudgedReport| {
        report.refuse_unjudged().expect_err("too many").hint().expect("a hint")
    };
    let empty = hint(read(&files, TRACE, &[], |_| {}).expect("a report"));
    assert!(empty.contains("the file of answers lacks some") && !empty.contains("stronger"));
    let unread = [json!({"key": 0, "answer": "?"}), json!({"key": 1, "answer": "?"})];
    let unread = hint(read(&files, TRACE, &unread, |_| {}).expect("a report"));
    assert!(!unread.contains("lacks") && unread.contains("a stronger judge"), "{unread}");
    let failed = [json!({"key": 0, "failure": "timeout"}), json!({"key": 1, "answer": TEN})];
    let failed = hint(read(&files, TRACE, &failed, |_| {}).expect("a report"));
    assert!(failed.contains("run the same command again") && !failed.contains("lacks"));
    // Without responses, too, nothing is left of an empty file.
    let error = read(&files, TRACE, &[], |config| {
        (config.partial, config.responses) = (true, None);
    });
    let error = error.expect_err("nothing is left").to_string();
    assert!(error.contains("judged.jsonl answers no prompt"), "{error}");
}

/// An item of ComplexBench with some questions.
fn item(id: i64, points: &[i64]) -> Value {
    let question = |point: &i64| {
        json!({"point_id": point, "question": format!("问{point}？"), "question_en": "Is it?", "rule": null,
            "constraint_dimensions": [], "composition_types": [], "dep": []})
    };
    json!({"main_id": id, "group": "", "instruction": format!("写{id}。"), "instruction_en": "Write.",
        "task_types": "t", "composition_types": [], "category": "And_1",
        "scoring_questions": points.iter().map(question).collect::<Vec<_>>()})
}

#[test]
fn an_answer_names_its_question_where_an_item_has_several() {
    let data = json!([item(1, &[0, 1]), item(2, &[4])]).to_string();
    let responses = ["1", "2"].map(|key| (key.to_owned(), "好。".to_owned()));
    let files = Files::new(&data, &responses, Vec::new());
    let yes = "[[是]]";
    let of = |index: i64| json!({"key": 1, "index": index, "answer": yes});
    let single = json!({"key": 2, "answer": yes});
    let report = read(&files, COMPLEXBENCH, &[of(0), of(1), single.clone()], |_| {});
    assert_eq!(report.expect("a report").questions, 3);
    for change in [|_: &mut JudgedConfig| {}, partial] {
        let lines = [json!({"key": 1, "answer": yes}), of(1), single.clone()];
        let error = read(&files, COMPLEXBENCH, &lines, change).expect_err("which question?");
        let text = "an answer to item `1` has no `index`, expected that of one of its 2 questions";
        assert!(error.to_string().ends_with(text), "{error}");
    }
}

#[test]
fn missing_responses_are_named_although_answers_are_given() {
    let data = json!([item(1, &[0])]).to_string();
    let files = Files::new(&data, &[], Vec::new());
    let error = read(&files, COMPLEXBENCH, &[json!({"key": 1, "answer": "是"})], |config| {
        (config.partial, config.responses) = (true, None);
    });
    let error = error.expect_err("rules read responses").to_string();
    assert_eq!(error, "found no response to 1 of 1 prompt (first: `1`)");
}

/// A group of FollowBench in one language.
fn group(category: &str, text: &str) -> (Value, Vec<(String, String)>, Vec<Asked>) {
    let rows = (0..=5).map(|level| {
        json!({"example_id": 1, "category": category, "source": "own", "level": level,
            "instruction": format!("{text} {level}"), "target": ""})
    });
    let (mut responses, mut asked) = (Vec::new(), Vec::new());
    for level in 1..=5 {
        let key = format!("en/{category}/1/{level}");
        responses.push((key.clone(), format!("⟦{category} {level}⟧")));
        let answer = format!("[{}]", vec!["YES"; level].join(", "));
        asked.push(Asked {
            key, index: 0, marks: vec![format!("⟦{category} {level}⟧")], answer
        });
    }
    (rows.collect(), responses, asked)
}

#[test]
fn followbench_in_another_language_is_refused() {
    for (text, language, other) in
        [("写一首诗。", Language::English, "zh"), ("Write a poem.", Language::Chinese, "en")]
    {
        let (rows, responses, _) = group("style", text);
        let files = Files::new(&rows.to_string(), &responses, Vec::new());
        let mut config = files.config("out");
        config.language = Some(language);
        let run = JudgedRun::prepare(FOLLOWBENCH.0, FOLLOWBENCH.1, &config, &Silent);
        let error = run.err().expect("refused");
        assert!(matches!(error, EvalError::OtherLanguage { .. }) && error.is_usage(), "{error}");
        let hint = error.hint().expect("a hint");
        assert!(hint.starts_with(&format!("set the language to `{other}`")), "{hint}");
    }
    // Control: a character of the other language is allowed.
    let (rows, responses, _) = group("style", "Write a poem.");
    let rows = rows.to_string().replace("Write a poem. 3", "Explain 诗.");
    let files = Files::new(&rows, &responses, Vec::new());
    let config = files.config("out");
    JudgedRun::prepare(FOLLOWBENCH.0, FOLLOWBENCH.1, &config, &Silent).map(drop).expect("English");
}

#[test]
fn absent_types_of_followbench_are_named_and_the_files_recorded() {
    let (style, mut responses, mut asked) = group("style", "Write a poem.");
    let (content, more, others) = group("content", "Write a tale.");
    responses.extend(more);
    asked.extend(others);
    let files = Files::new("[]", &responses, asked);
    let dir = files.dir.path().join("data");
    fs::create_dir(&dir).expect("created");
    for (name, rows) in [("style", style), ("content", content)] {
        fs::write(dir.join(format!("{name}_constraints.json")), rows.to_string()).expect("written");
    }
    let mut config = files.config("out");
    config.data = dir;
    let notes = Notes::default();
    let run = JudgedRun::prepare(FOLLOWBENCH.0, FOLLOWBENCH.1, &config, &notes).expect("a run");
    let absent = "no item of the types situation, format, example, mixed, so ";
    assert!(notes.0.into_inner().expect("notes")[0].contains(absent));
    let judge = Scripted::new(|request: &Request| files.answer(request));
    let report = run.judge(&judge, &Silent).expect("a report");
    assert_eq!(metric(&report, "weighted HSR", "all")[0], Some(1.0));
    let table = report.table();
    let line = format!("{absent}weighted HSR is over the other types");
    assert!(table.lines().any(|one| one == line), "{table}");
    assert!(!table.contains("unjudged = failed"), "nothing is unjudged: {table}");
    let protocol = fs::read_to_string(config.out.join("protocol.json")).expect("a protocol");
    let protocol: Value = serde_json::from_str(&protocol).expect("JSON");
    assert_eq!(protocol["files"], json!(["content_constraints.json", "style_constraints.json"]));
}

#[test]
fn unreadable_answers_of_followbench_count_minus_one_in_paper_mode() {
    let (rows, responses, mut asked) = group("style", "Write a poem.");
    for one in &mut asked {
        "?".clone_into(&mut one.answer);
    }
    let files = Files::new(&rows.to_string(), &responses, asked);
    let report = files.evaluate((FOLLOWBENCH.0, JudgedMode::Paper), |_| {});
    assert_eq!(metric(&report, "weighted HSR", "all"), [Some(-1.0), Some(-1.0)]);
    let table = report.table();
    assert!(table.contains("an answer that cannot be read counts −1"), "{table}");
    assert!(!table.contains("unjudged = failed"), "{table}");
    // Control: the repaired mode counts them as unjudged.
    let report = files.evaluate(FOLLOWBENCH, |_| {});
    assert_eq!(metric(&report, "weighted HSR", "all"), [None, Some(0.0)]);
    assert!(report.table().contains("unjudged = failed"));
}

#[test]
fn a_language_without_effect_is_refused_and_the_template_is_recorded_if_it_is_known() {
    let files = trace(&[TEN]);
    let refused = |mode, judged: bool| {
        let mut config = files.config("out");
        config.language = Some(Language::English);
        config.judged = judged.then(|| files.responses.clone());
        JudgedRun::prepare(JudgedBenchmark::Trace, mode, &config, &Silent).err()
    };
    for mode in [JudgedMode::Paper, JudgedMode::Script] {
        let error = refused(mode, false).expect("one prompt only").to_string();
        assert!(error.starts_with("`language`: found `en`, expected no language in mode"));
    }
    assert!(refused(JudgedMode::Repaired, true).expect("refused").to_string().contains("answers"));
    assert!(refused(JudgedMode::Repaired, false).is_none(), "it chooses the prompt");

    let protocols = RefCell::new(Vec::new());
    for mode in [JudgedMode::Paper, JudgedMode::Repaired] {
        files.evaluate((JudgedBenchmark::Trace, mode), |_| {});
        for out in ["asked", "read"] {
            let path = files.dir.path().join(out).join("protocol.json");
            let text = fs::read_to_string(path).expect("a protocol");
            let protocol: Value = serde_json::from_str(&text).expect("JSON");
            let templates = protocol["judge"]["templates"].is_object();
            protocols.borrow_mut().push((protocol["language"].clone(), templates));
        }
    }
    let given = (Value::Null, false);
    let expected = [(json!("en"), true), given.clone(), (json!("zh"), true), given];
    assert_eq!(protocols.into_inner(), expected);
}
