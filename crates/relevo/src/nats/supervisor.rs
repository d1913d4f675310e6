//! Starts nats-server, waits until it answers, starts it again when it dies, and stops it in order.
//!
//! All of it happens on one thread that lives as long as the server should: the kernel's parent-death signal is tied to the
//! *thread* that started the child, and a runtime's worker threads come and go.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use tokio::sync::watch;

use super::NatsError;
use super::binary::{self, Binary, Places};
use super::child;
use super::leftover::{self, Owner, Process};
use super::lock::DataLock;
use super::server_config::{Folder, ServerConfig, Sync, USER};

/// How long a start may take: recovering a large store reads its indexes.
const START_MAX: Duration = Duration::from_mins(1);
/// How long an orderly end may take before it is forced.
const STOP_MAX: Duration = Duration::from_secs(10);
/// Ports are tried this often at a first start: another program may take the one that was found free.
const PORT_ATTEMPTS_MAX: u32 = 5;
/// First and longest wait before a restart; doubled after each start that failed.
const BACK_OFF_FIRST: Duration = Duration::from_millis(50);
const BACK_OFF_MAX: Duration = Duration::from_secs(5);
/// Starts in a row that may fail before the supervisor gives up: about half a minute of trying.
const FAILED_STARTS_MAX: u32 = 10;
/// How often a starting server is asked whether it answers.
const ASK_EVERY: Duration = Duration::from_millis(10);
/// How long one such question may take.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// How much of the server's first words is repeated in an error.
const START_LOG_LINES_MAX: usize = 5;

/// What is supervised, and how.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) data_dir: PathBuf,
    pub(crate) places: Places,
    pub(crate) sync: Sync,
    /// Bytes that the store may grow to; absent: a share of the disk.
    pub(crate) store_bytes: Option<u64>,
}

/// How to reach the server.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) url: String,
    pub(crate) user: String,
    pub(crate) password: String,
    /// Bytes that the store may grow to.
    pub(crate) store_bytes: u64,
}

/// What the server is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    /// It died and is being started again.
    Restarting,
    /// It does not start any more; somebody has to look.
    GaveUp,
    Stopped,
}

/// A running, supervised server.
#[derive(Debug)]
pub(crate) struct Supervisor {
    control: Arc<Control>,
    thread: Option<JoinHandle<()>>,
    states: watch::Receiver<State>,
}

impl Supervisor {
    /// Locks the data folder, starts the server and returns when it answers. Blocks; not for a runtime's worker thread.
    pub(crate) fn start(options: Options) -> Result<(Self, Connection), NatsError> {
        let binary = binary::find(&options.places)?;
        let lock = DataLock::take(&options.data_dir)?;
        let folder = Folder::open(&options.data_dir)?;
        let config = ServerConfig {
            server_name: format!("relevo-{}", hex::encode(rand::random::<[u8; 6]>())),
            port: 0,
            password: folder.password()?,
            sync: options.sync,
            store_bytes: folder.store_bytes(options.store_bytes)?,
        };
        let (states, watched) = watch::channel(State::Restarting);
        let control = Arc::new(Control::default());
        let (started, first) = std::sync::mpsc::sync_channel(1);
        let worker =
            Worker { binary, lock, folder, config, data_dir: options.data_dir, control: Arc::clone(&control), states };
        let thread = std::thread::Builder::new()
            .name("nats-supervisor".to_owned())
            .spawn(move || worker.run(&started))
            .map_err(NatsError::io("nats-supervisor"))?;
        let supervisor = Self { control, thread: Some(thread), states: watched };
        match first.recv() {
            Ok(Ok(connection)) => Ok((supervisor, connection)),
            Ok(Err(error)) => Err(error),
            Err(_hung_up) => Err(NatsError::NotStarted { reason: "its supervisor ended".to_owned() }),
        }
    }

    /// What the server is doing, as it changes.
    pub(crate) fn states(&self) -> watch::Receiver<State> {
        self.states.clone()
    }

    /// How to have the server started anew.
    pub(crate) fn renewal(&self) -> Renewal {
        Renewal { control: Arc::clone(&self.control) }
    }

    /// Stops the server in order, by force after [`STOP_MAX`]. Blocks.
    pub(crate) fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.control.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("nats supervisor panicked");
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.end();
    }
}

/// Ends the server in order, so that it is started again.
#[derive(Clone, Debug)]
pub(crate) struct Renewal {
    control: Arc<Control>,
}

