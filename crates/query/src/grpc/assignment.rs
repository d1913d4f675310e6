//! AssignmentService: who has what. Lists open conversations only; whoever may not see a conversation does not count it either.

use relevo_domain::{AgentId, Caller, TeamId};
use relevo_projector_assignment as assignment;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::assignment_service_server::AssignmentService;
use tonic::{Request, Response, Status};

use crate::contact_name::ContactNames;
use crate::error::{QueryError, Rule};
use crate::page_token::Belongs;
use crate::paging::Turn;
use crate::render;
use crate::request::{Fields, PAGE_SIZE_DEFAULT, answer};
use crate::{Query, read};

#[tonic::async_trait]
impl AssignmentService for Query {
    async fn list_assignments(
        &self,
        request: Request<wire::ListAssignmentsRequest>,
    ) -> Result<Response<wire::ListAssignmentsResponse>, Status> {
        answer(request, |caller, request| self.assignments(caller, request)).await
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
        let limit = fields.page_size(request.page_size, PAGE_SIZE_DEFAULT);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let same_list = wire::ListAssignmentsRequest {
            agent_id: request.agent_id,
            team_id: request.team_id,
            ..wire::ListAssignmentsRequest::default()
        };
        let belongs = Belongs::to(&caller, "ListAssignments", &same_list);

        let turn: Turn<assignment::Cursor> =
            self.turn(&self.inner.views.assignment, &belongs, &request.page_token, freshness).await?;
        let (position, kept) = (turn.moment.position(), turn.to_keep());

        let query = self.clone();
        let reader = caller.clone();
        let (assignments, loads, next) = read(move || {
            let rows = turn.moment.rows();
            let list = assignment::Query { filter, visible: &reader, after: turn.after, limit };
            let page = assignment::assignments(rows, &reader.tenant, &list)?;
            let loads = assignment::loads(rows, &reader.tenant, &reader)?;
            let names = query.names(&reader);
            let now = ContactNames::now(&query, &reader);
            let rows = page.rows.iter().map(|row| {
                let contact_name = now.of(row.conversation)?;
                Ok(render::assignment::assignment(names, row, contact_name))
            });
            let rows = rows.collect::<Result<Vec<_>, QueryError>>()?;
            Ok((rows, render::assignment::loads(names, loads), page.next))
        })
        .await?;

        tracing::debug!(tenant = %caller.tenant, rows = assignments.len(), "assignments listed");
        let next_page_token = self.next_token(&caller, &belongs, kept, next.as_ref());
        Ok(wire::ListAssignmentsResponse { assignments, loads, next_page_token, position: position.to_string() })
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
