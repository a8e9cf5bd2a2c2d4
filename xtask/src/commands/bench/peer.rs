//! Our steps and PyTorch's in turns on the same machine, the same weights and the same token ids.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::measured::{Side, median};
use super::{Args, dir, tell, write};
use crate::cargo::{cargo, output, root, say};
use crate::commands::pipeline::cpu_features;
use crate::python::Python;

/// The file that the pipeline fetches for its default model.
const MODEL: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";

/// A step that both sides do.
struct Case {
    name: &'static str,
    ours: &'static [&'static str],
    theirs: &'static [&'static str],
    /// Whether both compute in f32, so that their log-probabilities must agree.
    same: bool,
}

const CASES: [Case; 6] = [
    Case {
        name: "IOPO, LoRA",
        ours: &["--mode", "iopo"],
        theirs: &["--mode", "official"],
        same: true,
    },
    Case {
        name: "IOPO, LoRA, two groups an update",
        ours: &["--mode", "iopo", "--groups-per-update", "2"],
        theirs: &["--mode", "official", "--groups-per-update", "2"],
        same: true,
    },
    Case {
        name: "IOPO, LoRA, theirs in bf16",
        ours: &["--mode", "iopo"],
        theirs: &["--mode", "official", "--dtype", "bf16"],
        same: false,
    },
    Case {
        name: "DPO, both pairs, LoRA",
        ours: &["--mode", "dpo"],
        theirs: &["--mode", "dpo"],
        same: true,
    },
    Case {
        name: "DPO, one pair, LoRA",
        ours: &["--mode", "dpo-paper"],
        theirs: &["--mode", "dpo-pair"],
        same: true,
    },
    Case {
        name: "IOPO, every weight",
        ours: &["--mode", "iopo", "--full"],
        theirs: &["--mode", "official", "--train", "full"],
        same: true,
    },
];

const STEP_HEAD: &str = "\
| step | prompt + response | iopo, s a group | PyTorch, s a group | iopo's reference pass, s | × without it | × one epoch | × three epochs | iopo, GB | PyTorch, GB | of the floor |
|---|---|---|---|---:|---:|---:|---:|---:|---:|---:|
";

const DECODE_HEAD: &str = "\
| greedy decoding | iopo, one batch | iopo, dealt out | PyTorch f32 | PyTorch bf16 | × f32 | iopo, GB | PyTorch f32, GB |
|---|---:|---:|---:|---:|---:|---:|---:|
";

/// Measures all cases and writes `peer.md` anew after each.
pub(super) fn run(args: &Args) -> Result<()> {
    ensure!(args.rounds > 0 && args.repeat > 0, "expected at least one round of one step");
    let model = match &args.model {
        Some(model) => std::path::absolute(model)?,
        None => fetched_model()?,
    };
    let bench = Bench { args, work: dir().join("peer"), python: Python::ready()? };
    fs::create_dir_all(&bench.work)
        .with_context(|| format!("failed to make {}", bench.work.display()))?;
    bench.prepare(&model)?;
    let path = dir().join("peer.md");
    let (mut steps, mut decoding, mut torch) = (String::new(), String::new(), String::new());
    let report = |torch: &str, steps: &str, decoding: &str| {
        let head = bench.head(torch);
        format!("{head}\n{STEP_HEAD}{steps}\n{DECODE_HEAD}{decoding}")
    };
    for length in &args.lengths {
        for case in &CASES {
            let (ours, theirs) = bench.case(case, length)?;
            theirs.text("torch").clone_into(&mut torch);
            steps += &step_line(case, length, &ours, &theirs)?;
            write(&path, &report(&torch, &steps, &decoding))?;
        }
    }
    for batch in ["1", "16"] {
        decoding += &bench.decoding(batch)?;
        write(&path, &report(&torch, &steps, &decoding))?;
    }
    tell(&path, &report(&torch, &steps, &decoding));
    Ok(())
}

/// Where `iopo` keeps the default model: `IOPO_CACHE`, else `iopo` in the cache of the user.
fn fetched_model() -> Result<PathBuf> {
    let var = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = var("IOPO_CACHE")
        .or_else(|| var("XDG_CACHE_HOME").map(|dir| dir.join("iopo")))
        .or_else(|| var("HOME").or_else(|| var("USERPROFILE")).map(|dir| dir.join(".cache/iopo")));
    match cache.map(|dir| dir.join(MODEL)).filter(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => bail!("{MODEL} is not there: `cargo xtask pipeline` fetches it; or pass --model"),
    }
}

/// What every measurement needs.
struct Bench<'a> {
    args: &'a Args,
    work: PathBuf,
    python: Python,
}

