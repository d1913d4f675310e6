//! `relevo.command.v1.SendService`.

use std::sync::Arc;

use relevo_domain::conversation::Bot;
use relevo_domain::{Caller, Clock, CommandId, EntityId, EntityKind};
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::send_service_server::SendService;
use tonic::{Request, Response, Status};

use super::conversation::already_claimed;
use super::problem::Speaker;
use super::request::{self, Head};
use super::{Staff, outgoing, pause, response};
use crate::execute::{Asked, ExecuteError};
use crate::marks::Marks;
use crate::send::{CancelRequest, Messages, Queued, SendRequest, StartRequest};

/// The service that sends.
#[derive(Clone)]
pub struct SendCommands {
    messages: Messages,
    staff: Arc<dyn Staff>,
    clock: Clock,
    marks: Option<Marks>,
}

impl SendCommands {
    pub(super) const fn new(messages: Messages, staff: Arc<dyn Staff>, clock: Clock, marks: Option<Marks>) -> Self {
        Self { messages, staff, clock, marks }
    }

    /// What colleagues call whoever asks; bots have a name too.
    fn author(&self, caller: &Caller) -> Option<String> {
        self.staff.agent_name(&caller.tenant, &caller.name)
    }

    fn state(&self, asked: &Asked, queued: &Queued) -> proto::ConversationState {
        let id = queued.conversation.to_string();
        response::state(&id, &queued.answer, (self.clock)(), &asked.caller.tenant, self.staff.as_ref())
    }

    /// What a paused bot had on its way before it was paused: whoever wrote, and paused it by that, is told so as by a pause.
    fn silenced_too_late(&self, queued: &Queued) -> Vec<String> {
        match queued.answer.now.opened.bot {
            Bot::Paused { .. } => already_claimed(&queued.answer.now, (self.clock)()),
            Bot::Active => Vec::new(),
        }
    }

    fn refusal(&self, speaker: &Speaker, entity: EntityId, asked: &Asked, error: ExecuteError) -> Status {
        speaker.refusal(entity, asked, error, self.staff.as_ref())
    }
}

#[tonic::async_trait]
impl SendService for SendCommands {
    async fn send_message(
        &self,
        request: Request<proto::SendMessageRequest>,
    ) -> Result<Response<proto::SendMessageResponse>, Status> {
        let speaker = Speaker::of(&request);
        let caller = speaker.caller(&request)?;
        let author_name = self.author(&caller);
        let r = request.into_inner();
        let id = request::entity(EntityKind::Conversation, "conversation_id", &r.conversation_id);
        let now = (self.clock)();
        let rest = request::both(id, request::both(outgoing::message(r.message), pause::beside(r.pause, now)));
        let head = Head { caller, command_id: &r.command_id, expected_version: r.expected_version, now };
        let (asked, (conversation, (message, pause))) =
            request::with_head(head, rest).map_err(|violations| speaker.invalid(violations))?;
        let (last_seen_version, force) = (r.last_seen_version, r.force);
        let request =
            SendRequest { asked, conversation, message, last_seen_version, force, author_name, pause, turn: None };
        let queued = self.messages.send(&request).await;
        let queued = queued.map_err(|error| self.refusal(&speaker, conversation, &request.asked, error))?;
        Ok(Response::new(proto::SendMessageResponse {
            position: queued.answer.position.to_string(),
            already_so: queued.answer.already_so,
            version: queued.answer.version,
            message_id: queued.message.to_string(),
            conversation: Some(self.state(&request.asked, &queued)),
            already_claimed: self.silenced_too_late(&queued),
        }))
    }

    async fn start_conversation(
        &self,
        request: Request<proto::StartConversationRequest>,
    ) -> Result<Response<proto::StartConversationResponse>, Status> {
        let speaker = Speaker::of(&request);
        let caller = speaker.caller(&request)?;
        let author_name = self.author(&caller);
        let r = request.into_inner();
        let recipient = match request::optional(&r.recipient) {
            Some(recipient) => Ok(recipient),
            None => Err(vec![("recipient", "field-required")]),
        };
        let now = (self.clock)();
        let whom = request::both(outgoing::channel(&r.channel_id), recipient);
        let what = request::both(outgoing::message(r.message), pause::beside(r.pause, now));
        let head = Head { caller, command_id: &r.command_id, expected_version: None, now };
        let rest = request::both(whom, what);
        let (asked, ((channel, recipient), (message, pause))) =
            request::with_head(head, rest).map_err(|violations| speaker.invalid(violations))?;
        let name = request::optional(&r.name);
        let request = StartRequest { asked, channel, recipient, name, message, author_name, pause };
        let queued = match self.messages.start(&request).await {
            Ok(queued) => queued,
            Err(error) => return Err(speaker.start_refusal(&request, error, self.staff.as_ref())),
        };
        Ok(Response::new(proto::StartConversationResponse {
            position: queued.answer.position.to_string(),
            already_so: queued.answer.already_so,
            version: queued.answer.version,
            message_id: queued.message.to_string(),
            conversation: Some(self.state(&request.asked, &queued)),
            opened: queued.opened,
            already_claimed: self.silenced_too_late(&queued),
        }))
    }

    async fn cancel_send(
        &self,
        request: Request<proto::CancelSendRequest>,
    ) -> Result<Response<proto::CancelSendResponse>, Status> {
        let speaker = Speaker::of(&request);
        let caller = speaker.caller(&request)?;
        let r = request.into_inner();
        let id = request::entity(EntityKind::Conversation, "conversation_id", &r.conversation_id);
        let rest = request::both(id, outgoing::message_id("message_id", &r.message_id));
        let head =
            Head { caller, command_id: &r.command_id, expected_version: r.expected_version, now: (self.clock)() };
        let (asked, (conversation, message)) =
            request::with_head(head, rest).map_err(|violations| speaker.invalid(violations))?;
        let request = CancelRequest { asked, conversation, message };
        let answer = self.messages.cancel(&request).await;
        let answer = answer.map_err(|error| self.refusal(&speaker, conversation, &request.asked, error))?;
        let tenant = &request.asked.caller.tenant;
        let state = response::state(&r.conversation_id, &answer, (self.clock)(), tenant, self.staff.as_ref());
        Ok(Response::new(proto::CancelSendResponse {
            position: answer.position.to_string(),
            already_so: answer.already_so,
            version: answer.version,
            conversation: Some(state),
        }))
    }

    async fn show_typing(
        &self,
        request: Request<proto::ShowTypingRequest>,
    ) -> Result<Response<proto::ShowTypingResponse>, Status> {
        let speaker = Speaker::of(&request);
        let caller = speaker.caller(&request)?;
        let r = request.into_inner();
        let conversation = request::entity(EntityKind::Conversation, "conversation_id", &r.conversation_id)
            .map_err(|violations| speaker.invalid(violations))?;
        // Nothing is stored, so there is nothing to repeat: the id only names the call in errors.
        let command_id = CommandId::derived(uuid::Uuid::now_v7().as_bytes());
        let asked = Asked { caller, command_id, expected_version: None, now: (self.clock)() };
        let shown = self.messages.show_typing(self.marks.as_ref(), &asked, conversation).await;
        let shown = shown.map_err(|error| self.refusal(&speaker, conversation, &asked, error))?;
        Ok(Response::new(proto::ShowTypingResponse { already_so: !shown }))
    }
}
