//! The connection of one command to the broker: credential, language and time limit on every call, and one way of repeating.
//!
//! Decides nothing about what is printed.

use std::future::Future;
use std::time::Duration;

use relevo_catalogue::Language;
use relevo_proto::admin::v1::channel_service_client::ChannelServiceClient;
use relevo_proto::admin::v1::intake_service_client::IntakeServiceClient;
use relevo_proto::admin::v1::log_service_client::LogServiceClient;
use relevo_proto::admin::v1::topic_service_client::TopicServiceClient;
use relevo_proto::admin::v1::view_service_client::ViewServiceClient;
use relevo_proto::command::v1::bulk_command_service_client::BulkCommandServiceClient;
use relevo_proto::command::v1::channel_command_service_client::ChannelCommandServiceClient;
use relevo_proto::command::v1::contact_service_client::ContactServiceClient;
use relevo_proto::command::v1::conversation_service_client::ConversationServiceClient;
use relevo_proto::command::v1::send_service_client::SendServiceClient;
use relevo_proto::command::v1::workspace_service_client::WorkspaceServiceClient;
use relevo_proto::query::v1::assignment_service_client::AssignmentServiceClient;
use relevo_proto::query::v1::bulk_service_client::BulkServiceClient;
use relevo_proto::query::v1::file_service_client::FileServiceClient;
use relevo_proto::query::v1::inbox_service_client::InboxServiceClient;
use relevo_proto::query::v1::metrics_service_client::MetricsServiceClient;
use relevo_proto::query::v1::pause_service_client::PauseServiceClient;
use relevo_proto::query::v1::quick_reply_service_client::QuickReplyServiceClient;
use relevo_proto::query::v1::template_service_client::TemplateServiceClient;
use tokio::time::Instant;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use super::failure::Failure;
use super::global::Global;

/// The first pause between two attempts; it doubles up to the maximum.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(2);

/// Connecting takes milliseconds or does not happen.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A check asks several servers, each of which may be slow.
const PATIENT: Duration = Duration::from_secs(90);

/// The largest answer that is read, in bytes: a page of 200 mails of 256 KiB each, and room.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// The longest that a server waits for a position, in milliseconds (its own limit).
const POSITION_WAIT_MAX_MS: u128 = 30_000;

/// A command's way to the broker.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    channel: Channel,
    server: String,
    authorization: MetadataValue<Ascii>,
    language: MetadataValue<Ascii>,
    timeout: Duration,
    deadline: Instant,
}

impl Client {
    /// Prepares the connection; nothing is sent yet.
    pub(crate) fn new(global: &Global) -> Result<Self, Failure> {
        let key = global.api_key.as_deref().map(str::trim).filter(|key| !key.is_empty()).ok_or(Failure::NoKey)?;
        let mut authorization: MetadataValue<Ascii> =
            format!("Bearer {key}").parse().map_err(|_not_ascii| Failure::BadKey)?;
        authorization.set_sensitive(true);
        let bad_server = |_error| Failure::BadServer { server: global.server.clone() };
        let server =
            if global.server.contains("://") { global.server.clone() } else { format!("http://{}", global.server) };
        if !server.starts_with("http://") {
            return Err(Failure::BadServer { server });
        }
        let endpoint = Endpoint::from_shared(server.clone()).map_err(bad_server)?.connect_timeout(CONNECT_TIMEOUT);
        let language = match global.language() {
            Language::Es => "es",
            Language::En => "en",
        };
        Ok(Self {
            channel: endpoint.connect_lazy(),
            server,
            authorization,
            language: MetadataValue::from_static(language),
            timeout: global.timeout,
            deadline: Instant::now() + global.timeout,
        })
    }

    /// The same client with its time anew, for the next one of many pages.
    pub(crate) fn anew(&self) -> Self {
        Self { deadline: Instant::now() + self.timeout, ..self.clone() }
    }

    /// The same client with its time anew and enough of it to ask others: at least a minute and a half.
    pub(crate) fn patient(&self) -> Self {
        let timeout = self.timeout.max(PATIENT);
        Self { deadline: Instant::now() + timeout, timeout, ..self.clone() }
    }

