//! Reads the view `turns`, in one snapshot.

use std::ops::ControlFlow;

use relevo_domain::conversation::Turns;
use relevo_domain::{Caller, ChannelId, EntityId, TeamId, TenantId, Timestamp};
use relevo_projection::RowSource;
use relevo_projection::row::{ReadError, decode, read};
use relevo_readstore::{Direction, KeyRange};

use super::keys;
use super::row::{DueRow, OverCode, TalkRow};

/// Conversations of a channel that one look examines, however many of them are left out: a look is short.
pub const EXAMINED_MAX: usize = 4_096;
/// Channels of a tenant that one look visits.
pub const CHANNELS_MAX: usize = 256;

/// A conversation that may be given now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueTurn {
    /// Since when.
    pub at: Timestamp,
    pub conversation: EntityId,
}

/// What a look found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The oldest first.
    pub due: Vec<DueTurn>,
    /// When the first comes whose time has not come yet; absent if there is none.
    pub next: Option<Timestamp>,
}

/// What a conversation has for bots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub turns: Turns,
    pub running: Option<Held>,
    /// The turn that ended last.
    pub over: Option<Over>,
}

/// Where a turn that a bot has stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub number: u64,
    /// Sequence of the commit with its first message.
    pub from: u64,
    /// Sequence of the commit that began it: what it tells was written before.
    pub begun: u64,
    /// What was written before this sequence was written while the bot was paused; 0 if it never was.
    pub context: u64,
}

/// A turn that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over {
    pub number: u64,
    pub how: OverHow,
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OverHow {
    Done,
    Failed,
    GivenUp,
    Paused,
    Staff,
    Time,
}

/// What the caller may be given at `now`, at most `limit`, without what `skip` names. What nobody wrote in since `oldest` is let be.
pub fn due(
    source: &(impl RowSource + ?Sized),
    caller: &Caller,
    (oldest, now): (Timestamp, Timestamp),
    limit: usize,
    skip: &dyn Fn(EntityId) -> bool,
) -> Result<Found, ReadError> {
    let mut found = Found::default();
    for channel in channels(source, &caller.tenant)? {
        if !caller.sees(&channel, None, None) {
            continue;
        }
        of_channel(source, caller, &channel, (oldest, now), (limit, skip), &mut found)?;
    }
    found.due.sort_by_key(|due| (due.at, due.conversation));
    found.due.truncate(limit);
    Ok(found)
}

fn of_channel(
    source: &(impl RowSource + ?Sized),
    caller: &Caller,
    channel: &ChannelId,
    (oldest, now): (Timestamp, Timestamp),
    (limit, skip): (usize, &dyn Fn(EntityId) -> bool),
    found: &mut Found,
) -> Result<(), ReadError> {
    let mut range = KeyRange::prefix(keys::channel(&caller.tenant, channel.as_str()).finish());
    range = range.after(&keys::from(&caller.tenant, channel.as_str(), oldest));
    let (mut taken, mut examined) = (0, 0);
    source.visit(&range, Direction::Forward, &mut |key, value| {
        // One row that nobody can read must not keep those behind it.
        let Ok((channel, at, conversation)) = keys::read_due(key) else { return ControlFlow::Continue(()) };
        if at > now {
            found.next = Some(found.next.map_or(at, |next| next.min(at)));
            return ControlFlow::Break(());
        }
        if taken >= limit || examined >= EXAMINED_MAX {
            return ControlFlow::Break(());
        }
        examined += 1;
        let Ok(row) = decode::<DueRow>("due", value) else { return ControlFlow::Continue(()) };
        let team = TeamId::new(row.team).ok();
        let fresh = Timestamp::from_millis(row.newest_at) >= oldest;
        if fresh && caller.sees(&channel, None, team.as_ref()) && !skip(conversation) {
            taken += 1;
            found.due.push(DueTurn { at, conversation });
        }
        ControlFlow::Continue(())
    })?;
    Ok(())
}

/// The tenant's channels that have something to give, now or later.
fn channels(source: &(impl RowSource + ?Sized), tenant: &TenantId) -> Result<Vec<ChannelId>, ReadError> {
    let all = KeyRange::prefix(keys::tenant(tenant).finish());
    let (mut range, mut channels) = (all.clone(), Vec::new());
    while channels.len() < CHANNELS_MAX
        && let Some((key, _value)) = source.scan(&range, Direction::Forward, 1)?.pop()
    {
        let (channel, _, _) = keys::read_due(&key)?;
        // Behind everything of this channel.
        let Some(end) = KeyRange::prefix(keys::channel(tenant, channel.as_str()).finish()).end else { break };
        range = KeyRange { start: end, end: all.end.clone() };
        channels.push(channel);
    }
    Ok(channels)
}

/// What a conversation has; absent if there is no such conversation.
pub fn standing(
    source: &(impl RowSource + ?Sized),
    tenant: &TenantId,
    conversation: EntityId,
) -> Result<Option<Standing>, ReadError> {
    let row: Option<TalkRow> = read(source, "talk", &keys::talk(tenant, conversation))?;
    Ok(row.map(|row| {
        let how = match row.over_how() {
            OverCode::Unspecified => None,
            OverCode::Done => Some(OverHow::Done),
            OverCode::Failed => Some(OverHow::Failed),
            OverCode::GivenUp => Some(OverHow::GivenUp),
            OverCode::Paused => Some(OverHow::Paused),
            OverCode::Staff => Some(OverHow::Staff),
            OverCode::Time => Some(OverHow::Time),
        };
        let running = row.running.as_ref().map(|running| Held {
            number: running.number,
            from: running.from_sequence,
            begun: running.sequence,
            context: if running.context_through == 0 { 0 } else { row.context_sequence },
        });
        Standing { turns: row.turns(), running, over: how.map(|how| Over { number: row.over, how }) }
    }))
}
