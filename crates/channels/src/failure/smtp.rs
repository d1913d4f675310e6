//! Enhanced status codes of mail servers (RFC 3463) and what big providers mean by them.
//!
//! The first number says whether it may pass: 4 waits, 5 is final. A row says more; without one the second number (the subject)
//! decides what a person is told.

use relevo_domain::conversation::outgoing::FailureClass;
use relevo_domain::conversation::outgoing::FailureClass::{
    Account, Auth, Content, Expired, File, Integrity, Recipient, Throttled, Transient, Unknown,
};

use super::Row;

/// Replies to a login that is missing, too weak or wrong (RFC 4954).
const LOGIN_REPLIES: [u16; 4] = [530, 534, 535, 538];
/// Quotas of a day: worth another attempt, but not soon.
pub(super) const DAILY_QUOTAS: [&str; 2] = ["5.4.5", "5.2.0"];

pub(super) const ROWS: &[Row] = &[
    ("4.2.1", Transient),
    ("4.2.2", Transient),
    ("4.3.1", Transient),
    ("4.3.2", Throttled),
    ("4.4.1", Transient),
    ("4.4.2", Transient),
    ("4.4.7", Transient),
    ("4.5.3", Throttled),
    ("4.7.0", Throttled),
    ("4.7.1", Transient),
    ("4.7.28", Throttled),
    ("4.7.8", Auth),
    ("5.1.0", Recipient),
    ("5.1.1", Recipient),
    ("5.1.2", Recipient),
    ("5.1.3", Recipient),
    ("5.1.6", Recipient),
    ("5.1.7", Account),
    ("5.1.8", Account),
    ("5.1.10", Recipient),
    ("5.2.0", Throttled),
    ("5.2.1", Recipient),
    ("5.2.2", Recipient),
    ("5.2.3", File),
    ("5.2.252", Account),
    ("5.3.4", File),
    ("5.4.1", Recipient),
    ("5.4.4", Recipient),
    ("5.4.5", Throttled),
    ("5.4.6", Recipient),
    ("5.4.7", Expired),
    ("5.5.3", Content),
    ("5.6.0", Content),
    ("5.7.0", Integrity),
    ("5.7.1", Integrity),
    ("5.7.3", Auth),
    ("5.7.8", Auth),
    ("5.7.9", Auth),
    ("5.7.14", Auth),
    ("5.7.26", Account),
    ("5.7.30", Auth),
    ("5.7.57", Auth),
    ("5.7.60", Account),
];

/// The row of a code.
pub(super) fn row(code: &str) -> Option<&'static Row> {
    ROWS.iter().find(|(known, _)| *known == code)
}

/// The class of an answer. `reply` is 0 where there is none (a report by mail).
pub(super) fn class(reply: u16, enhanced: Option<&str>) -> FailureClass {
    // Said to whoever logs in, whatever stands beside it; the same enhanced code in a report is about the mail.
    if LOGIN_REPLIES.contains(&reply) {
        return Auth;
    }
    let parts: Option<Vec<u16>> =
        enhanced.and_then(|code| code.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u16>>>());
    // A server that answers 550 with 4.x.x means the reply code: clients have always gone by that.
    let contradicts = |first: u16| reply != 0 && reply / 100 != first;
    match parts.as_deref() {
        Some([first @ (4 | 5), subject, _]) if !contradicts(*first) => {
            let known = enhanced.and_then(row).map(|(_, class)| *class);
            known.unwrap_or_else(|| by_subject(*first, *subject))
        }
        Some(_) | None => by_reply(reply),
    }
}

const fn by_subject(first: u16, subject: u16) -> FailureClass {
    match (first, subject) {
        (4, _) => Transient,
        (_, 1 | 2 | 4) => Recipient,
        (_, 3) => Account,
        (_, 5 | 6) => Content,
        (_, 7) => Integrity,
        (_, _) => Unknown,
    }
}

const fn by_reply(reply: u16) -> FailureClass {
    match reply {
        // Shutting down, mailbox busy, local error, no room: all pass.
        400..=499 => Transient,
        550 | 551 | 553 => Recipient,
        552 => File,
        500..=504 | 555 => Content,
        554 => Integrity,
        _ => Unknown,
    }
}
