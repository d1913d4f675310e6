//! Commands that this node has seen on the log and its decision store has not reached yet.

use std::collections::{BTreeMap, HashMap};

use relevo_domain::conversation::ConversationEvent;
use relevo_domain::{CommandId, EntityId, Event, MessageId, Recorded, TenantId};

use crate::decision::Applied;

/// The most commits by which the decision store may be behind before this node stops deciding. Entries are never dropped
/// instead: a command that is neither here nor in the store would be taken for a new one, and stored twice.
const COMMITS_AHEAD_MAX: usize = 65_536;

/// Conversations by their contact, with the sequence that made them worth remembering.
type ByContact = HashMap<(TenantId, EntityId), Vec<(u64, EntityId)>>;

/// What one commit made known by id.
struct Named {
    tenant: TenantId,
    command: CommandId,
    messages: Vec<MessageId>,
    /// Of messages that were accepted: the id that the provider's id derives, and their own.
    sent: Vec<(MessageId, MessageId)>,
    /// Contacts of whom conversations were opened by it, or seen paused after it.
    opened: Vec<EntityId>,
    paused: Vec<EntityId>,
}

/// The lead of this node over its decision store.
pub(crate) struct Lead {
    by_sequence: BTreeMap<u64, Named>,
    by_command: HashMap<(TenantId, CommandId), Vec<Applied>>,
    /// Conversations that were opened.
    opened: ByContact,
    /// Conversations whose bot was paused when their last commit was seen.
    paused: ByContact,
    /// Messages of threads: their conversation, and the sequence of their commit.
    messages: HashMap<(TenantId, MessageId), (EntityId, u64)>,
    /// Messages of ours, by the id that the provider's id derives.
    sent: HashMap<(TenantId, MessageId), (EntityId, MessageId)>,
    /// The commits with which providers took messages of ours.
    accepted: HashMap<(TenantId, MessageId), (EntityId, u64)>,
    newest: u64,
    commits_max: usize,
}

impl Default for Lead {
    fn default() -> Self {
        Self::of_at_most(COMMITS_AHEAD_MAX)
    }
}

impl Lead {
    fn of_at_most(commits_max: usize) -> Self {
        Self {
            by_sequence: BTreeMap::new(),
            by_command: HashMap::new(),
            opened: HashMap::new(),
            paused: HashMap::new(),
            messages: HashMap::new(),
            sent: HashMap::new(),
            accepted: HashMap::new(),
            newest: 0,
            commits_max,
        }
    }

    pub(crate) fn remember(&mut self, recorded: &Recorded) {
        let commit = &recorded.commit;
        self.newest = self.newest.max(recorded.sequence);
        if self.by_sequence.contains_key(&recorded.sequence) {
            return;
        }
        let mut named = Named {
            tenant: commit.tenant.clone(),
            command: commit.command_id.clone(),
            messages: Vec::new(),
            sent: Vec::new(),
            opened: Vec::new(),
            paused: Vec::new(),
        };
        for event in &commit.events {
            if let Event::Conversation(event) = event {
                self.remember_event(recorded, event, &mut named);
            }
        }
        self.by_sequence.insert(recorded.sequence, named);
        let key = (commit.tenant.clone(), commit.command_id.clone());
        self.by_command.entry(key).or_default().push(Applied {
            entity: commit.entity,
            sequence: recorded.sequence,
            version: commit.last_version(),
            intake: commit.intake,
            event: commit.events.last().map_or("", Event::name).to_owned(),
        });
    }

    fn remember_event(&mut self, recorded: &Recorded, event: &ConversationEvent, named: &mut Named) {
        let (tenant, entity) = (&recorded.commit.tenant, recorded.commit.entity);
        let message = match event {
            ConversationEvent::Opened { contact, .. } => {
                let of_contact = self.opened.entry((tenant.clone(), *contact)).or_default();
                of_contact.push((recorded.sequence, entity));
                named.opened.push(*contact);
                return;
            }
            ConversationEvent::MessageAccepted { message, alias, .. } => {
                self.sent.insert((tenant.clone(), *alias), (entity, *message));
                self.accepted.insert((tenant.clone(), *message), (entity, recorded.sequence));
                named.sent.push((*alias, *message));
                return;
            }
            ConversationEvent::MessageReceived(message) | ConversationEvent::MessageEchoed(message) => message.id,
            ConversationEvent::MessageQueued(outgoing) => outgoing.id,
            ConversationEvent::EpisodeStarted { .. }
            | ConversationEvent::MessageEdited { .. }
            | ConversationEvent::MessageRevoked { .. }
            | ConversationEvent::ReactionChanged { .. }
            | ConversationEvent::DeliveryReported(_)
            | ConversationEvent::BotPaused { .. }
            | ConversationEvent::PauseChanged { .. }
            | ConversationEvent::BotResumed { .. }
            | ConversationEvent::Escalated { .. }
            | ConversationEvent::SituationDetected(_)
            | ConversationEvent::SuggestionClosed { .. }
            | ConversationEvent::BotTurnStarted(_)
            | ConversationEvent::BotTurnEnded { .. }
            | ConversationEvent::AlertRaised { .. }
            | ConversationEvent::BotSignalled { .. }
            | ConversationEvent::Assigned { .. }
            | ConversationEvent::Resolved { .. }
            | ConversationEvent::Reopened { .. }
            | ConversationEvent::NoteAdded { .. }
            | ConversationEvent::MarkedPending { .. }
            | ConversationEvent::Snoozed { .. }
            | ConversationEvent::ReturnedToOpen { .. }
            | ConversationEvent::TagAdded { .. }
            | ConversationEvent::TagRemoved { .. }
            | ConversationEvent::PrioritySet { .. }
            | ConversationEvent::MarkedRead { .. }
            | ConversationEvent::SendStarted { .. }
            | ConversationEvent::SendFailed { .. }
            | ConversationEvent::SendOutcomeUnknown { .. }
            | ConversationEvent::SendCancelled { .. }
            | ConversationEvent::MediumFetched { .. } => return,
        };
        self.messages.insert((tenant.clone(), message), (entity, recorded.sequence));
        named.messages.push(message);
    }

