//! A broker in a process of its own: started, killed, restarted, stopped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use relevo_testkit::eventually_within;
use tempfile::TempDir;

use crate::client::Client;

/// A start takes well under a second; on a machine that compiles beside it, more. The product's promise is 20 s.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// How a broker is started.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Further arguments of `relevo serve`.
    pub args: Vec<String>,
    /// Further environment.
    pub env: Vec<(String, String)>,
    /// Another node's keys: nodes of one installation derive the same ids.
    pub keys_from: Option<PathBuf>,
}

/// A running broker with the demo's configuration.
pub struct Broker {
    child: Option<Child>,
    setup: Setup,
    dir: TempDir,
    pub http: String,
    pub grpc: String,
}

impl Broker {
    /// Starts a broker in a new folder, and waits until it is ready.
    pub async fn start() -> Self {
        Self::start_with(Setup::default()).await
    }

    /// Starts one whose data folder is made ready before.
    pub async fn start_prepared(prepare: impl FnOnce(&Path)) -> Self {
        Self::start_in(Setup::default(), READY_WITHIN, prepare).await
    }

    pub async fn start_with(setup: Setup) -> Self {
        Self::start_within(setup, READY_WITHIN).await
    }

    /// The same for one that has more to do before it is ready: views to build over a long log.
    pub async fn start_within(setup: Setup, within: Duration) -> Self {
        Self::start_in(setup, within, |_data| ()).await
    }

    async fn start_in(setup: Setup, within: Duration, prepare: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::Builder::new().prefix("relevo-it-").tempdir().unwrap();
        prepare(&dir.path().join("data"));
        if let Some(keys) = &setup.keys_from {
            let own = dir.path().join("data/keys");
            fs::create_dir_all(&own).unwrap();
            // The folders in it are the node's own.
            for entry in fs::read_dir(keys).unwrap().flatten().filter(|entry| entry.path().is_file()) {
                fs::copy(entry.path(), own.join(entry.file_name())).unwrap();
            }
        }
        let mut broker = Self { child: None, setup, dir, http: String::new(), grpc: String::new() };
        broker.spawn();
        broker.ready_within(within).await;
        broker
    }

    /// Starts a broker on a data folder that another release has left: an archive with the folder `data`.
    pub async fn start_on(archive: &Path, setup: Setup) -> Self {
        let dir = tempfile::Builder::new().prefix("relevo-it-").tempdir().unwrap();
        let unpacked = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(dir.path()).status().unwrap();
        assert!(unpacked.success(), "{} is not unpacked", archive.display());
        let mut broker = Self { child: None, setup, dir, http: String::new(), grpc: String::new() };
        broker.spawn();
        broker.ready().await;
        broker
    }

    /// Starts the process; [`Broker::ready`] waits for it. Ports are chosen once and kept, as an operator's would be.
    pub fn spawn(&mut self) {
        let log = File::options().create(true).append(true).open(self.dir.path().join("broker.log")).unwrap();
        fs::remove_file(self.addresses_file()).ok();
        let address = |url: &str| {
            if url.is_empty() { "127.0.0.1:0".to_owned() } else { url.trim_start_matches("http://").to_owned() }
        };
        let child = Command::new(binary())
            .args(["serve", "--demo", "--lang", "en", "--data-dir"])
            .arg(self.data())
            .args(["--http-addr", &address(&self.http), "--grpc-addr", &address(&self.grpc)])
            .args(&self.setup.args)
            .envs(self.setup.env.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// Waits until the broker listens, ready or not.
    pub async fn addressed(&mut self) {
        let file = self.addresses_file();
        let found = eventually_within("the broker's addresses", READY_WITHIN, async || {
            self.alive();
            addresses(&file)
        });
        (self.http, self.grpc) = found.await;
    }

    /// Waits until the broker says that it is ready.
    pub async fn ready(&mut self) {
        self.ready_within(READY_WITHIN).await;
    }

    async fn ready_within(&mut self, within: Duration) {
        self.addressed().await;
        let url = format!("{}/readyz", self.http);
        let ready = eventually_within("the broker is ready", within, async || {
            let answer = reqwest::get(&url).await.ok()?;
            answer.status().is_success().then_some(())
        });
        ready.await;
    }

    fn alive(&self) {
        let pid = self.pid();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(!stat.is_empty() && !stat.contains(") Z "), "broker ended\n{}", self.log());
    }

    /// Kills the broker without a warning. Its nats-server is left to the parent-death signal.
    pub fn kill9(&mut self) {
        let mut child = self.child.take().expect("running");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Ends the broker in order.
    pub fn stop(&mut self) {
        let mut child = self.child.take().expect("running");
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
        let status = child.wait().unwrap();
        assert!(status.success(), "stop: {status}\n{}", self.log());
    }

    /// Further arguments, from the next start on.
    pub fn add_args(&mut self, args: &[&str]) {
        self.setup.args.extend(args.iter().map(|arg| (*arg).to_owned()));
    }

    pub async fn restart(&mut self) {
        self.spawn();
        self.ready().await;
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("running").id()
    }

    /// The nats-servers whose store is this broker's. There must never be two.
    pub fn nats_servers(&self) -> Vec<u32> {
        nats_servers_of(&self.data())
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn addresses_file(&self) -> PathBuf {
        self.data().join("relevo.addresses")
    }

    /// A client with a key of the demo, for example `admin`.
    pub fn client(&self, who: &str) -> Client {
        Client::new(&self.grpc, &format!("relevo-demo-{who}"))
    }

    /// The end of the broker's log, for a failing test.
    pub fn log(&self) -> String {
        let log = fs::read_to_string(self.dir.path().join("broker.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(50)..].join("\n")
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
        if std::thread::panicking() {
            // Printed by the test runner beside the failure.
            #[expect(clippy::print_stderr, reason = "what a person needs to understand a failed test")]
            {
                eprintln!("broker's log:\n{}", self.log());
            }
        }
    }
}

/// Runs the command line and answers (exit code, stdout, stderr).
pub fn cli(broker: &Broker, key: &str, args: &[&str]) -> (i32, String, String) {
    cli_with(broker, &format!("relevo-demo-{key}"), args)
}

/// The same with any key.
pub fn cli_with(broker: &Broker, key: &str, args: &[&str]) -> (i32, String, String) {
    let output = Command::new(binary())
        .args(["--server", &broker.grpc, "--api-key", key])
        .args(args)
        .env("LANG", "es_AR.UTF-8")
        .env_remove("LC_ALL")
        .env_remove("LC_MESSAGES")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// The binary that was built beside this test.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("RELEVO_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().find(|folder| folder.join("relevo").is_file());
    target.expect("the relevo binary is not built; run `cargo build -p relevo`, or `make test`").join("relevo")
}

/// Processes named nats-server whose command line or configuration names this data folder.
pub fn nats_servers_of(data: &Path) -> Vec<u32> {
    let data = data.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(command) = fs::read(entry.path().join("cmdline")) else { continue };
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        if command.contains("nats-server") && command.contains(&data) && !command.contains("nats-child") {
            found.push(pid);
        }
    }
    found
}

/// `http=…` and `grpc=…`, one a line.
fn addresses(file: &Path) -> Option<(String, String)> {
    let text = fs::read_to_string(file).ok()?;
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned);
    Some((value("http")?, value("grpc")?))
}
