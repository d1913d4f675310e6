//! What can be asked of a workspace, and what it answers.

use std::sync::Arc;

use crate::access::Role;
use crate::detection::{PolicyChange, PolicyRefused};
use crate::id::{TagId, is_name};
use crate::quick_reply::{QUICK_REPLIES_MAX, QuickReply, QuickReplyProblem};
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
    SetQuickReply {
        name: String,
        reply: QuickReply,
    },
    /// One that is not there (any more) is already gone.
    RemoveQuickReply {
        name: String,
    },
    /// What is detected, and what is done about it.
    SetDetection(Box<PolicyChange>),
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
    /// The name of a quick reply matches `[a-z0-9][a-z0-9-]{0,31}`, and this does not.
    QuickReplyName,
    /// The text of a quick reply cannot be used.
    QuickReply { problem: QuickReplyProblem },
    /// The detection cannot be set like this.
    Detection(PolicyRefused),
}

/// Decides one command against the state of the workspace. Every member of staff creates tags (they do it while they tag);
/// changing and deleting them is for supervisors and admins.
pub fn decide(state: &State, role: Role, command: &Command) -> Result<Decision, Rejection> {
    match command {
        Command::CreateTag { id, name, colour } => create(state, role, *id, name, *colour),
        Command::ChangeTag { tag, name, colour } => change(state, role, *tag, name.as_ref(), *colour),
        Command::DeleteTag { tag } => delete(state, role, *tag),
        Command::SetQuickReply { name, reply } => set_quick_reply(state, role, name, reply),
        Command::RemoveQuickReply { name } => remove_quick_reply(state, role, name),
        Command::SetDetection(change) => set_detection(state, role, change),
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

fn set_quick_reply(state: &State, role: Role, name: &str, reply: &QuickReply) -> Result<Decision, Rejection> {
    allow(role, matches!(role, Role::Supervisor | Role::Admin))?;
    if !is_name(name) {
        return Err(Rejection::QuickReplyName);
    }
    reply.check().map_err(|problem| Rejection::QuickReply { problem })?;
    if state.quick_replies.get(name) == Some(reply) {
        return Ok(Decision::AlreadySo);
    }
    if state.quick_replies.len() >= QUICK_REPLIES_MAX && !state.quick_replies.contains_key(name) {
        return Err(Rejection::Limit { what: "quick_replies", limit: QUICK_REPLIES_MAX });
    }
    Ok(Decision::Append(vec![WorkspaceEvent::QuickReplySet { name: name.to_owned(), reply: reply.clone() }]))
}

fn remove_quick_reply(state: &State, role: Role, name: &str) -> Result<Decision, Rejection> {
    allow(role, matches!(role, Role::Supervisor | Role::Admin))?;
    if !state.quick_replies.contains_key(name) {
        return Ok(Decision::AlreadySo);
    }
    Ok(Decision::Append(vec![WorkspaceEvent::QuickReplyRemoved { name: name.to_owned() }]))
}

fn set_detection(state: &State, role: Role, change: &PolicyChange) -> Result<Decision, Rejection> {
    allow(role, matches!(role, Role::Supervisor | Role::Admin))?;
    let policy = change.to(&state.detection).map_err(Rejection::Detection)?;
    if policy == *state.detection {
        return Ok(Decision::AlreadySo);
    }
    Ok(Decision::Append(vec![WorkspaceEvent::DetectionSet(Arc::new(policy))]))
}

fn allow(role: Role, allowed: bool) -> Result<(), Rejection> {
    if allowed { Ok(()) } else { Err(Rejection::Forbidden { role }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detection::{Act, Rule};

    const ORANGE: Colour = Colour([255, 165, 0]);
    const GREEN: Colour = Colour([0, 128, 0]);

    fn id(n: usize) -> TagId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&(n as u64).to_be_bytes());
        TagId::new(bytes)
    }

    fn name(name: &str) -> TagName {
        TagName::new(name).unwrap()
    }

    fn created(n: usize, called: &str) -> WorkspaceEvent {
        WorkspaceEvent::TagCreated { tag: id(n), name: name(called), colour: ORANGE }
    }

    fn create(n: usize, called: &str, colour: Colour) -> Command {
        Command::CreateTag { id: id(n), name: name(called), colour }
    }

    fn change(n: usize, called: Option<&str>, colour: Option<Colour>) -> Command {
        Command::ChangeTag { tag: id(n), name: called.map(name), colour }
    }

    fn given(events: impl IntoIterator<Item = WorkspaceEvent>) -> State {
        events.into_iter().fold(State::default(), |state, event| state.evolve(&event))
    }

    fn when(state: &State, command: &Command) -> Result<Decision, Rejection> {
        decide(state, Role::Supervisor, command)
    }

    #[test]
    fn one_name_is_one_tag_whatever_its_case_and_colour() {
        assert_eq!(when(&given([]), &create(1, "Pago", ORANGE)), Ok(Decision::Append(vec![created(1, "Pago")])));
        assert_eq!(when(&given([created(1, "Pago")]), &create(2, "PAGO", GREEN)), Ok(Decision::AlreadySo));
        let deleted = given([created(1, "Pago"), WorkspaceEvent::TagDeleted { tag: id(1) }]);
        assert_eq!(when(&deleted, &create(2, "Pago", ORANGE)), Ok(Decision::Append(vec![created(2, "Pago")])));
    }

    #[test]
    fn what_is_not_said_stays_as_it_is() {
        let state = given([created(1, "Pago"), created(2, "Turno")]);
        let expected = |called: &str, colour| {
            Ok(Decision::Append(vec![WorkspaceEvent::TagChanged { tag: id(1), name: name(called), colour }]))
        };
        assert_eq!(when(&state, &change(1, Some("Cobro"), None)), expected("Cobro", ORANGE));
        assert_eq!(when(&state, &change(1, None, Some(GREEN))), expected("Pago", GREEN));
        assert_eq!(
            when(&state, &change(1, Some("PAGO"), None)),
            expected("PAGO", ORANGE),
            "its own name in another case"
        );
        assert_eq!(when(&state, &change(1, Some("Pago"), Some(ORANGE))), Ok(Decision::AlreadySo));
        assert_eq!(when(&state, &change(1, Some("turno"), None)), Err(Rejection::NameTaken { tag: id(2) }));
        assert_eq!(when(&state, &change(9, Some("Otro"), None)), Err(Rejection::TagUnknown));
    }

    #[test]
    fn a_deleted_tag_is_gone_and_stays_gone() {
        let delete = Command::DeleteTag { tag: id(1) };
        let gone = WorkspaceEvent::TagDeleted { tag: id(1) };
        assert_eq!(when(&given([created(1, "Pago")]), &delete), Ok(Decision::Append(vec![gone.clone()])));
        let state = given([created(1, "Pago"), gone]);
        assert_eq!(when(&state, &delete), Ok(Decision::AlreadySo));
        assert_eq!(when(&state, &change(1, Some("Otro"), None)), Err(Rejection::TagUnknown));
    }

    #[test]
    fn tags_are_limited() {
        let full = given((0..TAGS_MAX).map(|n| created(n, &format!("tag {n}"))));
        let refused = Err(Rejection::Limit { what: "tags", limit: TAGS_MAX });
        assert_eq!(when(&full, &create(TAGS_MAX, "one more", GREEN)), refused);
        assert_eq!(when(&full, &create(TAGS_MAX, "tag 3", GREEN)), Ok(Decision::AlreadySo));
    }

    #[test]
    fn the_detection_is_set_once_and_only_by_who_directs() {
        let off = PolicyChange { acts: vec![(Rule::PriceQuestion, Act::Off)], ..PolicyChange::default() };
        let command = Command::SetDetection(Box::new(off));
        let Ok(Decision::Append(events)) = when(&given([]), &command) else { panic!("nothing was set") };
        let state = given(events);
        assert_eq!(state.detection.act(Rule::PriceQuestion), Act::Off);
        assert_eq!(when(&state, &command), Ok(Decision::AlreadySo));
        let wrong = Command::SetDetection(Box::new(PolicyChange { repeats: Some(99), ..PolicyChange::default() }));
        let Err(Rejection::Detection(refused)) = when(&state, &wrong) else { panic!("99 is too often") };
        assert_eq!(refused.field, "repeats");
        for role in Role::ALL {
            let may = decide(&state, role, &command) != Err(Rejection::Forbidden { role });
            assert_eq!(may, matches!(role, Role::Supervisor | Role::Admin), "{role:?}");
        }
    }

    #[test]
    fn staff_make_tags_and_supervisors_change_them() {
        let state = given([created(1, "Pago")]);
        for role in Role::ALL {
            let may = |command: &Command| decide(&state, role, command) != Err(Rejection::Forbidden { role });
            assert_eq!(may(&create(2, "Turno", GREEN)), role.is_staff(), "{role:?}");
            let directs = matches!(role, Role::Supervisor | Role::Admin);
            assert_eq!(may(&change(1, Some("Cobro"), None)), directs, "{role:?}");
            assert_eq!(may(&Command::DeleteTag { tag: id(1) }), directs, "{role:?}");
        }
    }
}
