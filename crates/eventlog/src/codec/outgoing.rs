//! What the business sends, and what becomes of it, as the log keeps it.

use relevo_domain::conversation::event::{AcceptedPersonal, ConversationEvent};
use relevo_domain::conversation::outgoing::{
    Body, CancelCause, Choice, ContactCard, FailureClass, FetchOutcome, Frame, Location, MediaKind, Outgoing,
    OutgoingMail, OutgoingPersonal, Recipient, Section, SendFailure, StoredFile, TemplateUse, TemplateValue,
};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::template::Part;
use relevo_domain::{MessageId, Timestamp};
use relevo_proto::event::v1 as wire;
use wire::event::Kind;
use wire::outgoing_personal::Body as WireBody;

use super::{DecodeError, field, message};

field::number!(cancel_number, cancel_cause, "cause", CancelCause ~ CancelCause {
    BotPaused = BotPaused,
    Staff = Staff,
});

/// Events of sending. The caller passes those alone.
pub(super) fn encode(event: &ConversationEvent) -> Kind {
    use ConversationEvent as E;
    let id = |message: &MessageId| message.bytes().to_vec();
    match event {
        E::MessageQueued(outgoing) => Kind::MessageQueued(encode_outgoing(outgoing)),
        E::SendStarted { message, attempt, claim, until } => Kind::SendStarted(wire::SendStarted {
            message_id: id(message),
            attempt: *attempt,
            claim: claim.clone(),
            until_ms: until.as_millis(),
        }),
        E::MessageAccepted { message, attempt, alias, personal: AcceptedPersonal { provider_id } } => {
            Kind::MessageAccepted(wire::MessageAccepted {
                message_id: id(message),
                attempt: *attempt,
                alias: id(alias),
                personal: Some(wire::AcceptedPersonal { provider_id: provider_id.clone() }),
            })
        }
        E::SendFailed { message, attempt, failure: SendFailure { class, code, detail }, retry_at } => {
            Kind::SendFailed(wire::SendFailed {
                message_id: id(message),
                attempt: *attempt,
                class: class.as_str().to_owned(),
                code: code.clone(),
                retry_at_ms: retry_at.map(Timestamp::as_millis),
                personal: Some(wire::SendFailedPersonal { detail: detail.clone() }),
            })
        }
        E::SendOutcomeUnknown { message, attempt } => {
            Kind::SendOutcomeUnknown(wire::SendOutcomeUnknown { message_id: id(message), attempt: *attempt })
        }
        E::SendCancelled { message, cause } => {
            Kind::SendCancelled(wire::SendCancelled { message_id: id(message), cause: cancel_number(*cause) })
        }
        E::MediumFetched { message, index, medium, outcome } => {
            Kind::MediumFetched(encode_fetched(message, *index, *medium, outcome))
        }
        E::Opened { .. }
        | E::EpisodeStarted { .. }
        | E::MessageReceived(_)
        | E::MessageEchoed(_)
        | E::MessageEdited { .. }
        | E::MessageRevoked { .. }
        | E::ReactionChanged { .. }
        | E::DeliveryReported(_)
        | E::BotPaused { .. }
        | E::PauseChanged { .. }
        | E::BotResumed { .. }
        | E::Escalated { .. }
        | E::SituationDetected(_)
        | E::SuggestionClosed { .. }
        | E::BotTurnStarted(_)
        | E::BotTurnEnded { .. }
        | E::AlertRaised { .. }
        | E::BotSignalled { .. }
        | E::Assigned { .. }
        | E::Resolved { .. }
        | E::Reopened { .. }
        | E::NoteAdded { .. }
        | E::MarkedPending { .. }
        | E::Snoozed { .. }
        | E::ReturnedToOpen { .. }
        | E::TagAdded { .. }
        | E::TagRemoved { .. }
        | E::PrioritySet { .. }
        | E::MarkedRead { .. } => super::conversation::encode(event),
    }
}

