//! Whether a repeated command wants the message that was queued under its id. Compares what the client chose; what was looked up then
//! (recipients, templates' texts, files' types) is not the client's.

use std::collections::BTreeSet;

use relevo_domain::conversation::{
    Body, ConversationEvent, Outgoing, OutgoingMail, Recipient, StoredFile, TemplateUse,
};
use relevo_domain::{EntityId, Event, MessageId, Recorded};

use super::mail;
use super::recipient;
use super::resolve::Resolver;
use super::wish::{FileRef, Wanted, WantedBody, WantedMail, WantedTemplate};
use crate::contact;
use crate::conversation::{opened_of, workspace_of};
use crate::ledger::{Ledger, LedgerError};

/// Whether this commit queued the wanted message under this id.
pub(super) async fn stored(
    resolver: &Resolver<'_>,
    ledger: &Ledger,
    wanted: &Wanted,
    id: MessageId,
    recorded: &Recorded,
) -> Result<bool, LedgerError> {
    let Some(queued) = queued(recorded, id) else { return Ok(false) };
    if queued.reply_to != wanted.reply_to {
        return Ok(false);
    }
    let WantedBody::QuickReply { name } = &wanted.body else {
        return Ok(body(&wanted.body, wanted.sign, queued));
    };
    // What the quick reply said then.
    let (tenant, at) = (&recorded.commit.tenant, recorded.position());
    let workspace = workspace_of(&ledger.as_of(tenant, &EntityId::WORKSPACE, at).await?);
    let conversation = ledger.as_of(tenant, &recorded.commit.entity, at).await?;
    let contact = match opened_of(&conversation) {
        Some(opened) => contact::name_of(&ledger.as_of(tenant, &opened.contact, at).await?),
        None => None,
    };
    let said = resolver.filled(&workspace, contact, name);
    Ok(said.is_ok_and(|text| queued.body.text().is_some_and(|stored| is_text(&text, wanted.sign, stored))))
}

/// Whether this commit queued the message for this recipient.
pub(super) fn goes_to(recorded: &Recorded, id: MessageId, to: &Recipient) -> bool {
    queued(recorded, id).is_some_and(|queued| queued.personal.to == *to)
}

fn queued(recorded: &Recorded, id: MessageId) -> Option<&Outgoing> {
    recorded.commit.events.iter().find_map(|event| match event {
        Event::Conversation(ConversationEvent::MessageQueued(outgoing)) if outgoing.id == id => Some(outgoing.as_ref()),
        Event::Conversation(_)
        | Event::Contact(_)
        | Event::Identity(_)
        | Event::Channel(_)
        | Event::Workspace(_)
        | Event::Bulk(_) => None,
    })
}

fn body(wanted: &WantedBody, sign: bool, queued: &Outgoing) -> bool {
    let to = &queued.personal.to;
    match (wanted, &queued.body) {
        (WantedBody::Text { text, preview_url }, Body::Text { text: stored, preview_url: preview }) => {
            preview_url == preview && is_text(text, sign, stored)
        }
        (WantedBody::Text { text, .. }, Body::Mail(stored)) => {
            is_mail(&WantedMail { text: text.clone(), ..WantedMail::default() }, sign, to, stored)
        }
        (WantedBody::Media { kind, file, caption }, Body::Media { kind: of, file: stored, caption: said }) => {
            kind == of && is_file(file, stored) && caption == said
        }
        (WantedBody::Media { file, caption, .. }, Body::Mail(stored)) => {
            let (text, files) = (caption.clone().unwrap_or_default(), vec![file.clone()]);
            is_mail(&WantedMail { text, files, ..WantedMail::default() }, sign, to, stored)
        }
        (WantedBody::Location(place), Body::Location(stored)) => place == stored,
        (WantedBody::Contacts(cards), Body::Contacts(stored)) => cards == stored,
        (WantedBody::Reaction { target, emoji }, Body::Reaction { target: on, emoji: with, .. }) => {
            target == on && emoji == with
        }
        (WantedBody::Buttons { frame, buttons }, Body::Buttons { frame: around, buttons: stored }) => {
            frame == around && buttons == stored
        }
        (
            WantedBody::List { frame, button, sections },
            Body::List { frame: around, button: opens, sections: stored },
        ) => frame == around && button == opens && sections == stored,
        (WantedBody::Template(template), Body::Template(stored)) => is_template(template, stored),
        (WantedBody::Mail(mail), Body::Mail(stored)) => is_mail(mail, sign, to, stored),
        (
            WantedBody::Text { .. }
            | WantedBody::QuickReply { .. }
            | WantedBody::Media { .. }
            | WantedBody::Location(_)
            | WantedBody::Contacts(_)
            | WantedBody::Reaction { .. }
            | WantedBody::Buttons { .. }
            | WantedBody::List { .. }
            | WantedBody::Template(_)
            | WantedBody::Mail(_),
            _,
        ) => false,
    }
}

/// A signature may have changed since; it stands below an empty line.
fn is_text(text: &str, sign: bool, stored: &str) -> bool {
    stored == text || (sign && stored.strip_prefix(text).is_some_and(|rest| rest.starts_with("\n\n")))
}

fn is_file(wanted: &FileRef, stored: &StoredFile) -> bool {
    wanted.sha256 == stored.sha256 && wanted.file_name == stored.file_name
}

fn are_files(wanted: &[FileRef], stored: &[StoredFile]) -> bool {
    wanted.len() == stored.len() && wanted.iter().zip(stored).all(|(wanted, stored)| is_file(wanted, stored))
}

fn is_template(wanted: &WantedTemplate, stored: &TemplateUse) -> bool {
    let values = stored.values.iter().map(|value| (value.part, &value.variable, &value.value));
    let header = match (&wanted.header_file, &stored.header_file) {
        (Some(wanted), Some(stored)) => is_file(wanted, stored),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    let base = |language: &str| language.split(['_', '-']).next().unwrap_or_default().to_lowercase();
    let language = wanted.language.as_deref().is_none_or(|language| base(language) == base(&stored.language));
    let given = wanted.values.iter().map(|(part, variable, value)| (*part, variable, value));
    header && language && wanted.name == stored.name && values.eq(given)
}

/// The HTML went through a filter, which may be another one by now: what was asked for is known by its hash, where that was kept.
fn is_mail(wanted: &WantedMail, sign: bool, sent_to: &Recipient, stored: &OutgoingMail) -> bool {
    let subject = wanted.subject.as_deref().is_none_or(|subject| subject.trim() == stored.subject);
    let to = wanted.to.as_deref().is_none_or(|to| recipient::address(to).as_ref() == Some(&sent_to.value));
    let set = |addresses: Vec<String>| addresses.into_iter().collect::<BTreeSet<_>>();
    let cc = mail::copies(&wanted.cc, &sent_to.value).is_some_and(|cc| set(cc) == set(stored.cc.clone()));
    let html = match (&wanted.html, &stored.html_sha256) {
        (Some(html), Some(kept)) => mail::html_sha256(html) == *kept,
        (wanted, None) => wanted.is_some() == stored.html.is_some(),
        (None, Some(_)) => false,
    };
    subject && to && cc && html && is_text(&wanted.text, sign, &stored.text) && are_files(&wanted.files, &stored.files)
}
