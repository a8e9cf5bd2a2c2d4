//! Drives headless Chromium through its debugging protocol, over pipes.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::cargo::works;

/// Names of the program, tried in order.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// Timeout of a step.
const PATIENCE: Duration = Duration::from_mins(5);

/// Finds the program: the one that `CHROMIUM` names, or the first that runs.
pub(super) fn find() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("CHROMIUM") {
        return Ok(path.into());
    }
    let found = NAMES.into_iter().find(|name| works(Command::new(name).arg("--version")));
    found.map(PathBuf::from).context(
        "found no Chromium; hint: install it (on Debian `apt-get install chromium`), or set CHROMIUM to its path",
    )
}

/// A running browser with one page.
#[derive(Debug)]
pub(super) struct Browser {
    process: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    last_id: u64,
    session: Option<String>,
    profile: PathBuf,
}

impl Browser {
    /// Starts the program with an empty profile.
    pub(super) fn start(program: &Path, profile: &Path) -> Result<Self> {
        clear(profile)?;
        let mut command = Command::new("sh");
        // The protocol is on the descriptors 3 and 4, which are the pipes of stdin and stdout here.
        command.args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null", "sh"]);
        command.arg(program).args(["--headless=new", "--remote-debugging-pipe", "--disable-gpu"]);
        command.args(["--no-first-run", "--disable-extensions", "--hide-scrollbars"]);
        command.arg(format!("--user-data-dir={}", profile.display()));
        if is_root() {
            // The sandbox of Chromium does not support root.
            command.arg("--no-sandbox");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let failed = || format!("failed to start {}", program.display());
        let mut process = command.spawn().with_context(failed)?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let (input, output) = input.zip(output).with_context(failed)?;
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(output).split(0).map_while(Result::ok) {
                let Ok(message) = serde_json::from_slice(&message) else { continue };
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let profile = profile.to_owned();
        let mut browser = Self { process, input, messages, last_id: 0, session: None, profile };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", &attach)?;
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        browser.call("Page.enable", &json!({}))?;
        Ok(browser)
    }

    /// Calls a method of the protocol and returns its result.
    pub(super) fn call(&mut self, method: &str, params: &Value) -> Result<Value> {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.input
            .write_all(&bytes)
            .with_context(|| format!("failed to send `{method}`: Chromium has ended"))?;
        let answer = self.wait(method, |message| message["id"] == id)?;
        match answer.get("error") {
            Some(error) => bail!("`{method}` failed in Chromium: {error}"),
            None => Ok(answer["result"].clone()),
        }
    }

    /// Opens a file and waits until it is loaded.
    pub(super) fn open(&mut self, file: &Path) -> Result<()> {
        let answer = self.call("Page.navigate", &json!({ "url": url(file) }))?;
        if let Some(reason) = answer["errorText"].as_str() {
            bail!("failed to open {} in Chromium: {reason}", file.display());
        }
        self.wait("Page.navigate", |message| message["method"] == "Page.loadEventFired")?;
        Ok(())
    }

    /// Evaluates a script in the page and returns its value, or that of its promise.
    pub(super) fn evaluate(&mut self, script: &str) -> Result<Value> {
        let params = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", &params)?;
        if let Some(details) = answer.get("exceptionDetails") {
            let text = &details["exception"]["description"];
            bail!("a script failed in Chromium: {}", text.as_str().unwrap_or("no reason given"));
        }
        Ok(answer["result"]["value"].clone())
    }

    /// Waits for a message and drops those before it.
    fn wait(&self, step: &str, is_wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let message = self
                .messages
                .recv_timeout(left)
                .with_context(|| format!("found no answer of Chromium to `{step}`"))?;
            if is_wanted(&message) {
                return Ok(message);
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Nothing can be done if a step of the cleanup fails.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}

fn clear(dir: &Path) -> Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("failed to clear {}", dir.display()))?;
    }
    fs::create_dir_all(dir).with_context(|| format!("failed to create {}", dir.display()))
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Returns the address of a file.
fn url(file: &Path) -> String {
    let mut url = "file://".to_owned();
    for byte in file.to_string_lossy().bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::url;

    #[test]
    fn a_path_is_encoded() {
        assert_eq!(url(Path::new("/a b/ü#1.html")), "file:///a%20b/%C3%BC%231.html");
    }
}
