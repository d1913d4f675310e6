//! The names of the detection: its rules, what a tenant may do about each, and what was found.

use crate::conversation::PauseReason;
use crate::id::MessageId;

/// One thing that the detection looks for. Document 000 groups them into five situations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Something went wrong for the customer, or they want to leave: bots never handle complaints.
    Complaint,
    /// The customer says that they do not understand, that it does not work, or that they have had enough.
    Frustration,
    /// "Is anybody there?"
    NobodyThere,
    /// A sentence in capitals.
    Shouting,
    /// The bot has given the same answer several times.
    RepeatedAnswer,
    /// The customer has asked the same several times.
    RepeatedQuestion,
    /// What the bot cannot know: groups, accessibility, insurances, health, "I want to talk to the owner".
    ComplexQuery,
    /// "How much is it?": worth a suggestion as long as the bot does not know the prices. A business whose bot does turns it off.
    PriceQuestion,
    /// Many messages since staff last answered, and the episode still goes on.
    Unresolved,
    /// Staff writes first, in a conversation that was quiet.
    ProactiveSend,
}

impl Rule {
    /// All of them, the most serious first: of two findings with the same [`Act`] the earlier wins.
    pub const ALL: [Self; 10] = [
        Self::Complaint,
        Self::Frustration,
        Self::NobodyThere,
        Self::Shouting,
        Self::RepeatedAnswer,
        Self::RepeatedQuestion,
        Self::ComplexQuery,
        Self::PriceQuestion,
        Self::Unresolved,
        Self::ProactiveSend,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complaint => "complaint",
            Self::Frustration => "frustration",
            Self::NobodyThere => "nobody_there",
            Self::Shouting => "shouting",
            Self::RepeatedAnswer => "repeated_answer",
            Self::RepeatedQuestion => "repeated_question",
            Self::ComplexQuery => "complex_query",
            Self::PriceQuestion => "price_question",
            Self::Unresolved => "unresolved",
            Self::ProactiveSend => "proactive_send",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == text)
    }

    /// Why the bot is, or should be, paused when this is found.
    pub const fn reason(self) -> PauseReason {
        match self {
            Self::Complaint => PauseReason::Complaint,
            Self::Frustration | Self::NobodyThere | Self::Shouting => PauseReason::FrustratedCustomer,
            Self::RepeatedAnswer | Self::RepeatedQuestion => PauseReason::BotError,
            Self::ComplexQuery | Self::PriceQuestion | Self::Unresolved => PauseReason::ComplexQuery,
            Self::ProactiveSend => PauseReason::ProactiveMessage,
        }
    }

    /// Whether the rule reads lists of words, which a tenant may edit.
    pub const fn has_lists(self) -> bool {
        match self {
            Self::Complaint
            | Self::Frustration
            | Self::NobodyThere
            | Self::Shouting
            | Self::ComplexQuery
            | Self::PriceQuestion => true,
            Self::RepeatedAnswer | Self::RepeatedQuestion | Self::Unresolved | Self::ProactiveSend => false,
        }
    }
}

/// What happens when a rule finds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// Nothing: the rule is not asked.
    Off,
    /// Staff gets a suggestion, to accept or to dismiss.
    Suggest,
    /// The bot is paused, in the commit of the message that was found.
    Pause,
}

impl Act {
    pub const ALL: [Self; 3] = [Self::Off, Self::Suggest, Self::Pause];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Suggest => "suggest",
            Self::Pause => "pause",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == text)
    }
}

/// A language that the lists are written in. A text is not assigned one: all enabled lists are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    Spanish,
    English,
    Portuguese,
}

impl Language {
    pub const ALL: [Self; 3] = [Self::Spanish, Self::English, Self::Portuguese];

    /// ISO 639-1.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spanish => "es",
            Self::English => "en",
            Self::Portuguese => "pt",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.as_str() == text)
    }
}

/// Which of a rule's two lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum List {
    /// What the rule looks for. For [`Rule::Shouting`]: the words that make capitals a demand and not an address.
    Phrases,
    /// What takes the meaning away from a phrase that it overlaps: "no queja" is no complaint. For [`Rule::Shouting`]: what
    /// makes capitals harmless wherever it stands in the message.
    Exceptions,
}

impl List {
    pub const ALL: [Self; 2] = [Self::Phrases, Self::Exceptions];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phrases => "phrases",
            Self::Exceptions => "exceptions",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.as_str() == text)
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub rule: Rule,
    /// What the tenant wants done: [`Act::Suggest`] or [`Act::Pause`].
    pub act: Act,
    pub reason: PauseReason,
    pub evidence: Evidence,
}

/// What a finding rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The messages that speak for it, oldest first; the one that was looked at is the last, unless they are the bot's answers.
    /// At most [`EVIDENCE_MESSAGES_MAX`](super::EVIDENCE_MESSAGES_MAX).
    pub messages: Vec<MessageId>,
    /// How often it happened, or for [`Rule::Unresolved`] how many messages there were; may be more than `messages` names.
    pub count: u32,
    /// The customer's words that an entry of a list names, folded, with `…` for what stood between them; at most
    /// [`PHRASE_CHARS_MAX`](super::PHRASE_CHARS_MAX) characters. Personal, as every word of a customer.
    pub phrase: Option<String>,
}
