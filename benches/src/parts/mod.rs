//! The parts of a run: what each measures, and the limit that it measures beside it.

pub mod limits;
pub mod lists;
pub mod memory;
pub mod pausing;
pub mod peer;
pub mod rebuild;
pub mod trace;

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::procs;
use crate::profile::{Profile, Recording, record};
use crate::report::{Section, conditions};

/// Every part, in the order in which they run and stand on the page.
pub const ALL: [&str; 7] = ["trace", "limits", "lists", "rebuild", "pausing", "memory", "peer"];

/// How a run is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Seconds instead of minutes: that it runs, and that nothing is lost.
    pub short: bool,
    /// Where folders are filled that later runs open again: on the disk that is measured.
    pub folder: PathBuf,
    /// Conversations of the parts `lists` and `memory`.
    pub conversations: u64,
    pub seed: u64,
    /// Where profiles go; without it none are taken.
    pub profile: Option<PathBuf>,
}

impl Options {
    /// The figure of a full run, or that of a short one.
    pub fn pick<T>(&self, full: T, short: T) -> T {
        if self.short { short } else { full }
    }

    /// Waits until a process rests, see [`procs::rested`]; a short run does not, and answers at once.
    pub async fn rested(&self, pid: u32) -> Duration {
        if self.short { Duration::ZERO } else { procs::rested(pid).await }
    }

    /// Begins to sample a process, if profiles are wanted.
    pub fn record(&self, name: &str, pid: u32) -> Option<Recording> {
        record(self.profile.as_deref()?, name, pid)
    }

    /// Ends it, draws it, and answers what the page says of it: a link to the graph, and the frames on top.
    pub fn drawn(&self, name: &str, what: &str, recording: Option<Recording>) -> io::Result<String> {
        let (Some(folder), Some(recording)) = (&self.profile, recording) else { return Ok(String::new()) };
        let profile: Profile = recording.finish()?;
        if profile.samples() == 0 {
            return Ok(format!("\nNo profile of {what}: `perf` took no samples.\n"));
        }
        std::fs::write(folder.join(format!("{name}.svg")), profile.svg(what))?;
        let parent = folder.file_name().unwrap_or_default().to_string_lossy();
        let table = profile.table();
        Ok(format!(
            "\nWhere the time goes, {what} ([flame graph]({parent}/{name}.svg), {} samples):\n\n{table}",
            profile.samples()
        ))
    }

    /// Stamps what a part found.
    pub fn section(&self, part: &str, title: &str, began: Instant) -> Section {
        Section {
            part: part.to_owned(),
            title: title.to_owned(),
            conditions: conditions(),
            seconds: began.elapsed().as_secs_f64(),
            short: self.short,
            ..Section::default()
        }
    }
}
