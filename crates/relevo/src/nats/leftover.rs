//! Who runs on this data folder: broker and nats-server, each by process id *and* start time, in `<data_dir>/nats/owner.json`.
//!
//! A process id alone is not an identity: it is given again, and ending its new holder would be somebody else's loss.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::private;

/// Below the data folder.
const FILE: &str = "nats/owner.json";

/// A process, told from later holders of its id by its start time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    /// Clock ticks since boot (field 22 of `/proc/<pid>/stat`).
    pub(crate) start_time: u64,
}

/// The processes that were last started on the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub(crate) broker: Option<Process>,
    pub(crate) server: Option<Process>,
}

impl Process {
    /// The process that has the id now, unless it has ended.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the program's name in brackets and may hold spaces and brackets itself.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let ended = matches!(fields.next()?, "Z" | "X");
        // State is field 3; the start time is field 22, the nineteenth after it.
        let start_time = fields.nth(18)?.parse().ok()?;
        (!ended).then_some(Self { pid: i32::try_from(pid).ok()?, start_time })
    }

    pub(crate) fn this() -> Option<Self> {
        Self::of(std::process::id())
    }

    pub(crate) fn alive(&self) -> bool {
        u32::try_from(self.pid).ok().and_then(Self::of) == Some(*self)
    }
}

pub(crate) fn read(data_dir: &Path) -> Option<Owner> {
    serde_json::from_slice(&fs::read(path(data_dir)).ok()?).ok()
}

/// Writes the file whole or not at all, for the owner alone.
pub(crate) fn write(data_dir: &Path, owner: &Owner) -> io::Result<()> {
    let path = path(data_dir);
    if let Some(folder) = path.parent() {
        private::folder(folder)?;
    }
    private::write(&path, &serde_json::to_vec(owner)?)
}

/// Ends a left-over server, in order or by force, and tells whether there was one. Its broker is dead: had it been alive, the
/// caller would have stopped.
pub(crate) fn end(owner: &Owner, forced: bool) -> bool {
    let Some(server) = owner.server.filter(Process::alive) else { return false };
    tracing::warn!(pid = server.pid, forced, "ending the nats-server of a broker that is gone");
    let signal = if forced { Signal::SIGKILL } else { Signal::SIGTERM };
    if let Err(error) = kill(Pid::from_raw(server.pid), signal) {
        tracing::warn!(pid = server.pid, %error, "nats-server cannot be ended");
    }
    true
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_its_id_and_its_start_time() {
        let this = Process::this().unwrap();
        assert!(this.alive());
        assert!(!Process { start_time: this.start_time + 1, ..this }.alive());
        assert!(!Process { pid: i32::MAX, start_time: 0 }.alive());
    }

    #[test]
    fn the_owner_reads_back_and_rubbish_is_nobody() {
        let temp = tempfile::tempdir().unwrap();
        assert_eq!(read(temp.path()), None);
        let owner = Owner { broker: Process::this(), server: None };
        write(temp.path(), &owner).unwrap();
        assert_eq!(read(temp.path()), Some(owner));
        fs::write(path(temp.path()), b"{").unwrap();
        assert_eq!(read(temp.path()), None);
    }
}
