//! One element of `messages` or `message_echoes`: who wrote what.

use relevo_domain::conversation::{Medium, MessageKind};
use relevo_domain::identity::IdentifierKind;
use serde_json::Value;

use super::content::{content, type_of};
use super::identity::{Contact, Person, classified, distinct, identifiers};
use super::json::{canonical, member, short, timestamp};
use super::{Context, parked};
use crate::fact::{Class, Fact, Identifier, Key, MessageFact, NotUnderstood, NotUnderstoodReason, What};

/// Who an element is about.
struct Who {
    author: Option<String>,
    identifiers: Vec<Identifier>,
    /// The element names a person, even if by an identifier that must not be kept.
    names_somebody: bool,
}

/// An element that names its id and somebody.
struct Element<'a> {
    message: &'a Value,
    at: &'a str,
    class: Class,
    id: String,
    /// The identifier that the author wrote from.
    author: Option<String>,
    identifiers: Vec<Identifier>,
    name: Option<String>,
}

/// Something that a customer wrote or did.
pub(super) fn inbound(message: &Value, at: &str, context: &Context<'_>) -> Result<Fact, NotUnderstood> {
    let sender = Person::of(message, "from", "from_user_id", "from_parent_user_id");
    let contact = context.contacts.find(&sender);
    let own = Own::of(context);
    let named = identifiers(&sender, contact);
    // Who names nobody is refused. Who names the business alone is somebody, but nobody can say who.
    let names_somebody = named.iter().any(|identifier| identifier.kind.binds());
    let named = own.without(named);
    let change = Change::of(message, &named, &own);
    let named = match &change {
        Some(change) => change.previous.clone(),
        None if named.is_empty() && names_somebody => own.without(former_ids(message)),
        None => named,
    };
    let names_somebody = names_somebody || change.is_some();
    let contact = contact.filter(|contact| !own.is(&contact.person));
    let author = sender.address().or_else(|| contact.and_then(|contact| contact.person.address()));
    let author = author.map(str::to_owned).or_else(|| Some(change.as_ref()?.previous.first()?.value.clone()));
    let element = element(message, at, Class::Message, Who { author, identifiers: named, names_somebody }, contact)?;
    let what = match type_of(message).as_str() {
        "edit" => element.edit()?,
        "revoke" => What::Revoke { original_provider_id: element.original("revoke")?, by_business: false },
        "reaction" => {
            let emoji = message.pointer("/reaction").and_then(|reaction| member(reaction, "emoji"));
            What::Reaction { message_provider_id: element.named("reaction", "message_id")?, emoji }
        }
        _ => match change {
            Some(Change { previous, current }) => {
                What::IdentityChanged { message: Box::new(element.content(message)?), previous, current }
            }
            None => What::Message(Box::new(element.content(message)?)),
        },
    };
    Ok(element.fact(what))
}

/// Something that the owner of the number wrote or did in the app on the phone.
pub(super) fn echo(message: &Value, at: &str, context: &Context<'_>) -> Result<Fact, NotUnderstood> {
    let to = Person::of(message, "to", "to_user_id", "to_parent_user_id");
    let from = Person::of(message, "from", "from_user_id", "from_parent_user_id");
    // Captures exist that name both the other way round; the business is the number that the value is for.
    let own = Own::of(context);
    let swapped = own.is(&to) && !own.is(&from);
    let (customer, author) = if swapped { (from, to) } else { (to, from) };
    let contact = context.contacts.find(&customer);
    let named = identifiers(&customer, contact);
    let author = author.address().map(str::to_owned);
    let names_somebody = named.iter().any(|identifier| identifier.kind.binds());
    let element = element(message, at, Class::Other, Who { author, identifiers: named, names_somebody }, contact)?;
    let what = match type_of(message).as_str() {
        "edit" => element.edit()?,
        "revoke" => What::Revoke { original_provider_id: element.original("revoke")?, by_business: true },
        // The owner's own reaction changes nothing that is shown yet; it is no reaction of the customer.
        "reaction" => What::ProviderUpdate { field: context.field.to_owned(), json: canonical(message) },
        _ => What::Echo(Box::new(element.content(message)?)),
    };
    Ok(element.fact(what))
}

/// The business itself: the number that a value is for, as it is shown and as Meta calls it.
struct Own {
    numbers: Vec<String>,
}

impl Own {
    fn of(context: &Context<'_>) -> Self {
        let metadata = context.value.get("metadata").unwrap_or(&Value::Null);
        let names = ["display_phone_number", "phone_number_id"];
        let numbers = names.into_iter().filter_map(|name| short(metadata, name)).map(|number| digits(&number));
        Self { numbers: numbers.filter(|number| !number.is_empty()).collect() }
    }

    fn is(&self, person: &Person) -> bool {
        person.number.as_deref().is_some_and(|number| self.is_number(number))
    }

