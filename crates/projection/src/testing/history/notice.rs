//! Made-up histories: what the detection finds, and what staff does with its suggestions. A step that is not possible becomes one
//! that is.

use std::sync::Arc;

use rand::RngExt as _;
use relevo_domain::conversation::message::Author;
use relevo_domain::conversation::{Bot, Command, Decision, Envelope, PauseTerms, Place, decide};
use relevo_domain::detection::{Act, Policy, PolicyChange, Rule};
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{Actor, MessageId, Role, Timestamp};

use super::Writer;

/// What customers say that a rule knows.
const TELLING: [&str; 5] = [
    "¿Aceptan seguro médico?",
    "¿Cuánto cuesta el servicio?",
    "Me cobraron de más",
    "No funciona esto",
    "Is anybody there?",
];
/// What customers say that is only suggested.
const SUGGESTED: usize = 2;

impl Writer {
    /// The customer says something that a rule knows, or staff answers what was suggested before.
    pub(super) fn notice(&mut self, talk: usize) {
        let opened = self.talks[talk].opened();
        match opened.watch.suggestions.first().map(|suggestion| suggestion.number) {
            Some(suggestion) if self.random.random_bool(0.7) => {
                let accept = self.random.random_bool(0.5);
                self.answer(talk, suggestion, accept);
            }
            Some(_) | None => {
                let telling = self.random.random_range(0..TELLING.len());
                self.say(talk, TELLING[telling]);
            }
        }
    }

    /// A suggestion that is taken, one that is not wanted, and what pauses by itself.
    pub(super) fn tour_of_notices(&mut self, talk: usize) {
        for accept in [false, true] {
            self.anew(talk);
            for telling in &TELLING[..SUGGESTED] {
                self.say(talk, telling);
            }
            if let Some(suggestion) = self.talks[talk].opened().watch.suggestions.first() {
                self.answer(talk, suggestion.number, accept);
            }
        }
        self.anew(talk);
        self.say(talk, TELLING[SUGGESTED]);
        self.set_detection(talk);
    }

    /// The bot speaks.
    fn anew(&mut self, talk: usize) {
        if self.talks[talk].opened().bot != Bot::Active {
            self.resume(talk);
        }
    }

    fn say(&mut self, talk: usize, words: &str) {
        let mut message = self.message(Author::Customer, None);
        message.flags.imported = false;
        message.flags.automatic = false;
        message.content.personal.text = Some(words.to_owned());
        self.talks[talk].messages.push(message.id);
        let Self { talks, .. } = self;
        let place = Place {
            channel: talks[talk].channel.clone(),
            medium: talks[talk].medium,
            contact: talks[talk].contact,
            contact_paused: false,
        };
        let detection = Some(Arc::new(Policy::default()));
        let command = Command::ReceiveMessage { place, message: Box::new(message), detection };
        self.decided(talk, None, Actor::Customer, &command);
    }

    fn answer(&mut self, talk: usize, suggestion: u64, accept: bool) {
        let command = if accept {
            Command::AcceptSuggestion { suggestion, note: None, terms: PauseTerms::default() }
        } else {
            Command::DismissSuggestion { suggestion }
        };
        let actor = self.staff();
        self.decided(talk, Some(Role::Agent), actor, &command);
    }

    fn decided(&mut self, talk: usize, role: Option<Role>, actor: Actor, command: &Command) {
        let now = Timestamp::from_millis(self.now);
        let envelope = Envelope { actor: actor.clone(), role, now, new_message: MessageId::new([0; 16]) };
        match decide(&self.talks[talk].state, &envelope, command) {
            Ok(Decision::Append(events)) => self.tell(talk, actor, events),
            Ok(Decision::AlreadySo) | Err(_) => self.write(talk),
        }
    }

    /// The tenant wants something else detected.
    pub(super) fn set_detection(&mut self, talk: usize) {
        let tenant = self.talks[talk].tenant.clone();
        let rule = Rule::ALL[self.random.random_range(0..Rule::ALL.len())];
        let act = Act::ALL[self.random.random_range(0..Act::ALL.len())];
        let repeats = Some(self.random.random_range(2..=6));
        let change = PolicyChange { acts: vec![(rule, act)], repeats, ..PolicyChange::default() };
        if let Ok(policy) = change.to(&Policy::default()) {
            self.workspace(&tenant, WorkspaceEvent::DetectionSet(Arc::new(policy)));
        }
    }
}
