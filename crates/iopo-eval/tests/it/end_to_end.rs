//! From preferences to the summary, with scripted models.

use std::path::Path;

use iopo_constraints::Constraint;
use iopo_eval::benchmarks::heldout::HeldOut;
use iopo_eval::{
    EvalConfig, EvalError, EvaluatedModel, EvaluatedRun, GroupRewards, ScoredFiles, answer,
    response_logps, score_file, summarize,
};
use iopo_llm::{
    LlmError, LogProb, LogProbResponse, Message, Progress, Request, Scripted, Silent, TokenLogps,
};
use iopo_schema::{
    GroupKind, PerSequence, PredictionRow, PreferenceRow, ReferenceRow, RelevanceRow, ScoreRow,
    Split, SummaryMetric as Metric, SummaryRow,
};

use crate::common;

/// A model under which every character costs a tenth of a nat.
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
        Self { folder, groups, config: common::config() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Answers and scores with a scripted model.
    fn evaluate(&self, name: &str, script: impl Fn(&Request) -> String) -> EvaluatedRun {
        let prompts = common::prompts(10, &self.config);
        let out = self.path().join("eval").join(name);
        let model = Scripted::new(script);
        let done = answer(&prompts, &model, &out, &self.config, &Silent).expect("answers");
        let scores = out.join("scores.parquet");
        let scorer = HeldOut::new(&self.config).expect("settings");
        score_file(&scorer, &done.path, &scores).expect("scores");
        EvaluatedRun {
            seed: None,
            responses: Some(ScoredFiles { predictions: done.path, scores }),
            base_logps: None,
            relevance: None,
            plain: None,
            groups: None,
        }
    }

    fn summarize(&self, models: &[EvaluatedModel]) -> Result<Vec<SummaryRow>, EvalError> {
        let out = self.path().join("eval/summary.parquet");
        let tests: Vec<PreferenceRow> =
            self.groups.iter().filter(|group| group.split == Split::Test).cloned().collect();
        let rows = summarize(models, &tests, &out, &self.config, &Silent)?;
        let stored: Vec<SummaryRow> = iopo_schema::read(&out)?;
        assert_eq!(format!("{stored:?}"), format!("{rows:?}"), "the file holds what is returned");
        Ok(rows)
    }
}

fn files(run: &EvaluatedRun) -> &ScoredFiles {
    run.responses.as_ref().expect("responses")
}

fn one(model: &str, run: EvaluatedRun) -> EvaluatedModel {
    EvaluatedModel { model: model.to_owned(), runs: vec![run] }
}

fn find<'a>(
    rows: &'a [SummaryRow],
    model: &str,
    baseline: Option<&str>,
    metric: Metric,
    subset: &str,
) -> Option<&'a SummaryRow> {
    rows.iter().find(|row| {
        row.model == model
            && row.baseline.as_deref() == baseline
            && row.metric == metric
            && row.subset.to_string() == subset
    })
}

/// Answers briefly, with a question if the prompt asks for one.
fn careful(request: &Request) -> String {
    let question = Constraint::from_parts("question", "{}").expect("known");
    let wanted = |phrasing| request.messages[0].content.contains(&question.render(phrasing));
    let asks = (0..question.phrasings()).any(wanted);
    if asks { "Is it not?".to_owned() } else { "It is.".to_owned() }
}

/// Repeats a line until the response is longer than any prompt allows.
fn rambling(_: &Request) -> String {
    "So it goes on and on and on.\n".repeat(20)
}

#[test]
fn every_outcome_is_the_checkers_verdict() {
    let run = Run::new();
    let evaluated = run.evaluate("careful", careful);
    let predictions: Vec<PredictionRow> =
        iopo_schema::read(&files(&evaluated).predictions).expect("rows");
    let scores: Vec<ScoreRow> = iopo_schema::read(&files(&evaluated).scores).expect("rows");
    assert_eq!(scores.len(), predictions.iter().map(|row| row.constraints.len()).sum::<usize>());
    let mut scores = scores.into_iter();
    for row in &predictions {
        for (index, constraint) in row.constraints.iter().enumerate() {
            let found = scores.next().expect("one score per constraint");
            let check = constraint.check.as_ref().expect("checkable");
            let expected = Constraint::from_parts(&check.id, &check.params).expect("known");
            assert_eq!((&found.key, found.index as usize), (&row.key, index));
            assert_eq!(found.strict, Some(expected.check(&row.response).satisfied));
            assert_eq!(found.seen, !run.config.held_out.contains(&check.id));
        }
    }
}

