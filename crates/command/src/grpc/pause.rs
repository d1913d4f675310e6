//! Requests about the bot's silence: the terms of a pause, who is asked to take over, and what a person is asked to confirm.

use std::time::Duration;

use proto::{accept_suggestion_request, change_pause_request, pause_bot_request, pause_wish};
use relevo_catalogue::{Arg, Language};
use relevo_domain::conversation::{Author, Bot, Command, PauseReason, PauseTerms, PauseWish};
use relevo_domain::{AgentId, Role, Timestamp};
use relevo_proto::command::v1 as proto;
use relevo_proto::query::v1::PauseReason as WireReason;
use relevo_proto::time::from_wire;

use super::request::{Violations, both, optional};
use crate::conversation::Wish;
use crate::look::Look;

/// The longest time that is counted with, in seconds: far beyond what the rules allow, and nothing overflows.
const SECONDS_MAX: u64 = 100 * 366 * 24 * 60 * 60;

/// When a pause ends by itself, as a request has it.
pub(super) enum Ends {
    Until(prost_types::Timestamp),
    After(prost_types::Duration),
}

impl From<pause_bot_request::Ends> for Ends {
    fn from(ends: pause_bot_request::Ends) -> Self {
        match ends {
            pause_bot_request::Ends::Until(at) => Self::Until(at),
            pause_bot_request::Ends::Duration(time) => Self::After(time),
        }
    }
}

impl From<pause_wish::Ends> for Ends {
    fn from(ends: pause_wish::Ends) -> Self {
        match ends {
            pause_wish::Ends::Until(at) => Self::Until(at),
            pause_wish::Ends::Duration(time) => Self::After(time),
        }
    }
}

impl From<accept_suggestion_request::Ends> for Ends {
    fn from(ends: accept_suggestion_request::Ends) -> Self {
        match ends {
            accept_suggestion_request::Ends::Until(at) => Self::Until(at),
            accept_suggestion_request::Ends::Duration(time) => Self::After(time),
        }
    }
}

impl From<change_pause_request::Ends> for Ends {
    fn from(ends: change_pause_request::Ends) -> Self {
        match ends {
            change_pause_request::Ends::Until(at) => Self::Until(at),
            change_pause_request::Ends::Duration(time) => Self::After(time),
        }
    }
}

pub(super) fn pause(request: &proto::PauseBotRequest, now: Timestamp) -> Result<Wish, Violations> {
    let proto::PauseBotRequest { reason, note, ends, locked, .. } = request;
    let (reason, terms) = both(self::reason(*reason), terms(ends.map(Ends::from), *locked, now))?;
    Ok(Wish::Plain(Command::PauseBot(PauseWish { reason, note: optional(note), terms })))
}

/// A pause that comes with a message, if one is wished.
pub(super) fn beside(wish: Option<proto::PauseWish>, now: Timestamp) -> Result<Option<PauseWish>, Violations> {
    let Some(proto::PauseWish { reason, note, ends, locked }) = wish else { return Ok(None) };
    let read = both(self::reason(reason), terms(ends.map(Ends::from), locked, now));
    let (reason, terms) = read.map_err(|violations| {
        violations.into_iter().map(|(field, why)| (beside_field(field), why)).collect::<Violations>()
    })?;
    Ok(Some(PauseWish { reason, note: optional(&note), terms }))
}

