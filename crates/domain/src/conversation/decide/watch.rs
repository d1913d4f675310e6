//! What the detection finds in what is written, as events: a suggestion to staff, or a pause in the very commit of the message.

use std::collections::BTreeSet;

use super::{Events, automatic_pause, bot, send};
use crate::actor::Actor;
use crate::conversation::command::{Envelope, Send};
use crate::conversation::event::{ConversationEvent, Detection, NotePersonal};
use crate::conversation::message::{Author, Message, MessageKind};
use crate::conversation::outgoing::CancelCause;
use crate::conversation::state::{Opened, State};
use crate::detection::{Act, Finding, Memory, Policy, Rule, detect_answer, detect_unsaid, proactive};
use crate::time::Timestamp;

/// What goes into the commit of a message that the business sends.
#[derive(Default)]
pub(super) struct Noticed {
    /// Before the message: a pause that it must not overtake.
    pub(super) before: Events,
    pub(super) after: Events,
}

/// What the customer's message leads to. `before` is what precedes it in its commit: an episode that begins with it forgets what
/// was said in the one before.
pub(super) fn received(
    policy: &Policy,
    state: &State,
    envelope: &Envelope,
    before: &[ConversationEvent],
    message: &Message,
) -> Events {
    // What nobody said now, or no person said, says nothing about how the customer feels.
    if message.content.kind == MessageKind::System || !message.flags.by_a_person() {
        return Events::new();
    }
    let after = |state: State, event| state.evolve(event, envelope.now, &envelope.actor);
    let state = before.iter().fold(state.clone(), after);
    let Some(opened) = state.opened.filter(|opened| !opened.stays_paused(envelope.now)) else { return Events::new() };
    let text = message.content.personal.text.as_deref().unwrap_or_default();
    match detect_unsaid(policy, &opened.watch.memory, &opened.watch.said, message.id, text) {
        Some(found) if found.act == Act::Pause => pausing(&opened, envelope.now, found),
        Some(found) => vec![detected(found)],
        None => Events::new(),
    }
}

/// What the business's own message leads to. `opened` is absent if the message opens the conversation.
pub(super) fn sent(opened: Option<&Opened>, envelope: &Envelope, send: &Send) -> Noticed {
    let active = opened.is_none_or(|opened| !opened.stays_paused(envelope.now));
    let Some(policy) = send.detection.as_deref().filter(|_| active && send.pause.is_none()) else {
        return Noticed::default();
    };
    match (send.outgoing.author, &envelope.actor) {
        (Author::Bot, _) => opened.map_or_else(Noticed::default, |opened| answered(policy, opened, envelope, send)),
        (Author::Staff, Actor::Staff(_)) => written_first(policy, opened, envelope, send),
        (Author::Staff | Author::System | Author::Customer | Author::PhoneApp, _) => Noticed::default(),
    }
}

/// The bot says the same once too often. Where that pauses the bot, it is not said again: it stands in the log, taken back by the
/// pause as everything of the bot's that nobody has claimed.
fn answered(policy: &Policy, opened: &Opened, envelope: &Envelope, send: &Send) -> Noticed {
    let (id, text) = (send.outgoing.id, send.outgoing.body.text().unwrap_or_default());
    let Some(found) = detect_answer(policy, &opened.watch.memory, id, text) else { return Noticed::default() };
    let after = match found.act {
        Act::Pause => {
            let cancelled = ConversationEvent::SendCancelled { message: id, cause: CancelCause::BotPaused };
            pausing(opened, envelope.now, found).into_iter().chain([cancelled]).collect()
        }
        Act::Suggest if !opened.watch.said.contains(&found.rule) => vec![detected(found)],
        Act::Suggest | Act::Off => Events::new(),
    };
    Noticed { after, ..Noticed::default() }
}

/// Staff writes first. Where staff's own messages pause the bot anyway, this says for which reason.
fn written_first(policy: &Policy, opened: Option<&Opened>, envelope: &Envelope, send: &Send) -> Noticed {
    let (none, nothing) = (Memory::default(), BTreeSet::new());
    let (memory, said) = opened.map_or((&none, &nothing), |opened| (&opened.watch.memory, &opened.watch.said));
    let quiet_for = opened.and_then(|opened| opened.customer_spoke_at).map(|spoke| envelope.now.since(spoke));
    let Some(found) = proactive(policy, memory, send.outgoing.id, quiet_for) else { return Noticed::default() };
    if found.act == Act::Pause || send::pauses(envelope, send) {
        let found = Finding { act: Act::Pause, ..found };
        let before = if let Some(opened) = opened {
            pausing(opened, envelope.now, found)
        } else {
            let pause = automatic_pause(found.reason);
            vec![detected(found), pause]
        };
        return Noticed { before, ..Noticed::default() };
    }
    let after = if said.contains(&Rule::ProactiveSend) { Events::new() } else { vec![detected(found)] };
    Noticed { after, ..Noticed::default() }
}

fn pausing(opened: &Opened, now: Timestamp, found: Finding) -> Events {
    let pause = bot::silencing(opened, now, automatic_pause(found.reason));
    std::iter::once(detected(found)).chain(pause).collect()
}

fn detected(found: Finding) -> ConversationEvent {
    let Finding { rule, act, reason, evidence } = found;
    let personal = NotePersonal { text: evidence.phrase };
    let (messages, count) = (evidence.messages, evidence.count);
    ConversationEvent::SituationDetected(Box::new(Detection { rule, act, reason, messages, count, personal }))
}
