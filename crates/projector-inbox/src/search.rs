//! Finding contacts by the beginnings of words: names, customer records, mail addresses, numbers in any spelling.
//!
//! Every contact has its terms in TERM rows (see [`terms`]); a word of a search finds the contacts with a term that begins like
//! it. All words must find: a contact, or contacts that are the same person. What is read for one search is bounded; a search
//! that would need more says that it was cut.

mod fold;
mod hits;
mod number;
mod terms;

#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use relevo_domain::{EntityId, EntityKind, TenantId};
use relevo_projection::{RowSource, row};
use relevo_readstore::{Direction, KeyRange};

use crate::columns::{Access, TenantColumns};
use crate::keys;
use crate::reader::ReadError;
use crate::row::ContactRow;

pub(crate) use fold::Words;
pub(crate) use hits::Hits;
pub(crate) use terms::terms;

/// Entries read of one word, at most: what a read has time for (about 2 ms). They are read in the order of the terms, of one
/// term the newest contacts first.
pub(crate) const POSTINGS_MAX: usize = 5_000;
/// Contacts looked at one by one, at most, because a word finds more than [`POSTINGS_MAX`] and may find them, too.
pub(crate) const CHECKED_MAX: usize = 300;

/// Contacts with their numbers, ascending by those, each once.
#[derive(Debug, Default)]
struct Found(Vec<(u32, [u8; 16])>);

impl Found {
    /// Of contacts in any order; of one that comes twice either will do.
    fn of(mut contacts: Vec<(u32, [u8; 16])>) -> Self {
        contacts.sort_unstable();
        contacts.dedup_by_key(|(ordinal, _)| *ordinal);
        Self(contacts)
    }

    fn has(&self, ordinal: u32) -> bool {
        self.0.binary_search_by_key(&ordinal, |(ordinal, _)| *ordinal).is_ok()
    }
}

/// What one word finds.
struct Postings {
    found: Found,
    /// It finds more than these.
    cut: bool,
}

/// Whose words find whom else: contacts that are the same person, as far as the caller sees them. Else a search would tell the
/// number of a contact that does not exist for the caller.
#[derive(Clone, Copy)]
pub(crate) struct Person<'a> {
    pub(crate) columns: &'a TenantColumns,
    pub(crate) access: &'a Access,
}

impl Person<'_> {
    /// Whether the caller sees a conversation of the contact with this number.
    fn sees(&self, contact: u32) -> bool {
        match self.access {
            Access::All => true,
            Access::Granted { .. } => self
                .columns
                .of_contacts(&[contact])
                .any(|ordinal| self.columns.table().row(ordinal).is_some_and(|row| self.access.sees(row))),
        }
    }

    /// Those whom the contact's words find, too: id and number.
    fn linked(&self, (ordinal, contact): (u32, [u8; 16])) -> Vec<([u8; 16], u32)> {
        let linked = self.columns.linked(contact);
        if linked.is_empty() || !self.sees(ordinal) { Vec::new() } else { linked }
    }

    /// Those whose words find the contact, too.
    fn linking(&self, contact: [u8; 16]) -> Vec<[u8; 16]> {
        let linked = self.columns.linked(contact).into_iter();
        linked.filter(|(_, ordinal)| self.sees(*ordinal)).map(|(other, _)| other).collect()
    }
}

/// The contacts that a search finds.
pub(crate) fn search(
    source: &dyn RowSource,
    tenant: &TenantId,
    person: Person<'_>,
    words: &Words,
) -> Result<Hits, ReadError> {
    let mut postings = Vec::new();
    for word in words.as_slice() {
        postings.push((word, postings_of(source, tenant, person, word)?));
    }
    // Whoever is in all of them is found; it begins with the word that finds the fewest.
    postings.sort_by_key(|(_, postings)| (postings.cut, postings.found.0.len()));
    let Some(((_, fewest), others)) = postings.split_first() else { return Ok(Hits::default()) };
    let (mut hits, mut checked, mut cut) = (Vec::new(), 0, fewest.cut);
    for (ordinal, contact) in &fewest.found.0 {
        let missing: Vec<_> = others.iter().filter(|(_, other)| !other.found.has(*ordinal)).collect();
        if missing.iter().any(|(_, other)| !other.cut) {
            continue;
        }
        if !missing.is_empty() {
            if checked == CHECKED_MAX {
                cut = true;
                continue;
            }
            checked += 1;
            let rows = same_person(source, tenant, person, *contact)?;
            if !missing.iter().all(|(word, _)| rows.iter().any(|row| terms::begins(row, word))) {
                continue;
            }
        }
        hits.push(*ordinal);
    }
    Ok(Hits::new(hits, cut))
}

/// Whether a search finds this contact, or contacts that are the same person.
pub(crate) fn finds(
    source: &dyn RowSource,
    tenant: &TenantId,
    person: Person<'_>,
    words: &Words,
    contact: EntityId,
) -> Result<bool, ReadError> {
    let rows = same_person(source, tenant, person, *contact.bytes())?;
    let found = |word: &String| rows.iter().any(|row| terms::begins(row, word));
    Ok(!words.as_slice().is_empty() && words.as_slice().iter().all(found))
}

/// Those whom a word finds, and those who are the same person as one of them.
fn postings_of(
    source: &dyn RowSource,
    tenant: &TenantId,
    person: Person<'_>,
    word: &str,
) -> Result<Postings, ReadError> {
    let (mut found, mut read, mut cut, mut outcome) = (Vec::new(), 0, false, Ok(()));
    let range = KeyRange::prefix(keys::term_prefix(tenant, word));
    source.visit(&range, Direction::Forward, &mut |key, value| {
        cut = read == POSTINGS_MAX;
        if cut {
            return ControlFlow::Break(());
        }
        read += 1;
        match read_posting(key, value) {
            Ok((ordinal, contact)) => {
                found.push((ordinal, contact));
                ControlFlow::Continue(())
            }
            Err(error) => {
                outcome = Err(error);
                ControlFlow::Break(())
            }
        }
    })?;
    outcome?;
    let linked: Vec<_> = found.iter().flat_map(|found| person.linked(*found)).collect();
    found.extend(linked.into_iter().map(|(contact, ordinal)| (ordinal, contact)));
    Ok(Postings { found: Found::of(found), cut })
}

fn read_posting(key: &[u8], value: &[u8]) -> Result<(u32, [u8; 16]), ReadError> {
    let contact = value.try_into().map_err(|_length| ReadError::BadRow("term: contact is not one".to_owned()))?;
    Ok((keys::read_term(key)?, contact))
}

/// Rows of a contact and of the contacts that are the same person.
fn same_person(
    source: &dyn RowSource,
    tenant: &TenantId,
    person: Person<'_>,
    contact: [u8; 16],
) -> Result<Vec<ContactRow>, ReadError> {
    let mut rows = Vec::new();
    for id in std::iter::once(contact).chain(person.linking(contact)) {
        let key = keys::contact(tenant, EntityId::new(EntityKind::Contact, id));
        if let Some(stored) = source.get(&key)? {
            rows.push(row::decode("contact", &stored)?);
        }
    }
    Ok(rows)
}
