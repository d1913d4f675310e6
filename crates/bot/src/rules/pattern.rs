//! Regular expressions of a file: matched in time that is linear in the text, and of limited size.

use regex::{Error, Regex, RegexBuilder};

use super::REGEX_CHARS_MAX;
use super::problem::What;

/// Bytes of one compiled expression; `\w{1000}` needs a hundred times as much.
const COMPILED_BYTES_MAX: usize = 256 * 1024;
/// Bytes of its states that are kept while it matches.
const CACHE_BYTES_MAX: usize = 512 * 1024;
/// Groups inside of groups.
const NEST_MAX: u32 = 20;
/// Characters of the parser's reason that are told.
const REASON_CHARS_MAX: usize = 200;

pub(super) fn parse(pattern: &str) -> Result<Regex, What> {
    if pattern.chars().count() > REGEX_CHARS_MAX {
        return Err(What::TooLong { limit: REGEX_CHARS_MAX });
    }
    let built = RegexBuilder::new(pattern)
        .case_insensitive(true)
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(CACHE_BYTES_MAX)
        .nest_limit(NEST_MAX)
        .build();
    let regex = built.map_err(|error| match error {
        Error::CompiledTooBig(_) => What::RegexTooBig,
        other => What::BadRegex { reason: reason(&other) },
    })?;
    if regex.is_match("") {
        return Err(What::RegexMatchesAll);
    }
    Ok(regex)
}

/// The last line says what, those above draw where.
fn reason(error: &Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).chars().take(REASON_CHARS_MAX).collect()
}
