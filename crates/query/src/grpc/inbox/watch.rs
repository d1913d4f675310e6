//! The watches of the inbox, and presence. What a watch does stands in `crate::watch`.

use std::sync::Arc;

use relevo_domain::Caller;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::PresenceState;

use super::visible;
use crate::error::{QueryError, Rule};
use crate::filter::{AskedFilter, asked_sort};
use crate::request::{Fields, Freshness, PAGE_SIZE_DEFAULT, Session, THREAD_PAGE_SIZE_DEFAULT, WAIT_DEFAULT};
use crate::watch::WatchStream;
use crate::watch::conversation::ConversationWatch;
use crate::watch::inbox::InboxWatch;
use crate::watch::presence::REPORT_HOLDS;
use crate::{Query, access, moment, read};

impl Query {
    pub(super) async fn watch_list(
        &self,
        session: Session,
        request: wire::WatchInboxRequest,
    ) -> Result<WatchStream<wire::WatchInboxResponse>, QueryError> {
        let mut fields = Fields::default();
        let filter = AskedFilter::parse(&mut fields, &session.caller, request.filter.unwrap_or_default());
        let sort = fields.word("sort", request.sort, asked_sort).unwrap_or_default();
        let size = fields.page_size(request.page_size, PAGE_SIZE_DEFAULT);
        let from = fields.position(&request.from_position);
        fields.finish()?;

        let watched = InboxWatch::new(self.clone(), session.caller.clone(), filter, sort, size);
        self.watch(session, Arc::clone(&self.inner.views.inbox), watched, from).await
    }

    pub(super) async fn watch_one(
        &self,
        session: Session,
        request: wire::WatchConversationRequest,
    ) -> Result<WatchStream<wire::WatchConversationResponse>, QueryError> {
        let mut fields = Fields::default();
        let id = fields.conversation(&request.conversation_id);
        let size = fields.size("window", request.window, THREAD_PAGE_SIZE_DEFAULT);
        let from = fields.position(&request.from_position);
        fields.finish()?;

        access::may_read_threads(&session.caller)?;
        // Before the caller enters the room, where others would see them.
        let freshness = Freshness { position: from, wait: WAIT_DEFAULT };
        self.must_see(&session.caller, id, freshness).await?;
        let watched = ConversationWatch::new(self.clone(), &session, id, size);
        self.watch(session, Arc::clone(&self.inner.views.inbox), watched, from).await
    }

    pub(super) async fn presence(
        &self,
        caller: Caller,
        request: wire::ReportPresenceRequest,
    ) -> Result<wire::ReportPresenceResponse, QueryError> {
        let mut fields = Fields::default();
        let id = fields.conversation(&request.conversation_id);
        let state = fields.word("state", request.state, asked_state);
        if request.state == 0 {
            fields.refuse("state", Rule::Required);
        }
        fields.finish()?;

        access::may_be_present(&caller)?;
        self.must_see(&caller, id, Freshness { position: None, wait: WAIT_DEFAULT }).await?;
        let state = state.unwrap_or(PresenceState::Gone);
        self.inner.presences.report(&caller, id, state)?;
        let holds = if state == PresenceState::Gone { 0 } else { REPORT_HOLDS.as_millis() as u32 };
        Ok(wire::ReportPresenceResponse { valid_for_ms: holds })
    }

    async fn must_see(
        &self,
        caller: &Caller,
        id: relevo_domain::EntityId,
        freshness: Freshness,
    ) -> Result<(), QueryError> {
        let snapshot = moment::take(&self.inner.views.inbox, freshness).await?;
        let (reader, now) = (caller.clone(), (self.inner.ports.now)());
        read(move || visible(&snapshot, &reader, id, now).map(drop)).await
    }
}

const fn asked_state(state: PresenceState) -> Option<PresenceState> {
    match state {
        PresenceState::Unspecified => None,
        PresenceState::Viewing | PresenceState::Typing | PresenceState::Gone => Some(state),
    }
}
