//! Room for what people decide: raw input is refused before the disk under the log is full, so that a pause can still be written.
//!
//! Two lines of defence. While less than a share of the disk is free, webhooks are answered 503. When others fill the disk all the
//! same, a file that was kept for this is given up. A server that met a full disk does not write to some of its streams any more,
//! even when there is room again, so it is started anew then. Somebody else's server is somebody else's business.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use nix::fcntl::posix_fallocate;
use nix::sys::statvfs::statvfs;
use relevo_domain::RawId;
use relevo_eventlog::{IntakeLog, LogError, RawInput};
use relevo_webhook::Inlet;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::nats::supervisor::Renewal;

/// How often the disk is looked at: one call of the kernel. A flood of webhooks writes some 20 MB in this time.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Raw input is refused while less than this is free, in bytes; on a small disk a tenth of it. Months of pauses.
const CLOSED_BELOW_MAX: u64 = 256 * MIB;
const CLOSED_BELOW_SHARE: u64 = 10;
/// What is kept to be given up, in bytes; on a small disk a twentieth of it.
const RESERVE_MAX: u64 = 64 * MIB;
const RESERVE_SHARE: u64 = 20;
/// So little is nothing, in bytes: the server has met, or is about to meet, a write that fails.
const NOTHING: u64 = MIB;
const MIB: u64 = 1024 * 1024;
/// The file that is given up. It holds nothing.
const RESERVE_FILE: &str = "reserve";

/// Whether raw input is taken. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    closed: Arc<AtomicBool>,
}

/// Looks at the disk for as long as it lives.
pub(super) struct Watch {
    task: JoinHandle<()>,
}

/// The raw stream, behind the room that there is.
pub(super) struct Guarded {
    pub(super) inlet: IntakeLog,
    pub(super) room: Room,
}

/// What is to be done after a look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Step {
    closed: bool,
    give_up: bool,
    keep: bool,
    renew: bool,
}

/// The disk as it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Disk {
    total: u64,
    free: u64,
    /// Bytes of the reserve's file, if it is there.
    reserve: u64,
}

/// What is remembered between two looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Memory {
    closed: bool,
    /// The disk was full since the server was started.
    met_nothing: bool,
}

// === impl Room ===

impl Room {
    pub(super) fn closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Looks at the disk of `folder` from now on.
    pub(super) fn watch(&self, folder: PathBuf, server: Renewal) -> Watch {
        let room = self.clone();
        Watch { task: tokio::spawn(room.look_on(folder, server)) }
    }

