//! SFT on verified responses: which rows it reads, and that no row of a dev or test task is among them.

use std::{collections::BTreeSet, path::Path};

use iopo_llm::Silent;
use iopo_schema::{
    CheckRow, ConstraintRow, InstructionRow, Method as VerdictMethod, MetricRow, PreferenceRow,
    Provenance, ResponseRow, ResponseSource, Split, VerdictRow, read,
};
use iopo_train::{
    Base, Metadata, Method, Responses, SftData, TrainConfig, TrainError, TrainInputs, TrainSummary,
    train,
};

use crate::common::{StopAfter, rows, settings, with_base};

/// The instructions of some groups, and two responses to each: the group's own, and one more.
fn synthesized(groups: &[PreferenceRow]) -> (Vec<InstructionRow>, Vec<ResponseRow>) {
    let (mut instructions, mut responses) = (Vec::new(), Vec::new());
    for group in groups {
        for (kind, prompt, text) in
            [("lower", Some(&group.x1), &group.y1), ("upper", group.x2.as_ref(), &group.y2)]
        {
            let prompt = prompt.expect("a group");
            let id = format!("{}-{kind}", group.task_id);
            let check = CheckRow { id: kind.to_owned(), params: "{}".to_owned() };
            instructions.push(InstructionRow {
                id: id.clone(),
                task_id: group.task_id.clone(),
                task: group.task.clone(),
                input: None,
                constraints: vec![ConstraintRow {
                    text: kind.to_owned(),
                    constraint_type: "Format".to_owned(),
                    dimension: "Case".to_owned(),
                    check: Some(check),
                }],
                prompt: prompt.clone(),
                language: "en".to_owned(),
            });
            for (number, text) in [text.clone(), format!("{text} {text}")].into_iter().enumerate() {
                responses.push(ResponseRow {
                    id: format!("{id}-{number}"),
                    instruction_id: id.clone(),
                    task_id: group.task_id.clone(),
                    text,
                    verdicts: vec![VerdictRow::new(true, VerdictMethod::Code, "")],
                    accepted: true,
                    source: ResponseSource::BackTranslated,
                    original: None,
                    error: None,
                    generator: "test".to_owned(),
                    sampling: "{}".to_owned(),
                });
            }
        }
    }
    (instructions, responses)
}

/// Settings of SFT on responses, and of IOPO from it.
fn from_responses(max_rows: usize) -> TrainConfig {
    let mut config = settings();
    config.methods = vec![Method::Sft, Method::Iopo];
    (config.sft.data, config.sft.max_rows) = (SftData::Responses, max_rows);
    config
}

fn train_tasks(groups: &[PreferenceRow]) -> BTreeSet<String> {
    let train = groups.iter().filter(|row| row.split == Split::Train);
    train.map(|row| row.task_id.clone()).collect()
}

/// Writes the files of a synthesis and calls `run` with a function that trains.
fn with_files<T>(
    groups: &[PreferenceRow],
    (instructions, responses): (&[InstructionRow], &[ResponseRow]),
    tasks: &BTreeSet<String>,
    run: impl FnOnce(
        &dyn Fn(&TrainConfig, &Path) -> Result<TrainSummary, TrainError>,
        &Path,
        &Base<'_>,
    ) -> T,
) -> T {
    let folder = tempfile::tempdir().expect("a folder");
    let provenance = Provenance::new("test", serde_json::json!({}));
    let files =
        ["instructions", "responses"].map(|name| folder.path().join(format!("{name}.parquet")));
    iopo_schema::write(&files[0], instructions, &provenance).expect("written");
    iopo_schema::write(&files[1], responses, &provenance).expect("written");
    with_base(folder.path(), groups, |preferences, base| {
        let inputs = TrainInputs::new(preferences).with_responses(Responses {
            instructions: &files[0],
            responses: &files[1],
            train_tasks: tasks,
        });
        let train =
            |config: &TrainConfig, out: &Path| train(config, inputs.clone(), base, out, &Silent);
        run(&train, folder.path(), base)
    })
}

#[test]
fn sft_reads_every_verified_response_of_train_tasks_once() {
    let groups = rows(12);
    let (instructions, mut responses) = synthesized(&groups);
    // One row is a copy, one was refused, one has a failed verdict, one has no text because of an error.
    let mut copy = responses[0].clone();
    copy.id = "copy".to_owned();
    responses.push(copy);
    responses[1].accepted = false;
    responses[2].verdicts[0].satisfied = false;
    responses[3].error = Some("refused".to_owned());
    let tasks = train_tasks(&groups);
    assert_eq!(tasks.len(), 10);
    with_files(&groups, (&instructions, &responses), &tasks, |train, folder, _| {
        let summary = train(&from_responses(0), &folder.join("train")).expect("trained");
        let read_rows = summary.sft_rows.as_ref().expect("SFT reads responses");
        assert_eq!((read_rows.rows, read_rows.dropped.len()), (37, 0));
        // 19 pairs, 4 to an update, twice.
        let sft = &summary.runs[0];
        assert_eq!((sft.method, sft.updates), (Method::Sft, 10));
        // IOPO still reads the groups.
        assert_eq!((summary.groups, summary.runs[1].updates), (10, 3));
        let origin = Metadata::read(&sft.adapter).expect("metadata").sft_rows.expect("recorded");
        assert_eq!(origin.rows, 37);
        assert_eq!(Metadata::read(&summary.runs[1].adapter).expect("metadata").sft_rows, None);
        // The dev loss is that of the dev groups, as with groups.
        let metrics: Vec<MetricRow> = read(&sft.adapter.join("metrics.parquet")).expect("metrics");
        assert!(metrics.iter().any(|row| row.name == "eval_loss" && row.value > 0.0));

        let limited = train(&from_responses(11), &folder.join("limited")).expect("trained");
        assert_eq!(limited.sft_rows.expect("responses").rows, 11);
        assert_eq!(limited.runs[0].updates, 4);
    });
}

