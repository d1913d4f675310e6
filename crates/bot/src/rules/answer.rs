//! From rules and a turn to actions: pure, total, and always with an end of the turn.

use std::time::Duration;

use relevo_proto::bot::v1 as pb;
use relevo_proto::bot::v1::act_request::Action;

use super::keywords::words;
use super::said::To;
use super::{Fallback, LOOKED_AT_CHARS_MAX, MenuForm, Rules, Say, Then};
use crate::taker::{action, complete};

/// A reaction is no question.
const REACTION: &str = "reaction";
/// The medium that knows no buttons.
const EMAIL: &str = "email";

/// What the rules say to the turn. What is only to be known, was not written by the customer, or finds neither rule nor fallback ends
/// the turn without a word.
pub fn answer(rules: &Rules, turn: &pb::Turn) -> Vec<pb::ActRequest> {
    let actions = match rules.step_for(turn) {
        Some(step) => rules.actions(&step, turn),
        None => Vec::new(),
    };
    let actions = if actions.is_empty() { vec![Action::Done(pb::Done {})] } else { actions };
    actions.into_iter().enumerate().map(|(place, done)| complete(turn, place, action(done))).collect()
}

impl Rules {
    fn step_for(&self, turn: &pb::Turn) -> Option<String> {
        if !turn.expects_answer {
            return None;
        }
        let asked = asked(turn);
        if asked.is_empty() {
            return None;
        }
        // The newest one that means something is the one that is answered.
        if let Some(step) = asked.iter().rev().find_map(|said| self.understood(said, turn)) {
            return Some(step);
        }
        if asked.iter().all(|said| said.text.trim().is_empty())
            && let Some(step) = &self.without_text
        {
            return Some(step.clone());
        }
        if let Some(greeting) = &self.greeting
            && begins(turn, greeting.after)
        {
            return Some(greeting.step.clone());
        }
        self.fallback.as_ref().map(|fallback| self.not_understood(fallback, turn))
    }

    /// By what was chosen, by what the last menu offers, or by a rule.
    fn understood(&self, said: &pb::Said, turn: &pb::Turn) -> Option<String> {
        if !said.choice_id.is_empty() {
            let of_rule =
                || self.listening.iter().find(|rule| rule.choices.contains(&said.choice_id)).map(|rule| &rule.step);
            if let Some(step) = self.choices.get(&said.choice_id).or_else(of_rule) {
                return Some(step.clone());
            }
        }
        let words = words(&said.text);
        if words.is_empty() {
            return None;
        }
        if let Some(step) = self.typed_choice(&words, turn) {
            return Some(step);
        }
        let end = said.text.char_indices().nth(LOOKED_AT_CHARS_MAX).map_or(said.text.len(), |(end, _)| end);
        let matches = |rule: &&super::Rule| {
            rule.keywords.iter().any(|keyword| keyword.is_in(&words))
                || rule.regex.as_ref().is_some_and(|regex| regex.is_match(&said.text[..end]))
        };
        self.listening.iter().find(matches).map(|rule| rule.step.clone())
    }

    /// The title or the number of a choice of the menu that the bot said last.
    fn typed_choice(&self, typed: &[String], turn: &pb::Turn) -> Option<String> {
        let to = self.to(turn);
        let last = everything(turn).rev().find(|said| said.who() != pb::Who::Customer)?;
        if last.who() != pb::Who::Bot {
            return None;
        }
        let menus = self.steps.values().filter_map(|step| match &step.say {
            Some(say @ Say::Menu(menu)) if say.is(&last.text, to) => Some(menu),
            Some(Say::Menu(_) | Say::Text(_) | Say::QuickReply(_)) | None => None,
        });
        let choice = menus.flat_map(|menu| menu.choices.iter().enumerate()).find(|(index, choice)| {
            let number = (index + 1).to_string();
            typed == [number] || typed == words(&choice.title)
        });
        choice.map(|(_, choice)| choice.step.clone())
    }

    /// The fallback, or what comes after too many of them.
    fn not_understood(&self, fallback: &Fallback, turn: &pb::Turn) -> String {
        match &fallback.counted {
            Some((times, then)) if self.fallbacks_in_a_row(fallback, turn) >= *times => then.clone(),
            Some(_) | None => fallback.step.clone(),
        }
    }

    fn fallbacks_in_a_row(&self, fallback: &Fallback, turn: &pb::Turn) -> usize {
        let to = self.to(turn);
        let says: Vec<&Say> = self.chain(&fallback.step).filter_map(|step| step.say.as_ref()).collect();
        let Some((first, others)) = says.split_first() else { return 0 };
        let mut count = 0;
        for said in everything(turn).rev() {
            match said.who() {
                pb::Who::Customer => {}
                pb::Who::Bot if first.is(&said.text, to) => count += 1,
                pb::Who::Bot if others.iter().any(|say| say.is(&said.text, to)) => {}
                pb::Who::Bot | pb::Who::Staff | pb::Who::System | pb::Who::Unspecified => break,
            }
        }
        count
    }

    fn actions(&self, step: &str, turn: &pb::Turn) -> Vec<Action> {
        let to = self.to(turn);
        let mut actions = Vec::new();
        let mut handoff = None;
        for step in self.chain(step) {
            if let Some(say) = &step.say {
                let message = Some(say.message(to));
                actions.push(Action::Reply(pb::Reply { message, more: true }));
            }
            if let Then::Handoff { note } = &step.then {
                handoff = Some(Action::Handoff(pb::Handoff { note: note.clone() }));
            }
        }
        if handoff.is_none()
            && let Some(Action::Reply(last)) = actions.last_mut()
        {
            last.more = false;
        }
        actions.extend(handoff);
        actions
    }

    fn to<'t>(&self, turn: &'t pb::Turn) -> To<'t> {
        let form = if turn.medium == EMAIL { MenuForm::Text } else { self.menus };
        To { name: &turn.contact_name, form }
    }
}

/// What the customer has written since anybody answered.
fn asked(turn: &pb::Turn) -> Vec<&pb::Said> {
    let answered = turn.messages.iter().rposition(|said| said.who() != pb::Who::Customer);
    let open = &turn.messages[answered.map_or(0, |last| last + 1)..];
    open.iter().filter(|said| said.kind != REACTION).collect()
}

fn everything(turn: &pb::Turn) -> impl DoubleEndedIterator<Item = &pb::Said> {
    turn.history.iter().chain(&turn.messages)
}

/// Nothing was said before, or so long ago that it is another matter.
fn begins(turn: &pb::Turn, after: Duration) -> bool {
    let seconds = |said: Option<&pb::Said>| said.and_then(|said| said.at).map(|at| at.seconds);
    let Some(before) = turn.history.last() else { return true };
    match (seconds(Some(before)), seconds(turn.messages.first())) {
        (Some(before), Some(now)) => {
            u64::try_from(now.saturating_sub(before)).is_ok_and(|silence| silence >= after.as_secs())
        }
        (None, _) | (_, None) => false,
    }
}
