//! Downloads from the Hugging Face hub with its client `hf`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result};

use crate::failure::Failure;
use crate::{interrupt, printer};

/// One pattern that matches `*.json`, `*.jinja` and `*.safetensors`. `hf` supports only one `--include`: versions before
/// 1.0 use the last one, and later versions reject a second one.
const WANTED: &str = "*.[js]*";

/// One pattern that matches `*.jsonl` and `*.parquet`.
const ROWS: &str = "*.[jp][sa][or]*";

/// Whether a name looks like `org/name`.
pub(crate) fn is_id(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    name.split_once('/').is_some_and(|(org, name)| part(org) && part(name))
}

/// Downloads the configuration, tokenizer and safetensors of a repository.
pub(crate) fn fetch(id: &str) -> Result<PathBuf> {
    let by_hand = format!(
        "run `pip install huggingface_hub`, or download {id} by other means and pass its directory to --model; if you meant a \
         local path, it does not exist"
    );
    let (dir, status) = download(id, &["--include", WANTED], &by_hand)?;
    match dir.filter(|dir| holds_config(dir)) {
        Some(dir) => Ok(dir),
        None => {
            Err(Failure::new(format!("`hf download {id}` downloaded no checkpoint ({status})"))
                .hint(by_hand)
                .into())
        }
    }
}

/// Downloads the file of rows of a dataset: JSON lines or, without such a file, Parquet.
pub(crate) fn fetch_rows(id: &str) -> Result<PathBuf> {
    let by_hand = format!(
        "run `pip install huggingface_hub`, or download {id} by other means and pass the file to --data"
    );
    let wanted = ["--repo-type", "dataset", "--include", ROWS];
    let (dir, status) = download(id, &wanted, &by_hand)?;
    let files = |ending| dir.as_deref().map(|dir| files_in(dir, ending)).transpose();
    let (lines, parquet) =
        (files("jsonl")?.unwrap_or_default(), files("parquet")?.unwrap_or_default());
    match (lines.as_slice(), parquet.as_slice()) {
        ([path], _) | ([], [path]) => Ok(path.clone()),
        _ => {
            let found = format!("{} .jsonl and {} .parquet files", lines.len(), parquet.len());
            let what = format!("found {found} in {id}, expected one of either ({status})");
            Err(Failure::new(what).hint(by_hand).into())
        }
    }
}

/// Runs `hf download` and returns the directory that it wrote to, if it succeeded.
fn download(id: &str, flags: &[&str], by_hand: &str) -> Result<(Option<PathBuf>, ExitStatus)> {
    printer::stage("fetch", &format!("{id} from the Hugging Face hub with `hf download` …"));
    // It shows its progress on stderr.
    let out = Command::new("hf")
        .args(["download", id])
        .args(flags)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| {
            let what =
                format!("failed to start `hf`, which downloads `{id}` from the hub: {error}");
            Failure::new(what).hint(by_hand)
        })?;
    if !out.status.success() && interrupt::requested() {
        return Err(Failure::interrupted(format!("the download of {id} was interrupted")).into());
    }
    let dir = directory(&String::from_utf8_lossy(&out.stdout)).filter(|_| out.status.success());
    Ok((dir, out.status))
}

/// Lists the files with an ending in a directory and its subdirectories, sorted by path.
fn files_in(dir: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut left = vec![dir.to_owned()];
    while let Some(dir) = left.pop() {
        let what = || format!("failed to list {}", dir.display());
        for entry in std::fs::read_dir(&dir).with_context(what)? {
            let entry = entry.with_context(what)?;
            let path = entry.path();
            if entry.file_type().with_context(what)?.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Parses the last line that `hf download` prints: `DIR`, `path: DIR` or `path=DIR`, depending on its version.
fn directory(stdout: &str) -> Option<PathBuf> {
    let line = stdout.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    let named = line.strip_prefix("path:").or_else(|| line.strip_prefix("path="));
    Some(PathBuf::from(named.unwrap_or(line).trim()))
}

fn holds_config(dir: &Path) -> bool {
    dir.join("config.json").is_file()
}

#[cfg(test)]
mod tests {
    use super::{directory, files_in, is_id};

    #[test]
    fn the_directory_is_found_in_the_output_of_every_version() {
        for said in [
            "/hub/a b\n",
            "done\n/hub/a b\n\n",
            "✓ Downloaded\n  path: /hub/a b\n",
            "path=/hub/a b",
        ] {
            assert_eq!(directory(said).as_deref(), Some("/hub/a b".as_ref()), "{said:?}");
        }
        assert_eq!(directory("\n"), None);
    }

    #[test]
    fn files_are_found_by_their_ending() {
        let dir = tempfile::tempdir().expect("temporary directory");
        std::fs::create_dir(dir.path().join("data")).expect("created");
        for name in ["data/b.jsonl", "a.jsonl", "README.md", "data/c.parquet"] {
            std::fs::write(dir.path().join(name), "").expect("written");
        }
        let found = |ending| files_in(dir.path(), ending).expect("listed");
        assert_eq!(found("jsonl"), ["a.jsonl", "data/b.jsonl"].map(|name| dir.path().join(name)));
        assert_eq!(found("parquet"), [dir.path().join("data/c.parquet")]);
        let error = files_in(&dir.path().join("none"), "jsonl").expect_err("no such directory");
        assert!(error.to_string().starts_with("failed to list"), "{error}");
    }

    #[test]
    fn hub_ids_have_two_plain_parts() {
        for id in ["HuggingFaceTB/SmolLM2-135M-Instruct", "Qwen/Qwen2.5-0.5B"] {
            assert!(is_id(id), "{id}");
        }
        for path in ["./model", "../model", "a/b/c", "plain", "/abs", "dir/", "a b/c"] {
            assert!(!is_id(path), "{path}");
        }
    }
}
