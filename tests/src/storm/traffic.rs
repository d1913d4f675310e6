//! Changes through the real doors: signed posts of a fixed crowd of customers, and every command of the desk.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use relevo_proto::Problem;
use relevo_proto::command::v1 as command;
use relevo_proto::command::v1::contact_service_client::ContactServiceClient;
use relevo_proto::command::v1::workspace_service_client::WorkspaceServiceClient;
use relevo_proto::query::v1 as query;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{Instant, Interval};
use tonic::{Response, Status};

use super::DEADLINE_MS;
use super::watcher::TAG;
use crate::client::fresh_id;
use crate::webhook::{meta_text, post_mail, post_meta, post_twilio};
use crate::{Broker, Client};

/// Customers of WhatsApp by Meta, by Twilio, and of mail. More than the windows that most watchers show.
pub const CUSTOMERS: u32 = 160;
const TWILIO_FROM: u32 = 120;
const MAIL_FROM: u32 = 140;
/// Changes that are under way at the same time.
const WORKERS: usize = 6;
/// Of a hundred changes so many are posts.
const POSTS_PERCENT: u32 = 55;
/// The longest snooze that ends within a storm.
pub const SNOOZE_MAX: Duration = Duration::from_secs(6);

/// When a storm is over.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// So many changes, as fast as they go.
    Changes(u64),
    /// So long, at so many attempts per second.
    Time { length: Duration, per_second: u32 },
}

/// A conversation that commands are given for.
#[derive(Clone, Debug)]
struct Target {
    conversation: String,
    contact: String,
}

/// The crowd and the desk.
pub struct Traffic {
    http: String,
    desk: Vec<Client>,
    targets: Vec<Target>,
    tag_id: String,
    random: Mutex<StdRng>,
    posts: AtomicU64,
    applied: AtomicU64,
    already_so: AtomicU64,
    refused: Mutex<BTreeMap<String, u64>>,
}

/// What became of a command.
enum Outcome {
    Applied,
    AlreadySo,
    Refused(Status),
}

/// The outcome of a call whose answer says whether it was so already.
macro_rules! outcome {
    ($call:expr) => {
        match $call.await.map(Response::into_inner) {
            Ok(answer) if answer.already_so => Outcome::AlreadySo,
            Ok(_) => Outcome::Applied,
            Err(status) => Outcome::Refused(status),
        }
    };
}

impl Traffic {
    /// Lets every customer write once, and creates the tag.
    pub async fn begin(broker: &Broker, seed: u64) -> Self {
        let desk: Vec<_> = ["admin", "supervisor", "agent-2"].iter().map(|who| broker.client(who)).collect();
        let mut traffic = Self {
            http: broker.http.clone(),
            desk,
            targets: Vec::new(),
            tag_id: String::new(),
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            posts: AtomicU64::new(0),
            applied: AtomicU64::new(0),
            already_so: AtomicU64::new(0),
            refused: Mutex::default(),
        };
        for customer in 0..CUSTOMERS {
            traffic.customer_writes(customer, customer).await;
        }
        let admin = broker.client("admin");
        admin.settled(traffic.posts()).await.assert_balanced();
        let create = command::CreateTagRequest {
            command_id: fresh_id(),
            name: TAG.to_owned(),
            colour: "#cc0000".to_owned(),
            ..Default::default()
        };
        let created = WorkspaceServiceClient::new(admin.channel()).create_tag(admin.request(create)).await;
        let created = created.expect("a tag").into_inner();
        traffic.tag_id = created.tag.expect("a tag").tag_id;
        // What intake has settled is before the tag.
        let list = query::ListConversationsRequest {
            page_size: 200,
            min_position: created.position,
            deadline_ms: DEADLINE_MS,
            ..Default::default()
        };
        let rows = admin.inbox().list_conversations(admin.request(list)).await.expect("a list").into_inner();
        assert_eq!(rows.conversations.len(), CUSTOMERS as usize);
        let target = |row: query::Conversation| Target { conversation: row.conversation_id, contact: row.contact_id };
        // Who wrote first has the smallest number, and writes most.
        traffic.targets = rows.conversations.into_iter().rev().map(target).collect();
        traffic
    }

    pub fn posts(&self) -> u64 {
        self.posts.load(Ordering::SeqCst)
    }

    /// Posts that were answered and commands that were applied.
    pub fn changes(&self) -> u64 {
        self.posts() + self.applied.load(Ordering::SeqCst)
    }

    /// Commands that changed nothing: what was so already, and what was refused, by code.
    pub fn without_effect(&self) -> BTreeMap<String, u64> {
        let mut counts = self.refused.lock().unwrap().clone();
        counts.insert("already so".to_owned(), self.already_so.load(Ordering::SeqCst));
        counts
    }

    /// Conversations, the busiest first.
    pub fn conversations(&self) -> Vec<String> {
        self.targets.iter().map(|target| target.conversation.clone()).collect()
    }

