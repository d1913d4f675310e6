//! Commands that this node has seen on the log and its decision store has not reached yet.

use std::collections::{BTreeMap, HashMap};

use relevo_domain::conversation::ConversationEvent;
use relevo_domain::{CommandId, EntityId, Event, Recorded, TenantId};

use crate::decision::Applied;

/// The most commits by which the decision store may be behind before this node stops deciding. Entries are never dropped
/// instead: a command that is neither here nor in the store would be taken for a new one, and stored twice.
const COMMITS_AHEAD_MAX: usize = 65_536;

/// The lead of this node over its decision store.
#[derive(Default)]
pub(crate) struct Lead {
    by_sequence: BTreeMap<u64, (TenantId, CommandId)>,
    by_command: HashMap<(TenantId, CommandId), Vec<Applied>>,
    /// Conversations that were opened, by their contact.
    opened: HashMap<(TenantId, EntityId), Vec<(u64, EntityId)>>,
    newest: u64,
}

impl Lead {
    pub(crate) fn remember(&mut self, recorded: &Recorded) {
        let commit = &recorded.commit;
        self.newest = self.newest.max(recorded.sequence);
        let key = (commit.tenant.clone(), commit.command_id.clone());
        if self.by_sequence.insert(recorded.sequence, key.clone()).is_some() {
            return;
        }
        for event in &commit.events {
            if let Event::Conversation(ConversationEvent::Opened { contact, .. }) = event {
                let of_contact = self.opened.entry((commit.tenant.clone(), *contact)).or_default();
                of_contact.push((recorded.sequence, commit.entity));
            }
        }
        self.by_command.entry(key).or_default().push(Applied {
            entity: commit.entity,
            sequence: recorded.sequence,
            version: commit.last_version(),
            intake: commit.intake,
            event: commit.events.last().map_or("", Event::name).to_owned(),
        });
    }

    /// Whether the decision store is so far behind that this node must let it catch up before it writes more.
    pub(crate) fn full(&self) -> bool {
        self.by_sequence.len() >= COMMITS_AHEAD_MAX
    }

    pub(crate) fn find(&self, tenant: &TenantId, command: &CommandId) -> &[Applied] {
        self.by_command.get(&(tenant.clone(), command.clone())).map_or(&[], Vec::as_slice)
    }

    /// Conversations of a contact that were opened ahead of the decision store.
    pub(crate) fn opened_by(&self, tenant: &TenantId, contact: &EntityId) -> Vec<EntityId> {
        let opened = self.opened.get(&(tenant.clone(), *contact));
        opened.into_iter().flatten().map(|(_, conversation)| *conversation).collect()
    }

    /// The newest sequence that this node has seen.
    pub(crate) const fn newest(&self) -> u64 {
        self.newest
    }

    /// Drops what the decision store has reached.
    pub(crate) fn prune(&mut self, reached: u64) {
        if self.by_sequence.first_key_value().is_none_or(|(oldest, _)| *oldest > reached) {
            return;
        }
        self.opened.retain(|_, opened| {
            opened.retain(|(sequence, _)| *sequence > reached);
            !opened.is_empty()
        });
        while let Some(entry) = self.by_sequence.first_entry()
            && *entry.key() <= reached
        {
            let (sequence, key) = entry.remove_entry();
            if let Some(applied) = self.by_command.get_mut(&key) {
                applied.retain(|applied| applied.sequence != sequence);
                if applied.is_empty() {
                    self.by_command.remove(&key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo_projection::testing::history;

    #[test]
    fn a_full_lead_forgets_nothing_until_the_store_has_it() {
        let mut commits = history(3, 50);
        let mut lead = Lead::default();
        let first = commits[0].clone();
        for sequence in 1..=COMMITS_AHEAD_MAX as u64 + 10 {
            let mut recorded = commits.swap_remove(0);
            recorded.sequence = sequence;
            lead.remember(&recorded);
            commits.push(recorded);
        }
        assert!(lead.full());
        assert!(!lead.find(&first.commit.tenant, &first.commit.command_id).is_empty());
        lead.prune(lead.newest());
        assert!(!lead.full());
        assert!(lead.find(&first.commit.tenant, &first.commit.command_id).is_empty());
    }
}