impl Renewal {
    pub(crate) fn renew(&self) {
        self.control.signal(Signal::SIGTERM);
    }
}

/// What the worker and its owner share.
#[derive(Debug, Default)]
struct Control {
    shared: Mutex<Shared>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Shared {
    stopping: bool,
    /// The server, as long as it has not been reaped: only then is its process id its own.
    server: Option<Pid>,
}

impl Control {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopping(&self) -> bool {
        self.lock().stopping
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.lock().server
            && let Err(error) = kill(pid, signal)
        {
            tracing::warn!(%error, "nats-server cannot be signalled");
        }
    }

    /// Asks for the end, and forces it if it takes too long.
    fn stop(&self) {
        self.lock().stopping = true;
        self.changed.notify_all();
        self.signal(Signal::SIGTERM);
        let ended = |shared: &mut Shared| shared.server.is_some();
        let waited = self.changed.wait_timeout_while(self.lock(), STOP_MAX, ended);
        let timed_out = waited.unwrap_or_else(PoisonError::into_inner).1.timed_out();
        if timed_out {
            tracing::warn!("nats-server did not end in time and is killed");
            self.signal(Signal::SIGKILL);
        }
    }

    /// Waits before a restart, unless the end is asked for.
    fn pause(&self, time: Duration) {
        let waited = self.changed.wait_timeout_while(self.lock(), time, |shared| !shared.stopping);
        drop(waited);
    }
}

/// The supervising thread.
struct Worker {
    binary: Binary,
    /// Held as long as the thread lives.
    lock: DataLock,
    folder: Folder,
    config: ServerConfig,
    data_dir: PathBuf,
    control: Arc<Control>,
    states: watch::Sender<State>,
}

impl Worker {
    fn run(mut self, started: &std::sync::mpsc::SyncSender<Result<Connection, NatsError>>) {
        let mut child = match self.first_start() {
            Ok(child) => child,
            Err(error) => {
                self.states.send_replace(State::GaveUp);
                started.send(Err(error)).ok();
                return;
            }
        };
        let connection = Connection {
            url: format!("nats://127.0.0.1:{}", self.config.port),
            user: USER.to_owned(),
            password: self.config.password.clone(),
            store_bytes: self.config.store_bytes,
        };
        self.states.send_replace(State::Running);
        started.send(Ok(connection)).ok();
        loop {
            self.wait_for_end(&mut child);
            if self.control.stopping() {
                self.states.send_replace(State::Stopped);
                return;
            }
            self.states.send_replace(State::Restarting);
            match self.start_again() {
                Some(again) => child = again,
                None => return,
            }
            self.states.send_replace(State::Running);
        }
    }

    /// The first start may look for another port; later ones may not, because clients know it.
    fn first_start(&mut self) -> Result<Child, NatsError> {
        let mut attempt = 1;
        loop {
            self.config.port = self.folder.port()?;
            match self.start() {
                Ok(child) => return Ok(child),
                Err(error) if attempt >= PORT_ATTEMPTS_MAX || self.control.stopping() => return Err(error),
                Err(error) => tracing::warn!(%error, attempt, "nats-server did not start"),
            }
            attempt += 1;
        }
    }

    fn start_again(&self) -> Option<Child> {
        let mut back_off = BACK_OFF_FIRST;
        for attempt in 1..=FAILED_STARTS_MAX {
            self.control.pause(back_off);
            if self.control.stopping() {
                self.states.send_replace(State::Stopped);
                return None;
            }
            match self.start() {
                Ok(child) => return Some(child),
                Err(error) => tracing::error!(%error, attempt, "nats-server did not start again"),
            }
            back_off = (back_off * 2).min(BACK_OFF_MAX);
        }
        self.states.send_replace(State::GaveUp);
        None
    }

    /// Starts the server and waits until it answers.
    fn start(&self) -> Result<Child, NatsError> {
        self.folder.write_config(&self.config)?;
        let started = Instant::now();
        let mut child = self.spawn()?;
        self.control.lock().server = i32::try_from(child.id()).ok().map(Pid::from_raw);
        let owner = Owner { broker: Process::this(), server: Process::of(child.id()) };
        let outcome = leftover::write(&self.data_dir, &owner)
            .map_err(NatsError::io(&self.data_dir))
            .and_then(|()| self.wait_until_it_answers(&mut child));
        if let Err(error) = outcome {
            if let Err(error) = child.kill() {
                tracing::warn!(%error, "nats-server cannot be killed");
            }
            self.wait_for_end(&mut child);
            return Err(error);
        }
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            binary = %self.binary.path.display(),
            version = %self.binary.version,
            port = self.config.port,
            pid = child.id(),
            elapsed_ms,
            "nats-server runs"
        );
        Ok(child)
    }

