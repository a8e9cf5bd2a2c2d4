//! Preference data of a user: prompt, chosen and rejected, without mirrored rows.

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use common::{run, succeed, text};
use iopo_schema::{
    GroupKind, PreferenceRow, Split, Subset, SummaryMetric, SummaryRow, TurnRole, read,
};

/// Methods that train on pairs. The second round of the preset continues one of them.
const METHODS: [&str; 4] = [
    "--set",
    "train.methods=[\"sft\",\"dpo\",\"simpo\",\"orpo\",\"tpo\"]",
    "--set",
    "round.2.methods=[\"dpo\"]",
];
/// Enough steps to learn the preference.
const LONGER: [&str; 4] =
    ["--set", "train.num_train_epochs=6", "--set", "train.learning_rate=1e-2"];

const THINGS: [&str; 24] = [
    "tea", "rain", "a bridge", "the sea", "bread", "a clock", "a lamp", "snow", "a river", "wind",
    "a garden", "a map", "a letter", "a boat", "the moon", "a song", "a road", "fire", "a coat",
    "a mill", "a key", "salt", "a harbor", "a tower",
];

/// Rows in the layouts of TRL: plain texts, conversations with a system turn, and conversations without a prompt. The chosen
/// response is quiet, the rejected one loud; `flip` swaps them.
fn rows(things: &[&str], flip: bool) -> String {
    let mut lines = String::new();
    for (index, thing) in things.iter().enumerate() {
        let quiet = format!("here is a calm line about {thing}.");
        let loud = format!("LOOK! {}!!!", thing.to_uppercase());
        let (chosen, rejected) = if flip { (loud, quiet) } else { (quiet, loud) };
        let prompt = format!("Write one line about {thing}.");
        let system = r#"{"role":"system","content":"Answer in one line."}"#;
        let user = format!(r#"{{"role":"user","content":"{prompt}"}}"#);
        let answer = |text: &str| format!(r#"{{"role":"assistant","content":"{text}"}}"#);
        let (good, bad) = (answer(&chosen), answer(&rejected));
        let _ = match index % 3 {
            0 => writeln!(
                lines,
                r#"{{"prompt":"{prompt}","chosen":"{chosen}","rejected":"{rejected}","margin":NaN}}"#
            ),
            1 => writeln!(
                lines,
                r#"{{"prompt":[{system},{user}],"chosen":[{good}],"rejected":[{bad}]}}"#
            ),
            _ => writeln!(
                lines,
                r#"{{"chosen":[{system},{user},{good}],"rejected":[{system},{user},{bad}]}}"#
            ),
        };
    }
    lines
}

/// Writes rows and imports them with the flags. Returns the run directory and the output of the import.
fn imported(dir: &Path, rows: &str, flags: &[&str]) -> (PathBuf, String) {
    let (file, out) = (dir.join("rows.jsonl"), dir.join("run"));
    fs::write(&file, rows).expect("written");
    let preferences = out.join("preferences.parquet");
    let args = ["import", text(&file), "--from", "trl", "--out", text(&preferences)];
    let said = succeed(&[&args[..], flags].concat()).stderr;
    (out, said)
}

/// Trains and evaluates. Returns the output of `iopo eval` and its table.
fn evaluated(out: &Path, flags: &[&str]) -> (String, Vec<SummaryRow>) {
    succeed(&[&["train", "--preset", "smoke", "--out", text(out)][..], flags].concat());
    let printed = succeed(&["eval", "--out", text(out)]).stdout;
    (printed, read(&out.join("eval/summary.parquet")).expect("a table"))
}

/// Returns the reward accuracy of a model on all held-out rows.
fn accuracy<'a>(table: &'a [SummaryRow], model: &str) -> &'a SummaryRow {
    let found = table.iter().find(|row| {
        row.model == model
            && row.metric == SummaryMetric::RewardsAccuracies
            && row.subset == Subset::All
            && row.baseline.is_none()
    });
    found.unwrap_or_else(|| panic!("no accuracy of {model}"))
}

#[test]
fn rows_without_mirrors_train_five_methods_and_get_reward_accuracy_on_held_out_rows() {
    let dir = tempfile::tempdir().expect("folder");
    let flags = ["--test-size", "0.3", "--dev-size", "0.1", "--seed", "3"];
    let (out, said) = imported(dir.path(), &rows(&THINGS, false), &flags);
    assert!(said.contains("24 rows, 24 pairs (13 train, 3 dev, 8 test)"), "{said}");
    let pairs: Vec<PreferenceRow> = read(&out.join("preferences.parquet")).expect("ours");
    assert!(pairs.iter().all(|row| row.kind == GroupKind::Pair && row.x2.is_none()));
    let with_system =
        pairs.iter().filter(|row| row.context.iter().any(|turn| turn.role == TurnRole::System));
    assert_eq!(with_system.count(), 16);

    let (printed, table) = evaluated(&out, &[&METHODS[..], &LONGER].concat());
    for model in ["sft", "dpo", "simpo", "orpo", "tpo"] {
        let SummaryRow { value, low, high, n, .. } = *accuracy(&table, model);
        assert_eq!(n, 8, "{model}");
        assert!(0.0 <= low && low <= value && value <= high && high <= 1.0, "{model}: {value}");
        let line = printed.lines().find(|line| line.trim_start().starts_with(model));
        let line = line.unwrap_or_else(|| panic!("no line of {model} in {printed}"));
        let shown = format!("rewards/accuracies {:.1} %", 100.0 * value);
        assert!(line.contains(&shown) && line.contains("95 % interval"), "{line}");
    }
    assert!(accuracy(&table, "dpo").value >= 0.75, "{:?}", accuracy(&table, "dpo"));
    let is_accuracy = |row: &&SummaryRow| row.metric == SummaryMetric::PromptAccuracyStrict;
    assert!(!table.iter().any(|row| is_accuracy(&row)), "there are no test prompts");
    assert!(!printed.contains("iopo "), "{printed}");

    let said = succeed(&["report", "--out", text(&out)]).stdout;
    assert!(said.contains("rewards/accuracies"), "{said}");
    let page = fs::read_to_string(out.join("report.html")).expect("a page");
    assert!(page.contains("chosen over rejected under one instruction"), "no table of rewards");
}

