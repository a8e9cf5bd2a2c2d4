//! Starts the server.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::sources::SOURCES;

/// A model to serve, and how.
pub(super) struct Serving {
    pub(super) model: PathBuf,
    /// Name of the model in requests and answers.
    pub(super) alias: String,
    pub(super) port: u16,
    /// Number of requests that are computed at the same time.
    pub(super) parallel: u32,
    /// Maximum number of tokens of a request.
    pub(super) context: u32,
}

impl Serving {
    /// The command that serves the model on loopback, offline.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut server = Command::new(program);
        server.arg("--model").arg(&self.model).args(["--alias", &self.alias]);
        server.args(["--host", "127.0.0.1", "--port", &self.port.to_string()]);
        // Without `--no-kv-unified`, requests share the context and fail with status 500 when they fill it together.
        let shared = u64::from(self.context) * u64::from(self.parallel);
        server.args(["--parallel", &self.parallel.to_string(), "--no-kv-unified"]);
        server.args(["--ctx-size", &shared.to_string(), "--offline", "--no-ui"]);
        // By default, every web page that the user opens could send requests.
        server.args(["--cors-origins", "localhost"]);
        server
    }

    /// The address, and a configuration of iopo with the server as an endpoint.
    pub(super) fn introduction(&self) -> String {
        let Self { port, .. } = self;
        format!(
            "\
llama-server of {package} {version}, at http://127.0.0.1:{port}/v1; Ctrl-C stops it
http://127.0.0.1:{port}/health answers 503 while the model loads, then 200
a configuration of iopo with this endpoint; check it with `iopo llm check --config FILE`:

{own}",
            own = self.configuration(),
            package = SOURCES.package,
            version = SOURCES.version,
        )
    }

    /// The configuration of iopo. The alias comes last, because it may contain one of the other words.
    fn configuration(&self) -> String {
        // A string of JSON is one of TOML.
        let alias = serde_json::Value::from(self.alias.as_str()).to_string();
        OWN.replace("PORT", &self.port.to_string())
            .replace("PARALLEL", &self.parallel.to_string())
            .replacen("ALIAS", &alias, 1)
    }
}

/// The configuration, with the words PORT, ALIAS and PARALLEL. A test of iopo reads it.
const OWN: &str = include_str!("own.toml");

/// Returns the file name without `.gguf`, as the model's name.
///
/// # Errors
/// Returns an error if the file cannot be read or is not in the GGUF format.
pub(super) fn alias(model: &Path) -> Result<String> {
    let read = || -> std::io::Result<[u8; 4]> {
        let mut magic = [0; 4];
        File::open(model)?.read_exact(&mut magic)?;
        Ok(magic)
    };
    let magic = read().with_context(|| format!("failed to read {}", model.display()))?;
    if magic != *b"GGUF" {
        bail!("{} is not a GGUF file, which llama-server expects", model.display());
    }
    let stem = model.file_stem().unwrap_or(model.as_os_str());
    Ok(stem.to_string_lossy().into_owned())
}

/// Returns the chosen port if it is free, or any free port.
///
/// # Errors
/// Returns an error if the chosen port is in use or not allowed.
pub(super) fn free_port(chosen: Option<u16>) -> Result<u16> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, chosen.unwrap_or(0))) {
        Ok(listener) => Ok(listener.local_addr().context("failed to find a free port")?.port()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
            "port {} of 127.0.0.1 is in use; hint: pass another --port, or none for a free one",
            chosen.unwrap_or(0)
        ),
        Err(error) => {
            Err(error).with_context(|| format!("failed to use port {}", chosen.unwrap_or(0)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::{Ipv4Addr, TcpListener};
    use std::path::Path;

    use super::{Serving, alias, free_port};
    use crate::cargo::root;

    fn serving() -> Serving {
        Serving {
            model: "/models/tiny.gguf".into(),
            alias: "tiny".to_owned(),
            port: 8123,
            parallel: 3,
            context: 1000,
        }
    }

    #[test]
    fn every_request_has_the_whole_context_and_only_loopback_is_served() {
        let command = serving().command(Path::new("/cache/llama-server"));
        let args = command.get_args().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>();
        for pair in [
            ["--model", "/models/tiny.gguf"],
            ["--alias", "tiny"],
            ["--host", "127.0.0.1"],
            ["--port", "8123"],
            ["--parallel", "3"],
            ["--ctx-size", "3000"],
        ] {
            assert!(args.windows(2).any(|two| two == pair), "{pair:?} in {args:?}");
        }
        assert!(args.iter().any(|arg| arg == "--no-kv-unified"));
    }

    #[test]
    fn the_introduction_has_the_settings_of_an_endpoint() {
        let text = serving().introduction();
        for line in
            ["base_url = \"http://127.0.0.1:8123/v1\"", "model = \"tiny\"", "max_concurrency = 3"]
        {
            assert!(text.lines().any(|found| found == line), "{line}");
        }
        let quoted = Serving { alias: "a \"b\" PORT".to_owned(), ..serving() }.configuration();
        assert!(quoted.contains("model = \"a \\\"b\\\" PORT\"\n"), "{quoted}");
    }

    #[test]
    fn a_port_in_use_is_refused_and_a_free_one_found() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = taken.local_addr().expect("an address").port();
        let error = free_port(Some(port)).expect_err("in use");
        assert!(error.to_string().contains(&port.to_string()), "{error}");
        let other = free_port(None).expect("a free port");
        assert!(other != 0 && other != port);
    }

    #[test]
    fn a_file_in_another_format_is_refused() {
        let model = root().join("fixtures/gguf/q4_1.gguf");
        assert_eq!(alias(&model).expect("a GGUF file"), "q4_1");
        let error = alias(&root().join("Cargo.toml")).expect_err("not a GGUF file");
        assert!(error.to_string().contains("not a GGUF file"), "{error}");
        assert!(fs::metadata("/nonexistent.gguf").is_err());
        assert!(alias(Path::new("/nonexistent.gguf")).is_err());
    }
}
