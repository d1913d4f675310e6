//! A text with places for what the bot knows of the customer: `{contact.name}`, or `{contact.name|amigo}` with what stands there if
//! nobody knows the name.

use super::problem::What;

/// Characters of a name that are said: a longer one is no name that anybody is called by.
pub(super) const NAME_CHARS_MAX: usize = 60;

/// A text. Filled in, it is never longer than it was checked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    /// The contact's name, or this.
    ContactName {
        unknown: String,
    },
}

const CONTACT_NAME: &str = "contact.name";

impl Text {
    /// Reads a text of at most `limit` characters, whoever it is said to.
    pub(super) fn parse(text: &str, limit: usize) -> Result<Self, Vec<What>> {
        let mut problems = Vec::new();
        let mut pieces = Vec::new();
        let mut chars = 0;
        let mut rest = text;
        while let Some(start) = rest.find('{') {
            let (before, after) = rest.split_at(start);
            let Some((inside, behind)) = after.strip_prefix('{').and_then(|after| after.split_once('}')) else { break };
            let (name, unknown) = inside.split_once('|').unwrap_or((inside, ""));
            if name == CONTACT_NAME {
                chars += before.chars().count() + unknown.chars().count().max(NAME_CHARS_MAX);
                pieces.push(Piece::Words(before.to_owned()));
                pieces.push(Piece::ContactName { unknown: unknown.to_owned() });
            } else if looks_like_a_variable(name) {
                problems.push(What::UnknownVariable { name: name.to_owned() });
            } else {
                // A brace that opens nothing like a variable is text.
                let end = start + 1;
                chars += rest[..end].chars().count();
                pieces.push(Piece::Words(rest[..end].to_owned()));
                rest = &rest[end..];
                continue;
            }
            rest = behind;
        }
        chars += rest.chars().count();
        pieces.push(Piece::Words(rest.to_owned()));
        if text.trim().is_empty() {
            problems.push(What::Empty);
        }
        if chars > limit {
            problems.push(What::TooLong { limit });
        }
        if problems.is_empty() { Ok(Self(pieces)) } else { Err(problems) }
    }

    /// The text as it is said to somebody of this name; empty: nobody knows it.
    pub(super) fn said_to(&self, name: &str) -> String {
        let name = presentable(name);
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Words(words) => out.push_str(words),
                Piece::ContactName { unknown } if name.is_empty() => {
                    // "¡Hola {contact.name}!" becomes "¡Hola!".
                    if unknown.is_empty() {
                        out.truncate(out.trim_end_matches(' ').len());
                    }
                    out.push_str(unknown);
                }
                Piece::ContactName { .. } => out.push_str(&name),
            }
        }
        out
    }
}

/// A word, a dot and a word.
fn looks_like_a_variable(name: &str) -> bool {
    let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    name.split_once('.').is_some_and(|(of, what)| word(of) && word(what))
}

/// Customers choose their names: one line of it, and no more than anybody is called by.
fn presentable(name: &str) -> String {
    let words: Vec<&str> =
        name.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ").chars().take(NAME_CHARS_MAX).collect()
}
