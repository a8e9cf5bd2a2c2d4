//! `iopo eval list`.

use std::fmt::Write;

use iopo_eval::{JudgedBenchmark, PUBLISHED, Published};

/// What to know before the list.
const INTRODUCTION: &str = "\
Benchmarks, each with the command that runs it. Judge calls are requests to a language model that judges, for one response to
every prompt. The headline is the number that papers report. Modes are sets of rules, the default first; --mode chooses one.
";

/// Describes every benchmark.
pub(super) fn text() -> String {
    let described = PUBLISHED.iter().map(describe);
    std::iter::once(INTRODUCTION.to_owned()).chain(described).collect::<Vec<_>>().join("\n")
}

fn describe(benchmark: &Published) -> String {
    let Published { id, about, items, languages, license, judging, headline, .. } = benchmark;
    let judged = JudgedBenchmark::ALL.into_iter().filter(|judged| judged.id() == *id);
    let judged = judged.flat_map(JudgedBenchmark::modes).map(|mode| (mode.id(), mode.about()));
    let coded = benchmark.modes.iter().map(|mode| (mode.id, mode.about));
    let modes: Vec<String> =
        coded.chain(judged).map(|(id, about)| format!("{id:9} {about}")).collect();
    let mut text = format!("iopo eval {id}\n  {about}\n");
    for (name, value) in [
        ("items", *items),
        ("languages", languages),
        ("license", license),
        ("judge calls", judging),
        ("--data", &benchmark.source.to_string()),
        ("headline", headline),
        ("modes", &modes.join(&format!("\n{:15}", ""))),
    ] {
        let _ = writeln!(text, "  {name:12} {value}");
    }
    text
}

#[cfg(test)]
mod tests {
    use iopo_eval::PUBLISHED;

    use super::text;

    #[test]
    fn the_list_tells_cost_license_and_origin_of_every_benchmark() {
        let text = text();
        for part in ["ifeval", "ifbench", "trace", "cfbench", "followbench", "complexbench"] {
            assert!(text.lines().any(|line| line == format!("iopo eval {part}")), "{part}: {text}");
        }
        for part in [
            "  judge calls  none; code decides",
            "  judge calls  470 (Chinese: 460), one per response; rules decide the others",
            "  license      ODC-BY-1.0",
            "  --data       hub id allenai/IFBench_test, or a copy of its file of prompts",
            "  --data       path of a copy of data/data_final.json from the repository ComplexBench",
            "  modes        repaired  Strict reading; asks again, then counts the item as unjudged",
        ] {
            assert!(text.lines().any(|line| line == part), "{part}: {text}");
        }
    }

    #[test]
    fn the_number_of_judge_calls_is_that_of_the_facts() {
        for benchmark in PUBLISHED {
            let stated = match benchmark.judge_calls {
                0 => "none".to_owned(),
                calls => calls.to_string(),
            };
            assert!(benchmark.judging.starts_with(&stated), "{}", benchmark.id);
        }
    }
}
