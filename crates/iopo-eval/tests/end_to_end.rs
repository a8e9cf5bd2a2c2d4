//! From preferences to the table, with scripted models.

mod common;

use std::path::Path;

use iopo_constraints::Constraint;
use iopo_eval::{
    EvalConfig, EvalError, EvaluatedModel, EvaluatedRun, GroupRewards, answer, answer_logps,
    group_logps, heldout_prompts, score, summarize,
};
use iopo_llm::{
    LlmError, LogProb, LogProbResponse, Message, Progress, Request, Scripted, Silent, TokenLogps,
};
use iopo_schema::{
    GroupKind, PerSequence, PredictionRow, PreferenceRow, ReferenceRow, ScoreRow, Split, SummaryRow,
};

/// Every character costs a tenth of a nat.
struct PerCharacter;

impl LogProb for PerCharacter {
    fn response_logps(
        &self,
        _: &[Vec<Message>],
        responses: &[LogProbResponse<'_>],
        progress: &dyn Progress,
    ) -> Result<Vec<TokenLogps>, LlmError> {
        progress.advance(responses.len() as u64);
        let one = |response: &LogProbResponse<'_>| TokenLogps {
            sum: -0.1 * response.text.chars().count() as f64,
            tokens: response.text.chars().count() as u32,
        };
        Ok(responses.iter().map(one).collect())
    }
}

struct Run {
    folder: tempfile::TempDir,
    groups: Vec<PreferenceRow>,
    config: EvalConfig,
}

impl Run {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let groups = common::groups(3, 10);
        common::write_data(folder.path(), &groups);
        Self { folder, groups, config: common::config() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Answers and scores with a scripted model.
    fn evaluate(&self, name: &str, script: impl Fn(&Request) -> String) -> EvaluatedRun {
        let (instructions, preferences) =
            (self.path().join("instructions.parquet"), self.path().join("preferences.parquet"));
        let prompts = heldout_prompts(&instructions, &preferences, &self.config).expect("prompts");
        let out = self.path().join("eval").join(name);
        let model = Scripted::new(script);
        let done = answer(&prompts, &model, &out, &self.config, &Silent).expect("answers");
        let scores = out.join("scores.parquet");
        score(&done.path, &scores, &self.config).expect("scores");
        EvaluatedRun { predictions: done.path, scores, base_logps: None, groups: None }
    }

    fn summarize(&self, models: &[EvaluatedModel]) -> Result<Vec<SummaryRow>, EvalError> {
        let out = self.path().join("eval/summary.parquet");
        let rows = summarize(models, &self.groups, &out, &self.config, &Silent)?;
        let stored: Vec<SummaryRow> = iopo_schema::read(&out)?;
        assert_eq!(format!("{stored:?}"), format!("{rows:?}"), "the file holds what is returned");
        Ok(rows)
    }
}

fn one(model: &str, run: EvaluatedRun) -> EvaluatedModel {
    EvaluatedModel { model: model.to_owned(), runs: vec![run] }
}

fn find<'a>(
    rows: &'a [SummaryRow],
    model: &str,
    baseline: Option<&str>,
    metric: &str,
    subset: &str,
) -> Option<&'a SummaryRow> {
    rows.iter().find(|row| {
        row.model == model
            && row.baseline.as_deref() == baseline
            && row.metric == metric
            && row.subset == subset
    })
}

/// Asks where the prompt wants a question, and is short.
fn careful(request: &Request) -> String {
    let wanted = common::constraint("question", "{}").text;
    let asks = request.messages[0].content.contains(&wanted);
    if asks { "Is it not?".to_owned() } else { "It is.".to_owned() }
}

/// Says the same line again and again, longer than any prompt here allows.
fn rambling(_: &Request) -> String {
    "So it goes on and on and on.\n".repeat(20)
}

#[test]
fn every_verdict_is_the_checkers() {
    let run = Run::new();
    let evaluated = run.evaluate("careful", careful);
    let predictions: Vec<PredictionRow> = iopo_schema::read(&evaluated.predictions).expect("rows");
    let scores: Vec<ScoreRow> = iopo_schema::read(&evaluated.scores).expect("rows");
    assert_eq!(scores.len(), predictions.iter().map(|row| row.constraints.len()).sum::<usize>());
    let mut scores = scores.into_iter();
    for row in &predictions {
        for (index, constraint) in row.constraints.iter().enumerate() {
            let found = scores.next().expect("one verdict a constraint");
            let check = constraint.check.as_ref().expect("checkable");
            let expected = Constraint::from_parts(&check.id, &check.params).expect("known");
            assert_eq!((&found.key, found.index as usize), (&row.key, index));
            assert_eq!(found.strict, expected.check(&row.response).satisfied);
            assert_eq!(found.seen, !run.config.held_out.contains(&check.id));
        }
    }
}

