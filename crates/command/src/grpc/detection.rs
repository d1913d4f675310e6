//! Requests about what is detected, and the policy as the API shows it.

use std::time::Duration;

use relevo_domain::detection::{Act, Language, List, PHRASES_MAX, Phrase, Policy, PolicyChange, Rule};
use relevo_proto::command::v1 as proto;

/// Fields of a request that are wrong, with their place, and the texts that say why.
pub(super) type NamedViolations = Vec<(String, &'static str)>;

/// The change that a request asks for.
pub(super) fn change(request: &proto::SetDetectionRequest) -> Result<PolicyChange, NamedViolations> {
    let mut wrong = NamedViolations::new();
    let acts = acts(&request.acts, &mut wrong);
    let languages = request.languages.as_ref().map(|given| languages(&given.languages, &mut wrong));
    let remove = phrases("remove", &request.remove, &mut wrong);
    let add = phrases("add", &request.add, &mut wrong);
    let change = PolicyChange {
        reset: request.reset,
        acts,
        languages,
        repeats: request.repeats,
        unresolved: request.unresolved,
        quiet: request.quiet_seconds.map(Duration::from_secs),
        remove,
        add,
    };
    if wrong.is_empty() && change == PolicyChange::default() {
        wrong.push(("acts".to_owned(), "field-detection-nothing"));
    }
    if wrong.is_empty() { Ok(change) } else { Err(wrong) }
}

fn acts(asked: &[proto::DetectionAct], wrong: &mut NamedViolations) -> Vec<(Rule, Act)> {
    if asked.len() > Rule::ALL.len() {
        wrong.push(("acts".to_owned(), "field-detection-rule"));
        return Vec::new();
    }
    let mut read = Vec::with_capacity(asked.len());
    for (place, one) in asked.iter().enumerate() {
        let (rule, act) = (Rule::parse(&one.rule), Act::parse(&one.act));
        if rule.is_none() {
            wrong.push((format!("acts[{place}].rule"), "field-detection-rule"));
        }
        if act.is_none() {
            wrong.push((format!("acts[{place}].act"), "field-detection-act"));
        }
        read.extend(rule.zip(act));
    }
    read
}

fn languages(asked: &[String], wrong: &mut NamedViolations) -> Vec<Language> {
    let mut read = Vec::new();
    // More than there are says the same twice, or something else: it is not read to its end.
    for (place, word) in asked.iter().enumerate().take(Language::ALL.len() + 1) {
        match Language::parse(word) {
            Some(language) => read.push(language),
            None => wrong.push((format!("languages[{place}]"), "field-detection-language")),
        }
    }
    read
}

fn phrases(field: &str, asked: &[proto::DetectionPhrase], wrong: &mut NamedViolations) -> Vec<Phrase> {
    let mut read = Vec::new();
    // One more than there may be: the rules refuse it.
    for (place, one) in asked.iter().enumerate().take(PHRASES_MAX + 1) {
        let (rule, language) = (Rule::parse(&one.rule), Language::parse(&one.language));
        let list = if one.list.is_empty() { Some(List::Phrases) } else { List::parse(&one.list) };
        if rule.is_none() {
            wrong.push((format!("{field}[{place}].rule"), "field-detection-rule"));
        }
        if language.is_none() {
            wrong.push((format!("{field}[{place}].language"), "field-detection-language"));
        }
        if list.is_none() {
            wrong.push((format!("{field}[{place}].list"), "field-detection-list"));
        }
        if let (Some(rule), Some(language), Some(list)) = (rule, language, list) {
            read.push(Phrase { rule, language, list, text: one.text.clone() });
        }
    }
    read
}

/// The policy in force.
pub(super) fn policy(policy: &Policy) -> proto::DetectionPolicy {
    let act =
        |rule: Rule| proto::DetectionAct { rule: rule.as_str().to_owned(), act: policy.act(rule).as_str().to_owned() };
    let phrase = |(rule, language, list, text): (Rule, Language, List, &str)| proto::DetectionPhrase {
        rule: rule.as_str().to_owned(),
        language: language.as_str().to_owned(),
        list: list.as_str().to_owned(),
        text: text.to_owned(),
    };
    proto::DetectionPolicy {
        acts: Rule::ALL.into_iter().map(act).collect(),
        languages: policy.languages().iter().map(|language| language.as_str().to_owned()).collect(),
        repeats: policy.repeats(),
        unresolved: policy.unresolved(),
        quiet_seconds: policy.quiet().as_secs(),
        added: policy.added().map(phrase).collect(),
        removed: policy.removed().map(phrase).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(request: &proto::SetDetectionRequest) -> Vec<String> {
        change(request).unwrap_err().into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn every_bad_field_is_named_with_its_place() {
        let act = |rule: &str, act: &str| proto::DetectionAct { rule: rule.to_owned(), act: act.to_owned() };
        let phrase = |rule: &str, language: &str, list: &str| proto::DetectionPhrase {
            rule: rule.to_owned(),
            language: language.to_owned(),
            list: list.to_owned(),
            text: "queja".to_owned(),
        };
        let request = proto::SetDetectionRequest {
            acts: vec![act("complaint", "pause"), act("anger", "shout")],
            languages: Some(proto::DetectionLanguages { languages: vec!["es".to_owned(), "fr".to_owned()] }),
            remove: vec![phrase("complaint", "de", "phrases")],
            add: vec![phrase("complaint", "es", ""), phrase("x", "es", "words")],
            ..Default::default()
        };
        let named = ["acts[1].rule", "acts[1].act", "languages[1]", "remove[0].language", "add[1].rule", "add[1].list"];
        assert_eq!(fields(&request), named);
        assert_eq!(fields(&proto::SetDetectionRequest::default()), ["acts"], "nothing is to change");
    }

    #[test]
    fn no_languages_at_all_is_a_wish() {
        let none = Some(proto::DetectionLanguages::default());
        let read = change(&proto::SetDetectionRequest { languages: none, ..Default::default() }).unwrap();
        assert_eq!(read.languages, Some(vec![]));
    }
}
