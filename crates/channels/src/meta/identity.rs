//! Who an update is about: the ids in it and the contact that belongs to it.
//!
//! Since 2026 a phone number may be left out, be empty, or be replaced by the business-scoped user id (BSUID) in the
//! very same field. Contacts are joined by id, never by place.

use std::collections::{BTreeMap, BTreeSet};

use relevo_domain::identity::IdentifierKind;
use serde_json::Value;

use super::json::{member, short};
use crate::fact::Identifier;

/// Longest name of a person, in characters: WhatsApp allows 25. It is copied for each of their messages.
const NAME_CHARS_MAX: usize = 200;

/// The ids of one person, as one update gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Person {
    /// `wa_id`, `from`, `to`, `recipient_id`: the number, usually.
    pub(super) number: Option<String>,
    pub(super) user: Option<String>,
    pub(super) parent: Option<String>,
}

impl Person {
    pub(super) fn of(value: &Value, number: &str, user: &str, parent: &str) -> Self {
        Self { number: short(value, number), user: short(value, user), parent: short(value, parent) }
    }

    /// The id to answer to: the number, or else the BSUID.
    pub(super) fn address(&self) -> Option<&str> {
        self.number.as_deref().or(self.user.as_deref())
    }

    pub(super) fn identifiers(&self) -> Vec<Identifier> {
        let user = |value: &String| Identifier { kind: IdentifierKind::Bsuid, value: value.clone() };
        let parent = |value: &String| Identifier { kind: IdentifierKind::ParentBsuid, value: value.clone() };
        let number = self.number.as_deref().map(classified);
        number.into_iter().chain(self.user.as_ref().map(user)).chain(self.parent.as_ref().map(parent)).collect()
    }
}

/// What kind of id stands in a field that used to hold a number only.
pub(super) fn classified(value: &str) -> Identifier {
    let value = value.trim();
    let kind = if is_bsuid(value) {
        if value.get(2..).is_some_and(|rest| rest.starts_with(".ENT.")) {
            IdentifierKind::ParentBsuid
        } else {
            IdentifierKind::Bsuid
        }
    } else if value.starts_with('+') {
        IdentifierKind::Phone
    } else {
        IdentifierKind::WaId
    };
    Identifier { kind, value: value.to_owned() }
}

/// `AR.1349…`: a country and a point; `user.9373…` in Meta's first documentation.
fn is_bsuid(value: &str) -> bool {
    let country = value.split_once('.').map_or("", |(country, _)| country);
    country == "user" || (country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()))
}

/// One entry of `value.contacts`.
#[derive(Debug, Default)]
pub(super) struct Contact {
    pub(super) person: Person,
    pub(super) name: Option<String>,
    username: Option<String>,
}

/// The contacts of one value, by id.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    list: Vec<Contact>,
    by_id: BTreeMap<String, usize>,
    /// One contact, and one person that the value's messages and statuses are about: they are the same, even if
    /// their ids differ (normalised numbers) or the messages carry none.
    alone: bool,
}

impl Contacts {
    pub(super) fn of(value: &Value) -> Self {
        let entries = value.get("contacts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let list: Vec<Contact> = entries.iter().map(contact).collect();
        let mut by_id = BTreeMap::new();
        for (at, contact) in list.iter().enumerate() {
            for id in [&contact.person.number, &contact.person.user].into_iter().flatten() {
                by_id.entry(id.clone()).or_insert(at);
            }
        }
        let alone = list.len() == 1 && people(value).len() == 1;
        Self { list, by_id, alone }
    }

    /// The contact of a person who wrote, or was written to.
    pub(super) fn find(&self, person: &Person) -> Option<&Contact> {
        let ids = [&person.number, &person.user];
        if let Some(at) = ids.into_iter().flatten().find_map(|id| self.by_id.get(id)) {
            return self.list.get(*at);
        }
        let contact = self.list.first().filter(|_| self.alone)?;
        let other_user = matches!((&person.user, &contact.person.user), (Some(left), Some(right)) if left != right);
        (!other_user).then_some(contact)
    }
}

fn contact(entry: &Value) -> Contact {
    let profile = entry.get("profile").unwrap_or(&Value::Null);
    let username = short(profile, "username").or_else(|| short(entry, "username"));
    Contact {
        person: Person::of(entry, "wa_id", "user_id", "parent_user_id"),
        name: member(profile, "name").map(|name| name.chars().take(NAME_CHARS_MAX).collect()),
        username: username.map(|name| name.trim_start_matches('@').to_owned()).filter(|name| !name.is_empty()),
    }
}

/// Everybody that the value's messages and statuses name, by the first id; those without any count as one.
fn people(value: &Value) -> BTreeSet<Option<String>> {
    let arrays = [("messages", "from", "from_user_id"), ("statuses", "recipient_id", "recipient_user_id")];
    let mut people = BTreeSet::new();
    for (array, number, user) in arrays {
        for element in value.get(array).and_then(Value::as_array).into_iter().flatten() {
            people.insert(short(element, number).or_else(|| short(element, user)));
        }
    }
    people
}

/// All identifiers of a person and the contact, each once, in the order in which they decide.
pub(super) fn identifiers(person: &Person, contact: Option<&Contact>) -> Vec<Identifier> {
    let mut all = person.identifiers();
    if let Some(contact) = contact {
        all.extend(contact.person.identifiers());
        let username = contact.username.iter();
        all.extend(username.map(|name| Identifier { kind: IdentifierKind::Username, value: name.clone() }));
    }
    distinct(all)
}

pub(super) fn distinct(mut all: Vec<Identifier>) -> Vec<Identifier> {
    let mut seen = BTreeSet::new();
    all.retain(|identifier| seen.insert(identifier.clone()));
    all.sort_by_key(|identifier| identifier.kind);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_stands_where_a_number_stood() {
        let kind = |value| classified(value).kind;
        assert_eq!(kind("5491155550101"), IdentifierKind::WaId);
        assert_eq!(kind("AR.13491208655302741918"), IdentifierKind::Bsuid);
        assert_eq!(kind("AR.ENT.11815799212886844830"), IdentifierKind::ParentBsuid);
        assert_eq!(kind("user.93737..."), IdentifierKind::Bsuid);
        assert_eq!(kind("+5491155550101"), IdentifierKind::Phone);
        assert_eq!(kind("ñ.1"), IdentifierKind::WaId);
    }

    #[test]
    fn the_only_contact_belongs_to_the_only_person() {
        let person = |number: &str| Person { number: Some(number.to_owned()), ..Person::default() };
        let value = json!({"contacts": [{"wa_id": "5541988880104"}], "messages": [{"from": "554188880104"}]});
        assert!(Contacts::of(&value).find(&person("554188880104")).is_some());

        let value =
            json!({"contacts": [{"wa_id": "2"}], "messages": [{"from": "1"}], "statuses": [{"recipient_id": "2"}]});
        let contacts = Contacts::of(&value);
        assert!(contacts.find(&person("1")).is_none(), "the contact belongs to the status");
        assert!(contacts.find(&person("2")).is_some());
    }

    #[test]
    fn another_bsuid_is_another_person() {
        let value = json!({"contacts": [{"user_id": "AR.2"}], "messages": [{"from_user_id": "AR.1"}]});
        let person = Person { user: Some("AR.1".to_owned()), ..Person::default() };
        assert!(Contacts::of(&value).find(&person).is_none());
    }
}
