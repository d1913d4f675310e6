//! Turns the facts of `channels` into the domain's messages and reports: gives them their derived ids and their time.

use std::time::Duration;

use relevo_channels::{Fact, MailFact, MessageFact, StatusFact};
use relevo_command::IdKey;
use relevo_domain::conversation::{
    Author, Content, ContentPersonal, DeliveryReport, DeliveryReportPersonal, MailPersonal, Medium, Message,
    MessageFlags, MessageKind,
};
use relevo_domain::{ChannelId, MessageId, Timestamp};
use serde_json::Value;

/// A provider may deliver late: it retries for days. What claims to be older is a wrong clock or a forged one.
pub(crate) const OLDEST_BEFORE_RECEIPT: Duration = Duration::from_hours(8 * 24);
/// Clocks differ a little; nothing was written in the future.
pub(crate) const NEWEST_AFTER_RECEIPT: Duration = Duration::from_mins(5);

/// When an update happened, for the rules: WhatsApp's time, clamped; of a mail our receipt (its `Date` is the sender's word).
pub(crate) fn occurred_at(fact: &Fact, received_at: Timestamp) -> Timestamp {
    match (fact.medium, fact.provider_time) {
        (Medium::WhatsApp | Medium::Sms, Some(time)) => {
            time.clamp(received_at - OLDEST_BEFORE_RECEIPT, received_at + NEWEST_AFTER_RECEIPT)
        }
        (Medium::Email, _) | (_, None) => received_at,
    }
}

pub(crate) fn message(key: &IdKey, channel: &ChannelId, fact: &Fact, said: &MessageFact, author: Author) -> Message {
    Message {
        id: key.message(channel, &said.provider_id),
        author,
        content: content(fact, said),
        provider_time: fact.provider_time,
        reply_to: said.quoted_provider_id.as_ref().map(|id| key.message(channel, id)),
        flags: said.flags,
    }
}

pub(crate) fn content(fact: &Fact, said: &MessageFact) -> Content {
    Content {
        kind: said.kind.clone(),
        attachments: said.attachments.clone(),
        personal: ContentPersonal {
            provider_id: said.provider_id.clone(),
            text: said.text.clone(),
            sender_name: fact.name.clone(),
            sender_address: said.sender_address.clone(),
            details_json: said.details_json.clone(),
            mail: None,
        },
    }
}

pub(crate) fn mail(
    fact: &Fact,
    said: &MailFact,
    id: MessageId,
    reply_to: Option<MessageId>,
    flags: MessageFlags,
) -> Message {
    Message {
        id,
        author: Author::Customer,
        content: Content {
            kind: MessageKind::Email,
            attachments: said.attachments.clone(),
            personal: ContentPersonal {
                provider_id: said.message_id.clone().unwrap_or_default(),
                text: said.text.clone(),
                sender_name: said.from_name.clone(),
                sender_address: said.from.clone(),
                details_json: details(said),
                mail: Some(MailPersonal {
                    subject: said.subject.clone(),
                    message_id: said.message_id.clone(),
                    in_reply_to: said.in_reply_to.clone(),
                    references: said.references.clone(),
                    to: said.to.clone(),
                    cc: said.cc.clone(),
                    quoted: said.quoted.clone(),
                    html: said.html.clone(),
                }),
            },
        },
        provider_time: fact.provider_time,
        reply_to,
        flags,
    }
}

/// What a report says, and that a mail is here only in part, as JSON text.
fn details(said: &MailFact) -> Option<String> {
    let Some(bytes) = said.truncated_from else { return said.report_json.clone() };
    let mut details = serde_json::Map::new();
    if let Some(Value::Object(report)) = said.report_json.as_deref().and_then(|json| serde_json::from_str(json).ok()) {
        details = report;
    }
    details.insert("truncated_from_bytes".to_owned(), bytes.into());
    Some(Value::Object(details).to_string())
}

pub(crate) fn report(key: &IdKey, channel: &ChannelId, said: &StatusFact, at: Timestamp) -> DeliveryReport {
    DeliveryReport {
        message: key.message(channel, &said.provider_id),
        status: said.status.clone(),
        reported_at: at,
        error_code: said.error_code.clone(),
        personal: DeliveryReportPersonal {
            provider_id: said.provider_id.clone(),
            recipient: said.recipient.clone(),
            details_json: said.details_json.clone(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo_channels::{Key, What};

    fn fact(medium: Medium, time: Option<i64>) -> Fact {
        Fact {
            key: Key { kind: "message", provider_id: "x".to_owned(), discriminator: String::new() },
            medium,
            provider_time: time.map(Timestamp::from_seconds),
            identifiers: vec![],
            name: None,
            what: What::ProviderUpdate { field: String::new(), json: String::new() },
        }
    }

    #[test]
    fn a_cut_mail_says_how_long_it_was_beside_what_it_reports() {
        let mail = |json: Option<&str>, bytes| {
            details(&MailFact { report_json: json.map(str::to_owned), truncated_from: bytes, ..MailFact::default() })
        };
        assert_eq!(mail(None, None), None);
        assert_eq!(mail(None, Some(7)).as_deref(), Some(r#"{"truncated_from_bytes":7}"#));
        assert_eq!(mail(Some(r#"{"kind":"x"}"#), Some(7)).as_deref(), Some(r#"{"kind":"x","truncated_from_bytes":7}"#));
    }

    #[test]
    fn a_providers_time_counts_within_reason() {
        let received = Timestamp::from_seconds(2_000_000_000);
        let at = |medium, time| occurred_at(&fact(medium, time), received);
        assert_eq!(at(Medium::WhatsApp, Some(1_999_999_000)), Timestamp::from_seconds(1_999_999_000));
        assert_eq!(at(Medium::WhatsApp, Some(4_070_908_800)), received + NEWEST_AFTER_RECEIPT, "2099");
        assert_eq!(at(Medium::WhatsApp, Some(0)), received - OLDEST_BEFORE_RECEIPT, "1970");
        assert_eq!(at(Medium::WhatsApp, None), received);
        assert_eq!(at(Medium::Email, Some(1_999_999_000)), received, "a Date header is the sender's word");
    }
}
