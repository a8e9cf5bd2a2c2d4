//! What a table has to say of its origin: day, commit, machine, compiler.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::cargo::{output_quietly, root};

/// One sentence, for instance `2026-11-23, commit 1234567; …, 2 threads, 24 GB, linux; rustc 1.95.0`.
pub(super) fn describe() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = date((seconds / 86_400) as i64);
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty", "--exclude", "*"]).current_dir(root());
    let commit = output_quietly(&mut git).unwrap_or_else(|| "unknown".to_owned());
    let rustc = output_quietly(Command::new("rustc").arg("--version"));
    let rustc = rustc.as_deref().and_then(|line| line.split(' ').nth(1)).unwrap_or("?").to_owned();
    let threads = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{year}-{month:02}-{day:02}, commit {commit}; {}, {threads} hardware threads{}, {}; rustc {rustc}",
        processor(),
        memory(),
        std::env::consts::OS,
    )
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

/// The day of the Gregorian calendar that begins so many days after 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    // Years that begin in March put the leap day last; 719468 days lie between 0000-03-01 and 1970-01-01.
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
    use super::date;

    #[test]
    fn days_are_dates() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(11_017), (2000, 3, 1));
        assert_eq!(date(20_780), (2026, 11, 23));
    }
}
