//! `relevo.command.v1.ConversationService`.

use std::sync::Arc;

use relevo_domain::conversation::{Author, CatchUp, Command};
use relevo_domain::{Caller, Clock, CommandId, EntityKind, MessageId, Role, TagId, TenantId, Timestamp};
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::conversation_service_server::ConversationService;
use tonic::{Request, Response, Status};

use super::Staff;
use super::problem::Speaker;
use super::request::{self, Head, Violations};
use super::{outgoing, pause, response};
use crate::conversation::{self, Conversations, Now, Wish};
use crate::execute::{Answer, Asked};
use crate::marks::Marks;
use crate::send::{FarewellRequest, Messages, PolicyProblem, SendRefused, SendRequest};

/// The conversation service.
#[derive(Clone)]
pub struct ConversationCommands {
    conversations: Conversations,
    staff: Arc<dyn Staff>,
    clock: Clock,
    marks: Option<Marks>,
    /// Absent where nothing is sent.
    messages: Option<Messages>,
}

/// A command that was carried out, with what its answer is made of.
struct Done {
    answer: Answer<Now>,
    state: proto::ConversationState,
    new_message: MessageId,
}

impl ConversationCommands {
    pub(super) const fn new(
        conversations: Conversations,
        messages: Option<Messages>,
        staff: Arc<dyn Staff>,
        clock: Clock,
        marks: Option<Marks>,
    ) -> Self {
        Self { conversations, staff, clock, marks, messages }
    }

    /// What every command has in common, once its own fields are read. `wish` gets the caller's own facts: who it is, the moment.
    async fn execute(
        &self,
        speaker: &Speaker,
        caller: Caller,
        ids: Ids<'_>,
        wish: impl FnOnce(&Caller, Timestamp) -> Result<Wish, Violations>,
    ) -> Result<Done, Status> {
        let tenant = caller.tenant.clone();
        let now = (self.clock)();
        let id = request::entity(EntityKind::Conversation, "conversation_id", ids.conversation);
        let rest = request::both(id, wish(&caller, now));
        let head = Head { caller, command_id: ids.command, expected_version: ids.expected_version, now };
        let (asked, (conversation, wish)) =
            request::with_head(head, rest).map_err(|violations| speaker.invalid(violations))?;
        self.staff_exists(speaker, &tenant, &wish)?;
        let new_message = MessageId::new(*uuid::Uuid::now_v7().as_bytes());
        let request = conversation::Request { asked, conversation, wish, new_message };
        match self.conversations.execute(&request).await {
            Ok(answer) => {
                if let (Some(marks), Wish::Plain(Command::MarkRead { .. })) = (&self.marks, &request.wish) {
                    marks.read(&tenant, conversation, &answer.now.opened);
                }
                // The moment of the answer: a snooze may have become due while the log was asked.
                let state = response::state(ids.conversation, &answer, (self.clock)(), &tenant, self.staff.as_ref());
                Ok(Done { answer, state, new_message })
            }
            Err(error) => Err(speaker.refusal(conversation, &request.asked, error, self.staff.as_ref())),
        }
    }

    /// What the bot is asked to do with what it has missed.
    fn catch_up(&self, wanted: i32, tenant: &TenantId) -> Result<CatchUp, Violations> {
        match proto::CatchUp::try_from(wanted) {
            Ok(proto::CatchUp::Know) => Ok(CatchUp::Know),
            Ok(proto::CatchUp::Answer) => Ok(CatchUp::Answer),
            Ok(proto::CatchUp::Unspecified) => {
                Ok(self.messages.as_ref().map_or(CatchUp::Know, |messages| messages.policy().catch_up(tenant)))
            }
            Err(_unknown) => Err(vec![("catch_up", "field-unknown-word")]),
        }
    }

