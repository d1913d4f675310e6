//! Many watchers while many things change: every kind of list and conversation is watched, some clients stop reading, and in
//! the end everybody must show what a fresh list shows.
//!
//! What is equal is proved by position, not by time: a last change that everybody hears of is made when all others are stored.

pub mod fold;
pub mod traffic;
pub mod watcher;

use std::collections::BTreeMap;
use std::time::Duration;

use relevo_domain::Position;
use relevo_proto::command::v1 as command;
use relevo_proto::query::v1 as query;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::client::fresh_id;
use crate::webhook::{meta_text, post_meta};
use crate::{Broker, Client};
use fold::{InboxFold, ThreadFold};
use traffic::Traffic;
use watcher::{Seen, THREAD_WINDOW, Watched, Watcher};

pub use traffic::Until;

/// How long all watchers together may take to show the last change, and what time alone changes after it.
const SETTLED_WITHIN: Duration = Duration::from_mins(1);
/// How long a read waits for a position, in milliseconds: a busy machine is not a defect.
const DEADLINE_MS: u32 = 20_000;
/// Differences that are named for one watcher.
const NAMED_MAX: usize = 5;

/// Who watches.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub watchers: usize,
    /// Of these, so many do not read.
    pub stalled: usize,
    pub seed: u64,
}

/// A storm that can begin.
pub struct Storm<'a> {
    broker: &'a Broker,
    plan: Plan,
    pub traffic: Traffic,
    watchers: Vec<Watcher>,
    reading: watch::Sender<bool>,
    /// Changes that were made before anybody watched.
    before: u64,
}

/// What became of the watchers.
#[derive(Debug)]
pub struct Report {
    pub plan: Plan,
    pub changes: u64,
    pub without_effect: BTreeMap<String, u64>,
    /// Messages to those who read.
    pub messages: u64,
    /// Snapshots among them, the first ones included.
    pub snapshots: u64,
    /// Messages to those who did not, while they did not.
    pub stalled_messages: u64,
    /// Messages to them when they read again, until they had caught up.
    pub resumed_messages: u64,
    pub missed: Missed,
}

/// What watchers did not show in the end.
#[derive(Debug, Default)]
pub struct Missed {
    /// Rows, entries and counters that were not as they are, and watches that ended, over all watchers.
    pub count: usize,
    /// Some of them.
    pub named: Vec<String>,
}

impl<'a> Storm<'a> {
    /// Fills the inbox and opens the watches.
    pub async fn prepare(broker: &'a Broker, plan: Plan) -> Self {
        let traffic = Traffic::begin(broker, plan.seed).await;
        let (reading, hears) = watch::channel(false);
        let watchers = watcher::open(broker, plan.watchers, plan.stalled, &traffic.conversations(), &hears).await;
        let before = traffic.changes();
        Self { broker, plan, traffic, watchers, reading, before }
    }

    /// Changes since everybody watches.
    pub fn changes(&self) -> u64 {
        self.traffic.changes() - self.before
    }

    /// Ends the storm: the stalled ones read again, and everybody is compared.
    pub async fn finish(self) -> Report {
        let changes = self.changes();
        let admin = self.broker.client("admin");
        let intake = admin.settled(self.traffic.posts()).await;
        intake.assert_balanced();
        assert_eq!(intake.total().parked, 0, "{intake:?}");
        let notes = self.last_notes(&admin).await;
        let last = last_change(self.broker, &admin, intake.posts()).await;
        let while_stalled = self.heard(true).0;
        self.reading.send(true).ok();

        let mut missed = Missed::default();
        let deadline = Instant::now() + SETTLED_WITHIN;
        for watcher in &self.watchers {
            let differences = match &watcher.watched {
                Watched::Inbox(request, seen) => {
                    let fresh = async |seen: &watch::Receiver<_>| inbox_differs(watcher, request, &last, seen).await;
                    differences(seen.clone(), &last, deadline, fresh).await
                }
                Watched::Thread(id, seen) => {
                    let note = &notes[id];
                    let fresh = async |seen: &watch::Receiver<_>| thread_differs(watcher, id, &last, seen).await;
                    differences(seen.clone(), note, deadline, fresh).await
                }
            };
            missed.count += differences.len();
            let named = differences.into_iter().take(NAMED_MAX);
            missed.named.extend(named.map(|difference| format!("{}: {difference}", watcher.name)));
        }
        let (messages, snapshots) = self.heard(false);
        Report {
            plan: self.plan,
            changes,
            without_effect: self.traffic.without_effect(),
            messages,
            snapshots,
            stalled_messages: while_stalled,
            resumed_messages: self.heard(true).0 - while_stalled,
            missed,
        }
    }