#[test]
fn an_empty_answer_follows_nothing() {
    let run = Run::new();
    let evaluated = run.evaluate("empty", |_: &Request| "\n ".to_owned());
    let scores: Vec<ScoreRow> = iopo_schema::read(&evaluated.scores).expect("rows");
    assert!(!scores.is_empty() && scores.iter().all(|row| !row.strict));
}

#[test]
fn the_table_tells_models_apart_and_hollow_ones_too() {
    let run = Run::new();
    let models =
        [one("base", run.evaluate("base", rambling)), one("iopo", run.evaluate("iopo", careful))];
    let rows = run.summarize(&models).expect("a table");
    let value = |model, metric, subset| {
        find(&rows, model, None, metric, subset).map_or(f64::NAN, |row| row.value)
    };
    // Ten test tasks with x1 and x2 each: the careful model follows both.
    assert_eq!(
        find(&rows, "iopo", None, "prompt_accuracy_strict", "seen").map(|row| row.n),
        Some(20)
    );
    assert!(value("iopo", "prompt_accuracy_strict", "seen") > 0.99);
    assert!(value("base", "prompt_accuracy_strict", "seen") < 0.01);
    for subset in ["all", "seen", "unseen"] {
        for metric in ["prompt_accuracy_strict", "instruction_accuracy_strict"] {
            let difference =
                find(&rows, "iopo", Some("base"), metric, subset).expect("a difference");
            let expected = value("iopo", metric, subset) - value("base", metric, subset);
            assert!((difference.value - expected).abs() < 1e-12);
            assert!(difference.low <= difference.value && difference.value <= difference.high);
        }
    }
    for kind in ["max_words", "question", "no_questions"] {
        let subset = format!("kind/{kind}");
        assert!(find(&rows, "iopo", None, "instruction_accuracy_strict", &subset).is_some());
        assert!(
            find(&rows, "iopo", Some("base"), "instruction_accuracy_strict", &subset).is_none()
        );
    }
    assert!(find(&rows, "base", Some("base"), "prompt_accuracy_strict", "all").is_none());
    // The signs of a hollow gain.
    assert!(value("base", "length_cut_share", "all") > 0.99);
    assert!(value("base", "repeated_lines", "all") > 0.5);
    assert!(value("base", "distinct_2", "all") < value("iopo", "distinct_2", "all"));
    assert!(value("iopo", "corpus_distinct_2", "all") < 0.1, "its answers are all alike");
    assert!(value("iopo", "response_words", "all") < value("base", "response_words", "all"));
    let fewer = find(&rows, "iopo", Some("base"), "response_words", "all").expect("a difference");
    assert!(fewer.high < 0.0);
}

#[test]
fn the_same_model_under_two_names_differs_by_exactly_nothing() {
    let run = Run::new();
    let evaluated = run.evaluate("base", careful);
    let rows =
        run.summarize(&[one("base", evaluated.clone()), one("iopo", evaluated)]).expect("rows");
    let differences: Vec<&SummaryRow> = rows.iter().filter(|row| row.baseline.is_some()).collect();
    assert!(differences.len() >= 6);
    for row in differences {
        assert_eq!((row.value, row.low, row.high), (0.0, 0.0, 0.0), "{row:?}");
    }
}

/// Names the values of an array in the order of [`group_logps`].
fn per_sequence<V>([x1y1, x1y2, x2y2, x2y1]: [V; 4]) -> PerSequence<V> {
    PerSequence { x1y1, x1y2, x2y1, x2y2 }
}

