//! The gRPC door of commands: parse, authorise, execute, answer. No rule lives here.

mod problem;
mod request;
mod response;

use std::sync::Arc;

use relevo_domain::conversation::Command;
use relevo_domain::{AgentId, Caller, Clock, MessageId, TeamId, TenantId};
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::conversation_service_server::{ConversationService, ConversationServiceServer};
use tonic::{Request, Response, Status};

use crate::conversation::{Answer, Conversations};
use problem::Speaker;

/// The largest command, in bytes: a note of 4,000 characters and its ids, with room.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// The people of a tenant, as the configuration has them.
pub trait Staff: Send + Sync + 'static {
    /// What people call the agent; `None` if there is no such agent.
    fn agent_name(&self, tenant: &TenantId, agent: &AgentId) -> Option<String>;
    /// What people call the team; `None` if there is no such team.
    fn team_name(&self, tenant: &TenantId, team: &TeamId) -> Option<String>;
}

/// The conversation service.
#[derive(Clone)]
pub struct ConversationCommands {
    conversations: Conversations,
    staff: Arc<dyn Staff>,
    clock: Clock,
}

impl ConversationCommands {
    pub const fn new(conversations: Conversations, staff: Arc<dyn Staff>, clock: Clock) -> Self {
        Self { conversations, staff, clock }
    }

    /// The tonic server, with its limits.
    pub fn into_server(self) -> ConversationServiceServer<Self> {
        ConversationServiceServer::new(self).max_decoding_message_size(REQUEST_BYTES_MAX)
    }

    /// What every command has in common, once its own fields are read.
    async fn execute(
        &self,
        speaker: &Speaker,
        caller: Caller,
        ids: &Ids<'_>,
        command: Result<Command, request::Violations>,
    ) -> Result<(Answer, MessageId), Status> {
        let new_message = MessageId::new(*uuid::Uuid::now_v7().as_bytes());
        let request = request::parse(caller, ids.command, ids.conversation, command, (self.clock)(), new_message)
            .map_err(|violations| speaker.invalid(violations))?;
        self.staff_exists(speaker, &request)?;
        match self.conversations.execute(&request).await {
            Ok(answer) => Ok((answer, new_message)),
            Err(error) => Err(speaker.refusal(&request, error, self.staff.as_ref())),
        }
    }

    fn staff_exists(&self, speaker: &Speaker, request: &crate::Request) -> Result<(), Status> {
        let Command::Assign { agent, team } = &request.command else { return Ok(()) };
        let tenant = &request.caller.tenant;
        if let Some(agent) = agent
            && self.staff.agent_name(tenant, agent).is_none()
        {
            return Err(speaker.no_assignee("agent_id", agent.as_str()));
        }
        if let Some(team) = team
            && self.staff.team_name(tenant, team).is_none()
        {
            return Err(speaker.no_assignee("team_id", team.as_str()));
        }
        Ok(())
    }
}

/// The two ids that every request has.
struct Ids<'r> {
    command: &'r str,
    conversation: &'r str,
}

/// One RPC: its own fields become a command, its answer gets the common fields.
macro_rules! rpc {
    ($self:ident, $request:ident, $response:ident, |$r:ident, $caller:ident| $command:expr, $($extra:tt)*) => {{
        let speaker = Speaker::of(&$request);
        let $caller = speaker.caller(&$request)?;
        let $r = $request.into_inner();
        let command = $command;
        let ids = Ids { command: &$r.command_id, conversation: &$r.conversation_id };
        let tenant = $caller.tenant.clone();
        let (answer, _new_message) = $self.execute(&speaker, $caller, &ids, command).await?;
        let conversation = response::state(&$r.conversation_id, &answer.now, &tenant, $self.staff.as_ref());
        Ok(Response::new(proto::$response {
            position: answer.position.to_string(),
            already_so: answer.already_so,
            version: answer.version,
            conversation: Some(conversation),
            $($extra)*
        }))
    }};
}

#[tonic::async_trait]
impl ConversationService for ConversationCommands {
    async fn pause_bot(
        &self,
        request: Request<proto::PauseBotRequest>,
    ) -> Result<Response<proto::PauseBotResponse>, Status> {
        rpc!(self, request, PauseBotResponse, |r, caller| request::pause(r.reason, &r.note), already_claimed: Vec::new())
    }

    async fn resume_bot(
        &self,
        request: Request<proto::ResumeBotRequest>,
    ) -> Result<Response<proto::ResumeBotResponse>, Status> {
        rpc!(self, request, ResumeBotResponse, |r, caller| Ok(Command::ResumeBot { note: request::optional(&r.note) }),)
    }

    async fn assign(&self, request: Request<proto::AssignRequest>) -> Result<Response<proto::AssignResponse>, Status> {
        rpc!(self, request, AssignResponse, |r, caller| request::assign(&r.agent_id, &r.team_id),)
    }

    async fn claim(&self, request: Request<proto::ClaimRequest>) -> Result<Response<proto::ClaimResponse>, Status> {
        rpc!(self, request, ClaimResponse, |r, caller| Ok(Command::Claim { agent: caller.name.clone() }),)
    }

    async fn resolve(
        &self,
        request: Request<proto::ResolveRequest>,
    ) -> Result<Response<proto::ResolveResponse>, Status> {
        rpc!(self, request, ResolveResponse, |r, caller| Ok(Command::Resolve {
            reason: request::optional(&r.reason),
            note: request::optional(&r.note),
        }),)
    }

    async fn reopen(&self, request: Request<proto::ReopenRequest>) -> Result<Response<proto::ReopenResponse>, Status> {
        rpc!(self, request, ReopenResponse, |r, caller| Ok(Command::Reopen),)
    }

    async fn add_note(
        &self,
        request: Request<proto::AddNoteRequest>,
    ) -> Result<Response<proto::AddNoteResponse>, Status> {
        let speaker = Speaker::of(&request);
        let caller = speaker.caller(&request)?;
        let r = request.into_inner();
        let ids = Ids { command: &r.command_id, conversation: &r.conversation_id };
        let tenant = caller.tenant.clone();
        let command = Ok(Command::AddNote { text: r.text.clone() });
        let (answer, new_message) = self.execute(&speaker, caller, &ids, command).await?;
        let conversation = response::state(&r.conversation_id, &answer.now, &tenant, self.staff.as_ref());
        Ok(Response::new(proto::AddNoteResponse {
            position: answer.position.to_string(),
            already_so: answer.already_so,
            version: answer.version,
            conversation: Some(conversation),
            // A repeated command keeps the note that it wrote the first time, under the id of that time.
            message_id: if answer.repeated { String::new() } else { new_message.to_string() },
        }))
    }
}
