//! A change of a tenant's policy, as people ask for it, and what is wrong with it.

use std::time::Duration;

use super::policy::{PHRASES_MAX, Policy, PolicyError};
use super::rule::{Act, Language, List, Rule};

/// What is to become different. What is absent stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PolicyChange {
    /// Begin with what Relevo brings instead of with what is in force.
    pub reset: bool,
    pub acts: Vec<(Rule, Act)>,
    pub languages: Option<Vec<Language>>,
    pub repeats: Option<u32>,
    pub unresolved: Option<u32>,
    pub quiet: Option<Duration>,
    /// Taken out first.
    pub remove: Vec<Phrase>,
    pub add: Vec<Phrase>,
}

/// An entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    pub rule: Rule,
    pub language: Language,
    pub list: List,
    pub text: String,
}

/// What is wrong with a change, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct PolicyRefused {
    /// Name of the field, with its place for one of several: `add[3]`.
    pub field: String,
    pub problem: PolicyError,
}

impl PolicyChange {
    /// The policy with the change, all of it or nothing.
    pub fn to(&self, policy: &Policy) -> Result<Policy, PolicyRefused> {
        let mut policy = if self.reset { Policy::default() } else { policy.clone() };
        for (rule, act) in &self.acts {
            policy.set_act(*rule, *act);
        }
        if let Some(languages) = &self.languages {
            policy.set_languages(languages);
        }
        let at = |field: &'static str| move |problem| PolicyRefused { field: field.to_owned(), problem };
        self.repeats.map_or(Ok(()), |times| policy.set_repeats(times)).map_err(at("repeats"))?;
        self.unresolved.map_or(Ok(()), |messages| policy.set_unresolved(messages)).map_err(at("unresolved"))?;
        self.quiet.map_or(Ok(()), |quiet| policy.set_quiet(quiet)).map_err(at("quiet"))?;
        for (field, phrases) in [("remove", &self.remove), ("add", &self.add)] {
            if phrases.len() > PHRASES_MAX {
                return Err(PolicyRefused { field: field.to_owned(), problem: PolicyError::TooMany });
            }
        }
        for (place, Phrase { rule, language, list, text }) in self.remove.iter().enumerate() {
            let removed = policy.remove(*rule, *language, *list, text);
            removed.map_err(|problem| PolicyRefused { field: format!("remove[{place}]"), problem })?;
        }
        for (place, Phrase { rule, language, list, text }) in self.add.iter().enumerate() {
            let added = policy.add(*rule, *language, *list, text);
            added.map_err(|problem| PolicyRefused { field: format!("add[{place}]"), problem })?;
        }
        Ok(policy)
    }
}

impl Policy {
    /// The change that leads from what Relevo brings to this policy: all that has to be stored of it.
    pub fn as_change(&self) -> PolicyChange {
        let phrase = |(rule, language, list, text): (Rule, Language, List, &str)| Phrase {
            rule,
            language,
            list,
            text: text.to_owned(),
        };
        let acts = Rule::ALL.into_iter().map(|rule| (rule, self.act(rule)));
        let default = Self::default();
        PolicyChange {
            reset: true,
            acts: acts.filter(|(rule, act)| *act != Self::default_act(*rule)).collect(),
            languages: (self.languages() != default.languages()).then(|| self.languages().to_vec()),
            repeats: (self.repeats() != default.repeats()).then_some(self.repeats()),
            unresolved: (self.unresolved() != default.unresolved()).then_some(self.unresolved()),
            quiet: (self.quiet() != default.quiet()).then_some(self.quiet()),
            remove: self.removed().map(phrase).collect(),
            add: self.added().map(phrase).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detection::PhraseError;

    fn phrase(rule: Rule, text: &str) -> Phrase {
        Phrase { rule, language: Language::Spanish, list: List::Phrases, text: text.to_owned() }
    }

    #[test]
    fn a_policy_comes_back_from_what_is_stored_of_it() {
        let change = PolicyChange {
            acts: vec![(Rule::PriceQuestion, Act::Off), (Rule::ComplexQuery, Act::Pause)],
            languages: Some(vec![Language::Portuguese]),
            repeats: Some(2),
            unresolved: Some(20),
            quiet: Some(Duration::from_hours(2)),
            remove: vec![phrase(Rule::Complaint, "facturaron/cobraron dos/tres/2/3 meses")],
            add: vec![phrase(Rule::Complaint, "se cayo el flete")],
            ..PolicyChange::default()
        };
        let policy = change.to(&Policy::default()).unwrap();
        assert_ne!(policy, Policy::default());
        assert_eq!(policy.removed().count(), 1);
        assert_eq!(policy.as_change().to(&Policy::default()), Ok(policy.clone()));
        assert_eq!(Policy::restored(&policy.as_change()), Ok(policy.clone()));
        assert_eq!(change.to(&policy), Ok(policy.clone()), "twice is once");
        let reset = PolicyChange { reset: true, ..PolicyChange::default() };
        assert_eq!(reset.to(&policy), Ok(Policy::default()));
        assert_eq!(Policy::default().as_change(), reset);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let refused = |change: PolicyChange| change.to(&Policy::default()).unwrap_err();
        let field = |change: PolicyChange| refused(change).field;
        assert_eq!(field(PolicyChange { repeats: Some(7), ..PolicyChange::default() }), "repeats");
        assert_eq!(field(PolicyChange { unresolved: Some(3), ..PolicyChange::default() }), "unresolved");
        assert_eq!(field(PolicyChange { quiet: Some(Duration::ZERO), ..PolicyChange::default() }), "quiet");
        let bad = vec![phrase(Rule::Complaint, "queja mia"), phrase(Rule::Complaint, "..")];
        let refusal = refused(PolicyChange { add: bad, ..PolicyChange::default() });
        assert_eq!((refusal.field.as_str(), refusal.problem), ("add[1]", PolicyError::Phrase(PhraseError::Shape)));
        let lists = vec![phrase(Rule::Unresolved, "hola")];
        let refusal = refused(PolicyChange { remove: lists, ..PolicyChange::default() });
        assert_eq!((refusal.field.as_str(), refusal.problem), ("remove[0]", PolicyError::NoLists));
        let many = (0..=PHRASES_MAX).map(|n| phrase(Rule::Complaint, &format!("palabra {n}"))).collect();
        let refusal = refused(PolicyChange { add: many, ..PolicyChange::default() });
        assert_eq!((refusal.field.as_str(), refusal.problem), ("add", PolicyError::TooMany));
    }
}
