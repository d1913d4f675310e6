//! How long `PauseBot` takes while customers write: on a real broker whose log is synced to disk with every append, next to single
//! appends to the same log in the same seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use relevo_domain::contact::{ContactEvent, NamePersonal};
use relevo_domain::{Actor, ChannelId, CommandId, Commit, CommitId, EntityId, EntityKind, Event, TenantId, Timestamp};
use relevo_eventlog::{Append, Connection, Log as _, Options, Outcome};
use relevo_proto::query::v1 as query;
use relevo_testkit::{NatsServer, eventually_within};
use tokio::task::JoinSet;

use crate::broker::{Broker, Setup};
use crate::client::Client;
use crate::webhook::{meta_signature, meta_text};

/// Customers who write, and whose conversations are paused: none twice.
const CUSTOMERS: usize = 1_000;
/// Between two pauses.
const PAUSE_EVERY: Duration = Duration::from_millis(40);
/// Posts that may be under way at once; those beyond are counted as late, not sent.
const POSTS_AT_ONCE_MAX: usize = 256;
/// How long the first messages may take to be there.
const OPENED_WITHIN: Duration = Duration::from_mins(2);
/// Conversations of one page.
const PAGE: i32 = 200;

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Messages of customers a second.
    pub per_second: u32,
    pub pauses: usize,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    pub pauses: Vec<Duration>,
    pub appends: Vec<Duration>,
    /// Messages a second that the broker took meanwhile.
    pub per_second: f64,
    /// Messages that could not be sent in time.
    pub late: u64,
}

/// What the customers do.
struct Crowd {
    http: String,
    client: reqwest::Client,
    wrote: AtomicU64,
    taken: AtomicU64,
    late: AtomicU64,
    over: AtomicBool,
}

/// Runs the plan. Panics if a part cannot be started, or if a pause is refused.
pub async fn run(plan: Plan) -> Measured {
    let pauses = plan.pauses.min(CUSTOMERS);
    let nats = NatsServer::sync_always().await;
    let env = vec![("RELEVO__NATS__URL".to_owned(), nats.url())];
    let broker = Broker::start_with(Setup { env, ..Setup::default() }).await;
    let log = Connection::connect(Options::new(nats.url())).await.expect("a log").events();
    let crowd = Arc::new(Crowd::new(&broker.http));
    let ids = crowd.opens(&broker).await;
    let writing = tokio::spawn(Arc::clone(&crowd).write(plan.per_second));
    let (staff, mut measured) = (broker.client("supervisor"), Measured::default());
    let (begun, taken) = (Instant::now(), crowd.taken.load(Ordering::SeqCst));
    let mut every = tokio::time::interval(PAUSE_EVERY);
    for (n, id) in ids.iter().take(pauses).enumerate() {
        every.tick().await;
        let at = Instant::now();
        let answer = staff.pause(id, "").await.expect("a pause");
        measured.pauses.push(at.elapsed());
        assert!(!answer.already_so, "each conversation is paused once");
        let commit = commit(n);
        let at = Instant::now();
        let outcome = log.append(vec![Append { commit, expected: 0 }]).await.expect("an append");
        measured.appends.push(at.elapsed());
        assert!(matches!(outcome, Outcome::Applied { fresh: true, .. }), "nobody else writes there");
    }
    let taken = crowd.taken.load(Ordering::SeqCst) - taken;
    measured.per_second = taken as f64 / begun.elapsed().as_secs_f64();
    crowd.over.store(true, Ordering::SeqCst);
    writing.await.expect("the customers stop");
    measured.late = crowd.late.load(Ordering::SeqCst);
    measured
}

/// The time that so many of a hundred do not exceed; zero if there is none.
pub fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

impl Crowd {
    fn new(http: &str) -> Self {
        Self {
            http: http.to_owned(),
            client: reqwest::Client::new(),
            wrote: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            late: AtomicU64::new(0),
            over: AtomicBool::new(false),
        }
    }

    /// Everybody writes once. Answers with their conversations.
    async fn opens(self: &Arc<Self>, broker: &Broker) -> Vec<String> {
        for _customer in 0..CUSTOMERS {
            self.writes().await;
        }
        let client = broker.client("supervisor");
        eventually_within("everybody has written", OPENED_WITHIN, async || {
            let ids = listed(&client).await?;
            (ids.len() == CUSTOMERS).then_some(ids)
        })
        .await
    }

    /// The next customer writes.
    async fn writes(&self) {
        let n = self.wrote.fetch_add(1, Ordering::SeqCst);
        let from = format!("54911{:08}", 66_000_000 + n % CUSTOMERS as u64);
        let body = meta_text(&from, "Cliente", &format!("wamid.pausing-{n}"), "Hola, ¿tienen stock?");
        let request = self
            .client
            .post(format!("{}/webhooks/meta/demo", self.http))
            .header("x-hub-signature-256", meta_signature(body.as_bytes()))
            .header("content-type", "application/json")
            .body(body);
        let taken = request.send().await.is_ok_and(|answer| answer.status().is_success());
        self.taken.fetch_add(u64::from(taken), Ordering::SeqCst);
    }

    /// Customers write at this pace until it is over, whether the broker keeps up or not.
    async fn write(self: Arc<Self>, per_second: u32) {
        let mut every = tokio::time::interval(Duration::from_secs(1) / per_second.max(1));
        let mut posts = JoinSet::new();
        while !self.over.load(Ordering::SeqCst) {
            every.tick().await;
            while posts.try_join_next().is_some() {}
            if posts.len() >= POSTS_AT_ONCE_MAX {
                self.late.fetch_add(1, Ordering::SeqCst);
                continue;
            }
            let crowd = Arc::clone(&self);
            posts.spawn(async move { crowd.writes().await });
        }
        while posts.join_next().await.is_some() {}
    }
}

/// All conversations, page by page.
async fn listed(client: &Client) -> Option<Vec<String>> {
    let (mut ids, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = query::ListConversationsRequest { page_size: PAGE, page_token, ..Default::default() };
        let page = client.inbox().list_conversations(client.request(request)).await.ok()?.into_inner();
        ids.extend(page.conversations.into_iter().map(|row| row.conversation_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Some(ids);
        }
    }
}

/// A commit about as long as a pause's, of an entity of its own.
fn commit(n: usize) -> Commit {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    let now = Timestamp::from_millis(i64::try_from(since.as_millis()).expect("a time"));
    let mut id = *uuid::Uuid::new_v4().as_bytes();
    id[..8].copy_from_slice(&(n as u64).to_be_bytes());
    let created = ContactEvent::Created {
        channel: ChannelId::new("demo-wa").expect("a name"),
        personal: NamePersonal::default(),
    };
    Commit {
        id: CommitId::new(*uuid::Uuid::now_v7().as_bytes()),
        tenant: TenantId::new("demo").expect("a name"),
        entity: EntityId::new(EntityKind::Contact, id),
        first_version: 1,
        command_id: CommandId::new(format!("pausing-{}", uuid::Uuid::new_v4())).expect("an id"),
        occurred_at: now,
        recorded_at: now,
        actor: Actor::System,
        causation: None,
        correlation: None,
        previous_hash: [0; 32],
        intake: None,
        events: vec![Event::Contact(created)],
    }
}
