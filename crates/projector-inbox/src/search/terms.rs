//! What a contact is found by.

use std::collections::BTreeSet;

use relevo_domain::identity::IdentifierKind;

use super::fold::{fold, squeezed};
use super::number;
use crate::row::{ContactRow, IdentifierRow};

/// Words of a name that it is found by.
const NAME_WORDS_MAX: usize = 16;
/// Places in one word from which on it is found.
const STARTS_MAX: usize = 8;

/// Everything that a contact is found by, folded. A few hundred at most: there are at most `IDENTIFIERS_MAX` identifiers.
pub(crate) fn terms(row: &ContactRow) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    add_words(&mut terms, &row.name);
    if let Some(customer) = &row.customer {
        add_words(&mut terms, &customer.name);
        add_words(&mut terms, &customer.id);
    }
    for identifier in &row.identifiers {
        add_identifier(&mut terms, identifier);
    }
    terms.remove("");
    terms
}

/// Whether the contact has a term that begins like this.
pub(super) fn begins(row: &ContactRow, word: &str) -> bool {
    let terms = terms(row);
    terms.range(word.to_owned()..).next().is_some_and(|term| term.starts_with(word))
}

fn add_identifier(terms: &mut BTreeSet<String>, identifier: &IdentifierRow) {
    let kind = IdentifierKind::ALL.into_iter().find(|kind| kind.as_str() == identifier.kind);
    match kind {
        Some(IdentifierKind::Phone | IdentifierKind::WaId) => terms.extend(number::spellings(&identifier.value)),
        Some(IdentifierKind::Email | IdentifierKind::Username) => add_words(terms, &identifier.value),
        Some(IdentifierKind::Bsuid | IdentifierKind::ParentBsuid) | None => {
            terms.insert(squeezed(&fold(&identifier.value)));
        }
    }
}

/// Each word from its beginning, and from each letter or digit that stands behind punctuation: `Pérez-García` is found by
/// `garcia`, `ana.perez@sol.com` by `perez@sol` and by `sol.com`.
fn add_words(terms: &mut BTreeSet<String>, text: &str) {
    let folded = fold(text);
    for word in folded.split_whitespace().take(NAME_WORDS_MAX) {
        let mut behind = true;
        let starts = word.char_indices().filter(|(_, c)| {
            let start = c.is_alphanumeric() && behind;
            behind = !c.is_alphanumeric();
            start
        });
        terms.extend(starts.take(STARTS_MAX).map(|(start, _)| squeezed(&word[start..])));
    }
}
