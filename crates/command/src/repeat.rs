//! Whether a repeated command is the command that was stored under its id, or another one that uses the same id.
//!
//! Compares what the client chose, field by field, with the commit that was stored.

use relevo_domain::channel::{self, ChannelEvent};
use relevo_domain::contact::{self, ContactEvent, MergeCause};
use relevo_domain::conversation::{
    AssignmentHow, CancelCause, Command, ConversationEvent, NotePersonal, OpenCause, PauseReason, PauseTerms,
    PauseWish, ReopenCause, ResumeCause, SnoozePreset, TurnEnd,
};
use relevo_domain::workspace::{self, WorkspaceEvent};
use relevo_domain::{AgentId, Commit, EntityId, Event, TagId, Timestamp};

/// Whether a commit is what this command of a client leads to. `now` is the moment of the repetition.
pub(crate) fn conversation(command: &Command, now: Timestamp, commit: &Commit) -> bool {
    if let Command::Escalate { to, reason, summary } = command {
        return escalated(to, *reason, summary, commit);
    }
    if let Command::AcceptSuggestion { suggestion, note, terms } = command {
        return accepted(*suggestion, note.as_deref(), (*terms, now), commit);
    }
    // A turn that was given too often ends with a pause, whoever finds it so.
    if let [Event::Conversation(ConversationEvent::BotTurnEnded { turn: stored, how: TurnEnd::GivenUp }), ..] =
        commit.events.as_slice()
    {
        return match command {
            Command::EndTurn { turn, .. } => turn == stored,
            command => matches!(command, Command::StartTurn { .. }),
        };
    }
    // A pause takes the bot's messages back in the same commit.
    let taken_back = |event: &Event| {
        matches!(event, Event::Conversation(ConversationEvent::SendCancelled { cause: CancelCause::BotPaused, .. }))
    };
    // Whoever pauses again when a pause's time is over ends that one first.
    let events = match (command, commit.events.as_slice()) {
        (
            Command::PauseBot(_),
            [Event::Conversation(ConversationEvent::BotResumed { cause: ResumeCause::Timer, .. }), rest @ ..],
        ) => rest,
        (_, events) => events,
    };
    let [Event::Conversation(event), rest @ ..] = events else { return false };
    if !rest.iter().all(taken_back) {
        return false;
    }
    match (command, event) {
        (Command::PauseBot(wish), event @ ConversationEvent::BotPaused { .. }) => {
            is_pause(wish, now, event, commit.occurred_at)
        }
        (Command::ChangePause { terms, note }, ConversationEvent::PauseChanged { terms: on, personal }) => {
            same_terms((*terms, now), (*on, commit.occurred_at)) && says(note.as_deref(), personal)
        }
        (
            Command::ResumeBot { note, farewell: None, .. },
            ConversationEvent::BotResumed { cause: ResumeCause::Staff, personal, .. },
        )
        | (Command::SetPending { note }, ConversationEvent::MarkedPending { personal }) => {
            says(note.as_deref(), personal)
        }
        (
            Command::Assign { agent, team },
            ConversationEvent::Assigned { agent: to, team: through, how: AssignmentHow::Manual },
        ) => agent == to && team == through,
        (
            Command::Unassign,
            ConversationEvent::Assigned { agent: None, team: None, how: AssignmentHow::Manual },
        )
        | (Command::Reopen, ConversationEvent::Reopened { cause: ReopenCause::Staff, .. })
        // A pending or snoozed conversation is opened the same way by both.
        | (Command::Reopen | Command::Unsnooze, ConversationEvent::ReturnedToOpen { cause: OpenCause::Staff }) => true,
        (Command::Claim { agent }, ConversationEvent::Assigned { agent: to, how: AssignmentHow::Claim, .. }) => {
            Some(agent) == to.as_ref()
        }
        (Command::Resolve { reason, note }, ConversationEvent::Resolved { reason: stored, personal, .. }) => {
            trimmed(reason.as_deref()) == stored.as_deref() && says(note.as_deref(), personal)
        }
        (Command::AddNote { text }, ConversationEvent::NoteAdded { personal, .. }) => says(Some(text), personal),
        (
            Command::Snooze { until, preset, note },
            ConversationEvent::Snoozed { until: stored, preset: chosen, personal },
        ) => same_time((*until, *preset), (*stored, *chosen)) && says(note.as_deref(), personal),
        (Command::SetPriority { priority }, ConversationEvent::PrioritySet { priority: stored }) => priority == stored,
        (Command::MarkRead { through }, ConversationEvent::MarkedRead { through: stored }) => {
            let before = commit.first_version - 1;
            through.unwrap_or(before).min(before) == *stored
        }
        _ => of_a_bot(command, event),
    }
}

