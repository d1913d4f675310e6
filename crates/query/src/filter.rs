//! A filter as the API takes it, checked, and made into the reader's when the tags of the moment are known.

use std::time::Duration;

use relevo_domain::conversation::{Medium, Priority};
use relevo_domain::tag::TagName;
use relevo_domain::{AgentId, Caller, ChannelId, TagId, TeamId, TenantId, Timestamp};
use relevo_projection::ViewSnapshot;
use relevo_projector_inbox as inbox;
use relevo_proto::query::v1 as wire;

use crate::error::{QueryError, Rule};
use crate::render::words;
use crate::request::Fields;

/// Values of one field of a filter: more than anybody picks in a list, and few enough to look at one by one.
const VALUES_MAX: usize = 100;

/// A filter whose tags are not looked up yet.
#[derive(Clone, Debug)]
pub(crate) struct AskedFilter {
    /// Without tags and without a time of waiting.
    rest: inbox::Filter,
    tags: Vec<AskedTag>,
    waiting: Option<Duration>,
}

/// A tag as a client names it.
#[derive(Clone, Debug)]
enum AskedTag {
    Id(TagId),
    Name(TagName),
}

impl AskedFilter {
    pub(crate) fn parse(fields: &mut Fields, caller: &Caller, asked: wire::ConversationFilter) -> Self {
        let statuses = fields.words("filter.statuses", &asked.statuses, asked_status);
        let tab = fields.word("filter.tab", asked.tab, |tab| asked_tab(caller, tab)).unwrap_or_default();
        let rest = inbox::Filter {
            tab,
            statuses,
            bot: fields.word("filter.bot", asked.bot, asked_bot),
            media: fields.words("filter.media", &asked.media, asked_medium),
            channels: names::<ChannelId>(fields, "filter.channel_ids", &asked.channel_ids),
            tags: Vec::new(),
            agents: names::<AgentId>(fields, "filter.agent_ids", &asked.agent_ids),
            teams: names::<TeamId>(fields, "filter.team_ids", &asked.team_ids),
            priorities: fields.words("filter.priorities", &asked.priorities, asked_priority),
            unread: asked.unread,
            problem: asked.delivery_problem,
            waiting_since_before: None,
            search: search(fields, "filter.search", &asked.search),
        };
        let waiting = Some(asked.waiting_longer_than_seconds).filter(|seconds| *seconds > 0);
        let waiting = waiting.map(|seconds| Duration::from_secs(seconds.into()));
        Self { rest, tags: asked_tags(fields, &asked.tags), waiting }
    }

    /// Whether it looks for words: that takes its time.
    pub(crate) const fn searches(&self) -> bool {
        self.rest.search.is_some()
    }

    /// The reader's filter at a moment: with these tags of the tenant, and this time.
    fn at(&self, known: &[inbox::Tag], now: Timestamp) -> Result<inbox::Filter, QueryError> {
        let find = |asked: &AskedTag| known.iter().find(|tag| asked.names(tag)).map(|tag| tag.id);
        let tags = self.tags.iter().map(|asked| find(asked).ok_or(QueryError::TagUnknown));
        Ok(inbox::Filter {
            tags: tags.collect::<Result<_, _>>()?,
            waiting_since_before: self.waiting.map(|waiting| now - waiting),
            ..self.rest.clone()
        })
    }

    /// The same with the tags that there are in these rows.
    pub(crate) fn in_rows(
        &self,
        rows: &ViewSnapshot,
        tenant: &TenantId,
        now: Timestamp,
    ) -> Result<inbox::Filter, QueryError> {
        let tags = if self.tags.is_empty() { Vec::new() } else { inbox::tags(rows, tenant)? };
        self.at(&tags, now)
    }

    /// How long a customer must have waited.
    pub(crate) const fn waiting(&self) -> Option<Duration> {
        self.waiting
    }

