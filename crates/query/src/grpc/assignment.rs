//! AssignmentService: who has what, how much everybody has, and what waits for an agent. Whoever may not see a conversation
//! does not count it either.

use std::time::Duration;

use relevo_domain::{AgentId, Caller, TeamId};
use relevo_projection::{ViewError, ViewSnapshot};
use relevo_projector_assignment as assignment;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::assignment_service_server::AssignmentService;
use tonic::{Request, Response, Status};

use crate::contact_name::ContactNames;
use crate::error::{QueryError, Rule};
use crate::page_token::Belongs;
use crate::paging::Turn;
use crate::request::{Fields, PAGE_SIZE_DEFAULT, answer};
use crate::{Query, moment, read, render};

#[tonic::async_trait]
impl AssignmentService for Query {
    async fn list_assignments(
        &self,
        request: Request<wire::ListAssignmentsRequest>,
    ) -> Result<Response<wire::ListAssignmentsResponse>, Status> {
        answer(request, |caller, request| self.assignments(caller, request)).await
    }

    async fn list_queue(
        &self,
        request: Request<wire::ListQueueRequest>,
    ) -> Result<Response<wire::ListQueueResponse>, Status> {
        answer(request, |caller, request| self.queue(caller, request)).await
    }

    async fn get_loads(
        &self,
        request: Request<wire::GetLoadsRequest>,
    ) -> Result<Response<wire::GetLoadsResponse>, Status> {
        answer(request, |caller, request| self.loads(caller, request)).await
    }

    async fn get_assignment_history(
        &self,
        request: Request<wire::GetAssignmentHistoryRequest>,
    ) -> Result<Response<wire::GetAssignmentHistoryResponse>, Status> {
        answer(request, |caller, request| self.assignment_history(caller, request)).await
    }
}

impl Query {
    async fn assignments(
        &self,
        caller: Caller,
        request: wire::ListAssignmentsRequest,
    ) -> Result<wire::ListAssignmentsResponse, QueryError> {
        let mut fields = Fields::default();
        let filter = asked_filter(&mut fields, &request);
        let statuses = fields.words("statuses", &request.statuses, render::assignment::asked_status);
        let limit = fields.page_size(request.page_size, PAGE_SIZE_DEFAULT);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let same_list = wire::ListAssignmentsRequest {
            agent_id: request.agent_id,
            team_id: request.team_id,
            statuses: request.statuses,
            ..wire::ListAssignmentsRequest::default()
        };
        let belongs = Belongs::to(&caller, "ListAssignments", &same_list);

        let turn: Turn<assignment::Cursor> =
            self.turn(&self.inner.views.assignment, &belongs, &request.page_token, freshness).await?;
        built(assignment::NAME, assignment::VERSION, &turn.moment)?;
        let (position, kept) = (turn.moment.position(), turn.to_keep());

        let query = self.clone();
        let reader = caller.clone();
        let (assignments, loads, next) = read(move || {
            let rows = turn.moment.rows();
            let now = turn.now;
            let (statuses, after) = (statuses.as_slice(), turn.after.as_ref());
            let list = assignment::Query { filter, statuses, visible: &reader, now, after, limit };
            let page = assignment::assignments(rows, &reader.tenant, &list)?;
            let loads = assignment::loads(rows, &reader.tenant, &reader, now)?;
            let names = query.names(&reader);
            let contacts = ContactNames::now(&query, &reader);
            let rows = page.rows.iter().map(|row| {
                let contact_name = contacts.of(row.conversation)?;
                Ok(render::assignment::assignment(names, row, contact_name))
            });
            let rows = rows.collect::<Result<Vec<_>, QueryError>>()?;
            Ok((rows, render::assignment::loads(names, &loads), page.next))
        })
        .await?;

        tracing::debug!(tenant = %caller.tenant, rows = assignments.len(), "assignments listed");
        let next_page_token = self.next_token(&caller, &belongs, kept, next.as_ref());
        Ok(wire::ListAssignmentsResponse { assignments, loads, next_page_token, position: position.to_string() })
    }

