//! What can be asked of a workspace, and what it answers.

use crate::access::Role;
use crate::id::TagId;
use crate::tag::{Colour, TagName};
use crate::workspace::event::WorkspaceEvent;
use crate::workspace::state::State;

/// The most tags of a tenant: more than people choose from, and what every list can hold in memory.
pub const TAGS_MAX: usize = 500;

/// A command to a tenant's workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `id` is fresh. Already so if a tag of that name exists, whatever its colour.
    CreateTag {
        id: TagId,
        name: TagName,
        colour: Colour,
    },
    /// What is absent stays as it is.
    ChangeTag {
        tag: TagId,
        name: Option<TagName>,
        colour: Option<Colour>,
    },
    DeleteTag {
        tag: TagId,
    },
}

/// What a command leads to, if it is not rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// These events, in one commit. Never empty.
    Append(Vec<WorkspaceEvent>),
    /// The state already is what the command asks for; nothing to write.
    AlreadySo,
}

/// Why a command was rejected. Nothing is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The caller's role may not do this.
    Forbidden { role: Role },
    /// There is no such tag.
    TagUnknown,
    /// Another tag has that name.
    NameTaken { tag: TagId },
    /// There may be no more of them.
    Limit { what: &'static str, limit: usize },
}

/// Decides one command against the state of the workspace. Every member of staff creates tags (they do it while they tag);
/// changing and deleting them is for supervisors and admins.
pub fn decide(state: &State, role: Role, command: &Command) -> Result<Decision, Rejection> {
    match command {
        Command::CreateTag { id, name, colour } => create(state, role, *id, name, *colour),
        Command::ChangeTag { tag, name, colour } => change(state, role, *tag, name.as_ref(), *colour),
        Command::DeleteTag { tag } => delete(state, role, *tag),
    }
}

fn create(state: &State, role: Role, id: TagId, name: &TagName, colour: Colour) -> Result<Decision, Rejection> {
    allow(role, role.is_staff())?;
    if state.tag_named(name).is_some() {
        return Ok(Decision::AlreadySo);
    }
    if state.tags.len() >= TAGS_MAX {
        return Err(Rejection::Limit { what: "tags", limit: TAGS_MAX });
    }
    Ok(Decision::Append(vec![WorkspaceEvent::TagCreated { tag: id, name: name.clone(), colour }]))
}

fn change(
    state: &State,
    role: Role,
    id: TagId,
    name: Option<&TagName>,
    colour: Option<Colour>,
) -> Result<Decision, Rejection> {
    allow(role, matches!(role, Role::Supervisor | Role::Admin))?;
    let tag = state.tags.get(&id).ok_or(Rejection::TagUnknown)?;
    let (name, colour) = (name.unwrap_or(&tag.name), colour.unwrap_or(tag.colour));
    if let Some(other) = state.tag_named(name).filter(|other| *other != id) {
        return Err(Rejection::NameTaken { tag: other });
    }
    if *name == tag.name && colour == tag.colour {
        return Ok(Decision::AlreadySo);
    }
    Ok(Decision::Append(vec![WorkspaceEvent::TagChanged { tag: id, name: name.clone(), colour }]))
}

/// A tag that is not there (any more) is already gone.
fn delete(state: &State, role: Role, tag: TagId) -> Result<Decision, Rejection> {
    allow(role, matches!(role, Role::Supervisor | Role::Admin))?;
    if !state.tags.contains_key(&tag) {
        return Ok(Decision::AlreadySo);
    }
    Ok(Decision::Append(vec![WorkspaceEvent::TagDeleted { tag }]))
}

fn allow(role: Role, allowed: bool) -> Result<(), Rejection> {
    if allowed { Ok(()) } else { Err(Rejection::Forbidden { role }) }
}
