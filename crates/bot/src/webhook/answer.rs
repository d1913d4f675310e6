//! What a web service answered, as actions of the turn; or why it is none of what the contract allows.

use http::{HeaderMap, header};
use relevo_proto::bot::v1 as pb;
use relevo_proto::bot::v1::act_request::Action;
use relevo_proto::json::{ReadError, from_json};

use crate::taker::{Malformed, Media, TakeErrorKind, complete};

/// Actions of one answer.
pub const ACTIONS_MAX: usize = 10;
/// Characters of a command id.
const COMMAND_ID_CHARS_MAX: usize = 64;

/// The body is JSON by its content type.
pub(super) fn is_json(headers: &HeaderMap) -> Result<(), TakeErrorKind> {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/json" => Ok(()),
        "" => Err(TakeErrorKind::NotJson(Media::Untold)),
        "text/html" | "application/xhtml+xml" => Err(TakeErrorKind::NotJson(Media::Html)),
        _ => Err(TakeErrorKind::NotJson(Media::Other)),
    }
}

pub(super) fn actions(turn: &pb::Turn, body: &[u8]) -> Result<Vec<pb::ActRequest>, TakeErrorKind> {
    let answer: pb::WebhookAnswer = from_json(body).map_err(|error| TakeErrorKind::Malformed(malformed(error)))?;
    if answer.actions.len() > ACTIONS_MAX {
        return Err(TakeErrorKind::TooMuch(ACTIONS_MAX));
    }
    of_the_turn(turn, answer.actions).map_err(TakeErrorKind::Malformed)
}

fn malformed(error: ReadError) -> Malformed {
    match error {
        ReadError::UnknownField { name, line } => Malformed::UnknownField { name, line },
        ReadError::Malformed { line, column } => Malformed::Json { line, column },
        ReadError::UnknownMessage => Malformed::Json { line: 0, column: 0 },
    }
}

/// In order, the last one ends the turn, and none stands behind an end.
fn of_the_turn(turn: &pb::Turn, actions: Vec<pb::ActRequest>) -> Result<Vec<pb::ActRequest>, Malformed> {
    let last = actions.len().saturating_sub(1);
    let mut done = Vec::with_capacity(actions.len() + 1);
    let mut ended = actions.is_empty();
    for (place, mut request) in actions.into_iter().enumerate() {
        if !request.conversation_id.is_empty() && request.conversation_id != turn.conversation_id {
            return Err(Malformed::OtherConversation(place));
        }
        if request.turn != 0 && request.turn != turn.turn {
            return Err(Malformed::OtherTurn(place));
        }
        if !request.command_id.is_empty() && !is_command_id(&request.command_id) {
            return Err(Malformed::CommandId(place));
        }
        let ends = match &mut request.action {
            None => return Err(Malformed::NoAction(place)),
            // Several replies are one answer: the turn ends with the last action, whatever each of them says.
            Some(Action::Reply(reply)) => {
                reply.more = place != last;
                !reply.more
            }
            Some(Action::Typing(_) | Action::MarkRead(_)) => false,
            Some(Action::Handoff(_) | Action::Done(_) | Action::Failed(_)) if place != last => {
                return Err(Malformed::AfterTheEnd(place + 1));
            }
            Some(Action::Handoff(_) | Action::Done(_) | Action::Failed(_)) => true,
        };
        ended |= ends;
        done.push(complete(turn, place, request));
    }
    if !ended {
        done.push(complete(turn, done.len(), crate::taker::action(Action::Done(pb::Done {}))));
    }
    Ok(done)
}

fn is_command_id(id: &str) -> bool {
    id.len() <= COMMAND_ID_CHARS_MAX
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-'))
}
