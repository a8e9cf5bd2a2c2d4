//! What the system says of memory. It does on Linux; elsewhere nothing is known.

use std::fs;
use std::path::Path;

use burn::tensor::Device;

use crate::device;

/// Where control groups lie.
const GROUPS: &str = "/sys/fs/cgroup";

/// The most memory that this process has held so far, in bytes.
pub fn peak() -> Option<u64> {
    field(&proc("self/status")?, "VmHWM")
}

/// The memory that this process can have in all for what it computes on `device`, in bytes: what it holds and what
/// the machine has left, or the limit of its control group where that is less. Nothing is known of a GPU's.
pub fn obtainable(device: &Device) -> Option<u64> {
    if !device::in_main_memory(device) {
        return None;
    }
    // Freed pages that the allocator keeps count as held: they are there for the next tensor.
    let held = field(&proc("self/status")?, "VmRSS")?;
    let machine = held + field(&proc("meminfo")?, "MemAvailable")?;
    Some(limit().map_or(machine, |limit| limit.min(machine)))
}

fn proc(file: &str) -> Option<String> {
    fs::read_to_string(Path::new("/proc").join(file)).ok()
}

/// The line `VmHWM:   1234 kB` of a file that has such lines, in bytes.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The lowest limit of this process's control group (version 2) and those above it.
fn limit() -> Option<u64> {
    let groups = proc("self/cgroup")?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let dir = Path::new(GROUPS).join(own);
    let above = dir.ancestors().take_while(|dir| dir.starts_with(GROUPS));
    // Without a limit the file says `max`.
    above
        .filter_map(|dir| fs::read_to_string(dir.join("memory.max")).ok()?.trim().parse().ok())
        .min()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::{field, obtainable, peak};

    #[test]
    fn a_line_of_kibibytes_is_read_by_its_whole_name() {
        let status = "Name:\tiopo\nVmPeak:\t  99 kB\nVmHWM:\t    2048 kB\nThreads:\t2\n";
        assert_eq!(field(status, "VmHWM"), Some(2 << 20));
        assert_eq!(field(status, "Vm"), None);
        assert_eq!(field(status, "Threads"), None);
    }

    #[test]
    fn where_the_system_tells_there_is_more_to_be_had_than_nothing() {
        let (peak, obtainable) = (peak(), obtainable(&Device::flex()));
        assert_eq!(peak.is_some(), cfg!(target_os = "linux"));
        assert_eq!(obtainable.is_some(), cfg!(target_os = "linux"));
        assert!(obtainable.is_none_or(|bytes| bytes > 1 << 20), "{obtainable:?}");
    }
}
