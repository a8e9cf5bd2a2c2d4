//! A hub id: left to Hugging Face's own client, where it is installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::failure::Failure;
use crate::printer;

/// Whether a name looks like `org/name`.
pub(crate) fn is_id(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    name.split_once('/').is_some_and(|(org, name)| part(org) && part(name))
}

/// Fetches the repository's configuration, tokenizer and safetensors with `hf download`.
pub(crate) fn fetch(id: &str) -> Result<PathBuf> {
    printer::stage("fetch", &format!("{id} from the Hugging Face hub with `hf download` …"));
    let by_hand = format!(
        "`pip install huggingface_hub`, or fetch {id} by any other means and pass --model with its directory; \
         a local path that was meant must exist"
    );
    // Its progress goes to stderr, which is the user's; the directory it wrote to is the last line of stdout.
    let out = Command::new("hf")
        .args([
            "download",
            id,
            "--include",
            "*.json",
            "--include",
            "*.jinja",
            "--include",
            "*.safetensors",
        ])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| {
            let what = format!(
                "`{id}` is no path here, and as a hub id it needs the `hf` command: {error}"
            );
            Failure::new(what).way_out(&by_hand)
        })?;
    let stdout = String::from_utf8_lossy(&out.stdout);
    let dir = stdout.lines().map(str::trim).rfind(|line| !line.is_empty()).map(PathBuf::from);
    match dir.filter(|dir| out.status.success() && holds_config(dir)) {
        Some(dir) => Ok(dir),
        None => {
            Err(Failure::new(format!("`hf download {id}` brought no checkpoint ({})", out.status))
                .way_out(by_hand)
                .into())
        }
    }
}

fn holds_config(dir: &Path) -> bool {
    dir.join("config.json").is_file()
}

#[cfg(test)]
mod tests {
    use super::is_id;

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
