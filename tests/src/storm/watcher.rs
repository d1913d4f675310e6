//! Who watches what: 18 lists, five callers, and conversations; each watch is folded by a task of its own.

use relevo_domain::Position;
use relevo_proto::query::v1 as query;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tonic::Streaming;
use tonic::transport::Endpoint;

use super::fold::{Fold, InboxFold, Kind, ThreadFold};
use crate::{Broker, Client};

/// Watchers that share one connection, as behind a gateway.
const PER_CONNECTION: usize = 10;
/// One in so many watches a conversation, the others a list.
const THREADS_EVERY: usize = 10;
/// Who watches lists: laura is not in one of the teams, so that conversations come and go for her; an analyst sees no texts.
const CALLERS: [&str; 5] = ["admin", "supervisor", "agent", "agent-2", "analyst"];
/// Who watches conversations: callers that no assignment takes them away from.
const THREAD_CALLERS: [&str; 3] = ["admin", "supervisor", "agent-2"];
/// What a stalled client lets the server send of one stream before it reads, in bytes: less than its first message.
const STALLED_WINDOW: u32 = 4 << 10;
/// Entries that a watched conversation shows.
pub const THREAD_WINDOW: i32 = 50;
/// The tag that every storm has; see [`super::traffic`].
pub const TAG: &str = "urgente";

/// One client.
pub struct Watcher {
    pub name: String,
    pub stalled: bool,
    pub client: Client,
    pub watched: Watched,
    task: AbortHandle,
}

/// What it watches, and what it has made of it.
pub enum Watched {
    Inbox(Box<query::WatchInboxRequest>, watch::Receiver<Seen<InboxFold>>),
    Thread(String, watch::Receiver<Seen<ThreadFold>>),
}

