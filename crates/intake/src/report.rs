//! To which conversation a delivery report belongs, and which message it is about.
//!
//! A provider's id of a message is not known before its answer is stored, and a report may come first. So our own id, where the
//! provider carried it back, decides; then the provider's id, if its answer is stored; then the conversation of the recipient,
//! where the report waits under the id that the provider's derives; then the channel.

use relevo_channels::{Fact, MailFact, MailRecipient, MailReport, StatusFact};
use relevo_command::decision::EntityState;
use relevo_command::{IdKey, Ledger, LedgerError};
use relevo_domain::conversation::{Body, ConversationEvent, DeliveryReport, DeliveryReportPersonal, DeliveryStatus};
use relevo_domain::{EntityId, Event, MessageId, Position, Timestamp};

use crate::message;
use crate::place;
use crate::routes::ChannelRef;

/// A report, and where it belongs: no conversation is the channel.
pub(crate) struct Addressed {
    pub conversation: Option<EntityId>,
    pub report: DeliveryReport,
    /// The id that the provider's own id derives.
    pub alias: MessageId,
}

/// Addresses a status of a messaging channel.
pub(crate) async fn of_status(
    ledger: &Ledger,
    key: &IdKey,
    at: &ChannelRef,
    fact: &Fact,
    said: &StatusFact,
    when: Timestamp,
) -> Result<Addressed, LedgerError> {
    let mut report = message::report(key, &at.channel, said, when);
    let alias = report.message;
    let ours = match said.ours {
        Some(ours) => queued(ledger, at, ours).await?.map(|conversation| (conversation, ours)),
        None => None,
    };
    let known = match ours {
        Some(known) => Some(known),
        None => accepted(ledger, at, alias)?,
    };
    if let Some((conversation, message)) = known {
        report.message = message;
        return Ok(Addressed { conversation: Some(conversation), report, alias });
    }
    let conversation = place::of_recipient(ledger, key, at, fact).await?;
    Ok(Addressed { conversation, report, alias })
}

/// Addresses what a mail reports about one of ours: by our own Message-ID, which nobody else can make, else by the one that
/// the server on the way gave it. `None` if it is about no mail of this channel.
pub(crate) async fn of_mail(
    ledger: &Ledger,
    key: &IdKey,
    at: &ChannelRef,
    said: &MailReport,
    when: Timestamp,
) -> Result<Option<Addressed>, LedgerError> {
    let alias = key.message(&at.channel, &said.original_message_id);
    let signed = match key.of_mail_id(&said.original_message_id) {
        Some((named, message)) => {
            queued(ledger, at, message).await?.filter(|found| *found == named).map(|found| (found, message))
        }
        None => None,
    };
    let known = match signed {
        Some(known) => Some(known),
        None => accepted(ledger, at, alias)?,
    };
    let Some((conversation, message)) = known else { return Ok(None) };
    let sent = mail_sent(ledger, at, message).await?;
    let (status, error_code, recipient) = sent.as_ref().map_or_else(
        || (said.status.clone(), said.code.clone(), said.recipient.clone()),
        |(to, cc)| of_whom_it_was_to(said, to, cc),
    );
    let personal =
        DeliveryReportPersonal { provider_id: said.original_message_id.clone(), recipient, details_json: None };
    let report = DeliveryReport { message, status, reported_at: when, error_code, personal };
    Ok(Some(Addressed { conversation: Some(conversation), report, alias }))
}

/// Whom a mail of ours was to, and who else got a copy. `None` if it was not queued here.
async fn mail_sent(
    ledger: &Ledger,
    at: &ChannelRef,
    message: MessageId,
) -> Result<Option<(String, Vec<String>)>, LedgerError> {
    let Some((_, sequence)) = ledger.message(&at.tenant, message)? else { return Ok(None) };
    let Some(recorded) = ledger.recorded(Position::new(sequence)).await? else { return Ok(None) };
    let queued = recorded.commit.events.into_iter().find_map(|event| {
        let Event::Conversation(ConversationEvent::MessageQueued(outgoing)) = event else { return None };
        (outgoing.id == message).then_some(outgoing)
    });
    Ok(queued.and_then(|outgoing| {
        let Body::Mail(mail) = outgoing.body else { return None };
        Some((outgoing.personal.to.value, mail.cc))
    }))
}

