//! One conversation and its thread, now or as they were.

use relevo_catalogue::Language;
use relevo_domain::Caller;
use relevo_projector_inbox as inbox;
use relevo_proto::query::v1 as wire;

use super::past::asked_when;
use super::visible;
use crate::error::QueryError;
use crate::page_token::Belongs;
use crate::paging::Turn;
use crate::request::{Fields, Session, THREAD_PAGE_SIZE_DEFAULT};
use crate::{Query, access, moment, read, render};

/// A typed request for a page of a thread.
pub(super) struct AskedThread {
    pub(super) conversation: relevo_domain::EntityId,
    pub(super) newest_first: bool,
    pub(super) limit: usize,
    /// Of what is explained.
    pub(super) language: Language,
}

impl Query {
    pub(super) async fn get(
        &self,
        caller: Caller,
        request: wire::GetConversationRequest,
    ) -> Result<wire::GetConversationResponse, QueryError> {
        let now = (self.inner.ports.now)();
        let mut fields = Fields::default();
        let id = fields.conversation(&request.conversation_id);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        let when = asked_when(&mut fields, request.as_of, now);
        fields.finish()?;

        if let Some(when) = when {
            let past = self.past(&caller, id, when, freshness).await?;
            return self.get_past(caller, past).await;
        }
        let snapshot = moment::take(&self.inner.views.inbox, freshness).await?;
        let position = snapshot.position().to_string();

        let query = self.clone();
        read(move || {
            let row = visible(&snapshot, &caller, id, now)?;
            let contact = inbox::contact(&snapshot, &caller.tenant, row.contact, &caller)?;
            let contact = contact.map(render::conversation::contact);
            let conversation = Some(query.show(&caller, &snapshot, row)?);
            Ok(wire::GetConversationResponse { conversation, contact, position })
        })
        .await
    }

    pub(super) async fn thread(
        &self,
        session: Session,
        request: wire::ListMessagesRequest,
    ) -> Result<wire::ListMessagesResponse, QueryError> {
        let Session { caller, language, .. } = session;
        let mut fields = Fields::default();
        let conversation = fields.conversation(&request.conversation_id);
        let limit = fields.page_size(request.page_size, THREAD_PAGE_SIZE_DEFAULT);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        let when = asked_when(&mut fields, request.as_of.clone(), (self.inner.ports.now)());
        fields.finish()?;

        access::may_read_threads(&caller)?;
        let asked = AskedThread { conversation, newest_first: request.newest_first, limit, language };
        let (page_token, newest_first) = (request.page_token, request.newest_first);
        let conversation_id = request.conversation_id;
        let same_list =
            wire::ListMessagesRequest { conversation_id, as_of: request.as_of, newest_first, ..Default::default() };
        let belongs = Belongs::to(&caller, "ListMessages", &same_list);
        if let Some(when) = when {
            let turned = self.past_turn(&belongs, &page_token)?;
            let when = turned.as_ref().map_or(when, |turned| turned.when);
            let past = self.past(&caller, conversation, when, freshness).await?;
            return self.thread_past(caller, belongs, past, asked, turned.map(|turned| turned.after)).await;
        }

        let turn: Turn<inbox::ThreadCursor> =
            self.turn(&self.inner.views.inbox, &belongs, &page_token, freshness).await?;
        let (position, kept) = (turn.moment.position(), turn.to_keep());

        let query = self.clone();
        let reader = caller.clone();
        let (entries, next) = read(move || {
            let page = thread_page(&turn.moment, &reader, &asked, turn.after)?;
            let tags = inbox::tags(&turn.moment, &reader.tenant)?;
            let names = query.names_in(&reader, asked.language);
            let entries: Vec<_> =
                page.entries.into_iter().map(|row| render::thread::entry(names, &tags, row)).collect();
            Ok((entries, page.next))
        })
        .await?;

        tracing::debug!(tenant = %caller.tenant, rows = entries.len(), "thread listed");
        let next_page_token = self.next_token(&caller, &belongs, kept, next.as_ref());
        Ok(wire::ListMessagesResponse { entries, next_page_token, position: position.to_string() })
    }
}

/// A page of a thread, of now or of the past.
pub(super) fn thread_page(
    rows: &dyn relevo_projection::RowSource,
    reader: &Caller,
    asked: &AskedThread,
    after: Option<inbox::ThreadCursor>,
) -> Result<inbox::ThreadPage, QueryError> {
    let id = asked.conversation;
    let page = if asked.newest_first {
        inbox::thread_before(rows, &reader.tenant, id, reader, after, asked.limit)?
    } else {
        inbox::thread(rows, &reader.tenant, id, reader, after, asked.limit)?
    };
    page.ok_or(QueryError::ConversationNotFound { conversation: id })
}