/// What bots do, and what staff makes of suggestions.
fn of_a_bot(command: &Command, event: &ConversationEvent) -> bool {
    match (command, event) {
        (
            Command::DismissSuggestion { suggestion },
            ConversationEvent::SuggestionClosed { suggestion: stored, accepted: false },
        ) => suggestion == stored,
        (Command::StartTurn { claim, .. }, ConversationEvent::BotTurnStarted(given)) => *claim == given.claim,
        (Command::EndTurn { turn, .. }, ConversationEvent::BotTurnEnded { turn: stored, .. }) => turn == stored,
        (
            Command::HandOff { note, .. },
            ConversationEvent::BotPaused { reason: PauseReason::BotHandoff, personal, .. },
        ) => says(note.as_deref(), personal),
        _ => false,
    }
}

/// Whether a message's commit pauses the bot as it is wished beside the message, or not at all if it is not.
pub(crate) fn paused_beside(wish: Option<&PauseWish>, now: Timestamp, commit: &Commit) -> bool {
    let mut pauses = commit.events.iter().filter_map(|event| match event {
        Event::Conversation(event @ ConversationEvent::BotPaused { automatic, .. }) => Some((event, *automatic)),
        Event::Conversation(_)
        | Event::Contact(_)
        | Event::Identity(_)
        | Event::Channel(_)
        | Event::Workspace(_)
        | Event::Bulk(_) => None,
    });
    let resumes = commit.events.iter().any(|event| resumption(event).is_some());
    match (wish, pauses.next()) {
        _ if resumes => false,
        // Of a bot that was paused before, a wish changed nothing; a policy's pause does not look at wishes.
        (None | Some(_), None) => true,
        (None, Some((_, automatic))) => automatic,
        (Some(wish), Some((event, _))) => is_pause(wish, now, event, commit.occurred_at),
    }
}

/// Whether a commit resumes the bot with this remark, whatever else is in it.
pub(crate) fn resumed(note: Option<&str>, commit: &Commit) -> bool {
    commit.events.iter().find_map(resumption).is_some_and(|personal| says(note, personal))
}

const fn resumption(event: &Event) -> Option<&NotePersonal> {
    match event {
        Event::Conversation(ConversationEvent::BotResumed { cause: ResumeCause::Staff, catch_up: _, personal }) => {
            Some(personal)
        }
        Event::Conversation(_)
        | Event::Contact(_)
        | Event::Identity(_)
        | Event::Channel(_)
        | Event::Workspace(_)
        | Event::Bulk(_) => None,
    }
}

fn escalated(to: &AgentId, reason: PauseReason, summary: &str, commit: &Commit) -> bool {
    let mut events = commit.events.iter().rev();
    matches!(
        (events.next(), events.next()),
        (
            Some(Event::Conversation(ConversationEvent::Escalated { to: stored, reason: why, .. })),
            Some(Event::Conversation(ConversationEvent::NoteAdded { personal, .. })),
        ) if to == stored && reason == *why && says(Some(summary), personal)
    )
}

fn accepted(suggestion: u64, note: Option<&str>, terms: (PauseTerms, Timestamp), commit: &Commit) -> bool {
    let [
        Event::Conversation(ConversationEvent::SuggestionClosed { suggestion: stored, accepted: true }),
        Event::Conversation(ConversationEvent::BotPaused { automatic: false, terms: on, personal, .. }),
        ..,
    ] = commit.events.as_slice()
    else {
        return false;
    };
    suggestion == *stored && same_terms(terms, (*on, commit.occurred_at)) && says(note, personal)
}

fn is_pause(wish: &PauseWish, now: Timestamp, event: &ConversationEvent, at: Timestamp) -> bool {
    matches!(
        event,
        ConversationEvent::BotPaused { reason, automatic: false, terms, personal }
            if wish.reason == *reason && same_terms((wish.terms, now), (*terms, at)) && says(wish.note.as_deref(), personal)
    )
}

