//! How a message of the business stands, as the API shows it, and what a failure means in the reader's language.

use relevo_catalogue::find;
use relevo_projector_inbox as inbox;
use relevo_proto::query::v1 as wire;

use super::thread::{message_id, time};
use super::words::Names;

/// Whose codes a failure may have, in the order in which they are looked for: no two of them share a code.
const PROVIDERS: [&str; 3] = ["meta", "twilio", "smtp"];

pub(super) fn outgoing(names: Names<'_>, row: &inbox::Message) -> Option<wire::Outgoing> {
    let way = row.outgoing.as_ref()?;
    let times = row.times.clone().unwrap_or_default();
    let template = Some(wire::TemplateName { name: way.template.clone(), language: way.template_language.clone() });
    Some(wire::Outgoing {
        state: send_state(row.send_state()).into(),
        recipient: way.recipient.clone(),
        attempts: way.attempts,
        queued_at: time(Some(way.queued_at)),
        accepted_at: time([way.accepted_at, times.accepted].into_iter().flatten().min()),
        sent_at: time(times.sent),
        delivered_at: time(times.delivered),
        read_at: time(times.read),
        played_at: time(times.played),
        failed_at: time([way.failed_at, times.failed].into_iter().flatten().max()),
        unknown_since: time(way.unknown_since),
        cancelled_at: time(way.cancelled_at),
        next_attempt_at: time(way.next_attempt_at),
        failure: row.failure().map(|failure| self::failure(names, row.send_state(), failure)),
        cancel_cause: cancel_cause(way.cancel_cause()).into(),
        template: template.filter(|template| !template.name.is_empty()),
        reaction_to: message_id(&way.reaction_to),
        automatic: way.automatic,
    })
}

fn failure(names: Names<'_>, state: inbox::SendState, row: inbox::Failure) -> wire::SendFailure {
    let explanation = explanation(names, state, &row);
    wire::SendFailure { class: row.class, code: row.code, attempt: row.attempt, explanation }
}

/// What the code means, else what its class means. What has failed for good is not promised another attempt, whatever the code
/// would be good for.
fn explanation(names: Names<'_>, state: inbox::SendState, row: &inbox::Failure) -> String {
    let kinds: &[&str] =
        if state == inbox::SendState::Failed { &["send-failure-final", "send-failure"] } else { &["send-failure"] };
    let code = row.code.replace('.', "-");
    let of_codes = PROVIDERS.map(|provider| format!("{provider}-{code}"));
    let of_codes: &[String] = if code.is_empty() { &[] } else { &of_codes };
    let mut keys = kinds.iter().flat_map(|kind| of_codes.iter().map(move |of_code| format!("{kind}-{of_code}")));
    let of_code = keys.find_map(|key| find(names.language, &key, &[]));
    let of_class = || kinds.iter().find_map(|kind| find(names.language, &format!("{kind}-{}", row.class), &[]));
    of_code.or_else(of_class).unwrap_or_default()
}

pub(crate) const fn send_state(state: inbox::SendState) -> wire::SendState {
    match state {
        inbox::SendState::Unspecified => wire::SendState::Unspecified,
        inbox::SendState::Queued => wire::SendState::Queued,
        inbox::SendState::Sending => wire::SendState::Sending,
        inbox::SendState::Accepted => wire::SendState::Accepted,
        inbox::SendState::Sent => wire::SendState::Sent,
        inbox::SendState::Delivered => wire::SendState::Delivered,
        inbox::SendState::Read => wire::SendState::Read,
        inbox::SendState::Played => wire::SendState::Played,
        inbox::SendState::Failed => wire::SendState::Failed,
        inbox::SendState::Unknown => wire::SendState::Unknown,
        inbox::SendState::Cancelled => wire::SendState::Cancelled,
    }
}

const fn cancel_cause(cause: inbox::CancelCode) -> wire::CancelCause {
    match cause {
        inbox::CancelCode::Unspecified => wire::CancelCause::Unspecified,
        inbox::CancelCode::BotPaused => wire::CancelCause::BotPaused,
        inbox::CancelCode::Staff => wire::CancelCause::Staff,
    }
}
