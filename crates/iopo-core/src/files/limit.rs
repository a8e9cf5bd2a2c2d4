//! Limits of the machine or the process that make a file operation fail although the file is intact.

use std::io::{self, ErrorKind};

/// A limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// The number of open files.
    OpenFiles,
    /// The memory.
    Memory,
    /// The number of threads and processes.
    Threads,
    /// The space on a file system, or a user's quota.
    Space,
}

/// `EMFILE` and `ENFILE` on Unix: too many open files in the process, or in the system.
const TOO_MANY_FILES: [i32; 2] = [24, 23];

impl Limit {
    /// Returns the limit that an error reports; `None` for any other error.
    ///
    /// Never returns [`Threads`](Self::Threads): the system has no code for that limit alone. Whoever starts a thread knows
    /// it.
    pub fn of(error: &io::Error) -> Option<Self> {
        if cfg!(unix) && error.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code)) {
            return Some(Self::OpenFiles);
        }
        match error.kind() {
            ErrorKind::OutOfMemory => Some(Self::Memory),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some(Self::Space),
            _ => None,
        }
    }

    /// Returns the remedy.
    pub fn hint(self) -> &'static str {
        match self {
            Self::OpenFiles => {
                "raise the limit of open files, for instance with `ulimit -n 1024`, and run the same command again"
            }
            Self::Memory => {
                "free memory or raise its limit (`ulimit -v`), and run the same command again to resume"
            }
            Self::Threads => {
                "raise the limit of threads (`ulimit -u`) or set RAYON_NUM_THREADS to a lower number, and run the same \
                 command again to resume"
            }
            Self::Space => {
                "free space on the file system, and run the same command again to resume"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::Limit;

    #[cfg(unix)]
    #[test]
    fn the_codes_of_the_system_are_told_apart() {
        // ENFILE, EMFILE, ENOMEM and ENOSPC; then ENOENT, EACCES and EIO, which are not limits.
        let codes = [23, 24, 12, 28, 2, 13, 5];
        let limits = codes.map(|code| Limit::of(&Error::from_raw_os_error(code)));
        let files = Some(Limit::OpenFiles);
        assert_eq!(limits[..4], [files, files, Some(Limit::Memory), Some(Limit::Space)]);
        assert_eq!(limits[4..], [None; 3]);
    }

    #[test]
    fn a_call_that_would_wait_reached_no_limit() {
        // EAGAIN, for instance of a read without waiting.
        #[cfg(target_os = "linux")]
        assert_eq!(Limit::of(&Error::from_raw_os_error(11)), None);
        assert_eq!(Limit::of(&ErrorKind::WouldBlock.into()), None);
    }

    #[test]
    fn every_limit_has_its_own_remedy() {
        let all = [Limit::OpenFiles, Limit::Memory, Limit::Threads, Limit::Space];
        let hints: std::collections::BTreeSet<&str> = all.map(Limit::hint).into();
        assert_eq!(hints.len(), all.len());
        assert!(hints.iter().all(|hint| hint.contains("run the same command again")));
    }
}
