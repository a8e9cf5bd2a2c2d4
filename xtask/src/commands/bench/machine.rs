//! The origin of a table: date, commit, machine, compiler.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cargo::{output_quietly, root};

/// Describes the machine in one sentence, for instance `2026-11-23, commit 1234567; …, 2 threads, 24 GB, linux; rustc 1.95.0`.
pub(crate) fn describe() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = date((seconds / 86_400) as i64);
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty", "--exclude", "*"]).current_dir(root());
    let commit = output_quietly(&mut git).unwrap_or_else(|| "unknown".to_owned());
    let rustc = output_quietly(Command::new("rustc").arg("--version"));
    let rustc = rustc.as_deref().and_then(|line| line.split(' ').nth(1)).unwrap_or("?").to_owned();
    let threads = thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{year}-{month:02}-{day:02}, commit {commit}; {}, {threads} hardware threads{}, {}; rustc {rustc}",
        processor(),
        memory(),
        std::env::consts::OS,
    )
}

/// Returns the average number of other threads that run or wait for a processor during half a second; Linux only. PyTorch's
/// threads spin while they wait for each other, so other load slows it down many times.
pub(super) fn others() -> Option<f64> {
    const SAMPLES: u32 = 10;
    let mut sum = 0.0;
    for _ in 0..SAMPLES {
        thread::sleep(Duration::from_millis(50));
        sum += running(&fs::read_to_string("/proc/loadavg").ok()?)?;
    }
    Some(sum / f64::from(SAMPLES))
}

/// Parses the number of running threads from a line such as `0.20 0.18 0.12 2/80 11206`, without the current thread.
fn running(loadavg: &str) -> Option<f64> {
    let (running, _) = loadavg.split(' ').nth(3)?.split_once('/')?;
    Some((running.parse::<f64>().ok()? - 1.0).max(0.0))
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = info.lines().find(|line| line.starts_with("model name"));
    let name = named.and_then(|line| Some(line.split_once(':')?.1.trim()));
    name.unwrap_or(std::env::consts::ARCH).to_owned()
}

fn memory() -> String {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = total.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    kibibytes.map_or(String::new(), |number: f64| format!(", {:.0} GB", number * 1024.0 / 1e9))
}

/// Converts days since 1970-01-01 to a date of the Gregorian calendar.
fn date(days: i64) -> (i64, i64, i64) {
    // Years that begin in March end with the leap day. From 0000-03-01 to 1970-01-01 there are 719468 days.
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    (era * 400 + year, month, day)
}

#[cfg(test)]
mod tests {
    use super::{date, running};

    #[test]
    fn the_current_thread_is_not_counted() {
        assert_eq!(running("0.20 0.18 0.12 3/80 11206"), Some(2.0));
        assert_eq!(running(""), None);
    }

    #[test]
    fn days_are_converted_to_dates() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(11_017), (2000, 3, 1));
        assert_eq!(date(20_780), (2026, 11, 23));
    }
}
