//! The lists that Relevo brings: what the rules look for, in three languages. How an entry is written: `Policy::add`.

pub(super) mod common;
mod en;
mod es;
mod es_more;
mod es_wide;
mod pt;

use std::sync::LazyLock;

use super::pattern::{Entries, Entry};
use super::rule::{Language, List, Rule};

/// One list of a language.
type Brought = (Rule, List, &'static [&'static str]);

/// All of them, read once.
static BUILT_IN: LazyLock<Entries> = LazyLock::new(|| Entries::new(brought().filter_map(Result::ok).collect()));

pub(super) fn built_in() -> &'static Entries {
    &BUILT_IN
}

/// The entries as they are written in the lists. A test sees to it that all of them can be read.
fn brought() -> impl Iterator<Item = Result<Entry, (&'static str, super::pattern::PhraseError)>> {
    let languages = [
        (Language::Spanish, es::LISTS),
        (Language::Spanish, es_more::LISTS),
        (Language::Spanish, es_wide::LISTS),
        (Language::English, en::LISTS),
        (Language::Portuguese, pt::LISTS),
    ];
    languages.into_iter().flat_map(|(language, lists)| {
        lists.iter().flat_map(move |(rule, list, texts)| {
            texts.iter().map(move |text| Entry::new(*rule, language, *list, text).map_err(|error| (*text, error)))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_can_be_read_and_is_there_once() {
        let mut known: Vec<Entry> = Vec::new();
        let mut wrong = Vec::new();
        for entry in brought() {
            match entry {
                Ok(entry) if known.iter().any(|known| known.same_as(&entry)) => {
                    wrong.push(format!("{} twice", entry.text));
                }
                Ok(entry) => known.push(entry),
                Err((text, error)) => wrong.push(format!("{text}: {error}")),
            }
        }
        assert_eq!(wrong, [""; 0]);
        assert!(known.len() > 300, "{}", known.len());
        assert_eq!(built_in().as_slice().len(), known.len());
    }

    #[test]
    fn small_talk_is_sorted() {
        assert!(common::SMALL_TALK.is_sorted());
    }
}