/// The event of sending that a wire event holds. The caller passes those alone.
pub(super) fn decode(kind: Kind) -> Result<ConversationEvent, DecodeError> {
    use ConversationEvent as E;
    let id = |bytes: &[u8]| field::message("message_id", bytes);
    match kind {
        Kind::MessageQueued(event) => Ok(E::MessageQueued(Box::new(decode_outgoing(event)?))),
        Kind::SendStarted(event) => Ok(E::SendStarted {
            message: id(&event.message_id)?,
            attempt: event.attempt,
            claim: event.claim,
            until: Timestamp::from_millis(event.until_ms),
        }),
        Kind::MessageAccepted(event) => Ok(E::MessageAccepted {
            message: id(&event.message_id)?,
            attempt: event.attempt,
            alias: field::message("alias", &event.alias)?,
            personal: AcceptedPersonal { provider_id: event.personal.unwrap_or_default().provider_id },
        }),
        Kind::SendFailed(event) => Ok(E::SendFailed {
            message: id(&event.message_id)?,
            attempt: event.attempt,
            failure: SendFailure {
                class: FailureClass::parse(&event.class).ok_or(DecodeError::Invalid("class"))?,
                code: event.code,
                detail: event.personal.and_then(|personal| personal.detail),
            },
            retry_at: event.retry_at_ms.map(Timestamp::from_millis),
        }),
        Kind::SendOutcomeUnknown(event) => {
            Ok(E::SendOutcomeUnknown { message: id(&event.message_id)?, attempt: event.attempt })
        }
        Kind::SendCancelled(event) => {
            Ok(E::SendCancelled { message: id(&event.message_id)?, cause: cancel_cause(event.cause)? })
        }
        Kind::MediumFetched(event) => decode_fetched(event),
        _ => Err(DecodeError::Invalid("kind")),
    }
}

fn encode_fetched(message: &MessageId, index: u32, medium: Option<u64>, outcome: &FetchOutcome) -> wire::MediumFetched {
    let (file, unavailable, file_name) = match outcome {
        FetchOutcome::Stored(file) => (Some(encode_file(file)), None, file.file_name.clone()),
        FetchOutcome::Unavailable { reason } => (None, Some(reason.clone()), None),
    };
    let personal = Some(wire::MediumFetchedPersonal { file_name });
    wire::MediumFetched { message_id: message.bytes().to_vec(), index, file, unavailable, personal, medium }
}

fn decode_fetched(event: wire::MediumFetched) -> Result<ConversationEvent, DecodeError> {
    let outcome = match (event.file, event.unavailable) {
        (Some(file), None) => {
            FetchOutcome::Stored(decode_file(file, event.personal.and_then(|personal| personal.file_name)))
        }
        (None, Some(reason)) => FetchOutcome::Unavailable { reason },
        (Some(_), Some(_)) | (None, None) => return Err(DecodeError::Invalid("file")),
    };
    let message = field::message("message_id", &event.message_id)?;
    Ok(ConversationEvent::MediumFetched { message, index: event.index, medium: event.medium, outcome })
}

fn encode_outgoing(outgoing: &Outgoing) -> wire::MessageQueued {
    // Exhaustive on purpose: a new field must decide whether it is personal.
    let Outgoing { id, author, automatic, reply_to, body, personal } = outgoing;
    let OutgoingPersonal { to, author_name, reply_to_provider_id } = personal;
    let files = body.files();
    let named = files.iter().any(|file| file.file_name.is_some());
    wire::MessageQueued {
        message_id: id.bytes().to_vec(),
        author: message::author_number(*author),
        automatic: *automatic,
        reply_to: reply_to.map(|id| id.bytes().to_vec()),
        kind: body.kind().as_str().to_owned(),
        files: files.iter().map(encode_file).collect(),
        template: match body {
            Body::Template(template) => Some(wire::TemplateFacts {
                name: template.name.clone(),
                language: template.language.clone(),
                provider_id: template.provider_id.clone(),
            }),
            _ => None,
        },
        reaction_to: match body {
            Body::Reaction { target, .. } => Some(target.bytes().to_vec()),
            _ => None,
        },
        personal: Some(wire::OutgoingPersonal {
            to: Some(wire::Recipient { kind: to.kind.as_str().to_owned(), value: to.value.clone() }),
            author_name: author_name.clone(),
            reply_to_provider_id: reply_to_provider_id.clone(),
            file_names: if named {
                files.iter().map(|file| file.file_name.clone().unwrap_or_default()).collect()
            } else {
                Vec::new()
            },
            body: Some(encode_body(body)),
        }),
    }
}

