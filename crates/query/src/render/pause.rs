//! Pauses as the API shows them. `texts` is whether the caller reads what people wrote: a note is such a text.

use std::time::Duration;

use relevo_projector_pause as pause;
use relevo_proto::query::v1 as wire;

use super::words::{self, Names};

/// A conversation whose bot is paused.
pub(crate) fn paused(
    names: Names<'_>,
    row: &pause::Paused,
    contact_name: String,
    texts: bool,
) -> wire::PausedConversation {
    wire::PausedConversation {
        conversation_id: row.conversation.to_string(),
        channel_id: row.channel.to_string(),
        channel_label: names.directory.channel_label(names.tenant, &row.channel),
        pause: Some(one(names, &row.pause, texts)),
        contact_name,
        waiting_since: row.waiting_since.map(words::time),
        assignee: Some(names.assignee(row.agent.as_ref(), row.team.as_ref())),
    }
}

/// One pause.
pub(crate) fn one(names: Names<'_>, row: &pause::Pause, texts: bool) -> wire::Pause {
    wire::Pause {
        reason: words::reason(row.reason).into(),
        automatic: row.automatic,
        by: Some(names.actor(&row.by)),
        since: Some(words::time(row.since)),
        note: row.note.clone().filter(|_| texts).unwrap_or_default(),
        until: row.terms.until.map(words::time),
        locked: row.terms.locked,
        escalation: None,
        alerts: Vec::new(),
        detection: row.detected.as_ref().map(|found| detection(found, texts)),
    }
}

/// What a rule found: its words are the customer's.
fn detection(row: &pause::Detected, texts: bool) -> wire::Detection {
    wire::Detection {
        rule: row.rule.as_str().to_owned(),
        message_ids: row.messages.iter().map(ToString::to_string).collect(),
        count: row.count,
        phrase: row.phrase.clone().filter(|_| texts).unwrap_or_default(),
    }
}

/// A suggestion that nobody has answered.
pub(crate) fn suggestion(
    names: Names<'_>,
    row: &pause::Suggestion,
    contact_name: String,
    texts: bool,
) -> wire::Suggestion {
    wire::Suggestion {
        conversation_id: row.conversation.to_string(),
        suggestion: row.number,
        channel_id: row.channel.to_string(),
        channel_label: names.directory.channel_label(names.tenant, &row.channel),
        contact_name,
        assignee: Some(names.assignee(row.agent.as_ref(), row.team.as_ref())),
        detection: Some(detection(&row.detected, texts)),
        reason: words::reason(row.reason).into(),
        at: Some(words::time(row.at)),
    }
}

pub(crate) fn count(row: pause::ReasonCount) -> wire::PausedCount {
    wire::PausedCount { reason: words::reason(row.reason).into(), manual: row.manual, automatic: row.automatic }
}

/// A pause or a resumption.
pub(crate) fn history(names: Names<'_>, row: pause::HistoryEntry, texts: bool) -> wire::PauseHistoryEntry {
    match row {
        pause::HistoryEntry::Paused(pause) => entry(names, pause, texts),
        pause::HistoryEntry::Changed(pause) => wire::PauseHistoryEntry { changed: true, ..entry(names, pause, texts) },
        pause::HistoryEntry::Resumed { by, at, paused_for, note } => wire::PauseHistoryEntry {
            bot: wire::BotState::Active.into(),
            at: Some(words::time(at)),
            by: Some(names.actor(&by)),
            reason: wire::PauseReason::Unspecified.into(),
            automatic: false,
            note: note.filter(|_| texts).unwrap_or_default(),
            paused_for: Some(duration(paused_for)),
            ..wire::PauseHistoryEntry::default()
        },
    }
}

fn entry(names: Names<'_>, pause: pause::Pause, texts: bool) -> wire::PauseHistoryEntry {
    wire::PauseHistoryEntry {
        bot: wire::BotState::Paused.into(),
        at: Some(words::time(pause.since)),
        by: Some(names.actor(&pause.by)),
        reason: words::reason(pause.reason).into(),
        automatic: pause.automatic,
        note: pause.note.clone().filter(|_| texts).unwrap_or_default(),
        paused_for: None,
        changed: false,
        until: pause.terms.until.map(words::time),
        locked: pause.terms.locked,
        detection: pause.detected.as_ref().map(|found| detection(found, texts)),
    }
}

/// The order that a request names.
pub(crate) const fn asked_sort(asked: wire::PauseSort) -> Option<pause::Sort> {
    match asked {
        wire::PauseSort::Unspecified => None,
        wire::PauseSort::Since => Some(pause::Sort::Since),
        wire::PauseSort::Waiting => Some(pause::Sort::Waiting),
    }
}

fn duration(time: Duration) -> prost_types::Duration {
    // Longer than the protobuf type can say is not a duration that a log can hold.
    prost_types::Duration::try_from(time).unwrap_or_default()
}
