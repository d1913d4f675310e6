//! To which conversation a mail belongs.
//!
//! First by our own seal: a Message-ID that we made, or the token behind the `+` of our address. Nobody can forge either, so they
//! join the conversation whoever sends them; but they can be passed on, so a sender whom the thread does not know is unverified.
//!
//! Then by what senders choose: newsletters share roots, so a known Message-ID joins a mail to a conversation only if its sender
//! has written in that conversation before. Everything else opens a conversation of its own.

use relevo_channels::MailFact;
use relevo_command::decision::{BadRow, DecisionReader};
use relevo_command::{IdKey, Ledger, LedgerError};
use relevo_domain::{CommandId, EntityId, MessageId};

use crate::report::{is_here, queued};
use crate::routes::ChannelRef;

/// Where a mail belongs, and what it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thread {
    pub conversation: EntityId,
    pub reply_to: Option<MessageId>,
    /// Its Message-ID came before, in another mail.
    pub message_id_reused: bool,
    /// It was joined by our own seal alone: its sender is not known there.
    pub unverified: bool,
}

/// Finds the thread of a mail. Waits until the decision store holds what this node wrote: the look-up is not by entity.
pub(crate) async fn find(
    ledger: &Ledger,
    key: &IdKey,
    at: &ChannelRef,
    mail: &MailFact,
    command: &CommandId,
) -> Result<Thread, LedgerError> {
    ledger.settle().await?;
    if let Some((conversation, reply_to)) = sealed(ledger, key, at, mail).await? {
        return ledger.read(|reader| {
            let known = match &mail.from {
                Some(from) => reader.participates(&at.tenant, &conversation, from)?,
                None => false,
            };
            let message_id_reused = is_reused(reader, at, mail)?;
            Ok::<_, BadRow>(Thread { conversation, reply_to, message_id_reused, unverified: !known })
        });
    }
    ledger.read(|reader| look(reader, key, at, mail, command))
}

/// The conversation that our own seal names, if it is one of this channel, and the mail of ours that is answered.
async fn sealed(
    ledger: &Ledger,
    key: &IdKey,
    at: &ChannelRef,
    mail: &MailFact,
) -> Result<Option<(EntityId, Option<MessageId>)>, LedgerError> {
    // The direct parent first, then the thread from its end.
    let ids = mail.in_reply_to.iter().chain(mail.references.iter().rev());
    for (conversation, message) in ids.filter_map(|id| key.of_mail_id(id)) {
        if queued(ledger, at, message).await? == Some(conversation) {
            return Ok(Some((conversation, Some(message))));
        }
    }
    let addresses = mail.to.iter().chain(&mail.cc).chain(&mail.delivered_to);
    for conversation in addresses.filter_map(|address| key.of_conversation_token(token(address)?)) {
        if is_here(ledger, at, &conversation)? {
            return Ok(Some((conversation, None)));
        }
    }
    Ok(None)
}

/// The conversations that our own seals in a mail name. Whether they are known is not asked.
pub(crate) fn named(key: &IdKey, mail: &MailFact) -> Vec<EntityId> {
    let ids = mail.in_reply_to.iter().chain(&mail.references).chain(&mail.message_id);
    let ids = ids.chain(mail.report.iter().map(|report| &report.original_message_id));
    let addresses = mail.to.iter().chain(&mail.cc).chain(&mail.delivered_to);
    let by_address = addresses.filter_map(|address| key.of_conversation_token(token(address)?));
    ids.filter_map(|id| key.of_mail_id(id)).map(|(conversation, _)| conversation).chain(by_address).collect()
}

/// What stands behind the last `+` of an address.
fn token(address: &str) -> Option<&str> {
    let (local, _domain) = address.rsplit_once('@')?;
    local.rsplit_once('+').map(|(_, token)| token)
}

/// Whether the mail's own Message-ID came before, in another mail.
fn is_reused(reader: &DecisionReader<'_>, at: &ChannelRef, mail: &MailFact) -> Result<bool, BadRow> {
    let Some(id) = &mail.message_id else { return Ok(false) };
    Ok(reader.mail(&at.tenant, &at.channel, id)?.is_some_and(|known| known.message.is_some()))
}

fn look(
    reader: &DecisionReader<'_>,
    key: &IdKey,
    at: &ChannelRef,
    mail: &MailFact,
    command: &CommandId,
) -> Result<Thread, BadRow> {
    let own = match &mail.message_id {
        Some(id) => reader.mail(&at.tenant, &at.channel, id)?,
        None => None,
    };
    let message_id_reused = own.is_some_and(|known| known.message.is_some());
    // The direct parent first, then the thread from its end: the nearest ancestor knows best. A parent that comes after
    // its child is known under its own id, because the child refers to it.
    let weak_self = mail.message_id.iter().filter(|_| own.is_some_and(|known| known.message.is_none()));
    for id in mail.in_reply_to.iter().chain(mail.references.iter().rev()).chain(weak_self) {
        let Some(known) = reader.mail(&at.tenant, &at.channel, id)? else { continue };
        let Some(from) = &mail.from else { break };
        if reader.participates(&at.tenant, &known.conversation, from)? {
            return Ok(Thread {
                conversation: known.conversation,
                reply_to: known.message,
                message_id_reused,
                unverified: false,
            });
        }
    }
    let conversation = key.conversation_of_command(command);
    Ok(Thread { conversation, reply_to: None, message_id_reused, unverified: false })
}