    /// (messages, snapshots) of those who stall, or of the others.
    fn heard(&self, stalled: bool) -> (u64, u64) {
        let heard = self.watchers.iter().filter(|watcher| watcher.stalled == stalled).map(Watcher::heard);
        heard.fold((0, 0), |sum, heard| (sum.0 + heard.0, sum.1 + heard.1))
    }

    /// Writes a last note in each watched conversation, so that its watchers have something to hear. Answers its positions.
    async fn last_notes(&self, admin: &Client) -> BTreeMap<String, String> {
        let mut positions = BTreeMap::new();
        for watcher in &self.watchers {
            let Watched::Thread(id, _) = &watcher.watched else { continue };
            let note = command::AddNoteRequest {
                command_id: fresh_id(),
                conversation_id: id.clone(),
                text: "la última".to_owned(),
                expected_version: None,
            };
            let noted = admin.commands().add_note(admin.request(note)).await.expect("a note").into_inner();
            positions.insert(id.clone(), noted.position);
        }
        positions
    }
}

/// A newcomer's conversation is resolved, which changes a counter of everybody. Answers the position of that.
async fn last_change(broker: &Broker, admin: &Client, posts: u64) -> String {
    let text = meta_text("5491155999999", "Zacarías Último", &format!("wamid.{}", fresh_id()), "Hola");
    assert_eq!(post_meta(&broker.http, text).await, 200);
    admin.settled(posts + 1).await;
    let filter = query::ConversationFilter { search: "zacarias".to_owned(), ..Default::default() };
    let list = query::ListConversationsRequest { filter: Some(filter), ..Default::default() };
    let row = crate::eventually_within("the newcomer is listed", SETTLED_WITHIN, async || {
        let page = admin.inbox().list_conversations(admin.request(list.clone())).await.ok()?.into_inner();
        page.conversations.into_iter().next()
    });
    let resolve = command::ResolveRequest {
        command_id: fresh_id(),
        conversation_id: row.await.conversation_id,
        ..Default::default()
    };
    admin.commands().resolve(admin.request(resolve)).await.expect("resolved").into_inner().position
}

/// Waits until the watcher has reached the position, and then until nothing differs: what time alone does (a snooze that
/// ends) comes after the last position. Answers what still differs at the deadline.
async fn differences<F>(
    mut seen: watch::Receiver<Seen<F>>,
    position: &str,
    deadline: Instant,
    differs: impl AsyncFn(&watch::Receiver<Seen<F>>) -> Vec<String>,
) -> Vec<String> {
    let wanted: Position = position.parse().expect("a position");
    let there = seen.wait_for(|seen| seen.ended.is_some() || seen.position >= Some(wanted));
    if timeout_at(deadline, there).await.is_err() {
        let position = seen.borrow().position;
        return vec![format!("is at {position:?}, not at {wanted}")];
    }
    loop {
        if let Some(ended) = &seen.borrow_and_update().ended {
            return vec![ended.clone()];
        }
        let differences = differs(&seen).await;
        if differences.is_empty() || timeout_at(deadline, seen.changed()).await.is_err() {
            return differences;
        }
    }
}

