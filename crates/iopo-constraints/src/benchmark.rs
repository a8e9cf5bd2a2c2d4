//! IFEval and IFBench together: an instruction by its id, in either benchmark.

use serde_json::{Map, Value};

use crate::ifbench::{self, Tagger};
use crate::ifeval::{self, InstructionError, InstructionVerdict, Mode, Response};

/// A benchmark whose instructions are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Benchmark {
    /// The 25 types of IFEval.
    Ifeval,
    /// The 58 types of IFBench.
    Ifbench,
}

/// An instruction of either benchmark, prepared for checking.
#[derive(Debug)]
pub enum Checker {
    /// An instruction of IFEval.
    Ifeval(ifeval::Checker),
    /// An instruction of IFBench.
    Ifbench(ifbench::Checker),
}

impl Checker {
    /// Prepares an instruction for checking. `None` looks the id up in both benchmarks.
    ///
    /// # Errors
    /// Returns an error for an unknown id, for invalid arguments, and for `words:start_verb` without a tagger.
    pub fn new(
        benchmark: Option<Benchmark>,
        id: &str,
        kwargs: &Map<String, Value>,
        mode: Mode,
        tagger: Option<&Tagger>,
    ) -> Result<Self, InstructionError> {
        let of_ifbench = || {
            let instruction = ifbench::Instruction::from_parts(id, kwargs)?;
            Ok(Self::Ifbench(ifbench::Checker::new(&instruction, mode, tagger)?))
        };
        if benchmark == Some(Benchmark::Ifbench) {
            return of_ifbench();
        }
        match ifeval::Instruction::from_parts(id, kwargs) {
            Err(InstructionError::UnknownInstruction { known, .. }) if benchmark.is_none() => {
                of_ifbench().map_err(|error| in_neither(error, known))
            }
            instruction => Ok(Self::Ifeval(ifeval::Checker::new(&instruction?, mode)?)),
        }
    }

    /// Decides whether a response follows the instruction, strictly and loosely.
    pub fn verdict(&self, response: &Response<'_>) -> InstructionVerdict {
        match self {
            Self::Ifeval(checker) => checker.verdict(response),
            Self::Ifbench(checker) => checker.verdict(response),
        }
    }
}

/// The error of an id that neither benchmark has, where IFEval has `known` ids.
fn in_neither(error: InstructionError, known: usize) -> InstructionError {
    match error {
        InstructionError::UnknownInstruction { id, known: others, .. } => {
            let (known, benchmark) = (known + others, "IFEval and IFBench");
            InstructionError::UnknownInstruction { id, known, benchmark }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_id_names_the_benchmarks_that_were_searched() {
        let error = |benchmark| {
            let made = Checker::new(benchmark, "tea:pot", &Map::new(), Mode::Paper, None);
            made.expect_err("unknown").to_string()
        };
        assert!(error(None).ends_with("expected one of the 83 ids of IFEval and IFBench"));
        assert!(error(Some(Benchmark::Ifeval)).ends_with("the 25 ids of IFEval"));
        assert!(error(Some(Benchmark::Ifbench)).ends_with("the 58 ids of IFBench"));
    }
}