#[test]
fn an_empty_response_follows_no_constraint() {
    let run = Run::new();
    let evaluated = run.evaluate("empty", |_: &Request| "\n ".to_owned());
    let scores: Vec<ScoreRow> = iopo_schema::read(&files(&evaluated).scores).expect("rows");
    assert!(!scores.is_empty() && scores.iter().all(|row| row.strict == Some(false)));
}

#[test]
fn the_table_separates_models_and_reveals_degeneration() {
    let run = Run::new();
    let models =
        [one("base", run.evaluate("base", rambling)), one("iopo", run.evaluate("iopo", careful))];
    let rows = run.summarize(&models).expect("a table");
    let value = |model, metric, subset| {
        find(&rows, model, None, metric, subset).map_or(f64::NAN, |row| row.value)
    };
    // Ten test tasks with two prompts each: the careful model follows both.
    assert_eq!(
        find(&rows, "iopo", None, Metric::PromptAccuracyStrict, "seen").map(|row| row.n),
        Some(20)
    );
    assert!(value("iopo", Metric::PromptAccuracyStrict, "seen") > 0.99);
    // It follows prompts that ask for no questions alone.
    assert!(value("base", Metric::PromptAccuracyStrict, "seen") < 0.7);
    for subset in ["all", "seen", "unseen"] {
        for metric in [Metric::PromptAccuracyStrict, Metric::InstructionAccuracyStrict] {
            let difference =
                find(&rows, "iopo", Some("base"), metric, subset).expect("a difference");
            let expected = value("iopo", metric, subset) - value("base", metric, subset);
            assert!((difference.value - expected).abs() < 1e-12);
            assert!(difference.low <= difference.value && difference.value <= difference.high);
        }
    }
    for kind in ["max_words", "question", "no_questions"] {
        let subset = format!("kind/{kind}");
        assert!(find(&rows, "iopo", None, Metric::InstructionAccuracyStrict, &subset).is_some());
        assert!(
            find(&rows, "iopo", Some("base"), Metric::InstructionAccuracyStrict, &subset).is_none()
        );
    }
    assert!(find(&rows, "base", Some("base"), Metric::PromptAccuracyStrict, "all").is_none());
    // Degeneration checks.
    assert!(value("base", Metric::LengthCutShare, "all") > 0.99);
    assert!(value("base", Metric::RepeatedLines, "all") > 0.5);
    assert!(value("base", Metric::Distinct2, "all") < value("iopo", Metric::Distinct2, "all"));
    assert!(value("iopo", Metric::CorpusDistinct2, "all") < 0.1, "its responses are all alike");
    assert!(
        value("iopo", Metric::ResponseWords, "all") < value("base", Metric::ResponseWords, "all")
    );
    let fewer =
        find(&rows, "iopo", Some("base"), Metric::ResponseWords, "all").expect("a difference");
    assert!(fewer.high < 0.0);
}

/// Follows every constraint in an answer of 13 words, where that many are allowed.
fn answering(request: &Request) -> String {
    let mark = if careful(request).ends_with('?') { '?' } else { '.' };
    format!("Warm the pot, add the leaves, pour hot water over them and wait{mark}")
}

#[test]
fn clean_accuracy_counts_only_answers() {
    let run = Run::new();
    let of = |name: &str, relevance: f64, script: fn(&Request) -> String| {
        let mut evaluated = run.evaluate(name, script);
        let rows: Vec<PredictionRow> =
            iopo_schema::read(&files(&evaluated).predictions).expect("rows");
        let row = |row: &PredictionRow| {
            let key = row.key.clone();
            (key.clone(), RelevanceRow { key, own: relevance, other: 0.0, tokens: 1 })
        };
        evaluated.relevance = Some(rows.iter().map(row).collect());
        evaluated
    };
    let models = [
        one("answering", of("answering", 1.0, answering)),
        one("off-task", of("off-task", -1.0, answering)),
        one("careful", of("careful", 1.0, careful)),
        one("rambling", of("rambling", 1.0, rambling)),
    ];
    let rows = run.summarize(&models).expect("a table");
    let value = |model, metric| find(&rows, model, None, metric, "seen").expect(model).value;
    let check = |model, metric| find(&rows, model, None, metric, "all").expect(model).value;
    let (strict, clean) = (Metric::PromptAccuracyStrict, Metric::CleanAccuracy);
    assert!(value("answering", strict) > 0.5);
    assert!((value("answering", clean) - value("answering", strict)).abs() < 1e-12);
    assert!(check("answering", Metric::ThinShare).abs() < 1e-12);
    assert_eq!((value("off-task", clean), check("off-task", Metric::OffTaskShare)), (0.0, 1.0));
    assert!(value("careful", strict) > 0.99);
    assert!(value("careful", clean) < 0.5, "its answers are thin");
    assert!(check("careful", Metric::ThinShare) > 0.5);
    assert_eq!((value("rambling", clean), check("rambling", Metric::LoopShare)), (0.0, 1.0));
    let relevance = find(&rows, "off-task", None, Metric::Relevance, "all").expect("measured");
    assert!((relevance.value + 1.0).abs() < 1e-12);

    // A response without its relevance is refused.
    let mut missing = of("missing", 1.0, answering);
    missing.relevance.as_mut().expect("set above").pop_first();
    assert!(matches!(run.summarize(&[one("a", missing)]), Err(EvalError::Logps { .. })));
}

