//! The facts about the benchmarks that a language model judges. [`crate::judged`] runs them.

use super::{Published, Source};

/// TRACE as a command line offers it.
pub const TRACE: Published = Published {
    id: "trace",
    about: "TRACE: instructions with 1 to 15 constraints, each scored from 0 to 10 by a judge",
    data: "Items: the file of TRACE",
    source: Source::Repository("Complex-IF", "the evaluation file of TRACE"),
    items: "1042 items, 5087 constraints",
    languages: "zh, en",
    license: "MIT",
    judge_calls: 1042,
    headline: "share of items whose constraints all score 10",
    modes: &[],
};

/// CFBench as a command line offers it.
pub const CFBENCH: Published = Published {
    id: "cfbench",
    about: "CFBench: instructions with primary and secondary criteria, each decided by a judge",
    data: "Items: the file of CFBench",
    source: Source::Repository("CFBench", "data/cfbench_data.json"),
    items: "1000 items, 4237 criteria",
    languages: "zh",
    license: "none: take the file yourself",
    judge_calls: 1000,
    headline: "PSR, beside CSR and ISR",
    modes: &[],
};

/// FollowBench as a command line offers it.
pub const FOLLOWBENCH: Published = Published {
    id: "followbench",
    about: "FollowBench: instructions with one to five added constraints, decided by a judge or by rules",
    data: "Items: the directory with the files of one language",
    source: Source::Repository("FollowBench", "data or data_zh"),
    items: "820 items (zh: 790)",
    languages: "en or zh",
    license: "Apache-2.0",
    judge_calls: 470,
    headline: "HSR, averaged over the levels",
    modes: &[],
};

/// ComplexBench as a command line offers it.
pub const COMPLEXBENCH: Published = Published {
    id: "complexbench",
    about: "ComplexBench: composed constraints as questions that depend on each other, decided by a judge and rules",
    data: "Items: the file of ComplexBench",
    source: Source::Repository("ComplexBench", "data/data_final.json"),
    items: "1150 items, 5306 questions",
    languages: "zh, en",
    license: "MIT",
    judge_calls: 5306,
    headline: "DRFR",
    modes: &[],
};
