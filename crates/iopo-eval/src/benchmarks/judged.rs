//! The facts about the benchmarks that a language model judges. [`crate::judged`] runs them.

use super::{Published, Source};

/// TRACE as a command line offers it.
pub const TRACE: Published = Published {
    id: "trace",
    about: "TRACE: instructions with 1 to 15 constraints, each scored from 0 to 10 by a judge",
    data: "Items: the file of TRACE",
    source: Source::Repository("Complex-IF", "TRACE's evaluation set (JSON lines)"),
    items: "1042 prompts, 5087 constraints",
    languages: "Chinese (4 prompts: English)",
    license: "MIT",
    judge_calls: 1042,
    judging: "1042, one per response",
    headline: "IF: share of responses whose constraints all score 10 of 10",
    modes: &[],
};

/// CFBench as a command line offers it.
pub const CFBENCH: Published = Published {
    id: "cfbench",
    about: "CFBench: instructions with primary and secondary criteria, each decided by a judge",
    data: "Items: the file of CFBench",
    source: Source::Repository("CFBench", "data/cfbench_data.json"),
    items: "1000 prompts, 4237 criteria",
    languages: "Chinese",
    license: "none stated; iopo contains nothing of it",
    judge_calls: 1000,
    judging: "1000, one per response",
    headline: "PSR: share of responses that meet all primary and enough secondary criteria",
    modes: &[],
};

/// FollowBench as a command line offers it.
pub const FOLLOWBENCH: Published = Published {
    id: "followbench",
    about: "FollowBench: instructions with one to five added constraints, decided by a judge or by rules",
    data: "Items: the directory with the files of one language",
    source: Source::Repository("FollowBench", "the directory data (English) or data_zh (Chinese)"),
    items: "820 prompts in 164 groups of five levels (Chinese: 790 in 158)",
    languages: "English or Chinese, by --language",
    license: "Apache-2.0",
    judge_calls: 470,
    judging: "470 (Chinese: 460), one per response; rules decide the others",
    headline: "weighted HSR: share of responses that meet all constraints, higher levels counting more",
    modes: &[],
};

/// ComplexBench as a command line offers it.
pub const COMPLEXBENCH: Published = Published {
    id: "complexbench",
    about: "ComplexBench: composed constraints as questions that depend on each other, decided by a judge and rules",
    data: "Items: the file of ComplexBench",
    source: Source::Repository("ComplexBench", "data/data_final.json"),
    items: "1150 prompts, 5306 questions",
    languages: "Chinese, or its English translation, by --language",
    license: "MIT",
    judge_calls: 5306,
    judging: "5306, one per question; rules decide some about a part that the judge copies",
    headline: "DRFR: share of questions with the answer yes, after their dependencies",
    modes: &[],
};
