//! Events of a conversation, as the log keeps them.

use relevo_domain::conversation::event::{
    AssignmentHow, ConversationEvent, DeliveryReport, DeliveryReportPersonal, DeliveryStatus, EpisodeCause, Medium,
    NotePersonal, OpenCause, Priority, ReactionPersonal, ReopenCause, SnoozePreset,
};
use relevo_domain::{AgentId, TeamId, Timestamp};
use relevo_proto::event::v1 as wire;
use wire::event::Kind;

use super::{DecodeError, bot, field, message, outgoing, pause};

field::number!(medium_number, medium, "medium", Medium ~ Medium {
    WhatsApp = Whatsapp,
    Sms = Sms,
    Email = Email,
});
field::number!(episode_cause_number, episode_cause, "cause", EpisodeCause ~ EpisodeCause {
    CustomerMessage = CustomerMessage,
    BusinessMessage = BusinessMessage,
    Imported = Imported,
});
field::number!(reopen_cause_number, reopen_cause, "cause", ReopenCause ~ ReopenCause {
    CustomerMessage = CustomerMessage,
    Staff = Staff,
});
field::number!(how_number, how, "how", AssignmentHow ~ AssignmentHow {
    Manual = Manual,
    Claim = Claim,
});
field::number!(open_cause_number, open_cause, "cause", OpenCause ~ OpenCause {
    CustomerMessage = CustomerMessage,
    Staff = Staff,
    Timer = Timer,
});
field::number!(preset_number, preset, "preset", SnoozePreset ~ SnoozePreset {
    OneHour = OneHour,
    TwoHours = TwoHours,
    FourHours = FourHours,
    TomorrowMorning = TomorrowMorning,
    NextMonday = NextMonday,
});
field::number!(priority_number, priority, "priority", Priority ~ Priority {
    None = None,
    Low = Low,
    Normal = Normal,
    High = High,
    Urgent = Urgent,
});

pub(super) fn encode(event: &ConversationEvent) -> Kind {
    use ConversationEvent as E;
    match event {
        E::Opened { channel, medium, contact } => Kind::ConversationOpened(wire::ConversationOpened {
            channel: channel.to_string(),
            medium: medium_number(*medium),
            contact: contact.to_string(),
        }),
        E::EpisodeStarted { episode, cause } => {
            Kind::EpisodeStarted(wire::EpisodeStarted { episode: *episode, cause: episode_cause_number(*cause) })
        }
        E::MessageReceived(received) => {
            let (facts, personal) = message::encode(received);
            Kind::MessageReceived(wire::MessageReceived { message: Some(facts), personal: Some(personal) })
        }
        E::MessageEchoed(echoed) => {
            let (facts, personal) = message::encode(echoed);
            Kind::MessageEchoed(wire::MessageEchoed { message: Some(facts), personal: Some(personal) })
        }
        E::MessageEdited { message, content } => {
            let (facts, personal) = message::encode_content(content);
            Kind::MessageEdited(wire::MessageEdited {
                message_id: message.bytes().to_vec(),
                content: Some(facts),
                personal: Some(personal),
            })
        }
        E::MessageRevoked { message } => {
            Kind::MessageRevoked(wire::MessageRevoked { message_id: message.bytes().to_vec() })
        }
        E::ReactionChanged { message, personal: ReactionPersonal { emoji, provider_id } } => {
            let personal = wire::ReactionPersonal { emoji: emoji.clone(), provider_id: provider_id.clone() };
            let message_id = message.bytes().to_vec();
            Kind::ReactionChanged(wire::ReactionChanged { message_id, personal: Some(personal) })
        }
        E::DeliveryReported(report) => Kind::DeliveryReported(encode_report(report)),
        E::BotPaused { .. }
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
        | E::MarkedRead { .. } => encode_work(event),
        E::MessageQueued(_)
        | E::SendStarted { .. }
        | E::MessageAccepted { .. }
        | E::SendFailed { .. }
        | E::SendOutcomeUnknown { .. }
        | E::SendCancelled { .. }
        | E::MediumFetched { .. } => outgoing::encode(event),
    }
}

