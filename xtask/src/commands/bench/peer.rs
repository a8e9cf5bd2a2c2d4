//! Alternates our steps with those of PyTorch, on the same machine, weights and token ids.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::cases::{ADAPTER, Case, DECODING, STEPS, SYNTHESIS};
use super::document::{publish, write};
use super::measured::Round;
use super::program::Programs;
use super::store::Store;
use super::{Args, dir, machine, tables};
use crate::cargo::{root, say};
use crate::smollm2;

/// Length under which decoding and synthesis are stored.
pub(super) const NO_LENGTH: &str = "";

/// The work that a case measures, which is a command of both programs.
#[derive(Clone, Copy)]
enum Work {
    Step,
    Decode,
    Synth,
}

impl Work {
    fn command(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Decode => "decode",
            Self::Synth => "synth",
        }
    }
}

/// The amount of work to measure.
pub(super) struct Plan {
    pub(super) lengths: Vec<String>,
    pub(super) rounds: usize,
    pub(super) repeat: usize,
    pub(super) warmup: usize,
    /// New tokens of a generation.
    decoded: &'static str,
    /// Tasks of a synthesis.
    tasks: &'static str,
}

impl Plan {
    fn new(args: &Args) -> Self {
        if args.quick {
            let lengths = vec!["16+16".to_owned()];
            return Self { lengths, rounds: 1, repeat: 1, warmup: 1, decoded: "4", tasks: "2" };
        }
        let (rounds, repeat, warmup) = (args.rounds, args.repeat, args.warmup);
        Self { lengths: args.lengths.clone(), rounds, repeat, warmup, decoded: "32", tasks: "25" }
    }
}

/// Measures the missing rounds, and rewrites the tables after each case.
pub(super) fn run(args: &Args) -> Result<()> {
    let plan = Plan::new(args);
    ensure!(plan.rounds > 0 && plan.repeat > 0, "expected at least one round of one step");
    let mut cases = STEPS.iter().chain(&DECODING).chain([&SYNTHESIS]);
    ensure!(cases.any(|case| args.wants(case.name)), "no case matches the names of --only");
    let model = match &args.model {
        Some(model) => std::path::absolute(model)?,
        None => smollm2::fetched()?,
    };
    let work = dir().join("peer");
    fs::create_dir_all(&work).with_context(|| format!("failed to create {}", work.display()))?;
    let programs = Programs::ready(args.threads)?;
    let settings = json!({ "programs": programs.settings(), "repeat": plan.repeat, "warmup": plan.warmup, "model": model });
    let file = if args.quick { "quick.jsonl" } else { "rounds.jsonl" };
    let store = Store::open(&work.join(file), settings, args.fresh || args.quick)?;
    let mut bench = Bench { args, plan, work, programs, store };
    bench.prepare(&model)?;
    bench.measure()
}

/// The state that every measurement needs.
struct Bench<'a> {
    args: &'a Args,
    plan: Plan,
    work: PathBuf,
    programs: Programs,
    store: Store,
}

impl Bench<'_> {
    fn path(&self, name: &str) -> String {
        self.work.join(name).display().to_string()
    }

    /// Prepares weights, a fresh adapter and token ids for both sides.
    fn prepare(&self, model: &Path) -> Result<()> {
        say("preparing weights and token ids");
        let made = self.work.join("model");
        // An earlier run may have prepared another model.
        if made.exists() {
            fs::remove_dir_all(&made)
                .with_context(|| format!("failed to clear {}", made.display()))?;
        }
        let (model, out) = (model.display().to_string(), self.work.display().to_string());
        let mut args = vec![model.as_str(), &out];
        for length in &self.plan.lengths {
            args.extend(["--length", length]);
        }
        self.programs.prepare(&args)
    }

    /// Measures all cases in every round, so that compared numbers are measured close together.
    fn measure(&mut self) -> Result<()> {
        for round in 0..self.plan.rounds {
            self.round(round)?;
        }
        say(&self.tables()?);
        if !self.args.quick {
            publish("peer", &self.tables()?)?;
        }
        Ok(())
    }

    fn round(&mut self, round: usize) -> Result<()> {
        for length in self.plan.lengths.clone() {
            for case in &STEPS {
                let groups = self.path(&format!("groups-{}.json", length.replace('+', "-")));
                self.case(round, case, &length, Work::Step, &["--groups", &groups])?;
            }
        }
        let prompts = self.path("prompts.json");
        for case in &DECODING {
            let flags = ["--prompts", &prompts, "--tokens", self.plan.decoded];
            self.case(round, case, NO_LENGTH, Work::Decode, &flags)?;
        }
        let tasks = root().join("crates/iopo/data/tasks.jsonl").display().to_string();
        let flags = ["--tasks", &tasks, "--count", self.plan.tasks];
        self.case(round, &SYNTHESIS, NO_LENGTH, Work::Synth, &flags)
    }

    /// Measures a case in one round, one side right after the other. Skips a round that was measured before.
    fn case(
        &mut self,
        round: usize,
        case: &Case,
        length: &str,
        work: Work,
        flags: &[&str],
    ) -> Result<()> {
        if !self.args.wants(case.name) || self.store.rounds(case.name, length).0.len() > round {
            return Ok(());
        }
        let (model, adapter) = (self.path("model"), self.path("adapter"));
        let (repeat, warmup) = (self.plan.repeat.to_string(), self.plan.warmup.to_string());
        let what = work.command();
        let repeated: &[&str] = match work {
            Work::Synth => &[],
            Work::Step | Work::Decode => &["--repeat", &repeat, "--warmup", &warmup],
        };
        let our_args = [&[what, &model], flags, repeated, case.ours].concat();
        let their_args = case.theirs.map(|own| {
            let own = own.iter().flat_map(|&flag| match flag {
                ADAPTER => vec![ADAPTER, &adapter],
                flag => vec![flag],
            });
            let own: Vec<&str> = own.collect();
            [&[what, "--model", &model], flags, repeated, &own].concat()
        });
        let others = machine::others();
        let ours = self.programs.ours(&our_args)?;
        let theirs = their_args.as_ref().map(|args| self.programs.theirs(args)).transpose()?;
        let measured = Round { ours, theirs, others };
        if case.same {
            measured.agrees().with_context(|| format!("{} {length}", case.name))?;
        }
        self.store.add(case.name, length, &measured)?;
        write(&dir().join("peer.md"), &self.tables()?)
    }

    fn tables(&self) -> Result<String> {
        tables::render(&self.store, &self.plan, self.args.threads)
    }
}