    pub(crate) fn inbox(&self) -> InboxServiceClient<Channel> {
        InboxServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_MAX)
    }

    pub(crate) fn conversations(&self) -> ConversationServiceClient<Channel> {
        ConversationServiceClient::new(self.channel.clone())
    }

    pub(crate) fn contacts(&self) -> ContactServiceClient<Channel> {
        ContactServiceClient::new(self.channel.clone())
    }

    pub(crate) fn workspace(&self) -> WorkspaceServiceClient<Channel> {
        WorkspaceServiceClient::new(self.channel.clone())
    }

    pub(crate) fn pauses(&self) -> PauseServiceClient<Channel> {
        PauseServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_MAX)
    }

    pub(crate) fn bulks(&self) -> BulkServiceClient<Channel> {
        BulkServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_MAX)
    }

    pub(crate) fn bulk_commands(&self) -> BulkCommandServiceClient<Channel> {
        BulkCommandServiceClient::new(self.channel.clone())
    }

    pub(crate) fn assignments(&self) -> AssignmentServiceClient<Channel> {
        AssignmentServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_MAX)
    }

    pub(crate) fn metrics(&self) -> MetricsServiceClient<Channel> {
        MetricsServiceClient::new(self.channel.clone())
    }

    pub(crate) fn intake(&self) -> IntakeServiceClient<Channel> {
        IntakeServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_MAX)
    }

    pub(crate) fn channels(&self) -> ChannelServiceClient<Channel> {
        ChannelServiceClient::new(self.channel.clone())
    }

    pub(crate) fn channel_commands(&self) -> ChannelCommandServiceClient<Channel> {
        ChannelCommandServiceClient::new(self.channel.clone())
    }

    pub(crate) fn sends(&self) -> SendServiceClient<Channel> {
        SendServiceClient::new(self.channel.clone())
    }

    pub(crate) fn templates(&self) -> TemplateServiceClient<Channel> {
        TemplateServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_MAX)
    }

    pub(crate) fn quick_replies(&self) -> QuickReplyServiceClient<Channel> {
        QuickReplyServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_MAX)
    }

    pub(crate) fn files(&self) -> FileServiceClient<Channel> {
        FileServiceClient::new(self.channel.clone())
    }

    pub(crate) fn log(&self) -> LogServiceClient<Channel> {
        LogServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_MAX)
    }

    pub(crate) fn topics(&self) -> TopicServiceClient<Channel> {
        TopicServiceClient::new(self.channel.clone())
    }

    pub(crate) fn views(&self) -> ViewServiceClient<Channel> {
        ViewServiceClient::new(self.channel.clone())
    }

    /// The header that says who asks, for HTTP.
    pub(crate) fn authorization(&self) -> &[u8] {
        self.authorization.as_bytes()
    }

    /// The language to be answered in, for HTTP.
    pub(crate) fn language(&self) -> &[u8] {
        self.language.as_bytes()
    }

    /// A call with credential and language.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.authorization.clone());
        request.metadata_mut().insert("accept-language", self.language.clone());
        request
    }

    /// How long a server may wait for a position on this command's behalf, in milliseconds.
    ///
    /// A quarter of the time is left for the answer, so that a view that is behind is told as that and not as silence.
    pub(crate) fn position_wait_ms(&self) -> u32 {
        let wait = self.timeout.as_millis() * 3 / 4;
        u32::try_from(wait.clamp(1, POSITION_WAIT_MAX_MS)).unwrap_or(u32::MAX)
    }

    /// The answer to one call, within the command's time.
    pub(crate) async fn once<T>(&self, call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, Failure> {
        match tokio::time::timeout_at(self.deadline, call).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(Failure::from_status(&status, &self.server)),
            Err(_elapsed) => Err(Failure::TimedOut { server: self.server.clone(), timeout: self.timeout }),
        }
    }

    /// The answer to a call that is safe to repeat (a write with a command id): repeated while its outcome is unknown or the log
    /// or the server is away, until the command's time is over. The last failure is the one that is told.
    pub(crate) async fn until_known<T, Call>(&self, mut call: impl FnMut() -> Call) -> Result<T, Failure>
    where
        Call: Future<Output = Result<Response<T>, Status>>,
    {
        let mut pause = RETRY_FIRST;
        let mut last = None;
        loop {
            match self.once(call()).await {
                Err(failure) if failure.worth_repeating() && Instant::now() + pause < self.deadline => {
                    last = Some(failure);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(RETRY_MAX);
                }
                // Running out of time while repeating tells less than what the attempts before it met.
                Err(Failure::TimedOut { .. }) if last.is_some() => return Err(last.unwrap_or(Failure::NoKey)),
                answer => return answer,
            }
        }
    }

    /// A stream: the time limit holds until it begins.
    pub(crate) async fn stream<T>(
        &self,
        call: impl Future<Output = Result<Response<tonic::Streaming<T>>, Status>>,
    ) -> Result<Incoming<T>, Failure> {
        Ok(Incoming { stream: self.once(call).await?, server: self.server.clone() })
    }
}

/// Messages of a stream as they come.
#[derive(Debug)]
pub(crate) struct Incoming<T> {
    stream: tonic::Streaming<T>,
    server: String,
}

impl<T> Incoming<T> {
    /// The next message, or nothing when the server has ended the stream.
    pub(crate) async fn next(&mut self) -> Result<Option<T>, Failure> {
        self.stream.message().await.map_err(|status| Failure::from_status(&status, &self.server))
    }
}