    /// The bot is resumed after a last message.
    async fn farewell(
        &self,
        request: Request<proto::ResumeBotRequest>,
    ) -> Result<Response<proto::ResumeBotResponse>, Status> {
        let speaker = Speaker::of(&request);
        let caller = speaker.caller(&request)?;
        let author_name = self.staff.agent_name(&caller.tenant, &caller.name);
        let r = request.into_inner();
        let id = request::entity(EntityKind::Conversation, "conversation_id", &r.conversation_id);
        let catch_up = self.catch_up(r.catch_up, &caller.tenant);
        let rest = request::both(request::both(id, catch_up), outgoing::message(r.message));
        let head =
            Head { caller, command_id: &r.command_id, expected_version: r.expected_version, now: (self.clock)() };
        let (asked, ((conversation, catch_up), message)) =
            request::with_head(head, rest).map_err(|violations| speaker.invalid(violations))?;
        let last_seen_version = r.last_seen_version;
        let send = SendRequest {
            asked,
            conversation,
            message,
            last_seen_version,
            force: false,
            author_name,
            pause: None,
            turn: None,
        };
        let request = FarewellRequest { send, catch_up, note: request::optional(&r.note) };
        let answer = match &self.messages {
            Some(messages) => messages.resume(&request).await,
            None => Err(SendRefused::Policy(PolicyProblem::CannotSend { what: "message".to_owned() }).into()),
        };
        let (asked, staff) = (&request.send.asked, self.staff.as_ref());
        let answer = answer.map_err(|error| speaker.refusal(conversation, asked, error, staff))?;
        let state = response::state(&r.conversation_id, &answer, (self.clock)(), &asked.caller.tenant, staff);
        Ok(Response::new(proto::ResumeBotResponse {
            position: answer.position.to_string(),
            already_so: answer.already_so,
            version: answer.version,
            conversation: Some(state),
        }))
    }

    fn staff_exists(&self, speaker: &Speaker, tenant: &TenantId, wish: &Wish) -> Result<(), Status> {
        if let Wish::Plain(Command::Escalate { to, .. }) = wish {
            let leads = matches!(self.staff.agent_role(tenant, to), Some(Role::Supervisor | Role::Admin));
            return if leads { Ok(()) } else { Err(speaker.no_assignee("agent_id", to.as_str())) };
        }
        let Wish::Plain(Command::Assign { agent, team }) = wish else { return Ok(()) };
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

/// What every request has.
struct Ids<'r> {
    command: &'r str,
    conversation: &'r str,
    expected_version: Option<u64>,
}

/// One RPC: its own fields become a command, its answer gets the common fields and `extra`, which may look at what was `done`.
macro_rules! rpc {
    ($self:ident, $request:ident, $response:ident, |$r:ident, $caller:ident, $now:ident| $wish:expr) => {
        rpc!($self, $request, $response, |$r, $caller, $now| $wish, done => {})
    };
    (
        $self:ident, $request:ident, $response:ident,
        |$r:ident, $caller:ident, $now:ident| $wish:expr,
        $done:ident => { $($field:ident: $extra:expr),* }
    ) => {{
        let speaker = Speaker::of(&$request);
        let caller = speaker.caller(&$request)?;
        let $r = $request.into_inner();
        let ids = Ids {
            command: &$r.command_id,
            conversation: &$r.conversation_id,
            expected_version: $r.expected_version,
        };
        let $done = $self.execute(&speaker, caller, ids, |$caller, $now| $wish).await?;
        Ok(Response::new(proto::$response {
            position: $done.answer.position.to_string(),
            already_so: $done.answer.already_so,
            version: $done.answer.version,
            $($field: $extra,)*
            conversation: Some($done.state),
        }))
    }};
}

#[tonic::async_trait]
impl ConversationService for ConversationCommands {
    async fn pause_bot(
        &self,
        request: Request<proto::PauseBotRequest>,
    ) -> Result<Response<proto::PauseBotResponse>, Status> {
        rpc!(self, request, PauseBotResponse, |r, _caller, now| pause::pause(&r, now), done => {
            already_claimed: already_claimed(&done.answer.now, (self.clock)()),
            signal_until: done.answer.now.opened.signal_on_the_wire((self.clock)()).map(relevo_proto::time::to_wire)
        })
    }

