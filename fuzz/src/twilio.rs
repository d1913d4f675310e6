//! The form of Twilio's webhook, with the query of the address that it was posted to.

use relevo_channels::{What, twilio};
use relevo_domain::MessageId;
use relevo_domain::conversation::Medium;
use serde_json::Value;

use crate::weight;

/// Bytes of output that a byte of input may come to: a byte that is no UTF-8 becomes three, and may stand in the key, the
/// message, the identifiers and the details.
const GROWTH_MAX: usize = 32;
const BESIDE: usize = 1_024;

/// What stands before the first NUL is the query.
pub fn run(data: &[u8]) {
    let mut halves = data.splitn(2, |byte| *byte == 0);
    let (first, second) = (halves.next().unwrap_or_default(), halves.next());
    let (query, form) = second.map_or((&[][..], first), |form| (first, form));
    let query = String::from_utf8_lossy(query);
    let updates = twilio::updates(form, &query);
    assert_eq!(updates, twilio::updates(form, &query), "the same bytes say the same");
    assert!(updates.len() <= 1, "a form is one update");
    let weight = weight::of(&updates);
    assert!(weight <= GROWTH_MAX * data.len() + BESIDE, "{weight} bytes of {}", data.len());
    for update in updates {
        let Ok(fact) = update.content else { continue };
        assert!(!fact.key.provider_id.trim().is_empty());
        assert!(matches!(fact.medium, Medium::WhatsApp | Medium::Sms), "{:?}", fact.medium);
        assert!(fact.identifiers.iter().all(|identifier| !identifier.value.trim().is_empty()), "a name of nobody");
        let details = match &fact.what {
            What::Message(message) => {
                let fields = form.split(|byte| *byte == b'&').count();
                assert!(message.attachments.len() <= fields, "{} files, {} fields", message.attachments.len(), fields);
                &message.details_json
            }
            What::Status(status) => {
                if let Some(ours) = status.ours {
                    assert_eq!(ours.to_string().parse(), Ok(ours) as Result<MessageId, _>);
                }
                &status.details_json
            }
            other => panic!("neither message nor status: {other:?}"),
        };
        if let Some(details) = details {
            assert!(serde_json::from_str::<Value>(details).is_ok_and(|read| read.is_object()), "{details}");
        }
    }
}
