//! A member of staff who writes to customers, and sees what becomes of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use relevo_proto::Problem;
use relevo_proto::admin::v1 as admin;
use relevo_proto::admin::v1::channel_service_client::ChannelServiceClient;
use relevo_proto::command::v1 as command;
use relevo_proto::command::v1::channel_command_service_client::ChannelCommandServiceClient;
use relevo_proto::command::v1::outgoing_message::Body;
use relevo_proto::command::v1::send_service_client::SendServiceClient;
use relevo_proto::query::v1 as query;
use relevo_proto::query::v1::file_service_client::FileServiceClient;
use relevo_proto::query::v1::template_service_client::TemplateServiceClient;
use tonic::Status;

use super::cases::{Verdict, Wrong};
use super::rig::{MAIL, META, SIDE, TWILIO, key};
use crate::client::fresh_id;
use crate::{Broker, Client};

/// How long a state may take that needs no pause of Relevo's own, on a loaded machine.
pub const SOON: Duration = Duration::from_mins(1);
const POLL_EVERY: Duration = Duration::from_millis(20);

/// A message that was queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub conversation: String,
    pub message: String,
}

/// Everything that was queued.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<Vec<Sent>>>);

/// Somebody at work.
#[derive(Clone)]
pub struct Desk {
    pub client: Client,
    http: String,
    key: String,
    ledger: Ledger,
}

// === impl Ledger ===

impl Ledger {
    pub fn all(&self) -> Vec<Sent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, sent: &Sent) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sent.clone());
    }
}

// === impl Desk ===

impl Desk {
    pub fn at(broker: &Broker, who: &str, ledger: &Ledger) -> Self {
        let client = Client::new(&broker.grpc, &key(who));
        Self { client, http: broker.http.clone(), key: key(who), ledger: ledger.clone() }
    }

    fn sends(&self) -> SendServiceClient<tonic::transport::Channel> {
        SendServiceClient::new(self.client.channel())
    }

    /// Waits until every WhatsApp channel has its templates.
    pub async fn templates_known(&self) -> Verdict {
        for channel in [META, SIDE, TWILIO] {
            self.templates_of(channel).await?;
        }
        Ok(())
    }

    /// Waits until a channel has its templates.
    pub async fn templates_of(&self, channel: &str) -> Verdict {
        until(
            SOON,
            || format!("templates of {channel}"),
            async || {
                let list = query::ListTemplatesRequest { channel_id: channel.to_owned(), ..Default::default() };
                let mut service = TemplateServiceClient::new(self.client.channel());
                let answer =
                    service.list_templates(self.client.request(list)).await.map_err(|status| status.to_string())?;
                if answer.into_inner().templates.is_empty() { Err("none".to_owned()) } else { Ok(()) }
            },
        )
        .await
    }

    /// The conversation of a customer on a channel, once it is there.
    pub async fn conversation_of(&self, channel: &str, who: &str) -> Verdict<String> {
        let filter = query::ConversationFilter {
            statuses: vec![query::ConversationStatus::Open.into(), query::ConversationStatus::Resolved.into()],
            channel_ids: vec![channel.to_owned()],
            search: who.to_owned(),
            ..Default::default()
        };
        let list = query::ListConversationsRequest { filter: Some(filter), page_size: 10, ..Default::default() };
        until(
            SOON,
            || format!("a conversation of {who} on {channel}"),
            async || {
                let answer = self.client.inbox().list_conversations(self.client.request(list.clone())).await;
                match answer {
                    Ok(answer) => answer
                        .into_inner()
                        .conversations
                        .pop()
                        .map(|row| row.conversation_id)
                        .ok_or_else(|| "none".to_owned()),
                    Err(status) => Err(status.to_string()),
                }
            },
        )
        .await
    }

