//! The part of a conversation's row that bots need: their turns, what was detected, and of what staff was alerted.

use relevo_domain::conversation::{Alerts, Due, GivenTurn, Opened, PauseReason, Suggestion, Turn, Turns, Watch};
use relevo_domain::detection::{Memory, Remembered, RememberedText, Rule};
use relevo_domain::{Actor, AgentId, MessageId, Timestamp};

use super::{BadRow, bad, unreadable};

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct BotsRow {
    #[prost(uint64, optional, tag = "1")]
    new_from: Option<u64>,
    /// 1 to know, 2 to answer.
    #[prost(uint32, tag = "2")]
    due: u32,
    #[prost(uint64, tag = "3")]
    context_through: u64,
    #[prost(uint32, tag = "4")]
    failed: u32,
    #[prost(message, optional, tag = "5")]
    running: Option<TurnRow>,
    #[prost(int64, optional, tag = "6")]
    waiting_since: Option<i64>,
    #[prost(message, optional, tag = "7")]
    memory: Option<MemoryRow>,
    #[prost(message, repeated, tag = "8")]
    suggestions: Vec<SuggestionRow>,
    #[prost(string, repeated, tag = "9")]
    said: Vec<String>,
    #[prost(int64, optional, tag = "10")]
    alerted_unanswered: Option<i64>,
    #[prost(int64, optional, tag = "11")]
    alerted_too_long: Option<i64>,
    #[prost(message, optional, tag = "12")]
    answered_by: Option<AnswerRow>,
    #[prost(message, optional, tag = "13")]
    locked_by: Option<LockRow>,
    #[prost(int64, optional, tag = "14")]
    signal: Option<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct AnswerRow {
    #[prost(bytes = "vec", tag = "1")]
    message: Vec<u8>,
    #[prost(int64, tag = "2")]
    since: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct LockRow {
    #[prost(string, tag = "1")]
    by: String,
    #[prost(int64, tag = "2")]
    at: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct TurnRow {
    #[prost(uint64, tag = "1")]
    number: u64,
    #[prost(string, tag = "2")]
    bot: String,
    #[prost(uint64, tag = "3")]
    from: u64,
    #[prost(uint64, tag = "4")]
    through: u64,
    #[prost(uint64, tag = "5")]
    context_through: u64,
    #[prost(bool, tag = "6")]
    answer: bool,
    #[prost(uint32, tag = "7")]
    attempt: u32,
    #[prost(string, tag = "8")]
    claim: String,
    #[prost(int64, tag = "9")]
    until: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct MemoryRow {
    #[prost(message, repeated, tag = "1")]
    sayings: Vec<TextRow>,
    #[prost(message, repeated, tag = "2")]
    answers: Vec<TextRow>,
    #[prost(uint32, tag = "3")]
    messages: u32,
    #[prost(uint32, tag = "4")]
    waiting: u32,
    #[prost(bool, tag = "5")]
    staff_spoke_last: bool,
    #[prost(uint32, tag = "6")]
    loud: u32,
    #[prost(uint32, tag = "7")]
    calm: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct TextRow {
    #[prost(bytes = "vec", tag = "1")]
    message: Vec<u8>,
    #[prost(fixed32, repeated, tag = "2")]
    stems: Vec<u32>,
    #[prost(fixed32, repeated, tag = "3")]
    numbers: Vec<u32>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SuggestionRow {
    #[prost(uint64, tag = "1")]
    number: u64,
    #[prost(string, tag = "2")]
    rule: String,
    #[prost(string, tag = "3")]
    reason: String,
    #[prost(int64, tag = "4")]
    at: i64,
}

/// What is read back of it.
#[derive(Default)]
pub(super) struct Bots {
    pub(super) turns: Turns,
    pub(super) waiting_since: Option<Timestamp>,
    pub(super) watch: Watch,
    pub(super) alerts: Alerts,
    pub(super) answered_by: Option<(MessageId, Timestamp)>,
    pub(super) locked_by: Option<(Actor, Timestamp)>,
    pub(super) signal: Option<Timestamp>,
}

pub(super) fn row(opened: &Opened) -> BotsRow {
    let Turns { new_from, due, context_through, failed, running } = &opened.turns;
    let Watch { memory, suggestions, said } = &opened.watch;
    BotsRow {
        new_from: *new_from,
        due: match due {
            None => 0,
            Some(Due::Know) => 1,
            Some(Due::Answer) => 2,
        },
        context_through: *context_through,
        failed: *failed,
        running: running.as_ref().map(turn_row),
        waiting_since: opened.waiting_since.map(Timestamp::as_millis),
        memory: (*memory != Memory::default()).then(|| memory_row(memory.remembered())),
        suggestions: suggestions.iter().map(suggestion_row).collect(),
        said: said.iter().map(|rule| rule.as_str().to_owned()).collect(),
        alerted_unanswered: opened.alerts.unanswered.map(Timestamp::as_millis),
        alerted_too_long: opened.alerts.too_long.map(Timestamp::as_millis),
        answered_by: opened
            .answered_by
            .map(|(message, since)| AnswerRow { message: message.bytes().to_vec(), since: since.as_millis() }),
        locked_by: opened.locked_by.as_ref().map(|(by, at)| LockRow { by: by.to_word(), at: at.as_millis() }),
        signal: opened.signal.map(Timestamp::as_millis),
    }
}

pub(super) fn read(row: BotsRow) -> Result<Bots, BadRow> {
    let rules = row.said.iter().map(|word| rule(word));
    Ok(Bots {
        turns: Turns {
            new_from: row.new_from,
            due: match row.due {
                0 => None,
                1 => Some(Due::Know),
                2 => Some(Due::Answer),
                _ => return Err(bad("what a turn is due for")),
            },
            context_through: row.context_through,
            failed: row.failed,
            running: row.running.map(turn).transpose()?,
        },
        waiting_since: row.waiting_since.map(Timestamp::from_millis),
        watch: Watch {
            memory: row.memory.map(memory).transpose()?.unwrap_or_default(),
            suggestions: row.suggestions.iter().map(suggestion).collect::<Result<_, _>>()?,
            said: rules.collect::<Result<_, _>>()?,
        },
        alerts: Alerts {
            unanswered: row.alerted_unanswered.map(Timestamp::from_millis),
            too_long: row.alerted_too_long.map(Timestamp::from_millis),
        },
        answered_by: row.answered_by.map(answer).transpose()?,
        locked_by: row.locked_by.map(lock).transpose()?,
        signal: row.signal.map(Timestamp::from_millis),
    })
}

fn answer(row: AnswerRow) -> Result<(MessageId, Timestamp), BadRow> {
    let message = row.message.as_slice().try_into().map_err(|_length| bad("message id"))?;
    Ok((MessageId::new(message), Timestamp::from_millis(row.since)))
}

fn lock(row: LockRow) -> Result<(Actor, Timestamp), BadRow> {
    let by = Actor::from_word(&row.by).ok_or_else(|| bad("actor"))?;
    Ok((by, Timestamp::from_millis(row.at)))
}

fn turn_row(turn: &Turn) -> TurnRow {
    let GivenTurn { bot, from, through, context_through, answer, attempt, claim, until } = &turn.given;
    TurnRow {
        number: turn.number,
        bot: bot.to_string(),
        from: *from,
        through: *through,
        context_through: *context_through,
        answer: *answer,
        attempt: *attempt,
        claim: claim.clone(),
        until: until.as_millis(),
    }
}

fn turn(row: TurnRow) -> Result<Turn, BadRow> {
    let given = GivenTurn {
        bot: AgentId::new(row.bot).map_err(unreadable)?,
        from: row.from,
        through: row.through,
        context_through: row.context_through,
        answer: row.answer,
        attempt: row.attempt,
        claim: row.claim,
        until: Timestamp::from_millis(row.until),
    };
    Ok(Turn { number: row.number, given })
}

fn memory_row(remembered: Remembered) -> MemoryRow {
    let texts = |texts: Vec<RememberedText>| {
        let row = |RememberedText { message, stems, numbers }| {
            let message: MessageId = message;
            TextRow { message: message.bytes().to_vec(), stems, numbers }
        };
        texts.into_iter().map(row).collect()
    };
    MemoryRow {
        sayings: texts(remembered.sayings),
        answers: texts(remembered.answers),
        messages: remembered.messages,
        waiting: remembered.waiting,
        staff_spoke_last: remembered.staff_spoke_last,
        loud: remembered.loud.into(),
        calm: remembered.calm.into(),
    }
}

fn memory(row: MemoryRow) -> Result<Memory, BadRow> {
    let texts = |texts: Vec<TextRow>| {
        let text = |row: TextRow| {
            let message = row.message.as_slice().try_into().map(MessageId::new);
            let message = message.map_err(|_length| bad("message id"))?;
            Ok(RememberedText { message, stems: row.stems, numbers: row.numbers })
        };
        texts.into_iter().map(text).collect::<Result<Vec<_>, BadRow>>()
    };
    Ok(Memory::of(Remembered {
        sayings: texts(row.sayings)?,
        answers: texts(row.answers)?,
        messages: row.messages,
        waiting: row.waiting,
        staff_spoke_last: row.staff_spoke_last,
        loud: row.loud.try_into().map_err(unreadable)?,
        calm: row.calm.try_into().map_err(unreadable)?,
    }))
}

fn suggestion_row(suggestion: &Suggestion) -> SuggestionRow {
    SuggestionRow {
        number: suggestion.number,
        rule: suggestion.rule.as_str().to_owned(),
        reason: suggestion.reason.as_str().to_owned(),
        at: suggestion.at.as_millis(),
    }
}

fn suggestion(row: &SuggestionRow) -> Result<Suggestion, BadRow> {
    Ok(Suggestion {
        number: row.number,
        rule: rule(&row.rule)?,
        reason: PauseReason::parse(&row.reason).ok_or_else(|| bad("reason of a suggestion"))?,
        at: Timestamp::from_millis(row.at),
    })
}

fn rule(word: &str) -> Result<Rule, BadRow> {
    Rule::parse(word).ok_or_else(|| bad("rule of the detection"))
}
