//! Rows of the view `turns`.

use prost::Message;
use relevo_domain::conversation::{Due, GivenTurn, TURN_ATTEMPTS_MAX, Turn, Turns};
use relevo_domain::{AgentId, Timestamp};

/// What is known of a conversation.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct TalkRow {
    #[prost(string, tag = "1")]
    pub(crate) channel: String,
    /// Empty if it is no team's.
    #[prost(string, tag = "2")]
    pub(crate) team: String,
    /// The bot is paused.
    #[prost(bool, tag = "3")]
    pub(crate) paused: bool,
    /// Version of the customer's first message that was in no turn.
    #[prost(uint64, optional, tag = "4")]
    pub(crate) new_from: Option<u64>,
    /// Sequence of its commit.
    #[prost(uint64, tag = "5")]
    pub(crate) from_sequence: u64,
    /// 1 to know, 2 to answer; 0 if nothing is due.
    #[prost(uint32, tag = "6")]
    pub(crate) due: u32,
    #[prost(uint64, tag = "7")]
    pub(crate) context_through: u64,
    /// Sequence of the commit with it.
    #[prost(uint64, tag = "8")]
    pub(crate) context_sequence: u64,
    #[prost(uint32, tag = "9")]
    pub(crate) failed: u32,
    #[prost(message, optional, tag = "10")]
    pub(crate) running: Option<RunningRow>,
    /// When the customer last wrote, in milliseconds since 1970.
    #[prost(int64, tag = "11")]
    pub(crate) newest_at: i64,
    /// From when on what is due may be given, in milliseconds since 1970.
    #[prost(int64, tag = "12")]
    pub(crate) due_at: i64,
    /// The turn that ended last; 0 if none did.
    #[prost(uint64, tag = "13")]
    pub(crate) over: u64,
    /// How it ended.
    #[prost(enumeration = "OverCode", tag = "14")]
    pub(crate) over_how: i32,
}

/// A turn that a bot has.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct RunningRow {
    #[prost(uint64, tag = "1")]
    pub(crate) number: u64,
    #[prost(string, tag = "2")]
    pub(crate) bot: String,
    #[prost(uint64, tag = "3")]
    pub(crate) from: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) through: u64,
    #[prost(uint64, tag = "5")]
    pub(crate) context_through: u64,
    #[prost(bool, tag = "6")]
    pub(crate) answer: bool,
    #[prost(uint32, tag = "7")]
    pub(crate) attempt: u32,
    #[prost(string, tag = "8")]
    pub(crate) claim: String,
    #[prost(int64, tag = "9")]
    pub(crate) until: i64,
    /// Sequence of the commit with `from`.
    #[prost(uint64, tag = "10")]
    pub(crate) from_sequence: u64,
    /// Sequence of the commit that began it.
    #[prost(uint64, tag = "11")]
    pub(crate) sequence: u64,
}

/// How a turn ended. Stored, so numbers are never given anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum OverCode {
    Unspecified = 0,
    Done = 1,
    Failed = 2,
    GivenUp = 3,
    Paused = 4,
    Staff = 5,
    Time = 6,
}

/// A conversation from which something may be given.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct DueRow {
    #[prost(string, tag = "1")]
    pub(crate) team: String,
    #[prost(int64, tag = "2")]
    pub(crate) newest_at: i64,
}

impl TalkRow {
    /// The row as the domain's fold.
    pub(crate) fn turns(&self) -> Turns {
        Turns {
            new_from: self.new_from,
            due: match self.due {
                1 => Some(Due::Know),
                2 => Some(Due::Answer),
                _ => None,
            },
            context_through: self.context_through,
            failed: self.failed,
            running: self.running.as_ref().and_then(turn),
        }
    }

    /// Takes over what the domain's fold says.
    pub(crate) fn set(&mut self, turns: &Turns) {
        self.new_from = turns.new_from;
        self.due = match turns.due {
            None => 0,
            Some(Due::Know) => 1,
            Some(Due::Answer) => 2,
        };
        (self.context_through, self.failed) = (turns.context_through, turns.failed);
        if turns.running.is_none() {
            self.running = None;
        }
    }

    /// From when on something may be given.
    pub(crate) fn stands_at(&self) -> Option<Timestamp> {
        let at = match &self.running {
            Some(running) => Some(running.until),
            None => (self.due != 0).then_some(self.due_at),
        };
        at.filter(|_| !self.paused).map(Timestamp::from_millis)
    }

    pub(crate) fn due_row(&self) -> DueRow {
        DueRow { team: self.team.clone(), newest_at: self.newest_at }
    }
}

/// A name that is none cannot have been stored: the domain made it.
fn turn(row: &RunningRow) -> Option<Turn> {
    let given = GivenTurn {
        bot: AgentId::new(row.bot.as_str()).ok()?,
        from: row.from,
        through: row.through,
        context_through: row.context_through,
        answer: row.answer,
        attempt: row.attempt.min(TURN_ATTEMPTS_MAX),
        claim: row.claim.clone(),
        until: Timestamp::from_millis(row.until),
    };
    Some(Turn { number: row.number, given })
}

impl RunningRow {
    pub(crate) fn new(number: u64, given: &GivenTurn, from_sequence: u64, sequence: u64) -> Self {
        Self {
            number,
            bot: given.bot.to_string(),
            from: given.from,
            through: given.through,
            context_through: given.context_through,
            answer: given.answer,
            attempt: given.attempt,
            claim: given.claim.clone(),
            until: given.until.as_millis(),
            from_sequence,
            sequence,
        }
    }
}
