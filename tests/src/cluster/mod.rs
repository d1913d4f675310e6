//! Three nats-servers as one cluster and two brokers, while servers are killed, restarted and cut off: nothing is lost, nothing is
//! doubled, a paused bot is silent, and what clients were told of conversations could have happened one thing after the other.
//!
//! Every stream has three replicas, and every message is synced to disk before it is acknowledged. The servers live in network
//! namespaces that are made here (see [`net`]); where that cannot be done the run says so, and a server that would have been cut off
//! stands still instead, which is counted as a stop and not as a partition.

pub mod ask;
pub mod count;
pub mod faults;
pub mod load;
pub mod net;
pub mod record;
pub mod servers;
pub mod stale;
#[cfg(test)]
mod tests;

use std::fmt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use relevo_proto::query::v1 as query;
use relevo_testkit::eventually_within;
use relevo_testkit::fakes::Reports;

use crate::broker::binary;
use crate::delivery::rig::{META, key};
use crate::delivery::{Desk, Rig, Wanted};
use crate::linear;
use crate::linear::conversation::{Conversation, State};
use crate::{Broker, Client};
use count::Wrong;
use faults::Fault;
use load::{Load, Node, Talk};
use net::Net;
use record::{Field, Game, Player};
use servers::Servers;

/// Copies of every stream.
const REPLICAS: usize = 3;
/// Agents who play, by their number in the histories.
const AGENTS: [&str; 2] = ["laura", "admin"];
/// Conversations in which everybody talks at once.
const TALKS: usize = 3;
/// Conversations whose history is recorded, in each round.
const FIELDS: usize = 6;
/// Fewer answers than this in a round would prove little.
const ANSWERS_MIN: usize = 60;
/// Operations before the first fault of a round: the brokers and everybody are at work.
const WARM: usize = 40;
const WARM_WITHIN: Duration = Duration::from_mins(2);
/// How long everything that is under way may take to settle after the last fault.
const SETTLED_WITHIN: Duration = Duration::from_mins(3);

/// What was done, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Servers that were killed.
    pub kills: u64,
    /// Servers that were cut off.
    pub partitions: u64,
    /// Servers that stood still for a while.
    pub stops: u64,
    /// Servers that were ended and started in order.
    pub restarts: u64,
    /// Histories that are linearizable: one a conversation.
    pub histories: u64,
    /// Operations in them that were answered, and that nobody knows of.
    pub operations: u64,
    pub unanswered: u64,
    /// Messages of customers that were answered 2xx, and POSTs that were not at first.
    pub messages: u64,
    pub refused: u64,
    /// Commits on the log.
    pub commits: u64,
    /// Messages that the provider took.
    pub taken: u64,
    pub lost: u64,
    pub doubled: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills, {} partitions, {} stops, {} restarts; {} histories linearizable ({} operations, {} unanswered); \
             {} messages taken in ({} POSTs refused at first), {} sent, {} commits; {} lost, {} doubled",
            self.kills,
            self.partitions,
            self.stops,
            self.restarts,
            self.histories,
            self.operations,
            self.unanswered,
            self.messages,
            self.refused,
            self.taken,
            self.commits,
            self.lost,
            self.doubled,
        )
    }
}

/// Two brokers on one cluster.
struct World {
    servers: Servers,
    rig: Rig,
    other: Broker,
}

/// Runs the suite: a round of faults, or in the long form one for each kind of fault and more. Panics, with what was seen, if a
/// history is not linearizable, or if anything was lost, doubled or said while the bot was silent; so a report that comes back
/// says 0 lost, 0 doubled.
pub async fn run(seed: u64, short: bool) -> Report {
    let mut report = Report::default();
    let mut random = StdRng::seed_from_u64(seed);
    if !short {
        report.partitions += stale::an_old_leader_confirms_nothing().await;
    }
    let mut world = World::start().await;
    world.is_replicated().await;
    let mut rounds: Vec<(Vec<Fault>, Arc<Game>)> = Vec::new();
    for faults in rounds_of(&mut random, short) {
        rounds.push((faults, world.game().await));
    }
    let load = world.load(seed);
    let going = load.begin(&world.talks().await);
    for (faults, game) in rounds {
        let playing = game.play(&world.players(), seed);
        let warm = async || (game.answered() >= WARM).then_some(());
        eventually_within("the players are at work", WARM_WITHIN, warm).await;
        for fault in faults {
            say(&format!("cluster: {fault:?}"));
            fault.happens(&mut world.servers, !short, &mut report).await;
        }
        game.end(playing).await;
        judge(&game, &mut report);
        world.commands_are_there(&game).await;
    }
    load.end(going).await;
    world.settles(&load).await;
    world.counts(&load, &mut report).await;
    report
}

