//! InboxService: conversations, one conversation, one thread. Pages show one moment; nothing here changes what it shows (reading
//! is not "marking as read").

use relevo_domain::{Caller, EntityId};
use relevo_projection::ViewSnapshot;
use relevo_projector_inbox as inbox;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::inbox_service_server::InboxService;
use tonic::{Request, Response, Status};

use crate::access;
use crate::error::QueryError;
use crate::page_token::Belongs;
use crate::paging::Turn;
use crate::render::conversation::Shown;
use crate::render::{self, Names};
use crate::request::{Fields, Freshness, PAGE_SIZE_DEFAULT, THREAD_PAGE_SIZE_DEFAULT, answer};
use crate::{Query, moment, read};

#[tonic::async_trait]
impl InboxService for Query {
    async fn list_conversations(
        &self,
        request: Request<wire::ListConversationsRequest>,
    ) -> Result<Response<wire::ListConversationsResponse>, Status> {
        answer(request, |caller, request| self.list(caller, request)).await
    }

    async fn get_conversation(
        &self,
        request: Request<wire::GetConversationRequest>,
    ) -> Result<Response<wire::GetConversationResponse>, Status> {
        answer(request, |caller, request| self.get(caller, request)).await
    }

    async fn list_messages(
        &self,
        request: Request<wire::ListMessagesRequest>,
    ) -> Result<Response<wire::ListMessagesResponse>, Status> {
        answer(request, |caller, request| self.thread(caller, request)).await
    }
}

impl Query {
    async fn list(
        &self,
        caller: Caller,
        request: wire::ListConversationsRequest,
    ) -> Result<wire::ListConversationsResponse, QueryError> {
        let asked = AskedList::parse(&caller, &request)?;

        let belongs = Belongs::to(&caller, "ListConversations", &asked.same_list);

        let turn: Turn<inbox::Cursor> =
            self.turn(&self.inner.views.inbox, &belongs, &request.page_token, asked.freshness).await?;
        let (position, kept) = (turn.moment.position(), turn.to_keep());

        let query = self.clone();
        let reader = caller.clone();
        let (conversations, next) = read(move || {
            let AskedList { statuses, bot, tab, limit, .. } = asked;
            let list = inbox::ListQuery { statuses, bot, tab, visible: &reader, after: turn.after, limit };
            let page = inbox::list(turn.moment.rows(), &reader.tenant, &list)?;
            let rows = page.rows.into_iter().map(|row| query.show(&reader, &turn.moment, row));
            Ok((rows.collect::<Result<Vec<_>, _>>()?, page.next))
        })
        .await?;

        tracing::debug!(tenant = %caller.tenant, rows = conversations.len(), "conversations listed");
        let next_page_token = self.next_token(&caller, &belongs, kept, next.as_ref());
        Ok(wire::ListConversationsResponse { conversations, next_page_token, position: position.to_string() })
    }

    async fn get(
        &self,
        caller: Caller,
        request: wire::GetConversationRequest,
    ) -> Result<wire::GetConversationResponse, QueryError> {
        let mut fields = Fields::default();
        let id = fields.conversation(&request.conversation_id);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let snapshot = moment::take(&self.inner.views.inbox, freshness).await?;
        let position = snapshot.position().to_string();

        let query = self.clone();
        read(move || {
            let row = visible(&snapshot, &caller, id)?;
            let contact = inbox::contact(snapshot.rows(), &caller.tenant, row.contact, &caller)?;
            let contact = contact.map(render::conversation::contact);
            let conversation = Some(query.show(&caller, &snapshot, row)?);
            Ok(wire::GetConversationResponse { conversation, contact, position })
        })
        .await
    }

