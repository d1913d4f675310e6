//! The virus scanner: a command of the operator's that reads a file on its standard input and answers with its exit status.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long a scan may take: a scanner that has just started reads its signatures for half a minute.
const SCAN_LIMIT: Duration = Duration::from_mins(2);
/// The exit status of `clamscan` and `clamdscan` for a file with something in it.
const INFECTED: i32 = 1;

/// Scans of a node at a time: each may be a process that reads all signatures into memory, a gigabyte of it.
const SCANS_AT_ONCE: usize = 4;

/// How to call the scanner. Clones share the limit of how many scans run at a time.
#[derive(Clone, Debug)]
pub struct Scanner {
    program: String,
    arguments: Vec<String>,
    limit: Duration,
    turns: Arc<Semaphore>,
}

/// What the scanner says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Exit status 0.
    Clean,
    /// Exit status 1.
    Infected,
}

/// The scanner did not answer: it is missing, took too long, or failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("virus scanner: {0}")]
pub struct ScanError(String);

impl Scanner {
    /// The program and its arguments, for example `clamdscan --no-summary -`. `None` if there is no program.
    pub fn new(command: &[String]) -> Option<Self> {
        let (program, arguments) = command.split_first()?;
        let turns = Arc::new(Semaphore::new(SCANS_AT_ONCE));
        Some(Self { program: program.clone(), arguments: arguments.to_vec(), limit: SCAN_LIMIT, turns })
    }

    /// Another time limit than two minutes.
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Shows the file to the scanner, in turn; waiting for one's turn does not count. Nothing that the scanner prints is read: it may name the file's content.
    pub async fn scan(&self, bytes: Bytes) -> Result<Verdict, ScanError> {
        let _turn = self.turns.acquire().await.map_err(|closed| ScanError(closed.to_string()))?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.kill_on_drop(true).spawn().map_err(|error| ScanError(error.to_string()))?;
        let input = child.stdin.take();
        let scanned = timeout(self.limit, async {
            if let Some(mut input) = input {
                // A scanner may have seen enough before the end; what counts is its exit status.
                let written = async {
                    input.write_all(&bytes).await?;
                    input.shutdown().await
                };
                if let Err(error) = written.await {
                    tracing::debug!(%error, "virus scanner did not read to the end");
                }
            }
            child.wait().await
        });
        let status = match scanned.await {
            Ok(status) => status.map_err(|error| ScanError(error.to_string()))?,
            Err(_elapsed) => return Err(ScanError(format!("no answer within {} s", self.limit.as_secs()))),
        };
        match status.code() {
            Some(0) => Ok(Verdict::Clean),
            Some(INFECTED) => Ok(Verdict::Infected),
            Some(other) => Err(ScanError(format!("exit status {other}"))),
            None => Err(ScanError("it was ended by a signal".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Scanner {
        Scanner::new(&["sh".to_owned(), "-c".to_owned(), script.to_owned()]).unwrap()
    }

    #[tokio::test]
    async fn the_exit_status_decides() {
        let large = Bytes::from(vec![b'a'; 3_000_000]);
        let reads = "test $(wc -c) = 3000000";
        assert_eq!(shell(reads).scan(large.clone()).await, Ok(Verdict::Clean));
        assert_eq!(shell("exit 1").scan(large.clone()).await, Ok(Verdict::Infected));
        assert_eq!(shell("! grep -q EICAR").scan(Bytes::from_static(b"x EICAR y")).await, Ok(Verdict::Infected));
        assert!(shell("exit 2").scan(large.clone()).await.is_err());
        assert!(shell("kill -9 $$").scan(large.clone()).await.is_err());
        assert!(Scanner::new(&["/no/such/scanner".to_owned()]).unwrap().scan(large.clone()).await.is_err());
        assert!(Scanner::new(&[]).is_none());
        let slow = shell("exec sleep 60").within(Duration::from_millis(50));
        assert!(slow.scan(large).await.is_err());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn few_scans_run_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        // Each leaves a mark while it runs, and says how many marks it saw.
        let script = format!("touch {path}/$$; ls {path} | wc -l >> {path}.seen; sleep 0.1; rm {path}/$$");
        let scanner = shell(&script);
        let scans = (0..12).map(|_| {
            let scanner = scanner.clone();
            tokio::spawn(async move { scanner.scan(Bytes::new()).await })
        });
        for scan in scans.collect::<Vec<_>>() {
            assert_eq!(scan.await.unwrap(), Ok(Verdict::Clean));
        }
        let seen = std::fs::read_to_string(format!("{path}.seen")).unwrap();
        std::fs::remove_file(format!("{path}.seen")).unwrap();
        let seen: Vec<usize> = seen.lines().map(|line| line.trim().parse().unwrap()).collect();
        assert!(seen.len() == 12 && seen.iter().all(|count| *count <= SCANS_AT_ONCE), "{seen:?}");
    }
}
