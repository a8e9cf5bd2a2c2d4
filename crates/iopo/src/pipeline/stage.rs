//! The stages of a pipeline and their summaries.

use std::fmt;
use std::time::Duration;

use iopo_eval::EvaluationSummary;
use iopo_pairs::PairsSummary;
use iopo_report::ReportSummary;
use iopo_synth::SynthSummary;
use iopo_synth::fipo::FipoSummary;
use iopo_synth::trace::TraceSummary;
use iopo_train::TrainSummary;

use super::RoundsSummary;

/// A stage of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Tasks to constrained instructions with verified responses.
    Synth,
    /// Responses to preferences between instructions, and to candidate groups. It is no part of the whole pipeline.
    Fipo,
    /// Instructions and responses to preference groups.
    Pairs,
    /// Preference groups to one adapter per method.
    Train,
    /// Further rounds of synthesis, pairing and training.
    Rounds,
    /// The base and the trained models on held-out instructions.
    Eval,
    /// The files of the run to an HTML page.
    Report,
}

impl Stage {
    /// The stages of the whole pipeline, in the order in which they run.
    pub const ALL: [Self; 6] =
        [Self::Synth, Self::Pairs, Self::Train, Self::Rounds, Self::Eval, Self::Report];

    /// All stages, each after those whose results it reads.
    pub(super) const ORDER: [Self; 7] =
        [Self::Synth, Self::Fipo, Self::Pairs, Self::Train, Self::Rounds, Self::Eval, Self::Report];

    /// Returns the name, which is also the name of its command.
    pub fn name(self) -> &'static str {
        match self {
            Self::Synth => "synth",
            Self::Fipo => "fipo",
            Self::Pairs => "pairs",
            Self::Train => "train",
            Self::Rounds => "rounds",
            Self::Eval => "eval",
            Self::Report => "report",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A finished stage.
#[derive(Debug, Clone, PartialEq)]
pub struct StageOutcome {
    /// The result.
    pub summary: StageSummary,
    /// Time that it took; almost none if the stage was already finished.
    pub duration: Duration,
}

/// The result of a stage. Displays as one line.
#[derive(Debug, Clone, PartialEq)]
pub enum StageSummary {
    /// Result of [`Stage::Synth`].
    Synth(SynthSummary),
    /// Result of [`Stage::Synth`] with the recipe `trace`.
    Trace(TraceSummary),
    /// Result of [`Stage::Fipo`].
    Fipo(FipoSummary),
    /// Result of [`Stage::Pairs`].
    Pairs(PairsSummary),
    /// Result of [`Stage::Train`].
    Train(TrainSummary),
    /// Result of [`Stage::Rounds`].
    Rounds(RoundsSummary),
    /// Result of [`Stage::Eval`].
    Eval(EvaluationSummary),
    /// Result of [`Stage::Report`].
    Report(ReportSummary),
}

impl StageSummary {
    /// Returns the stage.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Synth(_) | Self::Trace(_) => Stage::Synth,
            Self::Fipo(_) => Stage::Fipo,
            Self::Pairs(_) => Stage::Pairs,
            Self::Train(_) => Stage::Train,
            Self::Rounds(_) => Stage::Rounds,
            Self::Eval(_) => Stage::Eval,
            Self::Report(_) => Stage::Report,
        }
    }
}

impl fmt::Display for StageSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Synth(made) => {
                let SynthSummary { tasks, kept, answers, instructions, .. } = made;
                let edited = 100.0 * made.edited_share();
                write!(
                    f,
                    "{tasks} tasks, {kept} answers kept of {answers}, {instructions} instructions, "
                )?;
                write!(f, "{edited:.0} % edited")
            }
            Self::Trace(made) => {
                let TraceSummary { tasks, instructions, candidates, right, requests, .. } = made;
                write!(
                    f,
                    "{tasks} tasks, {instructions} instructions, {candidates} candidate groups, "
                )?;
                write!(
                    f,
                    "{right} with the right truth table; {} of {requests} requests failed",
                    made.failed
                )
            }
            Self::Fipo(made) => {
                let FipoSummary { seeds, preferences, candidates, requests, failed, .. } = made;
                write!(
                    f,
                    "{seeds} responses, {preferences} preferences, {candidates} candidate groups; {failed} of {requests} \
                     requests failed"
                )
            }
            Self::Pairs(made) => {
                let PairsSummary { groups, full, sided, train, dev, test, worse_pairs, .. } = made;
                write!(
                    f,
                    "{groups} groups ({full} full, {sided} sided): {train} train, {dev} dev, {test} test"
                )?;
                if *worse_pairs > 0 {
                    write!(f, "; {worse_pairs} pairs with a worse answer")?;
                }
                Ok(())
            }
            Self::Train(made) => {
                write!(f, "{} models on {} groups", made.runs.len(), made.groups)
            }
            Self::Rounds(RoundsSummary { rounds: 1, .. }) => write!(f, "one round"),
            Self::Rounds(RoundsSummary { models: 0, .. }) => {
                write!(f, "no method continues after the first round")
            }
            Self::Rounds(RoundsSummary { rounds, models, groups }) => {
                write!(f, "{rounds} rounds, {models} models on {groups} groups after the first")
            }
            Self::Eval(EvaluationSummary { prompts: 0, groups, models, numbers }) => {
                write!(f, "{groups} held-out rows, {models} models, {numbers} numbers")
            }
            Self::Eval(EvaluationSummary { prompts, models, numbers, .. }) => {
                write!(f, "{prompts} prompts, {models} models, {numbers} numbers")
            }
            Self::Report(made) => {
                write!(f, "{}", made.out.display())?;
                if !made.missing.is_empty() {
                    write!(f, ", without {}, which did not run yet", made.missing.join(", "))?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use iopo_report::ReportSummary;
    use iopo_synth::SynthSummary;

    use super::{Stage, StageSummary};

    #[test]
    fn a_summary_is_one_line() {
        let mut synth = SynthSummary::default();
        (synth.tasks, synth.answers, synth.kept) = (3, 12, 9);
        (synth.instructions, synth.responses, synth.edited) = (8, 8, 2);
        let summary = StageSummary::Synth(synth);
        let line = "3 tasks, 9 answers kept of 12, 8 instructions, 25 % edited";
        assert_eq!((summary.to_string().as_str(), summary.stage()), (line, Stage::Synth));
        let report = ReportSummary {
            out: PathBuf::from("run/report.html"),
            bytes: 1,
            methods: Vec::new(),
            models: Vec::new(),
            groups: 0,
            missing: vec!["pairs".to_owned(), "training".to_owned()],
        };
        let line = "run/report.html, without pairs, training, which did not run yet";
        assert_eq!(StageSummary::Report(report).to_string(), line);
    }
}