    /// Whether what matches changes with time alone, apart from snoozes that become due and so open.
    pub(crate) fn takes_away_with_time(&self) -> bool {
        let snoozed = self.rest.statuses.contains(&inbox::Status::Snoozed);
        self.waiting.is_some() || (snoozed && !self.rest.statuses.contains(&inbox::Status::Open))
    }
}

impl AskedTag {
    fn names(&self, tag: &inbox::Tag) -> bool {
        match self {
            Self::Id(id) => *id == tag.id,
            Self::Name(name) => name.as_str().to_lowercase() == tag.name.to_lowercase(),
        }
    }
}

/// What was typed into a search; `None` if nothing was.
pub(crate) fn search(fields: &mut Fields, field: &'static str, text: &str) -> Option<String> {
    if text.chars().count() > inbox::SEARCH_CHARS_MAX {
        fields.refuse(field, Rule::TooLong(inbox::SEARCH_CHARS_MAX as u64));
    }
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn asked_tags(fields: &mut Fields, asked: &[String]) -> Vec<AskedTag> {
    fields.at_most("filter.tags", asked.len(), VALUES_MAX);
    let mut tags = Vec::new();
    for text in asked.iter().take(VALUES_MAX) {
        let tag = text.parse().map(AskedTag::Id);
        match tag.or_else(|_no_id| TagName::new(text).map(AskedTag::Name)) {
            Ok(tag) => tags.push(tag),
            Err(_bad) => fields.refuse("filter.tags", Rule::TagName),
        }
    }
    tags
}

fn names<T: std::str::FromStr>(fields: &mut Fields, field: &'static str, asked: &[String]) -> Vec<T> {
    fields.at_most(field, asked.len(), VALUES_MAX);
    let mut names = Vec::new();
    for text in asked.iter().take(VALUES_MAX) {
        match text.parse() {
            Ok(name) => names.push(name),
            Err(_bad) => fields.refuse(field, Rule::Name),
        }
    }
    names
}

const fn asked_status(status: wire::ConversationStatus) -> Option<inbox::Status> {
    match status {
        wire::ConversationStatus::Unspecified => None,
        wire::ConversationStatus::Open => Some(inbox::Status::Open),
        wire::ConversationStatus::Pending => Some(inbox::Status::Pending),
        wire::ConversationStatus::Snoozed => Some(inbox::Status::Snoozed),
        wire::ConversationStatus::Resolved => Some(inbox::Status::Resolved),
    }
}

const fn asked_bot(bot: wire::BotState) -> Option<inbox::BotFilter> {
    match bot {
        wire::BotState::Unspecified => None,
        wire::BotState::Active => Some(inbox::BotFilter::Active),
        wire::BotState::Paused => Some(inbox::BotFilter::Paused),
    }
}

const fn asked_medium(medium: wire::Medium) -> Option<Medium> {
    match medium {
        wire::Medium::Unspecified => None,
        wire::Medium::Whatsapp => Some(Medium::WhatsApp),
        wire::Medium::Sms => Some(Medium::Sms),
        wire::Medium::Email => Some(Medium::Email),
    }
}

fn asked_priority(asked: wire::Priority) -> Option<Priority> {
    Priority::ALL.into_iter().find(|known| words::priority(*known) == asked)
}

fn asked_tab(caller: &Caller, tab: wire::InboxTab) -> Option<inbox::Tab> {
    match tab {
        wire::InboxTab::Unspecified => None,
        wire::InboxTab::Mine => Some(inbox::Tab::Mine(caller.name.clone())),
        wire::InboxTab::Unassigned => Some(inbox::Tab::Unassigned),
        wire::InboxTab::All => Some(inbox::Tab::All),
    }
}

/// The sort of a list.
pub(crate) const fn asked_sort(sort: wire::ConversationSort) -> Option<inbox::Sort> {
    match sort {
        wire::ConversationSort::Unspecified => None,
        wire::ConversationSort::LastActivity => Some(inbox::Sort::LastActivity),
        wire::ConversationSort::Waiting => Some(inbox::Sort::Waiting),
        wire::ConversationSort::Priority => Some(inbox::Sort::Priority),
    }
}
