//! Words that people and providers choose and that figures are told apart by: kept as they are while they are few.
//!
//! Whatever a hostile provider or a careless tool writes, a tenant's figures stay as small as its real vocabulary. Which words
//! are kept is a matter of the log's order alone. What is no word but free text (a name with a number, an address, a sentence) is
//! never kept: labels leave Relevo, and a close reason is whatever somebody typed.

use relevo_domain::TenantId;
use relevo_domain::conversation::DeliveryStatus;
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use crate::keys;
use crate::row::WordsRow;

/// What stands for a word beyond the limit.
const OTHER: &str = "other";

const CLOSE_REASONS: u8 = 1;
const STATUSES: u8 = 2;
const CODES: u8 = 3;
/// Close reasons of a tenant: more than anybody chooses from.
const CLOSE_REASONS_MAX: u32 = 200;
/// Statuses of a tenant's providers beyond the ones that Relevo knows.
const STATUSES_MAX: u32 = 32;
/// Codes of failures of a tenant's providers: several times as many as all of them document together for sending.
const CODES_MAX: u32 = 256;
/// Characters of a code: `131047`, `5.7.509`.
const CODE_CHARS_MAX: usize = 12;
/// Characters of a close reason that figures are told apart by: longer ones are sentences.
const CHARS_MAX: usize = 32;
/// Its words, as in "no le interesa": more are a sentence.
const WORDS_MAX: usize = 3;
/// Its digits, as in "error 404": more are somebody's number, however they are grouped.
const DIGITS_MAX: usize = 3;

/// The label of a close reason; empty for none, [`OTHER`] for free text, which also uses up none of the tenant's words.
pub(crate) fn close_reason(rows: &mut dyn Rows, tenant: &TenantId, reason: &str) -> Result<String, ApplyError> {
    if reason.is_empty() {
        return Ok(String::new());
    }
    if !is_a_word(reason) {
        return Ok(OTHER.to_owned());
    }
    word(rows, tenant, CLOSE_REASONS, CLOSE_REASONS_MAX, reason)
}

/// Whether this is something to count by, and not what somebody wrote about somebody. Addresses and links have a sign, phone and
/// document numbers too many digits, sentences too many words.
fn is_a_word(reason: &str) -> bool {
    let known = |char: char| char.is_alphanumeric() || matches!(char, ' ' | '_' | '-');
    reason.chars().all(known)
        && reason.chars().count() <= CHARS_MAX
        && reason.chars().filter(|char| char.is_numeric()).count() <= DIGITS_MAX
        && (1..=WORDS_MAX).contains(&reason.split([' ', '_', '-']).filter(|word| !word.is_empty()).count())
}

/// The label of a provider's code of a failure; empty for none, [`OTHER`] for what is no code.
pub(crate) fn code(rows: &mut dyn Rows, tenant: &TenantId, code: &str) -> Result<String, ApplyError> {
    if code.is_empty() {
        return Ok(String::new());
    }
    let known = |char: char| char.is_ascii_digit() || char == '.';
    if code.len() > CODE_CHARS_MAX || !code.chars().all(known) {
        return Ok(OTHER.to_owned());
    }
    word(rows, tenant, CODES, CODES_MAX, code)
}

/// The label of a reported status.
pub(crate) fn status(rows: &mut dyn Rows, tenant: &TenantId, status: &DeliveryStatus) -> Result<String, ApplyError> {
    match status {
        DeliveryStatus::Other(invented) => word(rows, tenant, STATUSES, STATUSES_MAX, invented),
        DeliveryStatus::Queued
        | DeliveryStatus::Accepted
        | DeliveryStatus::Sent
        | DeliveryStatus::Delivered
        | DeliveryStatus::Read
        | DeliveryStatus::Played
        | DeliveryStatus::Failed
        | DeliveryStatus::Deleted
        | DeliveryStatus::Warning => Ok(status.as_str().to_owned()),
    }
}

fn word(rows: &mut dyn Rows, tenant: &TenantId, kind: u8, max: u32, word: &str) -> Result<String, ApplyError> {
    let key = keys::word(tenant, kind, word);
    if rows.get(&key)?.is_some() {
        return Ok(word.to_owned());
    }
    let count = keys::words(tenant, kind);
    let mut words: WordsRow = load(&*rows, "words", &count)?.unwrap_or_default();
    if words.known >= max {
        return Ok(OTHER.to_owned());
    }
    words.known += 1;
    store(rows, count, &words);
    rows.put(key, Vec::new());
    Ok(word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_short_and_has_no_sign_and_no_number_of_somebody() {
        let words = ["vendido", "No le interesa", "turno-dado", "spam_2", "error 404", "niño perdido", "已解决", "x"];
        let longest = "x".repeat(CHARS_MAX);
        for reason in words.into_iter().chain([longest.as_str()]) {
            assert!(is_a_word(reason), "{reason}");
        }
        let longer = "x".repeat(CHARS_MAX + 1);
        let texts = [
            "ana@example.com",
            "+54 9 11",
            "11 5555 1234",
            "1 2 3 4",
            "ana-30-111-222",
            "٠١٢٣",
            "le vendí a Ana",
            "ana_gomez_de_callao",
            "a_b c-d",
            "https://example.com",
            "Ana, la de siempre",
            "vendido\u{a0}bien",
            "a\nb",
            "   ",
        ];
        for reason in texts.into_iter().chain([longer.as_str()]) {
            assert!(!is_a_word(reason), "{reason}");
        }
    }
}