    fn spawn(&self) -> Result<Child, NatsError> {
        // Not the path of the binary: that may have been replaced by a newer one, or removed, since this process began.
        let this = Path::new("/proc/self/exe");
        let log = self.folder.start_log();
        let output = File::create(&log).map_err(NatsError::io(&log))?;
        Command::new(this)
            .arg(child::SUBCOMMAND)
            .arg("--parent")
            .arg(std::process::id().to_string())
            .arg("--binary")
            .arg(&self.binary.path)
            .args(["--", "--config"])
            .arg(self.folder.config_file())
            // The lock on the data folder, so that it lasts as long as the server does.
            .stdin(Stdio::from(self.lock.share()?))
            .stdout(Stdio::from(output.try_clone().map_err(NatsError::io(&log))?))
            .stderr(Stdio::from(output))
            // A group of its own: Ctrl-C at the terminal is for the broker, which stops the server last.
            .process_group(0)
            .spawn()
            .map_err(NatsError::io(this))
    }

    fn wait_until_it_answers(&self, child: &mut Child) -> Result<(), NatsError> {
        let deadline = Instant::now() + START_MAX;
        loop {
            if answers(self.config.port, &self.config.server_name) {
                return Ok(());
            }
            // Not `try_wait`: the server must stay unreaped until its id is forgotten.
            if ended(child) {
                return Err(NatsError::NotStarted { reason: self.first_words() });
            }
            if Instant::now() >= deadline {
                return Err(NatsError::NotStarted { reason: format!("no answer within {} s", START_MAX.as_secs()) });
            }
            if self.control.stopping() {
                return Err(NatsError::NotStarted { reason: "the broker is stopping".to_owned() });
            }
            wait(ASK_EVERY);
        }
    }

    /// Waits until the server has ended, and forgets its process id before anybody else can get it.
    fn wait_for_end(&self, child: &mut Child) {
        if let Ok(pid) = i32::try_from(child.id()) {
            while let Err(nix::errno::Errno::EINTR) =
                waitid(Id::Pid(Pid::from_raw(pid)), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)
            {}
        }
        self.control.lock().server = None;
        self.control.changed.notify_all();
        match child.wait() {
            Ok(status) if self.control.stopping() => tracing::info!(%status, "nats-server stopped"),
            Ok(status) => tracing::error!(%status, "nats-server died"),
            Err(error) => tracing::error!(%error, "nats-server cannot be waited for"),
        }
    }

    /// What the server said before it ended.
    fn first_words(&self) -> String {
        let text = std::fs::read_to_string(self.folder.start_log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(START_LOG_LINES_MAX).collect();
        let words = lines.into_iter().rev().collect::<Vec<_>>().join(" / ");
        if words.is_empty() { format!("it ended at once; see {}", self.log_folder().display()) } else { words }
    }

    fn log_folder(&self) -> PathBuf {
        Path::new(&self.data_dir).join("nats")
    }
}

/// Whether the child has ended, without reaping it.
fn ended(child: &Child) -> bool {
    let Ok(pid) = i32::try_from(child.id()) else { return true };
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
    !matches!(waitid(Id::Pid(Pid::from_raw(pid)), flags), Ok(nix::sys::wait::WaitStatus::StillAlive))
}

/// Whether the server on the port is this one and ready: it tells its name before it is asked anything.
fn answers(port: u16, server_name: &str) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Ok(stream) = TcpStream::connect_timeout(&address, ANSWER_MAX) else { return false };
    if stream.set_read_timeout(Some(ANSWER_MAX)).is_err() {
        return false;
    }
    let mut line = String::new();
    if BufReader::new(stream).read_line(&mut line).is_err() {
        return false;
    }
    let info: Option<serde_json::Value> =
        line.strip_prefix("INFO ").and_then(|json| serde_json::from_str(json.trim()).ok());
    info.is_some_and(|info| info["server_name"] == server_name && info["jetstream"] == true)
}

/// Lets some time pass between two looks at something that cannot be waited for.
pub(super) fn wait(time: Duration) {
    let deadline = Instant::now() + time;
    // A parked thread may wake early.
    while let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}