    fn is_number(&self, number: &str) -> bool {
        let is_number = matches!(classified(number).kind, IdentifierKind::WaId | IdentifierKind::Phone);
        is_number && self.numbers.contains(&digits(number))
    }

    /// Without the business's own numbers: bound to a customer, they would lead everybody whom an update names by them into
    /// that customer's conversation.
    fn without(&self, mut identifiers: Vec<Identifier>) -> Vec<Identifier> {
        identifiers.retain(|identifier| !self.is_number(&identifier.value));
        identifiers
    }
}

/// Numbers for display come with signs and blanks, ids without.
fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

fn element<'a>(
    message: &'a Value,
    at: &'a str,
    class: Class,
    who: Who,
    contact: Option<&Contact>,
) -> Result<Element<'a>, NotUnderstood> {
    let refuse = |reason, at: String| Err(parked(reason, at, Some(class)));
    let Some(id) = member(message, "id") else {
        return refuse(NotUnderstoodReason::MissingId, format!("{at}/id"));
    };
    if member(message, "group_id").is_some() {
        return refuse(NotUnderstoodReason::NotYet, format!("{at}/group_id"));
    }
    if !who.names_somebody {
        return refuse(NotUnderstoodReason::MissingSender, at.to_owned());
    }
    let name = contact.and_then(|contact| contact.name.clone());
    let Who { author, identifiers, .. } = who;
    Ok(Element { message, at, class, id, author, identifiers, name })
}

impl Element<'_> {
    fn content(&self, holder: &Value) -> Result<MessageFact, NotUnderstood> {
        content(holder, self.id.clone(), self.author.clone(), self.at, self.class)
    }

    /// A provider id that the payload must name for the element to mean anything.
    fn named(&self, payload: &str, name: &str) -> Result<String, NotUnderstood> {
        let found = self.message.get(payload).and_then(|holder| member(holder, name));
        let at = || format!("{}/{payload}/{name}", self.at);
        found.ok_or_else(|| parked(NotUnderstoodReason::WrongType, at(), Some(self.class)))
    }

    fn original(&self, payload: &str) -> Result<String, NotUnderstood> {
        self.named(payload, "original_message_id")
    }

    fn edit(&self) -> Result<What, NotUnderstood> {
        let original_provider_id = self.original("edit")?;
        let edited = self.message.pointer("/edit/message").unwrap_or(&Value::Null);
        let at = format!("{}/edit/message", self.at);
        if !edited.is_object() {
            return Err(parked(NotUnderstoodReason::WrongType, at, Some(self.class)));
        }
        let mut message = content(edited, self.id.clone(), self.author.clone(), &at, self.class)?;
        // What an edited message quotes cannot change, and the id here is a short one that names nothing.
        message.quoted_provider_id = None;
        let by_business = self.class == Class::Other;
        Ok(What::Edit { original_provider_id, message: Box::new(message), by_business })
    }

    fn fact(self, what: What) -> Fact {
        Fact {
            key: Key { kind: "message", provider_id: self.id, discriminator: String::new() },
            medium: Medium::WhatsApp,
            provider_time: timestamp(self.message, "timestamp"),
            identifiers: self.identifiers,
            name: self.name,
            what,
        }
    }
}

/// A system message that says that a customer has other ids from now on.
struct Change {
    previous: Vec<Identifier>,
    current: Vec<Identifier>,
}

impl Change {
    fn of(message: &Value, sender: &[Identifier], own: &Own) -> Option<Self> {
        let system = message.get("system").filter(|_| type_of(message) == MessageKind::System.as_str())?;
        let word = member(system, "type")?;
        if !(word.ends_with("changed_number") || word.ends_with("changed_user_id")) {
            return None;
        }
        let number = |name| member(system, name).map(|value| classified(&value));
        let user = |name, kind| member(system, name).map(|value| Identifier { kind, value });
        let current = own.without(distinct(
            [
                number("wa_id").or_else(|| number("new_wa_id")),
                user("user_id", IdentifierKind::Bsuid),
                user("parent_user_id", IdentifierKind::ParentBsuid),
            ]
            .into_iter()
            .flatten()
            .collect(),
        ));
        let mut previous = own.without(distinct(sender.iter().cloned().chain(former_ids(message)).collect()));
        // The envelope may already speak of the new ids: what is new cannot be what was.
        previous.retain(|identifier| !current.contains(identifier));
        let is_change = !current.is_empty() && previous.iter().any(|identifier| identifier.kind.binds());
        is_change.then_some(Self { previous, current })
    }
}

/// The ids that a system message says the customer had.
fn former_ids(message: &Value) -> Vec<Identifier> {
    let system = message.get("system").unwrap_or(&Value::Null);
    let user = |name, kind| member(system, name).map(|value| Identifier { kind, value });
    let former = [
        member(system, "customer").map(|value| classified(&value)),
        user("previous_user_id", IdentifierKind::Bsuid),
        user("previous_parent_user_id", IdentifierKind::ParentBsuid),
    ];
    former.into_iter().flatten().collect()
}
