//! Three nats-servers as one cluster, each of which can be killed, ended, stopped, and cut off.
//!
//! Every message is synced to disk before it is acknowledged (`sync_interval: always`). Each server has its own machine of a
//! [`Net`], or a port of its own on loopback where there is none.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use relevo_testkit::eventually_within;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::ask::ask;
use super::net::{MACHINES, Net, Side};

/// How long a cluster may take to find leaders for everything: an election is begun 4 to 9 seconds after a leader was lost, and on a
/// busy machine several may be needed.
const HEALTHY_WITHIN: Duration = Duration::from_secs(90);
/// How long one server may take for one question, before another one is asked.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
const CLIENT_PORT: u16 = 4222;
const PEER_PORT: u16 = 6222;
/// What a server's heap is kept to if that is possible: three run beside everything else.
const HEAP: &str = "160MiB";
/// Reserved on paper only: streams with budgets must fit.
const STORE_BYTES: u64 = 64 * 1024 * 1024 * 1024;
const MAX_PAYLOAD_BYTES: usize = 8 * 1024 * 1024;
/// Lines of a server's log that a failure shows.
const LOG_LINES: usize = 30;

/// The cluster. Killed and removed when dropped.
pub struct Servers {
    pub net: Option<Net>,
    dir: TempDir,
    binary: PathBuf,
    ports: Vec<(u16, u16)>,
    children: Vec<Option<Child>>,
}

/// What a server says about a stream.
#[derive(Clone, Debug)]
pub struct StreamState {
    pub leader: Option<String>,
    pub replicas: u64,
    /// Replicas beside the leader that have everything.
    pub current: usize,
    pub last_sequence: u64,
}

impl Servers {
    /// Starts three servers, on machines of their own if there is a network. Does not wait for a leader: there is none without streams.
    pub async fn start(net: Option<Net>) -> Self {
        let dir = tempfile::Builder::new().prefix("relevo-cluster-").tempdir().unwrap();
        let ports = (0..MACHINES).map(|_| ports_of(net.as_ref())).collect();
        let mut servers = Self {
            net,
            dir,
            binary: relevo_testkit::nats_server_binary(),
            ports,
            children: (0..MACHINES).map(|_| None).collect(),
        };
        for machine in 0..MACHINES {
            servers.begin(machine);
        }
        let three = async || (servers.members().await == MACHINES).then_some(());
        eventually_within("three servers know each other", HEALTHY_WITHIN, three).await;
        servers
    }

    /// Every client's address, separated by commas.
    pub fn urls(&self) -> String {
        (0..MACHINES).map(|machine| self.url(machine)).collect::<Vec<_>>().join(",")
    }

    pub fn url(&self, machine: usize) -> String {
        format!("nats://{}:{}", self.host(machine, Side::Clients), self.ports[machine].0)
    }

    /// Ends a server as a crash would.
    pub fn kill9(&mut self, machine: usize) {
        let Some(mut child) = self.children[machine].take() else { return };
        // It may be dead already, which is what is wanted.
        child.kill().ok();
        child.wait().ok();
    }

    /// Ends a server in order: it gives up what it leads.
    pub async fn end(&mut self, machine: usize) {
        self.signal(machine, Signal::SIGTERM);
        let Some(mut child) = self.children[machine].take() else { return };
        let ended = async || child.try_wait().unwrap();
        eventually_within("a server ends", HEALTHY_WITHIN, ended).await;
    }

    /// Stands still, with everything it was about to do; `SIGCONT` lets it go on.
    pub fn signal(&self, machine: usize, signal: Signal) {
        if let Some(child) = &self.children[machine] {
            kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
        }
    }

    /// Starts a server on what it has on disk.
    pub fn begin(&mut self, machine: usize) {
        let config = self.dir.path().join(format!("n{machine}.conf"));
        fs::write(&config, self.config(machine)).unwrap();
        let mut words = self.net.as_ref().map(|net| net.on(machine)).unwrap_or_default();
        // A harness that is killed leaves no server behind.
        words.extend(["setpriv", "--pdeathsig", "KILL"].map(str::to_owned));
        words.push(self.binary.to_string_lossy().into_owned());
        words.extend(["--config".to_owned(), config.to_string_lossy().into_owned()]);
        let child = Command::new(&words[0])
            .args(&words[1..])
            .env("GOMEMLIMIT", HEAP)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", words[0]));
        self.children[machine] = Some(child);
    }

    /// Which machine leads a stream, asked of any server that answers and is not among those that may be wrong about it.
    pub async fn leader(&self, stream: &str, not: &[usize]) -> usize {
        let found = async || {
            let state = self.stream(stream, not).await?;
            machine_of(&state.leader?).filter(|machine| !not.contains(machine))
        };
        eventually_within(&format!("{stream} has a leader"), HEALTHY_WITHIN, found).await
    }

    /// A stream as one of the servers sees it.
    pub async fn stream(&self, stream: &str, not: &[usize]) -> Option<StreamState> {
        let answer = self.ask(&format!("$JS.API.STREAM.INFO.{stream}"), not).await?;
        read_state(&answer)
    }

    /// Waits until every stream has a leader and all of its replicas have everything.
    pub async fn healthy(&self) {
        let healthy = async || self.is_healthy().await.then_some(());
        eventually_within("every stream has a leader and current replicas", HEALTHY_WITHIN, healthy).await;
    }

