//! `relevo.command.v1.WorkspaceService`.

use std::sync::Arc;

use relevo_domain::quick_reply::QuickReply;
use relevo_domain::workspace::{Command, State};
use relevo_domain::{Clock, CommandId, EntityId, TagId, TagName};
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::workspace_service_server::WorkspaceService;
use relevo_proto::query::v1 as words;
use tonic::{Request, Response, Status};

use super::conversation::fresh_tag;
use super::problem::Speaker;
use super::request::{self, Head, Violations};
use super::{Staff, detection, response};
use crate::execute::{Answer, Asked};
use crate::workspace::{WorkspaceRequest, Workspaces};

/// The workspace service.
#[derive(Clone)]
pub struct WorkspaceCommands {
    workspaces: Workspaces,
    staff: Arc<dyn Staff>,
    clock: Clock,
}

impl WorkspaceCommands {
    pub(super) const fn new(workspaces: Workspaces, staff: Arc<dyn Staff>, clock: Clock) -> Self {
        Self { workspaces, staff, clock }
    }

    /// What every command has in common, once its own fields are read. Answers with the tag that the command is about, too.
    async fn execute(
        &self,
        speaker: &Speaker,
        head: Head<'_>,
        command: Result<Command, Violations>,
    ) -> Result<(Answer<State>, Option<words::Tag>), Status> {
        let (asked, command) = request::with_head(head, command).map_err(|violations| speaker.invalid(violations))?;
        let request = WorkspaceRequest { asked, command };
        match self.workspaces.execute(&request).await {
            Ok(answer) => {
                let tag = match &request.command {
                    Command::CreateTag { name, .. } => named(&answer.now, name),
                    Command::ChangeTag { tag, .. } | Command::DeleteTag { tag } => shown(&answer.now, *tag),
                    Command::SetQuickReply { .. } | Command::RemoveQuickReply { .. } | Command::SetDetection(_) => None,
                };
                Ok((answer, tag))
            }
            Err(error) => Err(speaker.refusal(EntityId::WORKSPACE, &request.asked, error, self.staff.as_ref())),
        }
    }
}

/// One RPC: its own fields become a command, its answer gets the common fields and `extra`, which may use the tag.
macro_rules! rpc {
    (
        $self:ident, $request:ident, $response:ident, |$r:ident| $command:expr,
        $tag:ident => { $($field:ident: $extra:expr),* }
    ) => {{
        let speaker = Speaker::of(&$request);
        let caller = speaker.caller(&$request)?;
        let $r = $request.into_inner();
        let (command_id, expected_version) = ($r.command_id.as_str(), $r.expected_version);
        let head = Head { caller, command_id, expected_version, now: ($self.clock)() };
        let (answer, $tag) = $self.execute(&speaker, head, $command).await?;
        Ok(Response::new(proto::$response {
            position: answer.position.to_string(),
            already_so: answer.already_so,
            version: answer.version,
            $($field: $extra,)*
        }))
    }};
}

#[tonic::async_trait]
impl WorkspaceService for WorkspaceCommands {
    async fn create_tag(
        &self,
        request: Request<proto::CreateTagRequest>,
    ) -> Result<Response<proto::CreateTagResponse>, Status> {
        rpc!(self, request, CreateTagResponse, |r| request::create_tag(&r.name, &r.colour, fresh_tag()), tag => { tag: tag })
    }

    async fn change_tag(
        &self,
        request: Request<proto::ChangeTagRequest>,
    ) -> Result<Response<proto::ChangeTagResponse>, Status> {
        rpc!(self, request, ChangeTagResponse, |r| request::change_tag(&r), tag => { tag: tag })
    }

    async fn delete_tag(
        &self,
        request: Request<proto::DeleteTagRequest>,
    ) -> Result<Response<proto::DeleteTagResponse>, Status> {
        rpc!(self, request, DeleteTagResponse, |r| request::tag_id(&r.tag_id).map(|tag| Command::DeleteTag { tag }), _tag => {})
    }

    async fn set_quick_reply(
        &self,
        request: Request<proto::SetQuickReplyRequest>,
    ) -> Result<Response<proto::SetQuickReplyResponse>, Status> {
        rpc!(self, request, SetQuickReplyResponse, |r| Ok(Command::SetQuickReply {
            name: r.name.clone(),
            reply: QuickReply { title: r.title.clone(), text: r.text.clone() },
        }), _tag => {})
    }

    async fn remove_quick_reply(
        &self,
        request: Request<proto::RemoveQuickReplyRequest>,
    ) -> Result<Response<proto::RemoveQuickReplyResponse>, Status> {
        rpc!(self, request, RemoveQuickReplyResponse, |r| Ok(Command::RemoveQuickReply { name: r.name.clone() }), _tag => {})
    }

    async fn get_detection(
        &self,
        request: Request<proto::GetDetectionRequest>,
    ) -> Result<Response<proto::GetDetectionResponse>, Status> {
        let speaker = Speaker::of(&request);
        let caller = speaker.caller(&request)?;
        if !caller.role.is_staff() {
            return Err(speaker.forbidden(caller.role));
        }
        // Nothing is stored, so there is nothing to repeat: the id only names the call in errors.
        let command_id = CommandId::derived(uuid::Uuid::now_v7().as_bytes());
        let asked = Asked { caller, command_id, expected_version: None, now: (self.clock)() };
        let policy = self.workspaces.detection(&asked.caller.tenant).await;
        let policy =
            policy.map_err(|error| speaker.refusal(EntityId::WORKSPACE, &asked, error, self.staff.as_ref()))?;
        Ok(Response::new(proto::GetDetectionResponse { policy: Some(detection::policy(&policy)) }))
    }

    async fn set_detection(
        &self,
        request: Request<proto::SetDetectionRequest>,
    ) -> Result<Response<proto::SetDetectionResponse>, Status> {
        let speaker = Speaker::of(&request);
        let caller = speaker.caller(&request)?;
        let r = request.into_inner();
        let change = detection::change(&r).map_err(|violations| speaker.invalid_among(violations))?;
        let (command_id, expected_version) = (r.command_id.as_str(), r.expected_version);
        let head = Head { caller, command_id, expected_version, now: (self.clock)() };
        let (answer, _tag) = self.execute(&speaker, head, Ok(Command::SetDetection(Box::new(change)))).await?;
        Ok(Response::new(proto::SetDetectionResponse {
            position: answer.position.to_string(),
            already_so: answer.already_so,
            version: answer.version,
            policy: Some(detection::policy(&answer.now.detection)),
        }))
    }
}

fn named(state: &State, name: &TagName) -> Option<words::Tag> {
    shown(state, state.tag_named(name)?)
}

fn shown(state: &State, id: TagId) -> Option<words::Tag> {
    state.tags.get(&id).map(|tag| response::tag(id, tag))
}
