//! Damages files between two starts: of a view, which is then built again from the log by itself; and of the log's own store, at which
//! every view halts and commands are refused, because nobody can tell what else is gone.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use relevo_domain::ErrorCode;
use relevo_proto::Problem;
use relevo_proto::admin::v1 as admin;
use relevo_testkit::NatsServer;
use serde_json::Value;

use super::{Report, stored};
use crate::broker::cli;
use crate::client::SETTLED_WITHIN;
use crate::webhook::{meta_text, post_meta};
use crate::{Broker, Client, Setup, eventually_within};

/// Messages before and after the older copy of the log's store is made.
const MESSAGES: u32 = 20;
/// Conversations of them.
const CUSTOMERS: u32 = 7;
/// How long a broker may take to say what is wrong.
const SAID_WITHIN: Duration = Duration::from_secs(45);
/// How much is cut off or written over at most, in bytes.
const DAMAGE_MAX: u64 = 600;

/// How a file of a view is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Its end is gone.
    Cut,
    /// It is empty.
    Emptied,
    /// It is gone.
    Removed,
    /// Some bytes are others.
    Flipped,
}

/// Which file of a view's folder.
const PARTS: [&str; 4] = ["CURRENT", "MANIFEST", ".sst", ".log"];
const DAMAGES: [Damage; 4] = [Damage::Cut, Damage::Emptied, Damage::Removed, Damage::Flipped];

/// Damages views `rounds` times. Panics if a view does not come back as it was.
pub async fn views(seed: u64, rounds: u32) -> Report {
    let mut random = StdRng::seed_from_u64(seed);
    let mut broker = Broker::start().await;
    let mut posts = traffic(&broker, 0).await;
    for round in 0..rounds {
        // A rebuild leaves files sorted onto disk, which small traffic alone does not.
        rebuild(&broker);
        posts += traffic(&broker, posts).await;
        let before = digests(&broker).await;
        broker.stop();
        let hurt = damage_some(&broker.data().join("views"), &mut random);
        broker.restart().await;
        let same = async || (digests(&broker).await == before).then_some(());
        eventually_within(&format!("round {round}: the same digests after {hurt:?}"), SETTLED_WITHIN, same).await;
        broker.client("admin").settled(u64::from(posts)).await.assert_balanced();
    }
    let log = stored::commits(stored::own(&broker.data())).await;
    Report::of("torn views", 0, stored::findings(&log, &promised(posts), &[]))
}

/// Damages one to three files of different views.
fn damage_some(views: &Path, random: &mut StdRng) -> Vec<String> {
    let folders: Vec<PathBuf> = fs::read_dir(views).unwrap().flatten().map(|entry| entry.path()).collect();
    let folders: Vec<PathBuf> = folders.into_iter().filter(|path| path.join("CURRENT").is_file()).collect();
    let many = random.random_range(1..=3);
    let chosen: Vec<PathBuf> = folders.sample(random, many).cloned().collect();
    chosen.iter().filter_map(|folder| damage_one(folder, random)).collect()
}

fn damage_one(folder: &Path, random: &mut StdRng) -> Option<String> {
    let part = *PARTS.choose(random)?;
    let damage = *DAMAGES.choose(random)?;
    let named = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().contains(part));
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    files.sort();
    let file = files.into_iter().find(named)?;
    damage.strike(&file, random);
    Some(format!("{} of {}, {damage:?}", file.file_name()?.to_string_lossy(), folder.file_name()?.to_string_lossy()))
}

impl Damage {
    fn strike(self, path: &Path, random: &mut StdRng) {
        let length = fs::metadata(path).unwrap().len();
        match self {
            Self::Removed => fs::remove_file(path).unwrap(),
            Self::Emptied => fs::write(path, "").unwrap(),
            Self::Cut => {
                let file = File::options().write(true).open(path).unwrap();
                file.set_len(length - random.random_range(0..length.clamp(1, DAMAGE_MAX))).unwrap();
            }
            Self::Flipped => flip(path, random.random_range(0..length.max(1))),
        }
    }
}

/// Turns some bytes around a place.
fn flip(path: &Path, at: u64) {
    let mut file = File::options().read(true).write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    let mut bytes = Vec::new();
    (&mut file).take(DAMAGE_MAX / 10).read_to_end(&mut bytes).unwrap();
    for byte in &mut bytes {
        *byte ^= 0xff;
    }
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&bytes).unwrap();
}

