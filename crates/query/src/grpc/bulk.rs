//! `relevo.query.v1.BulkService`, and what a filter of the inbox shows to whoever begins a bulk.

use std::sync::Arc;

use relevo_catalogue::Language;
use relevo_domain::{Caller, EntityId, Position};
use relevo_projector_inbox as inbox;
use relevo_projector_pause as pause;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::bulk_service_server::BulkService;
use tonic::{Request, Response, Status};

use super::assignment::built;
use crate::error::QueryError;
use crate::filter::AskedFilter;
use crate::page_token::Belongs;
use crate::paging::Turn;
use crate::request::{Fields, PAGE_SIZE_DEFAULT, Session, answer, answer_session};
use crate::watch::WatchStream;
use crate::watch::bulk::BulkWatch;
use crate::{Query, access, moment, read, render};

#[tonic::async_trait]
impl BulkService for Query {
    async fn get_bulk(
        &self,
        request: Request<wire::GetBulkRequest>,
    ) -> Result<Response<wire::GetBulkResponse>, Status> {
        answer(request, |caller, request| self.bulk(caller, request)).await
    }

    async fn list_bulks(
        &self,
        request: Request<wire::ListBulksRequest>,
    ) -> Result<Response<wire::ListBulksResponse>, Status> {
        answer(request, |caller, request| self.bulks(caller, request)).await
    }

    async fn list_bulk_results(
        &self,
        request: Request<wire::ListBulkResultsRequest>,
    ) -> Result<Response<wire::ListBulkResultsResponse>, Status> {
        answer(request, |caller, request| self.bulk_results(caller, request)).await
    }

    type WatchBulkStream = WatchStream<wire::WatchBulkResponse>;

    async fn watch_bulk(
        &self,
        request: Request<wire::WatchBulkRequest>,
    ) -> Result<Response<Self::WatchBulkStream>, Status> {
        answer_session(request, |session, request| self.watch_one_bulk(session, request)).await
    }
}

impl Query {
    async fn bulk(&self, caller: Caller, request: wire::GetBulkRequest) -> Result<wire::GetBulkResponse, QueryError> {
        let mut fields = Fields::default();
        let id = fields.bulk(&request.bulk_id);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let snapshot = moment::take(&self.inner.views.pause, freshness).await?;
        built(pause::NAME, pause::VERSION, &snapshot)?;
        let position = snapshot.position().to_string();

        let query = self.clone();
        read(move || {
            let bulk = pause::bulk(snapshot.rows(), &caller, id)?.ok_or(QueryError::BulkNotFound { bulk: id })?;
            let bulk = render::bulk::bulk(query.names(&caller), bulk, access::reads_texts(caller.role));
            Ok(wire::GetBulkResponse { bulk: Some(bulk), position })
        })
        .await
    }

    async fn bulks(
        &self,
        caller: Caller,
        request: wire::ListBulksRequest,
    ) -> Result<wire::ListBulksResponse, QueryError> {
        let mut fields = Fields::default();
        let limit = fields.page_size(request.page_size, PAGE_SIZE_DEFAULT);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let belongs = Belongs::to(&caller, "ListBulks", &wire::ListBulksRequest::default());
        let turn: Turn<pause::Cursor> =
            self.turn(&self.inner.views.pause, &belongs, &request.page_token, freshness).await?;
        built(pause::NAME, pause::VERSION, &turn.moment)?;
        let (position, kept) = (turn.moment.position(), turn.to_keep());

        let (query, reader) = (self.clone(), caller.clone());
        let (bulks, next) = read(move || {
            let page = pause::bulks(turn.moment.rows(), &reader, turn.after.as_ref(), limit)?;
            let (names, texts) = (query.names(&reader), access::reads_texts(reader.role));
            Ok((page.rows.into_iter().map(|row| render::bulk::bulk(names, row, texts)).collect(), page.next))
        })
        .await?;

        let next_page_token = self.next_token(&caller, &belongs, kept, next.as_ref());
        Ok(wire::ListBulksResponse { bulks, next_page_token, position: position.to_string() })
    }

