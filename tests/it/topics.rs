//! The metric topics as an analyst reads them: with the Python example, from two nodes that are killed, rebuilt and cut off. Whoever
//! keeps one fact an id, and leaves out what is superseded, has the view's figures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use relevo_proto::command::v1 as command;
use relevo_proto::query::v1 as query;
use relevo_proto::query::v1::metrics_service_client::MetricsServiceClient;
use relevo_testkit::NatsServer;
use relevo_tests::client::{SETTLED_WITHIN, fresh_id};
use relevo_tests::webhook::{meta_text, post_meta};
use relevo_tests::{Broker, Client, Setup, eventually_within};
use serde_json::Value;
use tempfile::TempDir;

// === the consumer ===

/// An analyst's machine: the Python example and what it kept.
struct Analyst {
    folder: TempDir,
    url: String,
    arguments: Vec<String>,
}

/// What one reading came to.
struct Reading {
    figures: Vec<Value>,
    messages: u64,
    new_facts: u64,
}

impl Analyst {
    fn new(nats: &NatsServer, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { folder: tempfile::tempdir().unwrap(), url: nats.url(), arguments }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("facts.sqlite")
    }

    /// Reads what is there and prints the figures.
    fn read(&self, by: Option<&str>) -> Reading {
        let mut python = python("examples/python/metrics_consumer.py");
        python.args(["--server", &self.url, "--once", "--json", "--database"]).arg(self.database());
        python.args(&self.arguments).args(by.into_iter().flat_map(|by| ["--by", by]));
        let (out, err) = run(python);
        let counts = err.lines().filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?.parse::<u64>().ok()?, words.nth(1)?.parse::<u64>().ok()?))
        });
        let (messages, new_facts) = counts.fold((0, 0), |sum, line| (sum.0 + line.0, sum.1 + line.1));
        let figures = out.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap());
        Reading { figures: figures.collect(), messages, new_facts }
    }

    /// Every fact is what its schema says.
    fn check_schemas(&self) {
        let mut python = python("tests/py/check_facts.py");
        python.arg(self.database()).arg(root().join("docs/topics"));
        let (out, _) = run(python);
        assert!(out.starts_with("facts: ") && out.trim_end().ends_with(" 0 bad"), "{out}");
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The Python that `make setup` prepared.
fn python(script: &str) -> Command {
    let tools = std::env::var_os("RELEVO_TOOLS").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/relevo/tools");
    let python = tools.unwrap_or_else(home).join("python/bin/python");
    assert!(python.is_file(), "{} is missing; run `make setup`", python.display());
    let mut command = Command::new(python);
    command.arg("-B").arg(root().join(script)).stdin(Stdio::null());
    command
}

fn run(mut command: Command) -> (String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    (out, err)
}

// === the view ===

/// What the consumer must have, by metric and group.
type Figures = BTreeMap<(String, String), Vec<u64>>;

/// The view's figures over yesterday, today and tomorrow.
async fn figures(client: &Client, split: Option<query::MetricSplit>) -> Figures {
    let mut service = MetricsServiceClient::new(client.channel());
    let all = service.list_metrics(client.request(query::ListMetricsRequest {})).await.unwrap().into_inner();
    let selection = query::MetricsSelection {
        metrics: all.metrics.into_iter().map(|metric| metric.name).collect(),
        from: Some(seconds_from_now(-24 * 3600)),
        to: Some(seconds_from_now(24 * 3600)),
        split_by: split.into_iter().map(Into::into).collect(),
        ..Default::default()
    };
    let request = query::QueryMetricsRequest { selection: Some(selection), ..Default::default() };
    let answer = service.query_metrics(client.request(request)).await.unwrap().into_inner();
    let one = |series: query::MetricSeries| {
        let point = series.points.first()?;
        let numbers = match series.kind() {
            query::MetricKind::Duration => vec![point.n, point.sum_ms.unwrap_or_default()],
            query::MetricKind::Share => vec![point.n, u64::try_from(point.value.unwrap_or_default()).unwrap()],
            _ => vec![u64::try_from(point.value.unwrap_or_default()).unwrap()],
        };
        let group = series.agent_id.map(|agent| if agent.is_empty() { "-".to_owned() } else { agent });
        Some(((series.metric, group.unwrap_or_default()), numbers))
    };
    // A quiet series is no series: nothing was published about it.
    answer.series.into_iter().filter_map(one).filter(|(_, numbers)| numbers.iter().any(|number| *number > 0)).collect()
}

fn seconds_from_now(seconds: i64) -> prost_types::Timestamp {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    prost_types::Timestamp { seconds: i64::try_from(now).unwrap() + seconds, nanos: 0 }
}

/// The consumer's figures in the same form.
fn consumed(reading: &Reading) -> Figures {
    let number = |row: &Value, name: &str| u64::try_from(row[name].as_i64().unwrap()).unwrap();
    let one = |row: &Value| {
        let numbers = match row["kind"].as_str().unwrap() {
            "duration" => vec![number(row, "n"), number(row, "sum_ms")],
            "share" => vec![number(row, "n"), number(row, "value")],
            _ => vec![number(row, "value")],
        };
        ((row["metric"].as_str().unwrap().to_owned(), row["group"].as_str().unwrap().to_owned()), numbers)
    };
    reading.figures.iter().map(one).filter(|(_, numbers)| numbers.iter().any(|number| *number > 0)).collect()
}

/// Reads until the consumer has what the view has; the view must not move any more.
async fn agree(analyst: &Analyst, client: &Client) {
    let wanted = figures(client, None).await;
    assert!(wanted.len() >= 8, "too few metrics moved to prove anything: {wanted:?}");
    let mut last = Figures::new();
    let agreed = eventually_within("the consumer has the view's figures", SETTLED_WITHIN, async || {
        last = consumed(&analyst.read(None));
        (last == wanted).then_some(())
    });
    agreed.await;
    let by_agent = figures(client, Some(query::MetricSplit::Agent)).await;
    assert_eq!(consumed(&analyst.read(Some("agent_id"))), by_agent);
}

// === the traffic ===

struct Traffic {
    random: StdRng,
    posts: u64,
}

impl Traffic {
    /// A few customers write, on one node or the other.
    async fn messages(&mut self, nodes: &[&Broker]) {
        for _ in 0..6 {
            self.posts += 1;
            let customer = self.random.random_range(0..8);
            let text = meta_text(
                &format!("54911555501{customer:02}"),
                &format!("Cliente {customer}"),
                &format!("wamid.{}", self.posts),
                "Hola",
            );
            let node = *nodes.choose(&mut self.random).unwrap();
            let stored = async || (post_meta(&node.http, text.clone()).await == 200).then_some(());
            eventually_within("the post is stored", SETTLED_WITHIN, stored).await;
        }
    }

    /// Staff does something to every conversation; what makes no sense in its state is refused, which is as good.
    async fn desk(&mut self, node: &Broker) {
        node.client("admin").settled(self.posts).await;
        let supervisor = node.client("supervisor");
        let mut commands = supervisor.commands();
        for row in supervisor.conversations().await {
            let (conversation_id, command_id) = (row.conversation_id, fresh_id());
            let outcome = match self.random.random_range(0..6) {
                0 => supervisor.pause(&conversation_id, "").await.map(drop),
                1 => {
                    let resume = command::ResumeBotRequest { command_id, conversation_id, ..Default::default() };
                    commands.resume_bot(supervisor.request(resume)).await.map(drop)
                }
                2 => supervisor.claim(&conversation_id).await.map(drop),
                3 | 4 => {
                    let resolve = command::ResolveRequest { command_id, conversation_id, ..Default::default() };
                    commands.resolve(supervisor.request(resolve)).await.map(drop)
                }
                _ => {
                    let reopen = command::ReopenRequest { command_id, conversation_id, ..Default::default() };
                    commands.reopen(supervisor.request(reopen)).await.map(drop)
                }
            };
            if let Err(refused) = outcome {
                assert_eq!(refused.code(), tonic::Code::FailedPrecondition, "{refused:?}");
            }
        }
    }
}

async fn node(nats: &NatsServer, keys_from: Option<PathBuf>) -> Broker {
    let env = vec![("RELEVO__NATS__URL".to_owned(), nats.url())];
    Broker::start_with(Setup { env, keys_from, ..Setup::default() }).await
}

#[tokio::test]
async fn killed_rebuilt_and_cut_off_nodes_publish_every_fact_once() {
    let mut nats = NatsServer::start().await;
    let first = node(&nats, None).await;
    let keys = first.data().join("keys");
    let mut nodes = [first, node(&nats, Some(keys)).await];
    let mut traffic = Traffic { random: StdRng::seed_from_u64(20), posts: 0 };
    let early = Analyst::new(&nats, &["--durable", "early"]);
    for round in 0..6 {
        let [a, b] = &nodes;
        traffic.messages(&[a, b]).await;
        let victim = round % 2;
        traffic.desk(&nodes[1 - victim]).await;
        nodes[victim].kill9();
        traffic.messages(&[&nodes[1 - victim]]).await;
        match round {
            1 | 4 => std::fs::remove_dir_all(nodes[victim].data().join("views")).unwrap(),
            2 => {
                let rebuild = ["view", "rebuild", "metrics"];
                let (code, _, err) = relevo_tests::broker::cli(&nodes[1 - victim], "ops", &rebuild);
                assert_eq!(code, 0, "{err}");
            }
            3 => nats.restart().await,
            _ => drop(early.read(None)),
        }
        traffic.desk(&nodes[1 - victim]).await;
        nodes[victim].restart().await;
    }
    for node in &nodes {
        node.client("admin").settled(traffic.posts).await;
    }
    let admin = nodes[0].client("admin");
    agree(&early, &admin).await;
    assert_eq!(figures(&nodes[1].client("admin"), None).await, figures(&admin, None).await);

    // Who comes late finds every fact once: no message was published twice.
    let late = Analyst::new(&nats, &["--durable", "late"]);
    let reading = late.read(None);
    assert!(reading.messages > 50 && reading.messages == reading.new_facts, "{} messages", reading.messages);
    assert_eq!(consumed(&reading), figures(&admin, None).await);
    assert_eq!(late.read(None).messages, 0, "a durable consumer reads nothing twice");
    late.check_schemas();

    let subject = "relevo.republish.demo.audit";
    let republish = ["metrics", "republish", "--subject", subject];
    let (code, out, err) = relevo_tests::broker::cli(&nodes[1], "ops", &republish);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains(&reading.messages.to_string()), "{out}");
    let audit = Analyst::new(&nats, &["--durable", "audit", "--stream", "RELEVO_REPUBLISH", "--subject", subject]);
    assert_eq!(consumed(&audit.read(None)), consumed(&reading));
    assert_eq!(late.read(None).messages, 0, "the live topics are left alone");
}

#[tokio::test]
async fn publishing_again_is_for_operators_and_stays_in_its_tenant() {
    let broker = Broker::start().await;
    let cli = |who: &str, args: &[&str]| relevo_tests::broker::cli(&broker, who, args).0;
    let to = |subject| ["metrics", "republish", "--subject", subject];
    assert_eq!(cli("agent", &to("relevo.republish.demo.a")), 5);
    for subject in ["relevo.metrics.demo.pauses", "relevo.republish.demo-b.a", "relevo.republish.demo.*", "x"] {
        assert_eq!(cli("ops", &to(subject)), 2, "{subject}");
    }
    let unknown = ["metrics", "republish", "--metric", "nonsense", "--subject", "relevo.republish.demo.a"];
    assert_eq!(cli("ops", &unknown), 2);
    let (before, after) = ("2026-01-01", "2026-02-01");
    let span = ["metrics", "republish", "--from", after, "--to", before, "--subject", "relevo.republish.demo.a"];
    assert_eq!(cli("ops", &span), 2);
    assert_eq!(cli("ops", &to("relevo.republish.demo.a")), 0);
}
