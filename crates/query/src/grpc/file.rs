//! FileService: where the file of an attachment can be had, and the HTML of a mail made safe. Whoever may read the thread may
//! have its files.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use relevo_domain::conversation::{Attachment, Body, ConversationEvent};
use relevo_domain::{Caller, EntityId, Event, MessageId, Recorded, Timestamp};
use relevo_projector_inbox as inbox;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::file_service_server::FileService;
use relevo_proto::time::to_wire;
use tonic::{Request, Response, Status};

use super::inbox::visible;
use crate::error::{QueryError, Rule};
use crate::files::{Addressed, FileSource};
use crate::mail_html::sanitise;
use crate::request::{Fields, Freshness, answer};
use crate::{Query, access, moment, read};

/// How long an address is good: as long as somebody looks at a conversation, and not so long that it can be passed on.
const GOOD_FOR: Duration = Duration::from_mins(10);
/// Attachments of one message that are found: those after it have no address.
const INLINE_MAX: usize = 500;

/// The service: the views, and where files are.
#[derive(Clone)]
pub struct Files {
    query: Query,
    source: Arc<dyn FileSource>,
}

impl Files {
    pub(crate) fn new(query: Query, source: Arc<dyn FileSource>) -> Self {
        Self { query, source }
    }
}

#[tonic::async_trait]
impl FileService for Files {
    async fn get_file_url(
        &self,
        request: Request<wire::GetFileUrlRequest>,
    ) -> Result<Response<wire::GetFileUrlResponse>, Status> {
        answer(request, |caller, request| self.url(caller, request)).await
    }

    async fn get_mail_html(
        &self,
        request: Request<wire::GetMailHtmlRequest>,
    ) -> Result<Response<wire::GetMailHtmlResponse>, Status> {
        answer(request, |caller, request| self.html(caller, request)).await
    }
}

/// A message as the thread has it.
struct Found {
    message: inbox::Message,
    /// Position of the commit that brought it.
    sequence: u64,
    position: String,
}

impl Files {
    async fn url(
        &self,
        caller: Caller,
        request: wire::GetFileUrlRequest,
    ) -> Result<wire::GetFileUrlResponse, QueryError> {
        let mut fields = Fields::default();
        let conversation = fields.conversation(&request.conversation_id);
        let message = message_id(&mut fields, &request.message_id);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let found = self.find(&caller, conversation, message, freshness).await?;
        let index = usize::try_from(request.attachment).unwrap_or(usize::MAX);
        let attachment = found.message.attachments.get(index);
        let attachment =
            attachment.ok_or(QueryError::AttachmentNotFound { message, state: "", reason: String::new() })?;
        let missing =
            |state, reason: &str| QueryError::AttachmentNotFound { message, state, reason: reason.to_owned() };
        match attachment.state() {
            inbox::AttachmentState::Stored => {}
            inbox::AttachmentState::Pending => return Err(missing("pending", "")),
            inbox::AttachmentState::Unavailable => return Err(missing("unavailable", &attachment.unavailable)),
        }
        let valid_until = (self.query.inner.ports.now)() + GOOD_FOR;
        let file = addressed(attachment, request.download, valid_until);
        let url = self.source.address(&caller.tenant, &file).ok_or(QueryError::NoAddress)?;
        Ok(wire::GetFileUrlResponse {
            url,
            expires_at: Some(to_wire(valid_until)),
            mime_type: file.mime_type,
            size_bytes: attachment.size_bytes.unwrap_or_default(),
            sha256: file.sha256,
            file_name: file.file_name.unwrap_or_default(),
            position: found.position,
        })
    }