/// What a report says of the mail: what became of it on the way to the one it was to. Who got a copy decides nothing; of them it
/// is only said. Somebody who is neither may be whom the address passes mails on to, so that counts.
fn of_whom_it_was_to(said: &MailReport, to: &str, cc: &[String]) -> (DeliveryStatus, Option<String>, Option<String>) {
    let has_copy = |one: &MailRecipient| !one.is(to) && cc.iter().any(|address| one.is(address));
    let addressee = said.recipients.iter().find(|one| one.is(to));
    let decides = addressee.or_else(|| said.recipients.iter().find(|one| !has_copy(one)));
    let (about, status) = match (decides, said.recipients.first()) {
        (Some(one), _) => (one, one.status.clone()),
        (None, Some(copy)) => (copy, of_a_copy(&copy.status)),
        (None, None) => return (said.status.clone(), said.code.clone(), said.recipient.clone()),
    };
    (status, about.code.clone(), about.shown().cloned())
}

/// What became of a copy, said of the mail.
fn of_a_copy(status: &DeliveryStatus) -> DeliveryStatus {
    match status {
        DeliveryStatus::Failed | DeliveryStatus::Warning => DeliveryStatus::Warning,
        // It left our server, and that is all that is known of the one it was to.
        DeliveryStatus::Queued
        | DeliveryStatus::Accepted
        | DeliveryStatus::Sent
        | DeliveryStatus::Delivered
        | DeliveryStatus::Read
        | DeliveryStatus::Played => DeliveryStatus::Sent,
        DeliveryStatus::Deleted | DeliveryStatus::Other(_) => status.clone(),
    }
}

/// A copy of a mail of ours, from the folder of what was sent or from a copy to ourselves, is no new mail: it says that the
/// server took the one that the thread has. `None` for every other mail.
pub(crate) async fn of_own_copy(
    ledger: &Ledger,
    key: &IdKey,
    at: &ChannelRef,
    said: &MailFact,
    when: Timestamp,
) -> Result<Option<Addressed>, LedgerError> {
    let Some(id) = said.message_id.as_ref().filter(|_| said.flags.own_loop) else { return Ok(None) };
    let Some((named, message)) = key.of_mail_id(id) else { return Ok(None) };
    let Some(conversation) = queued(ledger, at, message).await?.filter(|found| *found == named) else {
        return Ok(None);
    };
    let personal = DeliveryReportPersonal { provider_id: id.clone(), recipient: None, details_json: None };
    let report =
        DeliveryReport { message, status: DeliveryStatus::Sent, reported_at: when, error_code: None, personal };
    Ok(Some(Addressed { conversation: Some(conversation), report, alias: key.message(&at.channel, id) }))
}

/// The conversation on this channel that has this message of ours. Another node may have queued it a moment ago, and such a report
/// is the only thing that tells what became of it: so before it is not known, the log is read to its end.
pub(crate) async fn queued(
    ledger: &Ledger,
    at: &ChannelRef,
    message: MessageId,
) -> Result<Option<EntityId>, LedgerError> {
    let mut found = ledger.message(&at.tenant, message)?;
    if found.is_none() {
        ledger.catch_up().await?;
        found = ledger.message(&at.tenant, message)?;
    }
    let Some((conversation, _sequence)) = found else { return Ok(None) };
    Ok(is_here(ledger, at, &conversation)?.then_some(conversation))
}

/// The message of ours that a provider's id names, with its conversation on this channel.
fn accepted(ledger: &Ledger, at: &ChannelRef, alias: MessageId) -> Result<Option<(EntityId, MessageId)>, LedgerError> {
    let Some((conversation, message)) = ledger.sent(&at.tenant, alias)? else { return Ok(None) };
    Ok(is_here(ledger, at, &conversation)?.then_some((conversation, message)))
}

/// Whether the conversation is one of this channel: an id that came back through another one proves nothing.
pub(crate) fn is_here(ledger: &Ledger, at: &ChannelRef, conversation: &EntityId) -> Result<bool, LedgerError> {
    let entity = ledger.load(&at.tenant, conversation)?;
    let EntityState::Conversation(state) = &entity.state else { return Ok(false) };
    Ok(state.opened.as_ref().is_some_and(|opened| opened.channel == at.channel))
}
