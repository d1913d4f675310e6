//! What is measured from outside: a real `relevo serve` with a real nats-server of its own that syncs each write, and what both use.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use relevo_testkit::NatsServer;
use relevo_tests::broker::Setup;
use relevo_tests::{Broker, Client};

use crate::procs::{self, cpu_s, rss};

/// How long a broker may take to build its views over the longest log of a run.
const READY_WITHIN: Duration = Duration::from_mins(45);

/// The two processes.
pub struct Rig {
    // Ended before the server that it needs.
    pub broker: Broker,
    pub nats: NatsServer,
}

/// CPU seconds so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu {
    pub broker: f64,
    pub nats: f64,
    /// This process: clients, and who looks.
    pub generator: f64,
}

/// Bytes on disk, of files as long as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk {
    pub intake: u64,
    pub events: u64,
    pub decision: u64,
    pub views: u64,
    /// Topics and all other streams.
    pub other: u64,
}

impl Rig {
    /// Starts both, with what `env` changes in the configuration.
    pub async fn start(env: &[(&str, &str)]) -> Self {
        let nats = NatsServer::sync_always().await;
        Self::over(nats, env).await
    }

    /// Starts a broker over a server that runs already.
    pub async fn over(nats: NatsServer, env: &[(&str, &str)]) -> Self {
        let url = ("RELEVO__NATS__URL".to_owned(), nats.url());
        let given = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let setup = Setup { env: std::iter::once(url).chain(given).collect(), ..Setup::default() };
        let broker = Broker::start_within(setup, READY_WITHIN).await;
        Self { broker, nats }
    }

    pub fn client(&self, who: &str) -> Client {
        self.broker.client(who)
    }

    pub fn cpu(&self) -> Cpu {
        let own = std::process::id();
        Cpu { broker: cpu_s(self.broker.pid()), nats: self.nats.pid().map_or(0.0, cpu_s), generator: cpu_s(own) }
    }

    /// Resident memory of broker and nats-server, in bytes.
    pub fn rss(&self) -> (u64, u64) {
        (rss(self.broker.pid()), self.nats.pid().map_or(0, rss))
    }

    pub fn disk(&self) -> Disk {
        let streams = self.nats.store_dir();
        let (views, all) = (self.broker.data().join("views"), procs::folder(&streams));
        let stream = |name: &str| procs::folder(&self.stream_dir(name));
        let (intake, events) = (stream("RELEVO_INTAKE"), stream("RELEVO_EVENTS"));
        let decision = named(&views, "decision").iter().map(|folder| procs::folder(folder)).sum();
        Disk { intake, events, decision, views: procs::folder(&views) - decision, other: all - intake - events }
    }

    fn stream_dir(&self, name: &str) -> PathBuf {
        self.nats.store_dir().join("jetstream/$G/streams").join(name)
    }
}

impl Cpu {
    /// What was used since `before`.
    pub fn since(self, before: Self) -> Self {
        Self {
            broker: self.broker - before.broker,
            nats: self.nats - before.nats,
            generator: self.generator - before.generator,
        }
    }
}

impl Disk {
    pub const fn since(self, before: Self) -> Self {
        Self {
            intake: self.intake.saturating_sub(before.intake),
            events: self.events.saturating_sub(before.events),
            decision: self.decision.saturating_sub(before.decision),
            views: self.views.saturating_sub(before.views),
            other: self.other.saturating_sub(before.other),
        }
    }

    /// What the target is about.
    pub const fn counted(self) -> u64 {
        self.intake + self.events + self.decision + self.views
    }
}

/// Folders directly below this one whose name begins so.
fn named(parent: &std::path::Path, start: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(parent) else { return Vec::new() };
    let matching = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with(start);
    entries.flatten().filter(matching).map(|entry| entry.path()).collect()
}

/// Seconds since 1970.
pub fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
