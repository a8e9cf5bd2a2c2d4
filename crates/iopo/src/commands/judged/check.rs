//! `iopo eval judge`.

use std::path::Path;

use anyhow::Result;
use iopo::roles::RoleName;
use iopo_eval::judged::check::{JudgeCheckConfig, JudgeCheckRun};

use super::models::{Local, Models};
use super::{check_dir, failure};
use crate::bars::Bars;
use crate::cli::JudgeCheckArgs;
use crate::commands::benchmark::run_config;
use crate::printer;

/// Puts constraints that code decides to a judge, and prints how far it agrees.
pub(crate) fn run(args: &JudgeCheckArgs) -> Result<()> {
    let mut config = JudgeCheckConfig::default();
    config.items = args.items.get();
    config.constraints = args.constraints.get();
    config.temperature = args.by.judge_temperature.unwrap_or(config.temperature);
    config.max_new_tokens = args.by.judge_max_new_tokens.get();
    config.seed = args.seed;
    let check = JudgeCheckRun::new(config);
    let models = Models::open(&args.by, [None, args.by.judge.as_deref()])?;
    let asked = match &args.by.judge {
        Some(_) => vec![(RoleName::Judge, "judge", check.requests())],
        None => Vec::new(),
    };
    if !models.confirm_requests(&asked, &args.by.paid)? {
        return Ok(());
    }
    let local = match &args.by.judge_model {
        Some(name) => {
            let on = (args.device.as_str(), args.dtype);
            let scratch = args.out.as_deref().unwrap_or(Path::new("runs/judge"));
            Some(Local::new(name, on, (args.batch.get(), &run_config(None)?, scratch))?)
        }
        None => None,
    };
    let judge = models.judge(local.as_ref())?;
    let out = args.out.clone().unwrap_or_else(|| check_dir(&judge.name()));
    let found = check.run(&*judge, &out, &Bars::new()).map_err(failure)?;
    printer::result(&found.table())
}