/// Puts an older copy of the log's store in its place while a broker runs. Panics if it is not noticed, or if a command that is answered
/// well afterwards is not on that log.
pub async fn log_under_a_running_broker() -> Report {
    let mut nats = NatsServer::sync_always().await;
    let env = vec![("RELEVO__NATS__URL".to_owned(), nats.url())];
    let broker = Broker::start_with(Setup { env, ..Setup::default() }).await;
    let copies = tempfile::tempdir().unwrap();
    let (older, newer) = (copies.path().join("older"), copies.path().join("newer"));
    let posts = traffic(&broker, 0).await;
    nats.kill9();
    copy(&nats.store_dir(), &older);
    nats.restart().await;
    let posts = posts + traffic(&broker, posts).await;
    let conversations = broker.client("admin").conversations().await;
    let before = digests(&broker).await;
    nats.kill9();
    copy(&nats.store_dir(), &newer);
    fs::remove_dir_all(nats.store_dir()).unwrap();
    copy(&older, &nats.store_dir());
    let length = stored_length(&before);
    nats.restart().await;
    // As fast as somebody can be who wants to get in between.
    let mut taken = 0;
    let staff = broker.client("supervisor");
    let refused = async || {
        let id = &conversations[usize::try_from(taken).unwrap() % conversations.len()].conversation_id;
        match staff.pause(id, &format!("nota {taken}")).await {
            Ok(answer) => {
                taken += u64::from(!answer.already_so);
                None
            }
            Err(status) => (code(&status) == Some(ErrorCode::LogDiverged)).then_some(()),
        }
    };
    eventually_within("commands are refused", SAID_WITHIN, refused).await;
    all_diverged(&broker, "swapped under a running broker").await;
    assert_eq!(taken, 0, "commands were taken on a log that is not the one");
    // The right one is put back. Views that have halted wait for an operator, who starts anew.
    nats.kill9();
    fs::remove_dir_all(nats.store_dir()).unwrap();
    copy(&newer, &nats.store_dir());
    nats.restart().await;
    let mut broker = broker;
    broker.stop();
    broker.restart().await;
    assert_eq!(stored_length(&digests(&broker).await), length);
    let log = stored::commits(stored::external(&nats.url())).await;
    Report::of("log swapped while running", 0, stored::findings(&log, &promised(posts), &[]))
}

/// The position of all views.
fn stored_length(digests: &BTreeMap<String, (String, String)>) -> String {
    digests.values().next().expect("a view").1.clone()
}

/// What happens to the log's store between two starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tear {
    /// An older copy of the whole store stands in its place.
    OlderCopy,
    /// The last block of the events ends early.
    CutBlock,
    /// The same, and the server's own index is gone, so that it believes the block.
    CutBlockAndIndex,
    /// The last block is gone.
    RemovedBlock,
    /// The last commit is not what it was.
    FlippedEnd,
}

pub const TEARS: [Tear; 5] =
    [Tear::OlderCopy, Tear::CutBlock, Tear::CutBlockAndIndex, Tear::RemovedBlock, Tear::FlippedEnd];

/// Tears the log's store in each of these ways. Panics if a view goes on over it, or a command is taken.
pub async fn log(seed: u64, tears: &[Tear]) -> Report {
    let mut random = StdRng::seed_from_u64(seed);
    let mut broker = Broker::start().await;
    let copies = tempfile::tempdir().unwrap();
    let mut posts = traffic(&broker, 0).await;
    broker.stop();
    let (older, whole) = (copies.path().join("older"), copies.path().join("whole"));
    copy(&broker.data().join("nats"), &older);
    broker.restart().await;
    posts += traffic(&broker, posts).await;
    let conversation = broker.client("admin").conversations().await.remove(0).conversation_id;
    let before = digests(&broker).await;
    broker.stop();
    copy(&broker.data(), &whole);
    for tear in tears {
        tear.strike(&broker.data().join("nats"), &older, &mut random);
        halted(&mut broker, &conversation, &format!("{tear:?}")).await;
        broker.stop();
        // The right folder is put back: everything is as it was.
        fs::remove_dir_all(broker.data()).unwrap();
        copy(&whole, &broker.data());
        broker.restart().await;
        let same = async || (digests(&broker).await == before).then_some(());
        eventually_within(&format!("{tear:?}: the right log again"), SETTLED_WITHIN, same).await;
        broker.stop();
    }
    broker.restart().await;
    let log = stored::commits(stored::own(&broker.data())).await;
    Report::of("torn logs", 0, stored::findings(&log, &promised(posts), &[]))
}