    async fn bulk_results(
        &self,
        caller: Caller,
        request: wire::ListBulkResultsRequest,
    ) -> Result<wire::ListBulkResultsResponse, QueryError> {
        let mut fields = Fields::default();
        let id = fields.bulk(&request.bulk_id);
        let among = fields.word("outcome", request.outcome, render::bulk::asked_outcome);
        let limit = fields.page_size(request.page_size, PAGE_SIZE_DEFAULT);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let same_list = wire::ListBulkResultsRequest {
            bulk_id: request.bulk_id,
            outcome: request.outcome,
            ..wire::ListBulkResultsRequest::default()
        };
        let belongs = Belongs::to(&caller, "ListBulkResults", &same_list);
        let turn: Turn<pause::Cursor> =
            self.turn(&self.inner.views.pause, &belongs, &request.page_token, freshness).await?;
        built(pause::NAME, pause::VERSION, &turn.moment)?;
        let (position, kept) = (turn.moment.position(), turn.to_keep());

        let (query, reader) = (self.clone(), caller.clone());
        let (results, next) = read(move || {
            let page = pause::bulk_results(turn.moment.rows(), &reader, id, among, turn.after.as_ref(), limit)?;
            let page = page.ok_or(QueryError::BulkNotFound { bulk: id })?;
            let names = query.names(&reader);
            Ok((page.rows.iter().map(|row| render::bulk::result(names, row)).collect(), page.next))
        })
        .await?;

        let next_page_token = self.next_token(&caller, &belongs, kept, next.as_ref());
        Ok(wire::ListBulkResultsResponse { results, next_page_token, position: position.to_string() })
    }

    async fn watch_one_bulk(
        &self,
        session: Session,
        request: wire::WatchBulkRequest,
    ) -> Result<WatchStream<wire::WatchBulkResponse>, QueryError> {
        let mut fields = Fields::default();
        let id = fields.bulk(&request.bulk_id);
        let from = fields.position(&request.from_position);
        fields.finish()?;

        let watched = BulkWatch::new(self.clone(), session.caller.clone(), id);
        self.watch(session, Arc::clone(&self.inner.views.pause), watched, from).await
    }

    /// All conversations that the inbox's list shows to the caller with this filter, in one moment that includes `min_position`;
    /// without a filter all that they may see, whatever their status. With what was known.
    pub async fn matching(
        &self,
        caller: &Caller,
        filter: Option<wire::ConversationFilter>,
        min_position: &str,
    ) -> Result<(Vec<EntityId>, Position), Status> {
        let found = self.all_matching(caller.clone(), filter, min_position).await;
        found.map_err(|error| error.into_status(Language::default()))
    }

    async fn all_matching(
        &self,
        caller: Caller,
        filter: Option<wire::ConversationFilter>,
        min_position: &str,
    ) -> Result<(Vec<EntityId>, Position), QueryError> {
        let everything = wire::ConversationFilter {
            statuses: inbox_statuses().map(i32::from).to_vec(),
            ..wire::ConversationFilter::default()
        };
        let mut fields = Fields::default();
        let filter = AskedFilter::parse(&mut fields, &caller, filter.unwrap_or(everything));
        let freshness = fields.freshness(min_position, 0);
        fields.finish()?;

        let snapshot = moment::take(&self.inner.views.inbox, freshness).await?;
        let (position, now) = (snapshot.position(), (self.inner.ports.now)());
        read(move || {
            let filter = filter.in_rows(&snapshot, &caller.tenant, now)?;
            let found = inbox::matching(&snapshot, &caller.tenant, &filter, &caller, now)?;
            if found.truncated {
                // Some would be left out without a word.
                return Err(QueryError::LimitReached { what: "search", limit: inbox::SEARCH_CHARS_MAX });
            }
            Ok((found.conversations, position))
        })
        .await
    }
}

const fn inbox_statuses() -> [wire::ConversationStatus; 4] {
    [
        wire::ConversationStatus::Open,
        wire::ConversationStatus::Pending,
        wire::ConversationStatus::Snoozed,
        wire::ConversationStatus::Resolved,
    ]
}
