//! Whether a repeated command is the command that was stored under its id, or another one that uses the same id.

use relevo_domain::Event;
use relevo_domain::conversation::{AssignmentHow, Command, ConversationEvent, NotePersonal, ReopenCause};

/// Whether these events are what this command of a client leads to. Compares what the client chose, field by field.
pub(crate) fn led_to(command: &Command, events: &[Event]) -> bool {
    let [Event::Conversation(event)] = events else { return false };
    match (command, event) {
        (
            Command::PauseBot { reason, note },
            ConversationEvent::BotPaused { reason: stored, automatic: false, personal },
        ) => reason == stored && says(note.as_deref(), personal),
        (Command::ResumeBot { note }, ConversationEvent::BotResumed { personal }) => says(note.as_deref(), personal),
        (
            Command::Assign { agent, team },
            ConversationEvent::Assigned { agent: to, team: through, how: AssignmentHow::Manual },
        ) => agent == to && team == through,
        (Command::Claim { agent }, ConversationEvent::Assigned { agent: to, how: AssignmentHow::Claim, .. }) => {
            Some(agent) == to.as_ref()
        }
        (Command::Resolve { reason, note }, ConversationEvent::Resolved { reason: stored, personal, .. }) => {
            trimmed(reason.as_deref()) == stored.as_deref() && says(note.as_deref(), personal)
        }
        (Command::Reopen, ConversationEvent::Reopened { cause: ReopenCause::Staff, .. }) => true,
        (Command::AddNote { text }, ConversationEvent::NoteAdded { personal, .. }) => says(Some(text), personal),
        _ => false,
    }
}

fn says(note: Option<&str>, stored: &NotePersonal) -> bool {
    trimmed(note) == stored.text.as_deref()
}

fn trimmed(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo_domain::conversation::PauseReason;
    use relevo_domain::{AgentId, MessageId, TeamId};

    fn agent(name: &str) -> AgentId {
        AgentId::new(name).unwrap()
    }

    fn assigned(to: &str, how: AssignmentHow) -> Vec<Event> {
        let team = Some(TeamId::new("ventas").unwrap());
        vec![Event::Conversation(ConversationEvent::Assigned { agent: Some(agent(to)), team, how })]
    }

    #[test]
    fn a_claim_is_only_the_claimants_own() {
        let claim = |name: &str| Command::Claim { agent: agent(name) };
        assert!(led_to(&claim("laura"), &assigned("laura", AssignmentHow::Claim)));
        assert!(!led_to(&claim("martin"), &assigned("laura", AssignmentHow::Claim)));
        assert!(!led_to(&claim("laura"), &assigned("laura", AssignmentHow::Manual)));
    }

    #[test]
    fn another_assignee_reason_or_text_is_another_command() {
        let assign = |name: &str| Command::Assign { agent: Some(agent(name)), team: TeamId::new("ventas").ok() };
        assert!(led_to(&assign("laura"), &assigned("laura", AssignmentHow::Manual)));
        assert!(!led_to(&assign("martin"), &assigned("laura", AssignmentHow::Manual)));

        let note = |text: &str| Command::AddNote { text: text.to_owned() };
        let personal = NotePersonal { text: Some("uno".to_owned()) };
        let stored = [Event::Conversation(ConversationEvent::NoteAdded { message: MessageId::new([1; 16]), personal })];
        assert!(led_to(&note(" uno "), &stored));
        assert!(!led_to(&note("dos"), &stored));

        let pause = |reason| Command::PauseBot { reason, note: None };
        let paused = [Event::Conversation(ConversationEvent::BotPaused {
            reason: PauseReason::Complaint,
            automatic: false,
            personal: NotePersonal::default(),
        })];
        assert!(led_to(&pause(PauseReason::Complaint), &paused));
        assert!(!led_to(&pause(PauseReason::Other), &paused));
        assert!(!led_to(&Command::ResumeBot { note: None }, &paused));
    }
}