impl Bench<'_> {
    fn head(&self, torch: &str) -> String {
        let Args { rounds, repeat, threads, .. } = self.args;
        format!(
            "`cargo xtask bench --peer`, features `{}`, PyTorch {torch}, {threads} threads each; {rounds} rounds in \
             turns of {repeat} steps after one; medians (least–most). A ratio above 1 says that iopo is faster.\n",
            cpu_features()
        )
    }

    /// Our program, built as the pipeline builds the binary.
    fn ours(&self, args: &[&str]) -> Result<String> {
        let mut command = cargo(&["run", "--quiet", "--release", "--package", "iopo"]);
        command.args(["--example", "bench_step", "--no-default-features"]);
        command.args(["--features", cpu_features(), "--"]).args(args);
        output(command.env("RAYON_NUM_THREADS", self.args.threads.to_string()))
    }

    fn theirs(&self, args: &[&str]) -> Result<String> {
        let script = root().join("fixtures").join("peer").join("bench_peer.py");
        let threads = self.args.threads.to_string();
        let mut command = self.python.script(&script);
        command.args(args).args(["--threads", &threads]).env("OMP_NUM_THREADS", &threads);
        output(&mut command)
    }

    fn path(&self, name: &str) -> String {
        self.work.join(name).display().to_string()
    }

    /// Weights and token ids for both.
    fn prepare(&self, model: &Path) -> Result<()> {
        say("preparing weights and token ids");
        let made = self.work.join("model");
        // It may be another model's.
        if made.exists() {
            fs::remove_dir_all(&made)
                .with_context(|| format!("failed to clear {}", made.display()))?;
        }
        let (model, out) = (model.display().to_string(), self.work.display().to_string());
        let mut args = vec!["prepare", &model, &out];
        for length in &self.args.lengths {
            args.extend(["--length", length]);
        }
        self.ours(&args).map(drop)
    }

    /// Both sides of a case, in turns.
    fn case(&self, case: &Case, length: &str) -> Result<(Side, Side)> {
        let (model, repeat) = (self.path("model"), self.args.repeat.to_string());
        let groups = self.path(&format!("groups-{}.json", length.replace('+', "-")));
        let common = ["--groups", &groups, "--repeat", &repeat];
        let our_args = [&["step", &model], &common[..], case.ours].concat();
        let their_args = [&["step", "--model", &model], &common[..], case.theirs].concat();
        let (mut ours, mut theirs) = (Side::default(), Side::default());
        for _ in 0..self.args.rounds {
            ours.add(&self.ours(&our_args)?)?;
            theirs.add(&self.theirs(&their_args)?)?;
        }
        if case.same {
            ours.agrees(&theirs).with_context(|| format!("{}, {length}", case.name))?;
        }
        Ok((ours, theirs))
    }

    /// A line of tokens a second.
    fn decoding(&self, batch: &str) -> Result<String> {
        let (model, prompts) = (self.path("model"), self.path("prompts.json"));
        let repeat = self.args.repeat.to_string();
        let common = ["--prompts", &prompts, "--batch", batch, "--repeat", &repeat];
        let our_args = [&["decode", &model], &common[..]].concat();
        let their_args = [&["decode", "--model", &model], &common[..]].concat();
        let (mut ours, mut theirs, mut half) = (Side::default(), Side::default(), Side::default());
        for _ in 0..self.args.rounds {
            ours.add(&self.ours(&our_args)?)?;
            theirs.add(&self.theirs(&their_args)?)?;
            half.add(&self.theirs(&[&their_args[..], &["--dtype", "bf16"]].concat())?)?;
        }
        let rate = "tokens_per_second";
        let (alone, dealt) = (ours.median(rate)?, ours.median("tokens_per_second_dealt")?);
        let (full, half) = (theirs.median(rate)?, half.median(rate)?);
        Ok(format!(
            "| batch {batch}, tokens a second | {alone:.1} | {dealt:.1} | {full:.1} | {half:.1} | {:.2} | {} | {} |\n",
            alone.max(dealt) / full,
            ours.peak(),
            theirs.peak(),
        ))
    }
}

/// A line of the table of steps: the ratio with our reference pass left out, charged to one epoch, and to three.
fn step_line(case: &Case, length: &str, ours: &Side, theirs: &Side) -> Result<String> {
    let (our_times, their_times) = (ours.times()?, theirs.times()?);
    let reference = ours.median("reference_seconds")?;
    let [ratio, one, three] = ratios(&our_times, &their_times, reference);
    let mut line = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        line,
        "| {} | {length} | {} | {} | {reference:.2} | {ratio:.2} | {one:.2} | {three:.2} | {} | {} | {:.0} % |",
        case.name,
        spread(our_times),
        spread(their_times),
        ours.peak(),
        theirs.peak(),
        100.0 * ours.median("floor_share")?,
    );
    Ok(line)
}

/// Theirs, which has its reference pass in it, by ours with none, one, and a third of it.
fn ratios(ours: &[f64], theirs: &[f64], reference: f64) -> [f64; 3] {
    let (ours, theirs) = (median(ours.to_vec()), median(theirs.to_vec()));
    [0.0, 1.0, 1.0 / 3.0].map(|share| theirs / (ours + share * reference))
}

/// `2.31 (2.25–2.60)`.
fn spread(times: Vec<f64>) -> String {
    let least = times.iter().copied().fold(f64::INFINITY, f64::min);
    let most = times.iter().copied().fold(0.0, f64::max);
    format!("{:.2} ({least:.2}–{most:.2})", median(times))
}

#[cfg(test)]
mod tests {
    use super::{ratios, spread};

    #[test]
    fn the_reference_pass_is_charged_by_epochs() {
        let [without, one, three] = ratios(&[1.0, 3.0, 2.0], &[12.0], 1.0);
        assert!((without - 6.0).abs() < 1e-12 && (one - 4.0).abs() < 1e-12);
        assert!((three - 12.0 / (2.0 + 1.0 / 3.0)).abs() < 1e-12);
    }

    #[test]
    fn a_median_stands_with_its_extremes() {
        assert_eq!(spread(vec![3.0, 1.0, 2.5]), "2.50 (1.00–3.00)");
    }
}
