//! What is wrong with a file of rules: everything at once, each with its place.

use std::fmt;

/// Problems of one file that are told; whoever has more mends these first.
pub const PROBLEMS_MAX: usize = 100;

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleProblem {
    /// Where, as a path: `rules[2].keywords[0]`; empty for the file.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    pub what: What,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Not YAML; in the words of the parser.
    Yaml(String),
    /// More bytes than a file of rules has.
    FileTooBig {
        limit: usize,
    },
    /// Nested deeper than anything in a file of rules is.
    TooDeep {
        limit: usize,
    },
    /// `&anchors`, `*aliases` and `!tags` are not part of the format.
    NotPlain,
    UnknownKey {
        key: String,
        known: &'static str,
    },
    /// The key stands there twice.
    Twice {
        key: String,
    },
    Missing {
        key: &'static str,
    },
    /// Another shape than this: `text`, `list`, `map`, `number`.
    Expected {
        wanted: &'static str,
    },
    Empty,
    TooLong {
        limit: usize,
    },
    TooMany {
        limit: usize,
    },
    OutOfRange {
        least: u64,
        most: u64,
    },
    /// Not of `a-z`, `0-9` and `-`, or longer than 32.
    BadName {
        name: String,
    },
    /// The same name, id or title again.
    Duplicate {
        value: String,
    },
    NoStep {
        step: String,
    },
    /// Steps that lead to each other without a word of the customer.
    Loop {
        steps: String,
    },
    /// More messages in a row than a customer wants to read at once.
    LongChain {
        limit: usize,
    },
    /// Of these, one alone makes sense.
    Excludes {
        keys: &'static str,
    },
    /// At least one of these is needed.
    NeedsOneOf {
        keys: &'static str,
    },
    /// A word of letters or digits is needed.
    NoWord,
    /// `{…}` that is no variable.
    UnknownVariable {
        name: String,
    },
    BadRegex {
        reason: String,
    },
    /// Compiled, it is larger than allowed.
    RegexTooBig,
    /// It matches a text without a character: it would match every message.
    RegexMatchesAll,
    /// One id leads to two different steps.
    ChoiceLeadsTwice {
        id: String,
    },
    /// A fallback that is counted has to say a text or a menu of its own.
    NotCountable,
}

/// A file that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesError {
    /// At least one, in the order of the file; at most [`PROBLEMS_MAX`].
    pub problems: Vec<RuleProblem>,
    /// There were more.
    pub more: bool,
}

impl std::error::Error for RulesError {}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        if self.more { f.write_str("\n…") } else { Ok(()) }
    }
}

impl fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the file" } else { self.path.as_str() };
        write!(f, "line {}: {path}: {}", self.line, self.what)
    }
}

