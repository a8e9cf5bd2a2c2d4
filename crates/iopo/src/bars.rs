//! Progress: a bar with ETA on a terminal, a line every 20 seconds elsewhere.

use std::fmt::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use iopo_llm::Progress;

use crate::{interrupt, printer};

/// Interval between two lines without a terminal.
const LINE_EVERY: Duration = Duration::from_secs(20);

/// Steps that are reported within this time of the start were done by an earlier run.
const RESUMED_WITHIN: Duration = Duration::from_secs(1);

/// The progress of one stage.
#[derive(Debug)]
pub(crate) struct Bars {
    interactive: bool,
    lines: Arc<Lines>,
}

/// The work in progress. Without a terminal, a thread prints it as lines.
struct Lines {
    every: Duration,
    print: Box<dyn Fn(&str) + Send + Sync>,
    now: Mutex<Now>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Now {
    work: Option<Work>,
    /// Whether the value that shows the progress was dropped.
    over: bool,
}

#[derive(Debug)]
struct Work {
    what: String,
    bar: ProgressBar,
    resumed: Arc<Mutex<Resumed>>,
    message: String,
    printed: Instant,
}

/// The steps that count as those of an earlier run: the ones reported within [`RESUMED_WITHIN`] of the start.
#[derive(Debug, Clone, Copy, Default)]
struct Resumed {
    steps: u64,
    /// Time from the start to the last of them.
    took: Duration,
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("now", &self.now).finish_non_exhaustive()
    }
}

impl Lines {
    /// Returns the work in progress. A poisoned lock means only that a thread panicked while drawing.
    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints a line if the last one is old enough.
    fn print_if_due(&self, now: &mut Now) {
        let Some(work) = now.work.as_mut() else { return };
        if work.printed.elapsed() >= self.every {
            work.printed = Instant::now();
            (self.print)(&format!("{}  after {}", work.line(), duration(work.bar.elapsed())));
        }
    }

    /// Prints lines until the progress ends, even during a long step.
    fn follow(&self) {
        let mut now = self.now();
        while !now.over {
            let waited = self.ended.wait_timeout(now, self.every / 4);
            now = waited.unwrap_or_else(PoisonError::into_inner).0;
            self.print_if_due(&mut now);
        }
    }
}

impl Bars {
    /// Draws bars if stderr is a terminal, and prints lines otherwise.
    pub(crate) fn new() -> Self {
        Self::with(printer::interactive(), LINE_EVERY, Box::new(printer::note))
    }

    fn with(interactive: bool, every: Duration, print: Box<dyn Fn(&str) + Send + Sync>) -> Self {
        let (now, ended) = (Mutex::default(), Condvar::new());
        let lines = Arc::new(Lines { every, print, now, ended });
        if !interactive {
            let lines = Arc::clone(&lines);
            // If the thread cannot be started, lines are printed between steps only.
            let _ = std::thread::Builder::new().spawn(move || lines.follow());
        }
        Self { interactive, lines }
    }

    fn draw(&self, total: u64, resumed: &Arc<Mutex<Resumed>>) -> ProgressBar {
        if !self.interactive {
            return ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        }
        let bar = ProgressBar::new(total);
        let template = "{prefix:>10}  {bar:24} {pos}/{len}  {elapsed} (ETA {eta})  {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            let resumed = Arc::clone(resumed);
            let eta = move |state: &ProgressState, to: &mut dyn Write| {
                let total = state.len().unwrap_or(0);
                let left = left(state.elapsed(), of(&resumed), state.pos(), total);
                let _ = to.write_str(&left.map_or_else(|| "?".to_owned(), duration));
            };
            bar.set_style(style.with_key("eta", eta));
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        bar
    }
}

impl Work {
    fn line(&self) -> String {
        let (done, total) = (self.bar.position(), self.bar.length().unwrap_or(0));
        let mut line = format!("{:>10}  {done}/{total}", self.what);
        if done < total
            && let Some(left) = left(self.bar.elapsed(), of(&self.resumed), done, total)
        {
            let _ = write!(line, "  ETA {}", duration(left));
        }
        if !self.message.is_empty() {
            let _ = write!(line, "  {}", self.message);
        }
        line
    }
}

/// Returns the time that the remaining steps take at the mean speed of this run; `None` before its first step.
///
/// Indicatif's own estimate follows the last 15 seconds, so that a step that takes a minute makes hours of it.
fn left(elapsed: Duration, resumed: Resumed, done: u64, total: u64) -> Option<Duration> {
    let own = done.checked_sub(resumed.steps).filter(|own| *own > 0)?;
    let took = elapsed.saturating_sub(resumed.took);
    Some(took.mul_f64(total.saturating_sub(done) as f64 / own as f64))
}

