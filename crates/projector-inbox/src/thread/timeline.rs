//! What a conversation goes through, as entries of its thread: one for every event that is not about a message.

use relevo_domain::Timestamp;
use relevo_domain::conversation::{
    AssignmentHow, ConversationEvent, Detection, EpisodeCause, NotePersonal, OpenCause, PauseReason, PauseTerms,
    ReopenCause, ResumeCause, SnoozePreset,
};
use relevo_domain::detection::Act;

use crate::apply::Moment;
use crate::row::{DetectedRow, TimelineKind, TimelineRow};

/// The entry of an event; `None` for events about messages, and for the opening, which its first episode shows.
pub(crate) fn entry(moment: Moment<'_>, event: &ConversationEvent) -> Option<TimelineRow> {
    let of = |kind: TimelineKind| TimelineRow { kind: kind.into(), by: moment.by.to_word(), ..TimelineRow::default() };
    let noted = |kind, personal: &NotePersonal| TimelineRow { note: text(personal.text.as_ref()), ..of(kind) };
    Some(match event {
        ConversationEvent::EpisodeStarted { episode, cause } => {
            in_episode(of(TimelineKind::EpisodeStarted), *episode, episode_cause(*cause))
        }
        ConversationEvent::BotPaused { reason, automatic, terms, personal } => {
            let row = TimelineRow { automatic: *automatic, ..noted(TimelineKind::BotPaused, personal) };
            on_terms(for_reason(row, *reason), *terms)
        }
        ConversationEvent::PauseChanged { terms, personal } => {
            on_terms(noted(TimelineKind::PauseChanged, personal), *terms)
        }
        ConversationEvent::BotResumed { cause, catch_up: _, personal } => {
            because(noted(TimelineKind::BotResumed, personal), resume_cause(*cause))
        }
        ConversationEvent::Escalated { to, reason, note: _ } => {
            for_reason(TimelineRow { agent: to.to_string(), ..of(TimelineKind::Escalated) }, *reason)
        }
        ConversationEvent::SituationDetected(found) => detected(of(TimelineKind::SituationDetected), moment, found),
        ConversationEvent::AlertRaised { alert, since } => {
            let (alert, since) = (alert.as_str().to_owned(), Some(since.as_millis()));
            TimelineRow { alert, since, ..of(TimelineKind::AlertRaised) }
        }
        ConversationEvent::SuggestionClosed { suggestion, accepted } => {
            TimelineRow { suggestion: *suggestion, accepted: *accepted, ..of(TimelineKind::SuggestionClosed) }
        }
        ConversationEvent::Assigned { agent, team, how } => {
            let (agent, team, claimed) = (text(agent.as_ref()), text(team.as_ref()), *how == AssignmentHow::Claim);
            TimelineRow { agent, team, claimed, ..of(TimelineKind::Assigned) }
        }
        ConversationEvent::Resolved { episode, reason, personal } => {
            TimelineRow { episode: *episode, reason: text(reason.as_ref()), ..noted(TimelineKind::Resolved, personal) }
        }
        ConversationEvent::Reopened { episode, cause } => {
            in_episode(of(TimelineKind::Reopened), *episode, reopen_cause(*cause))
        }
        ConversationEvent::MarkedPending { personal } => noted(TimelineKind::MarkedPending, personal),
        ConversationEvent::Snoozed { until, preset, personal } => {
            snoozed(noted(TimelineKind::Snoozed, personal), *until, *preset)
        }
        ConversationEvent::ReturnedToOpen { cause } => because(of(TimelineKind::ReturnedToOpen), open_cause(*cause)),
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
        | ConversationEvent::NoteAdded { .. }
        | ConversationEvent::BotTurnStarted(_)
        | ConversationEvent::BotTurnEnded { .. }
        | ConversationEvent::BotSignalled { .. } => return None,
    })
}

fn on_terms(row: TimelineRow, terms: PauseTerms) -> TimelineRow {
    TimelineRow { until: terms.until.map(Timestamp::as_millis), locked: terms.locked, ..row }
}

fn for_reason(row: TimelineRow, reason: PauseReason) -> TimelineRow {
    TimelineRow { pause_reason: reason.as_str().to_owned(), ..row }
}

fn because(row: TimelineRow, cause: &str) -> TimelineRow {
    TimelineRow { cause: cause.to_owned(), ..row }
}

fn in_episode(row: TimelineRow, episode: u32, cause: &str) -> TimelineRow {
    TimelineRow { episode, ..because(row, cause) }
}

fn snoozed(row: TimelineRow, until: Option<Timestamp>, preset: Option<SnoozePreset>) -> TimelineRow {
    let preset = preset.map(|preset| preset.as_str().to_owned()).unwrap_or_default();
    TimelineRow { until: until.map(Timestamp::as_millis), preset, ..row }
}

fn detected(row: TimelineRow, moment: Moment<'_>, found: &Detection) -> TimelineRow {
    let detected = DetectedRow {
        rule: found.rule.as_str().to_owned(),
        messages: found.messages.iter().map(|message| message.bytes().to_vec()).collect(),
        count: found.count,
        phrase: text(found.personal.text.as_ref()),
    };
    TimelineRow {
        automatic: found.act == Act::Pause,
        detected: Some(detected),
        suggestion: if found.act == Act::Suggest { moment.version } else { 0 },
        ..for_reason(row, found.reason)
    }
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
