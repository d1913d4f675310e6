//! What a tenant wants detected, what is done about it, and its own words.
//!
//! The lists that Relevo brings are in `lists`; a policy holds only what differs from them, so that later versions improve the
//! lists of every tenant.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::change::{Phrase, PolicyChange};
use super::lists::built_in;
use super::pattern::{Entries, Entry, Hit, PhraseError};
use super::rule::{Act, Language, List, Rule};
use super::words::Text;

/// Entries that a tenant may add, and as many that it may take out: a business has some dozens of words of its own.
pub const PHRASES_MAX: usize = 300;
/// How often the same must be asked or answered. The memory holds no more of the bot's answers.
pub const REPEATS: RangeInclusive<u32> = 2..=6;
/// After how many messages an episode counts as unresolved.
pub const UNRESOLVED: RangeInclusive<u32> = 4..=1_000;
/// How long a conversation is silent before it is quiet.
pub const QUIET: RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(24 * 365);

/// What is wrong with a change of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error(transparent)]
    Phrase(#[from] PhraseError),
    #[error("the rule reads no lists")]
    NoLists,
    #[error("a tenant adds and takes out at most {PHRASES_MAX} entries each")]
    TooMany,
    #[error("the number is out of its range")]
    Range,
}

/// What a tenant wants. `Default` is what document 000 asks for: what is a complaint or a frustrated customer pauses, all else is
/// suggested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What differs from [`Policy::default_act`].
    acts: BTreeMap<Rule, Act>,
    languages: Vec<Language>,
    repeats: u32,
    unresolved: u32,
    quiet: Duration,
    added: Entries,
    removed: Vec<Entry>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            acts: BTreeMap::new(),
            languages: Language::ALL.to_vec(),
            repeats: 3,
            unresolved: 10,
            quiet: Duration::from_hours(24),
            added: Entries::default(),
            removed: Vec::new(),
        }
    }
}

impl Policy {
    /// What is done about a rule unless the tenant says otherwise.
    pub const fn default_act(rule: Rule) -> Act {
        match rule {
            Rule::Complaint | Rule::Frustration | Rule::NobodyThere | Rule::Shouting => Act::Pause,
            Rule::RepeatedAnswer
            | Rule::RepeatedQuestion
            | Rule::ComplexQuery
            | Rule::PriceQuestion
            | Rule::Unresolved
            | Rule::ProactiveSend => Act::Suggest,
        }
    }

    pub fn act(&self, rule: Rule) -> Act {
        self.acts.get(&rule).copied().unwrap_or(Self::default_act(rule))
    }

    pub fn set_act(&mut self, rule: Rule, act: Act) {
        if act == Self::default_act(rule) {
            self.acts.remove(&rule);
        } else {
            self.acts.insert(rule, act);
        }
    }

    /// The languages whose lists are read; all by default. Without any, the rules that read lists find nothing.
    pub fn languages(&self) -> &[Language] {
        &self.languages
    }

    pub fn set_languages(&mut self, languages: &[Language]) {
        self.languages = Language::ALL.into_iter().filter(|language| languages.contains(language)).collect();
    }

    /// How often the same question, or the same answer, is too often; 3 by default.
    pub const fn repeats(&self) -> u32 {
        self.repeats
    }

    pub fn set_repeats(&mut self, repeats: u32) -> Result<(), PolicyError> {
        self.repeats = in_range(&REPEATS, repeats)?;
        Ok(())
    }

    /// How many messages without an answer of staff are too many; 10 by default.
    pub const fn unresolved(&self) -> u32 {
        self.unresolved
    }

    pub fn set_unresolved(&mut self, messages: u32) -> Result<(), PolicyError> {
        self.unresolved = in_range(&UNRESOLVED, messages)?;
        Ok(())
    }

    /// How long the customer must have been silent for a message of staff to be a proactive one; 24 hours by default.
    pub const fn quiet(&self) -> Duration {
        self.quiet
    }

    pub fn set_quiet(&mut self, quiet: Duration) -> Result<(), PolicyError> {
        self.quiet = in_range(&QUIET, quiet)?;
        Ok(())
    }