    /// Whether the customer has a conversation on a channel by now.
    pub async fn has_conversation(&self, channel: &str, who: &str) -> bool {
        let filter = query::ConversationFilter {
            channel_ids: vec![channel.to_owned()],
            search: who.to_owned(),
            ..Default::default()
        };
        let list = query::ListConversationsRequest { filter: Some(filter), page_size: 1, ..Default::default() };
        let answer = self.client.inbox().list_conversations(self.client.request(list)).await;
        answer.is_ok_and(|answer| !answer.into_inner().conversations.is_empty())
    }

    /// Adds a channel, or replaces one that was added.
    pub async fn add_channel(&self, definition: &str, replace: bool) -> Verdict {
        let add = admin::AddChannelRequest { definition: definition.to_owned(), replace };
        let answer = ChannelServiceClient::new(self.client.channel()).add_channel(self.client.request(add)).await;
        answer.map(drop).map_err(|status| Wrong::new("the channel is added", format!("{status:?}")))
    }

    /// Waits until a part of a channel is doing like this; answers with class and code of the failure.
    pub async fn health_of(&self, channel: &str, part: &str, state: &str) -> Verdict<(String, String)> {
        until(
            SOON,
            || format!("{part} of {channel} is {state}"),
            async || {
                let list = self.client.request(admin::ListChannelsRequest {});
                let answer = ChannelServiceClient::new(self.client.channel()).list_channels(list).await;
                let channels = answer.map_err(|status| status.to_string())?.into_inner().channels;
                let found = channels.into_iter().find(|one| one.channel_id == channel);
                let health = found.map(|one| one.health).unwrap_or_default();
                let at = health.iter().find(|one| one.part == part && one.state().as_str_name() == state);
                at.map(|one| (one.failure_class.clone(), one.code.clone())).ok_or_else(|| format!("{health:?}"))
            },
        )
        .await
    }

    /// Updates that came by mail and are counted.
    pub async fn mails_counted(&self) -> Verdict<u64> {
        let status = self.client.intake_status().await.map_err(|status| Wrong::new("counts", status.to_string()))?;
        Ok(status.channels.iter().filter(|(name, _)| name.ends_with(MAIL)).map(|(_, counters)| counters.updates).sum())
    }

    /// Shows the customer that the caller writes.
    pub async fn show_typing(&self, conversation: &str) -> Result<(), tonic::Status> {
        let request = command::ShowTypingRequest { conversation_id: conversation.to_owned() };
        self.sends().show_typing(self.client.request(request)).await.map(drop)
    }

    pub async fn try_send(&self, conversation: &str, message: command::OutgoingMessage) -> Result<Sent, Status> {
        let request = command::SendMessageRequest {
            command_id: fresh_id(),
            conversation_id: conversation.to_owned(),
            message: Some(message),
            ..Default::default()
        };
        self.command(request).await
    }

    /// The command as it stands.
    pub async fn command(&self, request: command::SendMessageRequest) -> Result<Sent, Status> {
        let conversation = request.conversation_id.clone();
        let answer = self.sends().send_message(self.client.request(request)).await?.into_inner();
        let sent = Sent { conversation, message: answer.message_id };
        self.ledger.note(&sent);
        Ok(sent)
    }

    /// The same; answers where it stands on the log.
    pub async fn command_at(&self, request: command::SendMessageRequest) -> Result<(String, bool), Status> {
        let conversation = request.conversation_id.clone();
        let answer = self.sends().send_message(self.client.request(request)).await?.into_inner();
        self.ledger.note(&Sent { conversation, message: answer.message_id });
        Ok((answer.position, false))
    }

    /// The version of a conversation as its list shows it.
    pub async fn version(&self, conversation: &str) -> Verdict<u64> {
        let get = query::GetConversationRequest { conversation_id: conversation.to_owned(), ..Default::default() };
        let answer = self.client.inbox().get_conversation(self.client.request(get)).await;
        let found = answer.map_err(|status| Wrong::new("the conversation", refusal(&status)))?.into_inner();
        Ok(found.conversation.unwrap_or_default().version)
    }

