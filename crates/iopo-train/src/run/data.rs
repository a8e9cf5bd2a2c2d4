//! The data of a run: groups and rows as tokens.

use std::collections::{BTreeMap, BTreeSet};

use iopo_core::SettingError;
use iopo_schema::{
    InputPreferenceRow, PreferenceRow, ResponseSource, Split, file_hash, read, stream,
};

use crate::{
    GroupWeighting, Method, SftData, TrainConfig, TrainError,
    encode::{DropReason, Encoded, EncodedGroup, EncodedGroups, Encoder, describe, encode},
    group_weights::ChangedKinds,
    inputs::TrainInputs,
    responses::Responses,
    sft_rows::SftRows,
    starts::Starts,
};

/// The data of a run as tokens.
pub(super) struct Data {
    /// Groups of the train split.
    pub(super) train: Vec<EncodedGroup>,
    /// Groups of the dev split, if the run evaluates.
    pub(super) dev: Vec<EncodedGroup>,
    /// Dropped groups of both, by reason.
    pub(super) dropped: BTreeMap<DropReason, u64>,
    /// Rows of SFT and the hash of the responses file, unless SFT reads the groups.
    pub(super) sft: Option<(SftRows, String)>,
    /// Input preferences of the train split, if they have a weight.
    pub(super) input_preferences: Vec<EncodedGroup>,
    /// Kinds of the constraints that differ in each group of the train split.
    pub(super) changed: ChangedKinds,
    /// Ids of the pairs whose rejected response was asked for as a worse answer. Empty if the train split has no other row.
    pub(super) worse: BTreeSet<String>,
}

impl Data {
    pub(super) fn read(
        config: &TrainConfig,
        inputs: &TrainInputs<'_>,
        starts: Starts<'_>,
        encoder: &Encoder<'_>,
    ) -> Result<Self, TrainError> {
        let rows: Vec<PreferenceRow> = read(inputs.preferences)?;
        let of = |split: Split| encode(rows.iter().filter(|row| row.split == split), encoder);
        let train = of(Split::Train)?;
        if train.groups.is_empty() {
            return Err(TrainError::NoGroups {
                path: inputs.preferences.to_owned(),
                dropped: train.describe_dropped(),
            });
        }
        let choosing = !config.grid.is_empty();
        let dev =
            if config.do_eval || choosing { of(Split::Dev)? } else { EncodedGroups::default() };
        check_dev(config, dev.groups.len(), &dev.describe_dropped())?;
        let mut dropped = train.dropped.clone();
        for (reason, count) in &dev.dropped {
            *dropped.entry(*reason).or_default() += count;
        }
        let sft = match config.sft.data {
            SftData::Responses if starts.methods().contains(&Method::Sft) => {
                Some(sft_rows(config, inputs, &rows, encoder)?)
            }
            SftData::Groups | SftData::Responses => None,
        };
        check_rates(config, inputs)?;
        let mut input_preferences = Vec::new();
        if config.input_preference_weight > 0.0 {
            let made = input_preferences_of(config, inputs, &rows, encoder)?;
            for (reason, count) in made.dropped {
                *dropped.entry(reason).or_default() += count;
            }
            input_preferences = made.groups;
        }
        let changed = changed(&rows);
        let is_worse =
            |row: &&PreferenceRow| row.is_pair() && row.y2_source == ResponseSource::Worse;
        let mut worse: BTreeSet<String> =
            rows.iter().filter(is_worse).map(|row| row.id.clone()).collect();
        if train.groups.iter().all(|row| worse.contains(&row.id)) {
            worse.clear();
        }
        Ok(Self {
            train: train.groups,
            dev: dev.groups,
            dropped,
            sft,
            input_preferences,
            changed,
            worse,
        })
    }
}

/// Reads the input preferences of the train split.
fn input_preferences_of(
    config: &TrainConfig,
    inputs: &TrainInputs<'_>,
    groups: &[PreferenceRow],
    encoder: &Encoder<'_>,
) -> Result<EncodedGroups, TrainError> {
    let weight = config.input_preference_weight;
    let unusable = |found: String| {
        let expected = "0, or a file of input preferences with rows of the train split";
        let hint = "run `iopo fipo` first, or import such rows";
        let found = format!("{weight} with {found}");
        SettingError::new("train.input_preference_weight", found, expected).with_hint(hint)
    };
    let Some(path) = inputs.input_preferences else {
        return Err(unusable("no file of input preferences".to_owned()).into());
    };
    if !path.is_file() {
        return Err(unusable(format!("`{}`, which does not exist", path.display())).into());
    }
    let held_out: BTreeMap<&str, Split> = groups
        .iter()
        .filter(|row| row.split != Split::Train)
        .map(|row| (row.task_id.as_str(), row.split))
        .collect();
    let mut made = EncodedGroups::default();
    for batch in stream::<InputPreferenceRow>(path)? {
        for row in batch?.iter().filter(|row| row.split == Split::Train) {
            if let Some(split) = held_out.get(row.seed_id.as_str()) {
                let (path, task) = (path.to_owned(), row.seed_id.clone());
                return Err(TrainError::LeakedTask { path, task, split: *split });
            }
            match encoder.input_preference(&row.id, [&row.x_better, &row.x_worse], &row.y)? {
                Encoded::Group(group) => made.groups.push(group),
                Encoded::Dropped(reason) => *made.dropped.entry(reason).or_default() += 1,
            }
        }
    }
    if made.groups.is_empty() {
        let (path, dropped) = (path.display(), made.describe_dropped());
        return Err(unusable(format!("no row of the train split in `{path}` ({dropped})")).into());
    }
    Ok(made)
}

