//! The text of a run's report.

use iopo_report::ReportMeta;

use crate::config::{ConfigError, PipelineConfig, to_toml};

/// Warning in the report of a run with `demonstration = true`.
pub const DEMONSTRATION: &str = "This is a demonstration, small enough for a laptop and too small to draw conclusions from. \
    Look at the intervals before the numbers.";

/// Returns the title, the notes and the configuration that the report shows.
pub(super) fn meta(config: &PipelineConfig) -> Result<ReportMeta, ConfigError> {
    let demonstration = config.demonstration.then(|| DEMONSTRATION.to_owned());
    let notes = Some(config.notes.clone()).filter(|notes| !notes.is_empty());
    let versions =
        [("iopo", env!("CARGO_PKG_VERSION").to_owned()), ("model", config.model.clone())];
    // Parts of the run may come from other devices, so the report does not show the device of this process.
    let mut table = config.to_table()?;
    table.remove("device");
    let mut meta = ReportMeta::new(format!("IOPO: {}", config.name), config.name.as_str());
    meta.notes = demonstration.into_iter().chain(notes).collect();
    meta.versions = versions.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    meta.config_toml = to_toml(&table)?;
    meta.confidence = Some(config.eval.confidence);
    Ok(meta)
}

#[cfg(test)]
mod tests {
    use iopo_report::KNOWN_MODELS;
    use iopo_train::Method;

    #[test]
    fn the_report_knows_the_base_and_every_method() {
        let known: Vec<&str> =
            ["base"].into_iter().chain(Method::ALL.iter().map(|method| method.name())).collect();
        for name in &known {
            assert!(KNOWN_MODELS.contains(name), "{name}");
        }
        assert_eq!(KNOWN_MODELS.len(), known.len());
    }
}