#[test]
fn a_model_differs_from_itself_by_exactly_zero() {
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
    let predictions: Vec<PredictionRow> =
        iopo_schema::read(&files(&evaluated).predictions).expect("rows");
    evaluated.base_logps =
        Some(response_logps(&PerCharacter, &predictions, &Silent).expect("logps"));
    let tests: Vec<PreferenceRow> =
        run.groups.iter().filter(|group| group.split == Split::Test).cloned().collect();
    let rows = |shift: PerSequence<f64>| -> Vec<ReferenceRow> {
        let row = |group: &PreferenceRow| {
            let [y1, y2] = [&group.y1, &group.y2].map(|y| y.chars().count() as u32);
            let tokens = PerSequence { x1y1: y1, x1y2: y2, x2y1: y1, x2y2: y2 };
            ReferenceRow {
                group_id: group.id.clone(),
                model_hash: "model".to_owned(),
                template_hash: "template".to_owned(),
                logps: tokens.zip(shift, |tokens, shift| -0.1 * f64::from(tokens) + shift),
                tokens,
            }
        };
        tests.iter().map(row).collect()
    };
    // Output margins 3 and 1, input margins 1 and 3; against (x2,y1) alone s11 + s22 − 2·s21 = 2.
    let policy = rows(PerSequence { x1y1: 2.0, x1y2: -1.0, x2y1: 1.0, x2y2: 2.0 });
    evaluated.groups =
        Some(GroupRewards { policy, reference: Some(rows(PerSequence::default())), beta: 0.5 });
    let table = run.summarize(&[one("iopo", evaluated.clone())]).expect("a table");
    let value = |metric, subset| {
        find(&table, "iopo", None, metric, subset).unwrap_or_else(|| panic!("no {metric}")).value
    };
    assert!((value(Metric::PerplexityBase, "all") - 0.1_f64.exp()).abs() < 1e-9);
    assert!((value(Metric::RewardAccuracy, "all") - 1.0).abs() < 1e-12);
    assert!((value(Metric::RewardOutputMargin, "full") - 0.5 * 2.0).abs() < 1e-9);
    assert!((value(Metric::RewardInputMargin, "full") - 0.5 * 2.0).abs() < 1e-9);
    assert!((value(Metric::RewardOutputMargin, "sided") - 0.5 * 1.0).abs() < 1e-9);
    assert!((value(Metric::RewardInputMargin, "sided") - 0.5 * 1.0).abs() < 1e-9);
    let count =
        |subset| find(&table, "iopo", None, Metric::RewardAccuracy, subset).map(|row| row.n);
    assert_eq!((count("all"), count("full"), count("sided")), (Some(11), Some(10), Some(1)));
    assert!(find(&table, "iopo", None, Metric::RewardAccuracyV1, "sided").is_none());
    let per_token = value(Metric::LogpsChosenPerToken, "all");
    assert!(value(Metric::LogpsChosen, "all") < 1.0 && per_token > -0.1 && per_token < 0.4);

    // Without a reference there are log-probabilities but no rewards.
    if let Some(groups) = &mut evaluated.groups {
        groups.reference = None;
    }
    let table = run.summarize(&[one("sft", evaluated.clone())]).expect("a table");
    assert!(find(&table, "sft", None, Metric::LogpsChosen, "all").is_some());
    assert!(find(&table, "sft", None, Metric::RewardAccuracy, "all").is_none());

    // A group without log-probabilities and a truth table of another kind are refused.
    let mut missing = evaluated.clone();
    missing.groups.as_mut().expect("set above").policy.pop();
    assert!(matches!(run.summarize(&[one("a", missing)]), Err(EvalError::Logps { .. })));
    run.groups.last_mut().expect("the sided one").kind = GroupKind::Full;
    assert!(matches!(run.summarize(&[one("a", evaluated)]), Err(EvalError::TruthTable { .. })));
}

