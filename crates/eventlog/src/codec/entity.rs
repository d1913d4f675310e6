//! Events of contacts, identities, channels and workspaces, as the log keeps them.

use relevo_domain::TagName;
use relevo_domain::channel::{ChannelEvent, ProviderUpdatePersonal};
use relevo_domain::contact::event::{ContactEvent, CustomerPersonal, IdentifierPersonal, MergeCause, NamePersonal};
use relevo_domain::identity::{IdentifierKind, IdentityEvent};
use relevo_domain::template::TemplateStatus;
use relevo_domain::workspace::WorkspaceEvent;
use relevo_proto::event::v1 as wire;
use wire::event::Kind;

use super::{DecodeError, conversation, detection, field, template};

field::number!(kind_number, kind, "kind", IdentifierKind ~ IdentifierKind {
    Bsuid = Bsuid,
    WaId = WaId,
    Phone = Phone,
    Email = Email,
    Username = Username,
    ParentBsuid = ParentBsuid,
});
field::number!(merge_cause_number, merge_cause, "cause", MergeCause ~ MergeCause {
    SameUpdate = SameUpdate,
    NumberChanged = NumberChanged,
    Manual = Manual,
});

pub(super) fn encode_contact(event: &ContactEvent) -> Kind {
    match event {
        ContactEvent::Created { channel, personal } => Kind::ContactCreated(wire::ContactCreated {
            channel: channel.to_string(),
            personal: Some(encode_name(personal)),
        }),
        ContactEvent::IdentifierLearned { kind, channel, personal: IdentifierPersonal { value } } => {
            Kind::IdentifierLearned(wire::IdentifierLearned {
                kind: kind_number(*kind),
                channel: channel.to_string(),
                personal: Some(wire::IdentifierPersonal { value: value.clone() }),
            })
        }
        ContactEvent::Renamed { personal } => {
            Kind::ContactRenamed(wire::ContactRenamed { personal: Some(encode_name(personal)) })
        }
        ContactEvent::Merged { other, cause } => {
            Kind::ContactsMerged(wire::ContactsMerged { other: other.to_string(), cause: merge_cause_number(*cause) })
        }
        ContactEvent::Unmerged { other } => Kind::ContactsUnmerged(wire::ContactsUnmerged { other: other.to_string() }),
        ContactEvent::CustomerLinked { personal: CustomerPersonal { id, name } } => {
            let personal = wire::CustomerPersonal { id: id.clone(), name: name.clone() };
            Kind::CustomerLinked(wire::CustomerLinked { personal: Some(personal) })
        }
        ContactEvent::CustomerUnlinked => Kind::CustomerUnlinked(wire::CustomerUnlinked {}),
    }
}

/// The event that a wire event of a contact holds. The caller passes contact events only.
pub(super) fn decode_contact(event: Kind) -> Result<ContactEvent, DecodeError> {
    match event {
        Kind::ContactCreated(event) => {
            Ok(ContactEvent::Created { channel: field::channel(event.channel)?, personal: decode_name(event.personal) })
        }
        Kind::IdentifierLearned(event) => Ok(ContactEvent::IdentifierLearned {
            kind: kind(event.kind)?,
            channel: field::channel(event.channel)?,
            personal: IdentifierPersonal { value: event.personal.unwrap_or_default().value },
        }),
        Kind::ContactRenamed(event) => Ok(ContactEvent::Renamed { personal: decode_name(event.personal) }),
        Kind::ContactsMerged(event) => {
            Ok(ContactEvent::Merged { other: field::entity("other", &event.other)?, cause: merge_cause(event.cause)? })
        }
        Kind::ContactsUnmerged(event) => Ok(ContactEvent::Unmerged { other: field::entity("other", &event.other)? }),
        Kind::CustomerLinked(event) => {
            let personal = event.personal.unwrap_or_default();
            Ok(ContactEvent::CustomerLinked { personal: CustomerPersonal { id: personal.id, name: personal.name } })
        }
        Kind::CustomerUnlinked(wire::CustomerUnlinked {}) => Ok(ContactEvent::CustomerUnlinked),
        _ => Err(DecodeError::Invalid("kind")),
    }
}

fn encode_name(name: &NamePersonal) -> wire::NamePersonal {
    let NamePersonal { name } = name;
    wire::NamePersonal { name: name.clone() }
}

fn decode_name(name: Option<wire::NamePersonal>) -> NamePersonal {
    NamePersonal { name: name.and_then(|name| name.name) }
}

pub(super) fn encode_identity(event: &IdentityEvent) -> Kind {
    match event {
        IdentityEvent::Bound { kind, channel, contact, conversation } => Kind::IdentifierBound(wire::IdentifierBound {
            kind: kind_number(*kind),
            channel: channel.to_string(),
            contact: contact.to_string(),
            conversation: conversation.map(|id| id.to_string()),
        }),
    }
}

pub(super) fn decode_identity(event: wire::IdentifierBound) -> Result<IdentityEvent, DecodeError> {
    Ok(IdentityEvent::Bound {
        kind: kind(event.kind)?,
        channel: field::channel(event.channel)?,
        contact: field::entity("contact", &event.contact)?,
        conversation: event.conversation.map(|id| field::entity("conversation", &id)).transpose()?,
    })
}

