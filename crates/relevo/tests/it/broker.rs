//! A broker that runs as its own process, in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use relevo_testkit::eventually_within;
use tempfile::TempDir;

/// Long enough for a loaded machine that runs many of these at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn relevo() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relevo"));
    // Nothing of the machine's own configuration.
    command.env_remove("RELEVO_API_KEY").env_remove("RELEVO_SERVER").env("RELEVO_LANG", "en").env("RUST_LOG", "info");
    command
}

/// `relevo serve --demo` on free ports.
pub(crate) fn serve(data: &Path) -> Command {
    let mut command = relevo();
    command
        .args(["serve", "--demo", "--http-addr", "127.0.0.1:0", "--grpc-addr", "127.0.0.1:0", "--data-dir"])
        .arg(data);
    command
}

/// Runs a command that should end by itself.
pub(crate) fn output(mut command: Command) -> (Output, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output, text)
}

pub(crate) struct Broker {
    child: Child,
    data: PathBuf,
    pub(crate) http: String,
}

impl Broker {
    /// Starts on a folder and waits until it is ready.
    pub(crate) async fn start(data: &Path) -> Self {
        Self::start_with(data, &[]).await
    }

    /// The same with variables of the configuration.
    pub(crate) async fn start_with(data: &Path, variables: &[(&str, &str)]) -> Self {
        let log = std::fs::File::options().create(true).append(true).open(data.with_extension("log")).unwrap();
        let child = serve(data).envs(variables.iter().copied()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut broker = Self { child, data: data.to_owned(), http: String::new() };
        broker.http = eventually_within("the addresses are written", PATIENCE, async || {
            assert!(broker.child.try_wait().unwrap().is_none(), "broker ended\n{}", broker.log());
            // A killed broker's file is still there.
            let own = address(&broker.data, "pid") == Some(broker.pid().to_string());
            address(&broker.data, "http").filter(|_| own)
        })
        .await;
        eventually_within("ready", PATIENCE, async || {
            assert!(broker.child.try_wait().unwrap().is_none(), "broker ended\n{}", broker.log());
            (broker.status("/readyz").await == Some(200)).then_some(())
        })
        .await;
        broker
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) async fn status(&self, path: &str) -> Option<u16> {
        reqwest::get(format!("{}{path}", self.http)).await.ok().map(|response| response.status().as_u16())
    }

    /// Posts a mail; its status.
    pub(crate) async fn mail(&self, text: &str) -> Option<u16> {
        let request = reqwest::Client::new().post(format!("{}/webhooks/email/demo-mail", self.http));
        let response = request.bearer_auth("relevo-demo-mail-token").body(text.to_owned()).send().await;
        response.ok().map(|response| response.status().as_u16())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.pid()).unwrap()), signal).unwrap();
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let child = &mut self.child;
        eventually_within("the broker ends", PATIENCE, async || child.try_wait().unwrap()).await
    }

    /// Its status; what it said is told where that is not success.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        let status = self.ended().await;
        if !status.success() {
            #[expect(clippy::print_stderr, reason = "what a person needs to understand a failed test")]
            {
                eprintln!("the broker ended with {status}\n{}", self.log());
            }
        }
        status
    }

    pub(crate) async fn kill9(mut self) {
        self.signal(Signal::SIGKILL);
        self.ended().await;
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.data.with_extension("log")).unwrap_or_default()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A data folder inside a folder that is removed afterwards.
pub(crate) fn folder() -> (TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("data");
    (temp, data)
}

pub(crate) fn address(data: &Path, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(data.join("relevo.addresses")).ok()?;
    text.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).map(str::to_owned)
}

pub(crate) fn nats_port(data: &Path) -> u16 {
    std::fs::read_to_string(data.join("nats/port")).unwrap().trim().parse().unwrap()
}

/// Processes that were started with this folder's nats-server configuration.
pub(crate) fn servers(data: &Path) -> Vec<u32> {
    let config = data.join("nats/nats-server.conf").display().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let mut words = line.split(|byte| *byte == 0);
        let server = words.next()?.ends_with(b"nats-server");
        (server && words.any(|word| word == config.as_bytes())).then_some(pid)
    });
    processes.collect()
}
