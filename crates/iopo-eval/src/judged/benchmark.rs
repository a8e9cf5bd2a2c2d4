//! The judged benchmarks and their modes.

use std::path::{Path, PathBuf};

use iopo_core::text::is_han;
use iopo_judge::{Language, Mode, Prompt};

use super::items::{CfBench, ComplexBench, FollowBench, Items, JudgedPrompt, Trace};
use crate::EvalError;
use crate::benchmarks::data::read_text;

/// The rules by which verdicts are read and counted. Scores of different modes are not comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JudgedMode {
    /// The published parser and arithmetic, including their errors. For TRACE, the formula of the paper.
    Paper,
    /// Accepts harmless variation, gives no verdict on an ambiguous answer, and asks again.
    Repaired,
    /// TRACE only: the overall rating that the published script reads.
    Script,
}

impl JudgedMode {
    /// Returns the name in files and commands.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Paper => Mode::Paper.id(),
            Self::Repaired => Mode::Repaired.id(),
            Self::Script => "script",
        }
    }

    /// Returns one line of help.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Paper => "As published, including known errors; asks once",
            Self::Repaired => "Strict reading; asks again, then counts the item as unjudged",
            Self::Script => "The overall rating, as the published script reads it",
        }
    }

    /// Returns how answers are read.
    pub(super) fn reading(self) -> Mode {
        match self {
            Self::Paper | Self::Script => Mode::Paper,
            Self::Repaired => Mode::Repaired,
        }
    }
}

/// A benchmark whose verdicts come from a language model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JudgedBenchmark {
    /// TRACE: a score from 0 to 10 per constraint.
    Trace,
    /// CFBench: a mark per criterion.
    CfBench,
    /// FollowBench: five levels of constraints, by a judge or by rules.
    FollowBench,
    /// ComplexBench: yes-no questions that depend on each other.
    ComplexBench,
}

/// The types of FollowBench's files, in the order of its tables.
pub(super) const FOLLOWBENCH_FILES: [&str; 6] =
    ["content", "situation", "style", "format", "example", "mixed"];

impl JudgedBenchmark {
    /// Every judged benchmark.
    pub const ALL: [Self; 4] = [Self::Trace, Self::CfBench, Self::FollowBench, Self::ComplexBench];

