//! `relevo.command.v1.ChannelCommandService`.

use std::sync::Arc;

use relevo_domain::Clock;
use relevo_domain::channel::{Command, State};
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::channel_command_service_server::ChannelCommandService;
use tonic::{Request, Response, Status};

use super::problem::Speaker;
use super::request::{self, Head};
use super::{Staff, outgoing};
use crate::channel::{ChannelRequest, Channels};
use crate::execute::Answer;

/// The service of commands to channels.
#[derive(Clone)]
pub struct ChannelCommands {
    channels: Channels,
    staff: Arc<dyn Staff>,
    clock: Clock,
}

impl ChannelCommands {
    pub(super) const fn new(channels: Channels, staff: Arc<dyn Staff>, clock: Clock) -> Self {
        Self { channels, staff, clock }
    }

    async fn execute(
        &self,
        speaker: &Speaker,
        head: Head<'_>,
        channel_id: &str,
        command: Command,
    ) -> Result<Answer<State>, Status> {
        let read = request::with_head(head, outgoing::channel(channel_id));
        let (asked, channel) = read.map_err(|violations| speaker.invalid(violations))?;
        let request = ChannelRequest { asked, channel, command };
        let answer = self.channels.execute(&request).await;
        answer.map_err(|error| speaker.channel_refusal(&request.channel, &request.asked, error, self.staff.as_ref()))
    }
}

#[tonic::async_trait]
impl ChannelCommandService for ChannelCommands {
    async fn pause_channel(
        &self,
        request: Request<proto::PauseChannelRequest>,
    ) -> Result<Response<proto::PauseChannelResponse>, Status> {
        let speaker = Speaker::of(&request);
        let caller = speaker.caller(&request)?;
        let r = request.into_inner();
        let (command_id, expected_version) = (r.command_id.as_str(), r.expected_version);
        let head = Head { caller, command_id, expected_version, now: (self.clock)() };
        let answer = self.execute(&speaker, head, &r.channel_id, Command::Pause).await?;
        Ok(Response::new(proto::PauseChannelResponse {
            position: answer.position.to_string(),
            already_so: answer.already_so,
            version: answer.version,
        }))
    }

    async fn resume_channel(
        &self,
        request: Request<proto::ResumeChannelRequest>,
    ) -> Result<Response<proto::ResumeChannelResponse>, Status> {
        let speaker = Speaker::of(&request);
        let caller = speaker.caller(&request)?;
        let r = request.into_inner();
        let (command_id, expected_version) = (r.command_id.as_str(), r.expected_version);
        let head = Head { caller, command_id, expected_version, now: (self.clock)() };
        let answer = self.execute(&speaker, head, &r.channel_id, Command::Resume).await?;
        Ok(Response::new(proto::ResumeChannelResponse {
            position: answer.position.to_string(),
            already_so: answer.already_so,
            version: answer.version,
        }))
    }
}
