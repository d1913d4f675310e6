//! What a mail refers to: the headers that keep a thread together in every mail client.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use relevo_domain::conversation::{Body, ConversationEvent, Message, Outgoing};
use relevo_domain::{EntityId, Event, MessageId, Position, TenantId};
use sha2::{Digest as _, Sha256};

use super::recipient;
use crate::ledger::{Ledger, LedgerError};

/// Ids in `References`: the first ones of a long thread tell nobody anything.
const REFERENCES_MAX: usize = 20;
/// Words before a subject that say "answer", in the languages of mail programs.
const ANSWER_WORDS: [&str; 7] = ["re", "aw", "sv", "antw", "odp", "ynt", "res"];

/// A message of the thread that another one refers to.
pub(super) struct Quoted {
    /// What its provider calls it; absent if no provider has it yet.
    pub(super) provider_id: Option<String>,
    /// Who wrote it, if it was a customer who belongs to the thread.
    pub(super) sender: Option<String>,
    pub(super) mail: Option<QuotedMail>,
}

/// What an answer to a mail takes over.
pub(super) struct QuotedMail {
    pub(super) subject: String,
    pub(super) message_id: Option<String>,
    /// Oldest first.
    pub(super) references: Vec<String>,
}

/// A message of this conversation, from the log.
pub(super) async fn quoted(
    ledger: &Ledger,
    tenant: &TenantId,
    conversation: &EntityId,
    message: MessageId,
) -> Result<Option<Quoted>, LedgerError> {
    let mut known = ledger.message(tenant, message)?;
    if known.is_none() {
        // Another node may have taken it in a moment ago.
        ledger.catch_up().await?;
        known = ledger.message(tenant, message)?;
    }
    let Some((_, sequence)) = known.filter(|(of, _)| of == conversation) else { return Ok(None) };
    let Some(recorded) = ledger.recorded(Position::new(sequence)).await? else { return Ok(None) };
    for event in recorded.commit.events {
        match event {
            Event::Conversation(ConversationEvent::MessageReceived(said) | ConversationEvent::MessageEchoed(said))
                if said.id == message =>
            {
                return Ok(Some(of_customer(*said)));
            }
            Event::Conversation(ConversationEvent::MessageQueued(outgoing)) if outgoing.id == message => {
                let provider_id = accepted_as(ledger, tenant, message).await?;
                return Ok(Some(of_ours(*outgoing, provider_id)));
            }
            Event::Conversation(_)
            | Event::Contact(_)
            | Event::Identity(_)
            | Event::Channel(_)
            | Event::Workspace(_)
            | Event::Bulk(_) => {}
        }
    }
    Ok(None)
}

/// What its provider calls a message of this conversation.
pub(crate) async fn provider_id_of(
    ledger: &Ledger,
    tenant: &TenantId,
    conversation: &EntityId,
    message: MessageId,
) -> Result<Option<String>, LedgerError> {
    Ok(quoted(ledger, tenant, conversation, message).await?.and_then(|quoted| quoted.provider_id))
}

fn of_customer(message: Message) -> Quoted {
    let personal = message.content.personal;
    let mail = personal.mail.map(|mail| {
        // RFC 5322: who has no References passes its In-Reply-To on.
        let references = if mail.references.is_empty() { mail.in_reply_to } else { mail.references };
        QuotedMail { subject: mail.subject, message_id: mail.message_id, references }
    });
    let answered = !message.flags.unverified && message.flags.by_a_person();
    let provider_id = Some(personal.provider_id).filter(|id| !id.is_empty());
    Quoted { provider_id, sender: personal.sender_address.filter(|_| answered), mail }
}

fn of_ours(outgoing: Outgoing, provider_id: Option<String>) -> Quoted {
    let mail = match outgoing.body {
        Body::Mail(mail) => {
            Some(QuotedMail { subject: mail.subject, message_id: Some(mail.message_id), references: mail.references })
        }
        Body::Text { .. }
        | Body::Media { .. }
        | Body::Location(_)
        | Body::Contacts(_)
        | Body::Reaction { .. }
        | Body::Buttons { .. }
        | Body::List { .. }
        | Body::Template(_) => None,
    };
    Quoted { provider_id, sender: None, mail }
}

