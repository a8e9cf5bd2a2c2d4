//! `iopo eval judge`.

use std::path::Path;

use anyhow::Result;
use iopo::roles::RoleName;
use iopo_eval::judged::check::{JudgeCheckConfig, JudgeCheckRun};

use super::{check_dir, failure};
use crate::bars::Bars;
use crate::cli::JudgeCheckArgs;
use crate::commands::benchmark::run_config;
use crate::commands::models::{Local, Models};
use crate::printer;

/// Puts constraints that code decides to a judge, and prints how far it agrees.
pub(crate) fn run(args: &JudgeCheckArgs) -> Result<()> {
    let mut config = JudgeCheckConfig::default();
    config.items = args.items.get();
    config.constraints = args.constraints.get();
    config.temperature = args.by.judge_temperature.unwrap_or(config.temperature);
    config.max_new_tokens = args.by.judge_max_new_tokens.get();
    config.seed = args.seed;
    let endpoints = [None, args.by.judge.as_deref()];
    let scratch = args.out.as_deref().unwrap_or(Path::new("runs/judge"));
    let stores_local = args.by.judge_model.is_some();
    let of_out = (scratch, &args.by.paid);
    let models = Models::open(args.by.config.as_deref(), endpoints, stores_local, of_out)?;
    let endpoint = models.judge_endpoint().map(str::to_owned);
    let check = JudgeCheckRun::new(config).with_endpoint(endpoint.clone());
    if let Some(shortfall) = check.shortfall() {
        printer::note(&shortfall);
    }
    let asked = args.by.judge.iter().map(|_| {
        let name = "judge".to_owned();
        (RoleName::Judge, name, check.requests())
    });
    if !models.confirm(&asked.collect::<Vec<_>>(), &args.by.paid)? {
        return Ok(());
    }
    let settings = run_config(None)?.template_settings()?;
    let load = |name: &String| Local::load(name, &args.on, settings, scratch);
    let local = args.by.judge_model.as_ref().map(load).transpose()?;
    let judge = models.judge(local.as_ref())?;
    let out = args.out.clone();
    let out = out.unwrap_or_else(|| check_dir(&judge.name(), endpoint.as_deref()));
    let found = check.run(&*judge, &out, &Bars::new()).map_err(failure)?;
    printer::result(&found.table())
}