async fn inbox_differs(
    watcher: &Watcher,
    asked: &query::WatchInboxRequest,
    position: &str,
    seen: &watch::Receiver<Seen<InboxFold>>,
) -> Vec<String> {
    let client = &watcher.client;
    let list = query::ListConversationsRequest {
        filter: asked.filter.clone(),
        sort: asked.sort,
        page_size: asked.page_size,
        min_position: position.to_owned(),
        deadline_ms: DEADLINE_MS,
        ..Default::default()
    };
    let list = client.inbox().list_conversations(client.request(list)).await.expect("a list").into_inner();
    let counters = query::GetCountersRequest { min_position: position.to_owned(), deadline_ms: DEADLINE_MS };
    let counters = client.inbox().get_counters(client.request(counters)).await.expect("counters").into_inner();
    let seen = seen.borrow();
    let shown = seen.fold.rows();
    let mut different = Vec::new();
    for place in 0..shown.len().max(list.conversations.len()) {
        let (shown, fresh) = (shown.get(place).copied(), list.conversations.get(place));
        if shown != fresh {
            different.push(format!("place {place}: shows {}, the list has {}", row(shown), row(fresh)));
        }
    }
    if seen.fold.counters != counters.counters {
        different.push(format!("counters: shows {:?}, they are {:?}", seen.fold.counters, counters.counters));
    }
    different
}

async fn thread_differs(
    watcher: &Watcher,
    id: &str,
    position: &str,
    seen: &watch::Receiver<Seen<ThreadFold>>,
) -> Vec<String> {
    let client = &watcher.client;
    let get = query::GetConversationRequest {
        conversation_id: id.to_owned(),
        min_position: position.to_owned(),
        deadline_ms: DEADLINE_MS,
        ..Default::default()
    };
    let fresh = client.inbox().get_conversation(client.request(get)).await.expect("a conversation").into_inner();
    let list = query::ListMessagesRequest {
        conversation_id: id.to_owned(),
        page_size: 200,
        newest_first: true,
        min_position: position.to_owned(),
        deadline_ms: DEADLINE_MS,
        ..Default::default()
    };
    let thread = client.inbox().list_messages(client.request(list)).await.expect("a thread").into_inner();
    let seen = seen.borrow();
    let mut different = Vec::new();
    if seen.fold.conversation != fresh.conversation {
        let (shown, fresh) = (seen.fold.conversation.as_ref(), fresh.conversation.as_ref());
        different.push(format!("shows {}, it is {}", row(shown), row(fresh)));
    }
    if seen.fold.contact != fresh.contact {
        different.push("shows another contact".to_owned());
    }
    // What left the window may be old, but nothing may be absent in what the client has got one after the other.
    let window = usize::try_from(THREAD_WINDOW).unwrap_or_default();
    let mut shown = seen.fold.entries.values().rev();
    for (place, fresh) in thread.entries.iter().enumerate() {
        match shown.next() {
            None if place >= window => break,
            None => different.push(format!("entry {place} from the end is absent")),
            Some(shown) if shown.entry_id != fresh.entry_id => {
                different.push(format!("entry {place} from the end is {}, not {}", shown.entry_id, fresh.entry_id));
            }
            Some(shown) if place < window && shown != fresh => {
                different.push(format!("entry {place} from the end is old: {}", kind(fresh)));
            }
            Some(_) => {}
        }
    }
    different
}

/// What tells a row from its neighbours and its past.
fn row(row: Option<&query::Conversation>) -> String {
    row.map_or_else(
        || "nothing".to_owned(),
        |row| {
            let status = row.status();
            format!(
                "{} at version {} ({status:?}, due {}, {:?})",
                row.conversation_id, row.version, row.due, row.preview
            )
        },
    )
}

/// What sort of entry it is.
fn kind(entry: &query::ThreadEntry) -> String {
    use query::thread_entry::Entry;
    match &entry.entry {
        Some(Entry::Message(message)) => message.kind.clone(),
        Some(Entry::Timeline(timeline)) => format!("{:?}", timeline.kind()),
        Some(Entry::LooseUpdate(_)) => "loose update".to_owned(),
        None => "nothing".to_owned(),
    }
}
