//! A disk that is full: a real file system of a limited size under the log's store, and another under the views.
//!
//! First webhooks fill it: they are answered 503 while there is still room for what people decide, so a pause goes on. Then somebody else
//! fills it to the last byte. With room again all goes on by itself.
//!
//! The file system is a tmpfs, which root alone may mount; without it the part says that it was left out.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rand::RngExt as _;
use rand::distr::Alphanumeric;
use relevo_proto::Problem;

use super::promises::{Findings, Promise};
use super::{Report, stored};
use crate::broker::cli;
use crate::client::SETTLED_WITHIN;
use crate::webhook::{meta_text, post_meta};
use crate::{Broker, eventually_within};

/// What the log's store gets, in MB. Webhooks are refused when a tenth of it is left.
const LOG_MB: u32 = 120;
/// What is left of it when webhooks begin to fill it, in MB.
const LEFT_MB: usize = 24;
/// What the views get, in MB.
const VIEWS_MB: u32 = 60;
/// What a large message carries that nobody reads, in bytes.
const PADDING_BYTES: usize = 1 << 20;
/// Large messages until the store must have refused one.
const LARGE_MAX: u32 = 200;
/// Conversations that are paused on the full disk.
const CUSTOMERS: u32 = 12;
/// How long anything may take.
const WITHIN: Duration = Duration::from_mins(1);

/// A file system of its own. Unmounted when dropped.
struct Small {
    path: PathBuf,
}

// === impl Small ===

impl Small {
    /// Mounts one in place of the folder, which must be empty; `None` if this machine does not allow it.
    fn mount(path: &Path, megabytes: u32) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let size = format!("size={megabytes}m,mode=700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "relevo-chaos"]).arg(path).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self { path: path.to_owned() })
    }

    /// Fills it to the last byte, at once: what is given up meanwhile would be filled, too.
    fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.ballast()).unwrap();
        let block = vec![0; 1 << 20];
        while file.write_all(&block).is_ok() {}
    }

    /// Takes all but so much.
    fn leave(&self, megabytes: usize) {
        self.fill();
        let full = fs::metadata(self.ballast()).unwrap().len();
        let file = File::options().write(true).open(self.ballast()).unwrap();
        file.set_len(full.saturating_sub((megabytes as u64) << 20)).unwrap();
    }

    fn make_room(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily: whoever still has files open keeps them until it ends.
        Command::new("umount").arg("-l").arg(&self.path).status().ok();
    }
}

/// Runs it. The report says how many disks were filled: none where nothing may be mounted.
pub async fn run() -> Report {
    let mut report = Report::of("full disks", 0, Findings::default());
    let Some(findings) = log_full().await else { return report };
    report.findings.add(findings);
    report.full_disks += 2;
    if let Some(findings) = views_full().await {
        report.findings.add(findings);
        report.full_disks += 1;
    }
    report
}

/// The disk under the log: by webhooks, then by somebody else.
async fn log_full() -> Option<Findings> {
    let mut disk = None;
    let mut broker = Broker::start_prepared(|data| disk = Small::mount(&data.join("nats"), LOG_MB)).await;
    let disk = disk?;
    let mut posts = Posts::default();
    for n in 0..CUSTOMERS {
        assert_eq!(posts.post(&broker, n, 0).await, 200);
    }
    posts.settled(&broker).await;
    let conversations = broker.client("supervisor").conversations().await;
    let mut rows = conversations.iter().map(|row| row.conversation_id.clone());

    // Somebody has taken most of it, and webhooks fill the rest.
    disk.leave(LEFT_MB);
    let mut refused = None;
    for n in 0..LARGE_MAX {
        let status = posts.post(&broker, n % CUSTOMERS, PADDING_BYTES).await;
        if status != 200 {
            refused = Some(status);
            break;
        }
    }
    assert_eq!(refused, Some(503), "a webhook on a full disk");
    for id in rows.by_ref().take(3) {
        let paused = broker.client("supervisor").pause(&id, "").await;
        assert!(paused.is_ok(), "a pause while webhooks find no room: {paused:?}");
    }
    let closed = async || (posts.post(&broker, 0, 0).await == 503).then_some(());
    eventually_within("a small webhook is refused, too", WITHIN, closed).await;

    // Somebody else fills what is left.
    disk.fill();
    // What the server had allocated before may still take one or two.
    let closed = async || (posts.post(&broker, 0, 0).await == 503).then_some(());
    eventually_within("webhooks are refused on the full disk", WITHIN, closed).await;
    let broken = broker.client("supervisor");
    for id in rows.by_ref().take(3) {
        let again = async || match broken.pause(&id, "").await {
            Ok(_) => Some(()),
            Err(status) => {
                let problem = Problem::from_status(&status).unwrap_or_else(|| panic!("{status:?}"));
                assert!(problem.code.retryable(), "a pause on a disk without room: {status:?}");
                None
            }
        };
        eventually_within("a pause gets the reserve", WITHIN, again).await;
    }
    assert_eq!(posts.post(&broker, 0, 0).await, 503, "the reserve is not for webhooks");

    // Room again. What was stored before is worked off, and what was refused comes again.
    disk.make_room();
    tmpfs_grows(&disk, LOG_MB * 4);
    let taken = async || (posts.post(&broker, 1, 0).await == 200).then_some(());
    eventually_within("webhooks are taken again", WITHIN, taken).await;
    posts.repeat(&broker).await;
    for id in rows {
        broker.client("supervisor").pause(&id, "").await.unwrap();
    }
    let findings = posts.kept(&broker).await;
    broker.stop();
    Some(findings)
}