    /// Where a message stands that the decision store does not know yet.
    pub(crate) fn message(&self, tenant: &TenantId, message: MessageId) -> Option<(EntityId, u64)> {
        self.messages.get(&(tenant.clone(), message)).copied()
    }

    /// The commit with which a provider took a message of ours, if the decision store does not know it yet.
    pub(crate) fn accepted(&self, tenant: &TenantId, message: MessageId) -> Option<(EntityId, u64)> {
        self.accepted.get(&(tenant.clone(), message)).copied()
    }

    /// The message of ours that a provider's id names, if the decision store does not know it yet.
    pub(crate) fn sent(&self, tenant: &TenantId, alias: MessageId) -> Option<(EntityId, MessageId)> {
        self.sent.get(&(tenant.clone(), alias)).copied()
    }

    /// A conversation of the contact is paused as of a commit that was remembered.
    pub(crate) fn remember_paused(
        &mut self,
        tenant: &TenantId,
        contact: EntityId,
        conversation: EntityId,
        sequence: u64,
    ) {
        // A commit that is not ahead of the decision store any more is known there.
        let Some(named) = self.by_sequence.get_mut(&sequence) else { return };
        named.paused.push(contact);
        let of_contact = self.paused.entry((tenant.clone(), contact)).or_default();
        of_contact.retain(|(_, known)| *known != conversation);
        of_contact.push((sequence, conversation));
    }

    /// The sequence that the decision store must reach before this node writes more, if it is so far behind that it must let it
    /// catch up.
    pub(crate) fn full(&self) -> Option<u64> {
        let oldest = *self.by_sequence.first_key_value()?.0;
        (self.by_sequence.len() >= self.commits_max).then_some(oldest)
    }

    pub(crate) fn find(&self, tenant: &TenantId, command: &CommandId) -> &[Applied] {
        self.by_command.get(&(tenant.clone(), command.clone())).map_or(&[], Vec::as_slice)
    }

    /// Conversations of a contact that were opened ahead of the decision store.
    pub(crate) fn opened_by(&self, tenant: &TenantId, contact: &EntityId) -> Vec<EntityId> {
        of_contact(&self.opened, tenant, contact)
    }

    /// Conversations of a contact that were paused ahead of the decision store; they may have been resumed since.
    pub(crate) fn paused_of(&self, tenant: &TenantId, contact: &EntityId) -> Vec<EntityId> {
        of_contact(&self.paused, tenant, contact)
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
        while let Some(entry) = self.by_sequence.first_entry()
            && *entry.key() <= reached
        {
            let (sequence, Named { tenant, command, messages, sent, opened, paused }) = entry.remove_entry();
            for contact in opened {
                drop_until(&mut self.opened, &tenant, contact, reached);
            }
            for contact in paused {
                drop_until(&mut self.paused, &tenant, contact, reached);
            }
            for message in messages {
                self.messages.remove(&(tenant.clone(), message));
            }
            for (alias, message) in sent {
                self.sent.remove(&(tenant.clone(), alias));
                self.accepted.remove(&(tenant.clone(), message));
            }
            let key = (tenant, command);
            if let Some(applied) = self.by_command.get_mut(&key) {
                applied.retain(|applied| applied.sequence != sequence);
                if applied.is_empty() {
                    self.by_command.remove(&key);
                }
            }
        }
    }
}

/// Forgets conversations of a contact that the decision store knows.
fn drop_until(by_contact: &mut ByContact, tenant: &TenantId, contact: EntityId, reached: u64) {
    let key = (tenant.clone(), contact);
    if let Some(conversations) = by_contact.get_mut(&key) {
        conversations.retain(|(sequence, _)| *sequence > reached);
        if conversations.is_empty() {
            by_contact.remove(&key);
        }
    }
}

fn of_contact(by_contact: &ByContact, tenant: &TenantId, contact: &EntityId) -> Vec<EntityId> {
    let found = by_contact.get(&(tenant.clone(), *contact));
    found.into_iter().flatten().map(|(_, conversation)| *conversation).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo_projection::testing::history;

    const LIMIT: u64 = 100;

    #[test]
    fn a_full_lead_forgets_nothing_until_the_store_has_it() {
        let mut commits = history(3, 50);
        let mut lead = Lead::of_at_most(LIMIT as usize);
        let first = commits[0].clone();
        for sequence in 1..=LIMIT + 10 {
            assert_eq!(lead.full(), (sequence > LIMIT).then_some(1));
            let mut recorded = commits.swap_remove(0);
            recorded.sequence = sequence;
            lead.remember(&recorded);
            commits.push(recorded);
        }
        assert!(lead.full().is_some());
        assert!(!lead.find(&first.commit.tenant, &first.commit.command_id).is_empty());
        lead.prune(lead.newest());
        assert_eq!(lead.full(), None);
        assert!(lead.find(&first.commit.tenant, &first.commit.command_id).is_empty());
    }
}