/// An instant is the same instant; a duration, which was counted from the moment of asking, is as long as it was then.
fn same_terms((wanted, now): (PauseTerms, Timestamp), (stored, at): (PauseTerms, Timestamp)) -> bool {
    let left = |until: Option<Timestamp>, from: Timestamp| until.map(|until| until.as_millis() - from.as_millis());
    let until = wanted.until == stored.until || left(wanted.until, now) == left(stored.until, at);
    until && wanted.locked == stored.locked
}

/// A preset is the same whenever it is asked for again, though it would mean another instant now.
fn same_time(
    (until, preset): (Option<Timestamp>, Option<SnoozePreset>),
    (stored, chosen): (Option<Timestamp>, Option<SnoozePreset>),
) -> bool {
    preset == chosen && (preset.is_some() || until == stored)
}

/// The tag that a commit put on its conversation.
pub(crate) fn tag_added(commit: &Commit) -> Option<TagId> {
    match commit.events.as_slice() {
        [Event::Conversation(ConversationEvent::TagAdded { tag })] => Some(*tag),
        _ => None,
    }
}

/// The tag that a commit took off its conversation.
pub(crate) fn tag_removed(commit: &Commit) -> Option<TagId> {
    match commit.events.as_slice() {
        [Event::Conversation(ConversationEvent::TagRemoved { tag })] => Some(*tag),
        _ => None,
    }
}

/// The same for a command to `about`. What joins or parts two contacts may stand on the other of the two.
pub(crate) fn contact(about: EntityId, command: &contact::Command, commit: &Commit) -> bool {
    let [Event::Contact(event)] = commit.events.as_slice() else { return false };
    match (command, event) {
        (contact::Command::LinkCustomer { customer }, ContactEvent::CustomerLinked { personal }) => {
            commit.entity == about
                && customer.id.trim() == personal.id
                && trimmed(customer.name.as_deref()) == personal.name.as_deref()
        }
        (contact::Command::UnlinkCustomer, ContactEvent::CustomerUnlinked) => commit.entity == about,
        (contact::Command::Merge { other }, ContactEvent::Merged { other: stored, cause: MergeCause::Manual })
        | (contact::Command::Unmerge { other }, ContactEvent::Unmerged { other: stored }) => {
            (commit.entity, *stored) == (about, *other) || (commit.entity, *stored) == (*other, about)
        }
        _ => false,
    }
}

/// The same for a command to the workspace.
pub(crate) fn workspace(command: &workspace::Command, commit: &Commit) -> bool {
    let [Event::Workspace(event)] = commit.events.as_slice() else { return false };
    match (command, event) {
        (
            workspace::Command::CreateTag { name, colour, .. },
            WorkspaceEvent::TagCreated { name: stored, colour: with, .. },
        ) => name == stored && colour == with,
        (
            workspace::Command::ChangeTag { tag, name, colour },
            WorkspaceEvent::TagChanged { tag: stored, name: called, colour: with },
        ) => {
            tag == stored
                && name.as_ref().is_none_or(|name| name == called)
                && colour.is_none_or(|colour| colour == *with)
        }
        (workspace::Command::DeleteTag { tag }, WorkspaceEvent::TagDeleted { tag: stored }) => tag == stored,
        (
            workspace::Command::SetQuickReply { name, reply },
            WorkspaceEvent::QuickReplySet { name: stored, reply: says },
        ) => name == stored && reply == says,
        (workspace::Command::RemoveQuickReply { name }, WorkspaceEvent::QuickReplyRemoved { name: stored }) => {
            name == stored
        }
        // What was set holds this change, if making it once more changes nothing.
        (workspace::Command::SetDetection(change), WorkspaceEvent::DetectionSet(stored)) => {
            change.to(stored).is_ok_and(|policy| policy == **stored)
        }
        _ => false,
    }
}

