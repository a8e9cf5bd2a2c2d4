//! The kinds of constraints that a run was trained on, by the rows that training read.
//!
//! The configuration lists the kinds that synthesis draws. The recipe `trace` and the collector `fipo` map texts to other kinds,
//! too, and a kind may be drawn without getting a row.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use iopo_constraints::Kind;
use iopo_eval::Setup;
use iopo_schema::{
    CheckRow, ConstraintRow, InputPreferenceRow, InstructionRow, PreferenceRow, ResponseRow, Split,
    run_files,
};
use iopo_train::SftData;

use super::{PipelineError, RunDir, tasks};
use crate::config::PipelineConfig;

/// Says that the seen types of a benchmark follow the configuration.
pub(super) const FROM_CONFIGURED: &str = "Seen, near and unseen types of the benchmarks are from configured kinds, because the rows \
     that the models were trained on do not tell all of their kinds";

/// The kinds of constraints in the rows that the models of a run were trained on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrainedKinds {
    /// The kinds.
    pub kinds: BTreeSet<Kind>,
    /// The English names of the dimensions, also of constraints that only a judge decides.
    pub dimensions: BTreeSet<String>,
    /// Whether there are rows and all of them tell their constraints. Those of an import do not.
    pub is_complete: bool,
}

impl TrainedKinds {
    /// Reads the groups of the train split, the input preferences, and with `train.sft.data = "responses"` the instructions of
    /// the train tasks that have an accepted response.
    ///
    /// `dirs` are the directories with groups: the run, and those of its later rounds. `input_preferences` is the file that
    /// training mixed in, if any.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read.
    pub fn read(
        dirs: &[PathBuf],
        config: &PipelineConfig,
        input_preferences: Option<&Path>,
    ) -> Result<Self, PipelineError> {
        let mut found = Self { is_complete: true, ..Self::default() };
        let mut rows = 0;
        for dir in dirs {
            let file = dir.join(run_files::PREFERENCES);
            if !file.is_file() {
                found.is_complete = false;
                continue;
            }
            for batch in iopo_schema::stream::<PreferenceRow>(&file)? {
                for row in batch?.iter().filter(|row| row.split == Split::Train) {
                    rows += 1;
                    found.row(&row.x1_constraints, &row.x2_constraints);
                }
            }
        }
        if let Some(run) = dirs.first().filter(|_| config.train.sft.data == SftData::Responses) {
            found.instructions(run, config)?;
        }
        if let Some(file) = input_preferences {
            for batch in iopo_schema::stream::<InputPreferenceRow>(file)? {
                for row in batch?.iter().filter(|row| row.split == Split::Train) {
                    found.row(&row.better_constraints, &row.worse_constraints);
                }
            }
        }
        found.is_complete &= rows > 0;
        Ok(found)
    }

    /// Returns what divides the instruction types of a benchmark into seen, near and unseen ones: these kinds if the rows tell
    /// all of them, else the configured ones and those of the rows.
    ///
    /// # Errors
    /// Returns an error if a setting names an unknown kind.
    pub fn setup(self, config: &PipelineConfig) -> Result<Setup, PipelineError> {
        let Self { kinds, is_complete, .. } = self;
        let mut setup = Setup::new(config.eval.held_out_kinds()?);
        setup.added = config.added_kinds();
        if is_complete {
            setup.trained = Some(kinds);
        } else {
            setup.held_out.retain(|kind| !kinds.contains(kind));
            setup.added.extend(kinds);
        }
        Ok(setup)
    }

    /// Adds the kinds of a row with two instructions.
    fn row(&mut self, first: &[ConstraintRow], second: &[ConstraintRow]) {
        self.is_complete &= !(first.is_empty() && second.is_empty());
        self.add(first);
        self.add(second);
    }

    fn add(&mut self, constraints: &[ConstraintRow]) {
        let checks = constraints.iter().filter_map(|one| one.check.as_ref());
        self.kinds.extend(checks.flat_map(CheckRow::kinds));
        self.dimensions.extend(constraints.iter().map(|one| one.dimension.clone()));
    }

