//! Everything that a person reads, in Spanish and English: one Fluent catalogue, embedded.
//!
//! The messages stand in `es.ftl` and `en.ftl`, which say how to add one. This crate knows keys, not meanings: which error
//! or state a key belongs to is decided where the key is used. It depends on nothing of ours.

mod bundle;
mod language;

use std::borrow::Cow;

pub use language::Language;

/// The value of an argument: a text, or a number that plurals depend on.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg<'a> {
    Text(Cow<'a, str>),
    Number(u64),
}

/// What stands where an argument should be and was not given.
const MISSING: &str = "—";

/// The message of a key. A key that does not exist is shown as itself (a test keeps both languages complete).
pub fn text(language: Language, key: &str, args: &[(&str, Arg<'_>)]) -> String {
    bundle::format(language, key, args).unwrap_or_else(|| key.to_owned())
}

/// The message of a key, if it exists: for words that come from outside, such as a provider's status.
pub fn find(language: Language, key: &str, args: &[(&str, Arg<'_>)]) -> Option<String> {
    bundle::format(language, key, args)
}

/// The whole text of an error: what happened, what was not lost, what to do, then the code and the ids of `args`.
pub fn error(language: Language, code: &str, args: &[(&str, Arg<'_>)]) -> String {
    let part = |part: &str| text(language, &format!("error-{code}-{part}"), args);
    let mut all = format!("{} {} {} ({code}", part("what"), part("safe"), part("do"));
    for (key, value) in args {
        all.push_str("; ");
        all.push_str(key);
        all.push_str(": ");
        match value {
            Arg::Text(text) => all.push_str(text),
            Arg::Number(number) => all.push_str(&number.to_string()),
        }
    }
    all.push(')');
    all
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Arg<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<u64> for Arg<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Arg<'_> {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Arg<'_> {
    fn from(number: usize) -> Self {
        Self::Number(number as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_and_arguments_are_filled_in() {
        assert_eq!(text(Language::Es, "count-conversations", &[("n", 1u64.into())]), "1 conversación");
        assert_eq!(text(Language::Es, "count-conversations", &[("n", 2u64.into())]), "2 conversaciones");
        assert_eq!(text(Language::En, "count-conversations", &[("n", 0u64.into())]), "0 conversations");
        assert_eq!(
            text(Language::Es, "timeline-paused", &[("by", "Laura".into()), ("reason", "queja".into())]),
            "Laura pausó el bot: queja"
        );
    }

    #[test]
    fn an_argument_that_was_not_given_never_shows_its_name() {
        let shown = text(Language::En, "error-ALREADY_ASSIGNED-what", &[]);
        assert_eq!(shown, "The conversation already belongs to —.");
    }

    #[test]
    fn an_unknown_key_is_shown_as_itself_and_can_be_asked_for() {
        assert_eq!(text(Language::En, "no-such-key", &[]), "no-such-key");
        assert_eq!(find(Language::En, "delivery-teleported", &[]), None);
    }

    #[test]
    fn an_error_says_what_is_safe_what_to_do_and_the_ids() {
        let shown =
            error(Language::Es, "ALREADY_ASSIGNED", &[("agent_name", "Laura".into()), ("agent_id", "laura".into())]);
        assert_eq!(
            shown,
            "La conversación ya es de Laura. No se cambió nada; su intento no se la quitó. Tome otra, o pida que se la \
             asignen. (ALREADY_ASSIGNED; agent_name: Laura; agent_id: laura)"
        );
    }
}
