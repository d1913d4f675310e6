//! To which conversation a mail belongs.
//!
//! References are chosen by the sender, and newsletters share roots: a known Message-ID joins a mail to a conversation only
//! if its sender has written in that conversation before. Everything else opens a conversation of its own.

use relevo_channels::MailFact;
use relevo_command::decision::DecisionReader;
use relevo_command::{IdKey, Ledger, LedgerError};
use relevo_domain::{CommandId, EntityId, MessageId};

use crate::routes::ChannelRef;

/// Where a mail belongs, and what it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thread {
    pub conversation: EntityId,
    pub reply_to: Option<MessageId>,
    /// Its Message-ID came before, in another mail.
    pub message_id_reused: bool,
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
    ledger.read(|reader| look(reader, key, at, mail, command))
}

fn look(
    reader: &DecisionReader<'_>,
    key: &IdKey,
    at: &ChannelRef,
    mail: &MailFact,
    command: &CommandId,
) -> Result<Thread, relevo_command::decision::BadRow> {
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
            return Ok(Thread { conversation: known.conversation, reply_to: known.message, message_id_reused });
        }
    }
    Ok(Thread { conversation: key.conversation_of_command(command), reply_to: None, message_id_reused })
}
