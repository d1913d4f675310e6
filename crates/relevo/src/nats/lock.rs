//! One broker and one nats-server on a data folder: an exclusive lock on `<data_dir>/lock`.
//!
//! The lock belongs to the open file, not to the process: the nats-server inherits the file as its standard input, so the lock
//! lasts until broker *and* server are gone, however they ended.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::NatsError;
use super::leftover::{self, Owner};
use super::supervisor::wait;

const NAME: &str = "lock";
/// How long a start waits for a left-over server to end: an orderly end flushes, and takes a second or two on a busy disk.
const TAKE_OVER_MAX: Duration = Duration::from_secs(12);
/// After this much of it, the left-over server is killed: with `sync_interval: always` nothing acknowledged is lost by that.
const ORDERLY_END_MAX: Duration = Duration::from_secs(5);
/// How often the lock is tried while waiting; the kernel has no call that waits for a limited time.
const TRY_EVERY: Duration = Duration::from_millis(20);

/// The data folder, for this process and its children alone.
#[derive(Debug)]
pub(crate) struct DataLock {
    file: File,
    path: PathBuf,
}

impl DataLock {
    /// Locks the folder. A server that a dead broker left behind is ended first; a living broker is respected.
    pub(crate) fn take(data_dir: &Path) -> Result<Self, NatsError> {
        let path = data_dir.join(NAME);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(NatsError::io(&path))?;
        let started = Instant::now();
        let mut asked = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { file, path }),
                Err(TryLockError::Error(error)) => return Err(NatsError::io(&path)(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            // Read anew each time: another broker may just be starting, and its file appears a moment later.
            let owner = leftover::read(data_dir);
            if let Some(Owner { broker: Some(broker), .. }) = &owner
                && broker.alive()
            {
                return Err(NatsError::InUse { path: data_dir.to_owned(), pid: broker.pid.to_string() });
            }
            if started.elapsed() >= TAKE_OVER_MAX {
                return Err(NatsError::InUse { path: data_dir.to_owned(), pid: "?".to_owned() });
            }
            let forced = started.elapsed() >= ORDERLY_END_MAX;
            if let Some(owner) = owner.filter(|_| forced || !asked) {
                asked = leftover::end(&owner, forced);
            }
            wait(TRY_EVERY);
        }
    }

    /// The locked file once more, for a child to inherit.
    pub(crate) fn share(&self) -> Result<File, NatsError> {
        self.file.try_clone().map_err(NatsError::io(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn the_lock_outlives_its_taker_in_a_child_and_a_living_broker_is_respected() {
        let temp = tempfile::tempdir().unwrap();
        let lock = DataLock::take(temp.path()).unwrap();
        // `cat` on its inherited, empty standard input would end at once; `sleep` keeps it open.
        let mut child = Command::new("sleep").arg("600").stdin(Stdio::from(lock.share().unwrap())).spawn().unwrap();
        drop(lock);
        leftover::write(temp.path(), &Owner { broker: leftover::Process::this(), server: None }).unwrap();
        match DataLock::take(temp.path()) {
            Err(NatsError::InUse { pid, .. }) => assert_eq!(pid, std::process::id().to_string()),
            other => panic!("{other:?}"),
        }
        child.kill().unwrap();
        child.wait().unwrap();
        DataLock::take(temp.path()).unwrap();
    }

    #[test]
    fn a_server_that_a_dead_broker_left_behind_is_ended() {
        let temp = tempfile::tempdir().unwrap();
        let lock = DataLock::take(temp.path()).unwrap();
        let mut child = Command::new("sleep").arg("600").stdin(Stdio::from(lock.share().unwrap())).spawn().unwrap();
        drop(lock);
        let server = leftover::Process::of(child.id());
        // A broker whose process id is in use by somebody else by now: the start time differs.
        let broker = leftover::Process { start_time: 1, ..leftover::Process::this().unwrap() };
        leftover::write(temp.path(), &Owner { broker: Some(broker), server }).unwrap();
        // The child must be reaped for its end to show; a broker's leftover belongs to init, which does that.
        let reaper = std::thread::spawn(move || child.wait().unwrap());
        DataLock::take(temp.path()).unwrap();
        assert!(!reaper.join().unwrap().success());
    }
}
