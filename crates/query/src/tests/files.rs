//! Files of messages and the HTML of mails: who gets them, what is said of those that are not there, and what is left out.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use relevo_domain::conversation::message::{AttachmentPersonal, Author, Content, ContentPersonal, MailPersonal};
use relevo_domain::conversation::{
    Attachment, Body, ConversationEvent, FetchOutcome, Message, MessageFlags, MessageKind, OutgoingMail,
    OutgoingPersonal, Recipient, StoredFile,
};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::{Caller, ErrorCode, MessageId, Recorded, Role, TenantId};
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::file_service_server::FileService as _;
use relevo_proto::query::v1::inbox_service_server::InboxService as _;
use tonic::{Response, Status};

use super::world::{Told, World, ask, caller, clock, code, conversation, granted, refused, supervisor};
use crate::grpc::Files;
use crate::{Addressed, FileSource, HistoryError};

const MAIL: MessageId = MessageId::new([7; 16]);
const ANSWER: MessageId = MessageId::new([8; 16]);

/// The commits of the world, and addresses that say what they grant.
struct Source(HashMap<u64, Recorded>);

#[async_trait::async_trait]
impl FileSource for Source {
    async fn commit(&self, sequence: u64) -> Result<Option<Recorded>, HistoryError> {
        Ok(self.0.get(&sequence).cloned())
    }

    fn address(&self, tenant: &TenantId, file: &Addressed) -> Option<String> {
        let name = file.file_name.as_deref().unwrap_or("-");
        Some(format!("https://r.example/{tenant}/{}/{}/{name}/{}", file.sha256, file.mime_type, file.download))
    }
}

fn attachment(name: &str, content_id: Option<&str>) -> Attachment {
    Attachment {
        mime_type: "image/png".to_owned(),
        sha256: Some("dd".repeat(32)),
        inline: content_id.is_some(),
        personal: AttachmentPersonal {
            file_name: Some(name.to_owned()),
            content_id: content_id.map(str::to_owned),
            ..AttachmentPersonal::default()
        },
        ..Attachment::default()
    }
}

fn mail(html: &str) -> ConversationEvent {
    ConversationEvent::MessageReceived(Box::new(Message {
        id: MAIL,
        author: Author::Customer,
        content: Content {
            kind: MessageKind::Email,
            attachments: vec![
                attachment("logo.png", Some("logo@b")),
                attachment("foto.png", None),
                attachment("virus.png", Some("virus@b")),
            ],
            personal: ContentPersonal {
                mail: Some(MailPersonal { html: Some(html.to_owned()), ..MailPersonal::default() }),
                ..ContentPersonal::default()
            },
        },
        provider_time: None,
        reply_to: None,
        flags: MessageFlags::default(),
    }))
}

fn file(byte: &str, mime_type: &str, name: &str) -> StoredFile {
    StoredFile {
        sha256: byte.repeat(32),
        mime_type: mime_type.to_owned(),
        size_bytes: 5,
        file_name: Some(name.to_owned()),
    }
}

fn answer_with_file() -> ConversationEvent {
    let outgoing = OutgoingMail {
        html: Some("<p>Listo<script>x</script></p>".to_owned()),
        files: vec![file("cc", "application/pdf", "factura.pdf")],
        ..OutgoingMail::default()
    };
    ConversationEvent::MessageQueued(Box::new(relevo_domain::conversation::Outgoing {
        id: ANSWER,
        author: Author::Staff,
        automatic: false,
        reply_to: None,
        body: Body::Mail(Box::new(outgoing)),
        personal: OutgoingPersonal {
            to: Recipient { kind: IdentifierKind::Email, value: "ana@x.example".to_owned() },
            author_name: None,
            reply_to_provider_id: None,
        },
    }))
}

fn fetched(index: u32, outcome: FetchOutcome) -> ConversationEvent {
    ConversationEvent::MediumFetched { message: MAIL, index, medium: None, outcome }
}

fn world(html: &str) -> (Told, Files) {
    let infected = FetchOutcome::Unavailable { reason: "infected".to_owned() };
    let world = World::new()
        .writes("demo", 1, "mail", "Hola")
        .event("demo", 1, mail(html))
        .event("demo", 1, fetched(0, FetchOutcome::Stored(file("aa", "image/gif", "logo.png"))))
        .event("demo", 1, fetched(2, infected))
        .event("demo", 1, answer_with_file());
    let commits = world.commits().iter().map(|commit| (commit.sequence, commit.clone())).collect();
    let told = world.told();
    let files = Files::new(told.query.clone(), Arc::new(Source(commits)));
    (told, files)
}

async fn url(
    files: &Files,
    caller: &Caller,
    message: MessageId,
    attachment: u32,
) -> Result<Response<wire::GetFileUrlResponse>, Status> {
    let (conversation_id, message_id) = (conversation(1).to_string(), message.to_string());
    let request = wire::GetFileUrlRequest { conversation_id, message_id, attachment, ..Default::default() };
    files.get_file_url(ask(caller, request)).await
}

