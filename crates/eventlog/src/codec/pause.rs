//! Events of the bot's silence, as the log keeps them.

use relevo_domain::conversation::CatchUp;
use relevo_domain::conversation::event::{PauseReason, PauseTerms, ResumeCause};
use relevo_domain::{AgentId, MessageId, Timestamp};
use relevo_proto::event::v1 as wire;

use super::{DecodeError, field};

field::number!(pause_reason_number, pause_reason, "reason", PauseReason ~ PauseReason {
    ComplexQuery = ComplexQuery,
    FrustratedCustomer = FrustratedCustomer,
    Complaint = Complaint,
    BotError = BotError,
    ProactiveMessage = ProactiveMessage,
    HumanTakeover = HumanTakeover,
    BotHandoff = BotHandoff,
    Echo = Echo,
    Linked = Linked,
    Other = Other,
});

/// [`ResumeCause::Staff`] is 0: what was written before there were other causes.
const fn resume_cause_number(cause: ResumeCause) -> i32 {
    let number = match cause {
        ResumeCause::Staff => wire::ResumeCause::Unspecified,
        ResumeCause::Timer => wire::ResumeCause::Timer,
    };
    number as i32
}

pub(super) fn resume_cause(number: i32) -> Result<ResumeCause, DecodeError> {
    match wire::ResumeCause::try_from(number) {
        Ok(wire::ResumeCause::Unspecified) => Ok(ResumeCause::Staff),
        Ok(wire::ResumeCause::Timer) => Ok(ResumeCause::Timer),
        Err(_unknown) => Err(DecodeError::Invalid("cause")),
    }
}

pub(super) fn encode_paused(
    reason: PauseReason,
    automatic: bool,
    terms: &PauseTerms,
    personal: wire::NotePersonal,
) -> wire::BotPaused {
    // The usual terms take no bytes.
    let terms = (*terms != PauseTerms::default()).then(|| encode_terms(terms));
    wire::BotPaused { reason: pause_reason_number(reason), automatic, personal: Some(personal), terms }
}

pub(super) fn encode_changed(terms: &PauseTerms, personal: wire::NotePersonal) -> wire::PauseChanged {
    wire::PauseChanged { terms: Some(encode_terms(terms)), personal: Some(personal) }
}

pub(super) fn encode_resumed(cause: ResumeCause, catch_up: CatchUp, personal: wire::NotePersonal) -> wire::BotResumed {
    let catch_up = super::bot::catch_up_number(catch_up);
    wire::BotResumed { personal: Some(personal), cause: resume_cause_number(cause), catch_up }
}

pub(super) fn encode_escalated(to: &AgentId, reason: PauseReason, note: MessageId) -> wire::Escalated {
    wire::Escalated { to: to.to_string(), note_id: note.bytes().to_vec(), reason: pause_reason_number(reason) }
}

pub(super) fn encode_terms(terms: &PauseTerms) -> wire::PauseTerms {
    let PauseTerms { until, locked } = *terms;
    wire::PauseTerms { until_ms: until.map(Timestamp::as_millis), locked }
}

pub(super) fn decode_terms(terms: Option<wire::PauseTerms>) -> PauseTerms {
    terms.map_or_else(PauseTerms::default, |terms| PauseTerms {
        until: terms.until_ms.map(Timestamp::from_millis),
        locked: terms.locked,
    })
}