/// The same for a command to a channel.
pub(crate) fn channel(command: &channel::Command, commit: &Commit) -> bool {
    matches!(
        (command, commit.events.as_slice()),
        (channel::Command::Pause, [Event::Channel(ChannelEvent::ChannelPaused)])
            | (channel::Command::Resume, [Event::Channel(ChannelEvent::ChannelResumed)])
    )
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
    use relevo_domain::contact::CustomerPersonal;
    use relevo_domain::conversation::Priority;
    use relevo_domain::{Actor, Colour, CommandId, CommitId, EntityKind, MessageId, TagName, TeamId, TenantId};

    fn agent(name: &str) -> AgentId {
        AgentId::new(name).unwrap()
    }

    fn contact_id(n: u8) -> EntityId {
        EntityId::new(EntityKind::Contact, [n; 16])
    }

    fn commit(entity: EntityId, event: Event) -> Commit {
        Commit {
            id: CommitId::new([1; 16]),
            tenant: TenantId::new("demo").unwrap(),
            entity,
            first_version: 8,
            command_id: CommandId::new("c").unwrap(),
            occurred_at: Timestamp::default(),
            recorded_at: Timestamp::default(),
            actor: Actor::Staff(agent("laura")),
            causation: None,
            correlation: None,
            previous_hash: [0; 32],
            intake: None,
            events: vec![event],
        }
    }

    fn led_to(command: &Command, event: ConversationEvent) -> bool {
        conversation(
            command,
            Timestamp::default(),
            &commit(EntityId::new(EntityKind::Conversation, [1; 16]), Event::Conversation(event)),
        )
    }

    fn assigned(to: &str, how: AssignmentHow) -> ConversationEvent {
        let team = Some(TeamId::new("ventas").unwrap());
        ConversationEvent::Assigned { agent: Some(agent(to)), team, how }
    }

    #[test]
    fn a_claim_is_only_the_claimants_own() {
        let claim = |name: &str| Command::Claim { agent: agent(name) };
        assert!(led_to(&claim("laura"), assigned("laura", AssignmentHow::Claim)));
        assert!(!led_to(&claim("martin"), assigned("laura", AssignmentHow::Claim)));
        assert!(!led_to(&claim("laura"), assigned("laura", AssignmentHow::Manual)));
    }

    #[test]
    fn another_assignee_reason_or_text_is_another_command() {
        let assign = |name: &str| Command::Assign { agent: Some(agent(name)), team: TeamId::new("ventas").ok() };
        assert!(led_to(&assign("laura"), assigned("laura", AssignmentHow::Manual)));
        assert!(!led_to(&assign("martin"), assigned("laura", AssignmentHow::Manual)));
        assert!(!led_to(&Command::Unassign, assigned("laura", AssignmentHow::Manual)));

        let note = |text: &str| Command::AddNote { text: text.to_owned() };
        let personal = NotePersonal { text: Some("uno".to_owned()) };
        let stored = ConversationEvent::NoteAdded { message: MessageId::new([1; 16]), personal };
        assert!(led_to(&note(" uno "), stored.clone()));
        assert!(!led_to(&note("dos"), stored));

        let pause = |reason| Command::PauseBot(PauseWish { reason, note: None, terms: PauseTerms::default() });
        let paused = |automatic| ConversationEvent::BotPaused {
            reason: PauseReason::Complaint,
            automatic,
            terms: PauseTerms::default(),
            personal: NotePersonal::default(),
        };
        assert!(led_to(&pause(PauseReason::Complaint), paused(false)));
        assert!(!led_to(&pause(PauseReason::Complaint), paused(true)));
        assert!(!led_to(&pause(PauseReason::Other), paused(false)));
        assert!(!led_to(
            &Command::ResumeBot { catch_up: relevo_domain::conversation::CatchUp::Know, note: None, farewell: None },
            paused(false)
        ));
        let urgent = ConversationEvent::PrioritySet { priority: Priority::Urgent };
        assert!(led_to(&Command::SetPriority { priority: Priority::Urgent }, urgent.clone()));
        assert!(!led_to(&Command::SetPriority { priority: Priority::High }, urgent));
    }

    #[test]
    fn a_pause_for_a_while_is_as_long_when_it_is_repeated() {
        let second = |seconds| Timestamp::from_seconds(seconds);
        let wish = |until: Option<i64>, locked| {
            let terms = PauseTerms { until: until.map(second), locked };
            PauseWish { reason: PauseReason::Other, note: None, terms }
        };
        let mut stored = commit(
            EntityId::new(EntityKind::Conversation, [1; 16]),
            Event::Conversation(ConversationEvent::BotPaused {
                reason: PauseReason::Other,
                automatic: false,
                terms: wish(Some(160), false).terms,
                personal: NotePersonal::default(),
            }),
        );
        stored.occurred_at = second(100);
        let led = |until, locked, now| conversation(&Command::PauseBot(wish(until, locked)), second(now), &stored);
        assert!(led(Some(160), false, 100) && led(Some(160), false, 130), "the same instant");
        assert!(led(Some(190), false, 130), "a minute, asked for again after half of one");
        assert!(!led(Some(190), false, 131) && !led(None, false, 130) && !led(Some(160), true, 100));
        let beside = |wish: Option<&PauseWish>| paused_beside(wish, second(130), &stored);
        assert!(beside(Some(&wish(Some(190), false))) && !beside(Some(&wish(None, false))) && !beside(None));
    }

    #[test]
    fn a_preset_is_the_same_at_another_moment_and_an_instant_is_not() {
        let at = |millis| Some(Timestamp::from_millis(millis));
        let snooze = |until, preset| Command::Snooze { until, preset, note: None };
        let snoozed = |until, preset| ConversationEvent::Snoozed { until, preset, personal: NotePersonal::default() };
        let (hour, two) = (Some(SnoozePreset::OneHour), Some(SnoozePreset::TwoHours));
        assert!(led_to(&snooze(at(2), hour), snoozed(at(1), hour)));
        assert!(!led_to(&snooze(at(1), two), snoozed(at(1), hour)));
        assert!(!led_to(&snooze(at(1), None), snoozed(at(1), hour)));
        assert!(led_to(&snooze(at(1), None), snoozed(at(1), None)));
        assert!(!led_to(&snooze(at(2), None), snoozed(at(1), None)));
        assert!(!led_to(&snooze(None, None), snoozed(at(1), None)));
    }

    #[test]
    fn what_was_read_is_what_there_was_then() {
        // The commit's version is 8: the conversation was at 7.
        let read = |through| ConversationEvent::MarkedRead { through };
        assert!(led_to(&Command::MarkRead { through: None }, read(7)));
        assert!(led_to(&Command::MarkRead { through: Some(99) }, read(7)));
        assert!(led_to(&Command::MarkRead { through: Some(5) }, read(5)));
        assert!(!led_to(&Command::MarkRead { through: Some(5) }, read(7)));
        assert!(!led_to(&Command::MarkRead { through: None }, read(5)));
    }

    #[test]
    fn an_undone_merge_is_recognised_on_either_side() {
        let unmerge = contact::Command::Unmerge { other: contact_id(2) };
        let undone =
            |on, other| commit(contact_id(on), Event::Contact(ContactEvent::Unmerged { other: contact_id(other) }));
        assert!(contact(contact_id(1), &unmerge, &undone(1, 2)));
        assert!(contact(contact_id(1), &unmerge, &undone(2, 1)));
        assert!(!contact(contact_id(1), &unmerge, &undone(1, 3)));
        assert!(!contact(contact_id(1), &contact::Command::Merge { other: contact_id(2) }, &undone(1, 2)));
    }

    #[test]
    fn another_customer_or_tag_is_another_command() {
        let link = |id: &str| contact::Command::LinkCustomer {
            customer: CustomerPersonal { id: id.to_owned(), name: Some(" Ana ".to_owned()) },
        };
        let personal = CustomerPersonal { id: "C-1".to_owned(), name: Some("Ana".to_owned()) };
        let linked = commit(contact_id(1), Event::Contact(ContactEvent::CustomerLinked { personal }));
        assert!(contact(contact_id(1), &link(" C-1"), &linked));
        assert!(!contact(contact_id(1), &link("C-2"), &linked));

        let (tag, colour) = (TagId::new([1; 16]), Colour([1, 2, 3]));
        let name = |name: &str| TagName::new(name).unwrap();
        let create =
            |called: &str| workspace::Command::CreateTag { id: TagId::new([9; 16]), name: name(called), colour };
        let created = WorkspaceEvent::TagCreated { tag, name: name("Pago"), colour };
        let created = commit(EntityId::WORKSPACE, Event::Workspace(created));
        assert!(workspace(&create("Pago"), &created), "the fresh id of the repetition does not matter");
        assert!(!workspace(&create("Pagos"), &created));
        assert!(!workspace(&workspace::Command::DeleteTag { tag }, &created));
    }
}
