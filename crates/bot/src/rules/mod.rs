//! A bot that is a file: keywords, buttons and regular expressions lead to texts, menus, quick replies and people.
//!
//! [`Rules::parse`] reads a file and refuses it with everything that is wrong in it; [`answer`] is a pure function of rules and turn.
//! The bot remembers nothing: what was asked before and how often it did not understand, it reads in the turn's history.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use regex::Regex;
use relevo_proto::bot::v1 as pb;

use crate::taker::{TakeError, Taker};

mod answer;
mod check;
mod keywords;
mod pattern;
mod problem;
mod read;
mod said;
mod text;
mod yaml;

#[cfg(test)]
mod tests;

pub use answer::answer;
pub use problem::{PROBLEMS_MAX, RuleProblem, RulesError, What};

use text::Text;

/// The largest file, in bytes: two hundred long answers.
pub const FILE_BYTES_MAX: usize = 512 * 1024;
/// Rules of a file. All of them are tried on every message.
pub const RULES_MAX: usize = 200;
/// Steps of a file.
pub const STEPS_MAX: usize = 200;
/// Keywords of a rule, and ids of choices.
pub const KEYWORDS_MAX: usize = 50;
/// Characters of a keyword: a short phrase.
pub const KEYWORD_CHARS_MAX: usize = 80;
/// Regular expressions of a file: each costs more than a thousand keywords.
pub const REGEXES_MAX: usize = 50;
/// Characters of a regular expression.
pub const REGEX_CHARS_MAX: usize = 500;
/// Characters of a name, of a step or a rule.
pub const NAME_CHARS_MAX: usize = 32;
/// Messages that are said in a row: a customer does not read more.
pub const MESSAGES_MAX: usize = 5;
/// Steps that are gone through in a row.
pub const CHAIN_MAX: usize = 10;
/// Characters of a message that are looked at: who wants something says so before.
pub const LOOKED_AT_CHARS_MAX: usize = 2_000;

/// Messages before the new ones that are looked at: for the last menu, and for fallbacks in a row.
const HISTORY: u32 = 30;

/// The rules of a bot, without a fault.
#[derive(Clone, Debug)]
pub struct Rules {
    menus: MenuForm,
    greeting: Option<Greeting>,
    fallback: Option<Fallback>,
    /// For a message without words: a recording, a picture.
    without_text: Option<String>,
    /// In the order of the file: the first that matches is the one.
    listening: Vec<Rule>,
    /// By name. The step of a rule is named `rule:` and the rule's name.
    steps: BTreeMap<String, Step>,
    /// Where the choices of the menus lead, by id.
    choices: BTreeMap<String, String>,
}

/// How a menu is shown. On mail channels it is always a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum MenuForm {
    /// Buttons, or a list.
    #[default]
    Buttons,
    /// A text with numbers, for channels without buttons.
    Text,
}

#[derive(Clone, Debug)]
struct Greeting {
    step: String,
    /// The conversation begins anew after such a silence.
    after: Duration,
}

#[derive(Clone, Debug)]
struct Fallback {
    step: String,
    /// After so many in a row comes `then` instead.
    counted: Option<(usize, String)>,
}

#[derive(Clone, Debug)]
struct Rule {
    keywords: Vec<keywords::Phrase>,
    regex: Option<Regex>,
    /// Ids of buttons that others sent, for example in templates.
    choices: Vec<String>,
    step: String,
}

#[derive(Clone, Debug)]
struct Step {
    say: Option<Say>,
    then: Then,
}

#[derive(Clone, Debug)]
enum Say {
    Text(Text),
    /// By its name; the broker fills its variables in.
    QuickReply(String),
    Menu(Menu),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Then {
    /// The turn is over.
    End,
    Go(String),
    Handoff {
        note: String,
    },
}

#[derive(Clone, Debug)]
struct Menu {
    header: Option<Text>,
    text: Text,
    footer: Option<Text>,
    /// What the button says that opens the list; absent: the choices are buttons.
    button: Option<String>,
    choices: Vec<Choice>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Choice {
    id: String,
    title: String,
    description: String,
    step: String,
}

impl Rules {
    /// Reads a file of rules.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        read::rules(text)
    }
}

/// The rules as somebody who takes turns.
#[derive(Clone, Debug)]
pub struct RulesBot {
    rules: Rules,
}

impl RulesBot {
    pub const fn new(rules: Rules) -> Self {
        Self { rules }
    }
}

#[async_trait]
impl Taker for RulesBot {
    async fn take(&self, turn: &pb::Turn) -> Result<Vec<pb::ActRequest>, TakeError> {
        Ok(answer(&self.rules, turn))
    }

    fn history(&self) -> u32 {
        HISTORY
    }
}