    async fn queue(
        &self,
        caller: Caller,
        request: wire::ListQueueRequest,
    ) -> Result<wire::ListQueueResponse, QueryError> {
        let mut fields = Fields::default();
        let queue = asked_queue(&mut fields, &request);
        let order = fields.word("order", request.order, render::assignment::asked_order);
        let order = order.unwrap_or(assignment::Order::Priority);
        let limit = fields.page_size(request.page_size, PAGE_SIZE_DEFAULT);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let longer_than = Some(request.longer_than_seconds).filter(|seconds| *seconds > 0).map(Duration::from_secs);
        let same_list = wire::ListQueueRequest {
            team_id: request.team_id,
            no_team: request.no_team,
            order: request.order,
            longer_than_seconds: request.longer_than_seconds,
            ..wire::ListQueueRequest::default()
        };
        let belongs = Belongs::to(&caller, "ListQueue", &same_list);

        let turn: Turn<assignment::Cursor> =
            self.turn(&self.inner.views.assignment, &belongs, &request.page_token, freshness).await?;
        built(assignment::NAME, assignment::VERSION, &turn.moment)?;
        let (position, kept) = (turn.moment.position(), turn.to_keep());

        let query = self.clone();
        let reader = caller.clone();
        let (conversations, queues, next) = read(move || {
            let rows = turn.moment.rows();
            let now = turn.now;
            let after = turn.after.as_ref();
            let list = assignment::QueueQuery { queue, order, longer_than, visible: &reader, now, after, limit };
            let page = assignment::queue(rows, &reader.tenant, &list)?;
            let loads = assignment::loads(rows, &reader.tenant, &reader, now)?;
            let names = query.names(&reader);
            let contacts = ContactNames::now(&query, &reader);
            let rows = page.rows.iter().map(|row| {
                let contact_name = contacts.of(row.conversation)?;
                Ok(render::assignment::queued(names, row, contact_name))
            });
            let rows = rows.collect::<Result<Vec<_>, QueryError>>()?;
            Ok((rows, render::assignment::queues(names, &loads), page.next))
        })
        .await?;

        tracing::debug!(tenant = %caller.tenant, rows = conversations.len(), "queue listed");
        let next_page_token = self.next_token(&caller, &belongs, kept, next.as_ref());
        Ok(wire::ListQueueResponse { conversations, queues, next_page_token, position: position.to_string() })
    }

    async fn loads(
        &self,
        caller: Caller,
        request: wire::GetLoadsRequest,
    ) -> Result<wire::GetLoadsResponse, QueryError> {
        let mut fields = Fields::default();
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let snapshot = moment::take(&self.inner.views.assignment, freshness).await?;
        built(assignment::NAME, assignment::VERSION, &snapshot)?;
        let position = snapshot.position().to_string();

        let query = self.clone();
        let now = (self.inner.ports.now)();
        read(move || {
            let loads = assignment::loads(snapshot.rows(), &caller.tenant, &caller, now)?;
            let names = query.names(&caller);
            Ok(wire::GetLoadsResponse {
                loads: render::assignment::loads(names, &loads),
                queues: render::assignment::queues(names, &loads),
                position,
            })
        })
        .await
    }

    async fn assignment_history(
        &self,
        caller: Caller,
        request: wire::GetAssignmentHistoryRequest,
    ) -> Result<wire::GetAssignmentHistoryResponse, QueryError> {
        let mut fields = Fields::default();
        let id = fields.conversation(&request.conversation_id);
        let limit = fields.page_size(request.page_size, PAGE_SIZE_DEFAULT);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let same_list =
            wire::GetAssignmentHistoryRequest { conversation_id: request.conversation_id, ..Default::default() };
        let belongs = Belongs::to(&caller, "GetAssignmentHistory", &same_list);

        let turn: Turn<assignment::Cursor> =
            self.turn(&self.inner.views.assignment, &belongs, &request.page_token, freshness).await?;
        built(assignment::NAME, assignment::VERSION, &turn.moment)?;
        let (position, kept) = (turn.moment.position(), turn.to_keep());

        let query = self.clone();
        let reader = caller.clone();
        let (entries, next) = read(move || {
            let (rows, after) = (turn.moment.rows(), turn.after.as_ref());
            let page = assignment::history(rows, &reader.tenant, id, &reader, after, limit)?;
            let page = page.ok_or(QueryError::ConversationNotFound { conversation: id })?;
            let names = query.names(&reader);
            let entries = page.entries.iter().map(|row| render::assignment::history(names, row)).collect();
            Ok((entries, page.next))
        })
        .await?;

        let next_page_token = self.next_token(&caller, &belongs, kept, next.as_ref());
        Ok(wire::GetAssignmentHistoryResponse { entries, next_page_token, position: position.to_string() })
    }
}

fn asked_filter(fields: &mut Fields, request: &wire::ListAssignmentsRequest) -> assignment::Filter {
    let agent: Option<AgentId> = fields.name("agent_id", &request.agent_id);
    let team: Option<TeamId> = fields.name("team_id", &request.team_id);
    match (agent, team) {
        (None, None) => assignment::Filter::Everybody,
        (Some(agent), None) => assignment::Filter::Agent(agent),
        (None, Some(team)) => assignment::Filter::Team(team),
        (Some(agent), Some(_)) => {
            fields.refuse("team_id", Rule::NotTogether("agent_id"));
            assignment::Filter::Agent(agent)
        }
    }
}

fn asked_queue(fields: &mut Fields, request: &wire::ListQueueRequest) -> assignment::Queue {
    let team: Option<TeamId> = fields.name("team_id", &request.team_id);
    match (team, request.no_team) {
        (None, false) => assignment::Queue::All,
        (None, true) => assignment::Queue::NoTeam,
        (Some(team), false) => assignment::Queue::Team(team),
        (Some(team), true) => {
            fields.refuse("no_team", Rule::NotTogether("team_id"));
            assignment::Queue::Team(team)
        }
    }
}

/// Rows of an earlier version are not read: while the view is built anew, it starts.
pub(super) fn built(view: &'static str, version: u32, snapshot: &ViewSnapshot) -> Result<(), QueryError> {
    if snapshot.version() < version { Err(QueryError::View(ViewError::Starting { view })) } else { Ok(()) }
}