/// What happens in each round.
fn rounds_of(random: &mut StdRng, short: bool) -> Vec<Vec<Fault>> {
    if short {
        let mut faults = vec![Fault::KillLeader, Fault::CutLeaderFromPeers, Fault::RollingRestart];
        faults.shuffle(random);
        return vec![faults];
    }
    // Each kind, and what is likeliest to go wrong again.
    let mut faults = [Fault::ALL.as_slice(), &[Fault::CutLeaderFromPeers, Fault::KillLeader]].concat();
    faults.shuffle(random);
    faults.chunks(2).map(<[Fault]>::to_vec).collect()
}

/// Each recorded history is linearizable.
fn judge(game: &Game, report: &mut Report) {
    for field in &game.fields {
        let history = field.history();
        let answered = history.iter().filter(|asked| asked.answered.is_some()).count() as u64;
        report.operations += answered;
        report.unanswered += history.len() as u64 - answered;
        if let Err(broken) = linear::check(&Conversation(field.initial.clone()), &history) {
            let mut told: Vec<String> = Vec::new();
            for (place, asked) in history.iter().enumerate() {
                told.push(format!("{place}: {asked:?}"));
            }
            panic!("the history of {} is not linearizable: {broken}\n{}", field.conversation, told.join("\n"));
        }
        report.histories += 1;
    }
    let answered = game.answered();
    assert!(answered >= ANSWERS_MIN, "only {answered} answers, which proves little");
}

impl World {
    async fn start() -> Self {
        let net = match Net::make() {
            Ok(net) => Some(net),
            Err(why) => {
                say(&format!("cluster: no network of its own ({why}): servers stand still instead of being cut off"));
                None
            }
        };
        let servers = Servers::start(net).await;
        let urls = servers.urls();
        let env = vec![("RELEVO__NATS__REPLICAS".to_owned(), REPLICAS.to_string())];
        let rig = Rig::start(Wanted { nats: Some(urls.clone()), env: env.clone(), ..Wanted::default() }).await;
        let mut setup = rig.other_node(&urls);
        setup.env.extend(env);
        let other = Broker::start_with(setup).await;
        rig.meta.set_reports(Reports::None);
        Self { servers, rig, other }
    }

    /// Every stream has its copies.
    async fn is_replicated(&self) {
        self.servers.healthy().await;
        for (stream, replicas) in self.servers.replicas().await {
            assert_eq!(replicas, REPLICAS as u64, "{stream}");
        }
    }

    const fn brokers(&self) -> [&Broker; 2] {
        [&self.rig.broker, &self.other]
    }

    fn load(&self, seed: u64) -> Arc<Load> {
        let node = |broker: &Broker| Node {
            http: broker.http.clone(),
            staff: Client::new(&broker.grpc, &key("laura")),
            bot: Desk::at(broker, "asistente", &self.rig.ledger),
            desk: Desk::at(broker, "laura", &self.rig.ledger),
        };
        Load::new(self.brokers().map(node).to_vec(), self.rig.meta.options().clone(), seed)
    }

    async fn talks(&self) -> Vec<Talk> {
        let mut talks = Vec::new();
        for n in 0..TALKS {
            let (to, conversation) = self.rig.customer(META).await.unwrap();
            // Reports are a writer more; on all of them they would be most of the work.
            self.rig.meta.set_reports_for(&to, if n == 0 { Reports::InOrder } else { Reports::None });
            talks.push(Talk { to, conversation });
        }
        talks
    }