#[test]
fn a_changed_responses_file_is_refused_on_resume() {
    let groups = rows(12);
    let (instructions, mut responses) = synthesized(&groups);
    let tasks = train_tasks(&groups);
    let config = from_responses(0);
    let out = tempfile::tempdir().expect("a folder");
    with_files(&groups, (&instructions, &responses), &tasks, |train, _, _| {
        let first = train(&config, out.path()).expect("trained");
        assert_eq!(train(&config, out.path()).expect("finished"), first);
    });
    responses[0].text.push_str(" and more");
    with_files(&groups, (&instructions, &responses), &tasks, |train, _, _| {
        let error = train(&config, out.path()).expect_err("other rows");
        assert!(matches!(error, TrainError::OtherRun { .. }), "{error}");
    });
}

#[test]
fn an_interrupted_sft_on_responses_ends_with_the_same_bytes() {
    let groups = rows(12);
    let (instructions, responses) = synthesized(&groups);
    let tasks = train_tasks(&groups);
    let mut config = from_responses(15);
    config.methods = vec![Method::Sft];
    with_files(&groups, (&instructions, &responses), &tasks, |whole, folder, base| {
        whole(&config, &folder.join("whole")).expect("trained");
        let files =
            ["instructions", "responses"].map(|name| folder.join(format!("{name}.parquet")));
        let preferences = folder.join("preferences.parquet");
        let inputs = TrainInputs::new(&preferences).with_responses(Responses {
            instructions: &files[0],
            responses: &files[1],
            train_tasks: &tasks,
        });
        let pieces = folder.join("pieces");
        let mut cancellations = 0;
        loop {
            match train(&config, inputs.clone(), base, &pieces, &StopAfter::new(3)) {
                Ok(_) => break,
                Err(TrainError::Cancelled) => cancellations += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(cancellations >= 1);
        for name in ["adapter_model.safetensors", "iopo.json", "metrics.parquet"] {
            let [a, b] = ["whole", "pieces"]
                .map(|run| std::fs::read(folder.join(run).join("sft").join(name)).expect(name));
            assert!(a == b, "{name} differs");
        }
    });
}

#[test]
fn rows_of_dev_and_test_tasks_are_refused_or_never_read() {
    let groups = rows(12);
    let (instructions, responses) = synthesized(&groups);
    let all: BTreeSet<String> = groups.iter().map(|row| row.task_id.clone()).collect();
    with_files(&groups, (&instructions, &responses), &all, |train, folder, _| {
        let error = train(&from_responses(0), &folder.join("train")).expect_err("a leak");
        assert!(matches!(error, TrainError::LeakedTask { split: Split::Dev, .. }), "{error}");
        assert!(error.to_string().contains("task-5"), "{error}");
    });
    // A response that names a train task, but answers an instruction of a dev task.
    let mut moved = responses.clone();
    let dev = moved.iter_mut().find(|row| row.task_id == "task-5").expect("a dev task");
    dev.task_id = "task-0".to_owned();
    with_files(&groups, (&instructions, &moved), &train_tasks(&groups), |train, folder, _| {
        let error = train(&from_responses(0), &folder.join("train")).expect_err("a leak");
        assert!(matches!(error, TrainError::MissingInstruction { .. }), "{error}");
    });
}

#[test]
fn missing_files_name_the_setting() {
    let groups = rows(12);
    let folder = tempfile::tempdir().expect("a folder");
    let (none, tasks) = (folder.path().join("none.parquet"), train_tasks(&groups));
    with_base(folder.path(), &groups, |preferences, base| {
        let out = folder.path().join("train");
        let absent = Responses { instructions: &none, responses: &none, train_tasks: &tasks };
        for inputs in
            [TrainInputs::new(preferences), TrainInputs::new(preferences).with_responses(absent)]
        {
            let error = train(&from_responses(0), inputs, base, &out, &Silent).expect_err("none");
            assert!(error.to_string().starts_with("`train.sft.data`: found responses"), "{error}");
            assert!(error.is_usage());
        }
    });
    let (instructions, mut responses) = synthesized(&groups);
    for row in &mut responses {
        row.accepted = false;
    }
    with_files(&groups, (&instructions, &responses), &tasks, |train, folder, _| {
        let error = train(&from_responses(0), &folder.join("train")).expect_err("no row");
        assert!(matches!(error, TrainError::NoResponses { .. }), "{error}");
    });
}