fn beside_field(field: &'static str) -> &'static str {
    match field {
        "reason" => "pause.reason",
        "until" => "pause.until",
        "duration" => "pause.duration",
        "locked" => "pause.locked",
        other => other,
    }
}

pub(super) fn change(request: &proto::ChangePauseRequest, now: Timestamp) -> Result<Wish, Violations> {
    let terms = terms(request.ends.map(Ends::from), request.locked, now)?;
    Ok(Wish::Plain(Command::ChangePause { terms, note: optional(&request.note) }))
}

pub(super) fn accept(request: &proto::AcceptSuggestionRequest, now: Timestamp) -> Result<Wish, Violations> {
    let proto::AcceptSuggestionRequest { note, ends, locked, .. } = request;
    let (suggestion, terms) = both(suggestion(request.suggestion), terms(ends.map(Ends::from), *locked, now))?;
    Ok(Wish::Plain(Command::AcceptSuggestion { suggestion, note: optional(note), terms }))
}

pub(super) fn dismiss(request: &proto::DismissSuggestionRequest) -> Result<Wish, Violations> {
    suggestion(request.suggestion).map(|suggestion| Wish::Plain(Command::DismissSuggestion { suggestion }))
}

fn suggestion(number: u64) -> Result<u64, Violations> {
    if number == 0 { Err(vec![("suggestion", "field-required")]) } else { Ok(number) }
}

pub(super) fn escalate(request: &proto::EscalateRequest) -> Result<Wish, Violations> {
    let to = match optional(&request.agent_id) {
        Some(name) => AgentId::new(name).map_err(|_name| vec![("agent_id", "field-name")]),
        None => Err(vec![("agent_id", "field-required")]),
    };
    let reason = if request.reason == i32::from(WireReason::Unspecified) {
        Ok(PauseReason::Complaint)
    } else {
        self::reason(request.reason)
    };
    let (to, reason) = both(to, reason)?;
    Ok(Wish::Plain(Command::Escalate { to, reason, summary: request.summary.clone() }))
}

pub(super) fn reason(reason: i32) -> Result<PauseReason, Violations> {
    match WireReason::try_from(reason) {
        Ok(WireReason::ComplexQuery) => Ok(PauseReason::ComplexQuery),
        Ok(WireReason::FrustratedCustomer) => Ok(PauseReason::FrustratedCustomer),
        Ok(WireReason::Complaint) => Ok(PauseReason::Complaint),
        Ok(WireReason::BotError) => Ok(PauseReason::BotError),
        Ok(WireReason::ProactiveMessage) => Ok(PauseReason::ProactiveMessage),
        Ok(WireReason::HumanTakeover) => Ok(PauseReason::HumanTakeover),
        Ok(WireReason::BotHandoff) => Ok(PauseReason::BotHandoff),
        Ok(WireReason::Other) => Ok(PauseReason::Other),
        // Relevo's own reasons are not for people.
        Ok(WireReason::Echo | WireReason::Linked) => Err(vec![("reason", "field-own-reason")]),
        Ok(WireReason::Unspecified) => Err(vec![("reason", "field-required")]),
        Err(_unknown) => Err(vec![("reason", "field-unknown-word")]),
    }
}

/// What makes no sense anywhere; what the rules say to the time comes after.
pub(super) fn terms(ends: Option<Ends>, locked: bool, now: Timestamp) -> Result<PauseTerms, Violations> {
    if locked && ends.is_some() {
        return Err(vec![("locked", "field-lock-and-end")]);
    }
    let sound = |nanos: i32| (0..1_000_000_000).contains(&nanos);
    let until = match ends {
        None => None,
        Some(Ends::Until(at)) if sound(at.nanos) => Some(from_wire(at)),
        Some(Ends::Until(_)) => return Err(vec![("until", "field-time")]),
        Some(Ends::After(time)) => match u64::try_from(time.seconds) {
            Ok(seconds) if sound(time.nanos) => {
                let millis = u64::from(time.nanos.unsigned_abs() / 1_000_000);
                Some(now + Duration::from_secs(seconds.min(SECONDS_MAX)) + Duration::from_millis(millis))
            }
            Ok(_) | Err(_) => return Err(vec![("duration", "field-time")]),
        },
    };
    Ok(PauseTerms { until, locked })
}

/// What a person is asked before the button does what it says.
pub(super) fn preview(
    look: &Look,
    role: Role,
    language: Language,
    conversation: proto::ConversationState,
) -> proto::PreviewPauseResponse {
    let say = |key: &str, args: &[(&str, Arg<'_>)]| relevo_catalogue::text(language, key, args);
    let opened = &look.answer.now.opened;
    let contact_name = look.contact.clone().unwrap_or_else(|| say("pause-ask-nameless", &[]));
    let of_the_bot = opened.outbox.iter().filter(|pending| pending.author == Author::Bot && !pending.handed_over());
    let waiting: Vec<String> = of_the_bot.map(|pending| pending.id.to_string()).collect();
    let claimed = opened.on_the_wire(Author::Bot, look.at);
    let already_claimed: Vec<String> = claimed.map(|pending| pending.id.to_string()).collect();
    let (asks, locked) = match &opened.bot {
        Bot::Active => ("pause-ask", false),
        Bot::Paused { terms, .. } => ("resume-ask", terms.locked),
    };
    let allowed = !(locked && role == Role::Agent);
    let mut consequences = match &opened.bot {
        Bot::Active => vec![say("pause-ask-silent", &[]), say("pause-ask-manual", &[]), say("pause-ask-untold", &[])],
        Bot::Paused { .. } => vec![say("resume-ask-answers", &[])],
    };
    if opened.bot == Bot::Active {
        let mut some = |key, n: usize| {
            if n > 0 {
                consequences.push(say(key, &[("n", Arg::from(n))]));
            }
        };
        some("pause-ask-waiting", waiting.len());
        some("pause-ask-claimed", already_claimed.len());
    }
    if locked {
        consequences.push(say(if allowed { "resume-ask-unlocks" } else { "resume-ask-locked" }, &[]));
    }
    proto::PreviewPauseResponse {
        conversation: Some(conversation),
        question: say(&format!("{asks}-question"), &[("name", Arg::from(contact_name.as_str()))]),
        contact_name,
        consequences,
        cancel_label: say("pause-ask-cancel", &[]),
        confirm_label: say(&format!("{asks}-confirm"), &[]),
        allowed,
        waiting,
        already_claimed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn after(seconds: i64, nanos: i32) -> Ends {
        Ends::After(prost_types::Duration { seconds, nanos })
    }

    fn refused(terms: Result<PauseTerms, Violations>) -> Vec<&'static str> {
        terms.unwrap_err().into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn relevos_own_reasons_are_not_for_people() {
        for own in [WireReason::Echo, WireReason::Linked, WireReason::Unspecified] {
            assert!(reason(own as i32).is_err());
        }
        assert!(reason(999).is_err());
        assert_eq!(reason(WireReason::Complaint as i32), Ok(PauseReason::Complaint));
        for own in [WireReason::Echo as i32, WireReason::Linked as i32, 999] {
            let request = proto::EscalateRequest { agent_id: "carla".to_owned(), reason: own, ..Default::default() };
            assert!(escalate(&request).is_err(), "{own}");
        }
    }

    #[test]
    fn a_duration_counts_from_now_and_an_instant_does_not() {
        let end = |ends| terms(ends, false, NOW).unwrap().until;
        assert_eq!(end(None), None);
        assert_eq!(end(Some(after(1_800, 5_000_000))), Some(NOW + Duration::from_millis(1_800_005)));
        let at = prost_types::Timestamp { seconds: 1_800_003_600, nanos: 999_000_000 };
        assert_eq!(end(Some(Ends::Until(at))), Some(Timestamp::from_millis(1_800_003_600_999)));
    }

    #[test]
    fn crooked_times_are_named_and_extreme_ones_overflow_nothing() {
        assert_eq!(refused(terms(Some(after(-1, 0)), false, NOW)), ["duration"]);
        assert_eq!(refused(terms(Some(after(1, -1)), false, NOW)), ["duration"]);
        assert_eq!(refused(terms(Some(after(1, 1_000_000_000)), false, NOW)), ["duration"]);
        let crooked = prost_types::Timestamp { seconds: 5, nanos: -1 };
        assert_eq!(refused(terms(Some(Ends::Until(crooked)), false, NOW)), ["until"]);
        assert!(terms(Some(after(i64::MAX, 999_999_999)), false, NOW).is_ok(), "the rules refuse it");
        let extreme = prost_types::Timestamp { seconds: i64::MAX, nanos: 999_999_999 };
        assert!(terms(Some(Ends::Until(extreme)), false, NOW).is_ok(), "the rules refuse it");
    }

    #[test]
    fn a_lock_has_no_end() {
        assert_eq!(refused(terms(Some(after(60, 0)), true, NOW)), ["locked"]);
        assert_eq!(terms(None, true, NOW), Ok(PauseTerms { until: None, locked: true }));
    }

    #[test]
    fn every_bad_field_of_a_pause_beside_a_message_is_named() {
        let wish = proto::PauseWish {
            reason: 0,
            ends: Some(pause_wish::Ends::Duration(prost_types::Duration { seconds: -1, nanos: 0 })),
            ..Default::default()
        };
        let violations = beside(Some(wish), NOW).unwrap_err();
        let fields: Vec<_> = violations.into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["pause.reason", "pause.duration"]);
        assert_eq!(beside(None, NOW), Ok(None));
    }
}