    /// Runs until the end that is asked for; what is under way is finished.
    pub async fn run(&self, until: Until) {
        let begun = (Instant::now(), self.changes());
        let pace = match until {
            Until::Changes(_) => None,
            Until::Time { per_second, .. } => {
                Some(AsyncMutex::new(tokio::time::interval(Duration::from_secs(1) / per_second)))
            }
        };
        let workers: [_; WORKERS] = std::array::from_fn(|_| self.work(until, begun, pace.as_ref()));
        let [first, second, third, fourth, fifth, sixth] = workers;
        tokio::join!(first, second, third, fourth, fifth, sixth);
    }

    async fn work(&self, until: Until, begun: (Instant, u64), pace: Option<&AsyncMutex<Interval>>) {
        loop {
            let over = match until {
                Until::Changes(changes) => self.changes() - begun.1 >= changes,
                Until::Time { length, .. } => begun.0.elapsed() >= length,
            };
            if over {
                return;
            }
            if let Some(pace) = pace {
                pace.lock().await.tick().await;
            }
            self.change().await;
        }
    }

    /// One change. The same few are the busiest: the smaller of two draws.
    async fn change(&self) {
        let (customer, target, kind, percent, n) = {
            let mut random = self.random.lock().unwrap();
            let mut skewed = |count: u32| random.random_range(0..count).min(random.random_range(0..count));
            let (customer, target) = (skewed(CUSTOMERS), skewed(CUSTOMERS));
            (customer, target, random.random_range(0..40u32), random.random_range(0..100u32), random.random::<u32>())
        };
        if percent < POSTS_PERCENT {
            self.customer_writes(customer, n).await;
            return;
        }
        let client = &self.desk[n as usize % self.desk.len()];
        let target = &self.targets[target as usize];
        match self.command(client, target, kind, n).await {
            Outcome::Applied => {
                self.applied.fetch_add(1, Ordering::SeqCst);
            }
            Outcome::AlreadySo => {
                self.already_so.fetch_add(1, Ordering::SeqCst);
            }
            Outcome::Refused(status) => {
                let code = Problem::from_status(&status)
                    .map_or_else(|| format!("{:?}", status.code()), |problem| problem.code.as_str().to_owned());
                *self.refused.lock().unwrap().entry(code).or_default() += 1;
            }
        }
    }

    /// A customer writes; one in sixteen has changed the name, which every row of theirs shows.
    pub async fn customer_writes(&self, customer: u32, n: u32) {
        let text = format!("mensaje {n} de {customer}");
        let id = fresh_id();
        let name = if n % 16 == 15 { format!("Cliente {customer} bis") } else { format!("Cliente {customer}") };
        let status = match customer {
            0..TWILIO_FROM => {
                let from = format!("54911555{customer:05}");
                post_meta(&self.http, meta_text(&from, &name, &format!("wamid.{id}"), &text)).await
            }
            TWILIO_FROM..MAIL_FROM => {
                let form = format!(
                    "MessageSid=SM{id}&From=whatsapp%3A%2B54911556{customer:05}&To=whatsapp%3A%2B15550783881\
                     &Body=mensaje+{n}&NumMedia=0&ProfileName=Cliente+{customer}&WaId=54911556{customer:05}"
                );
                post_twilio(&self.http, form).await
            }
            _ => post_mail(&self.http, self.mail(customer, &id, &text)).await,
        };
        if matches!(status, 200 | 202) {
            self.posts.fetch_add(1, Ordering::SeqCst);
        } else {
            *self.refused.lock().unwrap().entry(format!("HTTP {status}")).or_default() += 1;
        }
    }

