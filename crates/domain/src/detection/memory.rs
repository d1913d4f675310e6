//! What a conversation remembers for the rules that compare messages: what each was about, as hashes, never its text.

use std::collections::VecDeque;

use super::shouting;
use super::topics::{Topics, topics_of_answer, topics_of_saying};
use super::words::Text;
use crate::id::MessageId;

/// The customer's messages that are remembered: four times as many as make a repeated question.
pub const SAYINGS_MAX: usize = 12;
/// The bot's answers that are remembered: between three equal ones there may be as many others.
pub const ANSWERS_MAX: usize = 6;
/// The most messages that an evidence names: those remembered and the one that was looked at.
pub const EVIDENCE_MESSAGES_MAX: usize = SAYINGS_MAX + 1;

/// What the rules must know of the messages before. Bounded, and nothing in it can be read.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Memory {
    sayings: VecDeque<Said>,
    answers: VecDeque<Said>,
    /// Messages of the customer and of the bot since the episode began or staff answered.
    messages: u32,
    /// Messages of the customer that nobody, bot or staff, has answered.
    waiting: u32,
    /// Staff wrote, and the customer has not written since.
    staff_spoke_last: bool,
    /// Whole messages of the customer in capitals, and others, ever: some people always write so.
    loud: u8,
    calm: u8,
}

/// A message that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    message: MessageId,
    topics: Topics,
}

/// A memory as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Remembered {
    pub sayings: Vec<RememberedText>,
    pub answers: Vec<RememberedText>,
    pub messages: u32,
    pub waiting: u32,
    pub staff_spoke_last: bool,
    pub loud: u8,
    pub calm: u8,
}

/// What one message was about, as hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RememberedText {
    pub message: MessageId,
    pub stems: Vec<u32>,
    pub numbers: Vec<u32>,
}

/// How often something was said, and which of the remembered messages did.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Repeated {
    pub(super) count: u32,
    pub(super) messages: Vec<MessageId>,
}

impl Memory {
    /// The customer wrote. Messages without a text have an empty one.
    pub fn customer_said(&mut self, message: MessageId, text: &str) {
        let text = Text::of(text);
        match shouting::manner(&text) {
            Some(shouting::Manner::Loud) => self.loud = self.loud.saturating_add(1),
            Some(shouting::Manner::Calm) => self.calm = self.calm.saturating_add(1),
            None => {}
        }
        push(&mut self.sayings, SAYINGS_MAX, Said { message, topics: topics_of_saying(&text) });
        self.messages = self.messages.saturating_add(1);
        self.waiting = self.waiting.saturating_add(1);
        self.staff_spoke_last = false;
    }

    /// The bot answered.
    pub fn bot_said(&mut self, message: MessageId, text: &str) {
        push(&mut self.answers, ANSWERS_MAX, Said { message, topics: topics_of_answer(&Text::of(text)) });
        self.messages = self.messages.saturating_add(1);
        self.waiting = 0;
    }

    /// To be stored.
    pub fn remembered(&self) -> Remembered {
        let texts = |said: &VecDeque<Said>| {
            let text = |said: &Said| {
                let (stems, numbers) = said.topics.parts();
                RememberedText { message: said.message, stems: stems.to_vec(), numbers: numbers.to_vec() }
            };
            said.iter().map(text).collect()
        };
        Remembered {
            sayings: texts(&self.sayings),
            answers: texts(&self.answers),
            messages: self.messages,
            waiting: self.waiting,
            staff_spoke_last: self.staff_spoke_last,
            loud: self.loud,
            calm: self.calm,
        }
    }

    /// As it was stored.
    pub fn of(stored: Remembered) -> Self {
        let texts = |texts: Vec<RememberedText>| {
            let said =
                |RememberedText { message, stems, numbers }| Said { message, topics: Topics::of_parts(stems, numbers) };
            texts.into_iter().map(said).collect()
        };
        Self {
            sayings: texts(stored.sayings),
            answers: texts(stored.answers),
            messages: stored.messages,
            waiting: stored.waiting,
            staff_spoke_last: stored.staff_spoke_last,
            loud: stored.loud,
            calm: stored.calm,
        }
    }

    /// Staff, or the owner on the phone, answered: what went in circles is broken.
    pub fn staff_said(&mut self) {
        self.start_over();
        self.staff_spoke_last = true;
    }

    /// The bot is trusted again: what it repeated, and how long it took, was looked at. Who waits goes on waiting.
    pub fn bot_resumed(&mut self) {
        let waiting = self.waiting;
        self.start_over();
        self.waiting = waiting;
    }

    /// A new matter begins.
    pub fn episode_started(&mut self) {
        self.start_over();
        self.staff_spoke_last = false;
    }

    fn start_over(&mut self) {
        self.sayings.clear();
        self.answers.clear();
        self.messages = 0;
        self.waiting = 0;
    }

    /// Messages of the customer and the bot since the episode began or staff answered.
    pub const fn messages(&self) -> u32 {
        self.messages
    }

    /// Messages of the customer that nobody has answered.
    pub const fn waiting(&self) -> u32 {
        self.waiting
    }

    pub(super) const fn staff_spoke_last(&self) -> bool {
        self.staff_spoke_last
    }

    /// The customer has never written otherwise than in capitals.
    pub(super) const fn always_in_capitals(&self) -> bool {
        self.loud > 0 && self.calm == 0
    }

    pub(super) fn last_sayings(&self) -> impl Iterator<Item = MessageId> {
        self.sayings.iter().map(|said| said.message)
    }

    /// How often the bot's last answer was given.
    pub(super) fn last_answer_repeated(&self) -> Repeated {
        self.answers.back().map_or_else(Repeated::default, |last| self.answer_repeated(&last.topics))
    }

    /// How often this answer was given.
    pub(super) fn answer_repeated(&self, topics: &Topics) -> Repeated {
        let messages: Vec<_> =
            self.answers.iter().filter(|said| said.topics.same_answer(topics)).map(|said| said.message).collect();
        Repeated { count: messages.len().try_into().unwrap_or(u32::MAX), messages }
    }

    /// How often the customer has asked this, the present message included. While the bot gives one answer again and again,
    /// whatever is about the same counts: who gets the same answer to a different wording words it differently once more.
    pub(super) fn question_repeated(&self, message: MessageId, topics: &Topics) -> Repeated {
        if !topics.say_something() {
            return Repeated::default();
        }
        let stuck = self.answers_are_stuck();
        let mut group = vec![topics];
        let mut messages = vec![message];
        for said in self.sayings.iter().rev() {
            let same = if stuck {
                group.iter().any(|known| known.related(&said.topics))
            } else {
                topics.same_question(&said.topics)
            };
            if same {
                group.push(&said.topics);
                messages.push(said.message);
            }
        }
        messages.reverse();
        Repeated { count: messages.len().try_into().unwrap_or(u32::MAX), messages }
    }

    /// The bot's last two answers are one.
    fn answers_are_stuck(&self) -> bool {
        let mut last = self.answers.iter().rev();
        last.next().zip(last.next()).is_some_and(|(last, before)| last.topics.same_answer(&before.topics))
    }
}

fn push(said: &mut VecDeque<Said>, limit: usize, new: Said) {
    if said.len() >= limit {
        said.pop_front();
    }
    said.push_back(new);
}
