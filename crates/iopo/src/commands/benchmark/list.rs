//! `iopo eval list`.

use std::fmt::Write;

use iopo_eval::{JudgedBenchmark, PUBLISHED, Published};

/// Describes every benchmark.
pub(super) fn text() -> String {
    let described: Vec<String> = PUBLISHED.iter().map(describe).collect();
    described.join("\n")
}

fn describe(benchmark: &Published) -> String {
    let Published { id, about, items, languages, license, headline, .. } = benchmark;
    let judge = match benchmark.judge_calls {
        0 => "none: code decides".to_owned(),
        calls => format!("{calls} requests"),
    };
    let judged = JudgedBenchmark::ALL.into_iter().filter(|judged| judged.id() == *id);
    let coded = benchmark.modes.iter().map(|mode| mode.id);
    let modes: Vec<&str> =
        coded.chain(judged.flat_map(JudgedBenchmark::modes).map(|mode| mode.id())).collect();
    let modes = modes.join(", ");
    let mut text = format!("{id}\n  {about}\n");
    for (name, value) in [
        ("items", *items),
        ("languages", languages),
        ("license", license),
        ("judge", &judge),
        ("data", &benchmark.source.to_string()),
        ("headline", headline),
        ("modes", &modes),
    ] {
        let _ = writeln!(text, "  {name:10} {value}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn the_list_tells_cost_license_and_origin_of_every_benchmark() {
        let text = text();
        for part in ["ifeval", "ifbench", "trace", "cfbench", "followbench", "complexbench"] {
            assert!(text.lines().any(|line| line == part), "{part}: {text}");
        }
        for part in [
            "  judge      none: code decides",
            "  judge      5306 requests",
            "  license    ODC-BY-1.0",
            "  data       allenai/IFBench_test (hub)",
            "  data       data/data_final.json of ComplexBench (file)",
            "  headline   loose prompt accuracy",
            "  modes      repaired, paper, script",
        ] {
            assert!(text.lines().any(|line| line == part), "{part}: {text}");
        }
    }
}
