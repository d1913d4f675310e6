//! A private nats-server: its own folder, its own port, ended with the value.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::time::Instant;

/// The oldest server that Relevo supports.
const VERSION_MIN: (u32, u32) = (2, 12);
/// Starting takes 10 to 20 ms; a loaded machine gets this long.
const START_DEADLINE: Duration = Duration::from_secs(10);
/// Writing down what it knows of a million subjects takes seconds.
const END_DEADLINE: Duration = Duration::from_mins(1);
const POLL_EVERY: Duration = Duration::from_millis(2);
/// The same as Relevo's own server.
const MAX_PAYLOAD_BYTES: usize = 8 * 1024 * 1024;
/// Reserved on paper only: streams with budgets must fit.
const STORE_BYTES: u64 = 64 * 1024 * 1024 * 1024;
/// Lines of the server's log that a failure shows.
const LOG_LINES: usize = 40;

/// A running nats-server with JetStream. Killed and removed when dropped; the folder stays if the test panics or `KEEP_TMP` is set.
#[derive(Debug)]
pub struct NatsServer {
    folder: Option<TempDir>,
    binary: PathBuf,
    sync_always: bool,
    port: u16,
    child: Option<Child>,
}

impl NatsServer {
    /// Starts a server that leaves syncing to the operating system, which is enough for everything but power cuts.
    pub async fn start() -> Self {
        Self::launch(false).await
    }

    /// Starts a server that syncs each message to disk before it acknowledges it.
    pub async fn sync_always() -> Self {
        Self::launch(true).await
    }

    async fn launch(sync_always: bool) -> Self {
        let folder = tempfile::Builder::new().prefix("relevo-nats-").tempdir().unwrap();
        let mut server = Self { folder: Some(folder), binary: find_binary(), sync_always, port: 0, child: None };
        server.run().await;
        server
    }

    /// The URL that clients connect to.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The server's process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Where the server keeps its streams.
    pub fn store_dir(&self) -> PathBuf {
        self.dir().join("js")
    }

    /// Ends the server as a crash would: no signal that it could handle.
    pub fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may be dead already, which is what is wanted.
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Whether each message is synced, from the next start on.
    pub const fn set_sync_always(&mut self, sync_always: bool) {
        self.sync_always = sync_always;
    }

    /// Ends the server and starts it again on the same store and port.
    pub async fn restart(&mut self) {
        self.kill9();
        self.run().await;
    }

    /// Tells the server to end, waits until it has, and starts it again: unlike after a crash, it has written down what it knows of
    /// its streams and need not read them again.
    pub async fn restart_in_order(&mut self) {
        if let Some(mut child) = self.child.take() {
            let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
            signal::kill(pid, Signal::SIGTERM).unwrap();
            let end = Instant::now() + END_DEADLINE;
            while child.try_wait().unwrap().is_none() {
                assert!(Instant::now() < end, "nats-server did not end; its log ends:\n{}", self.log_tail());
                tokio::time::sleep(POLL_EVERY).await;
            }
        }
        self.run().await;
    }

    /// The end of the server's own log.
    pub fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.dir().join("nats.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    fn dir(&self) -> &Path {
        self.folder.as_ref().expect("the folder is there until drop").path()
    }

    async fn run(&mut self) {
        let config = self.dir().join("nats.conf");
        std::fs::write(&config, self.config()).unwrap();
        let mut child = Command::new(&self.binary)
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", self.binary.display()));
        let ports = self.dir().join(format!("nats-server_{}.ports", child.id()));
        let end = Instant::now() + START_DEADLINE;
        let port = loop {
            let known = if self.port == 0 { read_port(&ports) } else { Some(self.port) };
            if let Some(port) = known
                && tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
            {
                break port;
            }
            let exited = child.try_wait().unwrap();
            let waiting = exited.is_none() && Instant::now() < end;
            assert!(waiting, "nats-server did not start ({exited:?}); its log ends:\n{}", self.log_tail());
            tokio::time::sleep(POLL_EVERY).await;
        };
        self.port = port;
        self.child = Some(child);
    }

    fn config(&self) -> String {
        let dir = self.dir().display();
        let port = if self.port == 0 { -1 } else { i32::from(self.port) };
        let sync = if self.sync_always { "sync_interval: always" } else { "" };
        format!(
            "host: 127.0.0.1\nport: {port}\nports_file_dir: \"{dir}\"\nlog_file: \"{dir}/nats.log\"\n\
             max_payload: {MAX_PAYLOAD_BYTES}\n\
             jetstream {{\n  store_dir: \"{dir}/js\"\n  max_file_store: {STORE_BYTES}\n  {sync}\n}}\n"
        )
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill9();
        let keep = std::thread::panicking() || std::env::var_os("KEEP_TMP").is_some();
        if keep && let Some(folder) = self.folder.take() {
            eprintln!("nats-server's folder is kept: {}", folder.keep().display());
        }
    }
}

/// The client port from the file that the server writes: `{"nats":["nats://127.0.0.1:1234"]…}`.
fn read_port(file: &Path) -> Option<u16> {
    let text = std::fs::read_to_string(file).ok()?;
    let url = text.split("nats://").nth(1)?;
    let address = url.split('"').next()?;
    address.rsplit(':').next()?.parse().ok()
}

/// `NATS_SERVER_BIN`, then what `make setup` installed, then PATH if it is recent enough.
pub fn find_binary() -> PathBuf {
    if let Some(named) = std::env::var_os("NATS_SERVER_BIN") {
        return PathBuf::from(named);
    }
    if let Some(home) = std::env::var_os("HOME") {
        let installed = PathBuf::from(home).join(".cache/relevo/tools/bin/nats-server");
        if installed.is_file() {
            return installed;
        }
    }
    let on_path = PathBuf::from("nats-server");
    match version(&on_path) {
        Some(version) if version >= VERSION_MIN => on_path,
        found => panic!(
            "tests need nats-server {}.{} or later (on PATH: {found:?}); run `make setup`, or set NATS_SERVER_BIN",
            VERSION_MIN.0, VERSION_MIN.1
        ),
    }
}

fn version(binary: &Path) -> Option<(u32, u32)> {
    let output = Command::new(binary).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.trim().rsplit('v').next()?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_starts_restarts_on_its_port_and_ends() {
        let mut server = NatsServer::start().await;
        let port = server.port();
        assert_ne!(port, 0);
        let first = server.pid();
        server.restart().await;
        assert_eq!(server.port(), port);
        assert_ne!(server.pid(), first);
        server.restart_in_order().await;
        assert_eq!(server.port(), port);
        server.kill9();
        assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err());
    }
}