async fn html(files: &Files, message: MessageId, load_remote: bool) -> wire::GetMailHtmlResponse {
    let (conversation_id, message_id) = (conversation(1).to_string(), message.to_string());
    let request = wire::GetMailHtmlRequest { conversation_id, message_id, load_remote, ..Default::default() };
    files.get_mail_html(ask(&supervisor(), request)).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_stored_file_has_an_address_for_ten_minutes_and_what_is_not_there_says_why() {
    let (_told, files) = world("");
    let found = url(&files, &supervisor(), MAIL, 0).await.unwrap().into_inner();
    assert_eq!(found.url, format!("https://r.example/demo/{}/image/gif/logo.png/false", "aa".repeat(32)));
    assert_eq!((found.mime_type.as_str(), found.size_bytes, found.file_name.as_str()), ("image/gif", 5, "logo.png"));
    let expires_at = relevo_proto::time::from_wire(found.expires_at.unwrap());
    assert_eq!(expires_at, clock::now() + Duration::from_mins(10));

    let pending = refused(url(&files, &supervisor(), MAIL, 1).await);
    let about = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(pending.code, ErrorCode::AttachmentNotFound);
    assert!(pending.subject.contains(&about("state", "pending")), "{:?}", pending.subject);
    let infected = refused(url(&files, &supervisor(), MAIL, 2).await);
    assert!(infected.subject.contains(&about("state", "unavailable")), "{:?}", infected.subject);
    assert!(infected.subject.contains(&about("reason", "infected")), "{:?}", infected.subject);
    assert_eq!(code(url(&files, &supervisor(), MAIL, 3).await), ErrorCode::AttachmentNotFound);
    assert_eq!(code(url(&files, &supervisor(), MAIL, u32::MAX).await), ErrorCode::AttachmentNotFound);
    assert_eq!(code(url(&files, &supervisor(), MessageId::new([9; 16]), 0).await), ErrorCode::MessageNotFound);

    let sent = url(&files, &supervisor(), ANSWER, 0).await.unwrap().into_inner();
    assert_eq!(sent.url, format!("https://r.example/demo/{}/application/pdf/factura.pdf/false", "cc".repeat(32)));
}

#[tokio::test]
async fn who_does_not_see_the_conversation_gets_nothing_of_it() {
    let (_told, files) = world("");
    let not_found = [caller("other", "eva", Role::Supervisor), granted("martin", "wa-main", "ventas")];
    for stranger in not_found {
        assert_eq!(code(url(&files, &stranger, MAIL, 0).await), ErrorCode::ConversationNotFound);
        let request = wire::GetMailHtmlRequest {
            conversation_id: conversation(1).to_string(),
            message_id: MAIL.to_string(),
            ..Default::default()
        };
        assert_eq!(code(files.get_mail_html(ask(&stranger, request)).await), ErrorCode::ConversationNotFound);
    }
    assert_eq!(code(url(&files, &caller("demo", "ana", Role::Analyst), MAIL, 0).await), ErrorCode::Forbidden);
    let empty = files.get_file_url(ask(&supervisor(), wire::GetFileUrlRequest::default())).await;
    assert_eq!(refused(empty).violations.len(), 2);
}

#[tokio::test]
async fn the_html_of_a_mail_is_safe_and_shows_its_own_pictures_alone() {
    let (_told, files) = world(
        "<p onclick=x>Hola</p><img src=\"cid:logo@b\"><img src=\"cid:virus@b\"><img src=\"https://t.example/p.gif\">",
    );
    let shown = html(&files, MAIL, false).await;
    let logo = format!("<img src=\"https://r.example/demo/{}/image/gif/logo.png/false\">", "aa".repeat(32));
    let marked = "<img data-relevo-remote-src=\"https://t.example/p.gif\">";
    assert_eq!(shown.html, format!("<p>Hola</p>{logo}<img>{marked}"));
    assert_eq!(shown.remote_images, 1);
    assert!(shown.expires_at.is_some() && !shown.position.is_empty());
    let loaded = html(&files, MAIL, true).await;
    assert!(loaded.html.ends_with("<img src=\"https://t.example/p.gif\">") && loaded.remote_images == 0);

    let sent = html(&files, ANSWER, false).await;
    assert_eq!((sent.html.as_str(), sent.expires_at), ("<p>Listo</p>", None));
}

#[tokio::test]
async fn a_message_without_html_has_none() {
    let (told, files) = world("");
    let request = wire::ListMessagesRequest { conversation_id: conversation(1).to_string(), ..Default::default() };
    let entries = told.query.list_messages(ask(&supervisor(), request)).await.unwrap().into_inner().entries;
    let first = entries.into_iter().find_map(|entry| match entry.entry? {
        wire::thread_entry::Entry::Message(message) => Some(message.message_id),
        _ => None,
    });
    let shown = html(&files, first.unwrap().parse().unwrap(), false).await;
    assert_eq!((shown.html.as_str(), shown.remote_images), ("", 0));
}
