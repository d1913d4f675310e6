//! Which adapter reads a raw item.

use std::panic::{AssertUnwindSafe, catch_unwind};

use relevo_channels::{NotUnderstood, NotUnderstoodReason, Target, Update, What, email, meta, twilio};
use relevo_eventlog::{InputKind, Notes, RawInput};

use crate::routes::{Endpoint, Routes};

/// The updates of a raw item, in the order of its bytes. An input that makes an adapter panic is one update that is parked:
/// it must neither stop intake nor be lost.
pub(crate) fn updates(input: &RawInput, routes: &Routes) -> Vec<Update> {
    let adapted = catch_unwind(AssertUnwindSafe(|| match input.kind {
        InputKind::Meta => meta::updates(&input.body),
        InputKind::Twilio => twilio::updates(&input.body, &input.notes.query),
        InputKind::Email => noted(email::updates(&input.body, own_addresses(input, routes)), &input.notes),
    }));
    adapted.unwrap_or_else(|_panic| {
        let target = match input.kind {
            InputKind::Meta => Target::Nowhere,
            InputKind::Twilio | InputKind::Email => Target::Endpoint,
        };
        let not = NotUnderstood { reason: NotUnderstoodReason::Malformed, at: "adapter".to_owned(), class: None };
        vec![Update { target, content: Err(not) }]
    })
}

/// Mails with what whoever fetched them says: that they are history, or that only their beginning is here.
fn noted(mut updates: Vec<Update>, notes: &Notes) -> Vec<Update> {
    let facts = updates.iter_mut().filter_map(|update| update.content.as_mut().ok());
    for fact in facts {
        if let What::Mail(mail) = &mut fact.what {
            mail.flags.imported = notes.imported;
            mail.truncated_from = notes.truncated_from;
        }
    }
    updates
}

fn own_addresses<'r>(input: &RawInput, routes: &'r Routes) -> &'r [String] {
    match routes.endpoints.get(&input.endpoint) {
        Some(Endpoint::Email { own_addresses, .. }) => own_addresses,
        Some(Endpoint::Meta(_) | Endpoint::Twilio(_)) | None => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo_channels::MailFact;
    use relevo_domain::{EndpointId, MessageId, Timestamp};

    fn read(kind: InputKind, notes: Notes, body: &'static [u8]) -> What {
        let endpoint = EndpointId::new("e").unwrap();
        let (received_at, content_type) = (Timestamp::from_seconds(1_800_000_000), String::new());
        let input = RawInput { endpoint, kind, received_at, content_type, notes, body: body.into() };
        updates(&input, &Routes::default()).remove(0).content.unwrap().what
    }

    fn mail(notes: Notes) -> MailFact {
        let raw = b"From: ana@x.example\r\nMessage-ID: <a@x>\r\nSubject: Hola\r\n\r\nHola\r\n";
        let What::Mail(mail) = read(InputKind::Email, notes, raw) else { panic!("no mail") };
        *mail
    }

    #[test]
    fn history_is_marked_and_is_nobodys_words_now() {
        let imported = mail(Notes { imported: true, ..Notes::default() });
        assert!(imported.flags.imported && !imported.flags.by_a_person());
        assert!(mail(Notes::default()).flags.by_a_person());
    }

    #[test]
    fn a_mail_of_which_only_the_beginning_is_here_says_so() {
        let cut = mail(Notes { truncated_from: Some(60_000_000), ..Notes::default() });
        assert_eq!(cut.truncated_from, Some(60_000_000));
    }

    #[test]
    fn a_callbacks_query_names_our_message() {
        let id = MessageId::new([7; 16]);
        let notes = Notes { query: format!("message={id}"), ..Notes::default() };
        let form = b"MessageSid=SM1&MessageStatus=sent&AccountSid=AC1&To=whatsapp%3A%2B549115";
        let What::Status(status) = read(InputKind::Twilio, notes, form) else { panic!("no status") };
        assert_eq!(status.ours, Some(id));
    }
}
