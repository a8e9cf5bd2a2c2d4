//! Every row type is read back as it was written, for any content.

mod common;

use std::fmt::Debug;

use common::{metrics as many, provenance};
use iopo_schema::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z ]{1,12}",
        "\\PC{0,24}",
        Just("zwei\nZeilen\t\u{0}🦀".to_owned())
    ]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("NaN is not equal to itself", |value| !value.is_nan()),
        Just(-0.0)
    ]
}

fn constraint() -> impl Strategy<Value = ConstraintRow> {
    let check = option::of((text(), text()).prop_map(|(id, params)| CheckRow { id, params }));
    (text(), text(), text(), check).prop_map(|(text, constraint_type, dimension, check)| {
        ConstraintRow { text, constraint_type, dimension, check }
    })
}

fn method() -> impl Strategy<Value = Method> {
    prop::sample::select(Method::ALL)
}

fn verdicts() -> impl Strategy<Value = Vec<VerdictRow>> {
    let verdict = (any::<bool>(), number(), method(), text()).prop_map(
        |(satisfied, score, method, evidence)| VerdictRow { satisfied, score, method, evidence },
    );
    vec(verdict, 0..4)
}

fn instruction() -> impl Strategy<Value = InstructionRow> {
    (text(), text(), text(), option::of(text()), vec(constraint(), 0..4), text(), text()).prop_map(
        |(id, task_id, task, input, constraints, prompt, language)| InstructionRow {
            id,
            task_id,
            task,
            input,
            constraints,
            prompt,
            language,
        },
    )
}

fn source() -> impl Strategy<Value = ResponseSource> {
    prop::sample::select(ResponseSource::ALL)
}

fn response() -> impl Strategy<Value = ResponseRow> {
    let ids = (text(), text(), text(), text());
    let origin = (source(), option::of(text()));
    (ids, verdicts(), any::<bool>(), origin, option::of(text()), text(), text()).prop_map(
        |(
            (id, instruction_id, task_id, text),
            verdicts,
            accepted,
            (source, original),
            error,
            generator,
            sampling,
        )| {
            ResponseRow {
                id,
                instruction_id,
                task_id,
                text,
                verdicts,
                accepted,
                source,
                original,
                error,
                generator,
                sampling,
            }
        },
    )
}

fn turn() -> impl Strategy<Value = TurnRow> {
    (prop::sample::select(TurnRole::ALL), text())
        .prop_map(|(role, content)| TurnRow { role, content })
}

fn preference() -> impl Strategy<Value = PreferenceRow> {
    let kind = (
        prop::sample::select(Split::ALL),
        prop::sample::select(GroupKind::ALL),
        option::of(prop::sample::select(Operation::ALL)),
        [source(), source()],
        [option::of(text()), option::of(text()), option::of(text()), option::of(text())],
        vec(turn(), 0..3),
    );
    let texts = prop::array::uniform8(text());
    let lists = prop::array::uniform4(vec(constraint(), 0..3));
    let proof = four(verdicts());
    (kind, texts, lists, proof).prop_map(
        |((split, kind, operation, sources, optional, context), texts, lists, proof)| {
            let [id, task_id, task, x1, y1, y2, y1_response_id, y2_response_id] = texts;
            let [input, x2, y1_original, y2_original] = optional;
            let [y1_source, y2_source] = sources;
            let [x1_constraints, x2_constraints, removed, added] = lists;
            PreferenceRow {
                id,
                task_id,
                split,
                kind,
                operation,
                task,
                input,
                context,
                x1,
                y1,
                x2,
                y2,
                x1_constraints,
                x2_constraints,
                removed,
                added,
                y1_response_id,
                y2_response_id,
                y1_source,
                y2_source,
                y1_original,
                y2_original,
                proof,
            }
        },
    )
}

fn input_preference() -> impl Strategy<Value = InputPreferenceRow> {
    let texts = prop::array::uniform7(text());
    let lists = prop::array::uniform2(vec(constraint(), 0..3));
    let verdict = || {
        (any::<bool>(), number(), method(), text()).prop_map(
            |(satisfied, score, method, evidence)| VerdictRow {
                satisfied,
                score,
                method,
                evidence,
            },
        )
    };
    let split = prop::sample::select(Split::ALL);
    (texts, lists, [verdict(), verdict()], split, option::of(text()), option::of(number()))
        .prop_map(|(texts, lists, verdicts, split, input, logp_margin)| {
            let [id, seed_id, task, x_better, x_worse, y, generator] = texts;
            let [better_constraints, worse_constraints] = lists;
            let [verdict_better_first, verdict_worse_first] = verdicts;
            InputPreferenceRow {
                id,
                seed_id,
                split,
                task,
                input,
                x_better,
                x_worse,
                y,
                better_constraints,
                worse_constraints,
                verdict_better_first,
                verdict_worse_first,
                logp_margin,
                generator,
            }
        })
}

fn four<V: Debug>(value: impl Strategy<Value = V>) -> impl Strategy<Value = PerSequence<V>> {
    prop::array::uniform4(value).prop_map(|[x1y1, x1y2, x2y1, x2y2]| PerSequence {
        x1y1,
        x1y2,
        x2y1,
        x2y2,
    })
}

fn reference() -> impl Strategy<Value = ReferenceRow> {
    (text(), text(), text(), four(number()), four(any::<u32>())).prop_map(
        |(group_id, model_hash, template_hash, logps, tokens)| ReferenceRow {
            group_id,
            model_hash,
            template_hash,
            logps,
            tokens,
        },
    )
}