fn encode_body(body: &Body) -> WireBody {
    match body {
        Body::Text { text, preview_url } => {
            WireBody::Text(wire::TextBody { text: text.clone(), preview_url: *preview_url })
        }
        Body::Media { kind: _, file: _, caption } => WireBody::Media(wire::MediaBody { caption: caption.clone() }),
        Body::Location(Location { latitude_e7, longitude_e7, name, address }) => {
            WireBody::Location(wire::LocationBody {
                latitude_e7: *latitude_e7,
                longitude_e7: *longitude_e7,
                name: name.clone(),
                address: address.clone(),
            })
        }
        Body::Contacts(cards) => {
            let card = |card: &ContactCard| {
                let ContactCard { name, phones, emails, organisation } = card.clone();
                wire::ContactCard { name, phones, emails, organisation }
            };
            WireBody::Contacts(wire::ContactsBody { cards: cards.iter().map(card).collect() })
        }
        Body::Reaction { target: _, target_provider_id, emoji } => WireBody::Reaction(wire::ReactionBody {
            emoji: emoji.clone(),
            target_provider_id: target_provider_id.clone(),
        }),
        Body::Buttons { frame, buttons } => WireBody::Buttons(wire::ButtonsBody {
            frame: Some(encode_frame(frame)),
            buttons: buttons.iter().map(encode_choice).collect(),
        }),
        Body::List { frame, button, sections } => WireBody::List(wire::ListBody {
            frame: Some(encode_frame(frame)),
            button: button.clone(),
            sections: sections
                .iter()
                .map(|section| wire::SectionBody {
                    title: section.title.clone(),
                    rows: section.rows.iter().map(encode_choice).collect(),
                })
                .collect(),
        }),
        Body::Template(template) => WireBody::Template(wire::TemplateBody {
            values: template.values.iter().map(encode_value).collect(),
            preview: template.preview.clone(),
            header_file: template.header_file.is_some(),
        }),
        Body::Mail(mail) => {
            let OutgoingMail {
                subject,
                text,
                html,
                html_sha256,
                cc,
                message_id,
                in_reply_to,
                references,
                reply_to,
                files: _,
            } = mail.as_ref().clone();
            WireBody::Mail(wire::MailBody {
                subject,
                text,
                html,
                cc,
                message_id,
                in_reply_to,
                references,
                reply_to,
                html_sha256,
            })
        }
    }
}

fn decode_outgoing(event: wire::MessageQueued) -> Result<Outgoing, DecodeError> {
    let personal = event.personal.ok_or(DecodeError::Missing("personal"))?;
    let to = personal.to.ok_or(DecodeError::Missing("personal.to"))?;
    let kind = IdentifierKind::ALL.into_iter().find(|kind| kind.as_str() == to.kind);
    if personal.file_names.len() > event.files.len() {
        return Err(DecodeError::Invalid("personal.file_names"));
    }
    let mut names = personal.file_names.into_iter().map(|name| Some(name).filter(|name| !name.is_empty()));
    let files = event.files.into_iter().map(|file| decode_file(file, names.next().flatten())).collect();
    let facts = Facts { kind: event.kind, files, template: event.template, reaction_to: event.reaction_to };
    Ok(Outgoing {
        id: field::message("message_id", &event.message_id)?,
        author: message::author(event.author)?,
        automatic: event.automatic,
        reply_to: event.reply_to.map(|id| field::message("reply_to", &id)).transpose()?,
        body: decode_body(personal.body.ok_or(DecodeError::Missing("personal.body"))?, facts)?,
        personal: OutgoingPersonal {
            to: Recipient { kind: kind.ok_or(DecodeError::Invalid("personal.to.kind"))?, value: to.value },
            author_name: personal.author_name,
            reply_to_provider_id: personal.reply_to_provider_id,
        },
    })
}

/// What stands beside the personal part of a body.
struct Facts {
    kind: String,
    files: Vec<StoredFile>,
    template: Option<wire::TemplateFacts>,
    reaction_to: Option<Vec<u8>>,
}

