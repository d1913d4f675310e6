//! What is wrong with a request, field by field: never with the value that was given, which may be somebody's name.

use relevo_catalogue::{Arg, Language, text};
use relevo_domain::ErrorCode;
use relevo_proto::Problem;

/// So many fields are named at most; whoever gets them all wrong mends the first ones first.
const NAMED_MAX: usize = 20;
/// A field's name is shown up to here, in characters: ours have at most 40, each level.
const NAME_CHARS_MAX: usize = 120;

/// Fields that are not acceptable.
#[derive(Debug, Default)]
pub(super) struct Wrongs(Vec<Wrong>);

/// One field, and the key of the sentence that says why.
#[derive(Debug, PartialEq, Eq)]
struct Wrong {
    field: String,
    why: &'static str,
    other: String,
}

impl Wrongs {
    pub(super) fn add(&mut self, field: &str, why: &'static str) {
        self.beside(field, why, "");
    }

    /// The same with the other field that it is about.
    pub(super) fn beside(&mut self, field: &str, why: &'static str, other: &str) {
        if self.0.len() < NAMED_MAX {
            let field = field.chars().take(NAME_CHARS_MAX).collect();
            self.0.push(Wrong { field, why, other: other.to_owned() });
        }
    }

    /// Nothing, or the problem that names all of it.
    pub(super) fn done(self, language: Language) -> Result<(), Box<Problem>> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut problem = super::answer::spoken(language, Problem::new(ErrorCode::InvalidArgument));
        for Wrong { field, why, other } in self.0 {
            problem = problem.violation(&field, text(language, why, &[("other", Arg::from(other))]));
        }
        Err(Box::new(problem))
    }

    /// The names and keys, for tests.
    #[cfg(test)]
    pub(super) fn named(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|wrong| (wrong.field.as_str(), wrong.why)).collect()
    }
}
