//! What a tenant wants detected, as the log keeps it.

use std::sync::Arc;
use std::time::Duration;

use relevo_domain::detection::{Act, Language, List, Phrase, Policy, PolicyChange, Rule};
use relevo_domain::workspace::WorkspaceEvent;
use relevo_proto::event::v1 as wire;

use super::DecodeError;

pub(super) fn encode(policy: &Policy) -> wire::DetectionSet {
    let PolicyChange { reset: _, acts, languages, repeats, unresolved, quiet, remove, add } = policy.as_change();
    let act =
        |(rule, act): &(Rule, Act)| wire::DetectionAct { rule: rule.as_str().to_owned(), act: act.as_str().to_owned() };
    let phrase = |phrase: Phrase| wire::DetectionPhrase {
        rule: phrase.rule.as_str().to_owned(),
        language: phrase.language.as_str().to_owned(),
        list: phrase.list.as_str().to_owned(),
        text: phrase.text,
    };
    wire::DetectionSet {
        acts: acts.iter().map(act).collect(),
        languages: languages.map(|languages| wire::DetectionLanguages {
            languages: languages.iter().map(|language| language.as_str().to_owned()).collect(),
        }),
        repeats,
        unresolved,
        quiet_ms: quiet.map(|quiet| quiet.as_millis().try_into().unwrap_or(u64::MAX)),
        removed: remove.into_iter().map(phrase).collect(),
        added: add.into_iter().map(phrase).collect(),
    }
}

pub(super) fn decode(event: wire::DetectionSet) -> Result<WorkspaceEvent, DecodeError> {
    let acts = event.acts.iter().map(|one| Ok((rule(&one.rule)?, Act::parse(&one.act).ok_or(INVALID_ACT)?)));
    let change = PolicyChange {
        reset: true,
        acts: acts.collect::<Result<_, DecodeError>>()?,
        languages: event
            .languages
            .map(|given| given.languages.iter().map(|one| language(one)).collect())
            .transpose()?,
        repeats: event.repeats,
        unresolved: event.unresolved,
        quiet: event.quiet_ms.map(Duration::from_millis),
        remove: event.removed.into_iter().map(phrase).collect::<Result<_, _>>()?,
        add: event.added.into_iter().map(phrase).collect::<Result<_, _>>()?,
    };
    let policy = Policy::restored(&change).map_err(|_problem| DecodeError::Invalid("detection"))?;
    Ok(WorkspaceEvent::DetectionSet(Arc::new(policy)))
}

const INVALID_ACT: DecodeError = DecodeError::Invalid("act");

fn rule(word: &str) -> Result<Rule, DecodeError> {
    Rule::parse(word).ok_or(DecodeError::Invalid("rule"))
}

fn language(word: &str) -> Result<Language, DecodeError> {
    Language::parse(word).ok_or(DecodeError::Invalid("language"))
}

fn phrase(wire: wire::DetectionPhrase) -> Result<Phrase, DecodeError> {
    Ok(Phrase {
        rule: rule(&wire.rule)?,
        language: language(&wire.language)?,
        list: List::parse(&wire.list).ok_or(DecodeError::Invalid("list"))?,
        text: wire.text,
    })
}
