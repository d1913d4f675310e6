//! What a provider's refusal means: the class of its code, how soon it may be tried again, and which text explains it.
//!
//! The tables are data, one file a provider. A code that no table knows is judged by its status alone, so that a new code is
//! handled with care and never retried blindly.

mod meta;
mod smtp;
mod twilio;

#[cfg(test)]
mod tests;

use std::time::Duration;

use relevo_domain::conversation::outgoing::FailureClass;

/// Whose code it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    Meta,
    Twilio,
    Smtp,
}

impl Provider {
    pub const ALL: [Self; 3] = [Self::Meta, Self::Twilio, Self::Smtp];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Twilio => "twilio",
            Self::Smtp => "smtp",
        }
    }
}

/// What to do about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub class: FailureClass,
    /// The shortest pause before another attempt, where the class alone does not say; a provider may wish for a longer one.
    pub retry_after: Option<Duration>,
    /// Attempts in all before a person is told; absent: as often as the message's life allows.
    pub attempts_max: Option<u32>,
}

/// One row of a table.
type Row = (&'static str, FailureClass);

/// Attempts at what Meta calls its own trouble: each is a chance to send twice what it did take.
const FEW_ATTEMPTS: u32 = 3;
/// The pause before each of them: a report about what it did take, which ends the message, comes within seconds.
const REPORTS_FIRST: Duration = Duration::from_secs(30);
/// An upgrade or maintenance of a number takes up to this long (`131057`).
const MAINTENANCE: Duration = Duration::from_mins(1);
/// A quota of a day is not worth asking about every few seconds.
const DAILY_QUOTA: Duration = Duration::from_hours(1);

/// Meta's answer to a request: the code of its error, and the HTTP status.
pub fn meta(code: Option<i64>, http_status: u16) -> Verdict {
    let known = code.and_then(|code| meta::class(code, &code.to_string()));
    let class = known.unwrap_or_else(|| by_http(http_status));
    if known != Some(FailureClass::Transient) {
        return verdict(class, None, None);
    }
    let pause = if code == Some(131_057) { MAINTENANCE } else { REPORTS_FIRST };
    verdict(class, Some(pause), Some(FEW_ATTEMPTS))
}

/// Whether Meta's error of that code says for certain what became of a message. A fault of the server with any other code says
/// nothing: the message may have been taken.
pub fn meta_knows(code: i64) -> bool {
    meta::class(code, &code.to_string()).is_some()
}

/// After how many attempts in all a person is told of a message that failed with this code; absent: as often as the message's
/// life allows.
pub fn attempts_max(provider: Provider, code: &str) -> Option<u32> {
    match provider {
        Provider::Meta => code.parse().ok().and_then(|code| meta(Some(code), 0).attempts_max),
        Provider::Twilio | Provider::Smtp => None,
    }
}

/// Twilio's answer to a request: the code of its error, and the HTTP status.
pub fn twilio(code: Option<i64>, http_status: u16) -> Verdict {
    let known = code.and_then(|code| find(twilio::ROWS, &code.to_string()));
    verdict(known.unwrap_or_else(|| by_http(http_status)), None, None)
}

/// A mail server's answer: its reply code (`550`), and the enhanced status code (`5.1.1`) if it gave one.
pub fn smtp(reply: u16, enhanced: Option<&str>) -> Verdict {
    let class = smtp::class(reply, enhanced);
    let is_quota = enhanced.is_some_and(|code| smtp::DAILY_QUOTAS.contains(&code));
    verdict(class, is_quota.then_some(DAILY_QUOTA), None)
}

/// What a code means that came in a report, long after the request. Nothing is tried again then: the provider had taken it.
pub fn reported(provider: Provider, code: &str) -> FailureClass {
    let known = match provider {
        Provider::Meta => code.parse().ok().and_then(|number| meta::class(number, code)),
        Provider::Twilio => find(twilio::ROWS, code),
        Provider::Smtp => Some(smtp::class(0, Some(code))),
    };
    known.unwrap_or(FailureClass::Unknown)
}

/// The keys of the text that explains a failure, best first: that of the code, if it has one, and that of the class.
pub fn explanation_keys(provider: Provider, code: Option<&str>, class: FailureClass) -> Vec<String> {
    let mut keys = Vec::with_capacity(2);
    if let Some(known) = code.and_then(|code| explained(provider, code)) {
        keys.push(format!("send-failure-{}-{known}", provider.as_str()));
    }
    keys.push(format!("send-failure-{}", class.as_str()));
    keys
}

/// Every code that has a row, as it stands in the keys: for whoever checks that each is explained.
pub fn codes(provider: Provider) -> impl Iterator<Item = String> {
    let rows = match provider {
        Provider::Meta => meta::ROWS,
        Provider::Twilio => twilio::ROWS,
        Provider::Smtp => smtp::ROWS,
    };
    rows.iter().map(|(code, _)| key_part(code))
}

/// The key's part for a code that has a row. The points of a mail server's codes cannot stand in a key.
fn explained(provider: Provider, code: &str) -> Option<String> {
    let row = match provider {
        Provider::Meta => meta::ROWS.iter().find(|(known, _)| *known == code),
        Provider::Twilio => twilio::ROWS.iter().find(|(known, _)| *known == code),
        Provider::Smtp => smtp::row(code),
    };
    row.map(|(known, _)| key_part(known))
}

fn key_part(code: &str) -> String {
    code.replace('.', "-")
}

fn find(rows: &[Row], code: &str) -> Option<FailureClass> {
    rows.iter().find(|(known, _)| *known == code).map(|(_, class)| *class)
}

/// A code that nobody here knows: the status says whether it may pass.
const fn by_http(status: u16) -> FailureClass {
    match status {
        401 => FailureClass::Auth,
        429 => FailureClass::Throttled,
        500..=599 => FailureClass::Transient,
        _ => FailureClass::Unknown,
    }
}

const fn verdict(class: FailureClass, retry_after: Option<Duration>, attempts_max: Option<u32>) -> Verdict {
    Verdict { class, retry_after, attempts_max }
}