fn logps_of_response() -> impl Strategy<Value = ResponseLogpsRow> {
    (text(), number(), any::<u32>()).prop_map(|(key, logps, tokens)| ResponseLogpsRow {
        key,
        logps,
        tokens,
    })
}

fn metric() -> impl Strategy<Value = MetricRow> {
    (any::<u64>(), text(), number()).prop_map(|(step, name, value)| MetricRow { step, name, value })
}

fn prediction() -> impl Strategy<Value = PredictionRow> {
    let texts = prop::array::uniform5(text());
    let finish_reason = prop::sample::select(ResponseEnd::ALL);
    let tokens = (any::<u32>(), any::<u32>());
    (texts, vec(constraint(), 0..4), finish_reason, tokens, option::of(text())).prop_map(
        |(texts, constraints, finish_reason, (prompt_tokens, completion_tokens), error)| {
            let [benchmark, key, task_id, prompt, response] = texts;
            PredictionRow {
                benchmark,
                key,
                task_id,
                prompt,
                constraints,
                response,
                finish_reason,
                prompt_tokens,
                completion_tokens,
                error,
            }
        },
    )
}

fn score() -> impl Strategy<Value = ScoreRow> {
    let texts = prop::array::uniform4(text());
    let flags = (any::<bool>(), option::of(any::<bool>()), option::of(any::<bool>()));
    let noted = (
        prop::array::uniform3(option::of(text())),
        option::of(number()),
        option::of(any::<bool>()),
    );
    (texts, any::<u32>(), flags, method(), noted).prop_map(
        |(texts, index, (seen, strict, loose), method, ([raw, mode, error], score, near))| {
            let [benchmark, key, task_id, instruction_id] = texts;
            ScoreRow {
                benchmark,
                key,
                task_id,
                index,
                instruction_id,
                seen,
                strict,
                loose,
                method,
                raw,
                mode,
                score,
                error,
                near,
            }
        },
    )
}

fn summary() -> impl Strategy<Value = SummaryRow> {
    let metric = prop::sample::select(SummaryMetric::ALL);
    let subset = prop_oneof![
        Just(Subset::All),
        Just(Subset::Groups(GroupKind::Sided)),
        (0..20_usize).prop_map(Subset::Constraints),
        text().prop_map(Subset::Kind),
    ];
    (text(), option::of(text()), metric, subset, number(), number(), number(), any::<u64>())
        .prop_map(|(model, baseline, metric, subset, value, low, high, n)| SummaryRow {
            model,
            baseline,
            metric,
            subset,
            value,
            low,
            high,
            n,
        })
}

fn returns<R: Record + PartialEq + Debug>(rows: &[R]) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("rows.parquet");
    let fail = |error: SchemaError| TestCaseError::fail(error.to_string());
    write(&path, rows, &provenance()).map_err(fail)?;
    prop_assert_eq!(read::<R>(&path).map_err(fail)?, rows);
    prop_assert_eq!(iopo_schema::provenance(&path).map_err(fail)?, provenance());
    Ok(())
}

macro_rules! round_trips {
    ($($name:ident: $strategy:expr),+ $(,)?) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
            $(
                #[test]
                fn $name(rows in vec($strategy, 0..8)) {
                    returns(&rows)?;
                }
            )+
        }
    };
}

round_trips! {
    instructions: instruction(),
    responses: response(),
    preferences: preference(),
    input_preferences: input_preference(),
    reference_logps: reference(),
    response_logps: logps_of_response(),
    metrics: metric(),
    predictions: prediction(),
    scores: score(),
    summaries: summary(),
}

#[test]
fn several_row_groups_are_read_back() -> Result<(), TestCaseError> {
    returns(&many(0..9_001))
}

#[test]
fn batches_have_the_columns_of_the_rows() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("metrics.parquet");
    let rows = many(0..3000);
    write(&path, &rows, &provenance())?;
    let (header, batches) = batches::<MetricRow>(&path)?;
    assert_eq!((header.name.as_str(), header.rows), ("metrics", 3000));
    let names = |schema: &arrow_schema::Schema| -> Vec<String> {
        schema.fields().iter().map(|field| field.name().clone()).collect()
    };
    assert_eq!(names(batches.schema()), names(&MetricRow::arrow_schema()));
    let batches = batches.collect::<Result<Vec<_>, _>>()?;
    assert!(batches.len() > 1, "one batch");
    let decoded: Result<Vec<_>, _> = batches.iter().map(MetricRow::from_batch).collect();
    assert_eq!(decoded?.concat(), rows);
    let error = iopo_schema::batches::<ScoreRow>(&path).err().map(|error| error.to_string());
    assert!(error.is_some_and(|error| error.contains("found `metrics` rows")));
    Ok(())
}

#[test]
fn nan_is_read_back() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("summary.parquet");
    let row = SummaryRow {
        model: "base".into(),
        baseline: None,
        metric: SummaryMetric::ResponseWords,
        subset: Subset::All,
        value: 12.5,
        low: f64::NAN,
        high: f64::NAN,
        n: 3,
    };
    write(&path, &[row], &provenance())?;
    let back = read::<SummaryRow>(&path)?;
    assert!(
        back[0].low.is_nan()
            && back[0].high.is_nan()
            && back[0].value.to_bits() == 12.5_f64.to_bits()
    );
    Ok(())
}
