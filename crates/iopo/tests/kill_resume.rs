//! Kills runs with SIGKILL at random moments and repeats the command: the files equal those of an uninterrupted run, bit
//! for bit.
#![cfg(unix)]

#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use common::{iopo, succeed, text};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Minimum number of kills.
const KILLS: usize = 20;
/// Minimum number of kills inside of an optimizer step.
const KILLS_IN_STEP: usize = 3;

/// Lists the files that must be identical: all results, without the progress of an unfinished stage.
fn products(run: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(run, &mut found);
    found.retain(|path| {
        if is_progress(path) {
            return false;
        }
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        path.extension().is_some_and(|extension| extension == "parquet")
            || matches!(name, "adapter_model.safetensors" | "adapter_config.json" | "report.html")
    });
    found.iter().map(|path| path.strip_prefix(run).expect("inside").to_path_buf()).collect()
}

/// Whether a file is a checkpoint, a part or a temporary file, which a finished run must not have.
fn is_progress(path: &Path) -> bool {
    let inside = |name: &str| path.components().any(|part| part.as_os_str() == name);
    let extension =
        |of: &Path, name: &str| of.extension().is_some_and(|extension| extension == name);
    inside("checkpoint")
        || extension(path, "tmp")
        || path.ancestors().any(|dir| extension(dir, "parts"))
}

/// Reads a file of a run. An adapter names its base by the path, which is inside the run here.
fn content(run: &Path, product: &Path) -> Vec<u8> {
    let bytes = fs::read(run.join(product)).expect("product");
    if !product.ends_with("adapter_config.json") {
        return bytes;
    }
    let settings = String::from_utf8(bytes).expect("JSON");
    let base = run.join("model");
    assert!(settings.contains(text(&base)), "{settings}");
    settings.replace(text(&base), "BASE").into_bytes()
}

/// Lists the progress files in a run directory.
fn litter(run: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(run, &mut found);
    found.retain(|path| is_progress(path));
    found
}

fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// When to kill.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Moment {
    /// After a random time.
    After(Duration),
    /// While a part of a Parquet file is written.
    InsidePart,
    /// A random time into an optimizer step, this many steps after the start of the process.
    InsideStep(usize, Duration),
}

/// Temporary files of parts with their modification times.
type Writing = BTreeMap<PathBuf, Option<SystemTime>>;

fn parts_in_writing(run: &Path) -> Writing {
    let mut files = Vec::new();
    collect(run, &mut files);
    files.retain(|path| {
        let in_parts =
            path.parent().and_then(Path::extension).is_some_and(|extension| extension == "parts");
        in_parts && path.extension().is_some_and(|extension| extension == "tmp")
    });
    let written = |path: &PathBuf| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    files.into_iter().map(|path| (path.clone(), written(&path))).collect()
}

/// Returns a temporary file that the current process writes, not one that an earlier process left.
fn part_in_writing(run: &Path, before: &Writing) -> Option<PathBuf> {
    let now = parts_in_writing(run);
    now.into_iter().find(|(path, written)| before.get(path) != Some(written)).map(|(path, _)| path)
}

/// Counts the optimizer steps of a process from its log.
struct Steps {
    begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
    reader: JoinHandle<()>,
}

impl Steps {
    fn follow(log: ChildStderr) -> Self {
        let (begun, ended) = (Arc::default(), Arc::default());
        let (begins, ends) = (Arc::clone(&begun), Arc::clone(&ended));
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                let count = |word: &str, number: &AtomicUsize| {
                    number.fetch_add(usize::from(line.contains(word)), Ordering::SeqCst);
                };
                count("update begins", &begins);
                count("update ends", &ends);
            }
        });
        Self { begun, ended, reader }
    }

    /// Whether the process is inside of a step, after the first `skip` steps.
    fn inside(&self, skip: usize) -> bool {
        let begun = self.begun.load(Ordering::SeqCst);
        begun > skip && begun > self.ended.load(Ordering::SeqCst)
    }

    /// Whether the process ended inside of a step: its log has the start of a step without its end.
    fn died_inside(self) -> bool {
        self.reader.join().expect("read to the end");
        self.begun.load(Ordering::SeqCst) > self.ended.load(Ordering::SeqCst)
    }
}

/// Kills the process at the given moment; returns `false` if it ended before.
fn strike(child: &mut Child, steps: &Steps, run: &Path, before: &Writing, moment: Moment) -> bool {
    let begun = Instant::now();
    loop {
        if child.try_wait().expect("wait").is_some() {
            return false;
        }
        let now = match moment {
            Moment::After(delay) => begun.elapsed() >= delay,
            Moment::InsidePart => part_in_writing(run, before).is_some(),
            Moment::InsideStep(skip, delay) => {
                let inside = steps.inside(skip);
                if inside {
                    std::thread::sleep(delay);
                }
                inside
            }
        };
        if now {
            break;
        }
        if moment != Moment::InsidePart {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
    // SIGKILL.
    child.kill().expect("killed");
    let status = child.wait().expect("ended");
    status.signal() == Some(9)
}

#[test]
fn a_run_killed_twenty_times_ends_with_the_files_of_one_that_was_not() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let whole = dir.path().join("whole");
    let begun = Instant::now();
    succeed(&["pipeline", "--preset", "smoke", "--out", text(&whole)]);
    let duration = begun.elapsed();
    let want = products(&whole);
    assert!(want.len() > 10, "{want:?}");

    let mut rng = ChaCha8Rng::seed_from_u64(20);
    let (mut kills, mut in_part, mut in_step) = (0, 0, 0);
    // Checked last, so that a difference in the files is reported first.
    let mut left = litter(&whole);
    let mut round = 0;
    while kills < KILLS || in_part == 0 || in_step < KILLS_IN_STEP {
        assert!(
            round < 40,
            "{kills} kills, {in_part} inside a part, {in_step} inside a step: too few in 40 rounds"
        );
        let out = dir.path().join(format!("killed-{round}"));
        round += 1;
        // A run is killed several times, then it may finish.
        for _ in 0..8 {
            let moment = match rng.random_range(0..4) {
                0 => Moment::InsidePart,
                1 => Moment::InsideStep(
                    rng.random_range(0..4),
                    Duration::from_millis(rng.random_range(0..5)),
                ),
                _ => Moment::After(duration.mul_f64(rng.random_range(0.0..0.35))),
            };
            let before = parts_in_writing(&out);
            let mut command = iopo(&["pipeline", "--preset", "smoke", "--out", text(&out)]);
            command.env("IOPO_LOG", "warn,iopo_train=debug");
            let mut child =
                command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("started");
            let steps = Steps::follow(child.stderr.take().expect("piped"));
            if !strike(&mut child, &steps, &out, &before, moment) {
                break;
            }
            if out.join("report.html").exists() {
                // All files were complete, so this kill does not count.
                break;
            }
            kills += 1;
            in_part += usize::from(part_in_writing(&out, &before).is_some());
            in_step += usize::from(steps.died_inside());
        }
        succeed(&["pipeline", "--preset", "smoke", "--out", text(&out)]);
        assert_eq!(products(&out), want);
        for product in &want {
            let [a, b] = [&whole, &out].map(|run| content(run, product));
            assert!(a == b, "{} differs after kills", product.display());
        }
        left.extend(litter(&out));
    }
    assert!(kills >= KILLS && in_part >= 1 && in_step >= KILLS_IN_STEP);
    println!("{kills} kills in {round} rounds, {in_part} inside a part, {in_step} inside a step");
    assert!(left.is_empty(), "finished runs left progress files: {left:#?}");
}
