//! Every Twilio form of the shared fixtures, against what `EXPECTED.tsv` says that a correct adapter sees.

use super::updates;
use crate::fact::{Class, Fact, NotUnderstoodReason, What};
use crate::testing::{expected, fixture};

#[test]
fn twilio_payloads() {
    let mut checked = 0;
    for case in expected("twilio/") {
        let file = &case.file;
        let all = updates(&fixture(file).unwrap(), "");
        let facts: Vec<&Fact> = all.iter().filter_map(|update| update.content.as_ref().ok()).collect();
        let count = |class| facts.iter().filter(|fact| fact.class() == class).count();
        assert_eq!(
            (all.len(), count(Class::Message), count(Class::Status)),
            (1, case.messages, case.statuses),
            "{file}"
        );
        match facts.first().map(|fact| &fact.what) {
            Some(What::Message(message)) => {
                assert!(case.types.is_empty() || case.types.contains(message.kind.as_str()), "{file}");
                assert!(case.senders.contains(message.sender_address.as_deref().unwrap()), "{file}");
                assert!(case.quoted.is_none() || message.quoted_provider_id == case.quoted, "{file}");
            }
            Some(What::Status(status)) => {
                let word = case.types.first().unwrap().strip_prefix("status:").unwrap();
                let ours = if word == "undelivered" { "failed" } else { word };
                assert_eq!(status.status.as_str(), ours, "{file}");
                assert_eq!(status.error_code.as_deref(), case.note.strip_prefix("ErrorCode "), "{file}");
            }
            Some(other) => panic!("{file}: {other:?}"),
            None => {
                let refused = all[0].content.as_ref().unwrap_err();
                assert_eq!(
                    (refused.reason, refused.class),
                    (NotUnderstoodReason::MissingId, Some(Class::Message)),
                    "{file}"
                );
            }
        }
        checked += 1;
    }
    assert!(checked == 0 || checked > 25, "only {checked} payloads");
}
