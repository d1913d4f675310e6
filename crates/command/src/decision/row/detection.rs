//! Rows of what a tenant wants detected.

use std::sync::Arc;
use std::time::Duration;

use relevo_domain::detection::{Act, Language, List, Phrase, Policy, PolicyChange, Rule};

use super::{BadRow, bad, unreadable};

/// The policy in force, apart from the rest of its workspace: it is read for every message.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct InForceRow {
    /// Sequence of the commit that set it.
    #[prost(uint64, tag = "1")]
    pub(crate) sequence: u64,
    #[prost(message, optional, tag = "2")]
    policy: Option<PolicyRow>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PolicyRow {
    #[prost(message, repeated, tag = "1")]
    acts: Vec<ActRow>,
    #[prost(message, optional, tag = "2")]
    languages: Option<LanguagesRow>,
    #[prost(uint32, optional, tag = "3")]
    repeats: Option<u32>,
    #[prost(uint32, optional, tag = "4")]
    unresolved: Option<u32>,
    /// Milliseconds.
    #[prost(uint64, optional, tag = "5")]
    quiet: Option<u64>,
    #[prost(message, repeated, tag = "6")]
    removed: Vec<PhraseRow>,
    #[prost(message, repeated, tag = "7")]
    added: Vec<PhraseRow>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ActRow {
    #[prost(string, tag = "1")]
    rule: String,
    #[prost(string, tag = "2")]
    act: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct LanguagesRow {
    #[prost(string, repeated, tag = "1")]
    languages: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct PhraseRow {
    #[prost(string, tag = "1")]
    rule: String,
    #[prost(string, tag = "2")]
    language: String,
    #[prost(string, tag = "3")]
    list: String,
    #[prost(string, tag = "4")]
    text: String,
}

impl InForceRow {
    pub(crate) fn of(sequence: u64, policy: &Policy) -> Self {
        Self { sequence, policy: row(policy) }
    }

    pub(crate) fn policy(self) -> Result<Arc<Policy>, BadRow> {
        read(self.policy)
    }
}

/// Nothing, of a tenant that changed nothing.
pub(super) fn row(policy: &Policy) -> Option<PolicyRow> {
    if *policy == Policy::default() {
        return None;
    }
    let PolicyChange { reset: _, acts, languages, repeats, unresolved, quiet, remove, add } = policy.as_change();
    let act = |(rule, act): &(Rule, Act)| ActRow { rule: rule.as_str().to_owned(), act: act.as_str().to_owned() };
    let phrase = |phrase: Phrase| PhraseRow {
        rule: phrase.rule.as_str().to_owned(),
        language: phrase.language.as_str().to_owned(),
        list: phrase.list.as_str().to_owned(),
        text: phrase.text,
    };
    let words = |languages: Vec<Language>| languages.iter().map(|language| language.as_str().to_owned()).collect();
    Some(PolicyRow {
        acts: acts.iter().map(act).collect(),
        languages: languages.map(|languages| LanguagesRow { languages: words(languages) }),
        repeats,
        unresolved,
        quiet: quiet.map(|quiet| quiet.as_millis().try_into().unwrap_or(u64::MAX)),
        removed: remove.into_iter().map(phrase).collect(),
        added: add.into_iter().map(phrase).collect(),
    })
}

pub(super) fn read(row: Option<PolicyRow>) -> Result<Arc<Policy>, BadRow> {
    let Some(row) = row else { return Ok(Arc::default()) };
    let acts = row.acts.iter().map(|row| Ok((rule(&row.rule)?, Act::parse(&row.act).ok_or_else(|| bad("act"))?)));
    let words = |row: LanguagesRow| row.languages.iter().map(|word| language(word)).collect::<Result<_, _>>();
    let stored = PolicyChange {
        reset: true,
        acts: acts.collect::<Result<_, BadRow>>()?,
        languages: row.languages.map(words).transpose()?,
        repeats: row.repeats,
        unresolved: row.unresolved,
        quiet: row.quiet.map(Duration::from_millis),
        remove: row.removed.into_iter().map(phrase).collect::<Result<_, _>>()?,
        add: row.added.into_iter().map(phrase).collect::<Result<_, _>>()?,
    };
    Policy::restored(&stored).map(Arc::new).map_err(unreadable)
}

fn rule(word: &str) -> Result<Rule, BadRow> {
    Rule::parse(word).ok_or_else(|| bad("rule of the detection"))
}

fn language(word: &str) -> Result<Language, BadRow> {
    Language::parse(word).ok_or_else(|| bad("language of the detection"))
}

fn phrase(row: PhraseRow) -> Result<Phrase, BadRow> {
    Ok(Phrase {
        rule: rule(&row.rule)?,
        language: language(&row.language)?,
        list: List::parse(&row.list).ok_or_else(|| bad("list of the detection"))?,
        text: row.text,
    })
}
