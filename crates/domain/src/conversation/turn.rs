//! Turns of bots: what is new for a bot in a conversation, and which bot is answering it.
//!
//! A turn is claimed like a message that is sent: of two instances, or two nodes, one gets it, and a pause ends it. What the
//! customer writes while the bot is paused is kept for the next turn, as something to know.

use crate::id::AgentId;
use crate::time::Timestamp;

/// How often a turn is given, if it is not finished: what fails five times is not the bot's bad moment.
pub const TURN_ATTEMPTS_MAX: u32 = 5;

/// What is new for bots, and who is at it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Turns {
    /// Version of the customer's first message that was in no turn.
    pub new_from: Option<u64>,
    /// A turn is to be given.
    pub due: Option<Due>,
    /// What the customer wrote up to this version was written while the bot was paused; 0 if it never was.
    pub context_through: u64,
    /// Attempts in a row that came to nothing.
    pub failed: u32,
    pub running: Option<Turn>,
}

/// What a turn is given for. The order is that of urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Due {
    /// To know what was said while the bot was paused.
    Know,
    /// To answer.
    Answer,
}

/// A turn as a bot is given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenTurn {
    pub bot: AgentId,
    /// What the customer wrote from this version on is new.
    pub from: u64,
    /// The version before the turn.
    pub through: u64,
    /// What was written up to this version was written while the bot was paused; 0 if it never was.
    pub context_through: u64,
    /// An answer is wanted.
    pub answer: bool,
    /// From 1.
    pub attempt: u32,
    /// Whoever has this holds it.
    pub claim: String,
    /// It may be given again from here on.
    pub until: Timestamp,
}

/// A turn that a bot has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Version of the conversation with its beginning: what it is named by.
    pub number: u64,
    pub given: GivenTurn,
}

/// A turn of which a bot speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TurnRef {
    pub number: u64,
    /// The turn goes on with what is done in it.
    pub more: bool,
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TurnEnd {
    /// The bot is done.
    Done,
    /// The bot could not: it is given again.
    Failed,
    /// It was given [`TURN_ATTEMPTS_MAX`] times.
    GivenUp,
}

impl TurnEnd {
    pub const ALL: [Self; 3] = [Self::Done, Self::Failed, Self::GivenUp];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
        }
    }
}

/// What happens to what the customer wrote while the bot was paused, when it may speak again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CatchUp {
    /// The bot is told, and not asked to answer: people did.
    #[default]
    Know,
    /// The bot is asked to answer.
    Answer,
}

impl CatchUp {
    pub const ALL: [Self; 2] = [Self::Know, Self::Answer];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Know => "know",
            Self::Answer => "answer",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

impl Turns {
    /// The customer wrote; `active` says whether a bot may answer.
    pub fn received(&mut self, version: u64, active: bool) {
        self.new_from.get_or_insert(version);
        if active {
            self.due = Some(Due::Answer);
        }
    }

    /// A bot has them now.
    pub fn started(&mut self, number: u64, given: &GivenTurn) {
        (self.new_from, self.due) = (None, None);
        self.running = Some(Turn { number, given: given.clone() });
    }

    /// A turn that is not the one that runs ended long ago.
    pub fn ended(&mut self, number: u64, how: TurnEnd) {
        let Some(turn) = self.running.take_if(|turn| turn.number == number) else { return };
        match how {
            TurnEnd::Done | TurnEnd::GivenUp => self.failed = 0,
            TurnEnd::Failed => {
                let turn = turn.given;
                self.failed = turn.attempt;
                self.new_from = Some(self.new_from.map_or(turn.from, |new| new.min(turn.from)));
                let due = if turn.answer { Due::Answer } else { Due::Know };
                self.due = self.due.max(Some(due));
            }
        }
    }

    /// Somebody else speaks now. What is new stays new, for when the bot is asked again.
    pub fn silenced(&mut self) {
        if let Some(turn) = self.running.take() {
            self.new_from = Some(self.new_from.map_or(turn.given.from, |new| new.min(turn.given.from)));
        }
        (self.due, self.failed) = (None, 0);
    }

    /// The bot may speak again.
    pub fn resumed(&mut self, version: u64, catch_up: CatchUp) {
        if self.new_from.is_some() {
            self.context_through = version;
            self.due = Some(match catch_up {
                CatchUp::Know => Due::Know,
                CatchUp::Answer => Due::Answer,
            });
        }
    }

    /// The matter is closed: there is nothing left to answer or to know.
    pub fn resolved(&mut self) {
        self.silenced();
        self.new_from = None;
    }
}
