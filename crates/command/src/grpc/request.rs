//! Requests become typed commands; all field violations are collected.

use jiff::tz::TimeZone;
use relevo_domain::contact::{self, CustomerPersonal};
use relevo_domain::conversation::{Command, Priority, SnoozePreset};
use relevo_domain::{
    AgentId, Caller, Colour, CommandId, EntityId, EntityKind, TagId, TagName, TeamId, Timestamp, workspace,
};
use relevo_proto::command::v1 as proto;
use relevo_proto::query::v1::{Priority as WirePriority, SnoozePreset as WirePreset};
use relevo_proto::time::from_wire;

use super::preset;
use crate::conversation::{TagRef, Wish};
use crate::execute::Asked;

/// Fields that are not acceptable, each with the catalogue key that says why.
pub(super) type Violations = Vec<(&'static str, &'static str)>;

/// A request as it arrived: what every command has, and the exact id of what it is about.
pub(super) struct Head<'r> {
    pub(super) caller: Caller,
    pub(super) command_id: &'r str,
    pub(super) expected_version: Option<u64>,
    pub(super) now: Timestamp,
}

/// Reads the head together with the rest, so that every bad field is named at once.
pub(super) fn with_head<T>(head: Head<'_>, rest: Result<T, Violations>) -> Result<(Asked, T), Violations> {
    let Head { caller, command_id, expected_version, now } = head;
    let command_id = CommandId::new(command_id).ok();
    // `in_` is the space of ids that intake derives; a client in it could make a customer's message look like a duplicate.
    let command_id = command_id.filter(|id| !id.as_str().starts_with("in_"));
    match (command_id, rest) {
        (Some(command_id), Ok(rest)) => Ok((Asked { caller, command_id, expected_version, now }, rest)),
        (Some(_), Err(violations)) => Err(violations),
        (None, rest) => {
            let mut violations = vec![("command_id", "field-command-id")];
            violations.extend(rest.err().unwrap_or_default());
            Err(violations)
        }
    }
}

/// Both, or the violations of both.
pub(super) fn both<A, B>(a: Result<A, Violations>, b: Result<B, Violations>) -> Result<(A, B), Violations> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (a, b) => {
            let mut violations = a.err().unwrap_or_default();
            violations.extend(b.err().unwrap_or_default());
            Err(violations)
        }
    }
}

pub(super) fn entity(kind: EntityKind, field: &'static str, id: &str) -> Result<EntityId, Violations> {
    EntityId::parse(kind, id).map_err(|_id| vec![(field, "field-id")])
}

pub(super) fn optional(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.to_owned())
}

pub(super) fn assign(agent: &str, team: &str) -> Result<Wish, Violations> {
    let mut violations = Violations::new();
    let agent = optional(agent).map(AgentId::new).transpose();
    let team = optional(team).map(TeamId::new).transpose();
    if agent.is_err() {
        violations.push(("agent_id", "field-name"));
    }
    if team.is_err() {
        violations.push(("team_id", "field-name"));
    }
    match (agent, team) {
        (Ok(None), Ok(None)) => Err(vec![("agent_id", "field-required")]),
        (Ok(agent), Ok(team)) => Ok(Wish::Plain(Command::Assign { agent, team })),
        _ => Err(violations),
    }
}

