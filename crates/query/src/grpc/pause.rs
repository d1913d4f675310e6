//! PauseService: where the bot is silent, who silenced it, why and since when; and everything that happened to one bot.

use std::time::Duration;

use relevo_domain::{Caller, ChannelId, detection};
use relevo_projector_pause as pause;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::pause_service_server::PauseService;
use tonic::{Request, Response, Status};

use super::assignment::built;
use crate::contact_name::ContactNames;
use crate::error::{QueryError, Rule};
use crate::page_token::Belongs;
use crate::paging::Turn;
use crate::render::{self, words};
use crate::request::{Fields, PAGE_SIZE_DEFAULT, answer};
use crate::{Query, access, moment, read};

/// Channels of one filter: more than an installation has of its own.
const CHANNELS_MAX: usize = 100;

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

    async fn list_pause_history(
        &self,
        request: Request<wire::ListPauseHistoryRequest>,
    ) -> Result<Response<wire::ListPauseHistoryResponse>, Status> {
        answer(request, |caller, request| self.pause_history(caller, request)).await
    }

    async fn get_pause_counts(
        &self,
        request: Request<wire::GetPauseCountsRequest>,
    ) -> Result<Response<wire::GetPauseCountsResponse>, Status> {
        answer(request, |caller, request| self.pause_counts(caller, request)).await
    }

    async fn list_suggestions(
        &self,
        request: Request<wire::ListSuggestionsRequest>,
    ) -> Result<Response<wire::ListSuggestionsResponse>, Status> {
        answer(request, |caller, request| self.suggestions(caller, request)).await
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
        let sort = fields.word("sort", request.sort, render::pause::asked_sort).unwrap_or(pause::Sort::Since);
        let channels = asked_channels(&mut fields, &request.channel_ids);
        let limit = fields.page_size(request.page_size, PAGE_SIZE_DEFAULT);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let automatic = request.automatic;
        let given = |seconds: u64| Some(seconds).filter(|seconds| *seconds > 0).map(Duration::from_secs);
        let longer_than = given(request.longer_than_seconds);
        let waiting_longer_than = given(request.waiting_longer_than_seconds);
        let page_token = request.page_token.clone();
        let same_list = wire::ListPausedRequest {
            page_size: 0,
            page_token: String::new(),
            min_position: String::new(),
            deadline_ms: 0,
            ..request
        };
        let belongs = Belongs::to(&caller, "ListPaused", &same_list);

        let turn: Turn<pause::Cursor> = self.turn(&self.inner.views.pause, &belongs, &page_token, freshness).await?;
        built(pause::NAME, pause::VERSION, &turn.moment)?;
        let (position, kept) = (turn.moment.position(), turn.to_keep());

        let query = self.clone();
        let reader = caller.clone();
        let (paused, counts, next) = read(move || {
            let rows = turn.moment.rows();
            let (channels, after) = (channels.as_slice(), turn.after.as_ref());
            let (visible, now) = (&reader, turn.now);
            let list = pause::Query {
                reason,
                automatic,
                channels,
                longer_than,
                waiting_longer_than,
                sort,
                visible,
                now,
                after,
                limit,
            };
            let page = pause::paused(rows, &reader.tenant, &list)?;
            let counts = pause::counts(rows, &reader.tenant, &reader)?;
            let (names, contacts) = (query.names(&reader), ContactNames::now(&query, &reader));
            let texts = access::reads_texts(reader.role);
            let rows = page.rows.iter().map(|row| {
                let contact_name = contacts.of(row.conversation)?;
                Ok(render::pause::paused(names, row, contact_name, texts))
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
        built(pause::NAME, pause::VERSION, &snapshot)?;
        let position = snapshot.position().to_string();

        let query = self.clone();
        read(move || {
            let state = pause::pause(snapshot.rows(), &caller.tenant, id, &caller)?;
            let state = state.ok_or(QueryError::ConversationNotFound { conversation: id })?;
            let (names, texts) = (query.names(&caller), access::reads_texts(caller.role));
            let bot = if state.pause.is_some() { wire::BotState::Paused } else { wire::BotState::Active };
            Ok(wire::GetPauseResponse {
                conversation_id: id.to_string(),
                bot: bot.into(),
                pause: state.pause.as_ref().map(|row| render::pause::one(names, row, texts)),
                history: state.history.into_iter().map(|row| render::pause::history(names, row, texts)).collect(),
                position,
                waiting_since: state.waiting_since.map(words::time),
            })
        })
        .await
    }

    async fn pause_history(
        &self,
        caller: Caller,
        request: wire::ListPauseHistoryRequest,
    ) -> Result<wire::ListPauseHistoryResponse, QueryError> {
        let mut fields = Fields::default();
        let id = fields.conversation(&request.conversation_id);
        let limit = fields.page_size(request.page_size, PAGE_SIZE_DEFAULT);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let same_list =
            wire::ListPauseHistoryRequest { conversation_id: request.conversation_id, ..Default::default() };
        let belongs = Belongs::to(&caller, "ListPauseHistory", &same_list);

        let turn: Turn<pause::Cursor> =
            self.turn(&self.inner.views.pause, &belongs, &request.page_token, freshness).await?;
        built(pause::NAME, pause::VERSION, &turn.moment)?;
        let (position, kept) = (turn.moment.position(), turn.to_keep());

        let query = self.clone();
        let reader = caller.clone();
        let (entries, next) = read(move || {
            let (rows, after) = (turn.moment.rows(), turn.after.as_ref());
            let page = pause::history(rows, &reader.tenant, id, &reader, after, limit)?;
            let page = page.ok_or(QueryError::ConversationNotFound { conversation: id })?;
            let (names, texts) = (query.names(&reader), access::reads_texts(reader.role));
            Ok((page.entries.into_iter().map(|row| render::pause::history(names, row, texts)).collect(), page.next))
        })
        .await?;

        let next_page_token = self.next_token(&caller, &belongs, kept, next.as_ref());
        Ok(wire::ListPauseHistoryResponse { entries, next_page_token, position: position.to_string() })
    }

    async fn pause_counts(
        &self,
        caller: Caller,
        request: wire::GetPauseCountsRequest,
    ) -> Result<wire::GetPauseCountsResponse, QueryError> {
        let mut fields = Fields::default();
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let snapshot = moment::take(&self.inner.views.pause, freshness).await?;
        built(pause::NAME, pause::VERSION, &snapshot)?;
        let position = snapshot.position().to_string();

        read(move || {
            let counts = pause::counts(snapshot.rows(), &caller.tenant, &caller)?;
            let counts = counts.into_iter().map(render::pause::count).collect();
            Ok(wire::GetPauseCountsResponse { counts, position })
        })
        .await
    }
}

impl Query {
    async fn suggestions(
        &self,
        caller: Caller,
        request: wire::ListSuggestionsRequest,
    ) -> Result<wire::ListSuggestionsResponse, QueryError> {
        let mut fields = Fields::default();
        let rule = detection::Rule::parse(&request.rule);
        if rule.is_none() && !request.rule.is_empty() {
            fields.refuse("rule", Rule::UnknownWord);
        }
        let channels = asked_channels(&mut fields, &request.channel_ids);
        let limit = fields.page_size(request.page_size, PAGE_SIZE_DEFAULT);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let page_token = request.page_token.clone();
        let same_list = wire::ListSuggestionsRequest {
            page_size: 0,
            page_token: String::new(),
            min_position: String::new(),
            deadline_ms: 0,
            ..request
        };
        let belongs = Belongs::to(&caller, "ListSuggestions", &same_list);
        let turn: Turn<pause::Cursor> = self.turn(&self.inner.views.pause, &belongs, &page_token, freshness).await?;
        built(pause::NAME, pause::VERSION, &turn.moment)?;
        let (position, kept) = (turn.moment.position(), turn.to_keep());

        let query = self.clone();
        let reader = caller.clone();
        let (suggestions, next) = read(move || {
            let (channels, after) = (channels.as_slice(), turn.after.as_ref());
            let list = pause::SuggestionQuery { rule, channels, visible: &reader, now: turn.now, after, limit };
            let page = pause::suggestions(turn.moment.rows(), &reader.tenant, &list)?;
            let (names, contacts) = (query.names(&reader), ContactNames::now(&query, &reader));
            let texts = access::reads_texts(reader.role);
            let rows = page.rows.iter().map(|row| {
                let contact_name = contacts.of(row.conversation)?;
                Ok(render::pause::suggestion(names, row, contact_name, texts))
            });
            Ok((rows.collect::<Result<Vec<_>, QueryError>>()?, page.next))
        })
        .await?;

        let next_page_token = self.next_token(&caller, &belongs, kept, next.as_ref());
        Ok(wire::ListSuggestionsResponse { suggestions, next_page_token, position: position.to_string() })
    }
}

/// A name that is none matches nothing, so it is refused rather than left out.
fn asked_channels(fields: &mut Fields, asked: &[String]) -> Vec<ChannelId> {
    fields.at_most("channel_ids", asked.len(), CHANNELS_MAX);
    let known = asked.iter().take(CHANNELS_MAX).map(|name| name.parse().ok()).collect::<Option<_>>();
    known.unwrap_or_else(|| {
        fields.refuse("channel_ids", Rule::Name);
        Vec::new()
    })
}