/// Negative control for the accuracy above: on rows with the opposite preference, the trained model ranks most rows wrong.
#[test]
fn a_model_ranks_rows_of_the_opposite_preference_wrong() {
    let dir = tempfile::tempdir().expect("folder");
    let test = dir.path().join("test.jsonl");
    fs::write(&test, rows(&THINGS[16..], true)).expect("written");
    let (out, _) = imported(dir.path(), &rows(&THINGS[..16], false), &["--test", text(&test)]);
    let methods = ["--set", "train.methods=[\"dpo\"]", "--set", "round.2.methods=[\"dpo\"]"];
    let (_, table) = evaluated(&out, &[&methods[..], &LONGER].concat());
    assert!(accuracy(&table, "dpo").value <= 0.25, "{:?}", accuracy(&table, "dpo"));
}

#[test]
fn methods_and_evaluations_that_pairs_cannot_have_are_refused_by_name() {
    let dir = tempfile::tempdir().expect("folder");
    let (out, said) = imported(dir.path(), &rows(&THINGS, false), &[]);
    assert!(
        said.contains("24 pairs (24 train)") && said.contains("such as iopo, skip it"),
        "{said}"
    );
    let methods = ["--set", "train.methods=[\"dpo\",\"iopo\"]"];
    let args = ["train", "--preset", "smoke", "--out", text(&out)];
    let error = run(&[&args[..], &methods].concat()).error(2);
    for part in ["`train.methods`", "iopo", "no group with two instructions among the 24 rows"] {
        assert!(error.contains(part), "{error}");
    }
    assert!(error.contains("sft, ") && error.contains("hint:"), "{error}");
    assert!(!out.join("train").exists(), "nothing was trained");

    let responses = ["--set", "train.sft.data=\"responses\""];
    let said = succeed(&[&args[..], &METHODS, &responses].concat()).stderr;
    assert!(said.contains("SFT trains on the imported rows"), "{said}");
    assert!(!said.contains("train.sft.max_rows"), "{said}");
    let limit = ["--set", "train.sft.max_rows=5"];
    let said = succeed(&[&args[..], &METHODS, &responses, &limit].concat()).stderr;
    assert!(said.contains("train.sft.max_rows = 5 limits responses"), "{said}");
    let error = run(&["eval", "--out", text(&out)]).error(2);
    for part in ["no tasks to draw test prompts from", "reward accuracy", "--test-size 0.1"] {
        assert!(error.contains(part), "{error}");
    }

    let file = dir.path().join("rows.jsonl");
    let other = dir.path().join("other.parquet");
    for (flag, value) in [("--test-size", "1.5"), ("--dev-size", "-0.1"), ("--test-size", "nan")] {
        let flag = format!("{flag}={value}");
        let args = ["import", text(&file), "--from", "trl", "--out", text(&other), &flag];
        let error = run(&args).error(2);
        assert!(error.contains("expected shares from 0"), "{error}");
    }
    let one = dir.path().join("one.jsonl");
    fs::write(&one, rows(&THINGS[..1], false)).expect("written");
    let args = ["import", text(&one), "--from", "trl", "--out", text(&other), "--test-size", "0.1"];
    let error = run(&args).error(2);
    assert!(
        error.contains("1 separate prompts") && error.contains("hold out a smaller share"),
        "{error}"
    );
    assert!(!other.exists());
}

#[test]
fn a_prompt_of_a_test_file_is_not_trained_on() {
    let dir = tempfile::tempdir().expect("folder");
    let test = dir.path().join("test.jsonl");
    // The train file comes first, so it keeps the prompts that both have.
    fs::write(&test, rows(&THINGS[8..], true)).expect("written");
    let (out, said) = imported(dir.path(), &rows(&THINGS[..16], false), &["--test", text(&test)]);
    assert!(said.contains("8 rows skipped: another split has the same task"), "{said}");
    let pairs: Vec<PreferenceRow> = read(&out.join("preferences.parquet")).expect("ours");
    let prompts = |split| -> Vec<&str> {
        pairs.iter().filter(|row| row.split == split).map(|row| row.x1.as_str()).collect()
    };
    let (train, test) = (prompts(Split::Train), prompts(Split::Test));
    assert_eq!((train.len(), test.len()), (16, 8));
    assert!(test.iter().all(|prompt| !train.contains(prompt)));
}