    async fn html(
        &self,
        caller: Caller,
        request: wire::GetMailHtmlRequest,
    ) -> Result<wire::GetMailHtmlResponse, QueryError> {
        let mut fields = Fields::default();
        let conversation = fields.conversation(&request.conversation_id);
        let message = message_id(&mut fields, &request.message_id);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let found = self.find(&caller, conversation, message, freshness).await?;
        let recorded = self.source.commit(found.sequence).await.map_err(QueryError::History)?;
        let Some((html, attachments)) = recorded.and_then(|recorded| html_of(recorded, conversation, message)) else {
            return Ok(wire::GetMailHtmlResponse { position: found.position, ..Default::default() });
        };
        let valid_until = (self.query.inner.ports.now)() + GOOD_FOR;
        let inline = self.inline(&caller, &attachments, &found.message.attachments, valid_until);
        let expires_at = (!inline.is_empty()).then(|| to_wire(valid_until));
        // A quarter of a megabyte of tags takes a while.
        let safe = read(move || Ok(sanitise(&html, inline, request.load_remote))).await?;
        let (html, remote_images, position) = (safe.html, safe.remote_images, found.position);
        Ok(wire::GetMailHtmlResponse { html, remote_images, expires_at, position })
    }

    /// The message, if it exists for the caller.
    async fn find(
        &self,
        caller: &Caller,
        conversation: EntityId,
        message: MessageId,
        freshness: Freshness,
    ) -> Result<Found, QueryError> {
        access::may_read_threads(caller)?;
        let snapshot = moment::take(&self.query.inner.views.inbox, freshness).await?;
        let (position, now, caller) = (snapshot.position(), (self.query.inner.ports.now)(), caller.clone());
        read(move || {
            visible(&snapshot, &caller, conversation, now)?;
            let entry = inbox::thread_message(&snapshot, &caller.tenant, conversation, &caller, message)?;
            let missing = QueryError::MessageNotFound { message };
            let Some(entry) = entry else { return Err(missing) };
            let inbox::Entry::Message(found) = entry.entry else { return Err(missing) };
            // What was taken back is not read any more.
            if found.revoked_at.is_some() {
                return Err(missing);
            }
            Ok(Found { message: found, sequence: entry.place.sequence, position: position.to_string() })
        })
        .await
    }

    /// Where the pictures of the mail itself are, by content id.
    fn inline(
        &self,
        caller: &Caller,
        attachments: &[Attachment],
        rows: &[inbox::Attachment],
        valid_until: Timestamp,
    ) -> HashMap<String, String> {
        let stored = attachments.iter().zip(rows).take(INLINE_MAX);
        let stored = stored.filter(|(_, row)| row.state() == inbox::AttachmentState::Stored);
        let addresses = stored.filter_map(|(attachment, row)| {
            let id = attachment.personal.content_id.clone()?;
            Some((id, self.source.address(&caller.tenant, &addressed(row, false, valid_until))?))
        });
        addresses.collect()
    }
}

fn message_id(fields: &mut Fields, text: &str) -> MessageId {
    text.parse().unwrap_or_else(|_bad| {
        fields.refuse("message_id", if text.is_empty() { Rule::Required } else { Rule::Id });
        MessageId::new([0; 16])
    })
}

fn addressed(row: &inbox::Attachment, download: bool, valid_until: Timestamp) -> Addressed {
    Addressed {
        sha256: row.sha256.clone(),
        mime_type: row.mime_type.clone(),
        file_name: Some(row.file_name.clone()).filter(|name| !name.is_empty()),
        download,
        valid_until,
    }
}

/// The HTML of the message, and the attachments that it may name.
fn html_of(recorded: Recorded, conversation: EntityId, message: MessageId) -> Option<(String, Vec<Attachment>)> {
    if recorded.commit.entity != conversation {
        return None;
    }
    recorded.commit.events.into_iter().find_map(|event| {
        let Event::Conversation(event) = event else { return None };
        if let ConversationEvent::MessageReceived(found) | ConversationEvent::MessageEchoed(found) = event {
            let html = if found.id == message { found.content.personal.mail?.html? } else { return None };
            return Some((html, found.content.attachments));
        }
        let ConversationEvent::MessageQueued(queued) = event else { return None };
        let Body::Mail(mail) = queued.body else { return None };
        if queued.id == message { Some((mail.html?, Vec::new())) } else { None }
    })
}
