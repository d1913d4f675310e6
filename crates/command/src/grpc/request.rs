//! Requests become typed commands; all field violations are collected.

use relevo_domain::conversation::{Command, PauseReason};
use relevo_domain::{AgentId, Caller, CommandId, EntityId, EntityKind, MessageId, TeamId, Timestamp};
use relevo_proto::query::v1::PauseReason as WireReason;

/// Fields that are not acceptable, each with the catalogue key that says why.
pub(super) type Violations = Vec<(&'static str, &'static str)>;

pub(super) fn parse(
    caller: Caller,
    command_id: &str,
    conversation_id: &str,
    command: Result<Command, Violations>,
    now: Timestamp,
    new_message: MessageId,
) -> Result<crate::Request, Violations> {
    let mut violations = Violations::new();
    let command_id = CommandId::new(command_id).ok();
    // `in_` is the space of ids that intake derives; a client in it could make a customer's message look like a duplicate.
    let command_id = command_id.filter(|id| !id.as_str().starts_with("in_"));
    if command_id.is_none() {
        violations.push(("command_id", "field-command-id"));
    }
    let conversation = EntityId::parse(EntityKind::Conversation, conversation_id).ok();
    if conversation.is_none() {
        violations.push(("conversation_id", "field-id"));
    }
    let command = command.map_err(|more| violations.extend(more)).ok();
    match (command_id, conversation, command) {
        (Some(command_id), Some(conversation), Some(command)) => {
            Ok(crate::Request { caller, command_id, conversation, command, now, new_message })
        }
        _ => Err(violations),
    }
}

pub(super) fn optional(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.to_owned())
}

pub(super) fn pause(reason: i32, note: &str) -> Result<Command, Violations> {
    let reason = match WireReason::try_from(reason) {
        Ok(WireReason::ComplexQuery) => PauseReason::ComplexQuery,
        Ok(WireReason::FrustratedCustomer) => PauseReason::FrustratedCustomer,
        Ok(WireReason::Complaint) => PauseReason::Complaint,
        Ok(WireReason::BotError) => PauseReason::BotError,
        Ok(WireReason::ProactiveMessage) => PauseReason::ProactiveMessage,
        Ok(WireReason::HumanTakeover) => PauseReason::HumanTakeover,
        Ok(WireReason::BotHandoff) => PauseReason::BotHandoff,
        Ok(WireReason::Other) => PauseReason::Other,
        // Relevo's own reasons are not for people.
        Ok(WireReason::Echo | WireReason::Linked) => return Err(vec![("reason", "field-own-reason")]),
        Ok(WireReason::Unspecified) => return Err(vec![("reason", "field-required")]),
        Err(_unknown) => return Err(vec![("reason", "field-unknown-word")]),
    };
    Ok(Command::PauseBot { reason, note: optional(note) })
}

pub(super) fn assign(agent: &str, team: &str) -> Result<Command, Violations> {
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
        (Ok(agent), Ok(team)) => Ok(Command::Assign { agent, team }),
        _ => Err(violations),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo_domain::{Role, Scope, TenantId};

    fn caller() -> Caller {
        Caller {
            tenant: TenantId::new("demo").unwrap(),
            role: Role::Agent,
            name: AgentId::new("laura").unwrap(),
            scope: Scope::Tenant,
        }
    }

    #[test]
    fn every_bad_field_is_named_at_once() {
        let command = pause(0, "");
        let now = Timestamp::default();
        let violations = parse(caller(), "a b", "cnv_1", command, now, MessageId::new([0; 16])).unwrap_err();
        assert_eq!(
            violations.iter().map(|(field, _)| *field).collect::<Vec<_>>(),
            ["command_id", "conversation_id", "reason"]
        );
    }

    #[test]
    fn intakes_own_command_ids_are_not_for_clients() {
        let id = EntityId::new(EntityKind::Conversation, [1; 16]).to_string();
        let parsed = parse(caller(), "in_abc", &id, Ok(Command::Reopen), Timestamp::default(), MessageId::new([0; 16]));
        assert_eq!(parsed.unwrap_err(), [("command_id", "field-command-id")]);
    }

    #[test]
    fn somebody_must_be_assigned() {
        assert_eq!(assign(" ", "").unwrap_err(), [("agent_id", "field-required")]);
        assert_eq!(assign("Laura!", "").unwrap_err(), [("agent_id", "field-name")]);
    }

    #[test]
    fn relevos_own_reasons_are_not_for_people() {
        for reason in [WireReason::Echo, WireReason::Linked, WireReason::Unspecified] {
            assert!(pause(reason as i32, "").is_err());
        }
        assert!(pause(999, "").is_err());
        assert!(pause(WireReason::Complaint as i32, "").is_ok());
    }
}
