//! What a conversation goes through, as entries of its thread: one for every event that is not about a message.

use relevo_domain::conversation::{
    AssignmentHow, ConversationEvent, EpisodeCause, NotePersonal, OpenCause, PauseTerms, ReopenCause, ResumeCause,
};

use crate::apply::Moment;
use crate::row::{TimelineKind, TimelineRow};

/// The entry of an event; `None` for events about messages, and for the opening, which its first episode shows.
pub(crate) fn entry(moment: Moment<'_>, event: &ConversationEvent) -> Option<TimelineRow> {
    let of = |kind: TimelineKind| TimelineRow { kind: kind.into(), by: moment.by.to_word(), ..TimelineRow::default() };
    let noted = |kind, personal: &NotePersonal| TimelineRow { note: text(personal.text.as_ref()), ..of(kind) };
    Some(match event {
        ConversationEvent::EpisodeStarted { episode, cause } => {
            let cause = episode_cause(*cause).to_owned();
            TimelineRow { episode: *episode, cause, ..of(TimelineKind::EpisodeStarted) }
        }
        ConversationEvent::BotPaused { reason, automatic, terms, personal } => TimelineRow {
            pause_reason: reason.as_str().to_owned(),
            automatic: *automatic,
            ..on_terms(noted(TimelineKind::BotPaused, personal), *terms)
        },
        ConversationEvent::PauseChanged { terms, personal } => {
            on_terms(noted(TimelineKind::PauseChanged, personal), *terms)
        }
        ConversationEvent::BotResumed { cause, personal } => {
            let cause = resume_cause(*cause).to_owned();
            TimelineRow { cause, ..noted(TimelineKind::BotResumed, personal) }
        }
        ConversationEvent::Escalated { to, reason, note: _ } => TimelineRow {
            agent: to.to_string(),
            pause_reason: reason.as_str().to_owned(),
            ..of(TimelineKind::Escalated)
        },
        ConversationEvent::Assigned { agent, team, how } => TimelineRow {
            agent: text(agent.as_ref()),
            team: text(team.as_ref()),
            claimed: *how == AssignmentHow::Claim,
            ..of(TimelineKind::Assigned)
        },
        ConversationEvent::Resolved { episode, reason, personal } => {
            TimelineRow { episode: *episode, reason: text(reason.as_ref()), ..noted(TimelineKind::Resolved, personal) }
        }
        ConversationEvent::Reopened { episode, cause } => {
            let cause = reopen_cause(*cause).to_owned();
            TimelineRow { episode: *episode, cause, ..of(TimelineKind::Reopened) }
        }
        ConversationEvent::MarkedPending { personal } => noted(TimelineKind::MarkedPending, personal),
        ConversationEvent::Snoozed { until, preset, personal } => TimelineRow {
            until: until.map(relevo_domain::Timestamp::as_millis),
            preset: preset.map(|preset| preset.as_str().to_owned()).unwrap_or_default(),
            ..noted(TimelineKind::Snoozed, personal)
        },
        ConversationEvent::ReturnedToOpen { cause } => {
            TimelineRow { cause: open_cause(*cause).to_owned(), ..of(TimelineKind::ReturnedToOpen) }
        }
        ConversationEvent::TagAdded { tag } => TimelineRow { tag: tag.bytes().to_vec(), ..of(TimelineKind::TagAdded) },
        ConversationEvent::TagRemoved { tag } => {
            TimelineRow { tag: tag.bytes().to_vec(), ..of(TimelineKind::TagRemoved) }
        }
        ConversationEvent::PrioritySet { priority } => {
            TimelineRow { priority: priority.as_str().to_owned(), ..of(TimelineKind::PrioritySet) }
        }
        ConversationEvent::MarkedRead { through } => TimelineRow { through: *through, ..of(TimelineKind::MarkedRead) },
        ConversationEvent::Opened { .. }
        | ConversationEvent::MessageReceived(_)
        | ConversationEvent::MessageEchoed(_)
        | ConversationEvent::MessageEdited { .. }
        | ConversationEvent::MessageRevoked { .. }
        | ConversationEvent::ReactionChanged { .. }
        | ConversationEvent::DeliveryReported(_)
        | ConversationEvent::MessageQueued(_)
        | ConversationEvent::SendStarted { .. }
        | ConversationEvent::MessageAccepted { .. }
        | ConversationEvent::SendFailed { .. }
        | ConversationEvent::SendOutcomeUnknown { .. }
        | ConversationEvent::SendCancelled { .. }
        | ConversationEvent::MediumFetched { .. }
        | ConversationEvent::NoteAdded { .. } => return None,
    })
}

fn on_terms(row: TimelineRow, terms: PauseTerms) -> TimelineRow {
    TimelineRow { until: terms.until.map(relevo_domain::Timestamp::as_millis), locked: terms.locked, ..row }
}

fn text(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

const fn episode_cause(cause: EpisodeCause) -> &'static str {
    match cause {
        EpisodeCause::CustomerMessage => "customer_message",
        EpisodeCause::BusinessMessage => "business_message",
        EpisodeCause::Imported => "imported",
    }
}

const fn reopen_cause(cause: ReopenCause) -> &'static str {
    match cause {
        ReopenCause::CustomerMessage => "customer_message",
        ReopenCause::Staff => "staff",
    }
}

const fn resume_cause(cause: ResumeCause) -> &'static str {
    match cause {
        // The usual one is not written.
        ResumeCause::Staff => "",
        ResumeCause::Timer => "timer",
    }
}

const fn open_cause(cause: OpenCause) -> &'static str {
    match cause {
        OpenCause::CustomerMessage => "customer_message",
        OpenCause::Staff => "staff",
        OpenCause::Timer => "timer",
    }
}
