//! When a bot should be silent: the five situations of document 000, found in what people write.
//!
//! Pure: no clock, no randomness, and nothing of a tenant is ever run as an expression. The work is linear in a text of bounded
//! length. [`Memory`] is what a conversation keeps of its messages (hashes, no words), [`Policy`] what the tenant wants, and
//! [`detect`] looks at one message of the customer with both. What to do with a [`Finding`] is the decider's business: it
//! knows whether the bot is paused already, and which suggestions were dismissed.

mod change;
mod lists;
mod memory;
mod pattern;
mod policy;
mod rule;
mod shouting;
mod topics;
mod words;

#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod document_tests;
#[cfg(test)]
mod policy_tests;
#[cfg(test)]
mod property_tests;

use std::collections::BTreeSet;
use std::time::Duration;

use pattern::Hit;
use words::Text;

use crate::id::MessageId;

pub use change::{Phrase, PolicyChange, PolicyRefused};
pub use memory::{ANSWERS_MAX, EVIDENCE_MESSAGES_MAX, Memory, Remembered, RememberedText, SAYINGS_MAX};
pub use pattern::{ENTRY_CHARS_MAX, PHRASE_CHARS_MAX, PhraseError};
pub use policy::{PHRASES_MAX, Policy, PolicyError, QUIET, REPEATS, UNRESOLVED};
pub use rule::{Act, Evidence, Finding, Language, List, Rule};
pub use words::TEXT_CHARS_MAX;

/// Looks at a message of the customer. `memory` is of the messages before it. Of several findings the most serious is told:
/// one that pauses before one that is suggested, then in the order of [`Rule::ALL`].
///
/// A state that lasts (a repeated answer, an unresolved episode) is found with every message as long as it does.
pub fn detect(policy: &Policy, memory: &Memory, message: MessageId, text: &str) -> Option<Finding> {
    detect_unsaid(policy, memory, &BTreeSet::new(), message, text)
}

/// As [`detect`], without what would only be suggested by rules that have suggested something before: once is enough, and must
/// not hide what another rule finds.
pub fn detect_unsaid(
    policy: &Policy,
    memory: &Memory,
    said: &BTreeSet<Rule>,
    message: MessageId,
    text: &str,
) -> Option<Finding> {
    let text = Text::of(text);
    let hits = policy.find(&text);
    let again = |rule: Rule| policy.act(rule) == Act::Suggest && said.contains(&rule);
    most_serious(policy, |rule| if again(rule) { None } else { evidence(policy, memory, message, &text, &hits, rule) })
}

/// Looks at a message that the bot is about to send, or has sent: whether it says the same once too often. The customer's
/// next message would be found for it ([`detect`]); this is how to find it one message earlier. `memory` is of the messages before.
pub fn detect_answer(policy: &Policy, memory: &Memory, message: MessageId, text: &str) -> Option<Finding> {
    most_serious(policy, |rule| {
        if rule != Rule::RepeatedAnswer {
            return None;
        }
        let mut repeated = memory.answer_repeated(&topics::topics_of_answer(&Text::of(text)));
        repeated.count += 1;
        repeated.messages.push(message);
        enough(policy, repeated)
    })
}

/// Looks at a message that staff sends while the bot is active. `quiet_for` is how long ago the customer last wrote; absent if
/// never. Found is the first message since then, and only if the customer waits for no answer.
pub fn proactive(policy: &Policy, memory: &Memory, message: MessageId, quiet_for: Option<Duration>) -> Option<Finding> {
    let quiet = quiet_for.is_none_or(|quiet_for| quiet_for >= policy.quiet());
    if !quiet || memory.waiting() > 0 || memory.staff_spoke_last() {
        return None;
    }
    most_serious(policy, |rule| (rule == Rule::ProactiveSend).then(|| Evidence::single(message, None)))
}

fn most_serious(policy: &Policy, found: impl Fn(Rule) -> Option<Evidence>) -> Option<Finding> {
    [Act::Pause, Act::Suggest].into_iter().find_map(|act| {
        let mut rules = Rule::ALL.into_iter().filter(|rule| policy.act(*rule) == act);
        rules.find_map(|rule| found(rule).map(|evidence| Finding { rule, act, reason: rule.reason(), evidence }))
    })
}

/// What speaks for a rule.
fn evidence(
    policy: &Policy,
    memory: &Memory,
    message: MessageId,
    text: &Text,
    hits: &[Hit<'_>],
    rule: Rule,
) -> Option<Evidence> {
    let listed = |hit: Option<&Hit<'_>>| hit.map(|hit| Evidence::single(message, Some(hit.phrase(text))));
    match rule {
        Rule::Complaint | Rule::Frustration | Rule::ComplexQuery | Rule::PriceQuestion => listed(phrase(rule, hits)),
        Rule::NobodyThere => listed(phrase(rule, hits)).or_else(|| called_again(memory, message, text)),
        Rule::Shouting => listed(shouting::shouted(memory, text, hits)),
        Rule::RepeatedAnswer => enough(policy, memory.last_answer_repeated()),
        Rule::RepeatedQuestion => enough(policy, memory.question_repeated(message, &topics::topics_of_saying(text))),
        Rule::Unresolved => unresolved(policy, memory, message),
        Rule::ProactiveSend => None,
    }
}

/// The first phrase of the rule that no exception overlaps.
fn phrase<'a, 'h>(rule: Rule, hits: &'h [Hit<'a>]) -> Option<&'h Hit<'a>> {
    let of = |list: List| hits.iter().filter(move |hit| (hit.entry.rule, hit.entry.list) == (rule, list));
    let excepted = |hit: &&Hit<'_>| of(List::Exceptions).any(|exception| exception.overlaps(hit));
    of(List::Phrases).filter(|hit| !excepted(hit)).min_by_key(|hit| hit.start())
}

/// Nothing but a greeting, as a question, after something that nobody has answered.
fn called_again(memory: &Memory, message: MessageId, text: &Text) -> Option<Evidence> {
    let greeting = |word: &words::Word| lists::common::GREETINGS.contains(&text.plain(word));
    let calls = text.question && !text.words.is_empty() && text.words.iter().all(greeting);
    (calls && memory.waiting() > 0).then(|| Evidence::single(message, None))
}

fn enough(policy: &Policy, repeated: memory::Repeated) -> Option<Evidence> {
    let memory::Repeated { count, messages } = repeated;
    (count >= policy.repeats()).then_some(Evidence { messages, count, phrase: None })
}

fn unresolved(policy: &Policy, memory: &Memory, message: MessageId) -> Option<Evidence> {
    let count = memory.messages().saturating_add(1);
    let messages = || memory.last_sayings().chain([message]).collect();
    (count >= policy.unresolved()).then(|| Evidence { messages: messages(), count, phrase: None })
}

impl Evidence {
    fn single(message: MessageId, phrase: Option<String>) -> Self {
        Self { messages: vec![message], count: 1, phrase }
    }
}
