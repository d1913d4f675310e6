//! An inbound message.

use relevo_domain::conversation::{Attachment, AttachmentPersonal, Medium, MessageFlags, MessageKind};
use relevo_domain::identity::IdentifierKind;

use super::form::Form;
use super::{Read, WHATSAPP, distinct, identifier, is_bsuid, medium, parked, sid};
use crate::fact::{Class, Fact, Identifier, Key, MessageFact, NotUnderstoodReason, What};

/// Longest type name kept, in characters: Twilio's are short, and it is shown.
const MAX_TYPE: usize = 64;

pub(super) fn inbound(form: &Form) -> Read {
    let refuse = |reason, at| Err(parked(reason, at, Some(Class::Message)));
    let id = sid(form, Class::Message)?;
    let from = form.get("From");
    if from.is_some_and(|from| from.split_once(':').is_some_and(|(scheme, _)| scheme != "whatsapp")) {
        return refuse(NotUnderstoodReason::NotYet, "From");
    }
    let identifiers = sender(form);
    if identifiers.is_empty() {
        return refuse(NotUnderstoodReason::MissingSender, "From");
    }
    let attachments = attachments(form);
    let kind = kind(form, &attachments);
    let text =
        ["Body", "ButtonText", "ListTitle"].into_iter().find_map(|name| form.raw(name).filter(|text| !text.is_empty()));
    let frequently_forwarded = form.is_true("FrequentlyForwarded");
    let message = MessageFact {
        provider_id: id.clone(),
        text: text.map(str::to_owned),
        sender_address: from.or_else(|| form.get("ExternalUserId")).or_else(|| form.get("WaId")).map(str::to_owned),
        quoted_provider_id: form.get("OriginalRepliedMessageSid").map(str::to_owned),
        attachments,
        details_json: form.details(),
        flags: MessageFlags {
            forwarded: frequently_forwarded || form.is_true("Forwarded"),
            frequently_forwarded,
            ..MessageFlags::default()
        },
        kind,
    };
    let by_bsuid = identifiers.iter().any(|identifier| identifier.kind == IdentifierKind::Bsuid);
    Ok(Fact {
        key: Key { kind: "message", provider_id: id, discriminator: String::new() },
        // Only WhatsApp has BSUIDs, whatever the addresses look like.
        medium: if by_bsuid { Medium::WhatsApp } else { medium(form) },
        provider_time: None,
        identifiers,
        name: form.get("ProfileName").map(str::to_owned),
        what: What::Message(Box::new(message)),
    })
}

/// Who wrote, by every name that the form gives.
fn sender(form: &Form) -> Vec<Identifier> {
    let user = form.get("ExternalUserId").map(|id| id.strip_prefix(WHATSAPP).unwrap_or(id).trim());
    let user =
        user.filter(|id| !id.is_empty()).map(|id| Identifier { kind: IdentifierKind::Bsuid, value: id.to_owned() });
    let wa_id = form.get("WaId").map(str::trim).map(|id| {
        let kind = if is_bsuid(id) { IdentifierKind::Bsuid } else { IdentifierKind::WaId };
        Identifier { kind, value: id.to_owned() }
    });
    let from = form.get("From").and_then(identifier);
    distinct([user, wa_id, from].into_iter().flatten())
}

fn kind(form: &Form, attachments: &[Attachment]) -> MessageKind {
    if let Some(word) = form.get("MessageType") {
        let word: String = word.trim().chars().take(MAX_TYPE).collect();
        return match MessageKind::parse(&word) {
            // Words of ours that mean nothing here.
            MessageKind::Email | MessageKind::Note => MessageKind::Other(word),
            kind => kind,
        };
    }
    let has = |name| form.get(name).is_some();
    if let Some(first) = attachments.first() {
        match first.mime_type.split('/').next() {
            Some("image") => MessageKind::Image,
            Some("video") => MessageKind::Video,
            Some("audio") => MessageKind::Audio,
            Some("text") if first.mime_type.contains("vcard") => MessageKind::Contacts,
            Some(_) | None => MessageKind::Document,
        }
    } else if has("Latitude") && has("Longitude") {
        MessageKind::Location
    } else if has("ListId") || has("ListTitle") {
        MessageKind::Interactive
    } else if has("ButtonText") || has("ButtonPayload") {
        MessageKind::Button
    } else {
        MessageKind::Text
    }
}

fn attachments(form: &Form) -> Vec<Attachment> {
    let one = |number: u32| {
        let url = form.get(&format!("MediaUrl{number}"))?;
        let mime_type = form.get(&format!("MediaContentType{number}")).unwrap_or_default();
        let last = url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next());
        Some(Attachment {
            mime_type: mime_type.trim().to_lowercase(),
            provider_id: last.filter(|part| part.starts_with("ME")).map(str::to_owned),
            personal: AttachmentPersonal { url: Some(url.to_owned()), ..AttachmentPersonal::default() },
            ..Attachment::default()
        })
    };
    form.media().into_iter().filter_map(one).collect()
}
