//! Events of bots' turns, of what was detected in what people wrote, and of alerts, as the log keeps them.

use relevo_domain::conversation::event::{Alert, ConversationEvent, Detection};
use relevo_domain::conversation::{CatchUp, GivenTurn, TurnEnd};
use relevo_domain::detection::{Act, Rule};
use relevo_domain::{AgentId, Timestamp};
use relevo_proto::event::v1 as wire;

use super::{DecodeError, field, pause};

field::number!(turn_end_number, turn_end, "how", TurnEnd ~ TurnEnd {
    Done = Done,
    Failed = Failed,
    GivenUp = GivenUp,
});

field::number!(alert_number, alert, "alert", Alert ~ AlertKind {
    PausedUnanswered = PausedUnanswered,
    PausedTooLong = PausedTooLong,
});

/// [`CatchUp::Know`] is 0: what was written before there was anything else.
pub(super) const fn catch_up_number(catch_up: CatchUp) -> i32 {
    let number = match catch_up {
        CatchUp::Know => wire::CatchUp::Unspecified,
        CatchUp::Answer => wire::CatchUp::Answer,
    };
    number as i32
}

pub(super) fn catch_up(number: i32) -> Result<CatchUp, DecodeError> {
    match wire::CatchUp::try_from(number) {
        Ok(wire::CatchUp::Unspecified) => Ok(CatchUp::Know),
        Ok(wire::CatchUp::Answer) => Ok(CatchUp::Answer),
        Err(_unknown) => Err(DecodeError::Invalid("catch_up")),
    }
}

pub(super) fn encode_detection(found: &Detection, personal: wire::NotePersonal) -> wire::SituationDetected {
    wire::SituationDetected {
        rule: found.rule.as_str().to_owned(),
        pauses: found.act == Act::Pause,
        reason: pause::pause_reason_number(found.reason),
        message_ids: found.messages.iter().map(|message| message.bytes().to_vec()).collect(),
        count: found.count,
        personal: Some(personal),
    }
}

pub(super) fn decode_detection(event: wire::SituationDetected) -> Result<ConversationEvent, DecodeError> {
    let messages = event.message_ids.iter().map(|id| field::message("message_ids", id));
    Ok(ConversationEvent::SituationDetected(Box::new(Detection {
        rule: Rule::parse(&event.rule).ok_or(DecodeError::Invalid("rule"))?,
        act: if event.pauses { Act::Pause } else { Act::Suggest },
        reason: pause::pause_reason(event.reason)?,
        messages: messages.collect::<Result<_, _>>()?,
        count: event.count,
        personal: super::conversation::decode_note(event.personal),
    })))
}

pub(super) fn encode_turn(given: &GivenTurn) -> wire::BotTurnStarted {
    wire::BotTurnStarted {
        bot: given.bot.to_string(),
        from: given.from,
        through: given.through,
        context_through: given.context_through,
        answer: given.answer,
        attempt: given.attempt,
        claim: given.claim.clone(),
        until_ms: given.until.as_millis(),
    }
}

pub(super) fn decode_turn(event: wire::BotTurnStarted) -> Result<ConversationEvent, DecodeError> {
    Ok(ConversationEvent::BotTurnStarted(Box::new(GivenTurn {
        bot: AgentId::new(event.bot).map_err(|_name| DecodeError::Invalid("bot"))?,
        from: event.from,
        through: event.through,
        context_through: event.context_through,
        answer: event.answer,
        attempt: event.attempt,
        claim: event.claim,
        until: Timestamp::from_millis(event.until_ms),
    })))
}

pub(super) fn encode_turn_end(turn: u64, how: TurnEnd) -> wire::BotTurnEnded {
    wire::BotTurnEnded { turn, how: turn_end_number(how) }
}

pub(super) fn decode_turn_end(event: &wire::BotTurnEnded) -> Result<ConversationEvent, DecodeError> {
    Ok(ConversationEvent::BotTurnEnded { turn: event.turn, how: turn_end(event.how)? })
}

pub(super) fn encode_alert(raised: Alert, since: Timestamp) -> wire::AlertRaised {
    wire::AlertRaised { alert: alert_number(raised), since_ms: since.as_millis() }
}

pub(super) fn decode_alert(event: &wire::AlertRaised) -> Result<ConversationEvent, DecodeError> {
    let since = Timestamp::from_millis(event.since_ms);
    Ok(ConversationEvent::AlertRaised { alert: alert(event.alert)?, since })
}
