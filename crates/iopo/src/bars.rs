//! Progress: a bar with ETA on a terminal, a line every 20 seconds elsewhere.

use std::fmt::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use iopo_llm::Progress;

use crate::{interrupt, printer};

/// Interval between two lines without a terminal.
const LINE_EVERY: Duration = Duration::from_secs(20);

/// The progress of one stage.
#[derive(Debug)]
pub(crate) struct Bars {
    interactive: bool,
    now: Mutex<Option<Work>>,
}

#[derive(Debug)]
struct Work {
    what: String,
    bar: ProgressBar,
    message: String,
    printed: Instant,
}

impl Bars {
    /// Draws bars if stderr is a terminal, and prints lines otherwise.
    pub(crate) fn new() -> Self {
        Self { interactive: printer::interactive(), now: Mutex::new(None) }
    }

    fn with(&self, act: impl FnOnce(&mut Work)) {
        // A poisoned lock means only that a thread panicked while drawing.
        let mut now = self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(work) = now.as_mut() {
            act(work);
        }
    }

    fn draw(&self, total: u64) -> ProgressBar {
        if !self.interactive {
            return ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        }
        let bar = ProgressBar::new(total);
        let template = "{prefix:>10}  {bar:24} {pos}/{len}  {elapsed} (ETA {eta})  {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        bar
    }
}

impl Work {
    fn line(&self) -> String {
        let (done, total) = (self.bar.position(), self.bar.length().unwrap_or(0));
        let mut line = format!("{:>10}  {done}/{total}", self.what);
        if done > 0 && done < total {
            let _ = write!(line, "  ETA {}", duration(self.bar.eta()));
        }
        if !self.message.is_empty() {
            let _ = write!(line, "  {}", self.message);
        }
        line
    }
}

impl Progress for Bars {
    fn start(&self, what: &str, total: u64) {
        let bar = self.draw(total);
        bar.set_prefix(what.to_owned());
        let mut now = self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(before) = now.take() {
            before.bar.finish_and_clear();
        }
        *now = Some(Work {
            what: what.to_owned(),
            bar,
            message: String::new(),
            printed: Instant::now(),
        });
    }

    fn advance(&self, steps: u64) {
        let interactive = self.interactive;
        self.with(|work| {
            work.bar.inc(steps);
            if !interactive && work.printed.elapsed() >= LINE_EVERY {
                work.printed = Instant::now();
                printer::note(&work.line());
            }
        });
    }

    fn message(&self, text: &str) {
        self.with(|work| {
            text.clone_into(&mut work.message);
            work.bar.set_message(text.to_owned());
        });
    }

    fn note(&self, text: &str) {
        let mut now = self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match now.as_mut() {
            Some(work) => {
                work.bar.suspend(|| printer::note(&format!("{:>10}  {text}", work.what)));
            }
            None => printer::note(&format!("{:>10}  {text}", "")),
        }
    }

    fn finish(&self) {
        let mut now = self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(work) = now.take() {
            let took = duration(work.bar.elapsed());
            let line = format!("{}  in {took}", work.line());
            work.bar.finish_and_clear();
            printer::note(&line);
        }
    }

    fn cancelled(&self) -> bool {
        interrupt::requested()
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.with(|work| work.bar.finish_and_clear());
    }
}

/// Formats a duration: `45 s`, `3 min`, `2 h 05 min`.
pub(crate) fn duration(time: Duration) -> String {
    iopo_train::estimate::duration(time.as_secs() as f64)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use iopo_llm::Progress;

    use super::{Bars, duration};

    #[test]
    fn durations_are_short() {
        let texts = [45, 200, 7500].map(|seconds| duration(Duration::from_secs(seconds)));
        assert_eq!(texts, ["45 s", "3 min", "2 h 05 min"]);
    }

    #[test]
    fn a_line_has_the_task_the_count_and_the_message() {
        let bars = Bars { interactive: false, now: std::sync::Mutex::new(None) };
        bars.advance(1);
        bars.start("sft", 10);
        bars.advance(10);
        bars.message("loss 1.25");
        let mut line = String::new();
        bars.with(|work| line = work.line());
        assert_eq!(line, "       sft  10/10  loss 1.25");
        bars.finish();
    }
}
