//! Quick replies: texts that staff use again and again, with variables that are filled in when one is used.

use std::fmt;

/// The most quick replies of a tenant.
pub const QUICK_REPLIES_MAX: usize = 500;
/// The longest text, in characters: what a WhatsApp message holds.
pub const TEXT_CHARS_MAX: usize = 4_096;

/// A text with its variables. Its name matches `[a-z0-9][a-z0-9-]{0,31}` and is unique in the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuickReply {
    /// Shown in lists.
    pub title: String,
    /// With its variables as `{contact.name}`, `{agent.name}`, `{business.name}`.
    pub text: String,
}

/// What a quick reply can be filled in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::enum_variant_names, reason = "a business has more than names, and will be asked for it")]
pub enum Variable {
    ContactName,
    AgentName,
    BusinessName,
}

impl Variable {
    pub const ALL: [Self; 3] = [Self::ContactName, Self::AgentName, Self::BusinessName];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ContactName => "contact.name",
            Self::AgentName => "agent.name",
            Self::BusinessName => "business.name",
        }
    }
}

/// What is wrong with a text, or with using it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuickReplyProblem {
    Empty,
    TooLong {
        limit: usize,
    },
    /// There is no such variable.
    UnknownVariable {
        name: String,
    },
    /// Nothing is known that could stand there: the contact has no name, for example.
    NoValue {
        variable: Variable,
    },
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl QuickReply {
    /// Checks the text: length and variables.
    pub fn check(&self) -> Result<(), QuickReplyProblem> {
        if self.text.trim().is_empty() || self.title.trim().is_empty() {
            return Err(QuickReplyProblem::Empty);
        }
        if self.text.chars().count() > TEXT_CHARS_MAX {
            return Err(QuickReplyProblem::TooLong { limit: TEXT_CHARS_MAX });
        }
        self.fill(|_variable| Some(String::new())).map(|_text| ())
    }

    /// The text with its variables filled in. A brace that opens nothing like a variable is text.
    pub fn fill(&self, value: impl Fn(Variable) -> Option<String>) -> Result<String, QuickReplyProblem> {
        let mut out = String::with_capacity(self.text.len());
        let mut rest = self.text.as_str();
        while let Some(start) = rest.find('{') {
            let (before, after) = (&rest[..start], &rest[start + 1..]);
            out.push_str(before);
            let name = after.find('}').map(|end| &after[..end]).filter(|name| looks_like_a_variable(name));
            let Some(name) = name else {
                out.push('{');
                rest = after;
                continue;
            };
            let unknown = || QuickReplyProblem::UnknownVariable { name: name.to_owned() };
            let variable = Variable::ALL.into_iter().find(|known| known.as_str() == name).ok_or_else(unknown)?;
            out.push_str(&value(variable).ok_or(QuickReplyProblem::NoValue { variable })?);
            rest = &after[name.len() + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// A word, a dot and a word.
fn looks_like_a_variable(name: &str) -> bool {
    let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    name.split_once('.').is_some_and(|(of, what)| word(of) && word(what))
}