    async fn resume_bot(
        &self,
        request: Request<proto::ResumeBotRequest>,
    ) -> Result<Response<proto::ResumeBotResponse>, Status> {
        if request.get_ref().message.is_some() {
            return self.farewell(request).await;
        }
        rpc!(self, request, ResumeBotResponse, |r, caller, _now| self.catch_up(r.catch_up, &caller.tenant).map(
            |catch_up| {
                Wish::Plain(Command::ResumeBot { catch_up, note: request::optional(&r.note), farewell: None })
            }
        ))
    }

    async fn change_pause(
        &self,
        request: Request<proto::ChangePauseRequest>,
    ) -> Result<Response<proto::ChangePauseResponse>, Status> {
        rpc!(self, request, ChangePauseResponse, |r, _caller, now| pause::change(&r, now))
    }

    async fn escalate(
        &self,
        request: Request<proto::EscalateRequest>,
    ) -> Result<Response<proto::EscalateResponse>, Status> {
        rpc!(self, request, EscalateResponse, |r, _caller, _now| pause::escalate(&r), done => {
            already_claimed: already_claimed(&done.answer.now, (self.clock)()),
            message_id: if done.answer.repeated { String::new() } else { done.new_message.to_string() }
        })
    }

    async fn accept_suggestion(
        &self,
        request: Request<proto::AcceptSuggestionRequest>,
    ) -> Result<Response<proto::AcceptSuggestionResponse>, Status> {
        rpc!(self, request, AcceptSuggestionResponse, |r, _caller, now| pause::accept(&r, now), done => {
            already_claimed: already_claimed(&done.answer.now, (self.clock)())
        })
    }

    async fn dismiss_suggestion(
        &self,
        request: Request<proto::DismissSuggestionRequest>,
    ) -> Result<Response<proto::DismissSuggestionResponse>, Status> {
        rpc!(self, request, DismissSuggestionResponse, |r, _caller, _now| pause::dismiss(&r))
    }

    async fn preview_pause(
        &self,
        request: Request<proto::PreviewPauseRequest>,
    ) -> Result<Response<proto::PreviewPauseResponse>, Status> {
        let speaker = Speaker::of(&request);
        let caller = speaker.caller(&request)?;
        let r = request.into_inner();
        let conversation = request::entity(EntityKind::Conversation, "conversation_id", &r.conversation_id)
            .map_err(|violations| speaker.invalid(violations))?;
        // Nothing is stored, so there is nothing to repeat: the id only names the call in errors.
        let command_id = CommandId::derived(uuid::Uuid::now_v7().as_bytes());
        let asked = Asked { caller, command_id, expected_version: None, now: (self.clock)() };
        let (Caller { tenant, role, .. }, staff) = (&asked.caller, self.staff.as_ref());
        let look = self.conversations.look(&asked, conversation).await;
        let look = look.map_err(|error| speaker.refusal(conversation, &asked, error, staff))?;
        let state = response::state(&r.conversation_id, &look.answer, look.at, tenant, staff);
        Ok(Response::new(pause::preview(&look, *role, speaker.language, state)))
    }

    async fn assign(&self, request: Request<proto::AssignRequest>) -> Result<Response<proto::AssignResponse>, Status> {
        rpc!(self, request, AssignResponse, |r, _caller, _now| request::assign(&r.agent_id, &r.team_id))
    }

    async fn claim(&self, request: Request<proto::ClaimRequest>) -> Result<Response<proto::ClaimResponse>, Status> {
        rpc!(self, request, ClaimResponse, |r, caller, _now| plain(Command::Claim { agent: caller.name.clone() }))
    }

    async fn resolve(
        &self,
        request: Request<proto::ResolveRequest>,
    ) -> Result<Response<proto::ResolveResponse>, Status> {
        rpc!(self, request, ResolveResponse, |r, _caller, _now| plain(Command::Resolve {
            reason: request::optional(&r.reason),
            note: request::optional(&r.note)
        }))
    }