/// What the provider called a message of ours when it took it.
async fn accepted_as(ledger: &Ledger, tenant: &TenantId, message: MessageId) -> Result<Option<String>, LedgerError> {
    let Some((_, sequence)) = ledger.accepted(tenant, message)? else { return Ok(None) };
    let Some(recorded) = ledger.recorded(Position::new(sequence)).await? else { return Ok(None) };
    Ok(recorded.commit.events.into_iter().find_map(|event| match event {
        Event::Conversation(ConversationEvent::MessageAccepted { message: of, personal, .. }) if of == message => {
            Some(personal.provider_id)
        }
        Event::Conversation(_)
        | Event::Contact(_)
        | Event::Identity(_)
        | Event::Channel(_)
        | Event::Workspace(_)
        | Event::Bulk(_) => None,
    }))
}

impl QuotedMail {
    /// The ids of an answer's `References`: the thread's, then this mail's own.
    pub(super) fn thread(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for id in self.references.iter().chain(&self.message_id) {
            // What repeats itself stands where it came last.
            all.retain(|known| known != id);
            all.push(id.clone());
        }
        all.split_off(all.len().saturating_sub(REFERENCES_MAX))
    }

    /// The subject of an answer: the same, behind one "Re: ".
    pub(super) fn answer_subject(&self) -> String {
        let mut subject = one_line(&self.subject);
        while let Some((word, rest)) = subject.split_once(':') {
            let word = word.trim().to_lowercase();
            // Some programs count: `Re[2]:`.
            let word = word.split_once('[').map_or(word.as_str(), |(word, _)| word);
            if !ANSWER_WORDS.contains(&word) {
                break;
            }
            subject = rest.trim().to_owned();
        }
        format!("Re: {subject}").trim_end().to_owned()
    }
}

/// Who gets a copy, each once and in order; whom the mail goes to gets none. `None` if one is no address.
pub(super) fn copies(cc: &[String], to: &str) -> Option<Vec<String>> {
    let mut seen = BTreeSet::from([to.to_lowercase()]);
    let mut all: Vec<String> = cc.iter().map(|one| recipient::address(one)).collect::<Option<_>>()?;
    all.retain(|one| seen.insert(one.clone()));
    Some(all)
}

/// The HTML that was asked for, in what is kept of it.
pub(super) fn html_sha256(html: &str) -> String {
    Sha256::digest(html.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        // Writing into a String cannot fail.
        write!(hex, "{byte:02x}").ok();
        hex
    })
}

/// What was received may be folded or worse; what is sent is one line.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(subject: &str, references: &[&str], message_id: Option<&str>) -> QuotedMail {
        QuotedMail {
            subject: subject.to_owned(),
            message_id: message_id.map(str::to_owned),
            references: references.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    #[test]
    fn a_subject_is_kept_behind_one_re() {
        let answer = |subject| mail(subject, &[], None).answer_subject();
        for same in ["Pedido 12", "Re: Pedido 12", "RE: re: AW: Pedido 12", "Re[2]: Pedido 12", " re :Pedido 12"] {
            assert_eq!(answer(same), "Re: Pedido 12", "{same}");
        }
        assert_eq!(answer("RV: Pedido: urgente"), "Re: RV: Pedido: urgente", "what was forwarded stays forwarded");
        assert_eq!(answer("Hola\r\nBcc: x@y.z"), "Re: Hola Bcc: x@y.z");
        assert_eq!(answer(""), "Re:");
    }

    #[test]
    fn references_end_with_what_is_answered_and_have_a_limit() {
        let many: Vec<String> = (0..30).map(|n| format!("{n}@x")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let thread = mail("", &many, Some("last@x")).thread();
        assert_eq!(thread.len(), REFERENCES_MAX);
        assert_eq!(thread.last().map(String::as_str), Some("last@x"));
        assert_eq!(thread[REFERENCES_MAX - 2], "29@x");
        assert_eq!(mail("", &["a", "b", "a"], Some("b")).thread(), ["a", "b"]);
        assert!(mail("", &[], None).thread().is_empty());
    }
}
