//! The example client in Python.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use iopo_verifier::Limits;

use crate::support::Running;

/// Runs Python in the directory of the client, with the address of a server; `None` without Python.
fn python(url: &str, args: &[&str]) -> Option<Output> {
    let directory: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/verifier");
    let mut command = Command::new("python3");
    command.current_dir(directory).args(args).env("IOPO_VERIFIER_URL", url);
    command.env("PYTHONDONTWRITEBYTECODE", "1").output().ok()
}

#[test]
fn the_example_prints_rewards_of_the_server() {
    let server = Running::start(Limits::default());
    let url = format!("http://{}", server.address);
    let Some(output) = python(&url, &["reward_client.py"]) else {
        println!("skipped: python3 is not installed");
        return;
    };
    let (out, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let expected = "TRL [0.0, 1.0, 0.0]\nverl {'score': 0.5, 'acc': False}\nNeMo-RL [1.0]\n";
    assert_eq!(out.replace("\r\n", "\n"), expected, "{errors}");
}

const SCRIPT: &str = r#"
import json, os, threading
import reward_client as client

# More items than a request holds, a surrogate, and NaN, as in a dataset that was read with pandas.
rows = [{"response": "Tea " * (at % 9), "constraints": [{"id": "max_words", "params": {"n": 4}}]} for at in range(1000)]
rewards = client.Verifier(client.URL, batch=64).rewards(rows)
assert rewards == [float(0 < at % 9 <= 4) for at in range(1000)], rewards
odd = {"response": "\ud83d tea", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{"num_words": float("nan")}]}
assert client.Verifier().rewards([odd]) == [1.0]
assert client.Verifier(every=True, mode="repaired").rewards([odd, {"response": ""}]) == [1.0, None]

# Requests are small enough, and Chinese characters are not escaped.
tea = {"response": "茶" * 5_000, "constraints": [{"id": "max_chars", "params": {"n": 100}}]}
assert client.Verifier(size=150_000).rewards([tea] * 40) == [0.0] * 40
assert client.Verifier(size=1).rewards([{**tea, "response": "茶" * 60_000}] * 2) == [0.0] * 2
try:
    raise AssertionError(client.Verifier(size=10**9, batch=64).rewards([tea] * 40))
except client.VerifierError as error:
    assert "status 413" in str(error), error
for text, expected in [("é茶😀", "é茶😀"), ("\ud83d\ude00", "😀"), ("\ud83d", "\ufffd"), ("a\udc00b\ud83d😀", "a\ufffdb\ufffd😀")]:
    assert json.loads(client.encoded({"a": text})) == {"a": expected}, text

# Items that time out are sent again in smaller requests; one that takes too long alone keeps its error.
class Slow(client.Verifier):
    def _post(self, items):
        sent.append(len(items))
        late = {"reward": None, "error": {"type": "Timeout"}}
        return [late if len(items) > 2 or b"slow" in item else {"reward": 1.0, "verdicts": []} for item in items]
sent = []
results = Slow().verify([{"response": text} for text in ["a", "b", "slow", "c", "d"]])
assert [result["reward"] for result in results] == [1.0, 1.0, None, 1.0, 1.0] and "error" in results[2], results
assert sent == [5, 2, 3, 1, 1, 2], sent

# A column by another name is no reward of None.
for columns in [{"constraint": [[]]}, {"constraints": None}, {}]:
    try:
        raise AssertionError(client.reward(["p"], ["a"], **columns))
    except client.VerifierError as error:
        assert "expected the column" in str(error), error
assert client.reward(["p"], ["a"], constraints=[None]) == [None]

# Content may be absent or a list of parts.
for content, expected in [
    ({}, ""),
    ({"content": None}, ""),
    ({"content": "Tea"}, "Tea"),
    ({"content": [{"type": "text", "text": "Hot "}, {"type": "image"}, "tea"]}, "Hot tea"),
]:
    assert client.text_of([{"role": "assistant", **content}, {"role": "user"}, {}]) == expected, content

