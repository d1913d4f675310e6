//! How much an update holds: the bytes of all texts in it, so that a target can say that a small input never becomes a large output.

use relevo_channels::{Fact, Identifier, MailFact, MailReport, MessageFact, StatusFact, Target, Update, What};
use relevo_domain::conversation::{Attachment, MessageKind};

/// Bytes of all texts of these updates.
pub(crate) fn of(updates: &[Update]) -> usize {
    updates.iter().map(update).sum()
}

fn update(update: &Update) -> usize {
    let target = match &update.target {
        Target::Number { phone_number_id } => phone_number_id.len(),
        Target::Account { waba_id, display_phone_number } => waba_id.len() + text(display_phone_number.as_ref()),
        Target::Endpoint | Target::Nowhere => 0,
    };
    target + update.content.as_ref().map_or_else(|refused| refused.at.len(), fact)
}

fn fact(fact: &Fact) -> usize {
    fact.key.provider_id.len()
        + fact.key.discriminator.len()
        + identifiers(&fact.identifiers)
        + text(fact.name.as_ref())
        + what(&fact.what)
}

fn what(what: &What) -> usize {
    match what {
        What::Message(fact) | What::Echo(fact) => message(fact),
        What::Edit { original_provider_id, message: fact, by_business: _ } => {
            original_provider_id.len() + message(fact)
        }
        What::Revoke { original_provider_id, by_business: _ } => original_provider_id.len(),
        What::Reaction { message_provider_id, emoji } => message_provider_id.len() + text(emoji.as_ref()),
        What::Status(fact) => status(fact),
        What::IdentityChanged { message: fact, previous, current } => {
            message(fact) + identifiers(previous) + identifiers(current)
        }
        What::Mail(fact) => mail(fact),
        What::ProviderUpdate { field, json } => field.len() + json.len(),
    }
}

fn message(fact: &MessageFact) -> usize {
    let kind = if let MessageKind::Other(word) = &fact.kind { word.len() } else { 0 };
    let texts = [&fact.text, &fact.sender_address, &fact.quoted_provider_id, &fact.details_json];
    kind + fact.provider_id.len() + sum(texts) + fact.attachments.iter().map(attachment).sum::<usize>()
}

fn status(fact: &StatusFact) -> usize {
    fact.provider_id.len() + fact.status.as_str().len() + sum([&fact.error_code, &fact.recipient, &fact.details_json])
}

fn mail(fact: &MailFact) -> usize {
    let lists = [&fact.in_reply_to, &fact.references, &fact.to, &fact.cc, &fact.delivered_to];
    let texts =
        [&fact.message_id, &fact.from, &fact.from_name, &fact.text, &fact.quoted, &fact.html, &fact.report_json];
    fact.subject.len()
        + lists.into_iter().flatten().map(String::len).sum::<usize>()
        + sum(texts)
        + fact.attachments.iter().map(attachment).sum::<usize>()
        + fact.content_hash.len()
        + fact.report.as_ref().map_or(0, report)
}

fn report(report: &MailReport) -> usize {
    let each = |one: &relevo_channels::MailRecipient| {
        one.status.as_str().len() + sum([&one.code, &one.address, &one.original_address])
    };
    report.original_message_id.len()
        + report.status.as_str().len()
        + sum([&report.code, &report.recipient])
        + report.recipients.iter().map(each).sum::<usize>()
}

fn attachment(attachment: &Attachment) -> usize {
    let personal = &attachment.personal;
    let texts = [&attachment.sha256, &attachment.provider_id, &personal.file_name, &personal.url, &personal.content_id];
    attachment.mime_type.len() + sum(texts)
}

fn identifiers(identifiers: &[Identifier]) -> usize {
    identifiers.iter().map(|identifier| identifier.value.len()).sum()
}

fn sum<'t>(texts: impl IntoIterator<Item = &'t Option<String>>) -> usize {
    texts.into_iter().map(|one| text(one.as_ref())).sum()
}

fn text(text: Option<&String>) -> usize {
    text.map_or(0, String::len)
}