pub(super) fn encode_channel(event: &ChannelEvent) -> Kind {
    match event {
        ChannelEvent::DeliveryReported(report) => Kind::ChannelDeliveryReported(conversation::encode_report(report)),
        ChannelEvent::ProviderUpdated { field, personal: ProviderUpdatePersonal { json } } => {
            Kind::ProviderUpdated(wire::ProviderUpdated {
                field: field.clone(),
                personal: Some(wire::ProviderUpdatePersonal { json: json.clone() }),
            })
        }
        ChannelEvent::TemplateChanged(template) => Kind::TemplateChanged(template::encode(template)),
        ChannelEvent::TemplateStatusChanged { name, language, status, reason } => {
            Kind::TemplateStatusChanged(wire::TemplateStatusChanged {
                name: name.clone(),
                language: language.clone(),
                status: status.as_str().to_owned(),
                reason: reason.clone(),
            })
        }
        ChannelEvent::TemplateRemoved { name, language } => {
            Kind::TemplateRemoved(wire::TemplateRemoved { name: name.clone(), language: language.clone() })
        }
        ChannelEvent::ChannelPaused => Kind::ChannelPaused(wire::ChannelPaused {}),
        ChannelEvent::ChannelResumed => Kind::ChannelResumed(wire::ChannelResumed {}),
    }
}

/// The event that a wire event of a channel holds. The caller passes channel events only.
pub(super) fn decode_channel(event: Kind) -> Result<ChannelEvent, DecodeError> {
    match event {
        Kind::ChannelDeliveryReported(report) => {
            conversation::decode_report(report).map(ChannelEvent::DeliveryReported)
        }
        Kind::ProviderUpdated(event) => Ok(ChannelEvent::ProviderUpdated {
            field: event.field,
            personal: ProviderUpdatePersonal { json: event.personal.unwrap_or_default().json },
        }),
        Kind::TemplateChanged(event) => template::decode(event),
        Kind::TemplateStatusChanged(event) => Ok(ChannelEvent::TemplateStatusChanged {
            name: event.name,
            language: event.language,
            status: TemplateStatus::parse(&event.status),
            reason: event.reason,
        }),
        Kind::TemplateRemoved(event) => {
            Ok(ChannelEvent::TemplateRemoved { name: event.name, language: event.language })
        }
        Kind::ChannelPaused(wire::ChannelPaused {}) => Ok(ChannelEvent::ChannelPaused),
        Kind::ChannelResumed(wire::ChannelResumed {}) => Ok(ChannelEvent::ChannelResumed),
        _ => Err(DecodeError::Invalid("kind")),
    }
}

pub(super) fn encode_workspace(event: &WorkspaceEvent) -> Kind {
    match event {
        WorkspaceEvent::IdKeyFingerprinted { fingerprint } => {
            Kind::IdKeyFingerprinted(wire::IdKeyFingerprinted { fingerprint: fingerprint.clone() })
        }
        WorkspaceEvent::TagCreated { tag, name, colour } => Kind::TagCreated(wire::TagCreated {
            tag_id: tag.bytes().to_vec(),
            name: name.to_string(),
            colour: colour.to_string(),
        }),
        WorkspaceEvent::TagChanged { tag, name, colour } => Kind::TagChanged(wire::TagChanged {
            tag_id: tag.bytes().to_vec(),
            name: name.to_string(),
            colour: colour.to_string(),
        }),
        WorkspaceEvent::TagDeleted { tag } => Kind::TagDeleted(wire::TagDeleted { tag_id: tag.bytes().to_vec() }),
        WorkspaceEvent::QuickReplySet { name, reply } => Kind::QuickReplySet(template::encode_quick_reply(name, reply)),
        WorkspaceEvent::QuickReplyRemoved { name } => {
            Kind::QuickReplyRemoved(wire::QuickReplyRemoved { name: name.clone() })
        }
        WorkspaceEvent::DetectionSet(policy) => Kind::DetectionSet(detection::encode(policy)),
    }
}

/// The event that a wire event of a workspace holds. The caller passes workspace events only.
pub(super) fn decode_workspace(event: Kind) -> Result<WorkspaceEvent, DecodeError> {
    match event {
        Kind::IdKeyFingerprinted(event) => Ok(WorkspaceEvent::IdKeyFingerprinted { fingerprint: event.fingerprint }),
        Kind::TagCreated(event) => Ok(WorkspaceEvent::TagCreated {
            tag: field::tag("tag_id", &event.tag_id)?,
            name: TagName::new(&event.name).map_err(|_name| DecodeError::Invalid("name"))?,
            colour: event.colour.parse().map_err(|_colour| DecodeError::Invalid("colour"))?,
        }),
        Kind::TagChanged(event) => Ok(WorkspaceEvent::TagChanged {
            tag: field::tag("tag_id", &event.tag_id)?,
            name: TagName::new(&event.name).map_err(|_name| DecodeError::Invalid("name"))?,
            colour: event.colour.parse().map_err(|_colour| DecodeError::Invalid("colour"))?,
        }),
        Kind::TagDeleted(event) => Ok(WorkspaceEvent::TagDeleted { tag: field::tag("tag_id", &event.tag_id)? }),
        Kind::QuickReplySet(event) => Ok(template::decode_quick_reply(event)),
        Kind::QuickReplyRemoved(event) => Ok(WorkspaceEvent::QuickReplyRemoved { name: event.name }),
        Kind::DetectionSet(event) => detection::decode(event),
        _ => Err(DecodeError::Invalid("kind")),
    }
}
