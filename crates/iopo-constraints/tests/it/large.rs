//! Every check on an answer of 10 MB. The time of each check is printed, not asserted.

use std::time::{Duration, Instant};

use iopo_constraints::CountedResponse;
use iopo_constraints::ifbench;
use iopo_constraints::ifeval::{self, Mode, Response};

use crate::support;

/// The size of the answer in bytes.
const SIZE: usize = 10_000_000;

/// Prose with everything that checks react to: marks, numbers, lists, quotations, other scripts, brackets.
const UNIT: &str = "Tea is a warm drink, and I don't mind it at 3.50 a cup. \"Really?\" asked Dr. Lee (twice)!\n\
    - **Tea** [green]: e.g. sencha, 10-20 g\n* milk; <<sugar>>\n\n1. Boil. 2. Wait... 日本語の茶。İß é\u{301} 🙂\n***\n";

/// The number of checks of a group, their time, and the slowest ones.
fn summary(group: &str, mut times: Vec<(String, Duration)>) -> String {
    times.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    let total: Duration = times.iter().map(|(_, time)| *time).sum();
    let slow: Vec<String> =
        times.iter().take(4).map(|(name, time)| format!("{name} {time:.2?}")).collect();
    format!("{group}: {} checks in {total:.1?}; slowest: {}", times.len(), slow.join(", "))
}

fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = run();
    (value, start.elapsed())
}

#[test]
#[ignore = "takes minutes"]
fn every_check_ends_on_an_answer_of_10_megabytes() {
    let text = UNIT.repeat(SIZE / UNIT.len() + 1);
    let response = Response::new(&text);
    let mut times = Vec::new();
    for instruction in support::instructions::instructions() {
        for mode in Mode::ALL {
            let Ok(checker) = ifeval::Checker::new(&instruction, mode) else { continue };
            let (verdict, time) = timed(|| checker.verdict(&response));
            assert!(verdict.loose || !verdict.strict, "{}", checker.kind());
            times.push((format!("{} {mode}", checker.kind()), time));
        }
    }
    println!("{}", summary("IFEval, strict and loose", times));
    let (mut times, tagger) = (Vec::new(), support::ifbench::verb_tagger());
    for instruction in support::ifbench::instructions() {
        for mode in Mode::ALL {
            let checker = ifbench::Checker::new(&instruction, mode, Some(&tagger));
            let checker = checker.expect("a tagger is given");
            let (verdict, time) = timed(|| checker.verdict(&response));
            assert!(verdict.loose || !verdict.strict, "{}", checker.kind());
            times.push((format!("{} {mode}", checker.kind()), time));
        }
    }
    println!("{}", summary("IFBench, strict and loose", times));
    let (mut times, counted) = (Vec::new(), CountedResponse::new(&text));
    for constraint in support::constraints::draws(0, "Explain green tea.") {
        let (verdict, time) = timed(|| constraint.check(&text));
        assert_eq!(counted.satisfies(&constraint), verdict.satisfied, "{constraint:?}");
        times.push((constraint.kind().to_string(), time));
    }
    println!("{}", summary("Kinds", times));
}