/// The disk under the views: what people decide and what customers write is on the log, and shown once there is room.
async fn views_full() -> Option<Findings> {
    let mut disk = None;
    let mut broker = Broker::start_prepared(|data| disk = Small::mount(&data.join("views"), VIEWS_MB)).await;
    let disk = disk?;
    let mut posts = Posts::default();
    for n in 0..CUSTOMERS {
        assert_eq!(posts.post(&broker, n, 0).await, 200);
    }
    posts.settled(&broker).await;
    disk.fill();
    for n in 0..CUSTOMERS {
        assert_eq!(posts.post(&broker, n, 0).await, 200, "a webhook needs no view");
    }
    disk.make_room();
    let findings = posts.kept(&broker).await;
    broker.stop();
    Some(findings)
}

/// Letters of which the server's compression makes nothing.
fn incompressible(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

/// A larger file system, as an operator makes it.
fn tmpfs_grows(disk: &Small, megabytes: u32) {
    let size = format!("remount,size={megabytes}m");
    let status = Command::new("mount").args(["-o", &size]).arg(&disk.path).status().unwrap();
    assert!(status.success());
}

/// Posts and what was promised for them.
#[derive(Default)]
struct Posts {
    promises: Vec<Promise>,
    /// What was not answered 200, and is said again.
    refused: Vec<(u32, u64)>,
    answered: u64,
    next: u64,
}

impl Posts {
    async fn post(&mut self, broker: &Broker, customer: u32, padding: usize) -> u16 {
        self.next += 1;
        let place = self.next;
        self.say(broker, customer, place, padding).await
    }

    async fn say(&mut self, broker: &Broker, customer: u32, place: u64, padding: usize) -> u16 {
        let text = format!("disco {customer} {place}");
        let from = format!("5491155562{customer:03}");
        let body = meta_text(&from, &format!("Cliente {customer}"), &format!("wamid.{text}"), &text);
        let body = format!("{{\"padding\":\"{}\",{}", incompressible(padding), &body[1..]);
        let status = post_meta(&broker.http, body).await;
        if status == 200 {
            self.answered += 1;
            // What was refused and is said again is said behind others.
            let sender = format!("{customer} {place}");
            self.promises.push(Promise { text, sender, place });
        } else {
            self.refused.push((customer, place));
        }
        status
    }

    async fn repeat(&mut self, broker: &Broker) {
        for (customer, place) in std::mem::take(&mut self.refused) {
            assert_eq!(self.say(broker, customer, place, 0).await, 200, "said again");
        }
    }

    async fn settled(&self, broker: &Broker) {
        let admin = broker.client("admin");
        let all = async || {
            let status = admin.intake_status().await.ok()?;
            (status.backlog == 0 && status.posts() >= self.answered).then_some(status)
        };
        let status = eventually_within("everything is handled", SETTLED_WITHIN, all).await;
        status.assert_balanced();
        assert_eq!(status.total().parked, 0, "{status:?}");
    }

    /// The log against the promises, and the views against the log.
    async fn kept(&mut self, broker: &Broker) -> Findings {
        self.repeat(broker).await;
        self.settled(broker).await;
        let verified = async || (cli(broker, "ops", &["view", "verify"]).0 == 0).then_some(());
        eventually_within("views are what the log says", WITHIN, verified).await;
        let (code, out, _) = cli(broker, "ops", &["log", "verify"]);
        assert_eq!(code, 0, "{out}");
        let log = stored::commits(stored::own(&broker.data())).await;
        stored::findings(&log, &self.promises, &[])
    }
}