for settings, item, text in [
    ({}, {"response": "a", "constraints": [{"id": "x"}]}, "item 0: ConstraintError: unknown constraint kind `x`"),
    ({"mode": "x"}, odd, "status 422"),
]:
    try:
        client.Verifier(**settings).rewards([item])
        raise AssertionError(text)
    except client.VerifierError as error:
        assert text in str(error), error

# A field by another name, no checks, or no mapping is no reward of 0.
for truth in [{"constraint": []}, "{}", "[]", {"constraints": [{"id": None, "check": None}]}]:
    try:
        raise AssertionError(client.compute_score("x", "Tea", truth))
    except client.VerifierError:
        pass

# Columns of a dataset have null for the fields that a row lacks.
padded = {"constraints": [{"id": "max_words", "params": {"n": 1}, "check": None}]}
assert client.compute_score("x", "Hot tea", padded) == {"score": 0.0, "acc": False}
both = {"constraints": [{"id": "no_commas", "params": None, "check": {"id": "max_words", "params": {"n": 1}}}]}
try:
    raise AssertionError(client.compute_score("x", "Tea", both))
except client.VerifierError as error:
    assert "expected one of them" in str(error), error

# The environment for NeMo-RL, with stand-ins for the modules that it imports.
import types, typing
class Returned(typing.NamedTuple):
    observations: list
    metadata: list
    next_stop_strings: list
    rewards: list
    terminateds: list
    answers: list
names = ["ray", "torch", "nemo_rl", "nemo_rl.environments", "nemo_rl.environments.interfaces"]
modules = {name: types.ModuleType(name) for name in names}
modules["ray"].remote = lambda kind: kind
modules["torch"].tensor, modules["torch"].ones = list, lambda count: [1.0] * count
interfaces = modules["nemo_rl.environments.interfaces"]
interfaces.EnvironmentInterface, interfaces.EnvironmentReturn = object, Returned
import sys
sys.modules.update(modules)
import nemo_rl_environment
chats = [[{"role": "user", "content": "Tea?"}, {"role": "assistant", "content": text}] for text in ["Tea", "Tea, hot"]]
fields = [{"constraints": [{"id": "no_commas"}]}] * 2
step = nemo_rl_environment.IopoEnvironment({}).step(chats, fields)
assert (step.rewards, step.terminateds, step.metadata) == ([1.0, 0.0], [1.0, 1.0], fields), step

# Threads do not read each other's rewards.
wrong = []
def ask(thread):
    for at in range(100):
        good = (at + thread) % 2 == 0
        found = client.compute_score("x", "hot tea" if good else "hot, tea", {"constraints": [{"id": "no_commas"}]})
        if found["score"] != float(good):
            wrong.append((thread, at))
threads = [threading.Thread(target=ask, args=(thread,)) for thread in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert not wrong, wrong

# A lost connection is opened again, also in a forked worker.
shared = client.verifier()
assert shared.rewards([odd]) == [1.0]
shared.connection.sock.close()
assert shared.rewards([odd]) == [1.0]
if hasattr(os, "fork"):
    child = os.fork()
    if child == 0:
        os._exit(0 if client.verifier() is not shared and client.verifier().rewards([odd]) == [1.0] else 1)
    assert os.waitpid(child, 0)[1] == 0
try:
    client.Verifier("http://127.0.0.1:9", retries=1).rewards([odd])
    raise AssertionError("a server on port 9")
except client.VerifierError as error:
    assert "status 503" in str(error), error
print("done")
"#;

#[test]
fn the_client_splits_retries_and_raises() {
    let server =
        Running::start(Limits { max_items: 64, max_body_size: 200_000, ..Limits::default() });
    let url = format!("http://{}", server.address);
    let Some(output) = python(&url, &["-c", SCRIPT]) else {
        println!("skipped: python3 is not installed");
        return;
    };
    let (out, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(out.trim_end(), "done", "{errors}");
}
