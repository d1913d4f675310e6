//! What processes and folders use, as the system tells.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// A process rests once it has used less than this share of a core for one look after the other, so many in a row; who is watched for
/// longer is taken as it is.
const REST_SHARE: f64 = 0.1;
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LOOKS_AT_REST: usize = 5;
const REST_WITHIN: usize = 180;

/// Waits until a process has hardly worked for some seconds: what was written much of is merged then, and what was taken for it is
/// given back. Answers how long it took.
pub async fn rested(pid: u32) -> Duration {
    let (mut before, mut quiet, mut looks) = (cpu_s(pid), 0, 0);
    while quiet < LOOKS_AT_REST && looks < REST_WITHIN {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = cpu_s(pid);
        quiet = if now - before < REST_SHARE * LOOK_EVERY.as_secs_f64() { quiet + 1 } else { 0 };
        (before, looks) = (now, looks + 1);
    }
    LOOK_EVERY * u32::try_from(looks).unwrap_or(u32::MAX)
}

/// CPU time of a process so far, in seconds; 0 if it has gone.
pub fn cpu_s(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name may hold spaces and brackets; the fields come after the last one.
    let Some((_, fields)) = stat.rsplit_once(')') else { return 0.0 };
    let ticks = |at: usize| fields.split_whitespace().nth(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    (ticks(11) + ticks(12)) as f64 / ticks_per_s()
}

/// Linux tells times of processes in hundredths of a second on every machine that it runs on today.
const fn ticks_per_s() -> f64 {
    100.0
}

/// Resident memory of a process, in bytes; 0 if it has gone.
pub fn rss(pid: u32) -> u64 {
    status(pid, "VmRSS:")
}

/// What of it are pages of files, as the program's own, in bytes.
pub fn rss_file(pid: u32) -> u64 {
    status(pid, "RssFile:")
}

/// The most that it was, in bytes.
pub fn rss_peak(pid: u32) -> u64 {
    status(pid, "VmHWM:")
}

fn status(pid: u32, key: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kib| kib << 10)
}

/// Lengths of all files below a folder, in bytes. What a file was given in advance and does not use is not counted.
pub fn folder(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let one = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => folder(&entry.path()),
        Ok(found) => found.len(),
        Err(_gone) => 0,
    };
    entries.flatten().map(one).sum()
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something_and_nobody_nothing() {
        let own = std::process::id();
        assert!(rss(own) > 1 << 20 && rss_peak(own) >= rss(own) / 2);
        let mut sum = 0_u64;
        while cpu_s(own) <= 0.0 {
            sum = sum.wrapping_add(folder(Path::new("/proc/self/net")));
        }
        assert_eq!((cpu_s(u32::MAX), rss(u32::MAX)), (0.0, 0));
    }
}
