//! What is learnt about a contact when an update shows them.

use crate::contact::event::{ContactEvent, IdentifierPersonal, MergeCause, NamePersonal};
use crate::contact::state::State;
use crate::id::{ChannelId, EntityId};
use crate::identity::IdentifierKind;

/// The most identifiers that one contact may gather: a guard against a provider (or a forger) that sends a new one each time.
pub const IDENTIFIERS_MAX: usize = 64;

/// What one update shows of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    pub channel: ChannelId,
    pub name: Option<String>,
    pub identifiers: Vec<(IdentifierKind, String)>,
    /// Other contacts that the update shows to be the same person.
    pub same_as: Vec<(EntityId, MergeCause)>,
}

/// The events that an update adds to a contact; none if it shows nothing new.
pub fn meet(state: &State, meeting: &Meeting) -> Vec<ContactEvent> {
    let mut events = Vec::new();
    let name = meeting.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    if !state.exists {
        events.push(ContactEvent::Created {
            channel: meeting.channel.clone(),
            personal: NamePersonal { name: name.map(str::to_owned) },
        });
    } else if name.is_some() && name != state.name.as_deref() {
        events.push(ContactEvent::Renamed { personal: NamePersonal { name: name.map(str::to_owned) } });
    }
    let mut known = state.identifiers.clone();
    for (kind, value) in &meeting.identifiers {
        if known.len() < IDENTIFIERS_MAX && known.insert((meeting.channel.clone(), *kind, value.clone())) {
            let (kind, channel) = (*kind, meeting.channel.clone());
            events.push(ContactEvent::IdentifierLearned {
                kind,
                channel,
                personal: IdentifierPersonal { value: value.clone() },
            });
        }
    }
    let mut merged = state.merged.clone();
    for (other, cause) in &meeting.same_as {
        if !state.parted.contains(other) && merged.insert(*other) {
            events.push(ContactEvent::Merged { other: *other, cause: *cause });
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::EntityKind;

    fn meeting(name: Option<&str>, phone: &str) -> Meeting {
        Meeting {
            channel: ChannelId::new("wa").unwrap(),
            name: name.map(str::to_owned),
            identifiers: vec![(IdentifierKind::WaId, phone.to_owned())],
            same_as: vec![],
        }
    }

    fn after(events: &[ContactEvent]) -> State {
        events.iter().fold(State::default(), State::evolve)
    }

    #[test]
    fn meeting_the_same_person_twice_teaches_nothing() {
        let first = meet(&State::default(), &meeting(Some("Ana"), "549"));
        assert_eq!(first.iter().map(ContactEvent::name).collect::<Vec<_>>(), ["ContactCreated", "IdentifierLearned"]);
        assert_eq!(meet(&after(&first), &meeting(Some(" Ana "), "549")), vec![]);
        assert_eq!(meet(&after(&first), &meeting(None, "549")), vec![], "a missing name does not erase a known one");
    }

    #[test]
    fn a_new_name_and_a_new_identifier_are_learnt() {
        let known = after(&meet(&State::default(), &meeting(Some("Ana"), "549")));
        let events = meet(&known, &meeting(Some("Ana María"), "550"));
        assert_eq!(events.iter().map(ContactEvent::name).collect::<Vec<_>>(), ["ContactRenamed", "IdentifierLearned"]);
    }

    #[test]
    fn what_a_person_parted_no_update_merges_again() {
        let other = EntityId::new(EntityKind::Contact, [2; 16]);
        let both = Meeting { same_as: vec![(other, MergeCause::SameUpdate)], ..meeting(None, "549") };
        let merged = after(&meet(&State::default(), &both));
        assert!(merged.merged.contains(&other));
        let parted = merged.evolve(&ContactEvent::Unmerged { other });
        assert_eq!(meet(&parted, &both), vec![]);
        let again = parted.evolve(&ContactEvent::Merged { other, cause: MergeCause::Manual });
        assert!(again.merged.contains(&other) && again.parted.is_empty());
    }

    #[test]
    fn identifiers_are_bounded() {
        let mut state = State::default();
        for n in 0..IDENTIFIERS_MAX + 10 {
            state = meet(&state, &meeting(None, &n.to_string())).iter().fold(state, State::evolve);
        }
        assert_eq!(state.identifiers.len(), IDENTIFIERS_MAX);
    }
}