    pub async fn send(&self, conversation: &str, message: command::OutgoingMessage) -> Verdict<Sent> {
        self.try_send(conversation, message).await.map_err(|status| Wrong::new("queued", refusal(&status)))
    }

    /// Queues a text.
    pub async fn say(&self, conversation: &str, text: &str) -> Verdict<Sent> {
        self.send(conversation, self::text(text)).await
    }

    pub async fn try_start(
        &self,
        channel: &str,
        recipient: &str,
        message: command::OutgoingMessage,
    ) -> Result<Sent, Status> {
        let request = command::StartConversationRequest {
            command_id: fresh_id(),
            channel_id: channel.to_owned(),
            recipient: recipient.to_owned(),
            name: String::new(),
            message: Some(message),
            pause: None,
        };
        let answer = self.sends().start_conversation(self.client.request(request)).await?.into_inner();
        let conversation = answer.conversation.map(|state| state.conversation_id).unwrap_or_default();
        let sent = Sent { conversation, message: answer.message_id };
        self.ledger.note(&sent);
        Ok(sent)
    }

    /// The message as its thread shows it now.
    pub async fn seen(&self, sent: &Sent) -> Result<query::Message, String> {
        let mut messages = self.try_messages(&sent.conversation).await?.into_iter();
        messages.find(|message| message.message_id == sent.message).ok_or_else(|| "not in its thread".to_owned())
    }

    /// All messages of a conversation, as far as there is an answer: a thread may have many pages.
    pub async fn try_messages(&self, conversation: &str) -> Result<Vec<query::Message>, String> {
        let (mut messages, mut page_token) = (Vec::new(), String::new());
        loop {
            let list = query::ListMessagesRequest {
                conversation_id: conversation.to_owned(),
                page_size: 200,
                page_token,
                ..Default::default()
            };
            let answer = self.client.inbox().list_messages(self.client.request(list)).await;
            let page = answer.map_err(|status| status.to_string())?.into_inner();
            messages.extend(page.entries.into_iter().filter_map(|entry| match entry.entry {
                Some(query::thread_entry::Entry::Message(message)) => Some(message),
                _ => None,
            }));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(messages);
            }
        }
    }

    /// Waits until the message has a state.
    pub async fn reaches(&self, sent: &Sent, state: query::SendState) -> Verdict<query::Outgoing> {
        self.reaches_within(sent, state, SOON).await
    }

    pub async fn reaches_within(
        &self,
        sent: &Sent,
        state: query::SendState,
        within: Duration,
    ) -> Verdict<query::Outgoing> {
        let expected = || format!("{} {}", sent.message, state.as_str_name());
        until(within, expected, async || {
            let message = self.seen(sent).await?;
            let outgoing = message.outgoing.ok_or_else(|| "not of the business".to_owned())?;
            if outgoing.state() == state { Ok(outgoing) } else { Err(told(&outgoing)) }
        })
        .await
    }

    /// Waits until the message has failed, with this class and code.
    pub async fn fails(&self, sent: &Sent, class: &str, code: &str) -> Verdict {
        let outgoing = self.reaches(sent, query::SendState::Failed).await?;
        let failure = outgoing.failure.clone().unwrap_or_default();
        let as_expected = failure.class == class && failure.code == code && !failure.explanation.is_empty();
        Wrong::unless(as_expected, || format!("{class} {code} with an explanation"), || told(&outgoing))
    }

    /// Lets a channel send, or not.
    pub async fn switch(&self, channel: &str, on: bool) -> Verdict {
        let mut service = ChannelCommandServiceClient::new(self.client.channel());
        let (command_id, channel_id) = (fresh_id(), channel.to_owned());
        let answer = if on {
            let resume = command::ResumeChannelRequest { command_id, channel_id, expected_version: None };
            service.resume_channel(self.client.request(resume)).await.map(drop)
        } else {
            let pause = command::PauseChannelRequest { command_id, channel_id, expected_version: None };
            service.pause_channel(self.client.request(pause)).await.map(drop)
        };
        answer.map_err(|status| Wrong::new("the channel is paused or resumed", refusal(&status)))
    }

    /// Stores a file.
    pub async fn file(&self, bytes: impl Into<Vec<u8>>, mime_type: &str, name: &str) -> Verdict<command::FileRef> {
        let request = reqwest::Client::new()
            .post(format!("{}/v1/files", self.http))
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", mime_type)
            .body(bytes.into());
        let broken = |error: reqwest::Error| Wrong::new("a file is stored", error.to_string());
        let answer = request.send().await.map_err(broken)?;
        let status = answer.status();
        let stored: serde_json::Value = answer.json().await.map_err(broken)?;
        let sha256 = stored["sha256"].as_str().unwrap_or_default().to_owned();
        Wrong::unless(
            status.is_success() && !sha256.is_empty(),
            || "a file is stored".to_owned(),
            || format!("{status} {stored}"),
        )?;
        let mime_type = stored["mime_type"].as_str().unwrap_or_default().to_owned();
        Ok(command::FileRef { sha256, mime_type, file_name: name.to_owned() })
    }

    pub async fn file_url(
        &self,
        conversation: &str,
        message: &str,
        attachment: u32,
    ) -> Result<query::GetFileUrlResponse, Status> {
        let request = query::GetFileUrlRequest {
            conversation_id: conversation.to_owned(),
            message_id: message.to_owned(),
            attachment,
            ..Default::default()
        };
        let mut service = FileServiceClient::new(self.client.channel());
        Ok(service.get_file_url(self.client.request(request)).await?.into_inner())
    }

    /// The messages of a thread, oldest first.
    pub async fn messages(&self, conversation: &str) -> Vec<query::Message> {
        let entries = self.client.thread(conversation).await.into_iter();
        let mut messages: Vec<query::Message> = entries
            .filter_map(|entry| match entry.entry {
                Some(query::thread_entry::Entry::Message(message)) => Some((entry.entry_id, message)),
                _ => None,
            })
            .collect::<std::collections::BTreeMap<_, _>>()
            .into_values()
            .collect();
        messages.shrink_to_fit();
        messages
    }
}

