//! Messages: the facts in one place, everything personal in another, as the log keeps them.

use relevo_domain::Timestamp;
use relevo_domain::conversation::message::{
    Attachment, AttachmentPersonal, Author, Content, ContentPersonal, MailPersonal, Message, MessageFlags, MessageKind,
};
use relevo_proto::event::v1 as wire;

use super::{DecodeError, field};

field::number!(author_number, author, "author", Author ~ Author {
    Customer = Customer,
    PhoneApp = PhoneApp,
    Staff = Staff,
    Bot = Bot,
    System = System,
});

pub(super) fn encode(message: &Message) -> (wire::MessageFacts, wire::MessagePersonal) {
    let (content, personal) = encode_content(&message.content);
    let facts = wire::MessageFacts {
        message_id: message.id.bytes().to_vec(),
        author: author_number(message.author),
        content: Some(content),
        provider_time_ms: message.provider_time.map(Timestamp::as_millis),
        reply_to: message.reply_to.map(|id| id.bytes().to_vec()),
        flags: (message.flags != MessageFlags::default()).then(|| encode_flags(message.flags)),
    };
    (facts, personal)
}

pub(super) fn decode(
    facts: Option<wire::MessageFacts>,
    personal: Option<wire::MessagePersonal>,
) -> Result<Message, DecodeError> {
    let facts = facts.ok_or(DecodeError::Missing("message"))?;
    Ok(Message {
        id: field::message("message_id", &facts.message_id)?,
        author: author(facts.author)?,
        content: decode_content(facts.content, personal)?,
        provider_time: facts.provider_time_ms.map(Timestamp::from_millis),
        reply_to: facts.reply_to.map(|id| field::message("reply_to", &id)).transpose()?,
        flags: facts.flags.map(decode_flags).unwrap_or_default(),
    })
}

pub(super) fn encode_content(content: &Content) -> (wire::ContentFacts, wire::MessagePersonal) {
    // Exhaustive on purpose: a new field must decide whether it is personal.
    let ContentPersonal { provider_id, text, sender_name, sender_address, details_json, mail } = &content.personal;
    let facts = wire::ContentFacts {
        kind: content.kind.as_str().to_owned(),
        attachments: content.attachments.iter().map(encode_attachment).collect(),
    };
    // Written only if there is something to write, so that a message without attachments stays as short as before.
    let named = content.attachments.iter().any(|attachment| attachment.personal != AttachmentPersonal::default());
    let attachments = content.attachments.iter().filter(|_| named).map(|attachment| wire::AttachmentPersonal {
        file_name: attachment.personal.file_name.clone(),
        url: attachment.personal.url.clone(),
        content_id: attachment.personal.content_id.clone(),
    });
    let personal = wire::MessagePersonal {
        provider_id: provider_id.clone(),
        text: text.clone(),
        sender_name: sender_name.clone(),
        sender_address: sender_address.clone(),
        details_json: details_json.clone(),
        mail: mail.as_ref().map(encode_mail),
        attachments: attachments.collect(),
    };
    (facts, personal)
}

pub(super) fn decode_content(
    facts: Option<wire::ContentFacts>,
    personal: Option<wire::MessagePersonal>,
) -> Result<Content, DecodeError> {
    let facts = facts.ok_or(DecodeError::Missing("content"))?;
    let personal = personal.unwrap_or_default();
    if personal.attachments.len() > facts.attachments.len() {
        return Err(DecodeError::Invalid("personal.attachments"));
    }
    let mut named = personal.attachments.into_iter();
    let attachments = facts
        .attachments
        .into_iter()
        .map(|attachment| decode_attachment(attachment, named.next().unwrap_or_default()))
        .collect();
    Ok(Content {
        kind: MessageKind::parse(&facts.kind),
        attachments,
        personal: ContentPersonal {
            provider_id: personal.provider_id,
            text: personal.text,
            sender_name: personal.sender_name,
            sender_address: personal.sender_address,
            details_json: personal.details_json,
            mail: personal.mail.map(decode_mail),
        },
    })
}

fn encode_attachment(attachment: &Attachment) -> wire::AttachmentFacts {
    let Attachment { mime_type, size_bytes, sha256, voice, inline, provider_id, personal: _ } = attachment;
    wire::AttachmentFacts {
        mime_type: mime_type.clone(),
        size_bytes: *size_bytes,
        sha256: sha256.clone(),
        voice: *voice,
        inline: *inline,
        provider_id: provider_id.clone(),
    }
}

fn decode_attachment(facts: wire::AttachmentFacts, personal: wire::AttachmentPersonal) -> Attachment {
    Attachment {
        mime_type: facts.mime_type,
        size_bytes: facts.size_bytes,
        sha256: facts.sha256,
        voice: facts.voice,
        inline: facts.inline,
        provider_id: facts.provider_id,
        personal: AttachmentPersonal {
            file_name: personal.file_name,
            url: personal.url,
            content_id: personal.content_id,
        },
    }
}

fn encode_mail(mail: &MailPersonal) -> wire::MailPersonal {
    let MailPersonal { subject, message_id, in_reply_to, references, to, cc, quoted, html } = mail.clone();
    wire::MailPersonal { subject, message_id, in_reply_to, references, to, cc, quoted, html }
}

fn decode_mail(mail: wire::MailPersonal) -> MailPersonal {
    let wire::MailPersonal { subject, message_id, in_reply_to, references, to, cc, quoted, html } = mail;
    MailPersonal { subject, message_id, in_reply_to, references, to, cc, quoted, html }
}

fn encode_flags(flags: MessageFlags) -> wire::MessageFlags {
    let MessageFlags {
        automatic,
        bounce,
        delay,
        list,
        complaint,
        own_loop,
        message_id_reused,
        forwarded,
        frequently_forwarded,
        imported,
        unverified,
    } = flags;
    wire::MessageFlags {
        automatic,
        bounce,
        delay,
        list,
        complaint,
        own_loop,
        message_id_reused,
        forwarded,
        frequently_forwarded,
        imported,
        unverified,
    }
}

fn decode_flags(flags: wire::MessageFlags) -> MessageFlags {
    let wire::MessageFlags {
        automatic,
        bounce,
        delay,
        list,
        complaint,
        own_loop,
        message_id_reused,
        forwarded,
        frequently_forwarded,
        imported,
        unverified,
    } = flags;
    MessageFlags {
        automatic,
        bounce,
        delay,
        list,
        complaint,
        own_loop,
        message_id_reused,
        forwarded,
        frequently_forwarded,
        imported,
        unverified,
    }
}