    /// Adds an entry to a list: words, `beginn*`, `one/other`, `..` for up to three words in between, `^` and `$` for the ends of
    /// a clause. Case, accents and punctuation do not matter. `false` if the list has it.
    pub fn add(&mut self, rule: Rule, language: Language, list: List, text: &str) -> Result<bool, PolicyError> {
        let entry = entry(rule, language, list, text)?;
        let removed = self.removed.len();
        self.removed.retain(|gone| !gone.same_as(&entry));
        if self.removed.len() < removed {
            return Ok(true);
        }
        if built_in().as_slice().iter().chain(self.added.as_slice()).any(|known| known.same_as(&entry)) {
            return Ok(false);
        }
        if self.added.as_slice().len() >= PHRASES_MAX {
            return Err(PolicyError::TooMany);
        }
        let mut entries = std::mem::take(&mut self.added).into_vec();
        entries.push(entry);
        self.added = Entries::new(entries);
        Ok(true)
    }

    /// Takes an entry out of a list, one of its own or one that Relevo brings. `false` if the list does not have it.
    pub fn remove(&mut self, rule: Rule, language: Language, list: List, text: &str) -> Result<bool, PolicyError> {
        let entry = entry(rule, language, list, text)?;
        let (own, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.added).into_vec().into_iter().partition(|known| known.same_as(&entry));
        self.added = Entries::new(kept);
        if !own.is_empty() {
            return Ok(true);
        }
        let brought = built_in().as_slice().iter().any(|known| known.same_as(&entry));
        if !brought || self.removed.iter().any(|gone| gone.same_as(&entry)) {
            return Ok(false);
        }
        if self.removed.len() >= PHRASES_MAX {
            return Err(PolicyError::TooMany);
        }
        self.removed.push(entry);
        Ok(true)
    }

    /// The policy of which [`Policy::as_change`] was stored. Entries are as they were: one that Relevo brings by now, or does not bring
    /// any more, does no harm.
    pub fn restored(stored: &PolicyChange) -> Result<Self, PolicyError> {
        let rest = PolicyChange { remove: Vec::new(), add: Vec::new(), ..stored.clone() };
        let policy = rest.to(&Self::default()).map_err(|refused| refused.problem)?;
        let entries = |phrases: &[Phrase]| {
            let read = |one: &Phrase| entry(one.rule, one.language, one.list, &one.text);
            phrases.iter().map(read).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self { added: Entries::new(entries(&stored.add)?), removed: entries(&stored.remove)?, ..policy })
    }

    /// The entries of a list that count, first those that Relevo brings.
    pub fn entries(&self, rule: Rule, language: Language, list: List) -> impl Iterator<Item = &str> {
        let of_list = move |entry: &&Entry| (entry.rule, entry.language, entry.list) == (rule, language, list);
        let brought = built_in().as_slice().iter().filter(of_list).filter(|entry| !self.lacks(entry));
        brought.chain(self.added.as_slice().iter().filter(of_list)).map(|entry| entry.text.as_str())
    }

    /// What the tenant added, in its order: with [`Policy::removed`] all that has to be stored of its lists.
    pub fn added(&self) -> impl Iterator<Item = (Rule, Language, List, &str)> {
        self.added.as_slice().iter().map(named)
    }

    /// What the tenant took out of the lists that Relevo brings.
    pub fn removed(&self) -> impl Iterator<Item = (Rule, Language, List, &str)> {
        self.removed.iter().map(named)
    }

    /// All entries of rules that are on, in enabled languages, that the text contains.
    pub(super) fn find(&self, text: &Text) -> Vec<Hit<'_>> {
        let mut hits = Vec::new();
        let wanted = |entry: &Entry| self.act(entry.rule) != Act::Off && self.languages.contains(&entry.language);
        self.added.find(text, wanted, &mut hits);
        built_in().find(text, |entry| wanted(entry) && !self.lacks(entry), &mut hits);
        hits
    }

    fn lacks(&self, entry: &Entry) -> bool {
        self.removed.iter().any(|gone| gone.same_as(entry))
    }
}

fn entry(rule: Rule, language: Language, list: List, text: &str) -> Result<Entry, PolicyError> {
    if rule.has_lists() { Ok(Entry::new(rule, language, list, text)?) } else { Err(PolicyError::NoLists) }
}

fn named(entry: &Entry) -> (Rule, Language, List, &str) {
    (entry.rule, entry.language, entry.list, &entry.text)
}

fn in_range<T: PartialOrd>(range: &RangeInclusive<T>, value: T) -> Result<T, PolicyError> {
    if range.contains(&value) { Ok(value) } else { Err(PolicyError::Range) }
}
