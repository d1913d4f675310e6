//! What staff can ask of a contact, and what it answers. What providers show of one is in `decide`.

use crate::access::Role;
use crate::contact::event::{ContactEvent, CustomerPersonal, MergeCause};
use crate::contact::state::State;
use crate::id::EntityId;

/// The longest key of a customer record, in characters: keys of other systems are short.
pub const CUSTOMER_ID_CHARS_MAX: usize = 128;
/// The longest name of a customer record, in characters.
pub const CUSTOMER_NAME_CHARS_MAX: usize = 200;
/// The most other contacts that one contact may be merged with.
pub const MERGED_MAX: usize = 32;

/// A command to one contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The contact is this customer; replaces an earlier link.
    LinkCustomer {
        customer: CustomerPersonal,
    },
    UnlinkCustomer,
    /// The contact and `other` are one person. Identifiers stay where they are bound.
    Merge {
        other: EntityId,
    },
    /// They are not.
    Unmerge {
        other: EntityId,
    },
}

/// What a command leads to, if it is not rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// These events, in one commit. Never empty.
    Append(Vec<ContactEvent>),
    /// The state already is what the command asks for; nothing to write.
    AlreadySo,
}

/// Why a command was rejected. Nothing is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The contact does not exist.
    NotFound,
    /// The caller's role may not do this.
    Forbidden { role: Role },
    /// A field is missing, empty, too long or not acceptable.
    Invalid { field: &'static str, limit: usize },
    /// There may be no more of them.
    Limit { what: &'static str, limit: usize },
}

/// Decides one command against the state of its contact. Agents link customers; what joins or parts people is for supervisors
/// and admins, because it changes what everybody sees of them.
pub fn decide(state: &State, id: EntityId, role: Role, command: &Command) -> Result<Decision, Rejection> {
    if !state.exists {
        return Err(Rejection::NotFound);
    }
    match command {
        Command::LinkCustomer { customer } => link(state, role, customer),
        Command::UnlinkCustomer => unlink(state, role),
        Command::Merge { other } => merge(state, id, role, *other),
        Command::Unmerge { other } => unmerge(state, role, *other),
    }
}

fn link(state: &State, role: Role, customer: &CustomerPersonal) -> Result<Decision, Rejection> {
    allow(role, role.is_staff())?;
    let id = customer.id.trim();
    if id.is_empty() || id.chars().count() > CUSTOMER_ID_CHARS_MAX || id.chars().any(char::is_control) {
        return Err(Rejection::Invalid { field: "customer.id", limit: CUSTOMER_ID_CHARS_MAX });
    }
    let name = customer.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    if name.is_some_and(|name| name.chars().count() > CUSTOMER_NAME_CHARS_MAX) {
        return Err(Rejection::Invalid { field: "customer.name", limit: CUSTOMER_NAME_CHARS_MAX });
    }
    let personal = CustomerPersonal { id: id.to_owned(), name: name.map(str::to_owned) };
    if state.customer.as_ref() == Some(&personal) {
        return Ok(Decision::AlreadySo);
    }
    Ok(Decision::Append(vec![ContactEvent::CustomerLinked { personal }]))
}

fn unlink(state: &State, role: Role) -> Result<Decision, Rejection> {
    allow(role, role.is_staff())?;
    if state.customer.is_none() {
        return Ok(Decision::AlreadySo);
    }
    Ok(Decision::Append(vec![ContactEvent::CustomerUnlinked]))
}

fn merge(state: &State, id: EntityId, role: Role, other: EntityId) -> Result<Decision, Rejection> {
    allow(role, matches!(role, Role::Supervisor | Role::Admin))?;
    if other == id {
        return Err(Rejection::Invalid { field: "other_contact_id", limit: 1 });
    }
    if state.merged.contains(&other) {
        return Ok(Decision::AlreadySo);
    }
    if state.merged.len() >= MERGED_MAX {
        return Err(Rejection::Limit { what: "merged_contacts", limit: MERGED_MAX });
    }
    Ok(Decision::Append(vec![ContactEvent::Merged { other, cause: MergeCause::Manual }]))
}

fn unmerge(state: &State, role: Role, other: EntityId) -> Result<Decision, Rejection> {
    allow(role, matches!(role, Role::Supervisor | Role::Admin))?;
    if !state.merged.contains(&other) {
        return Ok(Decision::AlreadySo);
    }
    Ok(Decision::Append(vec![ContactEvent::Unmerged { other }]))
}

fn allow(role: Role, allowed: bool) -> Result<(), Rejection> {
    if allowed { Ok(()) } else { Err(Rejection::Forbidden { role }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::EntityKind;

    const ALL_STAFF: [Role; 3] = [Role::Agent, Role::Supervisor, Role::Admin];

    fn id(n: usize) -> EntityId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&(n as u64).to_be_bytes());
        EntityId::new(EntityKind::Contact, bytes)
    }

    fn given(events: impl IntoIterator<Item = ContactEvent>) -> State {
        events.into_iter().fold(State { exists: true, ..State::default() }, |state, event| state.evolve(&event))
    }

    fn merged(n: usize) -> ContactEvent {
        ContactEvent::Merged { other: id(n), cause: MergeCause::Manual }
    }

    fn customer(id: &str, name: Option<&str>) -> CustomerPersonal {
        CustomerPersonal { id: id.to_owned(), name: name.map(str::to_owned) }
    }

    fn link(customer: CustomerPersonal) -> Command {
        Command::LinkCustomer { customer }
    }

    fn when(state: &State, role: Role, command: &Command) -> Result<Decision, Rejection> {
        decide(state, id(1), role, command)
    }

    #[test]
    fn a_contact_is_linked_relinked_and_unlinked() {
        let expected = |id: &str, name| ContactEvent::CustomerLinked { personal: customer(id, name) };
        let first = when(&given([]), Role::Agent, &link(customer(" C-1 ", Some(" Ana "))));
        assert_eq!(first, Ok(Decision::Append(vec![expected("C-1", Some("Ana"))])));
        let linked = given([expected("C-1", Some("Ana"))]);
        assert_eq!(when(&linked, Role::Agent, &link(customer("C-1", Some("Ana ")))), Ok(Decision::AlreadySo));
        let renamed = when(&linked, Role::Agent, &link(customer("C-1", None)));
        assert_eq!(renamed, Ok(Decision::Append(vec![expected("C-1", None)])));
        let unlinked = when(&linked, Role::Agent, &Command::UnlinkCustomer);
        assert_eq!(unlinked, Ok(Decision::Append(vec![ContactEvent::CustomerUnlinked])));
        assert_eq!(when(&given([]), Role::Agent, &Command::UnlinkCustomer), Ok(Decision::AlreadySo));
    }

    #[test]
    fn a_customers_key_and_name_have_limits() {
        for bad in ["", "  ", "a\nb", &"x".repeat(CUSTOMER_ID_CHARS_MAX + 1)] {
            let refused = Err(Rejection::Invalid { field: "customer.id", limit: CUSTOMER_ID_CHARS_MAX });
            assert_eq!(when(&given([]), Role::Agent, &link(customer(bad, None))), refused, "{bad:?}");
        }
        let name = "ñ".repeat(CUSTOMER_NAME_CHARS_MAX + 1);
        let refused = Err(Rejection::Invalid { field: "customer.name", limit: CUSTOMER_NAME_CHARS_MAX });
        assert_eq!(when(&given([]), Role::Agent, &link(customer("C-1", Some(&name)))), refused);
        let longest = customer(&"ñ".repeat(CUSTOMER_ID_CHARS_MAX), Some(&name[2..]));
        assert!(matches!(when(&given([]), Role::Agent, &link(longest)), Ok(Decision::Append(_))));
    }

    #[test]
    fn people_are_joined_and_parted_once() {
        let merge = Command::Merge { other: id(2) };
        let unmerge = Command::Unmerge { other: id(2) };
        assert_eq!(when(&given([]), Role::Supervisor, &merge), Ok(Decision::Append(vec![merged(2)])));
        assert_eq!(when(&given([merged(2)]), Role::Supervisor, &merge), Ok(Decision::AlreadySo));
        let parted = ContactEvent::Unmerged { other: id(2) };
        let decided = when(&given([merged(2)]), Role::Supervisor, &unmerge);
        assert_eq!(decided, Ok(Decision::Append(vec![parted.clone()])));
        assert_eq!(when(&given([]), Role::Supervisor, &unmerge), Ok(Decision::AlreadySo));
        let again = when(&given([merged(2), parted]), Role::Supervisor, &merge);
        assert_eq!(again, Ok(Decision::Append(vec![merged(2)])));
    }

    #[test]
    fn nobody_is_merged_with_themselves_or_with_everybody() {
        let myself = when(&given([]), Role::Admin, &Command::Merge { other: id(1) });
        assert_eq!(myself, Err(Rejection::Invalid { field: "other_contact_id", limit: 1 }));
        let full = given((2..MERGED_MAX + 2).map(merged));
        let one_more = when(&full, Role::Admin, &Command::Merge { other: id(999) });
        assert_eq!(one_more, Err(Rejection::Limit { what: "merged_contacts", limit: MERGED_MAX }));
        assert_eq!(when(&full, Role::Admin, &Command::Merge { other: id(2) }), Ok(Decision::AlreadySo));
    }

    #[test]
    fn agents_link_and_supervisors_join() {
        let both = [link(customer("C-1", None)), Command::UnlinkCustomer];
        let joins = [Command::Merge { other: id(2) }, Command::Unmerge { other: id(2) }];
        for role in Role::ALL {
            let may = |command: &Command| when(&given([]), role, command) != Err(Rejection::Forbidden { role });
            assert!(both.iter().all(|command| may(command) == ALL_STAFF.contains(&role)), "{role:?}");
            let directs = matches!(role, Role::Supervisor | Role::Admin);
            assert!(joins.iter().all(|command| may(command) == directs), "{role:?}");
            assert_eq!(when(&State::default(), role, &both[0]), Err(Rejection::NotFound));
        }
    }
}