#[test]
fn log_probabilities_give_perplexity_and_rewards() {
    let mut run = Run::new();
    let mut sided = common::group("test-00", Split::Test);
    sided.id = "sided".to_owned();
    sided.kind = GroupKind::Sided;
    // y2 follows x1 too.
    sided.proof.x1y2 = sided.proof.x2y2.clone();
    run.groups.push(sided);
    let mut evaluated = run.evaluate("iopo", careful);
    let predictions: Vec<PredictionRow> = iopo_schema::read(&evaluated.predictions).expect("rows");
    evaluated.base_logps = Some(answer_logps(&PerCharacter, &predictions, &Silent).expect("logps"));
    let tests: Vec<PreferenceRow> =
        run.groups.iter().filter(|group| group.split == Split::Test).cloned().collect();
    let fours = group_logps(&PerCharacter, &tests, &Silent).expect("logps");
    let row = |group: &PreferenceRow, four: &[TokenLogps; 4], shift: [f64; 4]| ReferenceRow {
        group_id: group.id.clone(),
        model_hash: "model".to_owned(),
        template_hash: "template".to_owned(),
        logps: per_sequence(std::array::from_fn(|cell| four[cell].sum + shift[cell])),
        tokens: per_sequence(four.map(|one| one.tokens)),
    };
    let rows = |shift: [f64; 4]| -> Vec<ReferenceRow> {
        tests.iter().zip(&fours).map(|(group, four)| row(group, four, shift)).collect()
    };
    // Output margins 3 and 1, input margins 1 and 3; against (x2,y1) alone s11 + s22 − 2·s21 = 2.
    let policy = rows([2.0, -1.0, 2.0, 1.0]);
    evaluated.groups = Some(GroupRewards { policy, reference: Some(rows([0.0; 4])), beta: 0.5 });
    let table = run.summarize(&[one("iopo", evaluated.clone())]).expect("a table");
    let value = |metric, subset| find(&table, "iopo", None, metric, subset).expect(metric).value;
    assert!((value("perplexity_base", "all") - 0.1_f64.exp()).abs() < 1e-9);
    assert!((value("reward_accuracy", "all") - 1.0).abs() < 1e-12);
    assert!((value("reward_output_margin", "full") - 0.5 * 2.0).abs() < 1e-9);
    assert!((value("reward_input_margin", "full") - 0.5 * 2.0).abs() < 1e-9);
    assert!((value("reward_output_margin", "sided") - 0.5 * 1.0).abs() < 1e-9);
    assert!((value("reward_input_margin", "sided") - 0.5 * 1.0).abs() < 1e-9);
    let count = |subset| find(&table, "iopo", None, "reward_accuracy", subset).map(|row| row.n);
    assert_eq!((count("all"), count("full"), count("sided")), (Some(11), Some(10), Some(1)));
    assert!(find(&table, "iopo", None, "reward_accuracy_v1", "sided").is_none());
    let per_token = value("logps_chosen_per_token", "all");
    assert!(value("logps_chosen", "all") < 1.0 && per_token > -0.1 && per_token < 0.4);

    // Without a reference there are log-probabilities and no rewards.
    if let Some(groups) = &mut evaluated.groups {
        groups.reference = None;
    }
    let table = run.summarize(&[one("sft", evaluated.clone())]).expect("a table");
    assert!(find(&table, "sft", None, "logps_chosen", "all").is_some());
    assert!(find(&table, "sft", None, "reward_accuracy", "all").is_none());

    // A group without sums and a truth table of another kind are refused.
    let mut missing = evaluated.clone();
    missing.groups.as_mut().expect("set above").policy.pop();
    assert!(matches!(run.summarize(&[one("a", missing)]), Err(EvalError::Logps { .. })));
    run.groups.last_mut().expect("the sided one").kind = GroupKind::Full;
    assert!(matches!(run.summarize(&[one("a", evaluated)]), Err(EvalError::TruthTable { .. })));
}

#[test]
fn runs_of_several_training_tasks_are_averaged_row_by_row() {
    let run = Run::new();
    let (good, bad) = (run.evaluate("seed-1", careful), run.evaluate("seed-2", rambling));
    let both = EvaluatedModel { model: "iopo".to_owned(), runs: vec![good.clone(), bad.clone()] };
    let table = run.summarize(&[one("seed-1", good), one("seed-2", bad), both]).expect("a table");
    for metric in ["prompt_accuracy_strict", "instruction_accuracy_strict", "response_words"] {
        let value = |model| find(&table, model, None, metric, "all").expect(model).value;
        let mean = f64::midpoint(value("seed-1"), value("seed-2"));
        assert!((value("iopo") - mean).abs() < 1e-9, "{metric}");
    }
    let none = EvaluatedModel { model: "iopo".to_owned(), runs: Vec::new() };
    assert!(matches!(run.summarize(&[none]), Err(EvalError::NoRuns { .. })));
}

#[test]
fn scores_of_other_predictions_and_models_on_other_prompts_are_refused() {
    let mut run = Run::new();
    let (base, iopo) = (run.evaluate("base", rambling), run.evaluate("iopo", careful));
    let mixed = EvaluatedRun { scores: base.scores.clone(), ..iopo };
    assert!(matches!(run.summarize(&[one("iopo", mixed)]), Err(EvalError::StaleScores { .. })));
    run.config.seed += 1;
    let other = run.evaluate("other", careful);
    let result = run.summarize(&[one("base", base.clone()), one("iopo", other)]);
    assert!(matches!(result, Err(EvalError::KeysDiffer { .. })), "{result:?}");
    let result = run.summarize(&[one("base", base.clone()), one("base", base)]);
    assert!(matches!(result, Err(EvalError::DuplicateKey { .. })), "{result:?}");
}

#[test]
fn the_table_is_the_same_every_time() {
    let run = Run::new();
    let models =
        [one("base", run.evaluate("base", rambling)), one("iopo", run.evaluate("iopo", careful))];
    let bytes = || {
        run.summarize(&models).expect("a table");
        std::fs::read(run.path().join("eval/summary.parquet")).expect("the file")
    };
    assert_eq!(bytes(), bytes());
}