impl Tear {
    fn strike(self, nats: &Path, older: &Path, random: &mut StdRng) {
        if self == Self::OlderCopy {
            fs::remove_dir_all(nats).unwrap();
            copy(older, nats);
            return;
        }
        let messages = nats.join("jetstream/$G/streams/RELEVO_EVENTS/msgs");
        let mut blocks: Vec<PathBuf> = fs::read_dir(&messages).unwrap().flatten().map(|entry| entry.path()).collect();
        blocks.retain(|path| path.extension().is_some_and(|extension| extension == "blk"));
        blocks.sort();
        let last = blocks.pop().expect("a block");
        let length = fs::metadata(&last).unwrap().len();
        match self {
            Self::OlderCopy => {}
            Self::CutBlock | Self::CutBlockAndIndex => {
                let file = File::options().write(true).open(&last).unwrap();
                file.set_len(length - random.random_range(1..DAMAGE_MAX)).unwrap();
                if self == Self::CutBlockAndIndex {
                    fs::remove_file(messages.join("index.db")).unwrap();
                }
            }
            Self::RemovedBlock => fs::remove_file(&last).unwrap(),
            Self::FlippedEnd => flip(&last, length - DAMAGE_MAX / 10),
        }
    }
}

/// Starts over a log that is not the one: every view says so, no command is taken, nothing is added to the log.
async fn halted(broker: &mut Broker, conversation: &str, what: &str) {
    broker.spawn();
    broker.addressed().await;
    all_diverged(broker, what).await;
    let pause = broker.client("supervisor").pause(conversation, "").await;
    assert_eq!(pause.err().as_ref().and_then(code), Some(ErrorCode::LogDiverged), "{what}");
    let (code, out, _) = cli(broker, "ops", &["view", "status"]);
    assert_eq!(code, 0, "{what}");
    // A webhook is stored, for that is the raw stream's business, and waits.
    let before = out.lines().last().unwrap_or_default().to_owned();
    let text = meta_text("5491155569999", "Nadie", &format!("wamid.{what}"), "tarde");
    assert_eq!(post_meta(&broker.http, text).await, 200, "{what}");
    let pause = broker.client("supervisor").pause(conversation, "").await;
    assert_eq!(pause.err().as_ref().and_then(self::code), Some(ErrorCode::LogDiverged), "{what}");
    let after = cli(broker, "ops", &["view", "status"]).1;
    assert_eq!(after.lines().last(), Some(before.as_str()), "{what}: the log has grown");
}

/// Waits until `/readyz` says that every view belongs to another history.
pub async fn all_diverged(broker: &Broker, what: &str) {
    let url = format!("{}/readyz", broker.http);
    let diverged = async || {
        let answer = reqwest::get(&url).await.ok()?;
        let ready = answer.status().is_success();
        let said: Value = answer.json().await.ok()?;
        let views = said["views"].as_array()?;
        let all = !views.is_empty() && views.iter().all(|view| view["state"] == "diverged");
        (all && !ready).then_some(())
    };
    eventually_within(&format!("{what}: every view is diverged"), SAID_WITHIN, diverged).await;
}

fn code(status: &tonic::Status) -> Option<ErrorCode> {
    Problem::from_status(status).map(|problem| problem.code)
}

/// Some customers write, some are paused. Answers how many posts there were.
async fn traffic(broker: &Broker, first: u32) -> u32 {
    for n in first..first + MESSAGES {
        let from = format!("54911555601{:02}", n % CUSTOMERS);
        let text = meta_text(&from, &format!("Cliente {}", n % CUSTOMERS), &format!("wamid.{n}"), &format!("m{n}"));
        assert_eq!(post_meta(&broker.http, text).await, 200);
    }
    broker.client("admin").settled(u64::from(first + MESSAGES)).await;
    let supervisor = broker.client("supervisor");
    for row in supervisor.conversations().await.iter().step_by(2) {
        supervisor.pause(&row.conversation_id, "nota").await.unwrap();
    }
    MESSAGES
}

fn promised(posts: u32) -> Vec<super::promises::Promise> {
    let sender = |n: u32| (n % CUSTOMERS).to_string();
    let promise = |n| super::promises::Promise { text: format!("m{n}"), sender: sender(n), place: u64::from(n) };
    (0..posts).map(promise).collect()
}

/// Digest and position of each view, once all are at the log's end.
async fn digests(broker: &Broker) -> BTreeMap<String, (String, String)> {
    let ops: Client = broker.client("ops");
    let all = async || {
        let request = ops.request(admin::GetViewStatusRequest { digest: true });
        let answer = ops.views().get_status(request).await.ok()?.into_inner();
        let views = answer.views.into_iter().map(|view| (view.name, (view.digest, view.digest_position)));
        let views: BTreeMap<_, _> = views.collect();
        let there = views.values().all(|(_, position)| *position == answer.log_position);
        (there && views.len() >= 5).then_some(views)
    };
    eventually_within("all views are at the log's end", SETTLED_WITHIN, all).await
}

fn rebuild(broker: &Broker) {
    let (code, out, err) = cli(broker, "ops", &["view", "rebuild"]);
    assert_eq!(code, 0, "{out} {err}");
}

/// A copy of a folder, as an operator makes it while nothing runs.
pub fn copy(from: &Path, to: &Path) {
    let status = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(status.success(), "cp {} {}", from.display(), to.display());
}
