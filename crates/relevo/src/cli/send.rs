//! `relevo conversation send|start|cancel-send|typing`: writing to customers. What may be sent is decided by the server.

mod message;
mod upload;

use clap::Args;
use relevo_proto::command::v1::{CancelSendRequest, SendMessageRequest, ShowTypingRequest, StartConversationRequest};

use super::write::{Done, How, Reason, command_id, told, wish};
use super::{Context, Failure, text};
use message::What;
pub(super) use message::value;
pub(super) use upload::deepest;

#[derive(Debug, Args)]
pub(crate) struct Send {
    /// Exact id, `cnv_…`.
    #[arg(value_name = "CONVERSATION")]
    conversation_id: String,
    #[command(flatten)]
    what: What,
    /// Version of the conversation that you have looked at, as a list showed it: if somebody else has answered since, nothing is sent.
    /// Default: not looked at.
    #[arg(long, value_name = "VERSION")]
    seen: Option<u64>,
    /// Sends although somebody else has answered.
    #[arg(long)]
    force: bool,
    /// Pauses the bot for this reason, right before the message: both or neither. Default: as the configuration says.
    #[arg(long, value_enum, value_name = "REASON")]
    pause: Option<Reason>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
pub(crate) struct Start {
    /// Id of the channel to write from, as in `relevo template channels`.
    #[arg(value_name = "CHANNEL")]
    channel_id: String,
    /// Whom to write to: a phone number with its country, or a mail address.
    #[arg(value_name = "RECIPIENT")]
    recipient: String,
    /// What to call them if nobody knows them yet. Default: nothing.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    name: String,
    #[command(flatten)]
    what: What,
    /// Pauses the bot for this reason, right before the message: both or neither. Default: as the configuration says.
    #[arg(long, value_enum, value_name = "REASON")]
    pause: Option<Reason>,
    /// Id of this command, 1 to 128 visible ASCII characters: repeating a command with its id never does it twice. Default: a
    /// fresh UUID.
    #[arg(long, value_name = "ID")]
    command_id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// Exact id, `cnv_…`.
    #[arg(value_name = "CONVERSATION")]
    conversation_id: String,
    /// Id of the message, `msg_…`.
    #[arg(value_name = "MESSAGE")]
    message_id: String,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
pub(crate) struct Typing {
    /// Exact id, `cnv_…`.
    #[arg(value_name = "CONVERSATION")]
    conversation_id: String,
}

impl Send {
    pub(super) fn command_id(&self) -> String {
        command_id(&self.how)
    }

    pub(super) async fn run(self, context: &Context, command_id: &str) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let request = SendMessageRequest {
            command_id: command_id.to_owned(),
            conversation_id: self.conversation_id,
            message: Some(self.what.message(client, false).await?),
            last_seen_version: self.seen,
            force: self.force,
            expected_version: self.how.expected_version,
            pause: self.pause.map(wish),
        };
        let client = &client.anew();
        let answer = client
            .until_known(|| {
                let mut service = client.sends();
                let request = client.request(request.clone());
                async move { service.send_message(request).await }
            })
            .await?;
        if out.json {
            return out.message(&answer);
        }
        let done = Done::of(answer.position, answer.already_so, answer.conversation);
        let done = Done { too_late: answer.already_claimed, ..done };
        out.lines(queued(told(out, "send", &done), &answer.message_id))
    }
}

impl Start {
    pub(super) fn command_id(&self) -> String {
        let how = How { command_id: self.command_id.clone(), expected_version: None };
        command_id(&how)
    }

    pub(super) async fn run(self, context: &Context, command_id: &str) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let request = StartConversationRequest {
            command_id: command_id.to_owned(),
            channel_id: self.channel_id,
            recipient: self.recipient,
            name: self.name,
            message: Some(self.what.message(client, true).await?),
            pause: self.pause.map(wish),
        };
        let client = &client.anew();
        let answer = client
            .until_known(|| {
                let mut service = client.sends();
                let request = client.request(request.clone());
                async move { service.start_conversation(request).await }
            })
            .await?;
        if out.json {
            return out.message(&answer);
        }
        let key = if answer.opened { "start" } else { "send" };
        let done = Done::of(answer.position, answer.already_so, answer.conversation);
        let done = Done { too_late: answer.already_claimed, ..done };
        out.lines(queued(told(out, key, &done), &answer.message_id))
    }
}

impl Cancel {
    pub(super) fn command_id(&self) -> String {
        command_id(&self.how)
    }

    pub(super) async fn run(self, context: &Context, command_id: &str) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let request = CancelSendRequest {
            command_id: command_id.to_owned(),
            conversation_id: self.conversation_id,
            message_id: self.message_id,
            expected_version: self.how.expected_version,
        };
        let answer = client
            .until_known(|| {
                let mut service = client.sends();
                let request = client.request(request.clone());
                async move { service.cancel_send(request).await }
            })
            .await?;
        if out.json {
            return out.message(&answer);
        }
        let done = Done::of(answer.position, answer.already_so, answer.conversation);
        out.lines(told(out, "cancel-send", &done))
    }
}

impl Typing {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let mut service = context.client.sends();
        let request = ShowTypingRequest { conversation_id: self.conversation_id };
        let answer = context.client.once(service.show_typing(context.client.request(request))).await?;
        if context.out.json {
            return context.out.message(&answer);
        }
        let key = if answer.already_so { "cli-already-typing" } else { "cli-done-typing" };
        context.out.lines(vec![context.out.words.t(key)])
    }
}

/// The result with the message's id, which takes it back or shows what becomes of it.
fn queued(mut lines: Vec<String>, message_id: &str) -> Vec<String> {
    if let Some(first) = lines.first_mut() {
        first.push_str(" · ");
        first.push_str(&text::one_line(message_id));
    }
    lines
}
