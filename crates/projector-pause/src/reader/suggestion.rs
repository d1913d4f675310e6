//! What is suggested to staff and nobody has answered, the oldest first; and what a pause was for.

use relevo_domain::conversation::PauseReason;
use relevo_domain::detection::Rule;
use relevo_domain::{AgentId, Caller, ChannelId, EntityId, MessageId, TeamId, TenantId, Timestamp};
use relevo_projection::merged::Merged;
use relevo_projection::row::{ReadError, bad, decode};
use relevo_readstore::Snapshot;

use super::list::{LIMIT_MAX, ROWS_EXAMINED_MAX};
use super::{Cursor, read_agent, read_channel, read_note, read_reason, read_team, seen};
use crate::keys;
use crate::row::{DetectedRow, ListedRow};

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    pub rule: Rule,
    /// The messages that speak for it, oldest first.
    pub messages: Vec<MessageId>,
    pub count: u32,
    /// Personal data.
    pub phrase: Option<String>,
}

/// Which suggestions. All that is given must hold.
#[derive(Clone, Debug)]
pub struct SuggestionQuery<'a> {
    /// `None`: any.
    pub rule: Option<Rule>,
    /// On any of these. Empty: on any.
    pub channels: &'a [ChannelId],
    /// Whose access applies.
    pub visible: &'a Caller,
    /// For the first page.
    pub now: Timestamp,
    /// Where the page before ended.
    pub after: Option<&'a Cursor>,
    /// At least 1 and at most [`LIMIT_MAX`] is read as that.
    pub limit: usize,
}

/// A suggestion to pause the bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    pub conversation: EntityId,
    /// What commands name it by.
    pub number: u64,
    pub channel: ChannelId,
    pub agent: Option<AgentId>,
    pub team: Option<TeamId>,
    pub detected: Detected,
    pub reason: PauseReason,
    pub at: Timestamp,
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuggestionPage {
    pub rows: Vec<Suggestion>,
    /// Present if there may be more.
    pub next: Option<Cursor>,
}

/// A page of the suggestions that nobody has answered.
pub fn suggestions(
    snapshot: &Snapshot,
    tenant: &TenantId,
    query: &SuggestionQuery<'_>,
) -> Result<SuggestionPage, ReadError> {
    let (limit, now) = (query.limit.clamp(1, LIMIT_MAX), query.after.map_or(query.now, |after| after.now));
    let prefix = keys::suggested_prefix(tenant, query.rule.map_or("", Rule::as_str)).finish();
    let mut list = Merged::new(snapshot, [prefix], query.after.map(|after| after.place.as_slice()));
    let (mut rows, mut last, mut examined) = (Vec::new(), None, 0);
    while let Some(found) = list.next()? {
        examined += 1;
        if matches(query, &decode("suggested", &found.value)?)?
            && let Some(row) = one(snapshot, tenant, &found.key, query.visible)?
        {
            if rows.len() == limit {
                // There is one more: the page ends at the one before.
                return Ok(SuggestionPage { rows, next: last });
            }
            rows.push(row);
            last = Some(Cursor { now, place: found.place() });
        }
        if examined == ROWS_EXAMINED_MAX {
            return Ok(SuggestionPage { rows, next: Some(Cursor { now, place: found.place() }) });
        }
    }
    Ok(SuggestionPage { rows, next: None })
}

fn matches(query: &SuggestionQuery<'_>, listed: &ListedRow) -> Result<bool, ReadError> {
    let channel = read_channel(&listed.channel)?;
    let wanted = query.channels.is_empty() || query.channels.contains(&channel);
    let (agent, team) = (read_agent(&listed.agent)?, read_team(&listed.team)?);
    Ok(wanted && query.visible.sees(&channel, agent.as_ref(), team.as_ref()))
}

fn one(snapshot: &Snapshot, tenant: &TenantId, key: &[u8], visible: &Caller) -> Result<Option<Suggestion>, ReadError> {
    let (conversation, number) = (keys::read_conversation(key)?, keys::read_suggestion(key)?);
    let Some(seen) = seen(snapshot, tenant, conversation, visible)? else { return Ok(None) };
    let (channel, agent, team) = (seen.channel, seen.agent, seen.team);
    let Some(open) = seen.row.suggestions.into_iter().find(|open| open.number == number) else { return Ok(None) };
    Ok(Some(Suggestion {
        conversation,
        number,
        channel,
        agent,
        team,
        detected: read(open.detected)?,
        reason: read_reason(&open.reason)?,
        at: Timestamp::from_millis(open.at),
    }))
}

pub(super) fn read(row: DetectedRow) -> Result<Detected, ReadError> {
    let id = |bytes: &Vec<u8>| bytes.as_slice().try_into().map(MessageId::new).map_err(|_length| bad("message id"));
    Ok(Detected {
        rule: Rule::parse(&row.rule).ok_or_else(|| bad("rule"))?,
        messages: row.messages.iter().map(id).collect::<Result<_, _>>()?,
        count: row.count,
        phrase: read_note(row.phrase),
    })
}