/// Returns the kinds of the constraints that differ in each group of the train split.
fn changed(rows: &[PreferenceRow]) -> ChangedKinds {
    let kinds = |row: &PreferenceRow| {
        let constraints = row.removed.iter().chain(&row.added);
        constraints.filter_map(|constraint| Some(constraint.check.as_ref()?.id.clone())).collect()
    };
    let train = rows.iter().filter(|row| row.split == Split::Train);
    train.map(|row| (row.id.clone(), kinds(row))).collect()
}

/// Refuses weights by rarity without rates, and rates that are no shares.
fn check_rates(config: &TrainConfig, inputs: &TrainInputs<'_>) -> Result<(), TrainError> {
    if config.group_weighting != GroupWeighting::Rarity {
        return Ok(());
    }
    let (key, rates) = ("train.group_weighting", &inputs.satisfaction_rates);
    let error = |found: String, expected: &str| Err(SettingError::new(key, found, expected).into());
    if rates.is_empty() {
        return error("rarity without satisfaction rates".to_owned(), "none, hardness, or rates");
    }
    match rates.iter().find(|(_, rate)| !(0.0..=1.0).contains(*rate)) {
        None => Ok(()),
        Some((kind, rate)) => {
            error(format!("rarity with the rate {rate} of {kind}"), "rates from 0 to 1")
        }
    }
}

/// Refuses settings that need a dev split if it has no `rows`; `reason` says why.
pub(super) fn check_dev(config: &TrainConfig, rows: usize, reason: &str) -> Result<(), TrainError> {
    let key = match (!config.grid.is_empty(), config.eval_strategy().needs_evaluations()) {
        (true, _) => "train.grid",
        (_, true) if config.early_stopping_patience > 0 => "train.early_stopping_patience",
        (_, true) => "train.load_best_model_at_end",
        (false, false) => return Ok(()),
    };
    if rows == 0 {
        let found = format!("a dev split without groups ({reason})");
        return Err(SettingError::new(key, found, "at least one group of the dev split").into());
    }
    Ok(())
}

/// Reads the rows of SFT, and returns them with the hash of the responses file.
fn sft_rows(
    config: &TrainConfig,
    inputs: &TrainInputs<'_>,
    groups: &[PreferenceRow],
    encoder: &Encoder<'_>,
) -> Result<(SftRows, String), TrainError> {
    let missing = |what: String| {
        let expected = "groups, or files of instructions and responses";
        SettingError::new("train.sft.data", format!("responses without {what}"), expected)
    };
    let Some(responses) = inputs.responses else {
        return Err(missing("these files".to_owned()).into());
    };
    for path in [responses.instructions, responses.responses] {
        if !path.is_file() {
            return Err(missing(format!("the file {}", path.display())).into());
        }
    }
    check_tasks(inputs, &responses, groups)?;
    let (limit, seed) = (config.sft.max_rows, config.seed);
    let rows = SftRows::new(&responses.verified()?, encoder, limit, seed)?;
    if rows.pairs.is_empty() {
        let path = responses.responses.to_owned();
        return Err(TrainError::NoResponses { path, dropped: describe(&rows.dropped) });
    }
    Ok((rows, file_hash(responses.responses)?))
}

/// Fails if a group of the dev or test split has a task to train on.
fn check_tasks(
    inputs: &TrainInputs<'_>,
    responses: &Responses<'_>,
    groups: &[PreferenceRow],
) -> Result<(), TrainError> {
    let leaked = groups
        .iter()
        .find(|row| row.split != Split::Train && responses.train_tasks.contains(&row.task_id));
    match leaked {
        None => Ok(()),
        Some(row) => Err(TrainError::LeakedTask {
            path: inputs.preferences.to_owned(),
            task: row.task_id.clone(),
            split: row.split,
        }),
    }
}
