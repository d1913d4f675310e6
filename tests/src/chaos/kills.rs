//! Kills the broker, its nats-server or both at seeded points of a busy day, restarts at once, and counts from the log.
//!
//! The points are numbers of answered posts, so that a seed is the same way through the work on every machine. Now and then the
//! broker is killed again while it starts.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use relevo_eventlog::Options;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::load::{Account, Load, RULES, TENANT};
use super::promises::Findings;
use super::{Report, stored};
use crate::broker::{cli, nats_servers_of};
use crate::client::SETTLED_WITHIN;
use crate::delivery::rig::key;
use crate::delivery::{Rig, Wanted};
use crate::{Broker, eventually_within};

/// Posts between two kills, at least and at most.
const BETWEEN: std::ops::Range<u64> = 10..90;
/// One start in so many is killed, too.
const KILLED_STARTING_ONE_IN: u32 = 5;
/// How often the store is looked at for a second server.
const WATCH_EVERY: Duration = Duration::from_millis(2);
/// How long a server may take to come back.
const BACK_WITHIN: Duration = Duration::from_secs(30);

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub kills: u64,
    pub seed: u64,
    /// Waits until each message that was queued has its end, which takes minutes after a kill between claim and record.
    pub ends: bool,
}

/// Runs the plan. Panics if a part cannot be started, or if something is wrong beyond what the report counts.
pub async fn run(plan: Plan) -> Report {
    let (mut rig, _rules) = with_a_bot(None).await;
    let data = rig.broker.data();
    refused_without_credential(&data).await;
    let over = Arc::new(AtomicBool::new(false));
    let watcher = std::thread::spawn({
        let (over, data) = (Arc::clone(&over), data.clone());
        move || most_servers(&over, &data)
    });
    let load = Load::start(&rig, plan.seed);
    let mut random = StdRng::seed_from_u64(plan.seed);
    let mut kills = 0;
    while kills < plan.kills {
        load.account.more(random.random_range(BETWEEN)).await;
        kills += one_kill(&mut rig.broker, &mut random).await;
    }
    load.account.more(BETWEEN.end).await;
    let account = load.rest().await;
    over.store(true, Ordering::SeqCst);
    let most = watcher.join().unwrap();
    assert!(most <= 1, "{most} nats-servers were seen on one store");
    let findings = closed(&mut rig, &account, plan.ends).await;
    Report::of("kills", kills, findings)
}

/// A rig whose tenant has a bot of rules, and the folder of its rules.
pub async fn with_a_bot(nats: Option<String>) -> (Rig, tempfile::TempDir) {
    with_a_bot_and(nats, Vec::new()).await
}

/// The same with further environment of the broker.
pub async fn with_a_bot_and(nats: Option<String>, env: Vec<(String, String)>) -> (Rig, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("bot.yaml");
    std::fs::write(&file, RULES).unwrap();
    let bots = format!("\n[[tenants.bots]]\nid = \"reglas\"\nrules = {:?}\n", file.display().to_string());
    (Rig::start(Wanted { nats, bots, env, ..Wanted::default() }).await, folder)
}

/// Answers how many there were: a start may be killed, too.
async fn one_kill(broker: &mut Broker, random: &mut StdRng) -> u64 {
    let victim = random.random_range(0..3);
    let before = broker.nats_servers();
    if victim != 0 {
        for server in &before {
            kill(Pid::from_raw(i32::try_from(*server).unwrap()), Signal::SIGKILL).ok();
        }
    }
    let mut kills = 1;
    if victim == 1 {
        let another = async || {
            let now = broker.nats_servers();
            (!now.is_empty() && now != before).then_some(())
        };
        eventually_within("another nats-server", BACK_WITHIN, another).await;
    } else {
        broker.kill9();
        while random.random_range(0..KILLED_STARTING_ONE_IN) == 0 {
            broker.spawn();
            let data = broker.data();
            let begun = async || (!nats_servers_of(&data).is_empty()).then_some(());
            eventually_within("a start that has begun", BACK_WITHIN, begun).await;
            broker.kill9();
            kills += 1;
        }
        broker.spawn();
    }
    broker.ready().await;
    kills
}

/// Waits until everything is handled, and compares the log with the account, the views with the log, and what was sent with what was
/// to be sent.
pub async fn closed(rig: &mut Rig, account: &Account, ends: bool) -> Findings {
    let log = stored::own(&rig.broker.data());
    closed_on(rig, account, ends, log).await
}

/// The same for a log on a server of somebody else's.
pub async fn closed_on(rig: &mut Rig, account: &Account, ends: bool, log: Options) -> Findings {
    settled(&rig.broker, account.posts()).await;
    let mut findings = Findings::default();
    if ends {
        findings.lost.extend(rig.lost().await.into_iter().map(|sent| format!("{} has no end", sent.message)));
    }
    let (code, out, err) = cli(&rig.broker, "ops", &["view", "verify"]);
    assert_eq!(code, 0, "views differ from the log: {out} {err}");
    let (code, out, err) = cli(&rig.broker, "ops", &["log", "verify"]);
    assert_eq!(code, 0, "the log is not intact: {out} {err}");
    let log = stored::commits(log).await;
    findings.add(stored::findings(&log, &account.promises(), &account.answered()));
    findings.doubled.extend(rig.doubles().into_iter().map(|message| format!("{message} was sent twice")));
    findings
}

/// Waits until intake has counted all posts of the demo and the tenant, and nothing waits.
pub async fn settled(broker: &Broker, posts: u64) {
    let (demo, tenant) = (broker.client("admin"), crate::Client::new(&broker.grpc, &key("admin")));
    let both = async || {
        let (demo, tenant) = (demo.intake_status().await.ok()?, tenant.intake_status().await.ok()?);
        let counted = demo.posts() + tenant.posts() >= posts;
        (counted && demo.backlog == 0 && tenant.backlog == 0).then_some((demo, tenant))
    };
    let (demo, tenant) = eventually_within(&format!("{posts} posts are counted"), SETTLED_WITHIN, both).await;
    for (name, status) in [("demo", &demo), (TENANT, &tenant)] {
        status.assert_balanced();
        assert_eq!(status.total().parked, 0, "{name}: {status:?}");
    }
}

/// The most nats-servers that were seen on the store at one moment.
fn most_servers(over: &AtomicBool, data: &Path) -> usize {
    let mut most = 0;
    while !over.load(Ordering::SeqCst) {
        most = most.max(nats_servers_of(data).len());
        std::thread::park_timeout(WATCH_EVERY);
    }
    most
}

/// A local client without the credential must not get in.
async fn refused_without_credential(data: &Path) {
    let port: u16 = std::fs::read_to_string(data.join("nats/port")).unwrap().trim().parse().unwrap();
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(b"CONNECT {\"verbose\":false}\r\nPING\r\n").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("the server closes the connection");
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("Authorization Violation") && !answer.contains("PONG"), "{answer}");
}