    /// Conversations that nobody has touched yet.
    async fn game(&self) -> Arc<Game> {
        let empty = Game::new(Vec::new(), &AGENTS);
        let mut fields = Vec::new();
        for _ in 0..FIELDS {
            let (_, conversation) = self.rig.customer(META).await.unwrap();
            let state = empty.state(&row(&self.rig.desk().client, &conversation).await);
            assert_eq!(State { paused: false, assignee: None, ..state.clone() }, state);
            fields.push(Field::new(conversation, state));
        }
        Game::new(fields, &AGENTS)
    }

    /// Each agent at each broker.
    fn players(&self) -> Vec<Player> {
        let mut players = Vec::new();
        for broker in self.brokers() {
            for (agent, name) in (0u8..).zip(AGENTS) {
                let client = Client::new(&broker.grpc, &key(name));
                players.push(Player { number: u32::try_from(players.len()).unwrap_or(0), agent, client });
            }
        }
        players
    }

    /// Every command that was answered as done stands on the log, once.
    async fn commands_are_there(&self, game: &Game) {
        let counted = count::count(&self.servers.urls(), REPLICAS).await;
        let mut wrong = Wrong::default();
        counted.commands(&game.done(), &mut wrong);
        assert!(wrong.is_nothing(), "{wrong}");
    }

    /// Everything that was taken in has been worked through, and everything that was queued has an end.
    async fn settles(&self, load: &Load) {
        let posts = load.promised().len() as u64;
        for broker in self.brokers() {
            let admin = Client::new(&broker.grpc, &key("admin"));
            let status = eventually_within("intake has worked through everything", SETTLED_WITHIN, async || {
                let status = admin.intake_status().await.ok()?;
                (status.backlog == 0 && status.posts() >= posts).then_some(status)
            });
            status.await.assert_balanced();
        }
        assert_eq!(self.rig.lost().await, Vec::new(), "messages without an end");
    }

    async fn counts(&self, load: &Load, report: &mut Report) {
        let mut wrong = Wrong::default();
        let counted = count::count(&self.servers.urls(), REPLICAS).await;
        let promised = load.promised();
        counted.texts(&promised, &mut wrong);
        counted.queued(&load.by_staff(), &mut wrong);
        counted.chains(&mut wrong);
        let taken = self.rig.meta.accepted();
        count::leaks(&taken, &load.silenced(), &mut wrong);
        wrong.doubled.extend(self.rig.meta.repeated());
        for broker in self.brokers() {
            for words in [["log", "verify"], ["view", "verify"]] {
                let (code, said) = command_line(broker, "admin", &words);
                if code != 0 {
                    wrong.other.push(format!("{words:?} ends with {code}: {said}"));
                }
            }
        }
        report.messages = promised.len() as u64;
        report.refused = load.refused();
        report.commits = counted.commits;
        report.taken = taken.len() as u64;
        (report.lost, report.doubled) = (wrong.lost.len() as u64, wrong.doubled.len() as u64);
        assert!(wrong.is_nothing(), "{report}\n{wrong}");
        assert!(!promised.is_empty() && !load.silenced().is_empty() && !taken.is_empty(), "{report}");
    }
}

/// Runs the command line with a key of the rig's; answers (exit code, what was said).
fn command_line(broker: &Broker, who: &str, words: &[&str]) -> (i32, String) {
    let output = Command::new(binary())
        .args(["--server", &broker.grpc, "--lang", "en", "--timeout", "2m"])
        .args(words)
        .env("RELEVO_API_KEY", key(who))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}

async fn row(client: &Client, conversation: &str) -> query::Conversation {
    let get = query::GetConversationRequest { conversation_id: conversation.to_owned(), ..Default::default() };
    client.inbox().get_conversation(client.request(get)).await.unwrap().into_inner().conversation.unwrap_or_default()
}

#[expect(clippy::print_stderr, reason = "what happens is said while it happens: a run takes minutes")]
fn say(line: &str) {
    eprintln!("{line}");
}
