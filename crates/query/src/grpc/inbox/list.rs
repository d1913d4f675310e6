//! Lists of conversations, the counters of the tabs, and the tags to filter by.

use relevo_domain::{Caller, Timestamp};
use relevo_projection::ViewSnapshot;
use relevo_projector_inbox as inbox;
use relevo_proto::query::v1 as wire;

use crate::error::QueryError;
use crate::filter::{AskedFilter, asked_sort};
use crate::page_token::Belongs;
use crate::paging::{Kept, Turn};
use crate::request::{Fields, Freshness, PAGE_SIZE_DEFAULT};
use crate::{Query, moment, read, read_near, render};

/// Rows of a page that may be read where the request stands: some hundred microseconds of work.
const NEAR_ROWS_MAX: usize = 50;

/// A typed request for a list.
struct AskedList {
    filter: AskedFilter,
    sort: inbox::Sort,
    limit: usize,
    freshness: Freshness,
    /// The request without its page fields.
    same_list: wire::ListConversationsRequest,
}

impl AskedList {
    fn parse(caller: &Caller, request: &wire::ListConversationsRequest) -> Result<Self, QueryError> {
        let mut fields = Fields::default();
        let filter = AskedFilter::parse(&mut fields, caller, request.filter.clone().unwrap_or_default());
        let sort = fields.word("sort", request.sort, asked_sort).unwrap_or_default();
        let limit = fields.page_size(request.page_size, PAGE_SIZE_DEFAULT);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;
        let (filter_text, sort_word) = (request.filter.clone(), request.sort);
        let same_list = wire::ListConversationsRequest { filter: filter_text, sort: sort_word, ..Default::default() };
        Ok(Self { filter, sort, limit, freshness, same_list })
    }
}

/// One page, rendered.
struct Answer {
    conversations: Vec<wire::Conversation>,
    next: Option<inbox::Cursor>,
    total: u64,
    search_truncated: bool,
    /// When the list changes by itself.
    turns_at: Option<Timestamp>,
}

impl Query {
    pub(super) async fn list(
        &self,
        caller: Caller,
        request: wire::ListConversationsRequest,
    ) -> Result<wire::ListConversationsResponse, QueryError> {
        let asked = AskedList::parse(&caller, &request)?;

        let belongs = Belongs::to(&caller, "ListConversations", &asked.same_list);

        let turn: Turn<inbox::Cursor> =
            self.turn(&self.inner.views.inbox, &belongs, &request.page_token, asked.freshness).await?;
        let (position, kept) = (turn.moment.position(), turn.to_keep());

        let (query, reader) = (self.clone(), caller.clone());
        let Turn { moment, now, after, .. } = turn;
        let long = asked.filter.searches() || asked.limit > NEAR_ROWS_MAX;
        let page = move |rows: &ViewSnapshot| query.list_page(&reader, &asked, rows, now, after);
        let answer = if long { read(move || page(&moment)).await? } else { read_near(&moment, page).await? };

        tracing::debug!(tenant = %caller.tenant, rows = answer.conversations.len(), "conversations listed");
        let kept = answer.turns_at.into_iter().fold(kept, Kept::stable_until);
        Ok(wire::ListConversationsResponse {
            conversations: answer.conversations,
            next_page_token: self.next_token(&caller, &belongs, kept, answer.next.as_ref()),
            position: position.to_string(),
            total: answer.total,
            search_truncated: answer.search_truncated,
        })
    }

    fn list_page(
        &self,
        caller: &Caller,
        asked: &AskedList,
        rows: &ViewSnapshot,
        now: Timestamp,
        after: Option<inbox::Cursor>,
    ) -> Result<Answer, QueryError> {
        let filter = asked.filter.in_rows(rows, &caller.tenant, now)?;
        let (sort, limit) = (asked.sort, asked.limit);
        let list = inbox::ListQuery { filter: &filter, sort, visible: caller, now, after, limit };
        let page = inbox::list(rows, &caller.tenant, &list)?;
        let conversations = page.rows.into_iter().map(|row| self.show(caller, rows, row));
        // Only a list of several pages is kept, and needs to know how long it stays the same.
        let turns_at = if page.next.is_some() { self.turns_at(rows, caller, &asked.filter, now)? } else { None };
        Ok(Answer {
            conversations: conversations.collect::<Result<_, _>>()?,
            next: page.next,
            total: page.total,
            search_truncated: page.search_truncated,
            turns_at,
        })
    }

    /// When the list may be another though nothing happens: a snooze becomes due, or somebody has waited for long enough.
    pub(crate) fn turns_at(
        &self,
        rows: &ViewSnapshot,
        caller: &Caller,
        asked: &AskedFilter,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, QueryError> {
        let tenant = &caller.tenant;
        let due = self.inner.dues.next(rows, tenant, now)?;
        let waited = asked.waiting().map(|waiting| inbox::next_waiting(rows, tenant, now, waiting)).transpose()?;
        Ok([due, waited.flatten()].into_iter().flatten().min())
    }

    /// The counters of the caller's tabs.
    pub(crate) fn tally(
        &self,
        rows: &ViewSnapshot,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<wire::InboxCounters, QueryError> {
        let next_due = || self.inner.dues.next(rows, &caller.tenant, now);
        Ok(render::counters(self.inner.tallies.of(rows, caller, now, next_due)?))
    }

    pub(super) async fn counters(
        &self,
        caller: Caller,
        request: wire::GetCountersRequest,
    ) -> Result<wire::GetCountersResponse, QueryError> {
        let mut fields = Fields::default();
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let snapshot = moment::take(&self.inner.views.inbox, freshness).await?;
        let position = snapshot.position().to_string();

        let now = (self.inner.ports.now)();
        let query = self.clone();
        let counters = read_near(&snapshot, move |rows| query.tally(rows, &caller, now)).await?;
        Ok(wire::GetCountersResponse { counters: Some(counters), position })
    }

    pub(super) async fn tags(
        &self,
        caller: Caller,
        request: wire::ListTagsRequest,
    ) -> Result<wire::ListTagsResponse, QueryError> {
        let mut fields = Fields::default();
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let snapshot = moment::take(&self.inner.views.inbox, freshness).await?;
        let position = snapshot.position().to_string();

        read(move || {
            let tags = inbox::tags(&snapshot, &caller.tenant)?.into_iter().map(render::tag);
            let mut tags: Vec<_> = tags.collect();
            tags.sort_by_cached_key(|tag| (tag.name.to_lowercase(), tag.tag_id.clone()));
            Ok(wire::ListTagsResponse { tags, position })
        })
        .await
    }
}
