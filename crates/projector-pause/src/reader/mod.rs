//! Reads the pause view: what callers see, with their access applied and every limit enforced.
//!
//! All functions work on one snapshot. What a caller may not see does not exist for them, and is not counted.

pub(crate) mod bulk;
pub(crate) mod count;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod suggestion;

use relevo_domain::conversation::{PauseReason, PauseTerms};
use relevo_domain::{Actor, AgentId, Caller, ChannelId, EntityId, EntityKind, TeamId, TenantId, Timestamp};
use relevo_projection::row::{self, ReadError, bad};
use relevo_readstore::Snapshot;

use self::history::HistoryEntry;
use crate::row::{CurrentRow, PauseRow};
use crate::{keys, waited_since};

/// Where a page ended. Opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The time for which the first page was read.
    pub now: Timestamp,
    /// What stands behind the list's prefix in the key of the last row that was looked at. The caller may not see that row: a
    /// token that carries it must not show it.
    pub place: Vec<u8>,
}

/// A pause that stands, or stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    pub reason: PauseReason,
    pub automatic: bool,
    pub by: Actor,
    pub since: Timestamp,
    /// Personal data.
    pub note: Option<String>,
    pub terms: PauseTerms,
    /// What was found in what was written, if that was why.
    pub detected: Option<suggestion::Detected>,
}

/// The bot in one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PauseState {
    pub channel: ChannelId,
    /// `None`: the bot is active.
    pub pause: Option<Pause>,
    /// Since when the customer has waited for a person, counted from the pause on; `None` if the bot is active or nothing waits.
    pub waiting_since: Option<Timestamp>,
    /// Oldest first; the last [`history::HISTORY_LIMIT_MAX`].
    pub history: Vec<HistoryEntry>,
}

/// The bot in one conversation; `None` if there is no such conversation for the caller.
pub fn pause(
    snapshot: &Snapshot,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
) -> Result<Option<PauseState>, ReadError> {
    let Some(seen) = seen(snapshot, tenant, conversation, visible)? else { return Ok(None) };
    let waiting_since = seen.waiting_since();
    let pause = seen.row.pause.map(read_pause).transpose()?;
    let history = history::latest(snapshot, tenant, conversation)?;
    Ok(Some(PauseState { channel: seen.channel, pause, waiting_since, history }))
}

/// A row that the caller may see.
struct Seen {
    row: CurrentRow,
    channel: ChannelId,
    agent: Option<AgentId>,
    team: Option<TeamId>,
}

impl Seen {
    fn waiting_since(&self) -> Option<Timestamp> {
        let since = self.row.pause.as_ref().and_then(|pause| waited_since(&self.row, pause));
        since.map(Timestamp::from_millis)
    }
}

fn seen(
    snapshot: &Snapshot,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
) -> Result<Option<Seen>, ReadError> {
    if visible.tenant != *tenant || conversation.kind() != EntityKind::Conversation {
        return Ok(None);
    }
    let stored: Option<CurrentRow> = row::read(snapshot, "current", &keys::current(tenant, conversation))?;
    let Some(row) = stored else { return Ok(None) };
    let channel = read_channel(&row.channel)?;
    let (agent, team) = (read_agent(&row.agent)?, read_team(&row.team)?);
    let sees = visible.sees(&channel, agent.as_ref(), team.as_ref());
    Ok(sees.then_some(Seen { row, channel, agent, team }))
}

fn read_pause(row: PauseRow) -> Result<Pause, ReadError> {
    Ok(Pause {
        reason: read_reason(&row.reason)?,
        automatic: row.automatic,
        by: read_actor(&row.by)?,
        since: Timestamp::from_millis(row.since),
        note: read_note(row.note),
        terms: PauseTerms { until: row.until.map(Timestamp::from_millis), locked: row.locked },
        detected: row.detected.map(suggestion::read).transpose()?,
    })
}

fn read_reason(reason: &str) -> Result<PauseReason, ReadError> {
    PauseReason::parse(reason).ok_or_else(|| bad("pause reason"))
}

fn read_actor(word: &str) -> Result<Actor, ReadError> {
    Actor::from_word(word).ok_or_else(|| bad("actor"))
}

fn read_note(note: String) -> Option<String> {
    Some(note).filter(|note| !note.is_empty())
}

fn read_channel(name: &str) -> Result<ChannelId, ReadError> {
    ChannelId::new(name).map_err(|_name| bad("channel"))
}

fn read_agent(name: &str) -> Result<Option<AgentId>, ReadError> {
    Some(name).filter(|name| !name.is_empty()).map(AgentId::new).transpose().map_err(|_name| bad("agent"))
}

fn read_team(name: &str) -> Result<Option<TeamId>, ReadError> {
    Some(name).filter(|name| !name.is_empty()).map(TeamId::new).transpose().map_err(|_name| bad("team"))
}