/// What staff does with a conversation.
fn encode_work(event: &ConversationEvent) -> Kind {
    use ConversationEvent as E;
    match event {
        E::BotPaused { reason, automatic, terms, personal } => {
            Kind::BotPaused(pause::encode_paused(*reason, *automatic, terms, encode_note(personal)))
        }
        E::PauseChanged { terms, personal } => Kind::PauseChanged(pause::encode_changed(terms, encode_note(personal))),
        E::BotResumed { cause, catch_up, personal } => {
            Kind::BotResumed(pause::encode_resumed(*cause, *catch_up, encode_note(personal)))
        }
        E::Escalated { to, reason, note } => Kind::Escalated(pause::encode_escalated(to, *reason, *note)),
        E::SituationDetected(found) => {
            Kind::SituationDetected(bot::encode_detection(found, encode_note(&found.personal)))
        }
        E::SuggestionClosed { suggestion, accepted } => {
            Kind::SuggestionClosed(wire::SuggestionClosed { suggestion: *suggestion, accepted: *accepted })
        }
        E::BotTurnStarted(given) => Kind::BotTurnStarted(bot::encode_turn(given)),
        E::BotTurnEnded { turn, how } => Kind::BotTurnEnded(bot::encode_turn_end(*turn, *how)),
        E::AlertRaised { alert, since } => Kind::AlertRaised(bot::encode_alert(*alert, *since)),
        E::BotSignalled { until } => Kind::BotSignalled(wire::BotSignalled { until_ms: until.as_millis() }),
        E::Assigned { agent, team, how } => Kind::Assigned(wire::Assigned {
            agent: agent.as_ref().map(AgentId::to_string),
            team: team.as_ref().map(TeamId::to_string),
            how: how_number(*how),
        }),
        E::Resolved { episode, reason, personal } => Kind::Resolved(wire::Resolved {
            episode: *episode,
            reason: reason.clone(),
            personal: Some(encode_note(personal)),
        }),
        E::Reopened { episode, cause } => {
            Kind::Reopened(wire::Reopened { episode: *episode, cause: reopen_cause_number(*cause) })
        }
        E::NoteAdded { message, personal } => Kind::NoteAdded(wire::NoteAdded {
            message_id: message.bytes().to_vec(),
            personal: Some(encode_note(personal)),
        }),
        E::MarkedPending { personal } => {
            Kind::MarkedPending(wire::MarkedPending { personal: Some(encode_note(personal)) })
        }
        E::Snoozed { until, preset, personal } => Kind::Snoozed(wire::Snoozed {
            until_ms: until.map(Timestamp::as_millis),
            preset: preset.map_or(0, preset_number),
            personal: Some(encode_note(personal)),
        }),
        E::ReturnedToOpen { cause } => Kind::ReturnedToOpen(wire::ReturnedToOpen { cause: open_cause_number(*cause) }),
        E::TagAdded { tag } => Kind::TagAdded(wire::TagAdded { tag_id: tag.bytes().to_vec() }),
        E::TagRemoved { tag } => Kind::TagRemoved(wire::TagRemoved { tag_id: tag.bytes().to_vec() }),
        E::PrioritySet { priority } => Kind::PrioritySet(wire::PrioritySet { priority: priority_number(*priority) }),
        E::MarkedRead { through } => Kind::MarkedRead(wire::MarkedRead { through: *through }),
        E::Opened { .. }
        | E::EpisodeStarted { .. }
        | E::MessageReceived(_)
        | E::MessageEchoed(_)
        | E::MessageEdited { .. }
        | E::MessageRevoked { .. }
        | E::ReactionChanged { .. }
        | E::DeliveryReported(_)
        | E::MessageQueued(_)
        | E::SendStarted { .. }
        | E::MessageAccepted { .. }
        | E::SendFailed { .. }
        | E::SendOutcomeUnknown { .. }
        | E::SendCancelled { .. }
        | E::MediumFetched { .. } => encode(event),
    }
}

/// The event that a wire event of a conversation holds. The caller passes conversation events only.
pub(super) fn decode(kind: Kind) -> Result<ConversationEvent, DecodeError> {
    use ConversationEvent as E;
    match kind {
        Kind::ConversationOpened(event) => Ok(E::Opened {
            channel: field::channel(event.channel)?,
            medium: medium(event.medium)?,
            contact: field::entity("contact", &event.contact)?,
        }),
        Kind::EpisodeStarted(event) => {
            Ok(E::EpisodeStarted { episode: event.episode, cause: episode_cause(event.cause)? })
        }
        Kind::MessageReceived(event) => {
            message::decode(event.message, event.personal).map(|message| E::MessageReceived(Box::new(message)))
        }
        Kind::MessageEchoed(event) => {
            message::decode(event.message, event.personal).map(|message| E::MessageEchoed(Box::new(message)))
        }
        Kind::MessageEdited(event) => Ok(E::MessageEdited {
            message: field::message("message_id", &event.message_id)?,
            content: Box::new(message::decode_content(event.content, event.personal)?),
        }),
        Kind::MessageRevoked(event) => {
            Ok(E::MessageRevoked { message: field::message("message_id", &event.message_id)? })
        }
        Kind::ReactionChanged(event) => {
            let personal = event.personal.unwrap_or_default();
            Ok(E::ReactionChanged {
                message: field::message("message_id", &event.message_id)?,
                personal: ReactionPersonal { emoji: personal.emoji, provider_id: personal.provider_id },
            })
        }
        Kind::DeliveryReported(event) => decode_report(event).map(E::DeliveryReported),
        other => decode_work(other),
    }
}

