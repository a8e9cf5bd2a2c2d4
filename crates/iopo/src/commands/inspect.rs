//! `iopo inspect`.

use std::fmt::Write;

use anyhow::{Context, Result};
use iopo_schema::Header;

use crate::cli::InspectArgs;
use crate::failure::framed;
use crate::printer;

/// Shows the metadata of a file and its first rows.
pub(crate) fn run(args: &InspectArgs) -> Result<()> {
    let file = &args.file;
    let (header, rows) = iopo_schema::preview(file, args.rows).map_err(|error| {
        let what = format!("failed to inspect {}", file.display());
        framed(error, what, "inspect reads only Parquet files that iopo wrote; run the stage again if this one is damaged")
    })?;
    printer::result(describe(&header).trim_end())?;
    for (index, row) in rows.iter().enumerate() {
        let row = serde_json::to_string_pretty(row).context("failed to show a row as JSON")?;
        printer::result(&format!("\nrow {index}\n{row}"))?;
    }
    let left = header.rows.saturating_sub(rows.len() as u64);
    if left > 0 {
        printer::result(&format!("\n… and {left} more (--rows N shows more)"))?;
    }
    Ok(())
}

fn describe(header: &Header) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "schema    {} version {}", header.name, header.version);
    let _ = writeln!(
        text,
        "rows      {} in {} row groups, {} bytes",
        header.rows, header.row_groups, header.bytes
    );
    let _ = writeln!(text, "producer  {}", header.provenance.producer);
    for (name, hash) in &header.provenance.inputs {
        let _ = writeln!(text, "input     {name} {hash}");
    }
    if let Some(hash) = &header.answers {
        let _ = writeln!(text, "answers   {hash}");
    }
    let _ = writeln!(text, "config    {}", header.provenance.config);
    let width = header.columns.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let _ = writeln!(text, "columns");
    for (name, kind) in &header.columns {
        let _ = writeln!(text, "  {name:width$}  {kind}");
    }
    text
}
