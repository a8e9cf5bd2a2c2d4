//! `iopo report`.

use anyhow::Result;
use iopo_report::ReportMeta;
use iopo_schema::SummaryRow;

use crate::cli::RunArgs;
use crate::printer;
use crate::session::Session;

const DEMONSTRATION: &str = "This is a demonstration, small enough for a laptop and too small to draw conclusions from. \
    Look at the intervals before the numbers.";

/// Runs this stage alone.
pub(crate) fn run(args: &RunArgs) -> Result<()> {
    stage(&mut Session::open(args)?)
}

/// Writes the page and prints its table.
pub(crate) fn stage(session: &mut Session) -> Result<()> {
    session.timed("report", |session| {
        let page = session.run.report();
        let made = iopo_report::render(session.run.root(), &page, &meta(session)?)?;
        let summary = session.run.summary();
        if summary.is_file() {
            let rows: Vec<SummaryRow> = iopo_schema::read(&summary)?;
            printer::result(&iopo_report::terminal_table(
                &rows,
                Some(session.config.eval.confidence),
            ));
            if session.config.demonstration {
                printer::result(DEMONSTRATION);
            }
        }
        let missing = match made.missing.as_slice() {
            [] => String::new(),
            stages => format!(", without {}, which did not run yet", stages.join(", ")),
        };
        Ok(format!("{}{missing}", page.display()))
    })
}

fn meta(session: &Session) -> Result<ReportMeta> {
    let config = &session.config;
    let demonstration = config.demonstration.then(|| DEMONSTRATION.to_owned());
    let notes = Some(config.notes.clone()).filter(|notes| !notes.is_empty());
    let versions =
        [("iopo", env!("CARGO_PKG_VERSION").to_owned()), ("model", config.model.clone())];
    // Parts of the run may come from other devices, so the report does not show the device of this command.
    let mut table = config.to_table()?;
    table.remove("device");
    let mut meta = ReportMeta::new(format!("IOPO: {}", config.name), config.name.as_str());
    meta.notes = demonstration.into_iter().chain(notes).collect();
    meta.versions = versions.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    meta.config_toml = toml::to_string_pretty(&table)?;
    meta.confidence = Some(config.eval.confidence);
    Ok(meta)
}