fn decode_body(body: WireBody, facts: Facts) -> Result<Body, DecodeError> {
    Ok(match body {
        WireBody::Text(body) => Body::Text { text: body.text, preview_url: body.preview_url },
        WireBody::Media(body) => Body::Media {
            kind: MediaKind::ALL
                .into_iter()
                .find(|kind| kind.as_str() == facts.kind)
                .ok_or(DecodeError::Invalid("kind"))?,
            file: facts.files.into_iter().next().ok_or(DecodeError::Missing("files"))?,
            caption: body.caption,
        },
        WireBody::Location(wire::LocationBody { latitude_e7, longitude_e7, name, address }) => {
            Body::Location(Location { latitude_e7, longitude_e7, name, address })
        }
        WireBody::Contacts(body) => {
            let card = |card: wire::ContactCard| {
                let wire::ContactCard { name, phones, emails, organisation } = card;
                ContactCard { name, phones, emails, organisation }
            };
            Body::Contacts(body.cards.into_iter().map(card).collect())
        }
        WireBody::Reaction(body) => Body::Reaction {
            target: field::message(
                "reaction_to",
                facts.reaction_to.as_deref().ok_or(DecodeError::Missing("reaction_to"))?,
            )?,
            target_provider_id: body.target_provider_id,
            emoji: body.emoji,
        },
        WireBody::Buttons(body) => Body::Buttons {
            frame: decode_frame(body.frame)?,
            buttons: body.buttons.into_iter().map(decode_choice).collect(),
        },
        WireBody::List(body) => Body::List {
            frame: decode_frame(body.frame)?,
            button: body.button,
            sections: body
                .sections
                .into_iter()
                .map(|section| Section {
                    title: section.title,
                    rows: section.rows.into_iter().map(decode_choice).collect(),
                })
                .collect(),
        },
        WireBody::Template(body) => Body::Template(Box::new(decode_template(body, facts)?)),
        WireBody::Mail(body) => Body::Mail(Box::new(decode_mail(body, facts.files))),
    })
}

fn decode_template(body: wire::TemplateBody, facts: Facts) -> Result<TemplateUse, DecodeError> {
    let template = facts.template.ok_or(DecodeError::Missing("template"))?;
    Ok(TemplateUse {
        name: template.name,
        language: template.language,
        provider_id: template.provider_id,
        values: body.values.into_iter().map(decode_value).collect::<Result<_, _>>()?,
        header_file: facts.files.into_iter().next().filter(|_file| body.header_file),
        preview: body.preview,
    })
}

fn decode_mail(mail: wire::MailBody, files: Vec<StoredFile>) -> OutgoingMail {
    let wire::MailBody { subject, text, html, cc, message_id, in_reply_to, references, reply_to, html_sha256 } = mail;
    OutgoingMail { subject, text, html, html_sha256, cc, message_id, in_reply_to, references, reply_to, files }
}

fn encode_file(file: &StoredFile) -> wire::FileFacts {
    let StoredFile { sha256, mime_type, size_bytes, file_name: _ } = file;
    wire::FileFacts { sha256: sha256.clone(), mime_type: mime_type.clone(), size_bytes: *size_bytes }
}

fn decode_file(file: wire::FileFacts, file_name: Option<String>) -> StoredFile {
    StoredFile { sha256: file.sha256, mime_type: file.mime_type, size_bytes: file.size_bytes, file_name }
}

fn encode_frame(frame: &Frame) -> wire::FrameBody {
    let Frame { header, text, footer } = frame.clone();
    wire::FrameBody { header, text, footer }
}

fn decode_frame(frame: Option<wire::FrameBody>) -> Result<Frame, DecodeError> {
    let wire::FrameBody { header, text, footer } = frame.ok_or(DecodeError::Missing("frame"))?;
    Ok(Frame { header, text, footer })
}

fn encode_choice(choice: &Choice) -> wire::ChoiceBody {
    let Choice { id, title, description } = choice.clone();
    wire::ChoiceBody { id, title, description }
}

fn decode_choice(choice: wire::ChoiceBody) -> Choice {
    let wire::ChoiceBody { id, title, description } = choice;
    Choice { id, title, description }
}

fn encode_value(value: &TemplateValue) -> wire::TemplateValue {
    let (part, button) = match value.part {
        Part::Header => ("header", 0),
        Part::Body => ("body", 0),
        Part::Button(n) => ("button", n),
    };
    wire::TemplateValue { part: part.to_owned(), button, variable: value.variable.clone(), value: value.value.clone() }
}

fn decode_value(value: wire::TemplateValue) -> Result<TemplateValue, DecodeError> {
    let part = match value.part.as_str() {
        "header" => Part::Header,
        "body" => Part::Body,
        "button" => Part::Button(value.button),
        _ => return Err(DecodeError::Invalid("part")),
    };
    Ok(TemplateValue { part, variable: value.variable, value: value.value })
}