/// Asks until there is an answer, or says what was seen last.
pub async fn until<T>(
    within: Duration,
    expected: impl Fn() -> String,
    mut ask: impl AsyncFnMut() -> Result<T, String>,
) -> Verdict<T> {
    let end = Instant::now() + within;
    loop {
        match ask().await {
            Ok(found) => return Ok(found),
            Err(seen) if Instant::now() >= end => {
                return Err(Wrong::new(format!("{} within {within:?}", expected()), seen));
            }
            Err(_) => tokio::time::sleep(POLL_EVERY).await,
        }
    }
}

/// The word for a refusal of ours.
pub fn refusal(status: &Status) -> String {
    Problem::from_status(status).map_or_else(|| status.to_string(), |problem| problem.code.as_str().to_owned())
}

/// A message with a body.
pub const fn message(body: Body) -> command::OutgoingMessage {
    command::OutgoingMessage { reply_to: String::new(), sign: false, body: Some(body) }
}

/// A text.
pub fn text(text: &str) -> command::OutgoingMessage {
    message(Body::Text(command::OutgoingText { text: text.to_owned(), preview_url: false }))
}

/// How a message stands, for whoever reads of a wrong case.
pub fn told(outgoing: &query::Outgoing) -> String {
    let failure = outgoing.failure.as_ref().map(|failure| format!(" ({} {})", failure.class, failure.code));
    format!("{}, {} attempts{}", outgoing.state().as_str_name(), outgoing.attempts, failure.unwrap_or_default())
}
