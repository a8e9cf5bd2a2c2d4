//! Memory of the process and the machine, on Linux, and of GPUs through the backend `cuda`. Elsewhere it is unknown.

use std::fs;
use std::path::Path;

use burn::tensor::Device;

use crate::{device, nvidia};

/// Root of the control groups.
const GROUPS: &str = "/sys/fs/cgroup";

/// Returns the process's peak memory in bytes.
pub fn peak() -> Option<u64> {
    field(&proc("self/status")?, "VmHWM")
}

/// Returns the memory available to this process for computing on `device`, in bytes.
///
/// This is the memory that the process holds plus the machine's free memory, or the limit of its control group if that is lower. On
/// the backend `cuda`, it is the card's free memory. That of other GPUs is not known.
pub fn obtainable(device: &Device) -> Option<u64> {
    if !device::in_main_memory(device) {
        return nvidia::free(device);
    }
    // Freed pages kept by the allocator count as held, because the next tensor can use them.
    let held = field(&proc("self/status")?, "VmRSS")?;
    let machine = held + field(&proc("meminfo")?, "MemAvailable")?;
    Some(limit().map_or(machine, |limit| limit.min(machine)))
}

fn proc(file: &str) -> Option<String> {
    fs::read_to_string(Path::new("/proc").join(file)).ok()
}

/// Parses a line such as `VmHWM:   1234 kB` into bytes.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Returns the lowest limit of this process's control group (version 2) and its ancestors.
fn limit() -> Option<u64> {
    let groups = proc("self/cgroup")?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let dir = Path::new(GROUPS).join(own);
    let above = dir.ancestors().take_while(|dir| dir.starts_with(GROUPS));
    // The file contains `max` if there is no limit.
    above
        .filter_map(|dir| fs::read_to_string(dir.join("memory.max")).ok()?.trim().parse().ok())
        .min()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::{field, obtainable, peak};

    #[test]
    fn a_line_is_matched_by_its_full_name() {
        let status = "Name:\tiopo\nVmPeak:\t  99 kB\nVmHWM:\t    2048 kB\nThreads:\t2\n";
        assert_eq!(field(status, "VmHWM"), Some(2 << 20));
        assert_eq!(field(status, "Vm"), None);
        assert_eq!(field(status, "Threads"), None);
    }

    #[test]
    fn available_memory_is_positive_where_it_is_known() {
        let (peak, obtainable) = (peak(), obtainable(&Device::flex()));
        assert_eq!(peak.is_some(), cfg!(target_os = "linux"));
        assert_eq!(obtainable.is_some(), cfg!(target_os = "linux"));
        assert!(obtainable.is_none_or(|bytes| bytes > 1 << 20), "{obtainable:?}");
    }
}
