//! Export to rows of other trainers, and import of these rows.

#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../common/mod.rs"]
mod common;

mod export;
mod rows;
mod splits;

use std::fs;
use std::path::{Path, PathBuf};

use iopo_llm::Silent;
use iopo_pairs::exchange::{Container, Export, Format, Import};
use iopo_pairs::stage::make_groups;
use iopo_pairs::{ExchangeError, PairsConfig, import};
use iopo_schema::{PreferenceRow, Provenance, Split, read, write};

/// Creates groups of both kinds and a file of them.
fn preferences(dir: &Path) -> (Vec<PreferenceRow>, PathBuf) {
    let (instructions, responses) = common::rows(12, 4);
    let mut config = PairsConfig::default();
    (config.min_test_tasks, config.test_tasks, config.dev_tasks) = (0, 3, 1);
    let (groups, _) =
        make_groups(&common::task_ids(&instructions), &instructions, &responses, &config, &Silent)
            .expect("groups");
    let groups: Vec<PreferenceRow> = groups.into_iter().flatten().collect();
    let path = dir.join("preferences.parquet");
    write(&path, &groups, &Provenance::new("test", serde_json::json!({}))).expect("written");
    (groups, path)
}

fn texts(group: &PreferenceRow) -> [&str; 5] {
    let x2 = group.x2.as_deref().unwrap_or_default();
    [&group.id, &group.x1, &group.y1, x2, &group.y2]
}

const WAYS: [(Format, bool); 3] =
    [(Format::Trl, false), (Format::Trl, true), (Format::LlamaFactory, false)];

fn options(to: Format, conversational: bool, container: Container) -> Export {
    let mut options = Export::new(to, container);
    options.conversational = conversational;
    options
}

fn take(dir: &Path, content: &str, from: Format) -> Result<Vec<PreferenceRow>, ExchangeError> {
    let (file, out) = (dir.join("rows.json"), dir.join("taken.parquet"));
    fs::write(&file, content).expect("written");
    import(&[(Split::Dev, &file)], &out, &Import::new(from))?;
    Ok(read(&out).expect("ours"))
}

/// Two rows that mirror each other.
fn mirrored(x1: &str, x2: &str, y1: &str, y2: &str) -> String {
    let row = |x: &str, y: &str, n: &str| {
        format!(r#"{{"prompt":"{x}","chosen":"{y}","rejected":"{n}"}}"#)
    };
    format!("{}\n{}\n", row(x1, y1, y2), row(x2, y2, y1))
}