    async fn reopen(&self, request: Request<proto::ReopenRequest>) -> Result<Response<proto::ReopenResponse>, Status> {
        rpc!(self, request, ReopenResponse, |r, _caller, _now| plain(Command::Reopen))
    }

    async fn add_note(
        &self,
        request: Request<proto::AddNoteRequest>,
    ) -> Result<Response<proto::AddNoteResponse>, Status> {
        rpc!(self, request, AddNoteResponse, |r, _caller, _now| plain(Command::AddNote { text: r.text.clone() }), done => { // A repeated command keeps the note that it wrote the first time, under the id of that time.
            message_id: if done.answer.repeated { String::new() } else { done.new_message.to_string() } })
    }

    async fn unassign(
        &self,
        request: Request<proto::UnassignRequest>,
    ) -> Result<Response<proto::UnassignResponse>, Status> {
        rpc!(self, request, UnassignResponse, |r, _caller, _now| plain(Command::Unassign))
    }

    async fn set_pending(
        &self,
        request: Request<proto::SetPendingRequest>,
    ) -> Result<Response<proto::SetPendingResponse>, Status> {
        rpc!(self, request, SetPendingResponse, |r, _caller, _now| plain(Command::SetPending {
            note: request::optional(&r.note)
        }))
    }

    async fn snooze(&self, request: Request<proto::SnoozeRequest>) -> Result<Response<proto::SnoozeResponse>, Status> {
        rpc!(self, request, SnoozeResponse, |r, caller, now| request::snooze(
            r.when,
            &r.note,
            now,
            &self.staff.time_zone(&caller.tenant)
        ))
    }

    async fn unsnooze(
        &self,
        request: Request<proto::UnsnoozeRequest>,
    ) -> Result<Response<proto::UnsnoozeResponse>, Status> {
        rpc!(self, request, UnsnoozeResponse, |r, _caller, _now| plain(Command::Unsnooze))
    }

    async fn add_tag(&self, request: Request<proto::AddTagRequest>) -> Result<Response<proto::AddTagResponse>, Status> {
        rpc!(self, request, AddTagResponse, |r, _caller, _now| request::add_tag(&r, fresh_tag()), done => { tag: done.answer.now.tag.as_ref().map(|(id, tag)| response::tag(*id, tag)), created: done.answer.now.created })
    }

    async fn remove_tag(
        &self,
        request: Request<proto::RemoveTagRequest>,
    ) -> Result<Response<proto::RemoveTagResponse>, Status> {
        rpc!(self, request, RemoveTagResponse, |r, _caller, _now| request::remove_tag(r.tag.as_ref()))
    }

    async fn set_priority(
        &self,
        request: Request<proto::SetPriorityRequest>,
    ) -> Result<Response<proto::SetPriorityResponse>, Status> {
        rpc!(self, request, SetPriorityResponse, |r, _caller, _now| request::priority(r.priority))
    }

    async fn mark_read(
        &self,
        request: Request<proto::MarkReadRequest>,
    ) -> Result<Response<proto::MarkReadResponse>, Status> {
        rpc!(self, request, MarkReadResponse, |r, _caller, _now| plain(Command::MarkRead {
            through: r.through_version
        }))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of a command whose fields need no parsing")]
fn plain(command: Command) -> Result<Wish, Violations> {
    Ok(Wish::Plain(command))
}

/// The bot's message that is on its way to the provider: the pause came too late for it.
pub(super) fn already_claimed(now: &Now, at: Timestamp) -> Vec<String> {
    now.opened.on_the_wire(Author::Bot, at).map(|pending| pending.id.to_string()).collect()
}

/// The id of a tag that may be made.
pub(super) fn fresh_tag() -> TagId {
    TagId::new(*uuid::Uuid::now_v7().as_bytes())
}
