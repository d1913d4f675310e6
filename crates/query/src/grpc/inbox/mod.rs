//! InboxService: lists, counters, one conversation, its thread, contacts, and the watches of them. Pages show one moment; nothing
//! here changes what it shows (reading is not "marking as read").

mod contact;
mod conversation;
mod list;
mod past;
mod pasts;
mod watch;

use relevo_catalogue::Language;
use relevo_domain::{Caller, EntityId, Timestamp};
use relevo_projection::ViewSnapshot;
use relevo_projector_inbox as inbox;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::inbox_service_server::InboxService;
use tonic::{Request, Response, Status};

pub(crate) use pasts::Pasts;

use crate::error::QueryError;
use crate::render::conversation::Shown;
use crate::render::{self, Names};
use crate::request::{answer, answer_session};
use crate::watch::WatchStream;
use crate::{Query, access};

#[tonic::async_trait]
impl InboxService for Query {
    async fn list_conversations(
        &self,
        request: Request<wire::ListConversationsRequest>,
    ) -> Result<Response<wire::ListConversationsResponse>, Status> {
        answer(request, |caller, request| self.list(caller, request)).await
    }

    async fn get_counters(
        &self,
        request: Request<wire::GetCountersRequest>,
    ) -> Result<Response<wire::GetCountersResponse>, Status> {
        answer(request, |caller, request| self.counters(caller, request)).await
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
        answer_session(request, |session, request| self.thread(session, request)).await
    }

    async fn list_tags(
        &self,
        request: Request<wire::ListTagsRequest>,
    ) -> Result<Response<wire::ListTagsResponse>, Status> {
        answer(request, |caller, request| self.tags(caller, request)).await
    }

    async fn get_contact(
        &self,
        request: Request<wire::GetContactRequest>,
    ) -> Result<Response<wire::GetContactResponse>, Status> {
        answer(request, |caller, request| self.contact(caller, request)).await
    }

    async fn search_contacts(
        &self,
        request: Request<wire::SearchContactsRequest>,
    ) -> Result<Response<wire::SearchContactsResponse>, Status> {
        answer(request, |caller, request| self.search_for_contacts(caller, request)).await
    }

    type WatchInboxStream = WatchStream<wire::WatchInboxResponse>;

    async fn watch_inbox(
        &self,
        request: Request<wire::WatchInboxRequest>,
    ) -> Result<Response<Self::WatchInboxStream>, Status> {
        answer_session(request, |session, request| self.watch_list(session, request)).await
    }

    type WatchConversationStream = WatchStream<wire::WatchConversationResponse>;

    async fn watch_conversation(
        &self,
        request: Request<wire::WatchConversationRequest>,
    ) -> Result<Response<Self::WatchConversationStream>, Status> {
        answer_session(request, |session, request| self.watch_one(session, request)).await
    }

    async fn report_presence(
        &self,
        request: Request<wire::ReportPresenceRequest>,
    ) -> Result<Response<wire::ReportPresenceResponse>, Status> {
        answer(request, |caller, request| self.presence(caller, request)).await
    }
}

impl Query {
    /// A row as the caller gets it.
    pub(crate) fn show(
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
        self.names_in(caller, Language::default())
    }

    /// The same for what is explained to people: entries of threads.
    pub(crate) fn names_in<'a>(&'a self, caller: &'a Caller, language: Language) -> Names<'a> {
        Names { directory: &self.inner.directory, tenant: &caller.tenant, language }
    }
}

/// The conversation, if it exists for the caller.
pub(super) fn visible(
    snapshot: &ViewSnapshot,
    caller: &Caller,
    id: EntityId,
    now: Timestamp,
) -> Result<inbox::Conversation, QueryError> {
    let found = inbox::conversation(snapshot, &caller.tenant, id, caller, now)?;
    found.ok_or(QueryError::ConversationNotFound { conversation: id })
}
