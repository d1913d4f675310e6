//! PauseService: where the bot is silent, who silenced it, why and since when; and everything that happened to one bot.

use relevo_domain::Caller;
use relevo_projector_pause as pause;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::pause_service_server::PauseService;
use tonic::{Request, Response, Status};

use crate::contact_name::ContactNames;
use crate::error::QueryError;
use crate::page_token::Belongs;
use crate::paging::Turn;
use crate::render::{self, words};
use crate::request::{Fields, PAGE_SIZE_DEFAULT, answer};
use crate::{Query, moment, read};

#[tonic::async_trait]
impl PauseService for Query {
    async fn list_paused(
        &self,
        request: Request<wire::ListPausedRequest>,
    ) -> Result<Response<wire::ListPausedResponse>, Status> {
        answer(request, |caller, request| self.paused(caller, request)).await
    }

    async fn get_pause(
        &self,
        request: Request<wire::GetPauseRequest>,
    ) -> Result<Response<wire::GetPauseResponse>, Status> {
        answer(request, |caller, request| self.pause(caller, request)).await
    }
}

impl Query {
    async fn paused(
        &self,
        caller: Caller,
        request: wire::ListPausedRequest,
    ) -> Result<wire::ListPausedResponse, QueryError> {
        let mut fields = Fields::default();
        let reason = fields.word("reason", request.reason, words::asked_reason);
        let limit = fields.page_size(request.page_size, PAGE_SIZE_DEFAULT);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let same_list = wire::ListPausedRequest { reason: request.reason, ..Default::default() };
        let belongs = Belongs::to(&caller, "ListPaused", &same_list);

        let turn: Turn<pause::Cursor> =
            self.turn(&self.inner.views.pause, &belongs, &request.page_token, freshness).await?;
        let (position, kept) = (turn.moment.position(), turn.to_keep());

        let query = self.clone();
        let reader = caller.clone();
        let (paused, counts, next) = read(move || {
            let rows = turn.moment.rows();
            let list = pause::Query { reason, visible: &reader, after: turn.after, limit };
            let page = pause::paused(rows, &reader.tenant, &list)?;
            let counts = pause::counts(rows, &reader.tenant, &reader)?;
            let (names, now) = (query.names(&reader), ContactNames::now(&query, &reader));
            let rows = page.rows.iter().map(|row| {
                let contact_name = now.of(row.conversation)?;
                Ok(render::pause::paused(names, row, contact_name))
            });
            let rows = rows.collect::<Result<Vec<_>, QueryError>>()?;
            let counts = counts.into_iter().filter(|count| count.manual + count.automatic > 0);
            Ok((rows, counts.map(render::pause::count).collect(), page.next))
        })
        .await?;

        tracing::debug!(tenant = %caller.tenant, rows = paused.len(), "pauses listed");
        let next_page_token = self.next_token(&caller, &belongs, kept, next.as_ref());
        Ok(wire::ListPausedResponse { paused, next_page_token, position: position.to_string(), counts })
    }

    async fn pause(
        &self,
        caller: Caller,
        request: wire::GetPauseRequest,
    ) -> Result<wire::GetPauseResponse, QueryError> {
        let mut fields = Fields::default();
        let id = fields.conversation(&request.conversation_id);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let snapshot = moment::take(&self.inner.views.pause, freshness).await?;
        let position = snapshot.position().to_string();

        let query = self.clone();
        read(move || {
            let state = pause::pause(snapshot.rows(), &caller.tenant, id, &caller)?;
            let state = state.ok_or(QueryError::ConversationNotFound { conversation: id })?;
            let names = query.names(&caller);
            let bot = if state.pause.is_some() { wire::BotState::Paused } else { wire::BotState::Active };
            Ok(wire::GetPauseResponse {
                conversation_id: id.to_string(),
                bot: bot.into(),
                pause: state.pause.as_ref().map(|row| render::pause::one(names, row)),
                history: state.history.into_iter().map(|row| render::pause::history(names, row)).collect(),
                position,
            })
        })
        .await
    }
}