    /// Adds the kinds of the instructions whose responses SFT trains on.
    fn instructions(&mut self, run: &Path, config: &PipelineConfig) -> Result<(), PipelineError> {
        let [instructions, responses] =
            [run_files::INSTRUCTIONS, run_files::RESPONSES].map(|name| run.join(name));
        if !instructions.is_file() || !responses.is_file() {
            return Ok(());
        }
        let mut answered = BTreeSet::new();
        for batch in iopo_schema::stream::<ResponseRow>(&responses)? {
            let accepted = batch?.into_iter().filter(|row| row.accepted && row.error.is_none());
            answered.extend(accepted.map(|row| row.instruction_id));
        }
        // Without the tasks, all instructions count. Those of test tasks have the same kinds.
        let used = tasks::used(config, &RunDir::at(run)).unwrap_or_default();
        let ids = used.into_iter().map(|task| task.id).collect();
        let splits = iopo_pairs::split_tasks(&ids, &config.pairs);
        let is_of_train = |id: &str| splits.get(id).is_none_or(|split| *split == Split::Train);
        for batch in iopo_schema::stream::<InstructionRow>(&instructions)? {
            for row in batch? {
                if is_of_train(&row.task_id) && answered.contains(&row.id) {
                    self.add(&row.constraints);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use iopo_core::PerSequence;
    use iopo_eval::ifeval::{Ifeval, Mode};
    use iopo_schema::{GroupKind, Provenance, ResponseSource, write};

    use super::*;

    fn constraint(kind: Option<Kind>) -> ConstraintRow {
        ConstraintRow {
            text: "A sentence.".to_owned(),
            constraint_type: "content".to_owned(),
            dimension: "a".to_owned(),
            check: kind.map(|kind| CheckRow { id: kind.id().to_owned(), params: "{}".to_owned() }),
        }
    }

    fn row(split: Split, kinds: &[Option<Kind>]) -> PreferenceRow {
        PreferenceRow {
            id: format!("{split:?} {kinds:?}"),
            task_id: "t".to_owned(),
            split,
            kind: GroupKind::Full,
            operation: None,
            task: "A task.".to_owned(),
            input: None,
            context: Vec::new(),
            x1: "x1".to_owned(),
            y1: "y1".to_owned(),
            x2: Some("x2".to_owned()),
            y2: "y2".to_owned(),
            x1_constraints: Vec::new(),
            x2_constraints: kinds.iter().map(|kind| constraint(*kind)).collect(),
            removed: Vec::new(),
            added: Vec::new(),
            y1_response_id: String::new(),
            y2_response_id: String::new(),
            y1_source: ResponseSource::Worse,
            y2_source: ResponseSource::Worse,
            y1_original: None,
            y2_original: None,
            proof: PerSequence::from_fn(|_| Vec::new()),
        }
    }

    /// Reads the kinds of a run with these groups.
    fn read(rows: &[PreferenceRow], config: &PipelineConfig) -> TrainedKinds {
        let dir = tempfile::tempdir().expect("a folder");
        let provenance = Provenance::new("test", serde_json::json!({}));
        write(&dir.path().join(run_files::PREFERENCES), rows, &provenance).expect("written");
        TrainedKinds::read(&[dir.path().to_owned()], config, None).expect("read")
    }

    /// Scores a response to an instruction of IFEval, and returns whether the type is seen, and near.
    fn familiarity(setup: &Setup, id: &str) -> (bool, Option<bool>) {
        let line = format!(
            r#"{{"key": 1, "prompt": "Go.", "instruction_id_list": ["{id}"], "kwargs": [{{"language": "de"}}]}}"#
        );
        let line =
            if id.starts_with("language") { line } else { line.replace(r#""language": "de""#, "") };
        let ifeval = Ifeval::with_setup(Mode::Paper, setup);
        let prompts = ifeval.prompts(&line).expect("a prompt");
        let scored = ifeval.evaluate(&prompts, ["Ja."]).expect("scores");
        (scored.scores[0].seen, scored.scores[0].near)
    }

    #[test]
    fn types_are_seen_by_the_rows_and_not_by_the_configuration() {
        let mut config = PipelineConfig::default();
        config.train.sft.data = SftData::Groups;
        // `language` is not drawn by default, but a text was mapped to it.
        let rows = [
            row(Split::Train, &[Some(Kind::Language), None]),
            row(Split::Test, &[Some(Kind::NoCommas)]),
            row(Split::Dev, &[Some(Kind::MaxWords)]),
        ];
        let found = read(&rows, &config);
        assert_eq!((found.kinds.clone(), found.is_complete), ([Kind::Language].into(), true));
        let setup = found.setup(&config).expect("a setup");
        assert_eq!(setup.held_out, config.eval.held_out_kinds().expect("known kinds"));
        let [language, commas] = ["language:response_language", "punctuation:no_comma"];
        assert_eq!(familiarity(&setup, language), (false, Some(true)));
        assert_eq!(familiarity(&setup, commas), (false, Some(false)), "no training row");
        // Control: by the configuration, it is the other way round.
        let setup = TrainedKinds::default().setup(&config).expect("a setup");
        assert_eq!(familiarity(&setup, language), (false, Some(false)));
        assert_eq!(familiarity(&setup, commas), (true, Some(false)));
    }

    #[test]
    fn an_all_of_trains_the_kinds_of_its_parts() {
        let mut config = PipelineConfig::default();
        config.train.sft.data = SftData::Groups;
        let mut group = row(Split::Train, &[Some(Kind::AllOf)]);
        let check = group.x2_constraints[0].check.as_mut().expect("a check");
        r#"{"parts":[{"id":"no_commas","params":{}},{"id":"max_words","params":{"n":9}}]}"#
            .clone_into(&mut check.params);
        let found = read(&[group], &config);
        assert_eq!(found.dimensions, ["a".to_owned()].into());
        assert_eq!(found.kinds, [Kind::AllOf, Kind::NoCommas, Kind::MaxWords].into());
    }

    #[test]
    fn configured_kinds_count_if_rows_do_not_tell_their_constraints() {
        let mut config = PipelineConfig::default();
        config.train.sft.data = SftData::Groups;
        config.set_held_out(["no_commas"]);
        let rows = [row(Split::Train, &[Some(Kind::Language)]), row(Split::Train, &[])];
        let found = read(&rows, &config);
        assert!(!found.is_complete && found.kinds.contains(&Kind::Language));
        let setup = found.setup(&config).expect("a setup");
        assert_eq!(setup.added, [Kind::Language].into());
        assert_eq!((setup.held_out, setup.trained), ([Kind::NoCommas].into(), None));
        assert!(!read(&[], &config).is_complete, "no rows");
        let missing = TrainedKinds::read(&["none".into()], &config, None).expect("no file");
        assert!(!missing.is_complete, "no file");
    }
}