/// What a watcher has got so far.
#[derive(Debug, Default)]
pub struct Seen<F> {
    pub fold: F,
    pub position: Option<Position>,
    pub messages: u64,
    pub snapshots: u64,
    /// Why it got no more; a watch must not end before the storm is over.
    pub ended: Option<String>,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Watcher {
    /// (messages, snapshots) so far.
    pub fn heard(&self) -> (u64, u64) {
        match &self.watched {
            Watched::Inbox(_, seen) => {
                let seen = seen.borrow();
                (seen.messages, seen.snapshots)
            }
            Watched::Thread(_, seen) => {
                let seen = seen.borrow();
                (seen.messages, seen.snapshots)
            }
        }
    }
}

/// Opens `count` watches, of which the first `stalled` read one message and then nothing until `reading` says so. Of
/// `conversations` the busiest come first.
pub async fn open(
    broker: &Broker,
    count: usize,
    stalled: usize,
    conversations: &[String],
    reading: &watch::Receiver<bool>,
) -> Vec<Watcher> {
    let mut watchers = Vec::with_capacity(count);
    let mut shared = Vec::new();
    for n in 0..count {
        let stalls = n < stalled;
        // The last of the stalled ones stalls on a conversation.
        let thread = n % THREADS_EVERY == THREADS_EVERY - 1 || (stalls && n + 1 == stalled);
        let who = if thread { THREAD_CALLERS[n / THREADS_EVERY % 3] } else { CALLERS[n % CALLERS.len()] };
        let channel = if stalls {
            endpoint(broker).initial_stream_window_size(STALLED_WINDOW).connect_lazy()
        } else {
            if shared.len() <= n / PER_CONNECTION {
                shared.resize_with(n / PER_CONNECTION + 1, || endpoint(broker).connect_lazy());
            }
            shared[n / PER_CONNECTION].clone()
        };
        let client = Client::over(channel, &format!("relevo-demo-{who}"));
        let reading = stalls.then(|| reading.clone());
        watchers.push(if thread {
            let id = &conversations[n / THREADS_EVERY % conversations.len()];
            watch_thread(client, format!("watcher {n} ({who}, a conversation)"), id, reading).await
        } else {
            watch_inbox(client, format!("watcher {n} ({who}, list {})", n % LISTS), list(n), reading).await
        });
    }
    watchers
}

fn endpoint(broker: &Broker) -> Endpoint {
    Endpoint::from_shared(broker.grpc.clone()).expect("an address")
}

async fn watch_inbox(
    client: Client,
    name: String,
    request: query::WatchInboxRequest,
    reading: Option<watch::Receiver<bool>>,
) -> Watcher {
    let stream = client.inbox().watch_inbox(client.request(request.clone())).await.expect("a watch").into_inner();
    let stalled = reading.is_some();
    let (task, seen) = follow(stream, reading);
    Watcher { name, stalled, client, watched: Watched::Inbox(Box::new(request), seen), task }
}

async fn watch_thread(client: Client, name: String, id: &str, reading: Option<watch::Receiver<bool>>) -> Watcher {
    let request =
        query::WatchConversationRequest { conversation_id: id.to_owned(), window: THREAD_WINDOW, ..Default::default() };
    let stream = client.inbox().watch_conversation(client.request(request)).await.expect("a watch").into_inner();
    let stalled = reading.is_some();
    let (task, seen) = follow(stream, reading);
    Watcher { name, stalled, client, watched: Watched::Thread(id.to_owned(), seen), task }
}

fn follow<F: Fold>(
    stream: Streaming<F::Message>,
    reading: Option<watch::Receiver<bool>>,
) -> (AbortHandle, watch::Receiver<Seen<F>>) {
    let (sender, seen) = watch::channel(Seen::default());
    (tokio::spawn(read(stream, sender, reading)).abort_handle(), seen)
}

/// Reads and folds until the stream ends, which it must not.
async fn read<F: Fold>(
    mut stream: Streaming<F::Message>,
    seen: watch::Sender<Seen<F>>,
    mut reading: Option<watch::Receiver<bool>>,
) {
    loop {
        let ended = match stream.message().await {
            Ok(Some(message)) => take(&seen, message).err(),
            Ok(None) => Some("ended without a reason".to_owned()),
            Err(status) => Some(format!("ended: {status}")),
        };
        if ended.is_some() {
            seen.send_modify(|seen| seen.ended = ended);
            return;
        }
        if let Some(mut reading) = reading.take() {
            // The storm's end, or the storm has gone.
            reading.wait_for(|reading| *reading).await.ok();
        }
    }
}

fn take<F: Fold>(seen: &watch::Sender<Seen<F>>, message: F::Message) -> Result<(), String> {
    let position: Position = F::position(&message).parse().map_err(|_| "a position that cannot be read")?;
    let mut outcome = Ok(());
    seen.send_modify(|seen| {
        seen.messages += 1;
        if seen.position.is_some_and(|before| before > position) {
            outcome = Err("a position went back".to_owned());
            return;
        }
        seen.position = Some(position);
        match seen.fold.apply(message) {
            Ok(Kind::Snapshot) => seen.snapshots += 1,
            Ok(Kind::Delta | Kind::Presence | Kind::Heartbeat) => {}
            Err(wrong) => outcome = Err(wrong),
        }
    });
    outcome
}

/// How many lists [`list`] knows.
const LISTS: usize = 18;

/// The n-th list: every filter and sort is watched by somebody, alone and together with others.
fn list(n: usize) -> query::WatchInboxRequest {
    use query::{ConversationSort as Sort, ConversationStatus as Status, InboxTab as Tab};
    let all = || [Status::Open, Status::Pending, Status::Snoozed, Status::Resolved].map(Into::into).to_vec();
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut filter = query::ConversationFilter::default();
    let (mut sort, mut page_size) = (Sort::LastActivity, 25);
    match n % LISTS {
        0 => (filter.statuses, page_size) = (all(), 200),
        1 => page_size = 0,
        2 => filter.set_tab(Tab::Mine),
        3 => (sort, page_size) = (Sort::Waiting, 50),
        4 => filter.set_tab(Tab::Unassigned),
        5 => filter.set_bot(query::BotState::Paused),
        6 => filter.tags = texts(&[TAG]),
        7 => (filter.statuses, sort) = (all(), Sort::Priority),
        8 => filter.priorities = vec![query::Priority::High.into(), query::Priority::Urgent.into()],
        9 => (filter.unread, page_size) = (true, 200),
        10 => filter.team_ids = texts(&["recepcion", "ventas"]),
        11 => (filter.agent_ids, filter.statuses) = (texts(&["laura", "martin"]), all()),
        12 => filter.channel_ids = texts(&["wa-main", "demo-twilio"]),
        13 => (filter.media, page_size) = (vec![query::Medium::Email.into()], 5),
        14 => filter.statuses = vec![Status::Snoozed.into()],
        15 => (filter.search, filter.statuses) = ("cliente 1".to_owned(), all()),
        // Time alone puts conversations into this one.
        16 => (filter.waiting_longer_than_seconds, sort) = (5, Sort::Waiting),
        _ => {
            filter.set_tab(Tab::Unassigned);
            filter.set_bot(query::BotState::Paused);
            (filter.statuses, sort, page_size) = (all(), Sort::Waiting, 5);
        }
    }
    query::WatchInboxRequest { filter: Some(filter), sort: sort.into(), page_size, ..Default::default() }
}
