//! Conversations and contacts as the API shows them.

use relevo_projector_inbox as inbox;
use relevo_proto::query::v1 as wire;

use super::thread;
use super::words::{self, Names};

/// What surrounds a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    /// The view stopped following the conversation.
    pub(crate) degraded: bool,
    /// Whether the caller reads what customers and colleagues wrote.
    pub(crate) texts: bool,
}

/// One conversation.
pub(crate) fn conversation(names: Names<'_>, row: inbox::Conversation, shown: Shown) -> wire::Conversation {
    let assignee = names.assignee(row.agent.as_ref(), row.team.as_ref());
    let (bot, pause) = match row.bot {
        inbox::Bot::Active => (wire::BotState::Active, None),
        inbox::Bot::Paused(pause) => (wire::BotState::Paused, Some(self::pause(names, pause, shown))),
    };
    wire::Conversation {
        conversation_id: row.conversation.to_string(),
        contact_id: row.contact.to_string(),
        contact_name: row.contact_name,
        contact_address: row.address,
        channel_id: row.channel.to_string(),
        channel_label: names.directory.channel_label(names.tenant, &row.channel),
        medium: words::medium(row.medium).into(),
        status: status(row.status).into(),
        episode: row.episode,
        bot: bot.into(),
        pause,
        assignee: Some(assignee),
        unread: row.unread,
        preview: if shown.texts { row.preview } else { String::new() },
        preview_kind: row.preview_kind,
        last_activity: Some(words::time(row.last_activity)),
        waiting_since: row.waiting_since.map(words::time),
        window_expires_at: row.window_expires_at.map(words::time),
        degraded: shown.degraded,
        version: row.version,
        due: row.due,
        snoozed_until: row.snoozed_until.map(words::time),
        priority: words::priority(row.priority).into(),
        tags: tags(row.tags),
        customer: row.customer.map(customer),
        last_message_state: thread::send_state(row.preview_state).into(),
        delivery_problem: row.problem,
    }
}

/// A tag.
pub(crate) fn tag(row: inbox::Tag) -> wire::Tag {
    wire::Tag { tag_id: row.id.to_string(), name: row.name, colour: row.colour.to_string() }
}

/// The counters of the tabs.
pub(crate) const fn counters(row: inbox::Counters) -> wire::InboxCounters {
    const fn tab(row: inbox::TabCounts) -> wire::TabCounts {
        wire::TabCounts {
            open: row.open,
            pending: row.pending,
            snoozed: row.snoozed,
            resolved: row.resolved,
            unread: row.unread,
            paused: row.paused,
            delivery_problems: row.problems,
        }
    }
    wire::InboxCounters { mine: Some(tab(row.mine)), unassigned: Some(tab(row.unassigned)), all: Some(tab(row.all)) }
}

fn tags(rows: Vec<inbox::Tag>) -> Vec<wire::Tag> {
    let mut tags: Vec<_> = rows.into_iter().map(tag).collect();
    tags.sort_by_cached_key(|tag| (tag.name.to_lowercase(), tag.tag_id.clone()));
    tags
}

fn customer(row: inbox::Customer) -> wire::Customer {
    wire::Customer { customer_id: row.id, name: row.name }
}

/// A contact.
pub(crate) fn contact(row: inbox::Contact) -> wire::Contact {
    let identifier =
        |row: inbox::Identifier| wire::Identifier { kind: row.kind, value: row.value, channel_id: row.channel };
    wire::Contact {
        contact_id: row.contact.to_string(),
        name: row.name,
        identifiers: row.identifiers.into_iter().map(identifier).collect(),
        merged_contact_ids: row.linked.iter().map(|other| other.contact.to_string()).collect(),
        conversation_ids: row.conversations.iter().map(ToString::to_string).collect(),
        customer: row.customer.map(customer),
    }
}

const fn status(status: inbox::Status) -> wire::ConversationStatus {
    match status {
        inbox::Status::Open => wire::ConversationStatus::Open,
        inbox::Status::Pending => wire::ConversationStatus::Pending,
        inbox::Status::Snoozed => wire::ConversationStatus::Snoozed,
        inbox::Status::Resolved => wire::ConversationStatus::Resolved,
    }
}

fn pause(names: Names<'_>, pause: inbox::Pause, shown: Shown) -> wire::Pause {
    wire::Pause {
        reason: words::reason(pause.reason).into(),
        automatic: pause.automatic,
        by: Some(names.actor(&pause.by)),
        since: Some(words::time(pause.since)),
        note: pause.note.filter(|_| shown.texts).unwrap_or_default(),
        until: pause.terms.until.map(words::time),
        locked: pause.terms.locked,
        escalation: pause.escalation.map(|row| escalation(names, &row)),
        alerts: pause.alerts.iter().map(alert).collect(),
        detection: None,
    }
}

/// Of what staff was alerted.
pub(crate) fn alert(row: &inbox::RaisedAlert) -> wire::Alert {
    wire::Alert {
        kind: words::alert(row.alert).into(),
        since: Some(words::time(row.since)),
        at: Some(words::time(row.at)),
    }
}

/// Who was asked to take over.
pub(crate) fn escalation(names: Names<'_>, row: &inbox::Escalation) -> wire::Escalation {
    wire::Escalation {
        to: Some(names.assignee(Some(&row.to), None)),
        by: Some(names.actor(&row.by)),
        at: Some(words::time(row.at)),
        reason: words::reason(row.reason).into(),
    }
}