    /// Returns the name of the subcommand, and the id in the `benchmark` column of files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::CfBench => "cfbench",
            Self::FollowBench => "followbench",
            Self::ComplexBench => "complexbench",
        }
    }

    /// Returns the name in texts.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::CfBench => "CFBench",
            Self::FollowBench => "FollowBench",
            Self::ComplexBench => "ComplexBench",
        }
    }

    /// Returns one line of help.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Trace => "TRACE: instructions with 1 to 15 constraints, scored by a judge",
            Self::CfBench => "CFBench: Chinese instructions with criteria that a judge marks",
            Self::FollowBench => "FollowBench: five levels of constraints, by a judge or by rules",
            Self::ComplexBench => "ComplexBench: composed instructions, scored by yes-no questions",
        }
    }

    /// Returns the help for the data that a user passes.
    pub const fn data(self) -> &'static str {
        match self {
            Self::Trace => "Items: the JSON lines of TRACE's evaluation set",
            Self::CfBench => "Items: cfbench_data.json of CFBench's repository",
            Self::FollowBench => {
                "Items: the directory with *_constraints.json of one language, or one such file"
            }
            Self::ComplexBench => "Items: data_final.json of ComplexBench's repository",
        }
    }

    /// Returns the metric that tables show first, and the subset it covers.
    pub const fn headline(self, mode: JudgedMode) -> (&'static str, &'static str) {
        match (self, mode) {
            (Self::Trace, JudgedMode::Script) => ("share of 10", "all"),
            (Self::Trace, _) => ("IF", "all"),
            (Self::CfBench, _) => ("PSR", "all"),
            (Self::FollowBench, _) => ("weighted HSR", "all"),
            (Self::ComplexBench, _) => ("DRFR", "all"),
        }
    }

    /// Returns the modes, the default first.
    pub const fn modes(self) -> &'static [JudgedMode] {
        match self {
            Self::Trace => &[JudgedMode::Repaired, JudgedMode::Paper, JudgedMode::Script],
            Self::CfBench | Self::FollowBench | Self::ComplexBench => {
                &[JudgedMode::Repaired, JudgedMode::Paper]
            }
        }
    }

    /// Returns the languages to choose from, the default first: of the judge's prompt for TRACE, of the data otherwise.
    pub const fn languages(self) -> &'static [Language] {
        match self {
            Self::Trace | Self::ComplexBench => &[Language::Chinese, Language::English],
            Self::CfBench => &[Language::Chinese],
            Self::FollowBench => &[Language::English, Language::Chinese],
        }
    }

    /// Whether the language is a choice: TRACE's published prompts are in English.
    pub const fn has_languages(self, mode: JudgedMode) -> bool {
        match self {
            Self::Trace => matches!(mode, JudgedMode::Repaired),
            Self::CfBench => false,
            Self::FollowBench | Self::ComplexBench => true,
        }
    }

    /// Refuses FollowBench's items in another language: their rules and prompts would count wrongly without an error.
    pub(super) fn refuse_other_language(
        self,
        language: Language,
        data: &Path,
        prompts: &[JudgedPrompt],
    ) -> Result<(), EvalError> {
        if self != Self::FollowBench {
            return Ok(());
        }
        let chinese = prompts.iter().filter(|one| one.test.prompt.chars().any(is_han)).count();
        let is_chinese = 2 * chinese > prompts.len();
        if prompts.is_empty() || is_chinese == (language == Language::Chinese) {
            return Ok(());
        }
        Err(EvalError::OtherLanguage {
            data: data.to_owned(),
            chinese,
            prompts: prompts.len(),
            language: language.id(),
            other: if is_chinese { Language::Chinese.id() } else { Language::English.id() },
        })
    }

    /// Returns the templates that a run uses.
    pub const fn templates(self, mode: JudgedMode) -> &'static [Prompt] {
        match (self, mode) {
            (Self::Trace, JudgedMode::Repaired) => &[Prompt::Trace],
            (Self::Trace, JudgedMode::Paper) => &[Prompt::TracePaper],
            (Self::Trace, JudgedMode::Script) => &[Prompt::TraceScript],
            (Self::CfBench, _) => &[Prompt::CfBench],
            (Self::FollowBench, _) => &[Prompt::FollowBenchOne, Prompt::FollowBench],
            (Self::ComplexBench, _) => &[Prompt::ComplexBenchJudge, Prompt::ComplexBenchExtract],
        }
    }

    /// Returns the files of the data: the path itself, or FollowBench's files in a directory.
    ///
    /// # Errors
    /// Returns an error if a directory has none of the files.
    pub fn files(self, data: &Path) -> Result<Vec<PathBuf>, EvalError> {
        if self != Self::FollowBench || !data.is_dir() {
            return Ok(vec![data.to_owned()]);
        }
        let files = FOLLOWBENCH_FILES.map(|name| data.join(format!("{name}_constraints.json")));
        let files: Vec<PathBuf> = files.into_iter().filter(|path| path.is_file()).collect();
        if files.is_empty() {
            return Err(EvalError::NoPrompts { data: data.to_owned(), responses: None });
        }
        Ok(files)
    }

    /// Returns the keys and texts of the prompts.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read or parsed.
    pub(crate) fn prompt_texts(self, data: &Path) -> Result<Vec<(String, String)>, EvalError> {
        let items = self.read(self.modes()[0], self.languages()[0], data)?;
        let text = |prompt: &JudgedPrompt| (prompt.test.key.clone(), prompt.test.prompt.clone());
        Ok(items.prompts().iter().map(text).collect())
    }

    /// Parses the files of the data.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read or parsed.
    pub(super) fn read(
        self,
        mode: JudgedMode,
        language: Language,
        data: &Path,
    ) -> Result<Box<dyn Items>, EvalError> {
        let bad = |path: &Path| {
            let path = path.to_owned();
            |source| EvalError::JudgedData { path, source }
        };
        Ok(match self {
            Self::Trace => {
                let items = iopo_judge::trace::parse(&read_text(data)?).map_err(bad(data))?;
                Box::new(Trace { mode, items })
            }
            Self::CfBench => {
                let items = iopo_judge::cfbench::parse(&read_text(data)?).map_err(bad(data))?;
                Box::new(CfBench { mode: mode.reading(), items })
            }
            Self::FollowBench => {
                let mut items = Vec::new();
                for path in self.files(data)? {
                    let parsed = iopo_judge::followbench::parse(language, &read_text(&path)?);
                    items.extend(parsed.map_err(bad(&path))?);
                }
                Box::new(FollowBench::new(mode.reading(), items))
            }
            Self::ComplexBench => {
                let mode = mode.reading();
                let items = iopo_judge::complexbench::parse(mode, language, &read_text(data)?);
                Box::new(ComplexBench { mode, language, items: items.map_err(bad(data))? })
            }
        })
    }
}