    async fn thread(
        &self,
        caller: Caller,
        request: wire::ListMessagesRequest,
    ) -> Result<wire::ListMessagesResponse, QueryError> {
        let mut fields = Fields::default();
        let id = fields.conversation(&request.conversation_id);
        let limit = fields.page_size(request.page_size, THREAD_PAGE_SIZE_DEFAULT);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        access::may_read_threads(&caller)?;
        let same_list = wire::ListMessagesRequest { conversation_id: request.conversation_id, ..Default::default() };
        let belongs = Belongs::to(&caller, "ListMessages", &same_list);

        let turn: Turn<inbox::ThreadCursor> =
            self.turn(&self.inner.views.inbox, &belongs, &request.page_token, freshness).await?;
        let (position, kept) = (turn.moment.position(), turn.to_keep());

        let query = self.clone();
        let reader = caller.clone();
        let (entries, next) = read(move || {
            let rows = turn.moment.rows();
            let page = inbox::thread(rows, &reader.tenant, id, &reader, turn.after, limit)?;
            let page = page.ok_or(QueryError::ConversationNotFound { conversation: id })?;
            let names = query.names(&reader);
            let entries: Vec<_> = page.entries.into_iter().map(|row| render::thread::entry(names, row)).collect();
            Ok((entries, page.next))
        })
        .await?;

        tracing::debug!(tenant = %caller.tenant, rows = entries.len(), "thread listed");
        let next_page_token = self.next_token(&caller, &belongs, kept, next.as_ref());
        Ok(wire::ListMessagesResponse { entries, next_page_token, position: position.to_string() })
    }

    fn show(
        &self,
        caller: &Caller,
        snapshot: &ViewSnapshot,
        row: inbox::Conversation,
    ) -> Result<wire::Conversation, QueryError> {
        let degraded = snapshot.parked(&caller.tenant, &row.conversation).map_err(QueryError::store)?;
        let shown = Shown { degraded, texts: access::reads_texts(caller.role) };
        Ok(render::conversation::conversation(self.names(caller), row, shown))
    }

    pub(crate) fn names<'a>(&'a self, caller: &'a Caller) -> Names<'a> {
        Names { directory: &self.inner.directory, tenant: &caller.tenant }
    }
}

/// The conversation, if it exists for the caller.
fn visible(snapshot: &ViewSnapshot, caller: &Caller, id: EntityId) -> Result<inbox::Conversation, QueryError> {
    let found = inbox::conversation(snapshot.rows(), &caller.tenant, id, caller)?;
    found.ok_or(QueryError::ConversationNotFound { conversation: id })
}

/// A typed request for a list.
struct AskedList {
    statuses: Vec<inbox::Status>,
    bot: Option<inbox::BotFilter>,
    tab: inbox::Tab,
    limit: usize,
    freshness: Freshness,
    /// The request without its page fields.
    same_list: wire::ListConversationsRequest,
}

impl AskedList {
    fn parse(caller: &Caller, request: &wire::ListConversationsRequest) -> Result<Self, QueryError> {
        let mut fields = Fields::default();
        let statuses = request.statuses.iter().filter_map(|status| fields.word("statuses", *status, asked_status));
        let statuses: Vec<_> = statuses.collect();
        let bot = fields.word("bot", request.bot, asked_bot);
        let tab = fields.word("tab", request.tab, |tab| asked_tab(caller, tab)).unwrap_or(inbox::Tab::All);
        let limit = fields.page_size(request.page_size, PAGE_SIZE_DEFAULT);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;
        let same_list = wire::ListConversationsRequest {
            tab: request.tab,
            statuses: request.statuses.clone(),
            bot: request.bot,
            ..wire::ListConversationsRequest::default()
        };
        Ok(Self { statuses, bot, tab, limit, freshness, same_list })
    }
}

const fn asked_status(status: wire::ConversationStatus) -> Option<inbox::Status> {
    match status {
        wire::ConversationStatus::Unspecified
        | wire::ConversationStatus::Pending
        | wire::ConversationStatus::Snoozed => None,
        wire::ConversationStatus::Open => Some(inbox::Status::Open),
        wire::ConversationStatus::Resolved => Some(inbox::Status::Resolved),
    }
}

const fn asked_bot(bot: wire::BotState) -> Option<inbox::BotFilter> {
    match bot {
        wire::BotState::Unspecified => None,
        wire::BotState::Active => Some(inbox::BotFilter::Active),
        wire::BotState::Paused => Some(inbox::BotFilter::Paused),
    }
}

fn asked_tab(caller: &Caller, tab: wire::InboxTab) -> Option<inbox::Tab> {
    match tab {
        wire::InboxTab::Unspecified => None,
        wire::InboxTab::Mine => Some(inbox::Tab::Mine(caller.name.clone())),
        wire::InboxTab::Unassigned => Some(inbox::Tab::Unassigned),
        wire::InboxTab::All => Some(inbox::Tab::All),
    }
}