    /// The first mail of a customer is the root that all others answer, so that a customer has one conversation.
    fn mail(&self, customer: u32, id: &str, text: &str) -> String {
        let root = format!("root-{customer}@example.com");
        let (id, reply) = if self.targets.is_empty() {
            (root, String::new())
        } else {
            (format!("{id}@example.com"), format!("In-Reply-To: <{root}>\r\n"))
        };
        format!(
            "From: Cliente {customer} <cliente{customer}@example.com>\r\nTo: hola@example.com\r\nSubject: Turno\r\n\
             Message-ID: <{id}>\r\n{reply}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        )
    }

    async fn command(&self, client: &Client, target: &Target, kind: u32, n: u32) -> Outcome {
        match kind {
            0..12 => bot_and_assignment(client, target, kind, n).await,
            12..24 => status(client, target, kind, n).await,
            24..38 => marks(client, target, kind, n).await,
            _ => self.tag_changes_colour(client, n).await,
        }
    }

    /// Changes every row that shows the tag.
    async fn tag_changes_colour(&self, client: &Client, n: u32) -> Outcome {
        let change = command::ChangeTagRequest {
            command_id: fresh_id(),
            tag_id: self.tag_id.clone(),
            colour: Some(format!("#{:06x}", n & 0x00ff_ffff)),
            ..Default::default()
        };
        outcome!(WorkspaceServiceClient::new(client.channel()).change_tag(client.request(change)))
    }
}

async fn bot_and_assignment(client: &Client, target: &Target, kind: u32, n: u32) -> Outcome {
    let (command_id, conversation_id) = (fresh_id(), target.conversation.clone());
    match kind {
        0..3 => {
            let reason = [query::PauseReason::Complaint, query::PauseReason::ComplexQuery][n as usize % 2].into();
            let note = format!("nota {n}");
            let pause = command::PauseBotRequest { command_id, conversation_id, reason, note, ..Default::default() };
            outcome!(client.commands().pause_bot(client.request(pause)))
        }
        3..6 => {
            let resume = command::ResumeBotRequest { command_id, conversation_id, ..Default::default() };
            outcome!(client.commands().resume_bot(client.request(resume)))
        }
        6..8 => {
            let claim = command::ClaimRequest { command_id, conversation_id, ..Default::default() };
            outcome!(client.commands().claim(client.request(claim)))
        }
        8..10 => {
            let agent_id = ["laura", "martin", "sofia", ""][n as usize % 4].to_owned();
            let team_id = ["recepcion", "ventas"][n as usize / 4 % 2].to_owned();
            let assign =
                command::AssignRequest { command_id, conversation_id, agent_id, team_id, expected_version: None };
            outcome!(client.commands().assign(client.request(assign)))
        }
        _ => {
            let unassign = command::UnassignRequest { command_id, conversation_id, ..Default::default() };
            outcome!(client.commands().unassign(client.request(unassign)))
        }
    }
}

async fn status(client: &Client, target: &Target, kind: u32, n: u32) -> Outcome {
    use command::snooze_request::When;
    let (command_id, conversation_id) = (fresh_id(), target.conversation.clone());
    match kind {
        12..14 => {
            let resolve = command::ResolveRequest { command_id, conversation_id, ..Default::default() };
            outcome!(client.commands().resolve(client.request(resolve)))
        }
        14..16 => {
            let reopen = command::ReopenRequest { command_id, conversation_id, ..Default::default() };
            outcome!(client.commands().reopen(client.request(reopen)))
        }
        16..18 => {
            let pending = command::SetPendingRequest { command_id, conversation_id, ..Default::default() };
            outcome!(client.commands().set_pending(client.request(pending)))
        }
        18..22 => {
            // Two in four become due while the storm lasts, without any commit.
            let soon = SystemTime::now() + SNOOZE_MAX * (n % 100 + 30) / 130;
            let when = match n % 4 {
                0 | 1 => When::Until(soon.into()),
                2 => When::UntilReply(true),
                _ => When::Preset(query::SnoozePreset::OneHour.into()),
            };
            let snooze = command::SnoozeRequest { command_id, conversation_id, when: Some(when), ..Default::default() };
            outcome!(client.commands().snooze(client.request(snooze)))
        }
        _ => {
            let unsnooze = command::UnsnoozeRequest { command_id, conversation_id, ..Default::default() };
            outcome!(client.commands().unsnooze(client.request(unsnooze)))
        }
    }
}

async fn marks(client: &Client, target: &Target, kind: u32, n: u32) -> Outcome {
    let (command_id, conversation_id) = (fresh_id(), target.conversation.clone());
    let contacts = || ContactServiceClient::new(client.channel());
    match kind {
        24..27 => {
            let tag = Some(command::add_tag_request::Tag::Name(TAG.to_owned()));
            let add = command::AddTagRequest { command_id, conversation_id, tag, ..Default::default() };
            outcome!(client.commands().add_tag(client.request(add)))
        }
        27..29 => {
            let tag = Some(command::remove_tag_request::Tag::Name(TAG.to_owned()));
            let remove = command::RemoveTagRequest { command_id, conversation_id, tag, ..Default::default() };
            outcome!(client.commands().remove_tag(client.request(remove)))
        }
        29..32 => {
            let priority = i32::try_from(n % 5 + 1).expect("small");
            let set = command::SetPriorityRequest { command_id, conversation_id, priority, expected_version: None };
            outcome!(client.commands().set_priority(client.request(set)))
        }
        32..34 => {
            let read = command::MarkReadRequest { command_id, conversation_id, ..Default::default() };
            outcome!(client.commands().mark_read(client.request(read)))
        }
        34..36 => {
            let text = format!("nota interna {n}");
            let note = command::AddNoteRequest { command_id, conversation_id, text, expected_version: None };
            outcome!(client.commands().add_note(client.request(note)))
        }
        36 => {
            let customer = command::LinkedCustomer { id: format!("K-{}", n % 50), name: format!("Ficha {}", n % 50) };
            let link = command::LinkCustomerRequest {
                command_id,
                contact_id: target.contact.clone(),
                customer: Some(customer),
                expected_version: None,
            };
            outcome!(contacts().link_customer(client.request(link)))
        }
        _ => {
            let contact_id = target.contact.clone();
            let unlink = command::UnlinkCustomerRequest { command_id, contact_id, expected_version: None };
            outcome!(contacts().unlink_customer(client.request(unlink)))
        }
    }
}
