//! What only the whole file tells: steps that are named and missing, ways that go round, choices that lead to two places.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::{Problems, What};
use super::{CHAIN_MAX, MESSAGES_MAX, Rules, Say, Step, Then};

/// Somewhere a step is named.
#[derive(Clone, Debug)]
pub(super) struct Goto {
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) step: String,
}

/// Path and line of every step, by its name.
pub(super) type Places = BTreeMap<String, (String, usize)>;

/// The rules with the choices of their menus.
pub(super) fn checked(mut rules: Rules, gotos: &[Goto], places: &Places, problems: &mut Problems) -> Rules {
    for goto in gotos.iter().filter(|goto| !places.contains_key(&goto.step)) {
        problems.add(goto.path.clone(), goto.line, What::NoStep { step: goto.step.clone() });
    }
    let mut looping = BTreeSet::new();
    for name in rules.steps.keys() {
        let (path, line) = place(places, name);
        match walk(&rules.steps, name) {
            // Told once, for the first of its steps.
            Walk::Round(steps) => {
                if steps.iter().min() == Some(name) && looping.insert(name.clone()) {
                    let steps = steps.iter().chain([name]).map(String::as_str).collect::<Vec<_>>().join(" → ");
                    problems.add(path, line, What::Loop { steps });
                }
            }
            Walk::IntoRound => {}
            Walk::Ends { messages, steps } => {
                if messages > MESSAGES_MAX || steps > CHAIN_MAX {
                    problems.add(path, line, What::LongChain { limit: MESSAGES_MAX });
                }
            }
        }
    }
    rules.choices = choices(&rules.steps, places, problems);
    if let Some(fallback) = rules.fallback.as_ref().filter(|fallback| fallback.counted.is_some()) {
        let says = rules.chain(&fallback.step).filter_map(|step| step.say.as_ref());
        let (mut own, mut others) = (0, 0);
        for say in says {
            match say {
                Say::Text(_) | Say::Menu(_) => own += 1,
                Say::QuickReply(_) => others += 1,
            }
        }
        // A step that was not read counts for nothing: what is wrong in it was told.
        if rules.steps.contains_key(&fallback.step) && (own == 0 || others > 0) {
            let line = gotos.iter().find(|goto| goto.path == "fallback.goto").map_or(1, |goto| goto.line);
            problems.add("fallback", line, What::NotCountable);
        }
    }
    rules
}

enum Walk {
    /// It comes back to where it began; the steps in order.
    Round(Vec<String>),
    /// It comes to others that go round.
    IntoRound,
    Ends {
        messages: usize,
        steps: usize,
    },
}

fn walk(steps: &BTreeMap<String, Step>, from: &str) -> Walk {
    let (mut seen, mut at, mut messages) = (Vec::new(), from, 0);
    while let Some(step) = steps.get(at) {
        seen.push(at.to_owned());
        messages += usize::from(step.say.is_some());
        match &step.then {
            Then::Go(next) if next == from => return Walk::Round(seen),
            Then::Go(next) if seen.contains(next) => return Walk::IntoRound,
            Then::Go(next) => at = next,
            Then::End | Then::Handoff { .. } => break,
        }
    }
    Walk::Ends { messages, steps: seen.len() }
}

fn choices(steps: &BTreeMap<String, Step>, places: &Places, problems: &mut Problems) -> BTreeMap<String, String> {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for (name, step) in steps {
        let Some(Say::Menu(menu)) = &step.say else { continue };
        for choice in &menu.choices {
            match known.get(&choice.id) {
                None => {
                    known.insert(choice.id.clone(), choice.step.clone());
                }
                Some(step) if *step == choice.step => {}
                Some(_) => {
                    let (path, line) = place(places, name);
                    problems.add(format!("{path}.menu"), line, What::ChoiceLeadsTwice { id: choice.id.clone() });
                }
            }
        }
    }
    known
}

fn place(places: &Places, name: &str) -> (String, usize) {
    places.get(name).cloned().unwrap_or_default()
}

impl Rules {
    /// The steps that follow each other without a word of the customer; limited, whatever the file says.
    pub(super) fn chain<'r>(&'r self, from: &str) -> impl Iterator<Item = &'r Step> {
        let mut next = self.steps.get(from);
        let steps = std::iter::from_fn(move || {
            let step = next?;
            next = match &step.then {
                Then::Go(to) => self.steps.get(to),
                Then::End | Then::Handoff { .. } => None,
            };
            Some(step)
        });
        steps.take(CHAIN_MAX)
    }
}