fn decode_work(kind: Kind) -> Result<ConversationEvent, DecodeError> {
    use ConversationEvent as E;
    match kind {
        Kind::BotPaused(event) => Ok(E::BotPaused {
            reason: pause::pause_reason(event.reason)?,
            automatic: event.automatic,
            terms: pause::decode_terms(event.terms),
            personal: decode_note(event.personal),
        }),
        Kind::PauseChanged(event) => {
            Ok(E::PauseChanged { terms: pause::decode_terms(event.terms), personal: decode_note(event.personal) })
        }
        Kind::BotResumed(event) => {
            let (cause, catch_up) = (pause::resume_cause(event.cause)?, bot::catch_up(event.catch_up)?);
            Ok(E::BotResumed { cause, catch_up, personal: decode_note(event.personal) })
        }
        Kind::Escalated(event) => Ok(E::Escalated {
            to: AgentId::new(event.to).map_err(|_name| DecodeError::Invalid("to"))?,
            reason: pause::pause_reason(event.reason)?,
            note: field::message("note_id", &event.note_id)?,
        }),
        Kind::SituationDetected(event) => bot::decode_detection(event),
        Kind::SuggestionClosed(event) => {
            Ok(E::SuggestionClosed { suggestion: event.suggestion, accepted: event.accepted })
        }
        Kind::BotTurnStarted(event) => bot::decode_turn(event),
        Kind::BotTurnEnded(event) => bot::decode_turn_end(&event),
        Kind::AlertRaised(event) => bot::decode_alert(&event),
        Kind::BotSignalled(event) => Ok(E::BotSignalled { until: Timestamp::from_millis(event.until_ms) }),
        Kind::Assigned(event) => Ok(E::Assigned {
            agent: event.agent.map(AgentId::new).transpose().map_err(|_name| DecodeError::Invalid("agent"))?,
            team: event.team.map(TeamId::new).transpose().map_err(|_name| DecodeError::Invalid("team"))?,
            how: how(event.how)?,
        }),
        Kind::Resolved(event) => {
            Ok(E::Resolved { episode: event.episode, reason: event.reason, personal: decode_note(event.personal) })
        }
        Kind::Reopened(event) => Ok(E::Reopened { episode: event.episode, cause: reopen_cause(event.cause)? }),
        Kind::NoteAdded(event) => Ok(E::NoteAdded {
            message: field::message("message_id", &event.message_id)?,
            personal: decode_note(event.personal),
        }),
        // Named by `codec::decode_event`, which never sends others here.
        Kind::MarkedPending(event) => Ok(E::MarkedPending { personal: decode_note(event.personal) }),
        Kind::Snoozed(event) => Ok(E::Snoozed {
            until: event.until_ms.map(Timestamp::from_millis),
            preset: if event.preset == 0 { None } else { Some(preset(event.preset)?) },
            personal: decode_note(event.personal),
        }),
        Kind::ReturnedToOpen(event) => Ok(E::ReturnedToOpen { cause: open_cause(event.cause)? }),
        Kind::TagAdded(event) => Ok(E::TagAdded { tag: field::tag("tag_id", &event.tag_id)? }),
        Kind::TagRemoved(event) => Ok(E::TagRemoved { tag: field::tag("tag_id", &event.tag_id)? }),
        Kind::PrioritySet(event) => Ok(E::PrioritySet { priority: priority(event.priority)? }),
        Kind::MarkedRead(event) => Ok(E::MarkedRead { through: event.through }),
        _ => Err(DecodeError::Invalid("kind")),
    }
}

pub(super) fn encode_note(note: &NotePersonal) -> wire::NotePersonal {
    let NotePersonal { text } = note;
    wire::NotePersonal { text: text.clone() }
}

pub(super) fn decode_note(note: Option<wire::NotePersonal>) -> NotePersonal {
    NotePersonal { text: note.and_then(|note| note.text) }
}

pub(super) fn encode_report(report: &DeliveryReport) -> wire::DeliveryReported {
    let DeliveryReportPersonal { provider_id, recipient, details_json } = &report.personal;
    wire::DeliveryReported {
        message_id: report.message.bytes().to_vec(),
        status: report.status.as_str().to_owned(),
        reported_at_ms: report.reported_at.as_millis(),
        error_code: report.error_code.clone(),
        personal: Some(wire::DeliveryReportPersonal {
            provider_id: provider_id.clone(),
            recipient: recipient.clone(),
            details_json: details_json.clone(),
        }),
    }
}

pub(super) fn decode_report(report: wire::DeliveryReported) -> Result<DeliveryReport, DecodeError> {
    let personal = report.personal.unwrap_or_default();
    Ok(DeliveryReport {
        message: field::message("message_id", &report.message_id)?,
        status: DeliveryStatus::parse(&report.status),
        reported_at: Timestamp::from_millis(report.reported_at_ms),
        error_code: report.error_code,
        personal: DeliveryReportPersonal {
            provider_id: personal.provider_id,
            recipient: personal.recipient,
            details_json: personal.details_json,
        },
    })
}
