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
        return Err(Rejection::Invalid { field: "customer_id", limit: CUSTOMER_ID_CHARS_MAX });
    }
    let name = customer.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    if name.is_some_and(|name| name.chars().count() > CUSTOMER_NAME_CHARS_MAX) {
        return Err(Rejection::Invalid { field: "customer_name", limit: CUSTOMER_NAME_CHARS_MAX });
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
