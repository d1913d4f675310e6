//! What the detection found in a conversation: why its bot is paused, or what is suggested to staff.

use relevo_domain::conversation::Detection;
use relevo_domain::detection::Act;

use crate::apply::Moment;
use crate::row::{CurrentRow, DetectedRow, SuggestionRow};

/// What pauses stands before its pause in the same commit; what does not is suggested, once a rule.
pub(crate) fn detected(row: &mut CurrentRow, moment: Moment<'_>, found: &Detection) {
    let detected = DetectedRow {
        rule: found.rule.as_str().to_owned(),
        messages: found.messages.iter().map(|message| message.bytes().to_vec()).collect(),
        count: found.count,
        phrase: found.personal.text.clone().unwrap_or_default(),
    };
    if found.act == Act::Pause {
        row.detected = Some(detected);
        return;
    }
    row.suggestions.retain(|open| open.detected.rule != detected.rule);
    let (number, at, reason) = (moment.version, moment.at, found.reason.as_str().to_owned());
    row.suggestions.push(SuggestionRow { number, detected, reason, at });
}