fn of(resumed: &Mutex<Resumed>) -> Resumed {
    *resumed.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Progress for Bars {
    fn start(&self, what: &str, total: u64) {
        let resumed = Arc::new(Mutex::default());
        let bar = self.draw(total, &resumed);
        bar.set_prefix(what.to_owned());
        let mut now = self.lines.now();
        if let Some(before) = now.work.take() {
            before.bar.finish_and_clear();
        }
        let (what, message) = (what.to_owned(), String::new());
        now.work = Some(Work { what, bar, resumed, message, printed: Instant::now() });
    }

    fn advance(&self, steps: u64) {
        let mut now = self.lines.now();
        if let Some(work) = now.work.as_mut() {
            work.bar.inc(steps);
            let position = work.bar.position();
            let took = work.bar.elapsed();
            if took < RESUMED_WITHIN {
                let mut resumed = work.resumed.lock().unwrap_or_else(PoisonError::into_inner);
                *resumed = Resumed { steps: position, took };
            }
        }
        if !self.interactive {
            self.lines.print_if_due(&mut now);
        }
    }

    fn message(&self, text: &str) {
        if let Some(work) = self.lines.now().work.as_mut() {
            text.clone_into(&mut work.message);
            work.bar.set_message(text.to_owned());
        }
    }

    fn note(&self, text: &str) {
        match self.lines.now().work.as_mut() {
            Some(work) => {
                let line = format!("{:>10}  {text}", work.what);
                work.bar.suspend(|| (self.lines.print)(&line));
            }
            None => (self.lines.print)(&format!("{:>10}  {text}", "")),
        }
    }

    fn finish(&self) {
        if let Some(work) = self.lines.now().work.take() {
            let took = duration(work.bar.elapsed());
            let line = format!("{}  in {took}", work.line());
            work.bar.finish_and_clear();
            (self.lines.print)(&line);
        }
    }

    fn cancelled(&self) -> bool {
        interrupt::requested()
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        let mut now = self.lines.now();
        now.over = true;
        // Without work, the thread that prints lines has nothing more to print.
        if let Some(work) = now.work.take() {
            work.bar.finish_and_clear();
        }
        self.lines.ended.notify_all();
    }
}

/// Formats a duration: `45 s`, `3 min`, `2 h 05 min`.
pub(crate) fn duration(time: Duration) -> String {
    iopo_train::estimate::duration(time.as_secs() as f64)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    use iopo_llm::Progress;

    use super::{Bars, Resumed, duration, left};

    fn recorded(every: Duration) -> (Bars, Arc<Mutex<Vec<String>>>) {
        let printed = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&printed);
        let print = move |line: &str| into.lock().expect("not poisoned").push(line.to_owned());
        (Bars::with(false, every, Box::new(print)), printed)
    }

    #[test]
    fn durations_are_short() {
        let texts = [45, 200, 7500].map(|seconds| duration(Duration::from_secs(seconds)));
        assert_eq!(texts, ["45 s", "3 min", "2 h 05 min"]);
    }

    #[test]
    fn a_line_has_the_task_the_count_and_the_message() {
        let (bars, printed) = recorded(Duration::from_hours(1));
        bars.advance(1);
        bars.start("sft", 10);
        bars.advance(10);
        bars.message("loss 1.25");
        bars.note("a note");
        bars.finish();
        let want = ["       sft  a note", "       sft  10/10  loss 1.25  in 0 s"];
        assert_eq!(*printed.lock().expect("not poisoned"), want);
    }

    #[test]
    fn the_remaining_time_follows_the_mean_speed_of_this_run() {
        let minute = Duration::from_mins(1);
        let of = |steps, done| left(minute, Resumed { steps, took: Duration::ZERO }, done, 20);
        assert_eq!(of(0, 5), Some(3 * minute));
        assert_eq!(of(10, 15), Some(minute), "the ten steps of an earlier run took no time");
        assert_eq!(of(0, 0), None);
        assert_eq!(of(10, 10), None);
        assert_eq!(of(0, 20), Some(Duration::ZERO));
        // Ten steps a second from the start: the first second changes no speed.
        let resumed = Resumed { steps: 10, took: Duration::from_secs(1) };
        let left = left(Duration::from_secs(2), resumed, 20, 60);
        assert_eq!(left, Some(Duration::from_secs(4)));
    }

    #[test]
    fn many_steps_print_few_lines() {
        let (bars, printed) = recorded(Duration::from_hours(1));
        bars.start("sft", 100_000);
        for _ in 0..100_000 {
            bars.advance(1);
        }
        bars.finish();
        assert_eq!(printed.lock().expect("not poisoned").len(), 1);
    }

    #[test]
    fn a_step_that_takes_long_prints_lines_until_the_progress_ends() {
        let (bars, printed) = recorded(Duration::from_millis(20));
        bars.start("eval", 3);
        let begun = Instant::now();
        let count = || printed.lock().expect("not poisoned").len();
        while count() < 3 {
            assert!(begun.elapsed() < Duration::from_secs(30), "no line in 30 s");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(printed.lock().expect("not poisoned")[0], "      eval  0/3  after 0 s");
        let shared = Arc::clone(&bars.lines);
        drop(bars);
        assert!(shared.now().work.is_none());
        let lines = count();
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(count(), lines, "no line after the end");
    }
}