    async fn look_on(self, folder: PathBuf, server: Renewal) {
        let mut memory = Memory::default();
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let (folder, before) = (folder.clone(), memory);
            let looked = tokio::task::spawn_blocking(move || look(&folder, before)).await;
            match looked.unwrap_or_else(|stopped| Err(io::Error::other(stopped))) {
                Ok((after, step)) => {
                    memory = after;
                    self.take(step);
                    if step.renew {
                        server.renew();
                    }
                }
                Err(error) => tracing::warn!(%error, "room on the log's disk cannot be told"),
            }
        }
    }

    fn take(&self, step: Step) {
        let was = self.closed.swap(step.closed, Ordering::AcqRel);
        match (was, step.closed) {
            (false, true) => {
                tracing::error!(
                    code = "LOG_FULL",
                    "little room on the log's disk: webhooks are answered 503, people go on"
                );
            }
            (true, false) => tracing::warn!("room on the log's disk again: webhooks are taken"),
            (false, false) | (true, true) => {}
        }
        if step.give_up {
            tracing::error!("no room on the log's disk: the reserve is given up; make room");
        }
        if step.renew {
            tracing::warn!("nats-server met a full disk and is started anew");
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[async_trait]
impl Inlet for Guarded {
    async fn append(&self, input: &RawInput) -> Result<RawId, LogError> {
        if self.room.closed() { Err(LogError::Full) } else { self.inlet.append(input).await }
    }
}

/// One look, and what is done about files at once.
fn look(folder: &Path, memory: Memory) -> io::Result<(Memory, Step)> {
    let file = folder.join(RESERVE_FILE);
    let found = statvfs(folder)?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.fragment_size());
    let reserve = fs::metadata(&file).map_or(0, |file| file.len());
    let disk = Disk { total: bytes(found.blocks()), free: bytes(found.blocks_available()), reserve };
    let (memory, mut step) = disk.judge(memory);
    if step.give_up {
        fs::remove_file(&file)?;
    }
    if step.keep && keep(&file, disk.reserve_wanted()).is_err() {
        // Somebody was quicker: there is no room after all.
        fs::remove_file(&file).ok();
        step.keep = false;
    }
    Ok((memory, step))
}

fn keep(file: &Path, bytes: u64) -> io::Result<()> {
    let file = File::options().create(true).write(true).truncate(true).mode(0o600).open(file)?;
    posix_fallocate(&file, 0, i64::try_from(bytes).unwrap_or(i64::MAX))?;
    Ok(())
}

// === impl Disk ===

impl Disk {
    const fn reserve_wanted(self) -> u64 {
        let share = self.total / RESERVE_SHARE;
        if share < RESERVE_MAX { share } else { RESERVE_MAX }
    }

    const fn closed_below(self) -> u64 {
        let share = self.total / CLOSED_BELOW_SHARE;
        if share < CLOSED_BELOW_MAX { share } else { CLOSED_BELOW_MAX }
    }

    /// What the disk means. The reserve is not room: while it is given up, it is missing.
    fn judge(self, memory: Memory) -> (Memory, Step) {
        let missing = self.reserve_wanted().saturating_sub(self.reserve);
        let room = self.free.saturating_sub(missing);
        // A quarter more to open than to close, so that it does not flutter.
        let below = if memory.closed { self.closed_below() / 4 * 5 } else { self.closed_below() };
        let closed = room < below;
        let nothing = self.free < NOTHING;
        let give_up = self.reserve > 0 && self.free < self.closed_below() / 4;
        let keep = self.reserve == 0 && !closed;
        let met_nothing = memory.met_nothing || nothing;
        // As soon as something can be written: what was given up may be gone already, and a server that is ended then does not
        // start again.
        let renew = met_nothing && !nothing;
        (Memory { closed, met_nothing: met_nothing && !renew }, Step { closed, give_up, keep, renew })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Disk = Disk { total: 1000 * MIB, free: 900 * MIB, reserve: 50 * MIB };

    fn judged(free: u64, reserve: u64, memory: Memory) -> (Memory, Step) {
        Disk { free: free * MIB, reserve: reserve * MIB, ..SMALL }.judge(memory)
    }

    #[test]
    fn with_room_the_reserve_is_kept_and_input_is_taken() {
        assert_eq!(judged(900, 0, Memory::default()), (Memory::default(), Step { keep: true, ..Step::default() }));
        assert_eq!(judged(900, 50, Memory::default()), (Memory::default(), Step::default()));
        assert_eq!((SMALL.reserve_wanted(), SMALL.closed_below()), (50 * MIB, 100 * MIB));
        let large = Disk { total: u64::MAX, ..SMALL };
        assert_eq!((large.reserve_wanted(), large.closed_below()), (RESERVE_MAX, CLOSED_BELOW_MAX));
    }

    #[test]
    fn input_is_refused_before_the_disk_is_full_and_taken_again_with_some_more() {
        let (closed, step) = judged(99, 50, Memory::default());
        assert_eq!((closed.closed, step), (true, Step { closed: true, ..Step::default() }));
        assert!(judged(110, 50, closed).1.closed, "not yet");
        assert_eq!(judged(126, 50, closed), (Memory::default(), Step::default()));
    }

    #[test]
    fn a_disk_that_others_fill_gets_the_reserve_and_the_server_is_started_anew_once() {
        let (memory, step) = judged(0, 50, Memory::default());
        assert_eq!(step, Step { closed: true, give_up: true, ..Step::default() });
        let (_, step) = judged(0, 0, memory);
        assert_eq!(step, Step { closed: true, ..Step::default() }, "somebody was quicker: it would not start again");
        let (memory, step) = judged(50, 0, memory);
        assert_eq!(
            step,
            Step { closed: true, renew: true, ..Step::default() },
            "what was given up is not room for input"
        );
        let (memory, step) = judged(0, 0, memory);
        assert_eq!(step, Step { closed: true, ..Step::default() }, "nothing can be done");
        let (memory, step) = judged(800, 0, memory);
        assert_eq!(step, Step { keep: true, renew: true, ..Step::default() });
        assert_eq!(judged(750, 50, memory), (Memory::default(), Step::default()));
    }

    #[test]
    fn a_look_at_a_disk_with_room_keeps_the_reserve_once() {
        let folder = tempfile::tempdir().unwrap();
        let (memory, step) = look(folder.path(), Memory::default()).unwrap();
        assert_eq!((memory, step), (Memory::default(), Step { keep: true, ..Step::default() }));
        let kept = fs::metadata(folder.path().join(RESERVE_FILE)).unwrap();
        assert!((MIB..=RESERVE_MAX).contains(&kept.len()), "{}", kept.len());
        assert_eq!(look(folder.path(), memory).unwrap(), (Memory::default(), Step::default()));
    }

    #[test]
    fn a_reserve_for_which_there_is_no_room_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        assert!(keep(&folder.path().join(RESERVE_FILE), 1 << 60).is_err());
    }
}
