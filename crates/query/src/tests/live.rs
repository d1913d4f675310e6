//! A world whose inbox moves while it is watched: the test tells what happens, the view shows it, watches hear of it.

use std::time::Duration;

use relevo_domain::{Caller, Timestamp};
use relevo_projection::testing::LiveView;
use relevo_projector_inbox::InboxProjector;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::inbox_service_server::InboxService as _;
use tempfile::TempDir;
use tokio_stream::{Stream, StreamExt as _};
use tonic::Status;

use super::world::{World, ask, clock, directory, ports};
use crate::{Query, QueryViews, WatchStream};

/// How long a message of a watch may take, on a busy machine.
const MESSAGE_WITHIN: Duration = Duration::from_secs(20);

/// The services over an inbox that moves. The other views stay as they were.
pub(super) struct Live {
    pub(super) query: Query,
    pub(super) inbox: LiveView,
    world: Option<World>,
    applied: usize,
    _folders: Vec<TempDir>,
}

impl Live {
    pub(super) fn new(world: World) -> Self {
        let mut inbox = LiveView::new(InboxProjector);
        inbox.apply(world.commits());
        let (folders, rest) = world.views();
        let views = QueryViews { inbox: inbox.view(), ..rest };
        let query = Query::new(views, directory(), [7; 32], ports(world.commits()));
        let applied = world.commits().len();
        Self { query, inbox, world: Some(world), applied, _folders: folders }
    }

    /// More happens, and the view shows it at once.
    pub(super) fn tell(&mut self, more: impl FnOnce(World) -> World) {
        let world = more(self.world.take().unwrap());
        self.inbox.apply(&world.commits()[self.applied..]);
        self.applied = world.commits().len();
        self.world = Some(world);
    }

    pub(super) fn position(&self) -> String {
        format!("p1-{}", self.applied)
    }

    pub(super) async fn list(
        &self,
        caller: &Caller,
        request: wire::ListConversationsRequest,
    ) -> Vec<wire::Conversation> {
        self.query.list_conversations(ask(caller, request)).await.unwrap().into_inner().conversations
    }

    pub(super) async fn counters(&self, caller: &Caller) -> wire::InboxCounters {
        let answer = self.query.get_counters(ask(caller, wire::GetCountersRequest::default())).await.unwrap();
        answer.into_inner().counters.unwrap()
    }

    pub(super) async fn watch(&self, caller: &Caller, request: wire::WatchInboxRequest) -> Client {
        let stream = self.query.watch_inbox(ask(caller, request)).await.unwrap().into_inner();
        let mut client = Client::new(stream);
        client.hear().await;
        client
    }
}

/// The next message of a stream.
pub(super) async fn next<M>(stream: &mut (impl Stream<Item = Result<M, Status>> + Unpin)) -> Result<M, Status> {
    let message = tokio::time::timeout(MESSAGE_WITHIN, stream.next()).await.expect("a message in time");
    message.expect("the stream goes on")
}

/// A client of WatchInbox that does exactly what the proto says.
pub(super) struct Client {
    pub(super) stream: WatchStream<wire::WatchInboxResponse>,
    pub(super) rows: Vec<wire::Conversation>,
    pub(super) counters: Option<wire::InboxCounters>,
    pub(super) position: String,
    pub(super) snapshots: usize,
    pub(super) deltas: usize,
    pub(super) last: Option<wire::watch_inbox_response::Event>,
}

impl Client {
    pub(super) fn new(stream: WatchStream<wire::WatchInboxResponse>) -> Self {
        let (rows, counters, position, last) = Default::default();
        Self { stream, rows, counters, position, snapshots: 0, deltas: 0, last }
    }

    pub(super) async fn hear(&mut self) {
        let message = next(&mut self.stream).await.unwrap();
        self.take(message);
    }

    /// Hears until it has seen everything up to there; the view may have moved in steps of which no message tells.
    pub(super) async fn hear_until(&mut self, position: &str) {
        while number(&self.position) < number(position) {
            self.hear().await;
        }
    }

    pub(super) fn ids(&self) -> Vec<&str> {
        self.rows.iter().map(|row| row.conversation_id.as_str()).collect()
    }

    fn take(&mut self, message: wire::WatchInboxResponse) {
        use wire::watch_inbox_response::Event;
        self.position = message.position;
        self.last.clone_from(&message.event);
        match message.event.unwrap() {
            Event::Snapshot(snapshot) => {
                (self.rows, self.counters) = (snapshot.conversations, snapshot.counters);
                self.snapshots += 1;
            }
            Event::Delta(delta) => {
                self.deltas += 1;
                self.counters = delta.counters;
                self.rows.retain(|row| !delta.removed_ids.contains(&row.conversation_id));
                for upsert in delta.upserts {
                    match self.rows.iter_mut().find(|row| row.conversation_id == upsert.conversation_id) {
                        Some(row) => *row = upsert,
                        None => self.rows.push(upsert),
                    }
                }
                if !delta.order.is_empty() || delta.resumed {
                    let find = |id: &String| self.rows.iter().find(|row| row.conversation_id == *id).cloned();
                    let rows = delta.order.iter().map(|id| find(id).expect("a row that was told"));
                    self.rows = rows.collect();
                }
            }
            Event::Heartbeat(wire::WatchHeartbeat {}) => {}
        }
    }
}

/// The clock moves, and tokio's with it: what time alone does happens.
pub(super) async fn pass(time: Duration) {
    let now: Timestamp = clock::now();
    clock::set(now + time);
    tokio::time::advance(time).await;
}

fn number(position: &str) -> u64 {
    position.strip_prefix("p1-").map_or(0, |number| number.parse().unwrap())
}

impl Client {
    /// Hears until it shows what a fresh list and fresh counters show; false if it never does.
    pub(super) async fn caught_up(
        &mut self,
        live: &Live,
        caller: &Caller,
        list: &wire::ListConversationsRequest,
        position: &str,
    ) -> bool {
        let (rows, counters) = (live.list(caller, list.clone()).await, live.counters(caller).await);
        loop {
            if self.rows == rows && self.counters == Some(counters) {
                return true;
            }
            if number(&self.position) >= number(position) {
                return false;
            }
            self.hear().await;
        }
    }
}

/// Only the runtime's paused clock goes on, with everything that falls due meanwhile in its order; nothing waits.
pub(super) async fn idle(time: Duration) {
    tokio::time::timeout(time, std::future::pending::<()>()).await.unwrap_err();
}
