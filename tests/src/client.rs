//! A gRPC client with one API key, and the few questions that tests ask over and over.

use std::collections::BTreeMap;
use std::time::Duration;

use relevo_domain::Position;
use relevo_proto::admin::v1 as admin;
use relevo_proto::admin::v1::intake_service_client::IntakeServiceClient;
use relevo_proto::admin::v1::view_service_client::ViewServiceClient;
use relevo_proto::command::v1 as command;
use relevo_proto::command::v1::conversation_service_client::ConversationServiceClient;
use relevo_proto::query::v1 as query;
use relevo_proto::query::v1::inbox_service_client::InboxServiceClient;
use relevo_testkit::eventually_within;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Status};

/// How long a test waits for counts or rows to appear.
pub const SETTLED_WITHIN: Duration = Duration::from_mins(1);

/// A caller.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    key: MetadataValue<Ascii>,
}

/// What became of updates, summed over channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counters {
    pub updates: u64,
    pub messages: u64,
    pub statuses: u64,
    pub other_updates: u64,
    pub duplicates: u64,
    pub parked: u64,
}

/// Intake's counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntakeStatus {
    pub posts: BTreeMap<String, u64>,
    pub channels: BTreeMap<String, Counters>,
    pub unrouted: Counters,
    pub backlog: u64,
}

impl IntakeStatus {
    /// Everything, unrouted included.
    pub fn total(&self) -> Counters {
        self.channels.values().fold(self.unrouted, |sum, counters| Counters {
            updates: sum.updates + counters.updates,
            messages: sum.messages + counters.messages,
            statuses: sum.statuses + counters.statuses,
            other_updates: sum.other_updates + counters.other_updates,
            duplicates: sum.duplicates + counters.duplicates,
            parked: sum.parked + counters.parked,
        })
    }

    /// Panics unless the public equation holds everywhere.
    pub fn assert_balanced(&self) {
        for (name, counters) in self.channels.iter().chain([(&"unrouted".to_owned(), &self.unrouted)]) {
            assert!(counters.balanced(), "{name}: {counters:?}");
        }
    }

    pub fn posts(&self) -> u64 {
        self.posts.values().sum()
    }
}

impl Counters {
    pub const fn balanced(&self) -> bool {
        self.updates == self.messages + self.statuses + self.other_updates + self.duplicates + self.parked
    }
}

impl Client {
    pub fn new(server: &str, key: &str) -> Self {
        Self::over(Channel::from_shared(server.to_owned()).unwrap().connect_lazy(), key)
    }

    /// A caller on a connection that may be shared, or have limits of its own.
    pub fn over(channel: Channel, key: &str) -> Self {
        Self { channel, key: format!("Bearer {key}").parse().unwrap() }
    }

    /// The request with this client's credential.
    pub fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.key.clone());
        request.metadata_mut().insert("accept-language", MetadataValue::from_static("en"));
        request
    }

    pub fn commands(&self) -> ConversationServiceClient<Channel> {
        ConversationServiceClient::new(self.channel.clone())
    }

    pub fn inbox(&self) -> InboxServiceClient<Channel> {
        InboxServiceClient::new(self.channel.clone())
    }

    pub fn intake(&self) -> IntakeServiceClient<Channel> {
        IntakeServiceClient::new(self.channel.clone())
    }

    pub fn views(&self) -> ViewServiceClient<Channel> {
        ViewServiceClient::new(self.channel.clone())
    }

    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// All conversations that the caller may see, whatever their status, first page.
    pub async fn conversations(&self) -> Vec<query::Conversation> {
        let statuses = [query::ConversationStatus::Open.into(), query::ConversationStatus::Resolved.into()].to_vec();
        let filter = query::ConversationFilter { statuses, ..Default::default() };
        let list = query::ListConversationsRequest { filter: Some(filter), page_size: 200, ..Default::default() };
        self.inbox().list_conversations(self.request(list)).await.unwrap().into_inner().conversations
    }

    pub async fn thread(&self, conversation: &str) -> Vec<query::ThreadEntry> {
        let list = query::ListMessagesRequest {
            conversation_id: conversation.to_owned(),
            page_size: 200,
            ..Default::default()
        };
        self.inbox().list_messages(self.request(list)).await.unwrap().into_inner().entries
    }

    pub async fn intake_status(&self) -> Result<IntakeStatus, Status> {
        let answer = self.intake().get_status(self.request(admin::GetIntakeStatusRequest {})).await?.into_inner();
        let channel = |row: &admin::ChannelStatus| Counters {
            updates: row.updates,
            messages: row.messages,
            statuses: row.statuses,
            other_updates: row.other_updates,
            duplicates: row.duplicates,
            parked: row.parked,
        };
        let unrouted = answer.unrouted.unwrap_or_default();
        Ok(IntakeStatus {
            posts: answer.endpoints.iter().map(|row| (row.endpoint.clone(), row.received_posts)).collect(),
            channels: answer.channels.iter().map(|row| (row.channel.clone(), channel(row))).collect(),
            unrouted: Counters {
                updates: unrouted.updates,
                messages: unrouted.messages,
                statuses: unrouted.statuses,
                other_updates: unrouted.other_updates,
                duplicates: unrouted.duplicates,
                parked: unrouted.parked,
            },
            backlog: answer.backlog,
        })
    }

    /// Intake's counts once `posts` raw items are counted, none waits, and every view shows what became of them.
    pub async fn settled(&self, posts: u64) -> IntakeStatus {
        let status = eventually_within(&format!("intake has counted {posts} posts"), SETTLED_WITHIN, async || {
            let status = self.intake_status().await.ok()?;
            (status.backlog == 0 && status.posts() >= posts).then_some(status)
        })
        .await;
        self.views_at_end().await;
        status
    }

    /// Waits until every view has read as far as the log goes now. A view that follows gathers for a few milliseconds before it writes.
    async fn views_at_end(&self) {
        let end = eventually_within("the end of the log is known", SETTLED_WITHIN, async || {
            position(&self.view_status().await.ok()?.log_position)
        })
        .await;
        eventually_within(&format!("every view is at {end}"), SETTLED_WITHIN, async || {
            let status = self.view_status().await.ok()?;
            status.views.iter().all(|view| position(&view.position).is_some_and(|at| at >= end)).then_some(())
        })
        .await;
    }

    async fn view_status(&self) -> Result<admin::GetViewStatusResponse, Status> {
        let request = self.request(admin::GetViewStatusRequest::default());
        Ok(self.views().get_status(request).await?.into_inner())
    }

    /// Pauses with a fresh command id.
    pub async fn pause(&self, conversation: &str, note: &str) -> Result<command::PauseBotResponse, Status> {
        let pause = command::PauseBotRequest {
            command_id: fresh_id(),
            conversation_id: conversation.to_owned(),
            reason: query::PauseReason::Complaint.into(),
            note: note.to_owned(),
            ..Default::default()
        };
        Ok(self.commands().pause_bot(self.request(pause)).await?.into_inner())
    }

    pub async fn claim(&self, conversation: &str) -> Result<command::ClaimResponse, Status> {
        let claim = command::ClaimRequest {
            command_id: fresh_id(),
            conversation_id: conversation.to_owned(),
            ..Default::default()
        };
        Ok(self.commands().claim(self.request(claim)).await?.into_inner())
    }
}

/// `p1-42`; a view that has read nothing yet says nothing.
fn position(text: &str) -> Option<Position> {
    if text.is_empty() { Some(Position::START) } else { text.parse().ok() }
}

/// A command id that nobody has used.
pub fn fresh_id() -> String {
    format!("test-{:032x}", rand::random::<u128>())
}