    async fn is_healthy(&self) -> bool {
        let Some(names) = self.ask("$JS.API.STREAM.NAMES", &[]).await else { return false };
        let Some(names) = names["streams"].as_array().filter(|names| !names.is_empty()).cloned() else { return false };
        for name in names {
            let state = self.stream(name.as_str().unwrap_or_default(), &[]).await;
            let whole = state.is_some_and(|state| state.leader.is_some() && state.current + 1 == MACHINES);
            if !whole {
                return false;
            }
        }
        true
    }

    /// Every stream with the number of its replicas, by name.
    pub async fn replicas(&self) -> Vec<(String, u64)> {
        let names = eventually_within("the streams are named", HEALTHY_WITHIN, async || {
            let names = self.ask("$JS.API.STREAM.NAMES", &[]).await?;
            names["streams"].as_array().filter(|names| !names.is_empty()).cloned()
        });
        let mut found = Vec::new();
        for name in names.await {
            let name = name.as_str().unwrap_or_default().to_owned();
            let state =
                eventually_within("a stream is described", HEALTHY_WITHIN, async || self.stream(&name, &[]).await);
            found.push((name.clone(), state.await.replicas));
        }
        found
    }

    /// The end of every server's log, for a failing test.
    pub fn logs(&self) -> String {
        let tail = |machine: usize| {
            let log = fs::read_to_string(self.dir.path().join(format!("n{machine}.log"))).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            format!("n{machine}:\n{}\n", lines[lines.len().saturating_sub(LOG_LINES)..].join("\n"))
        };
        (0..MACHINES).map(tail).collect()
    }

    /// A question to the first server that answers it.
    async fn ask(&self, subject: &str, not: &[usize]) -> Option<Value> {
        for machine in (0..MACHINES).filter(|machine| !not.contains(machine)) {
            if self.children[machine].is_none() {
                continue;
            }
            let url = self.url(machine);
            if let Ok(Ok(answer)) = timeout(ANSWER_WITHIN, ask(&url, subject)).await
                && answer["error"].is_null()
            {
                return Some(answer);
            }
        }
        None
    }

    /// How many servers the first one has connections to, itself included; 0 while one of them cannot be reached.
    async fn members(&self) -> usize {
        let mut reached = 0;
        for machine in 0..MACHINES {
            let address = self.url(machine).replace("nats://", "");
            let connected = timeout(ANSWER_WITHIN, TcpStream::connect(address)).await;
            reached += usize::from(matches!(connected, Ok(Ok(_))));
        }
        // The account's information comes from the leader of the cluster, so there is one.
        let led = self.ask("$JS.API.INFO", &[]).await.is_some();
        if led { reached } else { 0 }
    }

    fn host(&self, machine: usize, side: Side) -> String {
        self.net.as_ref().map_or_else(|| "127.0.0.1".to_owned(), |net| net.address(machine, side).to_string())
    }

    fn config(&self, machine: usize) -> String {
        let dir = self.dir.path().display();
        let (client, peer) = self.ports[machine];
        let routes: Vec<String> = (0..MACHINES)
            .filter(|other| *other != machine)
            .map(|other| format!("\"nats://{}:{}\"", self.host(other, Side::Peers), self.ports[other].1))
            .collect();
        format!(
            "server_name: n{machine}\nhost: {}\nport: {client}\nlog_file: \"{dir}/n{machine}.log\"\n\
             max_payload: {MAX_PAYLOAD_BYTES}\n\
             jetstream {{\n  store_dir: \"{dir}/n{machine}\"\n  max_file_store: {STORE_BYTES}\n  max_memory_store: 16777216\n  \
             sync_interval: always\n}}\n\
             cluster {{\n  name: relevo\n  listen: \"{}:{peer}\"\n  routes: [{}]\n}}\n",
            self.host(machine, Side::Clients),
            self.host(machine, Side::Peers),
            routes.join(", "),
        )
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for machine in 0..MACHINES {
            // A stopped process cannot die of anything gentler.
            self.kill9(machine);
        }
        if std::thread::panicking() {
            #[expect(clippy::print_stderr, reason = "what a person needs to understand a failed test")]
            {
                eprintln!("servers' logs:\n{}", self.logs());
            }
        }
    }
}

/// The ports for clients and for peers: the usual ones on a machine of its own, free ones on loopback.
fn ports_of(net: Option<&Net>) -> (u16, u16) {
    if net.is_some() {
        return (CLIENT_PORT, PEER_PORT);
    }
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    (free(), free())
}

fn machine_of(name: &str) -> Option<usize> {
    name.strip_prefix('n')?.parse().ok()
}

fn read_state(answer: &Value) -> Option<StreamState> {
    let cluster = &answer["cluster"];
    let replicas = cluster["replicas"].as_array().cloned().unwrap_or_default();
    let current = |replica: &&Value| replica["current"] == true && replica["offline"] != true;
    Some(StreamState {
        leader: cluster["leader"].as_str().map(str::to_owned),
        replicas: answer["config"]["num_replicas"].as_u64()?,
        current: replicas.iter().filter(current).count(),
        last_sequence: answer["state"]["last_seq"].as_u64()?,
    })
}