impl What {
    /// The key of the catalogue for it.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Yaml(_) => "rules-yaml",
            Self::FileTooBig { .. } => "rules-file-too-big",
            Self::TooDeep { .. } => "rules-too-deep",
            Self::NotPlain => "rules-not-plain",
            Self::UnknownKey { .. } => "rules-unknown-key",
            Self::Twice { .. } => "rules-twice",
            Self::Missing { .. } => "rules-missing",
            Self::Expected { .. } => "rules-expected",
            Self::Empty => "rules-empty",
            Self::TooLong { .. } => "rules-too-long",
            Self::TooMany { .. } => "rules-too-many",
            Self::OutOfRange { .. } => "rules-out-of-range",
            Self::BadName { .. } => "rules-bad-name",
            Self::Duplicate { .. } => "rules-duplicate",
            Self::NoStep { .. } => "rules-no-step",
            Self::Loop { .. } => "rules-loop",
            Self::LongChain { .. } => "rules-long-chain",
            Self::Excludes { .. } => "rules-excludes",
            Self::NeedsOneOf { .. } => "rules-needs-one-of",
            Self::NoWord => "rules-no-word",
            Self::UnknownVariable { .. } => "rules-unknown-variable",
            Self::BadRegex { .. } => "rules-bad-regex",
            Self::RegexTooBig => "rules-regex-too-big",
            Self::RegexMatchesAll => "rules-regex-matches-all",
            Self::ChoiceLeadsTwice { .. } => "rules-choice-leads-twice",
            Self::NotCountable => "rules-not-countable",
        }
    }

    /// What the catalogue's text is filled in with.
    pub fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Yaml(reason) | Self::BadRegex { reason } => vec![("reason", reason.clone())],
            Self::FileTooBig { limit }
            | Self::TooDeep { limit }
            | Self::TooLong { limit }
            | Self::TooMany { limit }
            | Self::LongChain { limit } => vec![("limit", limit.to_string())],
            Self::UnknownKey { key, known } => vec![("key", key.clone()), ("known", (*known).to_owned())],
            Self::Twice { key } => vec![("key", key.clone())],
            Self::Missing { key } => vec![("key", (*key).to_owned())],
            Self::Expected { wanted } => vec![("wanted", (*wanted).to_owned())],
            Self::OutOfRange { least, most } => vec![("least", least.to_string()), ("most", most.to_string())],
            Self::BadName { name } | Self::UnknownVariable { name } => vec![("name", name.clone())],
            Self::Duplicate { value } => vec![("value", value.clone())],
            Self::NoStep { step } => vec![("step", step.clone())],
            Self::Loop { steps } => vec![("steps", steps.clone())],
            Self::Excludes { keys } | Self::NeedsOneOf { keys } => vec![("keys", (*keys).to_owned())],
            Self::ChoiceLeadsTwice { id } => vec![("id", id.clone())],
            Self::NotPlain
            | Self::Empty
            | Self::NoWord
            | Self::RegexTooBig
            | Self::RegexMatchesAll
            | Self::NotCountable => Vec::new(),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yaml(reason) => write!(f, "not YAML: {reason}"),
            Self::FileTooBig { limit } => write!(f, "larger than {limit} bytes"),
            Self::TooDeep { limit } => write!(f, "nested deeper than {limit} levels"),
            Self::NotPlain => f.write_str("anchors, aliases and tags are not part of the format"),
            Self::UnknownKey { key, known } => write!(f, "unknown key `{key}`; known here: {known}"),
            Self::Twice { key } => write!(f, "the key `{key}` stands here twice"),
            Self::Missing { key } => write!(f, "the key `{key}` is missing"),
            Self::Expected { wanted } => write!(f, "expected: {wanted}"),
            Self::Empty => f.write_str("empty"),
            Self::TooLong { limit } => write!(f, "longer than {limit} characters"),
            Self::TooMany { limit } => write!(f, "more than {limit}"),
            Self::OutOfRange { least, most } => write!(f, "not from {least} to {most}"),
            Self::BadName { name } => write!(f, "`{name}` is not a name: 1 to 32 of a-z, 0-9 and -"),
            Self::Duplicate { value } => write!(f, "`{value}` is there already"),
            Self::NoStep { step } => write!(f, "there is no step `{step}`"),
            Self::Loop { steps } => write!(f, "goes round without a word of the customer: {steps}"),
            Self::LongChain { limit } => write!(f, "says more than {limit} messages in a row"),
            Self::Excludes { keys } => write!(f, "only one of {keys} is possible"),
            Self::NeedsOneOf { keys } => write!(f, "at least one of {keys} is needed"),
            Self::NoWord => f.write_str("has no word of letters or digits"),
            Self::UnknownVariable { name } => write!(f, "there is no variable `{{{name}}}`"),
            Self::BadRegex { reason } => write!(f, "not a regular expression: {reason}"),
            Self::RegexTooBig => f.write_str("too big a regular expression"),
            Self::RegexMatchesAll => f.write_str("matches every message"),
            Self::ChoiceLeadsTwice { id } => write!(f, "the id `{id}` leads to another step elsewhere"),
            Self::NotCountable => f.write_str("a counted fallback has to say a text or a menu of its own"),
        }
    }
}

/// Problems while they are found.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<RuleProblem>,
}

impl Problems {
    pub(super) fn add(&mut self, path: impl Into<String>, line: usize, what: What) {
        self.found.push(RuleProblem { path: path.into(), line, what });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn refused(mut self) -> RulesError {
        self.found.sort_by_key(|problem| problem.line);
        let more = self.found.len() > PROBLEMS_MAX;
        self.found.truncate(PROBLEMS_MAX);
        RulesError { problems: self.found, more }
    }
}
