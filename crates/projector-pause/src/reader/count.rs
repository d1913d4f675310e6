//! How many are paused, and why: sums over cells, never over conversations.

use std::collections::BTreeMap;

use relevo_domain::conversation::PauseReason;
use relevo_domain::{Caller, TenantId};
use relevo_projection::row::{ReadError, decode};
use relevo_readstore::{Direction, KeyRange, Snapshot};

use super::{read_agent, read_channel, read_reason, read_team};
use crate::keys;
use crate::row::CountRow;

/// Combinations of reason, channel, agent and team that are added up for counts: far more than a configuration has.
pub const COUNT_ROWS_MAX: usize = 100_000;

/// How many conversations are paused for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasonCount {
    pub reason: PauseReason,
    /// By a person.
    pub manual: u64,
    /// By Relevo or a bot.
    pub automatic: u64,
}

/// How many of the conversations that the caller may see are paused now, by reason, in the order of the reasons; reasons
/// without one are left out.
pub fn counts(snapshot: &Snapshot, tenant: &TenantId, visible: &Caller) -> Result<Vec<ReasonCount>, ReadError> {
    if visible.tenant != *tenant {
        return Ok(Vec::new());
    }
    let range = KeyRange::prefix(keys::count_prefix(tenant));
    let mut found: BTreeMap<PauseReason, ReasonCount> = BTreeMap::new();
    for (key, value) in snapshot.scan(&range, Direction::Forward, COUNT_ROWS_MAX)? {
        let counted = keys::read_count(&key)?;
        let row: CountRow = decode("count", &value)?;
        let (agent, team) = (read_agent(&counted.agent)?, read_team(&counted.team)?);
        if !visible.sees(&read_channel(&counted.channel)?, agent.as_ref(), team.as_ref()) {
            continue;
        }
        let reason = read_reason(&counted.reason)?;
        let count = found.entry(reason).or_insert(ReasonCount { reason, manual: 0, automatic: 0 });
        if counted.automatic {
            count.automatic += row.paused;
        } else {
            count.manual += row.paused;
        }
    }
    Ok(found.into_values().collect())
}