/// `until` is what a preset means now; a repeated command is recognised by its preset.
pub(super) fn snooze(
    when: Option<proto::snooze_request::When>,
    note: &str,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<Wish, Violations> {
    use proto::snooze_request::When;
    let (until, preset) = match when {
        None | Some(When::UntilReply(false)) => return Err(vec![("when", "field-required")]),
        Some(When::UntilReply(true)) => (None, None),
        Some(When::Until(until)) => {
            if !(0..1_000_000_000).contains(&until.nanos) {
                return Err(vec![("until", "field-time")]);
            }
            (Some(from_wire(until)), None)
        }
        Some(When::Preset(word)) => {
            let preset = match WirePreset::try_from(word) {
                Ok(WirePreset::OneHour) => SnoozePreset::OneHour,
                Ok(WirePreset::TwoHours) => SnoozePreset::TwoHours,
                Ok(WirePreset::FourHours) => SnoozePreset::FourHours,
                Ok(WirePreset::TomorrowMorning) => SnoozePreset::TomorrowMorning,
                Ok(WirePreset::NextMonday) => SnoozePreset::NextMonday,
                Ok(WirePreset::Unspecified) => return Err(vec![("preset", "field-required")]),
                Err(_unknown) => return Err(vec![("preset", "field-unknown-word")]),
            };
            let until = preset::instant(preset, now, zone).ok_or_else(|| vec![("preset", "field-time")])?;
            (Some(until), Some(preset))
        }
    };
    Ok(Wish::Plain(Command::Snooze { until, preset, note: optional(note) }))
}

pub(super) fn priority(word: i32) -> Result<Wish, Violations> {
    let priority = match WirePriority::try_from(word) {
        Ok(WirePriority::None) => Priority::None,
        Ok(WirePriority::Low) => Priority::Low,
        Ok(WirePriority::Normal) => Priority::Normal,
        Ok(WirePriority::High) => Priority::High,
        Ok(WirePriority::Urgent) => Priority::Urgent,
        Ok(WirePriority::Unspecified) => return Err(vec![("priority", "field-required")]),
        Err(_unknown) => return Err(vec![("priority", "field-unknown-word")]),
    };
    Ok(Wish::Plain(Command::SetPriority { priority }))
}

/// `fresh` is the id that the tag gets if it is made.
pub(super) fn add_tag(request: &proto::AddTagRequest, fresh: TagId) -> Result<Wish, Violations> {
    use proto::add_tag_request::Tag;
    let tag = match &request.tag {
        None => Err(vec![("name", "field-required")]),
        Some(Tag::Name(name)) => tag_name(name).map(TagRef::Name),
        Some(Tag::TagId(id)) => tag_id(id).map(TagRef::Id),
    };
    if !request.create {
        return tag.map(|tag| Wish::AddTag { tag, create: None });
    }
    if matches!(tag, Ok(TagRef::Id(_))) {
        return Err(vec![("create", "field-create-by-name")]);
    }
    both(tag, colour(&request.colour)).map(|(tag, colour)| Wish::AddTag { tag, create: Some((fresh, colour)) })
}

pub(super) fn remove_tag(tag: Option<&proto::remove_tag_request::Tag>) -> Result<Wish, Violations> {
    use proto::remove_tag_request::Tag;
    let tag = match tag {
        None => return Err(vec![("name", "field-required")]),
        Some(Tag::Name(name)) => TagRef::Name(tag_name(name)?),
        Some(Tag::TagId(id)) => TagRef::Id(tag_id(id)?),
    };
    Ok(Wish::RemoveTag { tag })
}

pub(super) fn link(customer: Option<proto::LinkedCustomer>) -> Result<contact::Command, Violations> {
    let customer = customer.ok_or_else(|| vec![("customer.id", "field-required")])?;
    let customer = CustomerPersonal { id: customer.id, name: optional(&customer.name) };
    Ok(contact::Command::LinkCustomer { customer })
}

pub(super) fn create_tag(name: &str, colour: &str, fresh: TagId) -> Result<workspace::Command, Violations> {
    let (name, colour) = both(tag_name(name), self::colour(colour))?;
    Ok(workspace::Command::CreateTag { id: fresh, name, colour })
}

pub(super) fn change_tag(request: &proto::ChangeTagRequest) -> Result<workspace::Command, Violations> {
    if request.name.is_none() && request.colour.is_none() {
        return Err(vec![("name", "field-required")]);
    }
    let name = request.name.as_deref().map(tag_name).transpose();
    let colour = request.colour.as_deref().map(colour).transpose();
    let (tag, (name, colour)) = both(tag_id(&request.tag_id), both(name, colour))?;
    Ok(workspace::Command::ChangeTag { tag, name, colour })
}

pub(super) fn tag_id(id: &str) -> Result<TagId, Violations> {
    id.parse().map_err(|_id| vec![("tag_id", "field-id")])
}

fn tag_name(name: &str) -> Result<TagName, Violations> {
    TagName::new(name).map_err(|_name| vec![("name", "field-tag-name")])
}

fn colour(colour: &str) -> Result<Colour, Violations> {
    colour.parse().map_err(|_colour| vec![("colour", "field-colour")])
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo_domain::{Role, Scope, TenantId};

    fn head(command_id: &str) -> Head<'_> {
        let caller = Caller {
            tenant: TenantId::new("demo").unwrap(),
            role: Role::Agent,
            name: AgentId::new("laura").unwrap(),
            scope: Scope::Tenant,
        };
        Head { caller, command_id, expected_version: None, now: Timestamp::default() }
    }

    fn fields(violations: Violations) -> Vec<&'static str> {
        violations.into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn every_bad_field_is_named_at_once() {
        let rest = both(entity(EntityKind::Conversation, "conversation_id", "cnv_1"), assign("", ""));
        let violations = with_head(head("a b"), rest).unwrap_err();
        assert_eq!(fields(violations), ["command_id", "conversation_id", "agent_id"]);
    }

    #[test]
    fn intakes_own_command_ids_are_not_for_clients() {
        assert_eq!(with_head(head("in_abc"), Ok(())).unwrap_err(), [("command_id", "field-command-id")]);
        assert!(with_head(head("abc"), Ok(())).is_ok());
    }

    #[test]
    fn somebody_must_be_assigned() {
        assert_eq!(assign(" ", "").unwrap_err(), [("agent_id", "field-required")]);
        assert_eq!(assign("Laura!", "").unwrap_err(), [("agent_id", "field-name")]);
    }

    #[test]
    fn a_snooze_needs_one_good_time() {
        use proto::snooze_request::When;
        let snooze = |when| snooze(when, "", Timestamp::default(), &TimeZone::UTC);
        for bad in [None, Some(When::UntilReply(false)), Some(When::Preset(0)), Some(When::Preset(99))] {
            assert!(snooze(bad).is_err(), "{bad:?}");
        }
        let crooked = prost_types::Timestamp { seconds: 5, nanos: -1 };
        assert_eq!(fields(snooze(Some(When::Until(crooked))).unwrap_err()), ["until"]);
        let extreme = prost_types::Timestamp { seconds: i64::MAX, nanos: 999_999_999 };
        assert!(snooze(Some(When::Until(extreme))).is_ok(), "the rules refuse it, nothing overflows");
        let preset = Some(When::Preset(WirePreset::OneHour.into()));
        let Ok(Wish::Plain(Command::Snooze { until, preset, .. })) = snooze(preset) else {
            panic!("a preset is a time")
        };
        assert_eq!((until, preset), (Some(Timestamp::from_seconds(3600)), Some(SnoozePreset::OneHour)));
    }

    #[test]
    fn a_tag_is_made_by_name_and_with_a_colour() {
        use proto::add_tag_request::Tag;
        let fresh = TagId::new([1; 16]);
        let request = |tag, create, colour: &str| proto::AddTagRequest {
            tag,
            create,
            colour: colour.to_owned(),
            ..proto::AddTagRequest::default()
        };
        let named = |name: &str| Some(Tag::Name(name.to_owned()));
        let refused = |request| fields(add_tag(&request, fresh).unwrap_err());
        assert_eq!(refused(request(None, false, "")), ["name"]);
        assert_eq!(refused(request(named("a\u{7}"), true, "red")), ["name", "colour"]);
        assert_eq!(refused(request(Some(Tag::TagId(fresh.to_string())), true, "#ffa500")), ["create"]);
        assert_eq!(refused(request(Some(Tag::TagId("tag_1".to_owned())), false, "")), ["tag_id"]);
        assert!(add_tag(&request(named("Pago"), true, "#ffa500"), fresh).is_ok());
        assert!(add_tag(&request(named("Pago"), false, ""), fresh).is_ok());
        assert_eq!(fields(change_tag(&proto::ChangeTagRequest::default()).unwrap_err()), ["name"]);
        let empty = proto::ChangeTagRequest { name: Some(String::new()), ..proto::ChangeTagRequest::default() };
        assert_eq!(fields(change_tag(&empty).unwrap_err()), ["tag_id", "name"]);
    }
}