/// Creates pairs in the test split. In three out of four, the policy prefers the chosen response.
fn pairs() -> (Vec<PreferenceRow>, Vec<ReferenceRow>, Vec<ReferenceRow>) {
    let (mut rows, mut policy, mut reference) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..8 {
        let mut row = common::group(&format!("pair-{index}"), Split::Test);
        (row.kind, row.operation, row.x2) = (GroupKind::Pair, None, None);
        (row.proof.x2y1, row.proof.x2y2) = (Vec::new(), Vec::new());
        let tokens = PerSequence { x1y1: 4, x1y2: 5, x2y1: 0, x2y2: 0 };
        let logps = |chosen| ReferenceRow {
            group_id: row.id.clone(),
            model_hash: "model".to_owned(),
            template_hash: "template".to_owned(),
            logps: PerSequence { x1y1: chosen, x1y2: -6.0, ..PerSequence::default() },
            tokens,
        };
        policy.push(logps(if index % 4 == 0 { -9.0 } else { -7.0 }));
        reference.push(logps(-8.0));
        rows.push(row);
    }
    (rows, policy, reference)
}

#[test]
fn pairs_have_a_reward_accuracy_with_an_interval_and_need_no_responses() {
    let mut run = Run::new();
    let (rows, policy, reference) = pairs();
    run.groups = rows;
    let groups = GroupRewards { policy, reference: Some(reference), beta: 0.5 };
    let evaluated = EvaluatedRun {
        seed: None,
        responses: None,
        base_logps: None,
        relevance: None,
        plain: None,
        groups: Some(groups),
    };
    let table = run.summarize(&[one("dpo", evaluated.clone())]).expect("a table");
    let row = find(&table, "dpo", None, Metric::RewardsAccuracies, "all").expect("an accuracy");
    assert_eq!((row.value, row.n), (0.75, 8));
    assert!(row.low < row.value && row.value < row.high, "{row:?}");
    let value = |metric| find(&table, "dpo", None, metric, "pair").map(|row| row.value);
    assert_eq!(value(Metric::RewardsAccuracies), Some(0.75));
    // Log-ratios of the chosen responses: 1 six times, −1 twice.
    assert_eq!(value(Metric::RewardOutputMargin), Some(0.5 * 0.5));
    assert_eq!(value(Metric::LogpsChosen), Some(-7.5));
    assert_eq!(value(Metric::LogpsChosenPerToken), Some(-7.5 / 4.0));
    for metric in [Metric::RewardAccuracy, Metric::RewardInputMargin, Metric::RewardAccuracyV2] {
        assert_eq!(value(metric), None, "{metric}");
    }
    assert!(table.iter().all(|row| row.metric != Metric::PromptAccuracyStrict));

    for kind in [GroupKind::Full, GroupKind::Sided] {
        run.groups[0].kind = kind;
        let error = run.summarize(&[one("dpo", evaluated.clone())]).expect_err("refused");
        assert!(matches!(error, EvalError::TruthTable { .. }), "{error}");
    }
}

#[test]
fn runs_of_several_seeds_are_averaged_row_by_row() {
    let run = Run::new();
    let (good, bad) = (run.evaluate("seed-1", careful), run.evaluate("seed-2", rambling));
    let both = EvaluatedModel { model: "iopo".to_owned(), runs: vec![good.clone(), bad.clone()] };
    let table = run.summarize(&[one("seed-1", good), one("seed-2", bad), both]).expect("a table");
    for metric in
        [Metric::PromptAccuracyStrict, Metric::InstructionAccuracyStrict, Metric::ResponseWords]
    {
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
    let (predictions, scores) = (files(&iopo).predictions.clone(), files(&base).scores.clone());
    let responses = Some(ScoredFiles { predictions, scores });
    let mixed = EvaluatedRun { responses, ..iopo };
    assert!(matches!(run.summarize(&[one("iopo", mixed)]), Err(EvalError::StaleScores { .. })));
    run.config.seed += 1;
    let other = run.evaluate("other", careful);
    let result = run.summarize(&[one("base", base.clone()), one("iopo", other)]);
    assert!(matches!(result, Err(EvalError::KeysDiffer { .. })), "{result:?}");
    let result = run.summarize(&[one("base", base.clone()), one("base", base)]);
    assert!(matches!(result, Err(EvalError::DuplicateKey { .. })), "{result:?}");
}

#[test]
fn the_summary_is_deterministic() {
    let run = Run::new();
    let models =
        [one("base", run.evaluate("base", rambling)), one("iopo", run.evaluate("iopo", careful))];
    let bytes = || {
        run.summarize(&models).expect("a table");
        std::fs::read(run.path().join("eval/summary.parquet")).expect("the file")
    };
    assert_eq!(bytes(), bytes());
}
