//! What is wrong with a configuration. All problems are collected, so that one look repairs them all.

use relevo_catalogue::{Arg, Language};

/// One problem, at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where, as a path: `tenants[0].channels[2].phone_number_id`.
    pub(crate) at: String,
    /// The catalogue's key of what is wrong.
    pub(crate) key: &'static str,
    pub(crate) args: Vec<(&'static str, String)>,
}

impl Problem {
    pub(crate) fn new(at: impl Into<String>, key: &'static str) -> Self {
        Self { at: at.into(), key, args: Vec::new() }
    }

    /// The same at another place.
    pub(crate) fn at(self, at: &str) -> Self {
        Self { at: at.to_owned(), ..self }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.args.push((name, value.into()));
        self
    }

    pub(crate) fn text(&self, language: Language) -> String {
        format!("{}: {}", self.at, self.what(language))
    }

    /// What is wrong, without its place.
    pub(crate) fn what(&self, language: Language) -> String {
        let args: Vec<(&str, Arg<'_>)> = self.args.iter().map(|(name, value)| (*name, value.into())).collect();
        relevo_catalogue::text(language, self.key, &args)
    }
}

/// Everything that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl Problems {
    pub(crate) fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// The value, or nothing and one more problem.
    pub(crate) fn keep<T>(&mut self, outcome: Result<T, Problem>) -> Option<T> {
        outcome.map_err(|problem| self.add(problem)).ok()
    }

    pub(crate) fn lines(&self, language: Language) -> Vec<String> {
        self.0.iter().map(|problem| problem.text(language)).collect()
    }
}
